//! The list of key scopes: `/v1/organization/key_scopes`.

use domain::access::Permission;
use domain::api_keys::scopes::Scope;
use domain::page::Page;
use domain::routes::{Access, Method};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Answer, Call, Endpoint, Failure, ListJson, api};

/// What a key may be restricted to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KeyScopeJson {
    /// Its name.
    pub id: String,
    /// Always `key_scope`.
    pub object: String,
    /// What it allows, in one sentence.
    pub description: String,
    /// The narrower scopes that it includes.
    pub implies: Vec<String>,
    /// An older name that is accepted for it.
    pub alias: String,
}

impl From<Scope> for KeyScopeJson {
    fn from(scope: Scope) -> Self {
        let narrower = |other: &&Scope| **other != scope && scope.implies(**other);
        let name = scope.name();
        Self {
            id: name.to_owned(),
            object: "key_scope".to_owned(),
            description: scope.sentence().to_owned(),
            implies: Scope::ALL.iter().filter(narrower).map(|other| other.name().to_owned()).collect(),
            alias: name.strip_prefix("api.").unwrap_or(name).to_owned(),
        }
    }
}

/// The row.
pub(super) fn endpoint() -> Endpoint {
    api(
        Method::Get,
        "/v1/organization/key_scopes",
        "list_key_scopes",
        "List every scope that a key may be restricted to, the widest first.",
    )
    .needs(Access::Organization(Permission::OrganizationRead))
    .answer::<ListJson<KeyScopeJson>>()
    .to(list)
}

async fn list(_: Call) -> Result<Answer, Failure> {
    let items = Scope::ALL.iter().copied().map(KeyScopeJson::from).collect();
    Ok(Answer::json(ListJson::of(Page { items, has_more: false }, |scope| &scope.id)))
}
