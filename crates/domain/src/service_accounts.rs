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
