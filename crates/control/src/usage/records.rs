//! Single usage records: `/v1/organization/usage/records`.

use domain::Error;
use domain::access::{Grant, Permission};
use domain::api_keys::KeyOwner;
use domain::ids::RecordId;
use domain::page::{Order, Page, PageRequest};
use domain::routes::{Access, Method};
use domain::time::SECOND;
use domain::usage::{CallStatus, UsageRecord};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::metering::{RecordFilter, list_records};

use crate::{Answer, Call, Control, Endpoint, Failure, ListJson, api};

/// A page of the records within reach.
///
/// # Errors
/// When the store is away.
pub async fn records(
    control: &Control,
    grant: &Grant,
    filter: &RecordFilter,
    page: &PageRequest,
) -> Result<Page<UsageRecord>, Failure> {
    Ok(list_records(&control.store, grant, filter, page).await?)
}

/// One metered call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecordJson {
    /// Its id.
    pub id: String,
    /// Always `organization.usage.record`.
    pub object: String,
    /// When it was admitted, in Unix seconds.
    pub created_at: i64,
    /// When it ended, in Unix seconds.
    pub settled_at: i64,
    /// The project.
    pub project_id: String,
    /// The key.
    pub api_key_id: String,
    /// Which secret of the key was used.
    pub secret_id: String,
    /// The user who owns the key.
    pub user_id: Option<String>,
    /// The service account that owns the key.
    pub service_account_id: Option<String>,
    /// The project's accountable owner at that moment.
    pub owner_id: Option<String>,
    /// The project's environment at that moment.
    pub environment: String,
    /// The project's workload at that moment.
    pub workload: String,
    /// The project's team at that moment.
    pub team: Option<String>,
    /// The project's product line at that moment.
    pub product_line: Option<String>,
    /// The project's cost center at that moment.
    pub cost_center: Option<String>,
    /// The project's client at that moment.
    pub client: Option<String>,
    /// The route.
    pub endpoint: String,
    /// The model that was asked for.
    pub model: String,
    /// The provider connection that was used.
    pub provider_id: String,
    /// The price that was charged; `unpriced` where policy let a model without one pass.
    pub price_id: String,
    /// Whether the answer was a stream.
    pub stream: bool,
    /// The end user whom the request named.
    pub user: Option<String>,
    /// Tokens read, cached and written ones included.
    pub input_tokens: i64,
    /// Tokens read from the provider's cache.
    pub input_cached_tokens: i64,
    /// Tokens written to the provider's cache.
    pub input_cache_write_tokens: i64,
    /// Tokens generated.
    pub output_tokens: i64,
    /// Of these, tokens of reasoning.
    pub reasoning_tokens: i64,
    /// What it cost, in nano-dollars.
    pub cost_nano_usd: i64,
    /// The most that it could have cost, in nano-dollars.
    pub held_nano_usd: i64,
    /// `succeeded`, `client_closed`, `upstream_error`, `upstream_closed`, `key_stopped` or `recovered`.
    pub status: String,
    /// Whether the tokens are our count rather than the provider's word.
    pub estimated: bool,
    /// The provider's status code, where it answered.
    pub upstream_status: Option<u16>,
    /// The client's address.
    pub client_address: Option<String>,
    /// The client's `user-agent`.
    pub user_agent: Option<String>,
}

impl From<UsageRecord> for RecordJson {
    fn from(record: UsageRecord) -> Self {
        let (call, end) = (record.call, record.settlement);
        let attribution = call.attribution.as_ref();
        let labels = attribution.labels.clone();
        let (user_id, service_account_id) = match attribution.key_owner {
            KeyOwner::User(id) => (Some(id.to_string()), None),
            KeyOwner::ServiceAccount(id) => (None, Some(id.to_string())),
        };
        Self {
            id: call.id.to_string(),
            object: "organization.usage.record".to_owned(),
            created_at: call.admitted_at.unix_seconds(),
            settled_at: end.settled_at.unix_seconds(),
            project_id: attribution.project_id.to_string(),
            api_key_id: attribution.key_id.to_string(),
            secret_id: call.secret_id.to_string(),
            user_id,
            service_account_id,
            owner_id: attribution.accountable_owner_id.map(|id| id.to_string()),
            environment: attribution.environment.name().to_owned(),
            workload: attribution.workload.name().to_owned(),
            team: labels.team,
            product_line: labels.product_line,
            cost_center: labels.cost_center,
            client: labels.client,
            endpoint: call.endpoint.name().to_owned(),
            model: call.model,
            provider_id: call.provider_id.to_string(),
            price_id: call.price_id,
            stream: call.is_stream,
            user: call.end_user,
            input_tokens: end.quantities.input_tokens(),
            input_cached_tokens: end.quantities.cached_input,
            input_cache_write_tokens: end.quantities.cache_write,
            output_tokens: end.quantities.output,
            reasoning_tokens: end.quantities.reasoning,
            cost_nano_usd: end.cost.nano(),
            held_nano_usd: call.held.nano(),
            status: end.status.name().to_owned(),
            estimated: end.is_estimated,
            upstream_status: end.upstream_status,
            client_address: call.client_address.map(|address| address.to_string()),
            user_agent: call.user_agent,
        }
    }
}

/// Which records are wanted.
#[derive(Deserialize, JsonSchema)]
pub struct RecordsQuery {
    /// Only of this project; may be repeated.
    pub project_id: Option<String>,
    /// Only of this key; may be repeated.
    pub api_key_id: Option<String>,
    /// Only of this model; may be repeated.
    pub model: Option<String>,
    /// Only of this end user, as the requests named them.
    pub user: Option<String>,
    /// Only those that ended so.
    pub status: Option<String>,
    /// Admitted from this second on.
    pub start_time: Option<i64>,
    /// Admitted before this second.
    pub end_time: Option<i64>,
    /// The id after which the page starts.
    pub after: Option<String>,
    /// How many, 1 to 100; 20 when absent.
    pub limit: Option<i64>,
    /// `desc` (newest first, the default) or `asc`.
    pub order: Option<String>,
}

fn filter(call: &Call) -> Result<RecordFilter, Error> {
    let status = |word: &str| {
        CallStatus::parse(word)
            .ok_or_else(|| Error::invalid_param("invalid_status", "status", "There is no such status."))
    };
    let micros = |seconds: Option<i64>| seconds.map(|seconds| seconds.saturating_mul(SECOND));
    let query = &call.query;
    Ok(RecordFilter {
        project_ids: [query.many("project_id"), query.many("project_ids")].concat(),
        api_key_ids: [query.many("api_key_id"), query.many("api_key_ids")].concat(),
        models: [query.many("model"), query.many("models")].concat(),
        end_user: query.one("user").map(str::to_owned),
        status: query.one("status").map(status).transpose()?,
        from_micros: micros(query.number("start_time")?),
        until_micros: micros(query.number("end_time")?),
    })
}

async fn list_usage_records(call: Call) -> Result<Answer, Failure> {
    let page = call.query.page::<RecordId>(20, 100, Order::Descending)?;
    let list = records(&call.control, &call.grant, &filter(&call)?, &page).await?;
    Ok(Answer::json(ListJson::of(list.map(RecordJson::from), |record| &record.id)))
}

/// The row of single records.
pub(super) fn endpoint() -> Endpoint {
    const PATH: &str = "/v1/organization/usage/records";
    api(Method::Get, PATH, "list_usage_records", "List single usage records, newest first.")
        .needs(Access::Organization(Permission::UsageRead))
        .query::<RecordsQuery>()
        .answer::<ListJson<RecordJson>>()
        .to(list_usage_records)
}
