//! The wire of prices: `/v1/organization/prices`.

use domain::access::Permission;
use domain::audit::Verb;
use domain::page::{Order, Page, invalid_cursor};
use domain::pricing::{NewPrice, Price, Rates};
use domain::providers::ProviderKind;
use domain::routes::{Access, Method};
use domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Answer, Call, Endpoint, Failure, ListJson, api};

/// Nano-dollars (10⁻⁹ USD) per million of each unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RatesJson {
    /// Tokens read.
    pub input: i64,
    /// Tokens read from the provider's cache; as `input` when absent.
    pub cached_input: Option<i64>,
    /// Tokens written to the provider's cache; as `input` when absent.
    pub cache_write: Option<i64>,
    /// Tokens generated.
    pub output: i64,
    /// Calls.
    pub request: i64,
}

impl From<Rates> for RatesJson {
    fn from(rates: Rates) -> Self {
        Self {
            input: rates.input,
            cached_input: Some(rates.cached_input),
            cache_write: Some(rates.cache_write),
            output: rates.output,
            request: rates.request,
        }
    }
}

impl From<RatesJson> for Rates {
    fn from(json: RatesJson) -> Self {
        Self {
            input: json.input,
            cached_input: json.cached_input.unwrap_or(json.input),
            cache_write: json.cache_write.unwrap_or(json.input),
            output: json.output,
            request: json.request,
        }
    }
}

/// A price.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PriceJson {
    /// Its id.
    pub id: String,
    /// Always `organization.price`.
    pub object: String,
    /// The model.
    pub model: String,
    /// The kind of provider.
    pub kind: String,
    /// Nano-dollars per million of each unit.
    pub rates: RatesJson,
    /// The most tokens the model reads in one call.
    pub context_tokens: Option<i64>,
    /// The most tokens the model generates in one call.
    pub max_output_tokens: Option<i64>,
    /// From when it holds, in Unix seconds.
    pub effective_from: i64,
    /// Where the figure comes from.
    pub source: String,
    /// Whether it is of the built-in list.
    pub is_built_in: bool,
}

impl From<Price> for PriceJson {
    fn from(price: Price) -> Self {
        Self {
            id: price.id,
            object: "organization.price".to_owned(),
            model: price.model,
            kind: price.kind.name().to_owned(),
            rates: price.rates.into(),
            context_tokens: price.context_tokens,
            max_output_tokens: price.max_output_tokens,
            effective_from: price.effective_from.unix_seconds(),
            source: price.source,
            is_built_in: price.organization_id.is_none(),
        }
    }
}

/// A price of the organization's own.
#[derive(Deserialize, JsonSchema)]
pub struct NewPriceJson {
    /// The model.
    pub model: String,
    /// The kind of provider; `openai` when absent.
    pub kind: Option<String>,
    /// Nano-dollars per million of each unit.
    pub rates: RatesJson,
    /// The most tokens the model reads in one call.
    pub context_tokens: Option<i64>,
    /// The most tokens the model generates in one call.
    pub max_output_tokens: Option<i64>,
    /// From when it holds, in Unix seconds; now when absent.
    pub effective_from: Option<i64>,
    /// Where the figure comes from.
    pub source: Option<String>,
}

/// A price file in LiteLLM's format.
#[derive(Deserialize, JsonSchema)]
pub struct PriceFileJson {
    /// The file: a key per model, dollars per token as decimals.
    #[schemars(with = "std::collections::BTreeMap<String, serde_json::Value>")]
    pub prices: Box<serde_json::value::RawValue>,
    /// From when the prices hold, in Unix seconds; now when absent.
    pub effective_from: Option<i64>,
}

/// What came of a price file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImportedJson {
    /// Always `organization.price.import`.
    pub object: String,
    /// The prices that were set.
    pub data: Vec<PriceJson>,
    /// The models that were left out.
    pub skipped: Vec<SkippedJson>,
}

/// A model that was left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SkippedJson {
    /// The model.
    pub model: String,
    /// Why.
    pub reason: String,
}

/// Which prices are wanted.
#[derive(Deserialize, JsonSchema)]
pub struct PricesQuery {
    /// Only of this model.
    pub model: Option<String>,
    /// The id after which the page starts.
    pub after: Option<String>,
    /// How many, 1 to 1000; 100 when absent.
    pub limit: Option<i64>,
}

async fn list_prices(call: Call) -> Result<Answer, Failure> {
    let page = call.query.page::<String>(100, 1_000, Order::Ascending)?;
    let mut prices = super::list_prices(&call.control, &call.grant).await?;
    if let Some(model) = call.query.one("model") {
        prices.retain(|price| price.model == model);
    }
    if let Some(after) = &page.after {
        let place = prices.iter().position(|price| price.id == *after);
        prices.drain(..=place.ok_or_else(|| invalid_cursor("after"))?);
    }
    let page = Page::from_read(prices, page.limit).map(PriceJson::from);
    Ok(Answer::json(ListJson::of(page, |price| &price.id)))
}

async fn set_price(call: Call) -> Result<Answer, Failure> {
    let body = call.json::<NewPriceJson>()?;
    let new = NewPrice {
        model: body.model,
        kind: ProviderKind::parse(body.kind.as_deref().unwrap_or("openai"))?,
        rates: body.rates.into(),
        context_tokens: body.context_tokens,
        max_output_tokens: body.max_output_tokens,
        effective_from: call.at,
        source: body.source.unwrap_or_else(|| "set by the organization".to_owned()),
    };
    let from = body.effective_from.map(Timestamp::from_unix_seconds);
    let price = super::set_price(&call.control, &call.grant, new, from).await?;
    Ok(Answer::json(PriceJson::from(price)))
}

async fn import_prices(call: Call) -> Result<Answer, Failure> {
    let body = call.json::<PriceFileJson>()?;
    let from = body.effective_from.map(Timestamp::from_unix_seconds);
    let imported = super::import_prices(&call.control, &call.grant, body.prices.get(), from).await?;
    Ok(Answer::json(ImportedJson {
        object: "organization.price.import".to_owned(),
        data: imported.prices.into_iter().map(PriceJson::from).collect(),
        skipped: imported.skipped.into_iter().map(|(model, reason)| SkippedJson { model, reason }).collect(),
    }))
}

/// The rows of this noun.
pub fn endpoints() -> Vec<Endpoint> {
    const ALL: &str = "/v1/organization/prices";
    const IMPORT: &str = "/v1/organization/prices/import";
    let manage = Access::Organization(Permission::PriceManage);
    vec![
        api(Method::Get, ALL, "list_prices", "List the built-in prices and the organization's own.")
            .needs(Access::Organization(Permission::PriceRead))
            .query::<PricesQuery>()
            .answer::<ListJson<PriceJson>>()
            .to(list_prices),
        api(Method::Post, ALL, "set_price", "Set a price for this organization, from now or later on.")
            .needs(manage)
            .audited(Verb::PriceSet)
            .body::<NewPriceJson>()
            .answer::<PriceJson>()
            .to(set_price),
        api(Method::Post, IMPORT, "import_prices", "Set the prices of a file in LiteLLM's format.")
            .needs(manage)
            .audited(Verb::PricesImported)
            .body::<PriceFileJson>()
            .answer::<ImportedJson>()
            .to(import_prices),
    ]
}
