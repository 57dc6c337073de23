//! Why somebody may or may not do something: the decision of `authorize`, with the assignments that made it.

use super::authorize::{Target, authorize};
use super::grant::{Actor, Reach};
use super::permission::{Level, Permission};
use super::standing::Assignment;
use crate::error::Error;
use crate::ids::ProjectId;

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Yes, all of it.
    Allowed,
    /// Yes, for what they own.
    AllowedOwn,
    /// No, though they know of it.
    Forbidden,
    /// No, and to them it is not there.
    Hidden,
}

impl Decision {
    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::AllowedOwn => "allowed_own",
            Self::Forbidden => "forbidden",
            Self::Hidden => "hidden",
        }
    }

    /// Whether it is a yes.
    pub const fn is_allowed(self) -> bool {
        matches!(self, Self::Allowed | Self::AllowedOwn)
    }
}

/// A decision with its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What was decided.
    pub decision: Decision,
    /// The stable code of a refusal.
    pub code: Option<&'static str>,
    /// The assignments that give the permission, or its `own` form; empty where none does.
    pub because: Vec<Assignment>,
}

/// Explains what `authorize` answers this person.
pub fn explain(actor: &Actor, permission: Permission, target: Target) -> Explanation {
    let (decision, code) = match authorize(actor, permission, target) {
        Ok(grant) => match grant.reach() {
            Reach::Some { whole, own, .. } if whole.is_empty() && !own.is_empty() => {
                (Decision::AllowedOwn, None)
            }
            Reach::All | Reach::Some { .. } => (Decision::Allowed, None),
        },
        Err(Error::Forbidden { code, .. }) => (Decision::Forbidden, Some(code)),
        Err(_) => (Decision::Hidden, Some("not_found")),
    };
    Explanation { decision, code, because: because(actor, permission, target) }
}

fn because(actor: &Actor, permission: Permission, target: Target) -> Vec<Assignment> {
    let (organization, project): (_, Option<ProjectId>) = match target {
        Target::Account => return Vec::new(),
        Target::Organization(organization) => (organization, None),
        Target::Project(organization, project) => (organization, Some(project)),
    };
    let Some(standing) = actor.standing.as_ref().filter(|one| one.organization_id == organization) else {
        return Vec::new();
    };
    let gives = |one: &&Assignment| {
        one.permissions.holds(permission) || permission.own().is_some_and(|own| one.permissions.holds(own))
    };
    // A list of the organization is made of what counts in any of its projects.
    let is_list = project.is_none() && permission.level() == Level::Project;
    let counts = |one: &&Assignment| is_list || one.project_id.is_none() || one.project_id == project;
    standing.assignments.iter().filter(gives).filter(counts).cloned().collect()
}
