//! What each allowance has settled and lent in each window.

use std::collections::BTreeSet;

use domain::access::Grant;
use domain::allowances::{Allowance, Amounts, Scope, SliceKey, Unit};
use domain::ids::AllowanceId;
use domain::time::{Span, TimeZone, Timestamp};

use super::rollups::Totals;
use crate::error::Result;
use crate::measurement::Measurement;
use crate::{Store, args};

/// One counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CounterView {
    /// Of which allowance.
    pub allowance_id: AllowanceId,
    /// The window.
    pub span: Span,
    /// The sum of the window's records, in the allowance's unit.
    pub settled: i64,
    /// What replicas hold as slices.
    pub leased: i64,
}

/// How much of an allowance's unit these calls were.
pub(crate) fn amount_of(unit: Unit, totals: &Totals) -> i64 {
    match unit {
        Unit::Requests => totals.requests,
        Unit::InFlight => 0,
        _ => Amounts::of_call(totals.cost, totals.input_tokens(), totals.output).of(unit),
    }
}

const SCOPE_TOTALS: &str = "select CAST(coalesce(sum(t.requests), 0) AS BIGINT) as requests, \
     CAST(coalesce(sum(t.input), 0) AS BIGINT) as input, \
     CAST(coalesce(sum(t.cached_input), 0) AS BIGINT) as cached_input, \
     CAST(coalesce(sum(t.cache_write), 0) AS BIGINT) as cache_write, \
     CAST(coalesce(sum(t.output), 0) AS BIGINT) as output, \
     CAST(coalesce(sum(t.reasoning), 0) AS BIGINT) as reasoning, \
     CAST(coalesce(sum(t.cost), 0) AS BIGINT) as cost \
     from rollups t join attributions a on a.id = t.attribution_id \
     where t.organization_id = $1 and t.bucket_start >= $2 and t.bucket_start < $3 and ($4 = '' or t.model = $4) \
     and ($5 = 'organization' or ($5 = 'environment' and a.environment = $6) \
     or ($5 = 'project' and a.project_id = $6) or ($5 = 'api_key' and a.key_id = $6) \
     or ($5 = 'user' and a.owner_user_id = $6) \
     or ($5 = 'service_account' and a.owner_service_account_id = $6))";

/// What the calls of a scope add up to in a window, from the rollups: every durable window is a whole number of them.
pub(crate) async fn totals_of_scope(
    store: &Store,
    organization: &str,
    scope: &Scope,
    span: Span,
) -> Result<Totals> {
    let (level, id) = scope.level.words();
    let model = scope.model.clone().unwrap_or_default();
    let row = store.row(SCOPE_TOTALS, args![organization, span.start, span.end, model, level, id]).await?;
    row.as_ref().map_or(Ok(Totals::default()), Totals::read)
}

/// Locks the booking of an organization until the transaction ends, and counts its new records.
pub(super) async fn lock_organization(tx: &mut Measurement, organization: &str, new: i64) -> Result<()> {
    tx.run(
        "insert into metering_heads (organization_id, records) values ($1, $2) \
         on conflict (organization_id) do update set records = metering_heads.records + excluded.records",
        args![organization, new],
    )
    .await?;
    Ok(())
}

/// The end of a window's counter; none where there is no counter.
pub(super) async fn window_end(tx: &mut Measurement, key: SliceKey) -> Result<Option<Timestamp>> {
    let sql = "select window_end from allowance_counters where allowance_id = $1 and window_start = $2";
    let row = tx.row(sql, args![key.allowance_id, key.window_start]).await?;
    row.map(|row| row.time("window_end")).transpose()
}

/// The windows of an allowance in which calls of these moments count: those of the present calendar, made where they
/// are missing, and those that an earlier calendar of the organization left open. The organization has to be locked.
pub(super) async fn windows_of(
    tx: &mut Measurement,
    allowance: &Allowance,
    moments: &BTreeSet<Timestamp>,
    zone: &TimeZone,
) -> Result<Vec<Span>> {
    let rows = tx
        .rows(
            "select window_start, window_end from allowance_counters \
             where allowance_id = $1 and window_start <= $2 and window_end > $3",
            args![allowance.id, moments.last().copied(), moments.first().copied()],
        )
        .await?;
    let there = rows
        .iter()
        .map(|row| Ok(Span { start: row.time("window_start")?, end: row.time("window_end")? }))
        .collect::<Result<Vec<_>>>()?;
    let mut present: BTreeSet<Span> = BTreeSet::new();
    for at in moments {
        // They come in order, and most lie in the window of the one before.
        if !present.last().is_some_and(|span| span.contains(*at)) {
            present.insert(allowance.window.span(*at, zone));
        }
    }
    for span in present.iter().filter(|span| !there.contains(span)) {
        count_window(tx, allowance, *span).await?;
    }
    let left_open = there.into_iter().filter(|span| present.iter().all(|now| now.start != span.start));
    Ok(left_open.chain(present.iter().copied()).collect())
}

/// Makes the counter of a window from what that window's records add up to. One that begins with it and ends elsewhere,
/// by an earlier calendar, becomes it. The organization has to be locked.
pub(super) async fn count_window(tx: &mut Measurement, allowance: &Allowance, span: Span) -> Result<()> {
    let organization = allowance.organization_id.to_string();
    let (level, id) = allowance.scope.level.words();
    let model = allowance.scope.model.clone().unwrap_or_default();
    let row = tx.row(SCOPE_TOTALS, args![&organization, span.start, span.end, model, level, id]).await?;
    let totals = row.as_ref().map_or(Ok(Totals::default()), Totals::read)?;
    tx.run(
        "insert into allowance_counters (allowance_id, window_start, window_end, organization_id, settled, leased) \
         values ($1, $2, $3, $4, $5, 0) on conflict (allowance_id, window_start) \
         do update set window_end = excluded.window_end, settled = excluded.settled",
        args![allowance.id, span.start, span.end, organization, amount_of(allowance.unit, &totals)],
    )
    .await?;
    Ok(())
}

/// The counters of an organization whose windows hold the moment.
///
/// # Errors
/// `Unavailable` when the database is away.
pub async fn counters_of(store: &Store, grant: &Grant, at: Timestamp) -> Result<Vec<CounterView>> {
    let organization = grant.organization_id().map(|id| id.to_string()).unwrap_or_default();
    let rows = store
        .rows(
            "select allowance_id, window_start, window_end, settled, leased from allowance_counters \
             where organization_id = $1 and window_start <= $2 and window_end > $2",
            args![organization, at],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(CounterView {
                allowance_id: row.id("allowance_id")?,
                span: Span { start: row.time("window_start")?, end: row.time("window_end")? },
                settled: row.int("settled")?,
                leased: row.int("leased")?,
            })
        })
        .collect()
}
