//! The wire of usage and costs: `/v1/organization/usage/…` and `/v1/organization/costs`.

use domain::Error;
use domain::access::Permission;
use domain::money::NanoUsd;
use domain::routes::{Access, Method};
use domain::time::Timestamp;
use domain::usage::Endpoint as Metered;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use store::usage::{Dimension, UsageQuery, UsageSum};

use super::{BucketWidth, Report, ReportQuery, dimensions};
use crate::{Answer, Call, Endpoint, Failure, api};

/// How many days a page of costs has by default and at most.
const COST_DAYS: (i64, i64) = (7, 180);

/// A page of buckets.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct UsagePageJson<T> {
    /// Always `page`.
    pub object: String,
    /// The buckets, oldest first, those without calls too.
    pub data: Vec<BucketJson<T>>,
    /// Whether more follow.
    pub has_more: bool,
    /// What to pass as `page` for the next page.
    pub next_page: Option<String>,
}

/// One bucket.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct BucketJson<T> {
    /// Always `bucket`.
    pub object: String,
    /// First second inside.
    pub start_time: i64,
    /// First second after.
    pub end_time: i64,
    /// The sums, told apart by the dimensions grouped by.
    pub results: Vec<T>,
}

/// The dimensions of a sum; those not grouped by are null.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct DimensionsJson {
    /// The project.
    pub project_id: Option<String>,
    /// The user who owns the key.
    pub user_id: Option<String>,
    /// The key.
    pub api_key_id: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// The service account that owns the key.
    pub service_account_id: Option<String>,
    /// The project's accountable owner.
    pub owner: Option<String>,
    /// The project's environment.
    pub environment: Option<String>,
    /// The project's workload.
    pub workload: Option<String>,
    /// The project's team.
    pub team: Option<String>,
    /// The project's product line.
    pub product_line: Option<String>,
    /// The project's cost center.
    pub cost_center: Option<String>,
    /// The project's client.
    pub client: Option<String>,
    /// The route.
    pub endpoint: Option<String>,
}

impl DimensionsJson {
    fn of(group_by: &[Dimension], values: Vec<Option<String>>) -> Self {
        let mut json = Self::default();
        for (dimension, value) in group_by.iter().zip(values) {
            *json.slot(*dimension) = value;
        }
        json
    }

    fn slot(&mut self, dimension: Dimension) -> &mut Option<String> {
        match dimension {
            Dimension::Project => &mut self.project_id,
            Dimension::User => &mut self.user_id,
            Dimension::ApiKey => &mut self.api_key_id,
            Dimension::Model => &mut self.model,
            Dimension::ServiceAccount => &mut self.service_account_id,
            Dimension::Owner => &mut self.owner,
            Dimension::Environment => &mut self.environment,
            Dimension::Workload => &mut self.workload,
            Dimension::Team => &mut self.team,
            Dimension::ProductLine => &mut self.product_line,
            Dimension::CostCenter => &mut self.cost_center,
            Dimension::Client => &mut self.client,
            Dimension::Endpoint => &mut self.endpoint,
        }
    }
}

/// What chat completions used.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CompletionsResultJson {
    /// Always `organization.usage.completions.result`.
    pub object: String,
    /// Tokens read, cached and written ones included.
    pub input_tokens: i64,
    /// Tokens generated.
    pub output_tokens: i64,
    /// Calls.
    pub num_model_requests: i64,
    /// Tokens read from the provider's cache.
    pub input_cached_tokens: i64,
    /// Tokens read otherwise.
    pub input_uncached_tokens: i64,
    /// Tokens written to the provider's cache.
    pub input_cache_write_tokens: i64,
    /// Always 0 here.
    pub input_audio_tokens: i64,
    /// Always 0 here.
    pub output_audio_tokens: i64,
    /// Always null here.
    pub batch: Option<bool>,
    /// Always null here.
    pub service_tier: Option<String>,
    /// What it is of.
    #[serde(flatten)]
    pub of: DimensionsJson,
}

/// What embeddings used.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct EmbeddingsResultJson {
    /// Always `organization.usage.embeddings.result`.
    pub object: String,
    /// Tokens read.
    pub input_tokens: i64,
    /// Calls.
    pub num_model_requests: i64,
    /// What it is of.
    #[serde(flatten)]
    pub of: DimensionsJson,
}

/// What calls cost.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CostsResultJson {
    /// Always `organization.costs.result`.
    pub object: String,
    /// The sum.
    pub amount: AmountJson,
    /// The model, where grouped by line item.
    pub line_item: Option<String>,
    /// Always null here.
    pub quantity: Option<i64>,
    /// Always null here.
    pub quantity_unit: Option<String>,
    /// What it is of.
    #[serde(flatten)]
    pub of: DimensionsJson,
}

/// An amount of money.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AmountJson {
    /// Dollars, written exactly.
    #[schemars(with = "serde_json::Number")]
    pub value: Box<RawValue>,
    /// Always `usd`.
    pub currency: String,
    /// The same in nano-dollars.
    pub nano_usd: i64,
}

impl AmountJson {
    fn of(cost: NanoUsd) -> Result<Self, Failure> {
        let broken = |error: serde_json::Error| Failure::Broken(error.to_string());
        let value = RawValue::from_string(cost.to_string()).map_err(broken)?;
        Ok(Self { value, currency: "usd".to_owned(), nano_usd: cost.nano() })
    }
}

/// What is wanted of usage.
#[derive(Deserialize, JsonSchema)]
pub struct UsageReportQuery {
    /// From this second on.
    pub start_time: i64,
    /// Before this second; now when absent.
    pub end_time: Option<i64>,
    /// `1m` (as far back as single records are kept), `1h` or `1d` (the default; the only one for costs), of UTC.
    pub bucket_width: Option<String>,
    /// How many buckets.
    pub limit: Option<i64>,
    /// `next_page` of the page before.
    pub page: Option<String>,
    /// What tells the sums apart: `project_id`, `user_id`, `api_key_id`, `model` (of costs `line_item`),
    /// `service_account_id`, `owner`, `environment`, `workload`, `team`, `product_line`, `cost_center`, `client`,
    /// `endpoint`.
    pub group_by: Option<Vec<String>>,
    /// Only of these projects.
    pub project_ids: Option<Vec<String>>,
    /// Only of these keys.
    pub api_key_ids: Option<Vec<String>>,
    /// Only of keys that these users own.
    pub user_ids: Option<Vec<String>>,
    /// Only of these models.
    pub models: Option<Vec<String>>,
}

fn asked(call: &Call, endpoint: Option<Metered>) -> Result<ReportQuery, Error> {
    let second = |name| Ok::<_, Error>(call.query.number(name)?.map(Timestamp::from_unix_seconds));
    let from = second("start_time")?.ok_or_else(|| {
        Error::invalid_param("start_time_required", "start_time", "Give start_time in Unix seconds.")
    })?;
    let width = BucketWidth::parse(call.query.one("bucket_width").unwrap_or("1d"))?;
    if endpoint.is_none() && width != BucketWidth::Day {
        return Err(Error::invalid_param("invalid_bucket_width", "bucket_width", "Costs come by day: 1d."));
    }
    let (default, most) = if endpoint.is_none() { COST_DAYS } else { width.page_sizes() };
    let limit = call.query.number("limit")?.unwrap_or(default);
    if !(1..=most).contains(&limit) {
        return Err(Error::invalid_param("invalid_limit", "limit", format!("Use a limit of 1 to {most}.")));
    }
    let models = if endpoint.is_none() { "line_items" } else { "models" };
    Ok(ReportQuery {
        usage: UsageQuery {
            from,
            until: second("end_time")?.unwrap_or(call.at),
            bucket_micros: None,
            group_by: dimensions(&call.query.many("group_by"))?,
            project_ids: call.query.many("project_ids"),
            api_key_ids: call.query.many("api_key_ids"),
            user_ids: call.query.many("user_ids"),
            models: call.query.many(models),
            endpoints: endpoint.into_iter().map(|endpoint| endpoint.name().to_owned()).collect(),
        },
        width,
        limit,
        page: call.query.one("page").map(cursor).transpose()?,
    })
}

fn cursor(text: &str) -> Result<Timestamp, Error> {
    let seconds = text.strip_prefix("page_").and_then(|seconds| seconds.parse().ok());
    seconds
        .map(Timestamp::from_unix_seconds)
        .ok_or_else(|| Error::invalid_param("invalid_page", "page", "Pass next_page as it was given."))
}

fn page<T>(
    report: Report,
    result: impl Fn(UsageSum) -> Result<T, Failure>,
) -> Result<UsagePageJson<T>, Failure> {
    let next_page = report.next.map(|next| format!("page_{}", next.unix_seconds()));
    let buckets = report.buckets.into_iter().map(|bucket| {
        Ok(BucketJson {
            object: "bucket".to_owned(),
            start_time: bucket.start.unix_seconds(),
            end_time: bucket.end.unix_seconds(),
            results: bucket.sums.into_iter().map(&result).collect::<Result<_, Failure>>()?,
        })
    });
    Ok(UsagePageJson {
        object: "page".to_owned(),
        data: buckets.collect::<Result<_, Failure>>()?,
        has_more: next_page.is_some(),
        next_page,
    })
}

async fn completions_usage(call: Call) -> Result<Answer, Failure> {
    let query = asked(&call, Some(Metered::ChatCompletions))?;
    let group_by = query.usage.group_by.clone();
    let report = super::report(&call.control, &call.grant, query).await?;
    let json = page(report, |sum| {
        let totals = sum.totals;
        Ok(CompletionsResultJson {
            object: "organization.usage.completions.result".to_owned(),
            input_tokens: totals.input_tokens(),
            output_tokens: totals.output,
            num_model_requests: totals.requests,
            input_cached_tokens: totals.cached_input,
            input_uncached_tokens: totals.input,
            input_cache_write_tokens: totals.cache_write,
            input_audio_tokens: 0,
            output_audio_tokens: 0,
            batch: None,
            service_tier: None,
            of: DimensionsJson::of(&group_by, sum.of),
        })
    })?;
    Ok(Answer::json(json))
}

async fn embeddings_usage(call: Call) -> Result<Answer, Failure> {
    let query = asked(&call, Some(Metered::Embeddings))?;
    let group_by = query.usage.group_by.clone();
    let report = super::report(&call.control, &call.grant, query).await?;
    let json = page(report, |sum| {
        Ok(EmbeddingsResultJson {
            object: "organization.usage.embeddings.result".to_owned(),
            input_tokens: sum.totals.input_tokens(),
            num_model_requests: sum.totals.requests,
            of: DimensionsJson::of(&group_by, sum.of),
        })
    })?;
    Ok(Answer::json(json))
}

async fn costs(call: Call) -> Result<Answer, Failure> {
    let query = asked(&call, None)?;
    let by_line = call.query.many("group_by").iter().any(|word| word == "line_item");
    let group_by = query.usage.group_by.clone();
    let grant = super::cost_grant(call.actor()?, &call.grant, &query.usage)?;
    let report = super::report(&call.control, &grant, query).await?;
    let json = page(report, |sum| {
        let of = DimensionsJson::of(&group_by, sum.of);
        Ok(CostsResultJson {
            object: "organization.costs.result".to_owned(),
            amount: AmountJson::of(NanoUsd::from_nano(sum.totals.cost))?,
            line_item: of.model.clone().filter(|_| by_line),
            quantity: None,
            quantity_unit: None,
            of,
        })
    })?;
    Ok(Answer::json(json))
}

/// The rows of this noun.
pub fn endpoints() -> Vec<Endpoint> {
    const COMPLETIONS: &str = "/v1/organization/usage/completions";
    const EMBEDDINGS: &str = "/v1/organization/usage/embeddings";
    let read = Access::Organization(Permission::UsageRead);
    vec![
        api(Method::Get, COMPLETIONS, "completions_usage", "What chat completions used, by time.")
            .needs(read)
            .query::<UsageReportQuery>()
            .answer::<UsagePageJson<CompletionsResultJson>>()
            .to(completions_usage),
        api(Method::Get, EMBEDDINGS, "embeddings_usage", "What embeddings used, by time.")
            .needs(read)
            .query::<UsageReportQuery>()
            .answer::<UsagePageJson<EmbeddingsResultJson>>()
            .to(embeddings_usage),
        api(Method::Get, "/v1/organization/costs", "costs", "What calls cost, by day.")
            .needs(Access::Organization(Permission::CostRead))
            .query::<UsageReportQuery>()
            .answer::<UsagePageJson<CostsResultJson>>()
            .to(costs),
        super::records::endpoint(),
    ]
}
