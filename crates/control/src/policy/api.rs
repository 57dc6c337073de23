//! The rows of policy: `/v1/organization/policy…`, and the same under a project and a key.

use domain::Error;
use domain::access::Permission;
use domain::audit::Verb;
use domain::ids::{ExceptionId, KeyId};
use domain::page::Order;
use domain::policy::{Place, Setting, Spot};
use domain::projects::Environment;
use domain::routes::{Access, Method};
use domain::time::{DAY, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::wire::{ExceptionJson, HeldJson, NewEntryJson, NewExceptionJson, SettingJson, WarningJson};
use super::{
    NewException, clear_policy, end_exception, give_exception, keep_policy, list_exceptions, list_warnings,
    place_of_admin_key, place_of_environment, place_of_project, policy_at, set_policy, undo_policy,
};
use crate::http::endpoint::Draft;
use crate::{Answer, Call, Endpoint, Failure, ListJson, api};

/// For how many days warnings are shown when the call does not say.
pub(super) const WARNING_DAYS: i64 = 30;

/// Which of the organization's values are wanted.
#[derive(Deserialize, JsonSchema)]
#[allow(dead_code, reason = "describes the query; the values are read one by one")]
pub struct PolicyQuery {
    /// `development`, `staging` or `production`; the organization itself when absent.
    environment: Option<String>,
}

/// Which warnings are wanted.
#[derive(Deserialize, JsonSchema)]
#[allow(dead_code, reason = "describes the query; the values are read one by one")]
pub struct WarningsQuery {
    /// From when on, in Unix seconds; the last 30 days when absent.
    start_time: Option<i64>,
}

/// Which page is wanted.
#[derive(Deserialize, JsonSchema)]
#[allow(dead_code, reason = "describes the query; the values are read one by one")]
pub struct ExceptionsQuery {
    /// The id after which the page starts.
    after: Option<String>,
    /// How many, 1 to 100; 20 when absent.
    limit: Option<i64>,
}

/// An exception that was ended.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ExceptionEndedJson {
    /// Its id.
    pub id: String,
    /// Always `policy.exception.deleted`.
    pub object: String,
    /// Always true.
    pub deleted: bool,
}

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    const CATALOGUE: &str = "/v1/organization/policy_settings";
    const WARNINGS: &str = "/v1/organization/policy_warnings";
    let read = Access::Organization(Permission::PolicyRead);
    let mut rows = vec![
        api(Method::Get, CATALOGUE, "list_policy_settings", "List every setting that policy knows.")
            .needs(Access::Organization(Permission::OrganizationRead))
            .answer::<ListJson<SettingJson>>()
            .to(settings),
        api(
            Method::Get,
            WARNINGS,
            "list_policy_warnings",
            "List what warnings let pass, the most frequent first.",
        )
        .needs(read)
        .query::<WarningsQuery>()
        .answer::<ListJson<WarningJson>>()
        .to(warnings),
    ];
    rows.extend(rows_of_values());
    rows.extend(rows_of_trials());
    rows.extend(rows_of_exceptions());
    rows
}

fn rows_of_values() -> Vec<Endpoint> {
    const ALL: &str = "/v1/organization/policy";
    const ONE: &str = "/v1/organization/policy/{setting}";
    const OF_ADMIN_KEY: &str = "/v1/organization/admin_api_keys/{key_id}/policy";
    const ONE_OF_ADMIN_KEY: &str = "/v1/organization/admin_api_keys/{key_id}/policy/{setting}";
    const OF_PROJECT: &str = "/v1/organization/projects/{project_id}/policy";
    const ONE_OF_PROJECT: &str = "/v1/organization/projects/{project_id}/policy/{setting}";
    const OF_KEY: &str = "/v1/organization/projects/{project_id}/api_keys/{api_key_id}/policy";
    const ONE_OF_KEY: &str = "/v1/organization/projects/{project_id}/api_keys/{api_key_id}/policy/{setting}";
    let read = Access::Organization(Permission::PolicyRead);
    let manage = Access::Organization(Permission::PolicyManage);
    let read_project = Access::Project(Permission::ProjectPolicyRead);
    let manage_project = Access::Project(Permission::ProjectPolicyManage);
    vec![
        listing(
            ALL,
            "list_policy",
            "List what holds in the organization or an environment, and who set it.",
            read,
        )
        .query::<PolicyQuery>()
        .to(list),
        setting(ONE, "set_policy", "Set something for the organization or an environment.", manage).to(set),
        clearing(ONE, "clear_policy", "Take away what the organization or an environment set.", manage)
            .query::<PolicyQuery>()
            .to(clear),
        listing(OF_ADMIN_KEY, "list_admin_key_policy", "List from where an admin key may be used.", read)
            .to(list),
        setting(
            ONE_OF_ADMIN_KEY,
            "set_admin_key_policy",
            "Narrow from where an admin key may be used.",
            manage,
        )
        .to(set),
        clearing(ONE_OF_ADMIN_KEY, "clear_admin_key_policy", "Take away what an admin key set.", manage)
            .to(clear),
        listing(
            OF_PROJECT,
            "list_project_policy",
            "List what holds in a project, and which level set it.",
            read_project,
        )
        .to(list),
        setting(ONE_OF_PROJECT, "set_project_policy", "Narrow something for a project.", manage_project)
            .to(set),
        clearing(ONE_OF_PROJECT, "clear_project_policy", "Take away what a project set.", manage_project)
            .to(clear),
        listing(
            OF_KEY,
            "list_key_policy",
            "List what holds for a key, and which level set it.",
            // Who sees a key, sees what holds for it: members of a project see their own.
            Access::Project(Permission::ApiKeyRead),
        )
        .to(list),
        setting(ONE_OF_KEY, "set_key_policy", "Narrow something for a key.", manage_project).to(set),
        clearing(ONE_OF_KEY, "clear_key_policy", "Take away what a key set.", manage_project).to(clear),
    ]
}

fn rows_of_trials() -> Vec<Endpoint> {
    const KEEP: &str = "/v1/organization/policy/{setting}/keep";
    const UNDO: &str = "/v1/organization/policy/{setting}/undo";
    let manage = Access::Organization(Permission::PolicyManage);
    vec![
        api(Method::Post, KEEP, "keep_policy", "Keep what the organization or an environment set on trial.")
            .needs(manage)
            .audited(Verb::PolicyKept)
            .query::<PolicyQuery>()
            .answer::<HeldJson>()
            .to(keep),
        api(Method::Post, UNDO, "undo_policy", "Undo what the organization or an environment set on trial.")
            .needs(manage)
            .audited(Verb::PolicyUndone)
            .query::<PolicyQuery>()
            .answer::<HeldJson>()
            .to(undo),
    ]
}

fn listing(path: &'static str, operation: &'static str, summary: &'static str, access: Access) -> Draft {
    api(Method::Get, path, operation, summary).needs(access).answer::<ListJson<HeldJson>>()
}

fn setting(path: &'static str, operation: &'static str, summary: &'static str, access: Access) -> Draft {
    let row = api(Method::Post, path, operation, summary).needs(access).audited(Verb::PolicySet);
    row.body::<NewEntryJson>().answer::<HeldJson>()
}

fn clearing(path: &'static str, operation: &'static str, summary: &'static str, access: Access) -> Draft {
    api(Method::Delete, path, operation, summary)
        .needs(access)
        .audited(Verb::PolicyCleared)
        .answer::<HeldJson>()
}

fn rows_of_exceptions() -> Vec<Endpoint> {
    const ALL: &str = "/v1/organization/policy_exceptions";
    const ONE: &str = "/v1/organization/policy_exceptions/{exception_id}";
    let manage = Access::Organization(Permission::PolicyManage);
    vec![
        api(
            Method::Get,
            ALL,
            "list_policy_exceptions",
            "List exceptions from policy, ended ones too, newest first.",
        )
        .needs(Access::Organization(Permission::PolicyRead))
        .query::<ExceptionsQuery>()
        .answer::<ListJson<ExceptionJson>>()
        .to(exceptions),
        api(Method::Post, ALL, "give_policy_exception", "Give one place another value for a time.")
            .needs(manage)
            .audited(Verb::ExceptionGiven)
            .body::<NewExceptionJson>()
            .answer::<ExceptionJson>()
            .to(give),
        api(Method::Delete, ONE, "end_policy_exception", "End an exception now.")
            .needs(manage)
            .audited(Verb::ExceptionEnded)
            .answer::<ExceptionEndedJson>()
            .to(end),
    ]
}

async fn settings(_: Call) -> Result<Answer, Failure> {
    let all: Vec<SettingJson> = Setting::ALL.iter().map(|setting| SettingJson::from(*setting)).collect();
    Ok(Answer::json(ListJson::of(whole(all), |setting| &setting.id)))
}

async fn list(call: Call) -> Result<Answer, Failure> {
    let place = place_of(&call, call.query.one("environment")).await?;
    let values = policy_at(&call.control, &call.grant, place).await?;
    let values: Vec<HeldJson> = values.into_iter().map(HeldJson::from).collect();
    Ok(Answer::json(ListJson::of(whole(values), |value| &value.id)))
}

async fn set(call: Call) -> Result<Answer, Failure> {
    let body: NewEntryJson = call.json()?;
    let place = place_of(&call, body.environment.as_deref()).await?;
    let new = body.read(setting_of(call.path_text("setting"))?)?;
    Ok(Answer::json(HeldJson::from(set_policy(&call.control, &call.grant, place, new).await?)))
}

async fn clear(call: Call) -> Result<Answer, Failure> {
    let place = place_of(&call, call.query.one("environment")).await?;
    let setting = setting_of(call.path_text("setting"))?;
    Ok(Answer::json(HeldJson::from(clear_policy(&call.control, &call.grant, place, setting).await?)))
}

async fn keep(call: Call) -> Result<Answer, Failure> {
    let place = place_of(&call, call.query.one("environment")).await?;
    let setting = setting_of(call.path_text("setting"))?;
    Ok(Answer::json(HeldJson::from(keep_policy(&call.control, &call.grant, place, setting).await?)))
}

async fn undo(call: Call) -> Result<Answer, Failure> {
    let place = place_of(&call, call.query.one("environment")).await?;
    let setting = setting_of(call.path_text("setting"))?;
    Ok(Answer::json(HeldJson::from(undo_policy(&call.control, &call.grant, place, setting).await?)))
}

async fn exceptions(call: Call) -> Result<Answer, Failure> {
    let page = call.query.page::<ExceptionId>(20, 100, Order::Descending)?;
    let list = list_exceptions(&call.control, &call.grant, &page).await?;
    Ok(Answer::json(ListJson::of(list.map(ExceptionJson::from), |exception| &exception.id)))
}

async fn give(call: Call) -> Result<Answer, Failure> {
    let body: NewExceptionJson = call.json()?;
    let setting = Setting::parse(&body.setting).ok_or_else(|| {
        let sentence = "There is no such setting. GET /v1/organization/policy_settings lists them.";
        Error::invalid_param("unknown_setting", "setting", sentence)
    })?;
    let new = NewException {
        setting,
        spot: Spot::parse(&body.level, &body.level_id)?,
        value: setting.kind().read(&body.value)?,
        reason: body.reason,
        ends_at: Timestamp::from_unix_seconds(body.ends_at),
    };
    Ok(Answer::json(ExceptionJson::from(give_exception(&call.control, &call.grant, new).await?)))
}

async fn end(call: Call) -> Result<Answer, Failure> {
    let id: ExceptionId = call.path("exception_id")?;
    end_exception(&call.control, &call.grant, id).await?;
    let object = "policy.exception.deleted".to_owned();
    Ok(Answer::json(ExceptionEndedJson { id: id.to_string(), object, deleted: true }))
}

async fn warnings(call: Call) -> Result<Answer, Failure> {
    let since = call.query.number("start_time")?.map(Timestamp::from_unix_seconds);
    let since = since.unwrap_or_else(|| call.at.plus_micros(-WARNING_DAYS * DAY));
    let list = list_warnings(&call.control, &call.grant, since, None).await?;
    let list: Vec<WarningJson> = list.into_iter().map(WarningJson::from).collect();
    Ok(Answer::json(ListJson::of(whole(list), |warning| &warning.setting)))
}

/// The place that a row is about: of its admin key, its key, its project, an environment, or the organization.
pub(super) async fn place_of(call: &Call, environment: Option<&str>) -> Result<Place, Failure> {
    if !call.path_text("key_id").is_empty() {
        return place_of_admin_key(&call.control, &call.grant, call.path("key_id")?).await;
    }
    if call.path_text("project_id").is_empty() {
        let environment = environment.filter(|word| !word.is_empty()).map(Environment::parse).transpose()?;
        return Ok(place_of_environment(environment));
    }
    let key: Option<KeyId> = match call.path_text("api_key_id").is_empty() {
        true => None,
        false => Some(call.path("api_key_id")?),
    };
    place_of_project(&call.control, &call.grant, call.path("project_id")?, key).await
}

pub(super) fn setting_of(name: &str) -> Result<Setting, Error> {
    Setting::parse(name).ok_or(Error::Hidden { what: "setting" })
}

fn whole<T>(items: Vec<T>) -> domain::page::Page<T> {
    domain::page::Page { items, has_more: false }
}
