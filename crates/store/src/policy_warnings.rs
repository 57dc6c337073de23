//! What policy warned of and let pass: counted in memory, told to the store once in a while, summed by day.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use domain::access::Grant;
use domain::ids::{OrganizationId, ProjectId};
use domain::policy::{Setting, Warned};
use domain::time::{DAY, Timestamp};

use crate::dialect::Row;
use crate::error::Result;
use crate::{Store, args};

/// So many kinds of warnings are told apart between two writes; more of them are let go.
const KINDS_MAX: usize = 10_000;

/// What a warning let pass, summed over a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The setting that would have refused.
    pub setting: Setting,
    /// Where: the project's id, or empty.
    pub project_id: String,
    /// Whose key: its id, or empty.
    pub key_id: String,
    /// What: a model, an address, a name.
    pub subject: String,
    /// The start of the day, in UTC.
    pub day: Timestamp,
    /// How often.
    pub count: i64,
    /// When last.
    pub last_at: Timestamp,
}

/// What was warned of since the store was last told.
#[derive(Default)]
pub struct Warnings(Mutex<HashMap<Warned, (i64, Timestamp)>>);

impl Warnings {
    /// Counts one.
    pub fn note(&self, warned: Warned, at: Timestamp) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= KINDS_MAX && !counts.contains_key(&warned) {
            return;
        }
        let entry = counts.entry(warned).or_insert((0, at));
        *entry = (entry.0 + 1, at);
    }

    /// Tells the store what was counted.
    ///
    /// # Errors
    /// When the store is away; the counts are kept for the next time.
    pub async fn flush(&self, store: &Store) -> Result<()> {
        let counts = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if counts.is_empty() {
            return Ok(());
        }
        let warnings: Vec<_> = counts.iter().map(|(warned, (count, at))| of(warned, *count, *at)).collect();
        let written = store.count_policy_warnings(&warnings).await;
        if written.is_err() {
            self.put_back(counts);
        }
        written
    }

    fn put_back(&self, counts: HashMap<Warned, (i64, Timestamp)>) {
        let mut present = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (warned, (count, at)) in counts {
            let entry = present.entry(warned).or_insert((0, at));
            *entry = (entry.0 + count, entry.1.max(at));
        }
    }
}

fn of(warned: &Warned, count: i64, at: Timestamp) -> (OrganizationId, Warning) {
    let warning = Warning {
        setting: warned.setting,
        project_id: warned.project_id.map(|id| id.to_string()).unwrap_or_default(),
        key_id: warned.key_id.map(|id| id.to_string()).unwrap_or_default(),
        subject: warned.subject.clone(),
        day: at,
        count,
        last_at: at,
    };
    (warned.organization_id, warning)
}

impl Store {
    /// The warnings of the grant's organization since a moment, of one project or all, the most frequent first; at most
    /// 1,000.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn policy_warnings(
        &self,
        grant: &Grant,
        since: Timestamp,
        project: Option<ProjectId>,
    ) -> Result<Vec<Warning>> {
        let sql = "select * from policy_warnings where organization_id = $1 and day >= $2 \
                   and ($3 = '' or project_id = $3) order by count desc, setting, project_id, key_id, subject limit 1000";
        let project = project.map(|id| id.to_string()).unwrap_or_default();
        let rows = self.rows(sql, args![grant.organization_id(), day_of(since), project]).await?;
        rows.iter().map(warning_of).collect()
    }

    /// Adds warnings to what was counted of their days.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn count_policy_warnings(&self, warnings: &[(OrganizationId, Warning)]) -> Result<()> {
        let mut tx = self.measure().await?;
        for (organization, one) in warnings {
            tx.run(
                "insert into policy_warnings (organization_id, setting, project_id, key_id, subject, day, count, last_at) \
                 values ($1, $2, $3, $4, $5, $6, $7, $8) \
                 on conflict (organization_id, day, setting, project_id, key_id, subject) do update set \
                 count = policy_warnings.count + excluded.count, last_at = excluded.last_at",
                args![
                    *organization,
                    one.setting.name(),
                    &one.project_id,
                    &one.key_id,
                    &one.subject,
                    day_of(one.last_at),
                    one.count,
                    one.last_at
                ],
            )
            .await?;
        }
        tx.commit().await
    }
}

fn day_of(at: Timestamp) -> Timestamp {
    Timestamp::from_unix_micros(at.unix_micros() - at.unix_micros().rem_euclid(DAY))
}

fn warning_of(row: &Row) -> Result<Warning> {
    Ok(Warning {
        setting: row.word("setting", Setting::parse)?,
        project_id: row.text("project_id")?,
        key_id: row.text("key_id")?,
        subject: row.text("subject")?,
        day: row.time("day")?,
        count: row.int("count")?,
        last_at: row.time("last_at")?,
    })
}
