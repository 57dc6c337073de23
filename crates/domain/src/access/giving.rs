//! Nothing wider than the giver, and nobody above oneself. Checked when rights are given and again when they are
//! used: an invitation at acceptance, an admin key at each call.

use super::grant::{Grant, Holder};
use super::permissions::Permissions;
use super::standing::Standing;
use crate::error::Error;
use crate::ids::{ProjectId, UserId};

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
}

impl Grant {
    /// Refuses to give rights that the grant's holder does not have in the same place. The system has all.
    ///
    /// # Errors
    /// `wider_than_giver`, naming what is missing.
    pub fn may_give(&self, given: Permissions, project: Option<ProjectId>) -> Result<(), Error> {
        let Some(held) = self.rights_at(project) else { return Ok(()) };
        let missing = given.without(held);
        if missing.is_empty() {
            return Ok(());
        }
        let sentence =
            format!("You cannot give rights that you do not have: {}.", missing.names().join(", "));
        Err(Error::forbidden("wider_than_giver", sentence))
    }

    /// Refuses to make one's own for good what one has only for a while: to give it to anybody else is allowed, and
    /// the trail says that who gave it was elevated.
    ///
    /// # Errors
    /// `own_elevation`.
    pub fn may_keep(&self, who: UserId, given: Permissions, project: Option<ProjectId>) -> Result<(), Error> {
        let own = self.actor().filter(|actor| actor.user_id == who);
        let Some(standing) = own.and_then(|actor| actor.standing.as_ref()) else { return Ok(()) };
        let kept = given.without(standing.lasting().rights_at(project));
        if kept.is_empty() || standing.elevated_until().is_none() {
            return Ok(());
        }
        let sentence =
            "You have these rights only for a while, so you cannot give them to yourself for good.";
        Err(Error::forbidden("own_elevation", sentence))
    }

    /// Refuses to change somebody of higher rank: who has rights of that place that the grant's holder has not.
    ///
    /// # Errors
    /// `higher_rank`.
    pub fn may_change(&self, other: &Standing, project: Option<ProjectId>) -> Result<(), Error> {
        let Some(held) = self.rights_at(project) else { return Ok(()) };
        let rank = match project {
            None => other.rights(),
            Some(_) => other.rights_at(project).of_projects(),
        };
        if rank.is_within(held) { Ok(()) } else { Err(higher_rank()) }
    }

    /// Refuses to take somebody's place, as whoever resets a password could: all their rights count, everywhere.
    ///
    /// # Errors
    /// `higher_rank`.
    pub fn may_stand_for(&self, other: &Standing) -> Result<(), Error> {
        let places = std::iter::once(None).chain(other.projects().into_iter().map(Some));
        let is_covered =
            |place| self.rights_at(place).is_none_or(|held| other.rights_at(place).is_within(held));
        if places.into_iter().all(is_covered) { Ok(()) } else { Err(higher_rank()) }
    }

    /// What the holder has there; none for the system, which has all.
    fn rights_at(&self, project: Option<ProjectId>) -> Option<Permissions> {
        let Holder::Person(actor) = self.holder() else { return None };
        let standing =
            actor.standing.as_ref().filter(|one| Some(one.organization_id) == self.organization_id());
        Some(standing.map_or(Permissions::NONE, |standing| standing.rights_at(project)))
    }
}

fn higher_rank() -> Error {
    let sentence = "This person has rights that you do not have. Ask somebody who has them.";
    Error::forbidden("higher_rank", sentence)
}
