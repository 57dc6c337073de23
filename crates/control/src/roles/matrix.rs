//! What roles give, as a table for people: permissions by area, one column per role.

use domain::access::{Level, Permission, Permissions, Role};

/// What a role says of one permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// It gives it.
    Yes,
    /// It gives it for what one owns.
    Own,
    /// It does not.
    No,
}

impl Cell {
    /// The word for people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::Own => "own",
            Self::No => "no",
        }
    }
}

/// The roles and what each gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleMatrix {
    /// The names of the roles, in the order of the columns.
    pub roles: Vec<String>,
    /// The permissions by what they are about.
    pub areas: Vec<MatrixArea>,
}

/// Permissions about the same things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatrixArea {
    /// What they are about.
    pub title: &'static str,
    /// Each.
    pub rows: Vec<MatrixRow>,
}

/// One permission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatrixRow {
    /// Its name.
    pub name: &'static str,
    /// What it allows.
    pub sentence: &'static str,
    /// What each role says of it, in the order of the columns.
    pub cells: Vec<Cell>,
}

/// What permissions can be about, in the order of pages.
const AREAS: [&str; 5] = ["Organization", "People and access", "Projects", "Keys", "Models and money"];

/// What a permission is about.
const fn area_of(permission: Permission) -> &'static str {
    use Permission as P;
    match permission {
        P::MemberRead
        | P::MemberManage
        | P::InviteRead
        | P::InviteManage
        | P::RoleRead
        | P::RoleManage
        | P::GroupRead
        | P::GroupManage
        | P::AccessRead
        | P::ReviewRead
        | P::ReviewManage
        | P::ApprovalRead
        | P::ApprovalDecide
        | P::ElevationRequest
        | P::ApprovalRequest => AREAS[1],
        P::ProjectCreate
        | P::ProjectRead
        | P::ProjectUpdate
        | P::ProjectArchive
        | P::ProjectPolicyRead
        | P::ProjectPolicyManage
        | P::ProjectMemberRead
        | P::ProjectMemberManage
        | P::ProjectInviteRead
        | P::ProjectInvite
        | P::ProjectRoleManage
        | P::ServiceAccountRead
        | P::ServiceAccountManage
        | P::HandoverRead
        | P::HandoverResolve => AREAS[2],
        P::AdminKeyRead
        | P::AdminKeyManage
        | P::ApiKeyRead
        | P::ApiKeyReadOwn
        | P::ApiKeyManage
        | P::ApiKeyManageOwn => AREAS[3],
        P::ProviderRead
        | P::ProviderManage
        | P::PriceRead
        | P::PriceManage
        | P::AllowanceManage
        | P::AllowanceRead
        | P::AllowanceManageKeys
        | P::UsageRead
        | P::UsageReadOwn
        | P::CostRead => AREAS[4],
        _ => AREAS[0],
    }
}

/// The permissions that are shown by area, areas without any left out.
pub(super) fn by_area<T>(
    is_shown: impl Fn(Permission) -> bool,
    mut told: impl FnMut(Permission) -> T,
) -> Vec<(&'static str, Vec<T>)> {
    let mut areas = Vec::new();
    for title in AREAS {
        let of_area = |permission: &Permission| area_of(*permission) == title && is_shown(*permission);
        let told: Vec<T> = Permission::ALL.iter().copied().filter(of_area).map(&mut told).collect();
        if !told.is_empty() {
            areas.push((title, told));
        }
    }
    areas
}

/// Whether a permission is the `own` form of another.
pub(super) fn is_own(permission: Permission) -> bool {
    Permission::ALL.iter().any(|wide| wide.own() == Some(permission))
}

impl RoleMatrix {
    /// The table of some roles: of all permissions, or of those that roles of projects can give.
    pub fn of(roles: &[Role], level: Level) -> Self {
        let is_shown = |permission: Permission| {
            (level == Level::Organization || permission.level() == level) && !is_own(permission)
        };
        let row = |permission: Permission| MatrixRow {
            name: permission.name(),
            sentence: permission.sentence(),
            cells: roles.iter().map(|role| cell(role.permissions(), permission)).collect(),
        };
        Self {
            roles: roles.iter().map(|role| role.name().to_owned()).collect(),
            areas: by_area(is_shown, row)
                .into_iter()
                .map(|(title, rows)| MatrixArea { title, rows })
                .collect(),
        }
    }
}

fn cell(given: Permissions, permission: Permission) -> Cell {
    match permission.own() {
        _ if given.holds(permission) => Cell::Yes,
        Some(own) if given.holds(own) => Cell::Own,
        _ => Cell::No,
    }
}
