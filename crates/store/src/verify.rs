//! Recomputes what can be recomputed: money from the records up, allowances from the records, the audit chain from
//! its first link. It reads one snapshot, in pages, so it may run while calls are served.

use std::collections::HashMap;

use domain::pricing::{Rates, built_in};
use domain::time::Span;
use domain::usage::{CallStatus, UsageRecord};
use serde::Serialize;

use crate::allowances::read_allowance;
use crate::dialect::Tx;
use crate::error::Result;
use crate::metering::{Totals, amount_of, read_record, record_columns};
use crate::retention::{SEALED, Sealed};
use crate::{Store, args};

mod chain;

use chain::chain;

/// How many rows are read at once.
const STEP: i64 = 1_000;
/// So many differences are told; more are only counted.
const TOLD: usize = 1_000;

/// What does not agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// In which organization; empty for the instance's own trail.
    pub organization_id: String,
    /// Which rule is broken.
    pub rule: &'static str,
    /// What it is about.
    pub subject: String,
    /// What was recomputed.
    pub expected: String,
    /// What is stored.
    pub found: String,
}

/// What was checked and what does not agree.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Usage records recomputed.
    pub records: u64,
    /// Usage records that were purged; their sums were compared.
    pub sealed_records: u64,
    /// What the recomputed ones cost together, in nano-dollars.
    pub cost_nano_usd: i64,
    /// Counters of allowances recomputed.
    pub counters: u64,
    /// Audit records whose hash was recomputed.
    pub audit_records: u64,
    /// How many differences there are.
    pub difference_count: u64,
    /// The first of them.
    pub differences: Vec<Difference>,
}

impl Report {
    fn tell(
        &mut self,
        organization: &str,
        rule: &'static str,
        subject: impl ToString,
        (expected, found): (impl ToString, impl ToString),
    ) {
        self.difference_count += 1;
        if self.differences.len() < TOLD {
            self.differences.push(Difference {
                organization_id: organization.to_owned(),
                rule,
                subject: subject.to_string(),
                expected: expected.to_string(),
                found: found.to_string(),
            });
        }
    }
}

/// Recomputes everything in one snapshot of the store.
///
/// # Errors
/// `Unavailable` when the database is away; `Corrupt` when a row cannot even be read.
pub async fn verify(store: &Store) -> Result<Report> {
    let mut tx = store.engine.snapshot().await?;
    let mut report = Report::default();
    let rows = tx
        .rows(
            "select organization_id from metering_heads union select organization_id from usage_records \
             union select organization_id from purged_usage",
            &[],
        )
        .await?;
    let mut sealed = HashMap::new();
    for row in rows {
        let organization = row.text("organization_id")?;
        let of_it = sealed_of(&mut tx, &organization).await?;
        report.sealed_records += of_it.records.unsigned_abs();
        sealed.insert(organization.clone(), of_it);
        records(&mut tx, &organization, of_it, &mut report).await?;
        sums(&mut tx, &organization, &mut report).await?;
    }
    counters(&mut tx, &mut report).await?;
    slices(&mut tx, &mut report).await?;
    let rows = tx
        .rows("select organization_id from audit_heads union select organization_id from audit_records \
               union select organization_id from audit_anchors union select organization_id from purged_usage", &[])
        .await?;
    for row in rows {
        let organization = row.text("organization_id")?;
        let of_it = sealed.remove(&organization).unwrap_or_default();
        chain(&mut tx, &organization, of_it, &mut report).await?;
    }
    Ok(report)
}

/// Each record's cost follows from its price, and none is missing at any place.
async fn records(tx: &mut Tx, organization: &str, sealed: Sealed, report: &mut Report) -> Result<()> {
    let mut prices = Prices::default();
    let (mut after, mut count) = (String::new(), 0_i64);
    loop {
        let rows = tx
            .rows(
                concat!(
                    "select ",
                    record_columns!(),
                    ", a.project_id as attributed_project, a.key_id as attributed_key from usage_records r \
                     join attributions a on a.id = r.attribution_id \
                     where r.organization_id = $1 and r.id > $2 order by r.id limit $3"
                ),
                &args![organization, &after, STEP],
            )
            .await?;
        for row in &rows {
            let record = read_record(row)?;
            after = record.call.id.to_string();
            count += 1;
            report.records += 1;
            report.cost_nano_usd = report.cost_nano_usd.saturating_add(record.settlement.cost.nano());
            let of = (row.text("attributed_project")?, row.text("attributed_key")?);
            let stored = (record.call.attribution.project_id, record.call.attribution.key_id);
            if (stored.0.to_string(), stored.1.to_string()) != of {
                report.tell(organization, "record_attribution", &after, (of.0, stored.0));
            }
            cost(tx, &record, &mut prices, report).await?;
        }
        if rows.len() < usize::try_from(STEP).unwrap_or(usize::MAX) {
            break;
        }
    }
    let head = tx
        .rows("select records from metering_heads where organization_id = $1", &args![organization])
        .await?;
    let head = head.first().map_or(Ok(0), |row| row.int("records"))?;
    let count = count.saturating_add(sealed.records);
    if head != count {
        report.tell(organization, "record_count", organization, (head, count));
    }
    Ok(())
}

/// What purged records of an organization left behind.
async fn sealed_of(tx: &mut Tx, organization: &str) -> Result<Sealed> {
    let rows = tx.rows(SEALED, &args![organization]).await?;
    rows.first().map_or(Ok(Sealed::default()), Sealed::read)
}

/// Rates by price id, as far as they were asked for.
#[derive(Default)]
struct Prices(HashMap<String, Option<Rates>>);

impl Prices {
    async fn rates(&mut self, tx: &mut Tx, id: &str) -> Result<Option<Rates>> {
        if let Some(known) = self.0.get(id) {
            return Ok(*known);
        }
        let rows = tx
            .rows("select rates from prices where id = $1 union all select rates from applied_prices where id = $1", &args![id])
            .await?;
        let stored = rows.first().map(|row| row.json::<Rates>("rates")).transpose()?;
        let built_in = || built_in().values().flatten().find(|price| price.id == id).map(|price| price.rates);
        let rates = stored.or_else(built_in);
        self.0.insert(id.to_owned(), rates);
        Ok(rates)
    }
}

async fn cost(tx: &mut Tx, record: &UsageRecord, prices: &mut Prices, report: &mut Report) -> Result<()> {
    let organization = record.call.attribution.organization_id.to_string();
    let (id, found) = (record.call.id, record.settlement.cost.nano());
    if record.settlement.status == CallStatus::Recovered {
        if record.call.held.nano() != found {
            report.tell(&organization, "recovered_cost", id, (record.call.held.nano(), found));
        }
        return Ok(());
    }
    match prices.rates(tx, &record.call.price_id).await? {
        None => report.tell(&organization, "record_price", id, (&record.call.price_id, "no such price")),
        Some(rates) => {
            let expected = rates.cost(&record.settlement.quantities)?.nano();
            if expected != found {
                report.tell(&organization, "record_cost", id, (expected, found));
            }
        }
    }
    Ok(())
}

macro_rules! compared {
    ($of_record:literal, $of_purged:literal, $of_rollup:literal) => {
        concat!(
            "select subject, CAST(sum(cost) AS BIGINT) as cost, CAST(sum(requests) AS BIGINT) as requests, \
             CAST(sum(tokens) AS BIGINT) as tokens from ( \
             select ",
            $of_record,
            " as subject, r.cost as cost, 1 as requests, \
             r.input + r.cached_input + r.cache_write + r.output + r.reasoning as tokens \
             from usage_records r where r.organization_id = $1 union all select ",
            $of_purged,
            " as subject, p.cost as cost, p.requests as requests, \
             p.input + p.cached_input + p.cache_write + p.output + p.reasoning as tokens \
             from purged_usage p where p.organization_id = $1 union all select ",
            $of_rollup,
            " as subject, -t.cost as cost, -t.requests as requests, \
             -(t.input + t.cached_input + t.cache_write + t.output + t.reasoning) as tokens \
             from rollups t join attributions a on a.id = t.attribution_id where t.organization_id = $1) together \
             group by subject having sum(cost) <> 0 or sum(requests) <> 0 or sum(tokens) <> 0 order by subject limit 1000"
        )
    };
}

/// Sum of the keys, of the projects, of the organization: from the records and from the rollups alike.
const SUMS: [(&str, &str); 4] = [
    ("sum_of_organization", compared!("r.organization_id", "p.organization_id", "t.organization_id")),
    ("sum_of_project", compared!("r.project_id", "p.project_id", "a.project_id")),
    ("sum_of_key", compared!("r.key_id", "p.key_id", "a.key_id")),
    (
        "sum_of_rollup",
        compared!(
            "r.attribution_id || ' ' || r.model || ' ' || r.endpoint || ' ' || r.provider_id || ' ' || \
             CAST(r.admitted_at / 900000000 * 900000000 AS TEXT)",
            "p.attribution_id || ' ' || p.model || ' ' || p.endpoint || ' ' || p.provider_id || ' ' || \
             CAST(p.bucket_start AS TEXT)",
            "t.attribution_id || ' ' || t.model || ' ' || t.endpoint || ' ' || t.provider_id || ' ' || \
             CAST(t.bucket_start AS TEXT)"
        ),
    ),
];

async fn sums(tx: &mut Tx, organization: &str, report: &mut Report) -> Result<()> {
    for (rule, sql) in SUMS {
        for row in tx.rows(sql, &args![organization]).await? {
            let told = |column| -> Result<String> { Ok(format!("{column} {:+}", row.int(column)?)) };
            let excess = format!("{}, {}, {}", told("cost")?, told("requests")?, told("tokens")?);
            report.tell(organization, rule, row.text("subject")?, ("records and rollups alike", excess));
        }
    }
    Ok(())
}

/// What a scope's calls of a window add up to: those whose records are there, and those that are sealed. A window is a
/// whole number of buckets.
const COUNTED: &str = "select CAST(coalesce(sum(r.calls), 0) AS BIGINT) as requests, \
     CAST(coalesce(sum(r.input), 0) AS BIGINT) as input, \
     CAST(coalesce(sum(r.cached_input), 0) AS BIGINT) as cached_input, \
     CAST(coalesce(sum(r.cache_write), 0) AS BIGINT) as cache_write, \
     CAST(coalesce(sum(r.output), 0) AS BIGINT) as output, \
     CAST(coalesce(sum(r.reasoning), 0) AS BIGINT) as reasoning, \
     CAST(coalesce(sum(r.cost), 0) AS BIGINT) as cost \
     from (select attribution_id, model, 1 as calls, input, cached_input, cache_write, output, reasoning, cost \
     from usage_records where organization_id = $1 and admitted_at >= $2 and admitted_at < $3 union all \
     select attribution_id, model, requests as calls, input, cached_input, cache_write, output, reasoning, cost \
     from purged_usage where organization_id = $1 and bucket_start >= $2 and bucket_start < $3) r \
     join attributions a on a.id = r.attribution_id where ($4 = '' or r.model = $4) \
     and ($5 = 'organization' or ($5 = 'environment' and a.environment = $6) \
     or ($5 = 'project' and a.project_id = $6) or ($5 = 'api_key' and a.key_id = $6) \
     or ($5 = 'user' and a.owner_user_id = $6) \
     or ($5 = 'service_account' and a.owner_service_account_id = $6))";

/// What every allowance has settled is the sum of its window's records.
async fn counters(tx: &mut Tx, report: &mut Report) -> Result<()> {
    let (mut after, mut start) = (String::new(), i64::MIN);
    loop {
        let rows = tx
            .rows(
                "select w.id, w.organization_id, w.level, w.level_id, w.model, w.unit, w.time_window, w.amount, \
                 w.enforcement, w.created_at, c.window_start, c.window_end, c.settled \
                 from allowance_counters c join allowances w on w.id = c.allowance_id \
                 where c.allowance_id > $1 or (c.allowance_id = $1 and c.window_start > $2) \
                 order by c.allowance_id, c.window_start limit $3",
                &args![&after, start, STEP],
            )
            .await?;
        for row in &rows {
            let allowance = read_allowance(row)?;
            let span = Span { start: row.time("window_start")?, end: row.time("window_end")? };
            (after, start) = (allowance.id.to_string(), span.start.unix_micros());
            report.counters += 1;
            let (level, id) = allowance.scope.level.words();
            let model = allowance.scope.model.clone().unwrap_or_default();
            let args = args![allowance.organization_id, span.start, span.end, model, level, id];
            let counted = tx.rows(COUNTED, &args).await?;
            let totals = counted.first().map_or(Ok(Totals::default()), Totals::read)?;
            let (expected, found) = (amount_of(allowance.unit, &totals), row.int("settled")?);
            if expected != found {
                let subject = format!("{} from {}", allowance.id, span.start);
                let organization = allowance.organization_id.to_string();
                report.tell(&organization, "allowance_settled", subject, (expected, found));
            }
        }
        if rows.len() < usize::try_from(STEP).unwrap_or(usize::MAX) {
            return Ok(());
        }
    }
}

/// What every allowance has lent is the sum of the slices that replicas hold.
async fn slices(tx: &mut Tx, report: &mut Report) -> Result<()> {
    let rows = tx
        .rows(
            "select c.organization_id, c.allowance_id, c.leased, CAST(coalesce(sum(s.amount), 0) AS BIGINT) as held \
             from allowance_counters c left join allowance_slices s \
             on s.allowance_id = c.allowance_id and s.window_start = c.window_start \
             group by c.organization_id, c.allowance_id, c.window_start, c.leased \
             having c.leased <> coalesce(sum(s.amount), 0) limit 1000",
            &[],
        )
        .await?;
    for row in rows {
        let (expected, found) = (row.int("held")?, row.int("leased")?);
        report.tell(
            &row.text("organization_id")?,
            "allowance_leased",
            row.text("allowance_id")?,
            (expected, found),
        );
    }
    Ok(())
}
