//! Changes of policy on trial: what stood there before, until the trial is kept or undone.

use domain::access::Grant;
use domain::ids::OrganizationId;
use domain::policy::{Setting, Spot, Trial};
use domain::time::Timestamp;

use crate::change::Change;
use crate::dialect::Row;
use crate::error::Result;
use crate::policy::{entry_of, spot_of};
use crate::{Store, args};

const OF_ORGANIZATION: &str =
    "select * from policy_trials where organization_id = $1 order by setting, level, level_id";

impl Store {
    /// The trials of the grant's organization that are neither kept nor undone.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn policy_trials(&self, grant: &Grant) -> Result<Vec<Trial>> {
        let rows = self.rows(OF_ORGANIZATION, args![grant.organization_id()]).await?;
        rows.iter().map(trial_of).collect()
    }

    /// Where trials of all organizations are over, at most `limit`.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn overdue_policy_trials(
        &self,
        _: &Grant,
        at: Timestamp,
        limit: i64,
    ) -> Result<Vec<(OrganizationId, Spot, Setting)>> {
        let sql = "select * from policy_trials where ends_at <= $1 order by ends_at limit $2";
        let rows = self.rows(sql, args![at, limit]).await?;
        let place =
            |row: &Row| Ok((row.id("organization_id")?, spot_of(row)?, row.word("setting", Setting::parse)?));
        rows.iter().map(place).collect()
    }
}

impl Change {
    /// The trials of the grant's organization; after `lock_policy` nobody else changes them.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn policy_trials(&mut self, grant: &Grant) -> Result<Vec<Trial>> {
        let rows = self.rows(OF_ORGANIZATION, args![grant.organization_id()]).await?;
        rows.iter().map(trial_of).collect()
    }

    /// Begins a trial. One that runs there goes on until the new end, and goes back to what stood before it.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn begin_policy_trial(&mut self, grant: &Grant, trial: &Trial) -> Result<()> {
        let (kind, before) = (trial.setting.kind(), trial.before.as_ref());
        self.run(
            "insert into policy_trials (organization_id, setting, level, level_id, value, mode, is_locked, floor, \
             set_by, set_at, ends_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
             on conflict (organization_id, level, level_id, setting) do update set ends_at = excluded.ends_at",
            args![
                grant.organization_id(),
                trial.setting.name(),
                trial.spot.level().name(),
                trial.spot.id(),
                before.map(|entry| kind.show(&entry.value).to_string()),
                before.map(|entry| entry.mode.name().to_owned()),
                before.map(|entry| entry.is_locked),
                before.and_then(|entry| entry.floor.as_ref()).map(|floor| kind.show(floor).to_string()),
                before.and_then(|entry| entry.set_by),
                before.map(|entry| entry.set_at),
                trial.ends_at
            ],
        )
        .await
        .map(drop)
    }

    /// Ends the trial that runs at a spot, and returns it: what was set stays, unless the caller goes back.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn end_policy_trial(
        &mut self,
        grant: &Grant,
        spot: Spot,
        setting: Setting,
    ) -> Result<Option<Trial>> {
        let sql = "delete from policy_trials where organization_id = $1 and level = $2 and level_id = $3 \
                   and setting = $4 returning *";
        let args = args![grant.organization_id(), spot.level().name(), spot.id(), setting.name()];
        self.row(sql, args).await?.as_ref().map(trial_of).transpose()
    }
}

fn trial_of(row: &Row) -> Result<Trial> {
    let before = row.opt_text("value")?.map(|_| entry_of(row)).transpose()?;
    Ok(Trial {
        setting: row.word("setting", Setting::parse)?,
        spot: spot_of(row)?,
        before: before.map(|(_, entry)| entry),
        ends_at: row.time("ends_at")?,
    })
}
