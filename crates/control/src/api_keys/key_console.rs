//! The console's rows of one key of a project: what it is, what it is narrowed to, the next secret.

use domain::access::Permission;
use domain::api_keys::KeyOwner;
use domain::audit::Verb;
use domain::ids::{KeyId, ProjectId};
use domain::routes::{Access, Method};

use super::console::{row, shown_once};
use super::limits::{Limits, LimitsForm};
use super::pages::{ProjectKeyPage, SecretReveal};
use super::{KeyChanges, rotate_key, update_key};
use crate::http::console;
use crate::http::shell::{Choice, Section};
use crate::model_permissions::console::models_in_words;
use crate::projects::frame::{frame, granted_here, project_root};
use crate::{Answer, Call, Endpoint, Failure, page};

const KEY: &str = "/o/{slug}/projects/{project_id}/keys/{key_id}";
const ROTATE: &str = "/o/{slug}/projects/{project_id}/keys/{key_id}/rotate";

/// For how long an old secret may live on, in seconds.
const OVERLAPS: [(&str, &str); 4] = [
    ("0", "ends at once"),
    ("3600", "lives for an hour"),
    ("86400", "lives for a day"),
    ("604800", "lives for a week"),
];

/// The rows.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let manage = Access::Project(Permission::ApiKeyManage);
    vec![
        page(Method::Get, KEY, "project_key_page", "One key of a project.")
            .needs(Access::Project(Permission::ApiKeyRead))
            .to(key_page),
        page(Method::Post, KEY, "update_key_form", "Rename a key or narrow it.")
            .needs(manage)
            .audited(Verb::ApiKeyUpdated)
            .to(update),
        page(Method::Post, ROTATE, "rotate_key_form", "Draw a new secret and show it once.")
            .needs(manage)
            .audited(Verb::ApiKeyRotated)
            .to(rotate),
    ]
}

async fn key_page(call: Call) -> Result<Answer, Failure> {
    key(&call, None, None).await
}

async fn key(call: &Call, reveal: Option<SecretReveal>, refused: Option<Failure>) -> Result<Answer, Failure> {
    let (project, id) = ids(call)?;
    let owned = call.control.store.project_key(&call.grant, project, id).await?;
    let mut frame = frame(call, Some(&owned.key.name), Section::ProjectKeys).await?;
    let mut limits = LimitsForm::of(&owned.key.scopes, &owned.key.models);
    if let Some(failure) = refused {
        frame.shell.flashes.push(console::refusal(failure)?);
        limits = LimitsForm::typed(&call.form());
    }
    let owner = match owned.key.owner {
        KeyOwner::User(user) => Some(user),
        KeyOwner::ServiceAccount(_) => None,
    };
    let managing = granted_here(call, Permission::ApiKeyManage);
    let can_manage = managing.is_some_and(|grant| grant.reaches(project, owner));
    let page = ProjectKeyPage {
        description: owned.key.description.clone(),
        secret_version: owned.key.secret_version,
        of_project: models_in_words(call, project).await?,
        overlaps: Choice::list(&OVERLAPS, "86400"),
        key: row(owned, call.at, &frame.zone, can_manage),
        shell: frame.shell,
        head: frame.head,
        reveal,
        limits,
    };
    console::page(&page)
}

fn ids(call: &Call) -> Result<(ProjectId, KeyId), Failure> {
    Ok((call.path("project_id")?, call.path("key_id")?))
}

async fn update(call: Call) -> Result<Answer, Failure> {
    let (project, id) = ids(&call)?;
    let form = call.form();
    let limits = Limits::read(&form);
    let changes = KeyChanges {
        name: Some(form.text("name").to_owned()),
        description: Some(form.text("description").to_owned()),
        scopes: Some(limits.scopes),
        models: Some(limits.models),
        denied_models: Some(limits.denied_models),
        ..KeyChanges::default()
    };
    match update_key(&call.control, &call.grant, project, id, changes).await {
        Ok(_) => Ok(console::done(&call, &format!("{}/keys/{id}", project_root(&call)), "Saved.")),
        Err(failure) => key(&call, None, Some(failure)).await,
    }
}

async fn rotate(call: Call) -> Result<Answer, Failure> {
    let (project, id) = ids(&call)?;
    let overlap_seconds = call.form().number("overlap_seconds")?.unwrap_or(0);
    match rotate_key(&call.control, &call.grant, project, id, overlap_seconds).await {
        Ok(issued) => key(&call, Some(shown_once(&call, &issued)), None).await,
        Err(failure) => key(&call, None, Some(failure)).await,
    }
}
