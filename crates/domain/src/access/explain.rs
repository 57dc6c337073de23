//! Why somebody may or may not do something: the decision of `authorize`, with the assignments that made it.

use super::authorize::{Target, authorize};
use super::grant::{Actor, Reach};
use super::permission::{Level, Permission};
use super::permissions::Permissions;
use super::roles::RoleRef;
use super::standing::Assignment;
use crate::error::Error;
use crate::ids::{ProjectId, UserId};

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
    /// What a yes reaches.
    pub reach: Option<Reach>,
    /// Whether it is about a list of the organization that is made of what its projects hold.
    pub is_list: bool,
    /// The assignments that give the permission, or its `own` form; empty where none does.
    pub because: Vec<Assignment>,
}

impl Explanation {
    /// The same about one thing in the target, such as a key: what is allowed for one's own is allowed for it only
    /// when it is theirs, and otherwise the thing is not there to them.
    #[must_use]
    pub fn about_a_thing_of(self, owner: Option<UserId>, asked_about: UserId) -> Self {
        if self.decision != Decision::AllowedOwn {
            return self;
        }
        match owner == Some(asked_about) {
            true => Self { decision: Decision::Allowed, ..self },
            false => Self { decision: Decision::Hidden, code: Some("not_found"), reach: None, ..self },
        }
    }
}

/// An assignment with the names by which people know its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The assignment.
    pub assignment: Assignment,
    /// The name of the role.
    pub role_name: String,
    /// The name of the only project in which it counts.
    pub project_name: Option<String>,
    /// The name of the group through which it came.
    pub group_name: Option<String>,
    /// The name of who gave it.
    pub given_by_name: Option<String>,
}

/// Which built-in roles give a permission, and whether each gives all of it or only its `own` form.
pub fn roles_that_give(permission: Permission) -> Vec<(RoleRef, bool)> {
    let gives = |role: RoleRef| {
        let given = role.built_in_permissions().unwrap_or(Permissions::NONE);
        let is_whole = given.holds(permission);
        let is_own = permission.own().is_some_and(|own| given.holds(own));
        (is_whole || is_own).then_some((role, is_whole))
    };
    [Level::Organization, Level::Project].into_iter().flat_map(RoleRef::built_in).filter_map(gives).collect()
}

/// Explains what `authorize` answers this person.
pub fn explain(actor: &Actor, permission: Permission, target: Target) -> Explanation {
    let (decision, code, reach) = match authorize(actor, permission, target) {
        Ok(grant) => match grant.reach() {
            Reach::Some { whole, own, .. } if whole.is_empty() && !own.is_empty() => {
                (Decision::AllowedOwn, None, Some(grant.reach().clone()))
            }
            Reach::All | Reach::Some { .. } => (Decision::Allowed, None, Some(grant.reach().clone())),
        },
        Err(Error::Forbidden { code, .. }) => (Decision::Forbidden, Some(code), None),
        Err(_) => (Decision::Hidden, Some("not_found"), None),
    };
    Explanation {
        decision,
        code,
        reach,
        is_list: is_list(permission, target),
        because: because(actor, permission, target),
    }
}

fn is_list(permission: Permission, target: Target) -> bool {
    matches!(target, Target::Organization(_)) && permission.level() == Level::Project
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
    let is_list = is_list(permission, target);
    let counts = |one: &&Assignment| is_list || one.project_id.is_none() || one.project_id == project;
    standing.assignments.iter().filter(gives).filter(counts).cloned().collect()
}
