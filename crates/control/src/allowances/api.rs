//! The wire of allowances: `/v1/organization/allowances`.

use domain::Error;
use domain::access::Permission;
use domain::allowances::{Enforcement, Level, Scope, Unit};
use domain::audit::Verb;
use domain::ids::AllowanceId;
use domain::page::Order;
use domain::routes::{Access, Method};
use domain::time::Window;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{NewAllowance, SpentAllowance};
use crate::{Answer, Call, Endpoint, Failure, ListJson, api};

/// Whose calls an allowance counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScopeJson {
    /// `organization`, `environment`, `project`, `api_key`, `user`, `service_account` or `model`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The id, or the environment's name; null for the organization and for a model.
    pub id: Option<String>,
    /// Only calls of this model.
    pub model: Option<String>,
}

/// An allowance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AllowanceJson {
    /// Its id.
    pub id: String,
    /// Always `organization.allowance`.
    pub object: String,
    /// When it was made, in Unix seconds.
    pub created_at: i64,
    /// Whose calls it counts.
    pub scope: ScopeJson,
    /// `nano_usd`, `requests`, `input_tokens`, `output_tokens`, `tokens`, `images`, `seconds` or `in_flight`.
    pub unit: String,
    /// `minute`, `hour`, `day`, `week`, `month`, `lifetime`, or `none` for calls in flight.
    pub window: String,
    /// How much, in the unit.
    pub amount: i64,
    /// `hard` or `soft`.
    pub enforcement: String,
    /// What was used in this window; null where replicas count in memory (minutes and calls in flight).
    pub spent: Option<i64>,
    /// What replicas hold for calls to come.
    pub held: Option<i64>,
    /// What is neither spent nor held.
    pub left: Option<i64>,
    /// When the window ends, in Unix seconds.
    pub resets_at: Option<i64>,
}

impl From<SpentAllowance> for AllowanceJson {
    fn from(spent: SpentAllowance) -> Self {
        let allowance = &spent.allowance;
        let (kind, id) = allowance.scope.level.words();
        Self {
            id: allowance.id.to_string(),
            object: "organization.allowance".to_owned(),
            created_at: allowance.created_at.unix_seconds(),
            scope: ScopeJson {
                kind: kind.to_owned(),
                id: Some(id).filter(|id| !id.is_empty()),
                model: allowance.scope.model.clone(),
            },
            unit: allowance.unit.name().to_owned(),
            window: allowance.window.name().to_owned(),
            amount: allowance.amount,
            enforcement: allowance.enforcement.name().to_owned(),
            spent: spent.spending.map(|spending| spending.spent),
            held: spent.spending.map(|spending| spending.held),
            left: spent.left(),
            resets_at: spent.resets_at().map(domain::time::Timestamp::unix_seconds),
        }
    }
}

/// A new allowance.
#[derive(Deserialize, JsonSchema)]
pub struct NewAllowanceJson {
    /// Whose calls it counts.
    pub scope: ScopeJson,
    /// What it counts.
    pub unit: String,
    /// In which window; `none` for calls in flight.
    pub window: String,
    /// How much, in the unit.
    pub amount: i64,
    /// `hard` (the default) or `soft`.
    pub enforcement: Option<String>,
}

/// What to change of an allowance; scope, unit and window stay what they are.
#[derive(Deserialize, JsonSchema)]
pub struct AllowanceChangesJson {
    /// Another amount.
    pub amount: Option<i64>,
    /// `hard` or `soft`.
    pub enforcement: Option<String>,
}

/// A removed allowance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AllowanceDeletedJson {
    /// Its id.
    pub id: String,
    /// Always `organization.allowance.deleted`.
    pub object: String,
    /// Always true.
    pub deleted: bool,
}

/// Which page is wanted.
#[derive(Deserialize, JsonSchema)]
pub struct AllowancesQuery {
    /// The id after which the page starts.
    pub after: Option<String>,
    /// How many, 1 to 100; 20 when absent.
    pub limit: Option<i64>,
}

fn scope(json: ScopeJson) -> Result<Scope, Error> {
    let id = json.id.unwrap_or_default();
    let level = Level::parse(&json.kind, &id)?;
    let is_of_model = json.kind == "model";
    // A scope of the type `model` may name its model in either field.
    let model = json.model.or_else(|| Some(id).filter(|id| is_of_model && !id.is_empty()));
    if is_of_model && model.is_none() {
        return Err(Error::invalid_param("invalid_scope", "scope", "Name the model."));
    }
    Ok(Scope { level, model })
}

fn enforcement(word: &str) -> Result<Enforcement, Error> {
    let known = Enforcement::parse(word);
    known.ok_or_else(|| Error::invalid_param("invalid_enforcement", "enforcement", "Use hard or soft."))
}

async fn create_allowance(call: Call) -> Result<Answer, Failure> {
    let body = call.json::<NewAllowanceJson>()?;
    let unit = Unit::parse(&body.unit).ok_or_else(|| {
        let words: Vec<&str> = Unit::ALL.iter().map(|unit| unit.name()).collect();
        Error::invalid_param("invalid_unit", "unit", format!("Use one of: {}.", words.join(" ")))
    })?;
    let window = Window::parse(&body.window).ok_or_else(|| {
        let words: Vec<&str> = Window::ALL.iter().map(|window| window.name()).collect();
        Error::invalid_param("invalid_window", "window", format!("Use one of: {}.", words.join(" ")))
    })?;
    let new = NewAllowance {
        scope: scope(body.scope)?,
        unit,
        window,
        amount: body.amount,
        enforcement: enforcement(body.enforcement.as_deref().unwrap_or("hard"))?,
    };
    let made = super::create_allowance(&call.control, &call.grant, new).await?;
    Ok(Answer::json(AllowanceJson::from(made)))
}

async fn list_allowances(call: Call) -> Result<Answer, Failure> {
    let page = call.query.page::<AllowanceId>(20, 100, Order::Ascending)?;
    let list = super::list_allowances(&call.control, &call.grant, &page).await?;
    Ok(Answer::json(ListJson::of(list.map(AllowanceJson::from), |allowance| &allowance.id)))
}

async fn retrieve_allowance(call: Call) -> Result<Answer, Failure> {
    let id = call.path::<AllowanceId>("allowance_id")?;
    let allowance = super::retrieve_allowance(&call.control, &call.grant, id).await?;
    Ok(Answer::json(AllowanceJson::from(allowance)))
}

async fn update_allowance(call: Call) -> Result<Answer, Failure> {
    let id = call.path::<AllowanceId>("allowance_id")?;
    let body = call.json::<AllowanceChangesJson>()?;
    let changes = (body.amount, body.enforcement.as_deref().map(enforcement).transpose()?);
    let allowance = super::update_allowance(&call.control, &call.grant, id, changes).await?;
    Ok(Answer::json(AllowanceJson::from(allowance)))
}

async fn delete_allowance(call: Call) -> Result<Answer, Failure> {
    let id = call.path::<AllowanceId>("allowance_id")?;
    super::delete_allowance(&call.control, &call.grant, id).await?;
    let object = "organization.allowance.deleted".to_owned();
    Ok(Answer::json(AllowanceDeletedJson { id: id.to_string(), object, deleted: true }))
}

/// The rows of this noun.
pub fn endpoints() -> Vec<Endpoint> {
    const ALL: &str = "/v1/organization/allowances";
    const ONE: &str = "/v1/organization/allowances/{allowance_id}";
    let read = Access::Organization(Permission::AllowanceRead);
    let manage = Access::Organization(Permission::AllowanceManageKeys);
    let mut rows = vec![
        api(Method::Get, ALL, "list_allowances", "List the allowances that you may see, oldest first.")
            .needs(read)
            .query::<AllowancesQuery>()
            .answer::<ListJson<AllowanceJson>>()
            .to(list_allowances),
        api(Method::Post, ALL, "create_allowance", "Make an allowance.")
            .needs(manage)
            .audited(Verb::AllowanceCreated)
            .body::<NewAllowanceJson>()
            .answer::<AllowanceJson>()
            .to(create_allowance),
        api(Method::Get, ONE, "retrieve_allowance", "Read one allowance, with what is left of it.")
            .needs(read)
            .answer::<AllowanceJson>()
            .to(retrieve_allowance),
        api(Method::Post, ONE, "update_allowance", "Change an allowance's amount or enforcement.")
            .needs(manage)
            .audited(Verb::AllowanceUpdated)
            .body::<AllowanceChangesJson>()
            .answer::<AllowanceJson>()
            .to(update_allowance),
        api(Method::Delete, ONE, "delete_allowance", "Remove an allowance.")
            .needs(manage)
            .audited(Verb::AllowanceDeleted)
            .answer::<AllowanceDeletedJson>()
            .to(delete_allowance),
    ];
    rows.extend(super::spend_limit::endpoints());
    rows.extend(crate::raises::api::endpoints());
    rows
}
