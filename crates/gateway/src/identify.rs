//! First phase: whose call is it. A key is parsed offline, found in the cache, and must stand at this moment.

use std::sync::Arc;

use domain::api_keys::scopes::{self, Act, Family, Scope};
use domain::api_keys::{self, KeyKind, KeyStatus};
use domain::ids::OrganizationId;
use domain::organizations::OrganizationState;
use domain::time::Timestamp;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::Inner;
use crate::call::Caller;
use crate::error::Refusal;
use crate::snapshot::{KeyView, OrganizationView};

/// What a call wants to do, in the words of key scopes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Purpose {
    pub(crate) family: Family,
    pub(crate) act: Act,
}

impl Purpose {
    /// To call a model through a family of endpoints.
    pub(crate) const fn request(family: Family) -> Self {
        Self { family, act: Act::Request }
    }

    /// To look at what there is in a family of endpoints.
    pub(crate) const fn read(family: Family) -> Self {
        Self { family, act: Act::Read }
    }
}

/// Who calls, or why nobody does.
pub(crate) async fn identify(
    gateway: &Inner,
    headers: &HeaderMap,
    purpose: Purpose,
    at: Timestamp,
) -> Result<Caller, Refusal> {
    let secret = credential(headers)?;
    let kind = api_keys::parse(secret).map_err(|_| unknown())?;
    if kind == KeyKind::Admin {
        return Err(admin_key());
    }
    if !gateway.ports.is_current() {
        return Err(Refusal::unavailable(
            "configuration_stale",
            &crate::ports::PortError::new("feed out of reach"),
        ));
    }
    let hash = gateway.ports.hash_key(secret);
    let found = gateway.keys.find(hash, &*gateway.ports).await;
    let key = found.map_err(|error| Refusal::unavailable("keys_unavailable", &error))?.ok_or_else(unknown)?;
    standing(&key.view, at)?;
    let project_id = key.view.project_id.ok_or_else(admin_key)?;
    let organization = organization(gateway, key.view.organization_id).await?;
    if organization.organization.state() != OrganizationState::Active {
        return Err(Refusal::organization_suspended(organization.organization.state().name()));
    }
    let project = organization.projects.get(&project_id).cloned().ok_or_else(unknown)?;
    if project.archived_at.is_some() {
        return Err(Refusal::credential("project_archived", "The project of this API key is archived."));
    }
    if !scopes::allow(&key.view.scopes, purpose.family, purpose.act) {
        return Err(missing_scope(&key.view, purpose));
    }
    Ok(Caller { key, organization, project })
}

async fn organization(gateway: &Inner, id: OrganizationId) -> Result<Arc<OrganizationView>, Refusal> {
    if let Some(view) = gateway.ports.organization(id) {
        return Ok(view);
    }
    let loaded = gateway.ports.load_organization(id).await;
    loaded.map_err(|error| Refusal::unavailable("organization_unavailable", &error))?.ok_or_else(unknown)
}

fn credential(headers: &HeaderMap) -> Result<&str, Refusal> {
    let bearer = headers.get(AUTHORIZATION).map(|value| {
        let text = value.to_str().unwrap_or("");
        let (scheme, secret) = text.split_once(' ').unwrap_or(("", ""));
        if scheme.eq_ignore_ascii_case("bearer") { secret.trim() } else { "" }
    });
    let named = || ["x-api-key", "x-goog-api-key"].iter().find_map(|name| headers.get(*name)?.to_str().ok());
    bearer.or_else(named).filter(|secret| !secret.is_empty()).ok_or_else(|| {
        let message = "Give a project's API key in the header: Authorization: Bearer YOUR_KEY.";
        Refusal::credential("missing_api_key", message).finally()
    })
}

fn standing(key: &KeyView, at: Timestamp) -> Result<(), Refusal> {
    let refuse = |code, message: &'static str| Err(Refusal::credential(code, message).finally());
    match key.status(at) {
        KeyStatus::Active => Ok(()),
        KeyStatus::Disabled => refuse("key_disabled", "This API key is disabled."),
        KeyStatus::Expired => refuse("key_expired", "This API key, or this secret of it, has expired."),
        KeyStatus::Revoked => refuse("key_revoked", "This API key is revoked."),
    }
}

fn missing_scope(key: &KeyView, purpose: Purpose) -> Refusal {
    let scope = Scope::needed(purpose.family, purpose.act);
    let message = format!(
        "Missing scopes: {}. The API key {} has none that allow this call: {}",
        scope.name(),
        key.id,
        scope.sentence()
    );
    Refusal::forbidden("missing_scope", message).finally()
}

fn unknown() -> Refusal {
    Refusal::credential("invalid_api_key", "Incorrect API key provided.").finally()
}

fn admin_key() -> Refusal {
    let message = "Admin keys open the admin API only. Use a project's API key for calls to models.";
    Refusal::forbidden("admin_key_not_allowed", message).finally()
}
