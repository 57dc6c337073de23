//! Keys of projects: create, read, change, rotate, disable, enable and revoke them.

pub mod api;
pub(crate) mod console;
mod issue;
mod key_console;
pub(crate) mod limits;
pub mod pages;
mod scopes_api;
mod wire;

use domain::Error;
use domain::access::Grant;
use domain::api_keys::{ApiKey, KeyStatus, Secret, expiry, scopes};
use domain::audit::{AuditEntry, Verb};
use domain::ids::{KeyId, ProjectId};
use domain::page::{Page, PageRequest};
use domain::text::{self, Tags};
use serde_json::{Value, json};
use store::{KeyFilter, OwnedKey};

use crate::projects::active;
use crate::{Control, Failure};

use issue::check_models;
pub use issue::{NewKey, create_key, rotate_key};
pub(crate) use issue::{draw, issue_key};
pub use wire::{OwnerJson, ProjectKeyJson};

/// A key with the secret that was drawn for it just now, shown this once.
#[derive(Clone, Debug)]
pub struct IssuedKey {
    /// The key.
    pub owned: OwnedKey,
    /// The secret.
    pub secret: Secret,
}

/// What to change of a key. `None` leaves a field; of the doubly optional ones `Some(None)` clears it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyChanges {
    /// Another name.
    pub name: Option<String>,
    /// Another description; empty clears it.
    pub description: Option<String>,
    /// All tags anew.
    pub tags: Option<Tags>,
    /// Other scopes; empty lifts the restriction.
    pub scopes: Option<Vec<String>>,
    /// Other models.
    pub models: Option<Option<Vec<String>>>,
    /// Other models that it may not use.
    pub denied_models: Option<Vec<String>>,
    /// Another end, from now on.
    pub expires_in_seconds: Option<Option<i64>>,
}

/// A page of the keys of a project that the grant reaches.
///
/// # Errors
/// `Hidden` when there is no such project within reach.
pub async fn list_keys(
    control: &Control,
    grant: &Grant,
    project: ProjectId,
    filter: KeyFilter,
    page: &PageRequest,
) -> Result<Page<OwnedKey>, Failure> {
    // A project that is not there has no list, rather than an empty one.
    control.store.project(grant, project).await?;
    Ok(control.store.project_keys(grant, project, filter, page).await?)
}

/// One key of a project that is not revoked.
///
/// # Errors
/// `Hidden` when there is none within reach.
pub async fn retrieve_key(
    control: &Control,
    grant: &Grant,
    project: ProjectId,
    id: KeyId,
) -> Result<OwnedKey, Failure> {
    let owned = control.store.project_key(grant, project, id).await?;
    if owned.key.revoked_at.is_some() {
        return Err(Error::Hidden { what: "API key" }.into());
    }
    Ok(owned)
}

/// Changes a key.
///
/// # Errors
/// Those of the fields; `unknown_scope`; `models_outside_project`; `Hidden` when there is none within reach; conflict
/// `project_archived`.
pub async fn update_key(
    control: &Control,
    grant: &Grant,
    project: ProjectId,
    id: KeyId,
    changes: KeyChanges,
) -> Result<OwnedKey, Failure> {
    let mut change = control.change(grant).await?;
    active(&change.lock_project(grant, project).await?)?;
    let before = change.lock_project_key(grant, project, id).await?;
    let mut key = before.clone();
    if let Some(name) = &changes.name {
        key.name = text::name(name, "name")?;
    }
    if let Some(description) = &changes.description {
        key.description = text::free(description, "description")?;
    }
    if let Some(tags) = changes.tags {
        key.tags = text::tags(tags)?;
    }
    if let Some(scopes) = changes.scopes {
        key.scopes = scopes::checked(&scopes)?;
    }
    if changes.models.is_some() || changes.denied_models.is_some() {
        let allowed = changes.models.unwrap_or_else(|| before.models.allowed());
        let denied = changes.denied_models.unwrap_or_else(|| before.models.denied());
        key.models = check_models(&mut change, project, allowed.as_deref(), &denied).await?;
    }
    if let Some(seconds) = changes.expires_in_seconds {
        key.expires_at = expiry(change.at(), seconds)?;
    }
    change.write_key(&key).await?;
    let entry = AuditEntry::new(Verb::ApiKeyUpdated, id)
        .in_project(project)
        .before(key_facts(&before))
        .after(key_facts(&key));
    control.commit(change, entry).await?;
    retrieve_key(control, grant, project, id).await
}

/// Switches a key off until it is switched on again. One that is off stays as it is.
///
/// # Errors
/// `Hidden` when there is none within reach.
pub async fn disable_key(
    control: &Control,
    grant: &Grant,
    project: ProjectId,
    id: KeyId,
) -> Result<OwnedKey, Failure> {
    switch(control, grant, (project, id), Verb::ApiKeyDisabled).await
}

/// Switches a key on again. One that is on stays as it is.
///
/// # Errors
/// `Hidden` when there is none within reach; conflict `project_archived`.
pub async fn enable_key(
    control: &Control,
    grant: &Grant,
    project: ProjectId,
    id: KeyId,
) -> Result<OwnedKey, Failure> {
    switch(control, grant, (project, id), Verb::ApiKeyEnabled).await
}

async fn switch(
    control: &Control,
    grant: &Grant,
    (project, id): (ProjectId, KeyId),
    verb: Verb,
) -> Result<OwnedKey, Failure> {
    let mut change = control.change(grant).await?;
    let locked = change.lock_project(grant, project).await?;
    if verb == Verb::ApiKeyEnabled {
        active(&locked)?;
    }
    let before = change.lock_project_key(grant, project, id).await?;
    let mut key = before.clone();
    key.disabled_at = (verb == Verb::ApiKeyDisabled).then_some(before.disabled_at.unwrap_or(change.at()));
    if key.disabled_at != before.disabled_at {
        change.write_key(&key).await?;
        let at = change.at();
        let entry = AuditEntry::new(verb, id)
            .in_project(project)
            .before(json!({"status": before.status(at).name()}))
            .after(json!({"status": key.status(at).name(), "name": key.name}));
        control.commit(change, entry).await?;
    }
    retrieve_key(control, grant, project, id).await
}

/// Revokes a key for ever.
///
/// # Errors
/// `Hidden` when there is none within reach, or it is revoked already.
pub async fn revoke_key(
    control: &Control,
    grant: &Grant,
    project: ProjectId,
    id: KeyId,
) -> Result<(), Failure> {
    let mut change = control.change(grant).await?;
    change.lock_project(grant, project).await?;
    let mut key = change.lock_project_key(grant, project, id).await?;
    let before = key_facts(&key);
    key.revoked_at = Some(change.at());
    change.write_key(&key).await?;
    let entry = AuditEntry::new(Verb::ApiKeyRevoked, id)
        .in_project(project)
        .before(before)
        .after(json!({"status": KeyStatus::Revoked.name()}));
    control.commit(change, entry).await?;
    Ok(())
}

/// What the audit trail keeps of a key: never a secret, only its masked form.
pub(crate) fn key_facts(key: &ApiKey) -> Value {
    json!({
        "name": key.name, "description": key.description, "tags": key.tags, "kind": key.kind.name(),
        "owner": key.owner, "scopes": key.scopes, "models": key.models.allowed(),
        "denied_models": key.models.denied(), "redacted_value": key.redacted,
        "expires_at": key.expires_at.map(domain::time::Timestamp::unix_seconds),
        "secret_version": key.secret_version,
    })
}
