//! The built-in roles: which permissions each gives. Roles derive from roles; `matrix.txt` prints the result.

use serde::{Deserialize, Serialize};

use super::permission::{Level, Permission};

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
}

/// What a member is in one project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProjectRole {
    /// Manages the people, keys and usage of the project.
    Owner,
    /// Works in the project with keys of their own.
    Member,
}

impl OrganizationRole {
    /// Every organization role, in the order of the printed matrix.
    pub const ALL: [Self; 3] = [Self::Admin, Self::Member, Self::Finance];

    /// The exact word, in the database and in `bailiwick_role`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Member => "member",
            Self::Finance => "finance",
        }
    }

    /// The word for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Admin => "Admin",
            Self::Member => "Member",
            Self::Finance => "Finance",
        }
    }

    /// The word of the compatible admin API: Admin is `owner`, every other role `reader`.
    pub const fn wire(self) -> &'static str {
        match self {
            Self::Admin => "owner",
            Self::Member | Self::Finance => "reader",
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

    /// Whether the role gives the permission, in the organization and so in all its projects.
    pub const fn gives(self, permission: Permission) -> bool {
        use Permission as P;
        match self {
            Self::Admin => true,
            Self::Finance => {
                Self::Member.gives(permission) || matches!(permission, P::CostRead | P::PriceRead)
            }
            Self::Member => matches!(permission, P::OrganizationRead),
        }
    }
}

impl ProjectRole {
    /// Every project role, in the order of the printed matrix.
    pub const ALL: [Self; 2] = [Self::Owner, Self::Member];

    /// The exact word, in the database and in `bailiwick_role`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Member => "member",
        }
    }

    /// The word for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Owner => "Project Owner",
            Self::Member => "Member",
        }
    }

    /// The word of the compatible admin API.
    pub const fn wire(self) -> &'static str {
        self.name()
    }

    /// The role of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == word)
    }

    /// Whether the role gives the permission in its project; never an organization's permission.
    pub const fn gives(self, permission: Permission) -> bool {
        use Permission as P;
        match self {
            Self::Owner => {
                Self::Member.gives(permission)
                    || (matches!(permission.level(), Level::Project)
                        && !matches!(permission, P::ProjectArchive))
            }
            Self::Member => matches!(
                permission,
                P::ProjectRead
                    | P::ProjectMemberRead
                    | P::ServiceAccountRead
                    | P::ApiKeyReadOwn
                    | P::ApiKeyManageOwn
                    | P::UsageReadOwn
            ),
        }
    }
}
