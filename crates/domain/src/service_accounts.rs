//! Service accounts: non-human principals that a project owns, each with a named human key owner.

use crate::access::ProjectRole;
use crate::ids::{ProjectId, ServiceAccountId, UserId};
use crate::time::Timestamp;

/// A service account of one project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccount {
    /// Its id.
    pub id: ServiceAccountId,
    /// The project that owns it.
    pub project_id: ProjectId,
    /// The name people read.
    pub name: String,
    /// Its role in the project; none for an account that only carries keys.
    pub role: Option<ProjectRole>,
    /// The person answerable for its keys.
    pub key_owner_id: UserId,
    /// When it was created.
    pub created_at: Timestamp,
}

/// How the person who answers for an account's keys stands in the organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOwnerStatus {
    /// A member of it.
    Active,
    /// A member who is suspended.
    Suspended,
    /// No member any more: somebody else has to answer for the keys.
    Removed,
}

impl KeyOwnerStatus {
    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Removed => "removed",
        }
    }
}
