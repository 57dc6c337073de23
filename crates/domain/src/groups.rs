//! Groups: members of an organization under one name, to whom roles are given together.

use crate::error::Error;
use crate::ids::{GroupId, OrganizationId, ProjectId, UserId};
use crate::members::User;
use crate::time::Timestamp;

/// The most characters of a group's name.
const NAME_LENGTH: usize = 255;

/// A group of one organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The name people read; unique in the organization.
    pub name: String,
    /// How many people are in it.
    pub people: i64,
    /// Who made it.
    pub created_by: Option<UserId>,
    /// When.
    pub created_at: Timestamp,
}

/// Somebody in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMember {
    /// The person.
    pub user: User,
    /// Since when.
    pub added_at: Timestamp,
}

/// A group that has a role in a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectGroup {
    /// The group.
    pub group: Group,
    /// The project.
    pub project_id: ProjectId,
    /// Since when.
    pub added_at: Timestamp,
}

/// The name of a group: 1 to 255 characters, no control characters.
///
/// # Errors
/// `invalid_name`.
pub fn name(typed: &str) -> Result<String, Error> {
    let trimmed = typed.trim();
    let is_short = trimmed.chars().count() <= NAME_LENGTH;
    let fits = !trimmed.is_empty() && is_short && !trimmed.chars().any(char::is_control);
    fits.then(|| trimmed.to_owned())
        .ok_or_else(|| Error::invalid_param("invalid_name", "name", "Give a name of 1 to 255 characters."))
}
