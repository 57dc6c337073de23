//! Roles as lists show them, and roles that a person or a group has been given, with where each comes from.

use std::fmt;

use super::permission::Level;
use super::permissions::Permissions;
use super::roles::{CustomRole, OrganizationRole, ProjectRole, RoleRef};
use crate::error::Error;
use crate::ids::{GroupId, ProjectId, UserId};
use crate::time::Timestamp;

/// A role with all that is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// A built-in role of the organization.
    Organization(OrganizationRole),
    /// A built-in role of a project.
    Project(ProjectRole),
    /// A custom role.
    Custom(CustomRole),
}

impl Role {
    /// Every built-in role at a level, in the order of their ids.
    pub fn built_in(level: Level) -> Vec<Self> {
        let mut roles = match level {
            Level::Organization => OrganizationRole::ALL.map(Self::Organization).to_vec(),
            Level::Project => ProjectRole::ALL.map(Self::Project).to_vec(),
        };
        roles.sort_by_key(|role| role.reference().to_string());
        roles
    }

    /// Which role it is.
    pub const fn reference(&self) -> RoleRef {
        match self {
            Self::Organization(role) => RoleRef::Organization(*role),
            Self::Project(role) => RoleRef::Project(*role),
            Self::Custom(role) => RoleRef::Custom(role.id),
        }
    }

    /// The name people read.
    pub fn name(&self) -> &str {
        match self {
            Self::Organization(role) => role.title(),
            Self::Project(role) => role.title(),
            Self::Custom(role) => &role.name,
        }
    }

    /// What it is for.
    pub fn description(&self) -> &str {
        match self {
            Self::Organization(role) => role.sentence(),
            Self::Project(role) => role.sentence(),
            Self::Custom(role) => &role.description,
        }
    }

    /// What it gives.
    pub fn permissions(&self) -> Permissions {
        match self {
            Self::Organization(role) => role.permissions(),
            Self::Project(role) => role.permissions(),
            Self::Custom(role) => role.permissions,
        }
    }

    /// Where it can be given.
    pub const fn level(&self) -> Level {
        match self {
            Self::Organization(_) => Level::Organization,
            Self::Project(_) => Level::Project,
            Self::Custom(role) => role.level(),
        }
    }

    /// The custom role that it is.
    pub const fn custom(&self) -> Option<&CustomRole> {
        match self {
            Self::Organization(_) | Self::Project(_) => None,
            Self::Custom(role) => Some(role),
        }
    }
}

/// To whom a role can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Principal {
    /// A member of the organization.
    User(UserId),
    /// A group of the organization, and so whoever is in it.
    Group(GroupId),
}

impl Principal {
    /// The word on the wire.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::Group(_) => "group",
        }
    }
}

/// The id.
impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "{id}"),
            Self::Group(id) => write!(f, "{id}"),
        }
    }
}

impl std::str::FromStr for Principal {
    type Err = Error;

    /// # Errors
    /// `invalid_id` when the text is the id of neither.
    fn from_str(id: &str) -> Result<Self, Error> {
        id.parse().map(Self::User).or_else(|_| id.parse().map(Self::Group))
    }
}

/// One reason for which somebody has a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleSource {
    /// To whom it was given: the person, or a group of theirs.
    pub principal: Principal,
    /// Who gave it; none for what the system gave.
    pub given_by: Option<UserId>,
    /// When.
    pub given_at: Timestamp,
    /// When it ends by itself.
    pub ends_at: Option<Timestamp>,
}

/// A role that a person or a group has in one place, with every reason for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenRole {
    /// The role.
    pub role: Role,
    /// The project; none for the organization.
    pub project_id: Option<ProjectId>,
    /// Where it comes from, oldest first.
    pub sources: Vec<RoleSource>,
}

impl GivenRole {
    /// Whether it was given to this principal itself, and not only to a group of theirs.
    pub fn is_direct(&self, principal: Principal) -> bool {
        self.sources.iter().any(|source| source.principal == principal)
    }
}
