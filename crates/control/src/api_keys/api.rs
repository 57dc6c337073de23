//! The wire of project keys: `/v1/organization/projects/{project_id}/api_keys`.

use domain::Error;
use domain::access::Permission;
use domain::audit::Verb;
use domain::ids::{KeyId, ProjectId};
use domain::page::Order;
use domain::routes::{Access, Method};
use schemars::JsonSchema;
use serde::Serialize;
use store::KeyFilter;

use super::wire::{KeyChangesJson, NewKeyJson, ProjectKeyJson, RotationJson};
use crate::{Answer, Call, Endpoint, Failure, ListJson, api};

/// What to list.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "the fields are read by name from the query; this is their schema")]
pub struct KeysQuery {
    /// The id after which the page starts.
    after: Option<String>,
    /// 1 to 100; 20 when absent.
    limit: Option<i64>,
    /// Keys whose owner may still use the project (`active`), may not (`inactive`), or `any` (the default).
    owner_project_access: Option<String>,
    /// Revoked keys too.
    include_revoked: Option<bool>,
    /// Those of this service account alone.
    service_account_id: Option<String>,
}

/// A key that was revoked.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct KeyDeletedJson {
    /// The key's id.
    pub id: String,
    /// Always `organization.project.api_key.deleted`.
    pub object: String,
    /// Always true.
    pub deleted: bool,
}

fn named(call: &Call) -> Result<(ProjectId, KeyId), Failure> {
    Ok((call.path::<ProjectId>("project_id")?, call.path::<KeyId>("api_key_id")?))
}

fn filter(call: &Call) -> Result<KeyFilter, Error> {
    let owner_active = match call.query.one("owner_project_access") {
        None | Some("any") => None,
        Some("active") => Some(true),
        Some("inactive") => Some(false),
        Some(_) => {
            let sentence = "Use active, inactive or any.";
            return Err(Error::invalid_param("invalid_filter", "owner_project_access", sentence));
        }
    };
    let revoked_too = call.query.flag("include_revoked")?.unwrap_or(false);
    let bad = |_| {
        Error::invalid_param("invalid_id", "service_account_id", "This is not an id of a service account.")
    };
    let service_account = call.query.one("service_account_id").map(str::parse).transpose().map_err(bad)?;
    Ok(KeyFilter { owner_active, revoked_too, service_account })
}

async fn create_api_key(call: Call) -> Result<Answer, Failure> {
    let project = call.path::<ProjectId>("project_id")?;
    let new = call.json::<NewKeyJson>()?.read()?;
    let issued = super::create_key(&call.control, &call.grant, project, new).await?;
    Ok(Answer::json(ProjectKeyJson::issued(issued, call.at)))
}

async fn list_api_keys(call: Call) -> Result<Answer, Failure> {
    let project = call.path::<ProjectId>("project_id")?;
    let page = call.query.page::<KeyId>(20, 100, Order::Ascending)?;
    let keys = super::list_keys(&call.control, &call.grant, project, filter(&call)?, &page).await?;
    Ok(Answer::json(ListJson::of(keys.map(|key| ProjectKeyJson::of(key, call.at)), |key| &key.id)))
}

async fn retrieve_api_key(call: Call) -> Result<Answer, Failure> {
    let (project, id) = named(&call)?;
    let key = super::retrieve_key(&call.control, &call.grant, project, id).await?;
    Ok(Answer::json(ProjectKeyJson::of(key, call.at)))
}

async fn update_api_key(call: Call) -> Result<Answer, Failure> {
    let (project, id) = named(&call)?;
    let changes = call.json::<KeyChangesJson>()?.read();
    let key = super::update_key(&call.control, &call.grant, project, id, changes).await?;
    Ok(Answer::json(ProjectKeyJson::of(key, call.at)))
}

async fn rotate_api_key(call: Call) -> Result<Answer, Failure> {
    let (project, id) = named(&call)?;
    let overlap_seconds = call.json::<RotationJson>()?.overlap_seconds.unwrap_or(0);
    let issued = super::rotate_key(&call.control, &call.grant, project, id, overlap_seconds).await?;
    Ok(Answer::json(ProjectKeyJson::issued(issued, call.at)))
}

async fn disable_api_key(call: Call) -> Result<Answer, Failure> {
    let (project, id) = named(&call)?;
    let key = super::disable_key(&call.control, &call.grant, project, id).await?;
    Ok(Answer::json(ProjectKeyJson::of(key, call.at)))
}

async fn enable_api_key(call: Call) -> Result<Answer, Failure> {
    let (project, id) = named(&call)?;
    let key = super::enable_key(&call.control, &call.grant, project, id).await?;
    Ok(Answer::json(ProjectKeyJson::of(key, call.at)))
}

async fn revoke_api_key(call: Call) -> Result<Answer, Failure> {
    let (project, id) = named(&call)?;
    super::revoke_key(&call.control, &call.grant, project, id).await?;
    Ok(Answer::json(KeyDeletedJson {
        id: id.to_string(),
        object: "organization.project.api_key.deleted".to_owned(),
        deleted: true,
    }))
}

const ALL: &str = "/v1/organization/projects/{project_id}/api_keys";
const ONE: &str = "/v1/organization/projects/{project_id}/api_keys/{api_key_id}";
const ROTATE: &str = "/v1/organization/projects/{project_id}/api_keys/{api_key_id}/rotate";
const DISABLE: &str = "/v1/organization/projects/{project_id}/api_keys/{api_key_id}/disable";
const ENABLE: &str = "/v1/organization/projects/{project_id}/api_keys/{api_key_id}/enable";

/// The rows of this noun.
pub fn endpoints() -> Vec<Endpoint> {
    let manage = Access::Project(Permission::ApiKeyManage);
    let read = Access::Project(Permission::ApiKeyRead);
    vec![
        super::scopes_api::endpoint(),
        api(Method::Post, ALL, "create_api_key", "Create a key; its value is in this answer alone.")
            .needs(manage)
            .audited(Verb::ApiKeyCreated)
            .body::<NewKeyJson>()
            .answer::<ProjectKeyJson>()
            .to(create_api_key),
        api(Method::Get, ALL, "list_api_keys", "List the keys that you may see, oldest first.")
            .needs(read)
            .query::<KeysQuery>()
            .answer::<ListJson<ProjectKeyJson>>()
            .to(list_api_keys),
        api(Method::Get, ONE, "retrieve_api_key", "Read one key.")
            .needs(read)
            .answer::<ProjectKeyJson>()
            .to(retrieve_api_key),
        api(Method::Post, ONE, "update_api_key", "Change a key: absent fields stay, null clears.")
            .needs(manage)
            .audited(Verb::ApiKeyUpdated)
            .body::<KeyChangesJson>()
            .answer::<ProjectKeyJson>()
            .to(update_api_key),
        api(Method::Delete, ONE, "revoke_api_key", "Revoke a key for ever.")
            .needs(manage)
            .audited(Verb::ApiKeyRevoked)
            .answer::<KeyDeletedJson>()
            .to(revoke_api_key),
        api(
            Method::Post,
            ROTATE,
            "rotate_api_key",
            "Draw a new secret; the old one lives on for the overlap.",
        )
        .needs(manage)
        .audited(Verb::ApiKeyRotated)
        .body::<RotationJson>()
        .answer::<ProjectKeyJson>()
        .to(rotate_api_key),
        api(Method::Post, DISABLE, "disable_api_key", "Switch a key off.")
            .needs(manage)
            .audited(Verb::ApiKeyDisabled)
            .answer::<ProjectKeyJson>()
            .to(disable_api_key),
        api(Method::Post, ENABLE, "enable_api_key", "Switch a key on again.")
            .needs(manage)
            .audited(Verb::ApiKeyEnabled)
            .answer::<ProjectKeyJson>()
            .to(enable_api_key),
    ]
}
