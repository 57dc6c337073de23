//! The wire of provider connections: `/v1/organization/providers`.

use domain::Error;
use domain::access::Permission;
use domain::api_keys::Secret;
use domain::audit::Verb;
use domain::ids::{ProjectId, ProviderId};
use domain::page::Order;
use domain::providers::{ProviderConnection, ProviderKind};
use domain::routes::{Access, Method};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{NewProvider, ProviderChanges};
use crate::http::partial::present;
use crate::{Answer, Call, Endpoint, Failure, ListJson, api};

/// A provider connection, without its credential.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProviderJson {
    /// Its id.
    pub id: String,
    /// Always `organization.provider`.
    pub object: String,
    /// When it was attached, in Unix seconds.
    pub created_at: i64,
    /// A word, unique in the organization; `name/model` names a model of just this connection.
    pub name: String,
    /// `openai` (any base URL that speaks its format) or `simulated`.
    pub kind: String,
    /// Where calls go.
    pub base_url: String,
    /// The models it offers; null means all priced ones of its kind.
    pub models: Option<Vec<String>>,
    /// The projects that may use it; null means all.
    pub project_ids: Option<Vec<String>>,
    /// Who owns the contract behind it.
    pub contract_owner: String,
}

impl From<ProviderConnection> for ProviderJson {
    fn from(connection: ProviderConnection) -> Self {
        Self {
            id: connection.id.to_string(),
            object: "organization.provider".to_owned(),
            created_at: connection.created_at.unix_seconds(),
            name: connection.name,
            kind: connection.kind.name().to_owned(),
            base_url: connection.base_url,
            models: connection.models,
            project_ids: connection.project_ids.map(|ids| ids.iter().map(ToString::to_string).collect()),
            contract_owner: connection.contract_owner,
        }
    }
}

/// A new connection.
#[derive(Deserialize, JsonSchema)]
pub struct NewProviderJson {
    /// A word of lower-case letters, digits and hyphens, unique in the organization.
    pub name: String,
    /// `openai` or `simulated`.
    pub kind: String,
    /// Where calls go; the kind's own address when absent.
    pub base_url: Option<String>,
    /// What proves us to the provider; it is never shown again.
    pub credential: Option<String>,
    /// The models it offers; absent: all priced ones of its kind.
    pub models: Option<Vec<String>>,
    /// The projects that may use it; absent: all.
    pub project_ids: Option<Vec<String>>,
    /// Who owns the contract behind it.
    pub contract_owner: Option<String>,
}

/// What to change of a connection: absent fields stay, null clears.
#[derive(Deserialize, JsonSchema)]
pub struct ProviderChangesJson {
    /// Another word.
    pub name: Option<String>,
    /// Another address; the credential is needed again with it.
    pub base_url: Option<String>,
    /// Another credential.
    pub credential: Option<String>,
    /// Other models; null for all priced ones.
    #[serde(default, deserialize_with = "present")]
    pub models: Option<Option<Vec<String>>>,
    /// Other projects; null for all.
    #[serde(default, deserialize_with = "present")]
    pub project_ids: Option<Option<Vec<String>>>,
    /// Another owner of the contract.
    pub contract_owner: Option<String>,
}

/// A removed connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProviderDeletedJson {
    /// Its id.
    pub id: String,
    /// Always `organization.provider.deleted`.
    pub object: String,
    /// Always true.
    pub deleted: bool,
}

/// Which page is wanted.
#[derive(Deserialize, JsonSchema)]
pub struct ProvidersQuery {
    /// The id after which the page starts.
    pub after: Option<String>,
    /// How many, 1 to 100; 20 when absent.
    pub limit: Option<i64>,
}

fn projects(ids: Option<Vec<String>>) -> Result<Option<Vec<ProjectId>>, Error> {
    let read = |id: &String| {
        id.parse().map_err(|_| {
            Error::invalid_param("unknown_project", "project_ids", format!("There is no project {id}."))
        })
    };
    ids.map(|ids| ids.iter().map(read).collect()).transpose()
}

fn secret(text: Option<String>) -> Option<Secret> {
    text.filter(|text| !text.is_empty()).map(Secret::new)
}

async fn attach_provider(call: Call) -> Result<Answer, Failure> {
    let body = call.json::<NewProviderJson>()?;
    let new = NewProvider {
        name: body.name,
        kind: ProviderKind::parse(&body.kind)?,
        base_url: body.base_url,
        credential: secret(body.credential),
        models: body.models,
        project_ids: projects(body.project_ids)?,
        contract_owner: body.contract_owner.unwrap_or_default(),
    };
    let connection = super::attach_provider(&call.control, &call.grant, new).await?;
    Ok(Answer::json(ProviderJson::from(connection)))
}

async fn list_providers(call: Call) -> Result<Answer, Failure> {
    let page = call.query.page::<ProviderId>(20, 100, Order::Ascending)?;
    let list = super::list_providers(&call.control, &call.grant, &page).await?;
    Ok(Answer::json(ListJson::of(list.map(ProviderJson::from), |provider| &provider.id)))
}

async fn retrieve_provider(call: Call) -> Result<Answer, Failure> {
    let id = call.path::<ProviderId>("provider_id")?;
    let connection = super::retrieve_provider(&call.control, &call.grant, id).await?;
    Ok(Answer::json(ProviderJson::from(connection)))
}

async fn update_provider(call: Call) -> Result<Answer, Failure> {
    let id = call.path::<ProviderId>("provider_id")?;
    let body = call.json::<ProviderChangesJson>()?;
    let changes = ProviderChanges {
        name: body.name,
        base_url: body.base_url,
        credential: secret(body.credential),
        models: body.models,
        project_ids: body.project_ids.map(projects).transpose()?,
        contract_owner: body.contract_owner,
    };
    let connection = super::update_provider(&call.control, &call.grant, id, changes).await?;
    Ok(Answer::json(ProviderJson::from(connection)))
}

async fn remove_provider(call: Call) -> Result<Answer, Failure> {
    let id = call.path::<ProviderId>("provider_id")?;
    super::remove_provider(&call.control, &call.grant, id).await?;
    let object = "organization.provider.deleted".to_owned();
    Ok(Answer::json(ProviderDeletedJson { id: id.to_string(), object, deleted: true }))
}

/// The rows of this noun.
pub fn endpoints() -> Vec<Endpoint> {
    const ALL: &str = "/v1/organization/providers";
    const ONE: &str = "/v1/organization/providers/{provider_id}";
    let read = Access::Organization(Permission::ProviderRead);
    let manage = Access::Organization(Permission::ProviderManage);
    vec![
        api(Method::Get, ALL, "list_providers", "List the attached provider connections, oldest first.")
            .needs(read)
            .query::<ProvidersQuery>()
            .answer::<ListJson<ProviderJson>>()
            .to(list_providers),
        api(Method::Post, ALL, "attach_provider", "Attach a provider connection.")
            .needs(manage)
            .audited(Verb::ProviderAttached)
            .body::<NewProviderJson>()
            .answer::<ProviderJson>()
            .to(attach_provider),
        api(Method::Get, ONE, "retrieve_provider", "Read one provider connection.")
            .needs(read)
            .answer::<ProviderJson>()
            .to(retrieve_provider),
        api(Method::Post, ONE, "update_provider", "Change a provider connection: absent fields stay.")
            .needs(manage)
            .audited(Verb::ProviderUpdated)
            .body::<ProviderChangesJson>()
            .answer::<ProviderJson>()
            .to(update_provider),
        api(
            Method::Delete,
            ONE,
            "remove_provider",
            "Remove a provider connection; its credential is forgotten.",
        )
        .needs(manage)
        .audited(Verb::ProviderRemoved)
        .answer::<ProviderDeletedJson>()
        .to(remove_provider),
    ]
}
