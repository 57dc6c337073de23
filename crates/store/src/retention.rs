//! What is old and not kept any longer. Usage records leave their sums behind, the audit trail leaves its last hash: both
//! can still be checked from there, and the audit record of the purge says what has to be there.

use domain::access::Grant;
use domain::audit::{AuditEntry, AuditRecord, Verb};
use domain::ids::OrganizationId;
use domain::policy::Setting;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::change::Change;
use crate::dialect::Row;
use crate::error::{Error, Result};
use crate::{Store, args};

/// What all purged usage records of an organization add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// How many they were.
    pub records: i64,
    /// Their tokens of every kind.
    pub tokens: i64,
    /// Their cost in nano-dollars.
    pub cost_nano_usd: i64,
}

impl Sealed {
    pub(crate) fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            records: row.int("records")?,
            tokens: row.int("tokens")?,
            cost_nano_usd: row.int("cost_nano_usd")?,
        })
    }
}

/// The last record of a trail that was purged; the first that is there follows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// Its place in the chain, which is how many were purged.
    pub sequence: i64,
    /// Its hash.
    pub hash: String,
}

impl Anchor {
    pub(crate) fn read(row: &Row) -> Result<Self> {
        Ok(Self { sequence: row.int("sequence")?, hash: row.text("hash")? })
    }
}

/// What is sealed of an organization.
pub(crate) const SEALED: &str = "select CAST(coalesce(sum(requests), 0) AS BIGINT) as records, \
     CAST(coalesce(sum(input + cached_input + cache_write + output + reasoning), 0) AS BIGINT) as tokens, \
     CAST(coalesce(sum(cost), 0) AS BIGINT) as cost_nano_usd from purged_usage where organization_id = $1";

/// Where the trail of an organization begins.
pub(crate) const ANCHOR: &str = "select sequence, hash from audit_anchors where organization_id = $1";

/// Puts the sums of some records beside what is sealed already.
const SEAL: &str = "insert into purged_usage (organization_id, bucket_start, attribution_id, project_id, key_id, model, \
     endpoint, provider_id, requests, input, cached_input, cache_write, output, reasoning, cost) \
     select r.organization_id, r.admitted_at / 900000000 * 900000000, r.attribution_id, r.project_id, r.key_id, r.model, \
     r.endpoint, r.provider_id, count(*), CAST(sum(r.input) AS BIGINT), CAST(sum(r.cached_input) AS BIGINT), \
     CAST(sum(r.cache_write) AS BIGINT), CAST(sum(r.output) AS BIGINT), CAST(sum(r.reasoning) AS BIGINT), \
     CAST(sum(r.cost) AS BIGINT) from usage_records r where r.id in list($1) group by 1, 2, 3, 4, 5, 6, 7, 8 \
     on conflict (organization_id, bucket_start, attribution_id, project_id, key_id, model, endpoint, provider_id) \
     do update set requests = purged_usage.requests + excluded.requests, input = purged_usage.input + excluded.input, \
     cached_input = purged_usage.cached_input + excluded.cached_input, \
     cache_write = purged_usage.cache_write + excluded.cache_write, output = purged_usage.output + excluded.output, \
     reasoning = purged_usage.reasoning + excluded.reasoning, cost = purged_usage.cost + excluded.cost";

impl Store {
    /// The organizations that themselves set something.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn organizations_that_set(&self, _: &Grant, setting: Setting) -> Result<Vec<OrganizationId>> {
        let sql = "select organization_id from policy_entries where setting = $1 and level = 'organization' \
                   order by organization_id";
        let rows = self.rows(sql, args![setting.name()]).await?;
        rows.iter().map(|row| row.id("organization_id")).collect()
    }

    /// Whether the grant's organization has usage records of calls that were admitted before a moment.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn has_usage_before(&self, grant: &Grant, before: Timestamp) -> Result<bool> {
        let sql = "select id from usage_records where organization_id = $1 and admitted_at < $2 limit 1";
        Ok(self.row(sql, args![grant.organization_id(), before]).await?.is_some())
    }

    /// Whether the trail of the grant's organization begins before a moment.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn has_audit_before(&self, grant: &Grant, before: Timestamp) -> Result<bool> {
        let sql = "select at from audit_records where organization_id = $1 order by sequence limit 1";
        let row = self.row(sql, args![grant.organization_id()]).await?;
        row.map_or(Ok(false), |row| Ok(row.time("at")? < before))
    }
}

impl Change {
    /// Purges usage records of the grant's organization whose calls were admitted before a moment, the oldest first, at
    /// most `limit`, and seals their sums. Returns how many went and what the trail has to say of it; none when there was
    /// nothing.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn purge_usage(
        &mut self,
        grant: &Grant,
        before: Timestamp,
        limit: i64,
    ) -> Result<Option<(i64, AuditEntry)>> {
        // Whoever books records locks this row too.
        let lock = "select records from metering_heads where organization_id = $1 for update";
        if self.row(lock, args![grant.organization_id()]).await?.is_none() {
            return Ok(None);
        }
        let oldest = "select id from usage_records where organization_id = $1 and admitted_at < $2 \
                      order by admitted_at, id limit $3";
        let rows = self.rows(oldest, args![grant.organization_id(), before, limit]).await?;
        let ids = rows.iter().map(|row| row.text("id")).collect::<Result<Vec<_>>>()?;
        if ids.is_empty() {
            return Ok(None);
        }
        let count = i64::try_from(ids.len()).unwrap_or(i64::MAX);
        self.run(SEAL, args![ids.clone()]).await?;
        self.run("delete from usage_records where id in list($1)", args![ids]).await?;
        let sealed = self.sealed(grant).await?;
        let entry = entry(Verb::UsagePurged, grant, json!({"records": count, "sealed": sealed}), before);
        Ok(Some((count, entry)))
    }

    /// Purges the beginning of the trail of the grant's organization up to the first record that is not from before a
    /// moment, at most `limit` records, with their events in the feed. Returns how many went and what the trail has to say
    /// of it; none when there was nothing.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn purge_audit(
        &mut self,
        grant: &Grant,
        before: Timestamp,
        limit: i64,
    ) -> Result<Option<(i64, AuditEntry)>> {
        let organization = grant.organization_id();
        let lock = "select sequence from audit_heads where organization_id = $1 for update";
        let Some(head) = self.row(lock, args![organization]).await? else { return Ok(None) };
        let anchor = self.row(ANCHOR, args![organization]).await?;
        let begins = anchor.map_or(Ok(0), |row| row.int("sequence"))?;
        let kept = "select sequence from audit_records where organization_id = $1 and sequence <= $3 and at >= $2 \
                    order by sequence limit 1";
        let most = begins.saturating_add(limit).min(head.int("sequence")?);
        let first_kept = self.row(kept, args![organization, before, most]).await?;
        let last = first_kept.map_or(Ok(most), |row| row.int("sequence").map(|kept| kept - 1))?;
        if last <= begins {
            return Ok(None);
        }
        let sql = "select sequence, hash, at from audit_records where organization_id = $1 and sequence = $2";
        let row = self.row(sql, args![organization, last]).await?;
        let row = row.ok_or_else(|| Error::Corrupt("an audit chain has a gap".to_owned()))?;
        let anchor = Anchor::read(&row)?;
        self.run(
            "insert into audit_anchors (organization_id, sequence, hash, purged_at) values ($1, $2, $3, $4) \
             on conflict (organization_id) do update set sequence = excluded.sequence, hash = excluded.hash, \
             purged_at = excluded.purged_at",
            args![organization, anchor.sequence, &anchor.hash, self.at()],
        )
        .await?;
        let events = "delete from events where organization_id = $1 and at <= $2";
        self.run(events, args![organization, row.time("at")?]).await?;
        let records = "delete from audit_records where organization_id = $1 and sequence <= $2";
        self.run(records, args![organization, last]).await?;
        // What a purge of usage said may just have gone with it.
        let sealed = self.sealed(grant).await?;
        let count = last - begins;
        let entry = entry(
            Verb::AuditPurged,
            grant,
            json!({"records": count, "anchor": anchor, "sealed": sealed}),
            before,
        );
        Ok(Some((count, entry)))
    }
}

impl Change {
    async fn sealed(&mut self, grant: &Grant) -> Result<Sealed> {
        let row = self.row(SEALED, args![grant.organization_id()]).await?;
        row.as_ref().map_or(Ok(Sealed::default()), Sealed::read)
    }
}

fn entry(verb: Verb, grant: &Grant, mut purged: Json, before: Timestamp) -> AuditEntry {
    purged["before"] = json!(before.unix_seconds());
    AuditEntry::new(verb, grant.organization_id().map(|id| id.to_string()).unwrap_or_default()).after(purged)
}

/// What the records of purges say last, of what has to be there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// Where the trail begins; none where nothing of it was purged.
    pub(crate) anchor: Option<Anchor>,
    /// What all purged usage records add up to.
    pub(crate) sealed: Sealed,
}

impl Said {
    /// Takes in what a record of the trail says. What cannot be read says nothing.
    pub(crate) fn hear(&mut self, record: &AuditRecord) {
        let part = |name: &str| record.entry.after.get(name).cloned().unwrap_or_default();
        match record.entry.verb {
            Verb::AuditPurged => self.anchor = serde_json::from_value(part("anchor")).ok(),
            Verb::UsagePurged => {}
            _ => return,
        }
        self.sealed = serde_json::from_value(part("sealed")).unwrap_or_default();
    }
}
