//! The wire of service accounts: `/v1/organization/projects/{project_id}/service_accounts`.

use domain::Error;
use domain::access::{Permission, ProjectRole};
use domain::api_keys::{ApiKey, KeyOwner, Secret};
use domain::audit::Verb;
use domain::ids::{ProjectId, ServiceAccountId, UserId};
use domain::page::Order;
use domain::routes::{Access, Method};
use domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::OwnedAccount;

use super::{KEY_NAME, NewServiceAccount, ServiceAccountChanges};
use crate::api_keys::{NewKey, create_key};
use crate::http::list_query::ListQuery;
use crate::{Answer, Call, Endpoint, Failure, ListJson, api};

/// A service account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceAccountJson {
    /// Its id.
    pub id: String,
    /// Always `organization.project.service_account`.
    pub object: String,
    /// The name people read.
    pub name: String,
    /// `owner`, `member` or `none`.
    pub role: String,
    /// The exact role, or `none`.
    pub bailiwick_role: String,
    /// When it was created, in Unix seconds.
    pub created_at: i64,
    /// The person answerable for its keys.
    pub key_owner_id: String,
    /// Their name.
    pub key_owner_name: String,
    /// `active`; `suspended` or `removed` where somebody else has to answer for its keys.
    pub key_owner_status: String,
}

/// A service account as created, with its first key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CreatedServiceAccountJson {
    /// The account.
    #[serde(flatten)]
    pub account: ServiceAccountJson,
    /// Its first key; null when it was created alone.
    pub api_key: Option<AccountKeyJson>,
}

/// A key of a service account, with its secret, shown this once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccountKeyJson {
    /// The key's id.
    pub id: String,
    /// Always `organization.project.service_account.api_key`.
    pub object: String,
    /// The name people read.
    pub name: String,
    /// The secret.
    pub value: String,
    /// When it was created, in Unix seconds.
    pub created_at: i64,
    /// From when it stops, in Unix seconds.
    pub expires_at: Option<i64>,
}

/// A new service account.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct NewServiceAccountJson {
    /// The name people read.
    pub name: String,
    /// Whether to leave out the role and the key.
    pub create_service_account_only: Option<bool>,
    /// How long its first key lives; for ever when absent.
    pub expires_in_seconds: Option<i64>,
    /// The person answerable for its keys; the caller when absent.
    pub key_owner_id: Option<String>,
}

/// What to change of a service account: an absent field stays.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ServiceAccountChangesJson {
    /// Another name.
    pub name: Option<String>,
    /// `owner`, `member`, `viewer` or `none`.
    pub role: Option<String>,
    /// Another person answerable for its keys.
    pub key_owner_id: Option<String>,
}

/// A new key of a service account.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct NewAccountKeyJson {
    /// The name people read.
    pub name: Option<String>,
    /// Scopes, as `GET /v1/organization/key_scopes` lists them; empty or absent means unrestricted.
    pub scopes: Option<Vec<String>>,
    /// The models it may use; absent means whatever its project may. A star at the end of a name stands for what
    /// follows.
    pub models: Option<Vec<String>>,
    /// Models that it may not use although its project may.
    pub denied_models: Option<Vec<String>>,
    /// How long it lives; for ever when absent.
    pub expires_in_seconds: Option<i64>,
}

/// A service account that was deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceAccountDeletedJson {
    /// Its id.
    pub id: String,
    /// Always `organization.project.service_account.deleted`.
    pub object: String,
    /// Always true.
    pub deleted: bool,
}

impl From<OwnedAccount> for ServiceAccountJson {
    fn from(owned: OwnedAccount) -> Self {
        let account = owned.account;
        Self {
            key_owner_name: owned.key_owner_name,
            key_owner_status: owned.key_owner_status.name().to_owned(),
            id: account.id.to_string(),
            object: "organization.project.service_account".to_owned(),
            name: account.name,
            role: account.role.map_or("none", ProjectRole::wire).to_owned(),
            bailiwick_role: account.role.map_or("none", ProjectRole::name).to_owned(),
            created_at: account.created_at.unix_seconds(),
            key_owner_id: account.key_owner_id.to_string(),
        }
    }
}

impl AccountKeyJson {
    fn of(key: &ApiKey, secret: &Secret) -> Self {
        Self {
            id: key.id.to_string(),
            object: "organization.project.service_account.api_key".to_owned(),
            name: key.name.clone(),
            value: secret.reveal().to_owned(),
            created_at: key.created_at.unix_seconds(),
            expires_at: key.expires_at.map(Timestamp::unix_seconds),
        }
    }
}

fn key_owner(text: Option<String>) -> Result<Option<UserId>, Error> {
    let bad = |_| Error::invalid_param("invalid_id", "key_owner_id", "This is not an id of a user.");
    text.map(|text| text.parse().map_err(bad)).transpose()
}

pub(super) fn role(word: &str) -> Result<Option<ProjectRole>, Error> {
    match word {
        "none" => Ok(None),
        word => ProjectRole::parse(word).map(Some).ok_or_else(|| {
            Error::invalid_param("invalid_role", "role", "Use owner, member, viewer or none.")
        }),
    }
}

fn named(call: &Call) -> Result<(ProjectId, ServiceAccountId), Failure> {
    Ok((call.path::<ProjectId>("project_id")?, call.path::<ServiceAccountId>("service_account_id")?))
}

async fn create_service_account(call: Call) -> Result<Answer, Failure> {
    let project = call.path::<ProjectId>("project_id")?;
    let body = call.json::<NewServiceAccountJson>()?;
    let new = NewServiceAccount {
        name: body.name,
        without_key: body.create_service_account_only.unwrap_or(false),
        expires_in_seconds: body.expires_in_seconds,
        key_owner_id: key_owner(body.key_owner_id)?,
    };
    let (account, issued) = super::create_service_account(&call.control, &call.grant, project, new).await?;
    Ok(Answer::json(CreatedServiceAccountJson {
        account: account.into(),
        api_key: issued.map(|(key, secret)| AccountKeyJson::of(&key, &secret)),
    }))
}

async fn list_service_accounts(call: Call) -> Result<Answer, Failure> {
    let project = call.path::<ProjectId>("project_id")?;
    let page = call.query.page::<ServiceAccountId>(20, 100, Order::Ascending)?;
    let accounts = super::list_service_accounts(&call.control, &call.grant, project, &page).await?;
    Ok(Answer::json(ListJson::of(accounts.map(ServiceAccountJson::from), |account| &account.id)))
}

async fn retrieve_service_account(call: Call) -> Result<Answer, Failure> {
    let (project, id) = named(&call)?;
    let account = super::retrieve_service_account(&call.control, &call.grant, project, id).await?;
    Ok(Answer::json(ServiceAccountJson::from(account)))
}

async fn update_service_account(call: Call) -> Result<Answer, Failure> {
    let (project, id) = named(&call)?;
    let body = call.json::<ServiceAccountChangesJson>()?;
    let changes = ServiceAccountChanges {
        name: body.name,
        role: body.role.as_deref().map(role).transpose()?,
        key_owner_id: key_owner(body.key_owner_id)?,
    };
    let account = super::update_service_account(&call.control, &call.grant, project, id, changes).await?;
    Ok(Answer::json(ServiceAccountJson::from(account)))
}

async fn delete_service_account(call: Call) -> Result<Answer, Failure> {
    let (project, id) = named(&call)?;
    super::delete_service_account(&call.control, &call.grant, project, id).await?;
    Ok(Answer::json(ServiceAccountDeletedJson {
        id: id.to_string(),
        object: "organization.project.service_account.deleted".to_owned(),
        deleted: true,
    }))
}

async fn create_service_account_key(call: Call) -> Result<Answer, Failure> {
    let (project, id) = named(&call)?;
    let body = call.json::<NewAccountKeyJson>()?;
    let new = NewKey {
        name: body.name.unwrap_or_else(|| KEY_NAME.to_owned()),
        owner: Some(KeyOwner::ServiceAccount(id)),
        scopes: body.scopes.unwrap_or_default(),
        models: body.models,
        denied_models: body.denied_models.unwrap_or_default(),
        expires_in_seconds: body.expires_in_seconds,
        ..NewKey::default()
    };
    let issued = create_key(&call.control, &call.grant, project, new).await?;
    Ok(Answer::json(AccountKeyJson::of(&issued.owned.key, &issued.secret)))
}

const ALL: &str = "/v1/organization/projects/{project_id}/service_accounts";
const ONE: &str = "/v1/organization/projects/{project_id}/service_accounts/{service_account_id}";
const KEYS: &str = "/v1/organization/projects/{project_id}/service_accounts/{service_account_id}/api_keys";

/// The rows of this noun.
pub fn endpoints() -> Vec<Endpoint> {
    let manage = Access::Project(Permission::ServiceAccountManage);
    let read = Access::Project(Permission::ServiceAccountRead);
    vec![
        api(Method::Post, ALL, "create_service_account", "Create a service account, and its first key.")
            .needs(manage)
            .audited(Verb::ServiceAccountCreated)
            .body::<NewServiceAccountJson>()
            .answer::<CreatedServiceAccountJson>()
            .to(create_service_account),
        api(
            Method::Get,
            ALL,
            "list_service_accounts",
            "List the service accounts of a project, oldest first.",
        )
        .needs(read)
        .query::<ListQuery>()
        .answer::<ListJson<ServiceAccountJson>>()
        .to(list_service_accounts),
        api(Method::Get, ONE, "retrieve_service_account", "Read one service account.")
            .needs(read)
            .answer::<ServiceAccountJson>()
            .to(retrieve_service_account),
        api(Method::Post, ONE, "update_service_account", "Change a service account: absent fields stay.")
            .needs(manage)
            .audited(Verb::ServiceAccountUpdated)
            .body::<ServiceAccountChangesJson>()
            .answer::<ServiceAccountJson>()
            .to(update_service_account),
        api(Method::Delete, ONE, "delete_service_account", "Delete a service account; its keys are revoked.")
            .needs(manage)
            .audited(Verb::ServiceAccountDeleted)
            .answer::<ServiceAccountDeletedJson>()
            .to(delete_service_account),
        api(Method::Post, KEYS, "create_service_account_key", "Create another key of a service account.")
            .needs(Access::Project(Permission::ApiKeyManage))
            .audited(Verb::ApiKeyCreated)
            .body::<NewAccountKeyJson>()
            .answer::<AccountKeyJson>()
            .to(create_service_account_key),
    ]
}
