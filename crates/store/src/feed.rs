//! The feed of changes that replicas follow to keep what calls read up to date.

use domain::ids::OrganizationId;

use crate::error::Result;
use crate::{Store, args};

/// One change, as much of it as a follower needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its place in the order of all changes.
    pub sequence: i64,
    /// The organization; none for the instance's own.
    pub organization_id: Option<OrganizationId>,
    /// What was done.
    pub verb: String,
    /// The id of what it was done to.
    pub target_id: String,
}

impl Store {
    /// The place of the newest change.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn feed_position(&self) -> Result<i64> {
        let head = self.row("select sequence from feed_head where only_row = 1", args![]).await?;
        head.map_or(Ok(0), |row| row.int("sequence"))
    }

    /// Changes after a place, oldest first, at most `limit`.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn feed_after(&self, sequence: i64, limit: i64) -> Result<Vec<Event>> {
        let rows = self
            .rows(
                "select sequence, organization_id, verb, target_id from events where sequence > $1 order by sequence limit $2",
                args![sequence, limit],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Event {
                    sequence: row.int("sequence")?,
                    organization_id: row.text("organization_id")?.parse().ok(),
                    verb: row.text("verb")?,
                    target_id: row.text("target_id")?,
                })
            })
            .collect()
    }
}
