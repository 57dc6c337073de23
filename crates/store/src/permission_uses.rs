//! When each person last used each permission, place by place, to the day. A measurement, not a decision.

use domain::access::{Grant, Permission};
use domain::ids::{OrganizationId, ProjectId, UserId};
use domain::reviews::Use;
use domain::time::Timestamp;

use crate::standings::id_or_none;
use crate::{Error, Result, Row, Store, args};

/// A use of a permission by somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NotedUse {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The person.
    pub user_id: UserId,
    /// The permission.
    pub permission: Permission,
    /// The project; none for the organization or a list of it.
    pub project_id: Option<ProjectId>,
    /// The start of the day, UTC.
    pub day: Timestamp,
}

impl Store {
    /// Keeps the latest day of each; an earlier day than the kept one changes nothing.
    ///
    /// # Errors
    /// `Unavailable` when the database is away; nothing is kept then.
    pub async fn note_uses(&self, uses: &[NotedUse]) -> Result<()> {
        let mut tx = self.measure().await?;
        for used in uses {
            tx.run(
                "insert into permission_uses (organization_id, user_id, permission, project_id, day) \
                 values ($1, $2, $3, $4, $5) on conflict (organization_id, user_id, permission, project_id) \
                 do update set day = excluded.day where excluded.day > permission_uses.day",
                args![
                    used.organization_id,
                    used.user_id,
                    used.permission.name(),
                    used.project_id.map(|id| id.to_string()).unwrap_or_default(),
                    used.day
                ],
            )
            .await?;
        }
        tx.commit().await
    }

    /// Every use in the grant's organization, person by person.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn uses(&self, grant: &Grant) -> Result<Vec<(UserId, Use)>> {
        let sql = "select user_id, permission, project_id, day from permission_uses where organization_id = $1 \
                   order by user_id";
        let rows = self.rows(sql, args![grant.organization_id()]).await?;
        rows.iter().filter_map(|row| read(row).transpose()).collect()
    }

    /// Since when uses are noted: since the table is there.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn uses_noted_since(&self) -> Result<Timestamp> {
        let row =
            self.row("select applied_at from migrations where name = $1", args!["0009_reviews"]).await?;
        row.ok_or_else(|| Error::Corrupt("a migration is not noted".to_owned()))?.time("applied_at")
    }
}

/// A use; none of a permission that is not known any more.
fn read(row: &Row) -> Result<Option<(UserId, Use)>> {
    let Some(permission) = Permission::parse(&row.text("permission")?) else { return Ok(None) };
    let used = Use { permission, project_id: id_or_none(row, "project_id")?, day: row.time("day")? };
    Ok(Some((row.id("user_id")?, used)))
}
