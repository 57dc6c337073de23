//! Nothing wider than the giver, and nobody above oneself. Checked when rights are given and again when they are
//! used: an invitation at acceptance, an admin key at each call.

use super::grant::{Grant, Holder};
use super::permissions::Permissions;
use super::standing::{Assignment, Standing};
use crate::error::Error;
use crate::ids::ProjectId;

impl Standing {
    /// Whether these rights could be given by somebody who stands so: in one project, or in the organization.
    pub fn covers(&self, given: Permissions, project: Option<ProjectId>) -> bool {
        given.is_within(self.rights_at(project))
    }

    /// The rights in one project, or in the organization and so in all projects.
    pub fn rights_at(&self, project: Option<ProjectId>) -> Permissions {
        match project {
            None => self.rights(),
            Some(project) => self.rights().or(self.rights_in(project)),
        }
    }

    /// Refuses what would leave somebody with more for good, in any place, than they had before: what one has only for
    /// a while one cannot make one's own, by whatever way.
    ///
    /// # Errors
    /// `own_elevation`.
    pub fn gained_nothing_since(&self, before: &Self) -> Result<(), Error> {
        let (now, before) = (self.lasting(), before.lasting());
        let mut places = std::iter::once(None).chain(now.projects().into_iter().map(Some));
        if places.all(|place| now.rights_at(place).is_within(before.rights_at(place))) {
            return Ok(());
        }
        let sentence = "You are elevated for a while, so you cannot give yourself rights for good.";
        Err(Error::forbidden("own_elevation", sentence))
    }

    /// Whether somebody who stands so has all that another has, in every place.
    pub fn covers_all(&self, other: &Self) -> bool {
        let mut places = std::iter::once(None).chain(other.projects().into_iter().map(Some));
        places.all(|place| self.covers(other.rights_at(place), place))
    }

    /// The same person with what somebody else has too, place by place: for what somebody made who acts as them.
    #[must_use]
    pub fn within(&self, other: &Self) -> Self {
        let narrowed = |one: &Assignment| {
            let permissions = one.permissions.and(other.rights_at(one.project_id));
            Assignment { permissions, ..one.clone() }
        };
        Self { assignments: self.assignments.iter().map(narrowed).collect(), ..self.clone() }
    }
}

impl Grant {
    /// Refuses to give rights that the grant's holder does not have in the same place. The system has all.
    ///
    /// # Errors
    /// `wider_than_giver`, naming what is missing.
    pub fn may_give(&self, given: Permissions, project: Option<ProjectId>) -> Result<(), Error> {
        let missing = self.missing(given, project);
        if missing.is_empty() {
            return Ok(());
        }
        let sentence = format!("You cannot give rights that you do not have: {}.", named(missing));
        Err(Error::forbidden("wider_than_giver", sentence))
    }

    /// Refuses to take away, or to change, rights that the grant's holder does not have in the same place: somebody
    /// of higher rank gave them.
    ///
    /// # Errors
    /// `higher_rank`, naming what is missing.
    pub fn may_take(&self, given: Permissions, project: Option<ProjectId>) -> Result<(), Error> {
        let missing = self.missing(given, project);
        if missing.is_empty() { Ok(()) } else { Err(higher_rank("This gives rights", missing)) }
    }

    /// Refuses to change somebody of higher rank: who has rights of that place that the grant's holder has not.
    ///
    /// # Errors
    /// `higher_rank`, naming what is missing.
    pub fn may_change(&self, other: &Standing, project: Option<ProjectId>) -> Result<(), Error> {
        let rank = match project {
            None => other.rights(),
            Some(_) => other.rights_at(project).of_projects(),
        };
        let missing = self.missing(rank, project);
        if missing.is_empty() { Ok(()) } else { Err(higher_rank("This person has rights", missing)) }
    }

    /// Refuses to take somebody's place, as whoever resets a password could: all their rights count, everywhere.
    ///
    /// # Errors
    /// `higher_rank`, naming what is missing.
    pub fn may_stand_for(&self, other: &Standing) -> Result<(), Error> {
        for place in std::iter::once(None).chain(other.projects().into_iter().map(Some)) {
            let missing = self.missing(other.rights_at(place), place);
            if !missing.is_empty() {
                return Err(higher_rank("This person has rights", missing));
            }
        }
        Ok(())
    }

    /// What of these rights the holder does not have there; nothing for the system, which has all.
    fn missing(&self, wanted: Permissions, project: Option<ProjectId>) -> Permissions {
        let Holder::Person(actor) = self.holder() else { return Permissions::NONE };
        let standing =
            actor.standing.as_ref().filter(|one| Some(one.organization_id) == self.organization_id());
        standing.map_or(wanted, |standing| wanted.without(standing.rights_at(project)))
    }
}

fn higher_rank(what: &str, missing: Permissions) -> Error {
    let missing = named(missing);
    let sentence = format!("{what} that you do not have: {missing}. Ask somebody who has them.");
    Error::forbidden("higher_rank", sentence)
}

/// The first few by name, and how many more they are.
fn named(missing: Permissions) -> String {
    const FEW: usize = 5;
    let names = missing.plain_names();
    match names.len() {
        0..=FEW => names.join(", "),
        count => format!("{} and {} more", names[..FEW].join(", "), count - FEW),
    }
}
