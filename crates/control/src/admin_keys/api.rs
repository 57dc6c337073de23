//! The wire of admin keys: `/v1/organization/admin_api_keys`.

use domain::Error;
use domain::access::{OrganizationRole, Permission};
use domain::api_keys::KeyOwner;
use domain::audit::Verb;
use domain::ids::KeyId;
use domain::page::Order;
use domain::routes::{Access, Method};
use domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::OwnedKey;

use super::NewAdminKey;
use crate::http::list_query::OrderedListQuery;
use crate::{Answer, Call, Endpoint, Failure, ListJson, api};

/// An admin key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AdminKeyJson {
    /// Its id.
    pub id: String,
    /// Always `organization.admin_api_key`.
    pub object: String,
    /// The name people read.
    pub name: String,
    /// The masked form of its secret.
    pub redacted_value: String,
    /// The secret, in the answer that created it and never again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// When it was created, in Unix seconds.
    pub created_at: i64,
    /// From when it stops, in Unix seconds.
    pub expires_at: Option<i64>,
    /// The last call made with it, in Unix seconds.
    pub last_used_at: Option<i64>,
    /// As whom it acts.
    pub owner: AdminKeyOwnerJson,
    /// `active`, `disabled` or `expired`.
    pub status: String,
}

/// The owner of an admin key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AdminKeyOwnerJson {
    /// Always `user`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Always `organization.user`.
    pub object: String,
    /// The user's id.
    pub id: String,
    /// Their name.
    pub name: String,
    /// Since when they exist, in Unix seconds.
    pub created_at: i64,
    /// `owner` or `reader`.
    pub role: String,
}

/// A new admin key.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct NewAdminKeyJson {
    /// The name people read.
    pub name: String,
    /// How long it lives, 1 to 31536000 seconds; for ever when absent.
    pub expires_in_seconds: Option<i64>,
    /// The id of the member as whom it acts; the caller when absent. For another member one needs all their rights.
    pub owner_id: Option<String>,
}

/// An admin key that was revoked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AdminKeyDeletedJson {
    /// Its id.
    pub id: String,
    /// Always `organization.admin_api_key.deleted`.
    pub object: String,
    /// Always true.
    pub deleted: bool,
}

impl AdminKeyJson {
    /// A key as it stands at a moment.
    pub fn of(owned: OwnedKey, at: Timestamp) -> Self {
        let key = owned.key;
        let owner_id = match key.owner {
            KeyOwner::User(user) => user.to_string(),
            KeyOwner::ServiceAccount(account) => account.to_string(),
        };
        let role = owned.owner_organization_role.unwrap_or(OrganizationRole::Member);
        Self {
            id: key.id.to_string(),
            object: "organization.admin_api_key".to_owned(),
            status: key.status(at).name().to_owned(),
            name: key.name,
            redacted_value: key.redacted,
            value: None,
            created_at: key.created_at.unix_seconds(),
            expires_at: key.expires_at.map(Timestamp::unix_seconds),
            last_used_at: key.last_used_at.map(Timestamp::unix_seconds),
            owner: AdminKeyOwnerJson {
                kind: "user".to_owned(),
                object: "organization.user".to_owned(),
                id: owner_id,
                name: owned.owner_name,
                created_at: owned.owner_created_at.unix_seconds(),
                role: role.wire().to_owned(),
            },
        }
    }
}

async fn create_admin_key(call: Call) -> Result<Answer, Failure> {
    let body = call.json::<NewAdminKeyJson>()?;
    let owner_id =
        body.owner_id.map(|id| id.parse().map_err(|_| Error::Hidden { what: "user" })).transpose()?;
    let new = NewAdminKey { name: body.name, expires_in_seconds: body.expires_in_seconds, owner_id };
    let issued = super::create_admin_key(&call.control, &call.grant, new).await?;
    let value = Some(issued.secret.reveal().to_owned());
    Ok(Answer::json(AdminKeyJson { value, ..AdminKeyJson::of(issued.owned, call.at) }))
}

async fn list_admin_keys(call: Call) -> Result<Answer, Failure> {
    let page = call.query.page::<KeyId>(20, 100, Order::Ascending)?;
    let keys = super::list_admin_keys(&call.control, &call.grant, &page).await?;
    Ok(Answer::json(ListJson::of(keys.map(|key| AdminKeyJson::of(key, call.at)), |key| &key.id)))
}

async fn retrieve_admin_key(call: Call) -> Result<Answer, Failure> {
    let id = call.path::<KeyId>("key_id")?;
    let key = super::retrieve_admin_key(&call.control, &call.grant, id).await?;
    Ok(Answer::json(AdminKeyJson::of(key, call.at)))
}

async fn revoke_admin_key(call: Call) -> Result<Answer, Failure> {
    let id = call.path::<KeyId>("key_id")?;
    super::revoke_admin_key(&call.control, &call.grant, id).await?;
    Ok(Answer::json(AdminKeyDeletedJson {
        id: id.to_string(),
        object: "organization.admin_api_key.deleted".to_owned(),
        deleted: true,
    }))
}

/// The rows of this noun.
pub fn endpoints() -> Vec<Endpoint> {
    const ALL: &str = "/v1/organization/admin_api_keys";
    const ONE: &str = "/v1/organization/admin_api_keys/{key_id}";
    let manage = Access::Organization(Permission::AdminKeyManage);
    let read = Access::Organization(Permission::AdminKeyRead);
    vec![
        api(Method::Post, ALL, "create_admin_key", "Create an admin key; its value is in this answer alone.")
            .needs(manage)
            .audited(Verb::AdminKeyCreated)
            .body::<NewAdminKeyJson>()
            .answer::<AdminKeyJson>()
            .to(create_admin_key),
        api(Method::Get, ALL, "list_admin_keys", "List the admin keys of the organization.")
            .needs(read)
            .query::<OrderedListQuery>()
            .answer::<ListJson<AdminKeyJson>>()
            .to(list_admin_keys),
        api(Method::Get, ONE, "retrieve_admin_key", "Read one admin key.")
            .needs(read)
            .answer::<AdminKeyJson>()
            .to(retrieve_admin_key),
        api(Method::Delete, ONE, "revoke_admin_key", "Revoke an admin key for ever.")
            .needs(manage)
            .audited(Verb::AdminKeyRevoked)
            .answer::<AdminKeyDeletedJson>()
            .to(revoke_admin_key),
    ]
}
