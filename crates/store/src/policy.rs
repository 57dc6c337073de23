//! Policy as it was set: entries of every level and exceptions.

use domain::access::Grant;
use domain::ids::{ExceptionId, KeyId, ProjectId};
use domain::page::{Page, PageRequest};
use domain::policy::{Effective, Entry, Exception, Mode, Place, Policy, Setting, Spot, Value};
use domain::time::Timestamp;

use crate::change::Change;
use crate::dialect::Row;
use crate::error::{Error, Result};
use crate::reached::Reached;
use crate::{Store, args};

pub use crate::policy_warnings::{Warning, Warnings};

const ENTRIES: &str =
    "select * from policy_entries where organization_id = $1 order by setting, level, level_id";
/// What is set for the entrances of the organization, of a project and of a key.
const OF_ENTRANCES: &str = "select * from policy_entries where organization_id = $1 \
     and setting in ('network.sign_in', 'network.admin_api') \
     and (level in ('organization', 'environment') or level_id = $2 or level_id = $3)";
const EXCEPTIONS_OF_ENTRANCES: &str = "select * from policy_exceptions where organization_id = $1 \
     and setting in ('network.sign_in', 'network.admin_api') and ended_at is null and ends_at > $4 \
     and (level = 'environment' or level_id = $2 or level_id = $3)";
const EXCEPTIONS: &str = "select * from policy_exceptions where organization_id = $1 and ended_at is null \
     and ends_at > $2 order by id";

/// What people know a key by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyLabel {
    /// The key.
    pub id: KeyId,
    /// Its project; none for an admin key.
    pub project_id: Option<ProjectId>,
    /// Its name.
    pub name: String,
    /// The masked form of its newest secret.
    pub redacted: String,
}

impl Store {
    /// All that the grant's organization set, with the exceptions that stand at a moment.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn policy(&self, grant: &Grant, at: Timestamp) -> Result<Policy> {
        let entries = self.rows(ENTRIES, args![grant.organization_id()]).await?;
        let exceptions = self.rows(EXCEPTIONS, args![grant.organization_id(), at]).await?;
        policy_of(&entries, &exceptions)
    }

    /// What of the policy of the grant's organization says who may enter, there and at a project, with a key.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn policy_of_entrances(
        &self,
        grant: &Grant,
        (project, key): (Option<ProjectId>, Option<KeyId>),
        at: Timestamp,
    ) -> Result<Policy> {
        let entries = self.rows(OF_ENTRANCES, args![grant.organization_id(), project, key]).await?;
        let args = args![grant.organization_id(), project, key, at];
        policy_of(&entries, &self.rows(EXCEPTIONS_OF_ENTRANCES, args).await?)
    }

    /// The project of a key of the grant's organization; none for an admin key.
    ///
    /// # Errors
    /// `NotFound` when there is no such key in it.
    pub async fn key_place(&self, grant: &Grant, key: KeyId) -> Result<Option<ProjectId>> {
        let sql = "select project_id from api_keys where id = $1 and organization_id = $2";
        let row = self.row(sql, args![key, grant.organization_id()]).await?;
        row.ok_or(Error::not_found("API key"))?.opt_id("project_id")
    }

    /// Names of some keys within the grant's reach; those that are not there are left out.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn key_labels(&self, grant: &Grant, keys: Vec<String>) -> Result<Vec<KeyLabel>> {
        let sql = "select id, project_id, name, redacted from api_keys where organization_id = $1 \
                   and ($2 or project_id in list($3)) and id in list($4)";
        let to = Reached::of(grant);
        let rows = self.rows(sql, args![to.organization, to.all, to.whole, keys]).await?;
        let label = |row: &Row| {
            Ok(KeyLabel {
                id: row.id("id")?,
                project_id: row.opt_id("project_id")?,
                name: row.text("name")?,
                redacted: row.text("redacted")?,
            })
        };
        rows.iter().map(label).collect()
    }

    /// A page of the exceptions of the grant's organization, ended ones too, newest first.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn policy_exceptions(
        &self,
        grant: &Grant,
        page: &PageRequest,
    ) -> Result<Page<(Spot, Exception)>> {
        let sql = "select * from policy_exceptions where organization_id = $1 and ($2 = '' or id < $2) \
                   order by id desc limit $3";
        let after = page.after.clone().unwrap_or_default();
        let rows = self.rows(sql, args![grant.organization_id(), after, page.limit + 1]).await?;
        Ok(Page::from_read(rows.iter().map(exception_of).collect::<Result<_>>()?, page.limit))
    }
}

impl Change {
    /// All that the grant's organization set, while no one else can change it.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn lock_policy(&mut self, grant: &Grant) -> Result<Policy> {
        let lock = "select id from organizations where id = $1 for update";
        self.row(lock, args![grant.organization_id()]).await?.ok_or(Error::not_found("organization"))?;
        let entries = self.rows(ENTRIES, args![grant.organization_id()]).await?;
        let exceptions = self.rows(EXCEPTIONS, args![grant.organization_id(), self.at()]).await?;
        policy_of(&entries, &exceptions)
    }

    /// What holds of a setting in the grant's organization itself.
    pub(crate) async fn own_setting(&mut self, grant: &Grant, setting: Setting) -> Result<Effective> {
        let entries = self.rows(ENTRIES, args![grant.organization_id()]).await?;
        Ok(policy_of(&entries, &[])?.at(Place::ORGANIZATION, setting, self.at()))
    }

    /// Writes what a spot of the grant's organization sets.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn write_policy_entry(&mut self, grant: &Grant, spot: Spot, entry: &Entry) -> Result<()> {
        let kind = entry.setting.kind();
        self.run(
            "insert into policy_entries (organization_id, setting, level, level_id, value, mode, is_locked, floor, \
             set_by, set_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
             on conflict (organization_id, level, level_id, setting) do update set value = excluded.value, \
             mode = excluded.mode, is_locked = excluded.is_locked, floor = excluded.floor, \
             set_by = excluded.set_by, set_at = excluded.set_at",
            args![
                grant.organization_id(),
                entry.setting.name(),
                spot.level().name(),
                spot.id(),
                &kind.show(&entry.value),
                entry.mode.name(),
                entry.is_locked,
                entry.floor.as_ref().map(|floor| kind.show(floor).to_string()),
                entry.set_by,
                entry.set_at
            ],
        )
        .await
        .map(drop)
    }

    /// Takes away what a spot set; whether it set something.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn delete_policy_entry(&mut self, grant: &Grant, spot: Spot, setting: Setting) -> Result<bool> {
        let sql = "delete from policy_entries where organization_id = $1 and level = $2 and level_id = $3 \
                   and setting = $4";
        let args = args![grant.organization_id(), spot.level().name(), spot.id(), setting.name()];
        Ok(self.run(sql, args).await? > 0)
    }

    /// Adds an exception at a spot of the grant's organization.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn insert_policy_exception(
        &mut self,
        grant: &Grant,
        spot: Spot,
        new: &Exception,
    ) -> Result<()> {
        self.run(
            "insert into policy_exceptions (id, organization_id, setting, level, level_id, value, reason, ends_at, \
             given_by, given_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            args![
                new.id,
                grant.organization_id(),
                new.setting.name(),
                spot.level().name(),
                spot.id(),
                &new.setting.kind().show(&new.value),
                &new.reason,
                new.ends_at,
                new.given_by,
                new.given_at
            ],
        )
        .await
        .map(drop)
    }

    /// Ends an exception that stands, and returns it.
    ///
    /// # Errors
    /// `NotFound` when none of that id stands.
    pub async fn end_policy_exception(
        &mut self,
        grant: &Grant,
        id: ExceptionId,
    ) -> Result<(Spot, Exception)> {
        let sql = "update policy_exceptions set ended_at = $3 where id = $1 and organization_id = $2 \
                   and ended_at is null and ends_at > $3 returning *";
        let row = self.row(sql, args![id, grant.organization_id(), self.at()]).await?;
        exception_of(&row.ok_or(Error::not_found("policy exception"))?)
    }
}

fn policy_of(entries: &[Row], exceptions: &[Row]) -> Result<Policy> {
    let entries = entries.iter().map(entry_of).collect::<Result<Vec<_>>>()?;
    let exceptions = exceptions.iter().map(exception_of).collect::<Result<Vec<_>>>()?;
    Ok(Policy::new(entries, exceptions))
}

pub(crate) fn spot_of(row: &Row) -> Result<Spot> {
    Ok(Spot::parse(&row.text("level")?, &row.text("level_id")?)?)
}

fn value_of(row: &Row, column: &str, setting: Setting) -> Result<Value> {
    let json: serde_json::Value = row.json(column)?;
    Ok(setting.kind().read(&json)?)
}

pub(crate) fn entry_of(row: &Row) -> Result<(Spot, Entry)> {
    let (spot, setting) = (spot_of(row)?, row.word("setting", Setting::parse)?);
    let floor = row.opt_text("floor")?.map(|_| value_of(row, "floor", setting)).transpose()?;
    let entry = Entry {
        setting,
        level: spot.level(),
        value: value_of(row, "value", setting)?,
        mode: row.word("mode", Mode::parse)?,
        is_locked: row.flag("is_locked")?,
        floor,
        set_by: row.opt_id("set_by")?,
        set_at: row.time("set_at")?,
    };
    Ok((spot, entry))
}

fn exception_of(row: &Row) -> Result<(Spot, Exception)> {
    let (spot, setting) = (spot_of(row)?, row.word("setting", Setting::parse)?);
    let exception = Exception {
        id: row.id("id")?,
        setting,
        level: spot.level(),
        value: value_of(row, "value", setting)?,
        reason: row.text("reason")?,
        // One that was ended early ended then.
        ends_at: row.opt_time("ended_at")?.map_or_else(|| row.time("ends_at"), Ok)?,
        given_by: row.opt_id("given_by")?,
        given_at: row.time("given_at")?,
    };
    Ok((spot, exception))
}
