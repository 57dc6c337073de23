//! Roles: named sets of permissions. Built-in roles derive from roles; `matrix.txt` prints the result. Custom roles
//! are made of listed permissions, at organization or project level.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::permission::{Level, Permission};
use super::permissions::Permissions;
use crate::error::Error;
use crate::ids::{OrganizationId, ProjectId, RoleId, UserId};
use crate::text;
use crate::time::Timestamp;

/// What a member is in the organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrganizationRole {
    /// Sees and manages everything; the creator is the first one.
    Admin,
    /// Belongs to the organization; what else they may do, their project roles say.
    Member,
    /// Sees cost totals per project and model; no keys, no single calls, no one's activity.
    Finance,
    /// Reads everything, changes nothing, sees no secret.
    Auditor,
}

/// What a member is in one project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProjectRole {
    /// Manages the people, keys and usage of the project.
    Owner,
    /// Works in the project with keys of their own.
    Member,
    /// Looks on: the project, its people, its usage and cost; has no key.
    Viewer,
}

impl OrganizationRole {
    /// Every organization role, in the order of the printed matrix.
    pub const ALL: [Self; 4] = [Self::Admin, Self::Member, Self::Finance, Self::Auditor];

    /// The exact word, in the database and in `bailiwick_role`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Member => "member",
            Self::Finance => "finance",
            Self::Auditor => "auditor",
        }
    }

    /// The word for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Admin => "Admin",
            Self::Member => "Member",
            Self::Finance => "Finance",
            Self::Auditor => "Auditor",
        }
    }

    /// What it is, in one sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Admin => "Sees and manages everything.",
            Self::Member => "Sees the projects in which they have a role.",
            Self::Finance => "Sees cost totals per project and model; no keys and no single calls.",
            Self::Auditor => "Reads everything, changes nothing, sees no secret.",
        }
    }

    /// The word of the compatible admin API: Admin is `owner`, every other role `reader`.
    pub const fn wire(self) -> &'static str {
        match self {
            Self::Admin => "owner",
            Self::Member | Self::Finance | Self::Auditor => "reader",
        }
    }

    /// The role of an exact word or of a word of the compatible API (`reader` is Member).
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "owner" => Some(Self::Admin),
            "reader" => Some(Self::Member),
            exact => Self::ALL.into_iter().find(|role| role.name() == exact),
        }
    }

    /// What the role gives, in the organization and so in all its projects.
    pub fn permissions(self) -> Permissions {
        use Permission as P;
        const MEMBER: Permissions =
            Permissions::of(&[P::OrganizationRead, P::ElevationRequest, P::ApprovalRequest]);
        match self {
            Self::Admin => Permissions::all(),
            Self::Member => MEMBER,
            Self::Finance => MEMBER.or(Permissions::of(&[P::CostRead, P::PriceRead])),
            Self::Auditor => MEMBER.or(Permissions::all().reads()),
        }
    }

    /// Whether the role gives the permission.
    pub fn gives(self, permission: Permission) -> bool {
        self.permissions().holds(permission)
    }
}

impl ProjectRole {
    /// Every project role, in the order of the printed matrix.
    pub const ALL: [Self; 3] = [Self::Owner, Self::Member, Self::Viewer];

    /// The exact word, in the database and in `bailiwick_role`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Member => "member",
            Self::Viewer => "viewer",
        }
    }

    /// The word for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Owner => "Project Owner",
            Self::Member => "Member",
            Self::Viewer => "Viewer",
        }
    }

    /// What it is, in one sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Owner => "Manages the people, keys and usage of the project.",
            Self::Member => "Works in the project with keys of their own.",
            Self::Viewer => "Looks on; has no key.",
        }
    }

    /// The word of the compatible admin API, which knows no viewer.
    pub const fn wire(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Member | Self::Viewer => "member",
        }
    }

    /// The role of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == word)
    }

    /// What the role gives in its project; never an organization's permission.
    pub fn permissions(self) -> Permissions {
        use Permission as P;
        const VIEWER: Permissions = Permissions::of(&[
            P::ProjectRead,
            P::ProjectPolicyRead,
            P::ProjectMemberRead,
            P::UsageRead,
            P::CostRead,
        ]);
        const MEMBER: Permissions = Permissions::of(&[
            P::ProjectRead,
            P::ProjectPolicyRead,
            P::ProjectMemberRead,
            P::ServiceAccountRead,
            P::ApiKeyReadOwn,
            P::ApiKeyManageOwn,
            P::UsageReadOwn,
        ]);
        match self {
            Self::Owner => Permissions::all().of_projects().without(Permissions::of(&[P::ProjectArchive])),
            Self::Member => MEMBER,
            Self::Viewer => VIEWER,
        }
    }

    /// Whether the role gives the permission.
    pub fn gives(self, permission: Permission) -> bool {
        self.permissions().holds(permission)
    }
}

/// Which role: a built-in one, or a custom one by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoleRef {
    /// A built-in role of the organization.
    Organization(OrganizationRole),
    /// A built-in role of a project.
    Project(ProjectRole),
    /// A custom role.
    Custom(RoleId),
}

impl RoleRef {
    /// Every built-in role at a level.
    pub fn built_in(level: Level) -> Vec<Self> {
        match level {
            Level::Organization => OrganizationRole::ALL.map(Self::Organization).to_vec(),
            Level::Project => ProjectRole::ALL.map(Self::Project).to_vec(),
        }
    }

    /// The level of a built-in role; a custom role's is its own.
    pub const fn level(self) -> Option<Level> {
        match self {
            Self::Organization(_) => Some(Level::Organization),
            Self::Project(_) => Some(Level::Project),
            Self::Custom(_) => None,
        }
    }

    /// What a built-in role gives; a custom one says itself.
    pub fn built_in_permissions(self) -> Option<Permissions> {
        match self {
            Self::Organization(role) => Some(role.permissions()),
            Self::Project(role) => Some(role.permissions()),
            Self::Custom(_) => None,
        }
    }

    /// The role of an id on the wire: ours, and the two forms that public providers build for built-in roles
    /// (`role-api-project-owner`, with or without `__api-project__proj_…`).
    ///
    /// # Errors
    /// `Hidden`: what cannot be a role is told like one that is not there.
    pub fn of_wire(id: &str) -> Result<Self, Error> {
        let hidden = || Error::Hidden { what: "role" };
        let short = id.split("__").next().unwrap_or(id);
        if let Some(word) = short.strip_prefix("role-api-organization-") {
            return OrganizationRole::parse(word).map(Self::Organization).ok_or_else(hidden);
        }
        if let Some(word) = short.strip_prefix("role-api-project-") {
            return ProjectRole::parse(word).map(Self::Project).ok_or_else(hidden);
        }
        id.parse().map(Self::Custom).map_err(|_| hidden())
    }
}

/// The id on the wire and in the database.
impl fmt::Display for RoleRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization(role) => write!(f, "role-api-organization-{}", role.name()),
            Self::Project(role) => write!(f, "role-api-project-{}", role.name()),
            Self::Custom(id) => write!(f, "{id}"),
        }
    }
}

impl FromStr for RoleRef {
    type Err = Error;

    fn from_str(id: &str) -> Result<Self, Error> {
        Self::of_wire(id)
    }
}

/// A role that an organization, or one of its projects, made for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomRole {
    /// Its id.
    pub id: RoleId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The project whose role it is; none for a role of the organization.
    pub project_id: Option<ProjectId>,
    /// The name people read; unique at its level.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What it gives.
    pub permissions: Permissions,
    /// Who made it.
    pub created_by: Option<UserId>,
    /// When.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl CustomRole {
    /// Where it can be given.
    pub const fn level(&self) -> Level {
        match self.project_id {
            None => Level::Organization,
            Some(_) => Level::Project,
        }
    }
}

/// The permissions of a custom role out of their names.
///
/// A role of a project takes permissions of project level alone. A role of the organization reaches all projects, so
/// it takes no `own` form by itself: whose own would that be in a project in which one does not work.
///
/// # Errors
/// `permissions_required`; `unknown_permission`; `permission_not_for_level`.
pub fn custom_permissions(names: &[String], level: Level) -> Result<Permissions, Error> {
    let refuse = |code, message: String| Err(Error::invalid_param(code, "permissions", message));
    let mut set = Permissions::NONE;
    for name in names {
        let Some(permission) = Permission::parse(name) else {
            let sentence =
                format!("There is no permission {name}. GET /v1/organization/permissions lists them.");
            return refuse("unknown_permission", sentence);
        };
        let is_own = Permission::ALL.iter().any(|wide| wide.own() == Some(permission));
        let fits = match level {
            Level::Organization => !is_own || names.iter().any(|wide| is_wide_of(wide, permission)),
            Level::Project => permission.level() == Level::Project,
        };
        if !fits {
            return refuse("permission_not_for_level", format!("A role at this level cannot give {name}."));
        }
        set = set.with(permission);
    }
    match set.is_empty() {
        true => refuse("permissions_required", "Name at least one permission.".to_owned()),
        false => Ok(set),
    }
}

fn is_wide_of(name: &str, own: Permission) -> bool {
    Permission::parse(name).and_then(Permission::own) == Some(own)
}

/// The name of a custom role: like any name, and not that of a built-in role.
///
/// # Errors
/// `invalid_name`; `role_name_reserved`.
pub fn custom_name(typed: &str, level: Level) -> Result<String, Error> {
    let name = text::name(typed, "role_name")?;
    let taken = RoleRef::built_in(level).into_iter().any(|role| role_title(role).eq_ignore_ascii_case(&name));
    if taken {
        let sentence = "This is the name of a built-in role. Choose another.";
        return Err(Error::invalid_param("role_name_reserved", "role_name", sentence));
    }
    Ok(name)
}

/// The word for people of a built-in role; a custom role has its own name.
pub const fn role_title(role: RoleRef) -> &'static str {
    match role {
        RoleRef::Organization(role) => role.title(),
        RoleRef::Project(role) => role.title(),
        RoleRef::Custom(_) => "Custom role",
    }
}
