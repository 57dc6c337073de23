//! Users and memberships. One user, many organizations, a role in each.

use crate::access::{OrganizationRole, ProjectRole};
use crate::error::Error;
use crate::ids::{OrganizationId, ProjectId, UserId};
use crate::time::Timestamp;

/// A person, known across organizations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Their address, in its one spelling.
    pub email: String,
    /// Their name.
    pub name: String,
    /// When they first joined.
    pub created_at: Timestamp,
}

/// A user's membership of one organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The person.
    pub user: User,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The role in it.
    pub role: OrganizationRole,
    /// When they joined it.
    pub added_at: Timestamp,
    /// Since when they are suspended: no session and no key of theirs works here.
    pub suspended_at: Option<Timestamp>,
}

/// A user's role in one project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectMember {
    /// The person.
    pub user: User,
    /// The project.
    pub project_id: ProjectId,
    /// The role in it.
    pub role: ProjectRole,
    /// When it was given.
    pub added_at: Timestamp,
}

/// An organization always keeps an Admin who can sign in.
///
/// # Errors
/// `last_admin` when the change would leave `admins_after`, the number of those, at zero.
pub fn keeps_an_admin(admins_after: i64) -> Result<(), Error> {
    if admins_after > 0 {
        return Ok(());
    }
    Err(Error::conflict(
        "last_admin",
        "An organization keeps at least one Admin. Make somebody else Admin first.",
    ))
}

/// A password as accepted: 12 to 256 characters, not just one character repeated.
///
/// # Errors
/// `weak_password`.
pub fn password(text: &str) -> Result<&str, Error> {
    let length = text.chars().count();
    let first = text.chars().next();
    if !(12..=256).contains(&length) || text.chars().all(|c| Some(c) == first) {
        return Err(Error::invalid_param(
            "weak_password",
            "password",
            "Choose a password of 12 to 256 characters.",
        ));
    }
    Ok(text)
}
