//! The spend limit of the compatible API: the one hard allowance of money that is made through it.

use domain::Error;
use domain::access::{Grant, Permission};
use domain::allowances::{Enforcement, Level, Scope, Unit};
use domain::audit::Verb;
use domain::ids::ProjectId;
use domain::money::NanoUsd;
use domain::routes::{Access, Method};
use domain::time::Window;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::allowances as stored;

use super::{
    NewAllowance, Purpose, SpentAllowance, delete_allowance, make, retrieve_allowance, update_allowance,
};
use crate::{Answer, Call, Control, Endpoint, Failure, api};

/// The spend limit of the organization or of a project.
///
/// # Errors
/// `Hidden` when none is set.
pub async fn retrieve_spend_limit(
    control: &Control,
    grant: &Grant,
    level: &Level,
) -> Result<SpentAllowance, Failure> {
    let allowance = stored::spend_limit(&control.store, grant, level).await?;
    retrieve_allowance(control, grant, allowance.id).await
}

/// Sets or replaces the spend limit. Another window begins a new allowance.
///
/// # Errors
/// Those of allowances.
pub async fn set_spend_limit(
    control: &Control,
    grant: &Grant,
    level: Level,
    window: Window,
    amount: NanoUsd,
) -> Result<SpentAllowance, Failure> {
    let was = match stored::spend_limit(&control.store, grant, &level).await {
        Ok(there) if there.window == window => {
            let changes = (Some(amount.nano()), Some(Enforcement::Hard));
            return update_allowance(control, grant, there.id, changes).await;
        }
        Ok(other) => Some(other),
        Err(store::Error::NotFound { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let new = NewAllowance {
        scope: Scope { level, model: None },
        unit: Unit::NanoUsd,
        window,
        amount: amount.nano(),
        enforcement: Enforcement::Hard,
    };
    make(control, grant, new, Purpose::SpendLimit { was }).await
}

/// A spend limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SpendLimitJson {
    /// `organization.spend_limit` or `project.spend_limit`.
    pub object: String,
    /// The amount in whole cents, rounded down; exact in `amount_nano_usd`.
    pub threshold_amount: i64,
    /// Always `USD`.
    pub currency: String,
    /// `month`; here also `hour`, `day`, `week` or `lifetime`.
    pub interval: String,
    /// Whether calls are refused now.
    pub enforcement: EnforcementJson,
    /// The amount in nano-dollars.
    pub amount_nano_usd: i64,
    /// What was spent in this interval, in nano-dollars.
    pub spent_nano_usd: i64,
    /// The allowance that it is.
    pub allowance_id: String,
}

/// How a spend limit stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EnforcementJson {
    /// `enforcing` once nothing is left, `inactive` until then.
    pub status: String,
}

/// A spend limit to set.
#[derive(Deserialize, JsonSchema)]
pub struct NewSpendLimitJson {
    /// The amount in cents, 1 or more; `amount_nano_usd` may take its place.
    pub threshold_amount: Option<i64>,
    /// The amount in nano-dollars, where cents are too coarse.
    pub amount_nano_usd: Option<i64>,
    /// `USD`.
    pub currency: Option<String>,
    /// `month` (the default), `hour`, `day`, `week` or `lifetime`.
    pub interval: Option<String>,
}

/// A removed spend limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SpendLimitDeletedJson {
    /// `organization.spend_limit.deleted` or `project.spend_limit.deleted`.
    pub object: String,
    /// Always true.
    pub deleted: bool,
}

fn json(limit: &SpentAllowance) -> SpendLimitJson {
    let allowance = &limit.allowance;
    let spending = limit.spending;
    let is_spent = spending.is_some_and(|spending| spending.spent >= allowance.amount);
    SpendLimitJson {
        object: object(&allowance.scope.level, ""),
        threshold_amount: NanoUsd::from_nano(allowance.amount).whole_cents(),
        currency: "USD".to_owned(),
        interval: allowance.window.name().to_owned(),
        enforcement: EnforcementJson { status: if is_spent { "enforcing" } else { "inactive" }.to_owned() },
        amount_nano_usd: allowance.amount,
        spent_nano_usd: spending.map_or(0, |spending| spending.spent),
        allowance_id: allowance.id.to_string(),
    }
}

fn object(level: &Level, end: &str) -> String {
    let noun = if matches!(level, Level::Project(_)) { "project" } else { "organization" };
    format!("{noun}.spend_limit{end}")
}

/// The project of the path, or the organization on the path without one.
fn level(call: &Call) -> Result<Level, Failure> {
    if call.path_text("project_id").is_empty() {
        return Ok(Level::Organization);
    }
    Ok(Level::Project(call.path::<ProjectId>("project_id")?))
}

fn amount(body: &NewSpendLimitJson) -> Result<NanoUsd, Error> {
    let too_small = || {
        Error::invalid_param("invalid_amount", "threshold_amount", "Give threshold_amount: 1 cent or more.")
    };
    match (body.amount_nano_usd, body.threshold_amount) {
        (Some(nano), _) if nano > 0 => Ok(NanoUsd::from_nano(nano)),
        (None, Some(cents)) if cents > 0 => NanoUsd::from_cents(cents),
        _ => Err(too_small()),
    }
}

async fn retrieve(call: Call) -> Result<Answer, Failure> {
    let limit = retrieve_spend_limit(&call.control, &call.grant, &level(&call)?).await?;
    Ok(Answer::json(json(&limit)))
}

async fn update(call: Call) -> Result<Answer, Failure> {
    let body = call.json::<NewSpendLimitJson>()?;
    if body.currency.as_deref().is_some_and(|currency| !currency.eq_ignore_ascii_case("usd")) {
        return Err(Error::invalid_param("invalid_currency", "currency", "Amounts are in USD.").into());
    }
    let interval = body.interval.as_deref().unwrap_or("month");
    let window = Window::parse(interval).filter(|window| window.is_durable()).ok_or_else(|| {
        Error::invalid_param("invalid_interval", "interval", "Use one of: hour day week month lifetime.")
    })?;
    let limit = set_spend_limit(&call.control, &call.grant, level(&call)?, window, amount(&body)?).await?;
    Ok(Answer::json(json(&limit)))
}

async fn delete(call: Call) -> Result<Answer, Failure> {
    let level = level(&call)?;
    let limit = stored::spend_limit(&call.control.store, &call.grant, &level).await?;
    delete_allowance(&call.control, &call.grant, limit.id).await?;
    Ok(Answer::json(SpendLimitDeletedJson { object: object(&level, ".deleted"), deleted: true }))
}

/// The rows of spend limits.
pub(super) fn endpoints() -> Vec<Endpoint> {
    const ALL: &str = "/v1/organization/spend_limit";
    const ONE: &str = "/v1/organization/projects/{project_id}/spend_limit";
    let of_all = Access::Organization;
    let of_project = Access::Project;
    let (read, manage) = (Permission::AllowanceRead, Permission::AllowanceManage);
    vec![
        api(Method::Get, ALL, "retrieve_spend_limit", "Read the organization's spend limit.")
            .needs(of_all(read))
            .answer::<SpendLimitJson>()
            .to(retrieve),
        api(Method::Post, ALL, "update_spend_limit", "Set the organization's spend limit.")
            .needs(of_all(manage))
            .audited(Verb::AllowanceUpdated)
            .body::<NewSpendLimitJson>()
            .answer::<SpendLimitJson>()
            .to(update),
        api(Method::Delete, ALL, "delete_spend_limit", "Remove the organization's spend limit.")
            .needs(of_all(manage))
            .audited(Verb::AllowanceDeleted)
            .answer::<SpendLimitDeletedJson>()
            .to(delete),
        api(Method::Get, ONE, "retrieve_project_spend_limit", "Read a project's spend limit.")
            .needs(of_project(read))
            .answer::<SpendLimitJson>()
            .to(retrieve),
        api(Method::Post, ONE, "update_project_spend_limit", "Set a project's spend limit.")
            .needs(of_project(manage))
            .audited(Verb::AllowanceUpdated)
            .body::<NewSpendLimitJson>()
            .answer::<SpendLimitJson>()
            .to(update),
        api(Method::Delete, ONE, "delete_project_spend_limit", "Remove a project's spend limit.")
            .needs(of_project(manage))
            .audited(Verb::AllowanceDeleted)
            .answer::<SpendLimitDeletedJson>()
            .to(delete),
    ]
}
