//! Provider connections: attach, read, change and remove them. The credential goes in and never comes back.

pub mod api;
pub(crate) mod console;
pub mod pages;

use domain::Error;
use domain::access::Grant;
use domain::api_keys::Secret;
use domain::audit::{AuditEntry, Verb};
use domain::ids::{ProjectId, ProviderId};
use domain::page::{Page, PageRequest};
use domain::pricing::model_name;
use domain::providers::{ProviderConnection, ProviderKind, base_url, connection_name, refuse_private};
use domain::text;
use serde_json::{Value, json};
use store::providers as stored;

use crate::projects::organization_of;
use crate::{Control, Failure};

/// What attaching a connection takes.
#[derive(Clone, Debug)]
pub struct NewProvider {
    /// Its word.
    pub name: String,
    /// What it speaks.
    pub kind: ProviderKind,
    /// Where calls go; the kind's own address when absent.
    pub base_url: Option<String>,
    /// What proves us to it; needed for every kind but the simulated one.
    pub credential: Option<Secret>,
    /// The models it offers; none means all priced ones of its kind.
    pub models: Option<Vec<String>>,
    /// The projects that may use it; none means all.
    pub project_ids: Option<Vec<ProjectId>>,
    /// Who owns the contract behind it.
    pub contract_owner: String,
}

/// What to change of a connection. `None` leaves a field; of the doubly optional ones `Some(None)` clears it.
#[derive(Clone, Debug, Default)]
pub struct ProviderChanges {
    /// Another word.
    pub name: Option<String>,
    /// Another address; the credential has to be given again with it.
    pub base_url: Option<String>,
    /// Another credential.
    pub credential: Option<Secret>,
    /// Other models.
    pub models: Option<Option<Vec<String>>>,
    /// Other projects.
    pub project_ids: Option<Option<Vec<ProjectId>>>,
    /// Another owner of the contract.
    pub contract_owner: Option<String>,
}

/// Attaches a connection.
///
/// # Errors
/// `invalid_provider_name`, `invalid_base_url`, `address_not_allowed`, `credential_required`, `invalid_model`, `unknown_project`; conflict
/// `provider_name_taken`.
pub async fn attach_provider(
    control: &Control,
    grant: &Grant,
    new: NewProvider,
) -> Result<ProviderConnection, Failure> {
    let credential = new.credential.as_ref();
    if new.kind != ProviderKind::Simulated && credential.is_none() {
        return Err(credential_required("A connection of this kind needs a credential.").into());
    }
    known_projects(control, grant, new.project_ids.as_deref()).await?;
    let mut change = control.change(grant).await?;
    let connection = ProviderConnection {
        id: ProviderId::mint(control.ambient.as_ref()),
        organization_id: organization_of(grant)?,
        name: connection_name(&new.name)?,
        kind: new.kind,
        base_url: address(control, new.kind, new.base_url.as_deref())?,
        models: models(new.models)?,
        project_ids: new.project_ids,
        contract_owner: text::free(&new.contract_owner, "contract_owner")?,
        created_at: change.at(),
        removed_at: None,
    };
    stored::insert_provider(&mut change, &control.secrets, &connection, credential).await?;
    let entry = AuditEntry::new(Verb::ProviderAttached, connection.id).after(facts(&connection));
    control.commit(change, entry).await?;
    Ok(connection)
}

/// A page of the attached connections, oldest first.
///
/// # Errors
/// When the store is away.
pub async fn list_providers(
    control: &Control,
    grant: &Grant,
    page: &PageRequest,
) -> Result<Page<ProviderConnection>, Failure> {
    Ok(stored::list_providers(&control.store, grant, page).await?)
}

/// One attached connection.
///
/// # Errors
/// `Hidden` when there is none.
pub async fn retrieve_provider(
    control: &Control,
    grant: &Grant,
    id: ProviderId,
) -> Result<ProviderConnection, Failure> {
    Ok(stored::provider(&control.store, grant, id).await?)
}

/// Changes a connection.
///
/// # Errors
/// Those of attaching; `credential_required` when the address changes and the credential is not given again.
pub async fn update_provider(
    control: &Control,
    grant: &Grant,
    id: ProviderId,
    changes: ProviderChanges,
) -> Result<ProviderConnection, Failure> {
    let before = stored::provider(&control.store, grant, id).await?;
    if let Some(projects) = &changes.project_ids {
        known_projects(control, grant, projects.as_deref()).await?;
    }
    let after = apply(control, before.clone(), &changes)?;
    let has_moved = after.base_url != before.base_url;
    if has_moved && after.kind != ProviderKind::Simulated && changes.credential.is_none() {
        // Otherwise whoever may change the address could have the credential sent to themselves.
        return Err(credential_required("A changed base_url needs the credential again.").into());
    }
    let mut change = control.change(grant).await?;
    stored::update_provider(&mut change, &control.secrets, &after, changes.credential.as_ref()).await?;
    let mut told = facts(&after);
    if changes.credential.is_some() {
        told["credential"] = "changed".into();
    }
    let entry = AuditEntry::new(Verb::ProviderUpdated, id).before(facts(&before)).after(told);
    control.commit(change, entry).await?;
    Ok(after)
}

/// Removes a connection; its credential is forgotten.
///
/// # Errors
/// `Hidden` when there is none.
pub async fn remove_provider(control: &Control, grant: &Grant, id: ProviderId) -> Result<(), Failure> {
    let before = stored::provider(&control.store, grant, id).await?;
    let mut change = control.change(grant).await?;
    let at = change.at();
    stored::remove_provider(&mut change, before.organization_id, id, at).await?;
    let entry = AuditEntry::new(Verb::ProviderRemoved, id).before(facts(&before));
    control.commit(change, entry).await
}

fn apply(
    control: &Control,
    mut connection: ProviderConnection,
    changes: &ProviderChanges,
) -> Result<ProviderConnection, Error> {
    if let Some(name) = &changes.name {
        connection.name = connection_name(name)?;
    }
    if let Some(url) = &changes.base_url {
        connection.base_url = address(control, connection.kind, Some(url))?;
    }
    if let Some(wanted) = &changes.models {
        connection.models = models(wanted.clone())?;
    }
    if let Some(projects) = &changes.project_ids {
        connection.project_ids.clone_from(projects);
    }
    if let Some(owner) = &changes.contract_owner {
        connection.contract_owner = text::free(owner, "contract_owner")?;
    }
    Ok(connection)
}

fn address(control: &Control, kind: ProviderKind, url: Option<&str>) -> Result<String, Error> {
    match (kind, url.filter(|url| !url.is_empty())) {
        (ProviderKind::Simulated, _) | (_, None) => Ok(kind.default_base_url().to_owned()),
        (_, Some(url)) => {
            let url = base_url(url)?;
            refuse_private(&url, &control.settings.allowed_upstreams)?;
            Ok(url)
        }
    }
}

fn models(models: Option<Vec<String>>) -> Result<Option<Vec<String>>, Error> {
    models.map(|models| models.iter().map(|model| model_name(model)).collect()).transpose()
}

fn credential_required(sentence: &'static str) -> Error {
    Error::invalid_param("credential_required", "credential", sentence)
}

async fn known_projects(
    control: &Control,
    grant: &Grant,
    projects: Option<&[ProjectId]>,
) -> Result<(), Failure> {
    for project in projects.into_iter().flatten() {
        control.store.project(grant, *project).await.map_err(|error| match error {
            store::Error::NotFound { .. } => {
                let sentence = format!("There is no project {project} in this organization.");
                Error::invalid_param("unknown_project", "project_ids", sentence).into()
            }
            other => Failure::from(other),
        })?;
    }
    Ok(())
}

/// What the audit trail keeps of a connection.
fn facts(connection: &ProviderConnection) -> Value {
    json!({
        "name": connection.name, "kind": connection.kind, "base_url": connection.base_url,
        "models": connection.models, "project_ids": connection.project_ids,
        "contract_owner": connection.contract_owner,
    })
}
