//! Single usage records: written once, never changed, read newest first.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use aws_lc_rs::digest;
use domain::access::Grant;
use domain::api_keys::KeyOwner;
use domain::ids::RecordId;
use domain::money::NanoUsd;
use domain::page::{Order, Page, PageRequest};
use domain::pricing::{Quantities, Rates, UNPRICED, built_in};
use domain::projects::{Environment, Labels, Workload};
use domain::usage::{Attribution, CallStatus, Endpoint, OpenCall, Settled, Settlement, UsageRecord};

use crate::dialect::{Row, Value};
use crate::error::{Error, Result};
use crate::measurement::Measurement;
use crate::reached::Reached;
use crate::{Store, args};

/// The columns of a record `r` with its attribution `a`, as [`read_record`] reads them.
macro_rules! columns {
    () => {
        "r.id, r.organization_id, r.attribution_id, r.project_id, r.key_id, r.secret_id, r.endpoint, r.model, \
         r.provider_id, r.is_stream, r.price_id, r.held, r.client_address, \
         r.user_agent, r.end_user, r.admitted_at, r.settled_at, r.status, r.input, r.cached_input, r.cache_write, \
         r.output, r.reasoning, r.requests, r.cost, r.is_estimated, r.upstream_status, \
         a.owner_user_id, a.owner_service_account_id, a.accountable_owner_id, a.environment, a.workload, a.team, \
         a.product_line, a.cost_center, a.client"
    };
}

pub(crate) use columns as record_columns;

/// Writes attributions once each: their id is the hash of what they say.
#[derive(Debug, Default)]
pub(super) struct Attributions(HashMap<Arc<Attribution>, Arc<str>>);

impl Attributions {
    pub(super) async fn intern(
        &mut self,
        tx: &mut Measurement,
        attribution: &Arc<Attribution>,
    ) -> Result<Arc<str>> {
        if let Some(id) = self.0.get(attribution) {
            return Ok(Arc::clone(id));
        }
        let id: Arc<str> = attribution_id(attribution)?.into();
        self.0.insert(Arc::clone(attribution), Arc::clone(&id));
        let (user, service_account) = match attribution.key_owner {
            KeyOwner::User(id) => (Some(id), None),
            KeyOwner::ServiceAccount(id) => (None, Some(id)),
        };
        let labels = &attribution.labels;
        tx.run(
            "insert into attributions (id, organization_id, project_id, key_id, owner_user_id, \
             owner_service_account_id, accountable_owner_id, environment, workload, team, product_line, \
             cost_center, client) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
             on conflict (id) do nothing",
            args![
                &*id,
                attribution.organization_id,
                attribution.project_id,
                attribution.key_id,
                user,
                service_account,
                attribution.accountable_owner_id,
                attribution.environment.name(),
                attribution.workload.name(),
                labels.team.as_deref(),
                labels.product_line.as_deref(),
                labels.cost_center.as_deref(),
                labels.client.as_deref(),
            ],
        )
        .await?;
        Ok(id)
    }
}

fn attribution_id(attribution: &Attribution) -> Result<String> {
    let text = to_json(attribution)?;
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    Ok(hash.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect())
}

fn to_json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::Corrupt(error.to_string()))
}

/// Keeps the rates of a built-in price that was used, or of none: a later list may not have it any more, and what it cost has to
/// stay reproducible.
pub(super) async fn keep_price(tx: &mut Measurement, id: &str) -> Result<()> {
    let built_in = || built_in().values().flatten().find(|price| price.id == id).map(|price| price.rates);
    let rates = if id == UNPRICED { Some(Rates::default()) } else { built_in() };
    let Some(rates) = rates else { return Ok(()) };
    tx.run(
        "insert into applied_prices (id, rates) values ($1, $2) on conflict (id) do nothing",
        args![id, to_json(&rates)?],
    )
    .await?;
    Ok(())
}

/// Those of a batch that are not there yet, each once. Their organizations have to be locked.
pub(super) async fn unknown<'a>(tx: &mut Measurement, batch: &'a [Settled]) -> Result<Vec<&'a Settled>> {
    let ids: Vec<String> = batch.iter().map(|settled| settled.record.call.id.to_string()).collect();
    let rows = tx.rows("select id from usage_records where id in list($1)", args![ids]).await?;
    let mut known = rows.iter().map(|row| row.id("id")).collect::<Result<HashSet<RecordId>>>()?;
    Ok(batch.iter().filter(|settled| known.insert(settled.record.call.id)).collect())
}

/// Where records go; their values are [`values`].
pub(super) const INTO: &str = "usage_records (id, organization_id, attribution_id, project_id, key_id, secret_id, \
     owner_user_id, endpoint, model, provider_id, is_stream, price_id, held, client_address, \
     user_agent, end_user, admitted_at, settled_at, status, input, cached_input, cache_write, output, reasoning, \
     requests, cost, is_estimated, upstream_status)";

/// A record as a row of [`INTO`].
pub(super) fn values(record: &UsageRecord, attribution_id: &str) -> [Value; 28] {
    let (call, end) = (&record.call, &record.settlement);
    let owner = match call.attribution.key_owner {
        KeyOwner::User(id) => Some(id),
        KeyOwner::ServiceAccount(_) => None,
    };
    let used = &end.quantities;
    args![
        call.id,
        call.attribution.organization_id,
        attribution_id,
        call.attribution.project_id,
        call.attribution.key_id,
        call.secret_id,
        owner,
        call.endpoint.name(),
        &call.model,
        call.provider_id,
        call.is_stream,
        &call.price_id,
        call.held,
        call.client_address.map(|address| address.to_string()),
        call.user_agent.as_deref(),
        call.end_user.as_deref(),
        call.admitted_at,
        end.settled_at,
        end.status.name(),
        used.input,
        used.cached_input,
        used.cache_write,
        used.output,
        used.reasoning,
        used.requests,
        end.cost,
        end.is_estimated,
        end.upstream_status.map(i64::from),
    ]
}

/// Reads a record and its attribution.
pub(crate) fn read_record(row: &Row) -> Result<UsageRecord> {
    let call = OpenCall {
        id: row.id("id")?,
        admitted_at: row.time("admitted_at")?,
        attribution: Arc::new(read_attribution(row)?),
        endpoint: row.word("endpoint", Endpoint::parse)?,
        model: row.text("model")?,
        provider_id: row.id("provider_id")?,
        is_stream: row.flag("is_stream")?,
        price_id: row.text("price_id")?,
        held: NanoUsd::from_nano(row.int("held")?),
        client_address: row.opt_id("client_address")?,
        user_agent: row.opt_text("user_agent")?,
        end_user: row.opt_text("end_user")?,
        secret_id: row.id("secret_id")?,
    };
    let quantities = Quantities {
        input: row.int("input")?,
        cached_input: row.int("cached_input")?,
        cache_write: row.int("cache_write")?,
        output: row.int("output")?,
        reasoning: row.int("reasoning")?,
        requests: row.int("requests")?,
    };
    let settlement = Settlement {
        settled_at: row.time("settled_at")?,
        status: row.word("status", CallStatus::parse)?,
        quantities,
        cost: NanoUsd::from_nano(row.int("cost")?),
        is_estimated: row.flag("is_estimated")?,
        upstream_status: row.opt_int("upstream_status")?.and_then(|status| u16::try_from(status).ok()),
    };
    Ok(UsageRecord { call, settlement })
}

fn read_attribution(row: &Row) -> Result<Attribution> {
    let key_owner = match (row.opt_id("owner_user_id")?, row.opt_id("owner_service_account_id")?) {
        (Some(user), _) => KeyOwner::User(user),
        (None, Some(service_account)) => KeyOwner::ServiceAccount(service_account),
        (None, None) => return Err(Error::Corrupt("an attribution names no key owner".to_owned())),
    };
    Ok(Attribution {
        organization_id: row.id("organization_id")?,
        project_id: row.id("project_id")?,
        key_id: row.id("key_id")?,
        key_owner,
        accountable_owner_id: row.opt_id("accountable_owner_id")?,
        environment: row.word("environment", |word| Environment::parse(word).ok())?,
        workload: row.word("workload", |word| Workload::parse(word).ok())?,
        labels: Labels {
            team: row.opt_text("team")?,
            product_line: row.opt_text("product_line")?,
            cost_center: row.opt_text("cost_center")?,
            client: row.opt_text("client")?,
        },
    })
}

/// Which single records are wanted; an empty list or none means any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordFilter {
    /// Of these projects.
    pub project_ids: Vec<String>,
    /// Of these keys.
    pub api_key_ids: Vec<String>,
    /// Of these models.
    pub models: Vec<String>,
    /// Of this end user, as the requests named them.
    pub end_user: Option<String>,
    /// That ended so.
    pub status: Option<CallStatus>,
    /// Admitted from here on, in microseconds.
    pub from_micros: Option<i64>,
    /// Admitted before, in microseconds.
    pub until_micros: Option<i64>,
}

/// Single records within reach.
///
/// # Errors
/// `Unavailable` when the database is away.
pub async fn list_records(
    store: &Store,
    grant: &Grant,
    filter: &RecordFilter,
    page: &PageRequest,
) -> Result<Page<UsageRecord>> {
    let reached = Reached::of(grant);
    let any = |list: &Vec<String>| list.is_empty();
    let args = args![
        reached.organization,
        reached.all,
        reached.whole,
        reached.own,
        reached.user,
        any(&filter.project_ids),
        filter.project_ids.clone(),
        any(&filter.api_key_ids),
        filter.api_key_ids.clone(),
        any(&filter.models),
        filter.models.clone(),
        filter.end_user.is_none(),
        filter.end_user.clone().unwrap_or_default(),
        filter.status.is_none(),
        filter.status.map_or("", CallStatus::name),
        filter.from_micros.unwrap_or(i64::MIN),
        filter.until_micros.unwrap_or(i64::MAX),
        page.after.clone().unwrap_or_default(),
        page.limit.saturating_add(1),
    ];
    let rows = match page.order {
        Order::Descending => store.rows(NEWEST_FIRST, args).await?,
        Order::Ascending => store.rows(OLDEST_FIRST, args).await?,
    };
    let items = rows.iter().map(read_record).collect::<Result<_>>()?;
    Ok(Page::from_read(items, page.limit))
}

macro_rules! listed {
    ($order:literal) => {
        concat!(
            "select ",
            columns!(),
            " from usage_records r join attributions a on a.id = r.attribution_id where r.organization_id = $1 \
             and ($2 or r.project_id in list($3) or (r.project_id in list($4) and r.owner_user_id = $5)) \
             and ($6 or r.project_id in list($7)) and ($8 or r.key_id in list($9)) and ($10 or r.model in list($11)) \
             and ($12 or r.end_user = $13) and ($14 or r.status = $15) \
             and r.admitted_at >= $16 and r.admitted_at < $17 and ",
            $order,
            " limit $19"
        )
    };
}

const NEWEST_FIRST: &str = listed!("($18 = '' or r.id < $18) order by r.id desc");
const OLDEST_FIRST: &str = listed!("r.id > $18 order by r.id");
