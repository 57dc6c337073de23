//! Which models a project may call: read, set and clear. The organization decides; every key of the project is within.

pub mod api;
pub(crate) mod console;

use domain::Error;
use domain::access::Grant;
use domain::audit::{AuditEntry, Verb};
use domain::ids::ProjectId;
use domain::models::{ListMode, ModelPermissions};
use serde_json::{Value, json};

use crate::projects::active;
use crate::{Control, Failure};

/// Which models a project may call.
///
/// # Errors
/// `Hidden` when there is no such project within reach, or nothing is set for it.
pub async fn read_model_permissions(
    control: &Control,
    grant: &Grant,
    project: ProjectId,
) -> Result<ModelPermissions, Failure> {
    control.store.project(grant, project).await?;
    let found = control.store.model_permissions(grant, project).await?;
    found.ok_or_else(|| Error::Hidden { what: "model permissions" }.into())
}

/// Sets which models a project may call. Keys that name others stay, and cannot call them.
///
/// # Errors
/// `invalid_models`; `Hidden`; conflict `project_archived`.
pub async fn set_model_permissions(
    control: &Control,
    grant: &Grant,
    project: ProjectId,
    (mode, models): (ListMode, Vec<String>),
) -> Result<ModelPermissions, Failure> {
    let mut change = control.change(grant).await?;
    active(&change.lock_project(grant, project).await?)?;
    let before = change.model_permissions(project).await?;
    let set_by = grant.actor().map(|actor| actor.user_id);
    let after = ModelPermissions { mode, models, set_by, set_at: change.at() };
    after.lists()?;
    change.write_model_permissions(grant, project, &after).await?;
    let entry = AuditEntry::new(Verb::ModelPermissionsSet, project)
        .in_project(project)
        .before(before.as_ref().map_or(Value::Null, facts))
        .after(facts(&after));
    control.commit(change, entry).await?;
    Ok(after)
}

/// Lets a project call every model again.
///
/// # Errors
/// `Hidden` when there is no such project within reach, or nothing is set for it; conflict `project_archived`.
pub async fn clear_model_permissions(
    control: &Control,
    grant: &Grant,
    project: ProjectId,
) -> Result<(), Failure> {
    let mut change = control.change(grant).await?;
    active(&change.lock_project(grant, project).await?)?;
    let before = change.model_permissions(project).await?;
    change.delete_model_permissions(project).await?;
    let entry = AuditEntry::new(Verb::ModelPermissionsCleared, project)
        .in_project(project)
        .before(before.as_ref().map_or(Value::Null, facts));
    control.commit(change, entry).await
}

/// What the trail keeps of them.
fn facts(permissions: &ModelPermissions) -> Value {
    json!({"mode": permissions.mode.name(), "model_ids": permissions.models})
}
