//! Rollups: sums per 15 minutes, attribution, model, route and connection.

use std::collections::BTreeMap;

use domain::ids::{OrganizationId, ProviderId};
use domain::time::Timestamp;
use domain::usage::UsageRecord;

use crate::args;
use crate::dialect::Row;
use crate::error::Result;
use crate::measurement::Measurement;

/// Sums of calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Calls.
    pub requests: i64,
    /// Tokens read, cache aside.
    pub input: i64,
    /// Tokens read from the cache.
    pub cached_input: i64,
    /// Tokens written to the cache.
    pub cache_write: i64,
    /// Tokens generated.
    pub output: i64,
    /// Of these, tokens of reasoning.
    pub reasoning: i64,
    /// Nano-dollars.
    pub cost: i64,
}

impl Totals {
    /// The part of one record.
    pub(crate) fn of(record: &UsageRecord) -> Self {
        let used = &record.settlement.quantities;
        Self {
            requests: 1,
            input: used.input,
            cached_input: used.cached_input,
            cache_write: used.cache_write,
            output: used.output,
            reasoning: used.reasoning,
            cost: record.settlement.cost.nano(),
        }
    }

    /// Reads the columns of that name.
    pub(crate) fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            requests: row.int("requests")?,
            input: row.int("input")?,
            cached_input: row.int("cached_input")?,
            cache_write: row.int("cache_write")?,
            output: row.int("output")?,
            reasoning: row.int("reasoning")?,
            cost: row.int("cost")?,
        })
    }

    /// Adds another sum; what does not fit stays at the end of the range, where `verify` sees it.
    pub fn add(&mut self, other: &Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.input = self.input.saturating_add(other.input);
        self.cached_input = self.cached_input.saturating_add(other.cached_input);
        self.cache_write = self.cache_write.saturating_add(other.cache_write);
        self.output = self.output.saturating_add(other.output);
        self.reasoning = self.reasoning.saturating_add(other.reasoning);
        self.cost = self.cost.saturating_add(other.cost);
    }

    /// All tokens read.
    pub fn input_tokens(&self) -> i64 {
        self.input.saturating_add(self.cached_input).saturating_add(self.cache_write)
    }
}

/// Where a record is summed up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    organization_id: OrganizationId,
    bucket_start: Timestamp,
    attribution_id: String,
    model: String,
    endpoint: &'static str,
    provider_id: ProviderId,
}

/// Collects records before they are written: a batch touches few rows.
#[derive(Debug, Default)]
pub(super) struct Batch(BTreeMap<Place, Totals>);

impl Batch {
    pub(super) fn add(&mut self, record: &UsageRecord, attribution_id: &str) {
        let place = Place {
            organization_id: record.call.attribution.organization_id,
            bucket_start: record.call.admitted_at.rollup_start(),
            attribution_id: attribution_id.to_owned(),
            model: record.call.model.clone(),
            endpoint: record.call.endpoint.name(),
            provider_id: record.call.provider_id,
        };
        self.0.entry(place).or_default().add(&Totals::of(record));
    }

    pub(super) async fn write(self, tx: &mut Measurement) -> Result<()> {
        for (place, sum) in self.0 {
            tx.run(
                "insert into rollups (organization_id, bucket_start, attribution_id, model, endpoint, provider_id, \
                 requests, input, cached_input, cache_write, output, reasoning, cost) \
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
                 on conflict (organization_id, bucket_start, attribution_id, model, endpoint, provider_id) do update set \
                 requests = rollups.requests + excluded.requests, input = rollups.input + excluded.input, \
                 cached_input = rollups.cached_input + excluded.cached_input, \
                 cache_write = rollups.cache_write + excluded.cache_write, \
                 output = rollups.output + excluded.output, reasoning = rollups.reasoning + excluded.reasoning, \
                 cost = rollups.cost + excluded.cost",
                args![
                    place.organization_id,
                    place.bucket_start,
                    place.attribution_id,
                    place.model,
                    place.endpoint,
                    place.provider_id,
                    sum.requests,
                    sum.input,
                    sum.cached_input,
                    sum.cache_write,
                    sum.output,
                    sum.reasoning,
                    sum.cost,
                ],
            )
            .await?;
        }
        Ok(())
    }
}
