//! The console's rows of model permissions, on a project's page of settings.

use domain::access::Permission;
use domain::audit::Verb;
use domain::ids::ProjectId;
use domain::models::ListMode;
use domain::routes::{Access, Method};

use super::api::mode;
use super::{clear_model_permissions, set_model_permissions};
use crate::http::console;
use crate::projects::frame::{granted_here, project_root};
use crate::{Answer, Call, Endpoint, Failure, page};

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    const MODELS: &str = "/o/{slug}/projects/{project_id}/settings/models";
    const CLEAR: &str = "/o/{slug}/projects/{project_id}/settings/models/clear";
    let manage = Access::Project(Permission::PolicyManage);
    vec![
        page(Method::Post, MODELS, "set_model_permissions_form", "Set which models a project may call.")
            .needs(manage)
            .audited(Verb::ModelPermissionsSet)
            .to(set),
        page(Method::Post, CLEAR, "clear_model_permissions_form", "Let a project call every model again.")
            .needs(manage)
            .audited(Verb::ModelPermissionsCleared)
            .to(clear),
    ]
}

fn back(call: &Call, done: Result<&str, Failure>) -> Result<Answer, Failure> {
    console::back(call, &format!("{}/settings", project_root(call)), done)
}

async fn set(call: Call) -> Result<Answer, Failure> {
    let project: ProjectId = call.path("project_id")?;
    let form = call.form();
    let typed = form.many("model_ids");
    let names = typed.iter().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
    let done = match mode(form.text("mode")) {
        Ok(mode) => set_model_permissions(&call.control, &call.grant, project, (mode, names)).await,
        Err(error) => Err(error.into()),
    };
    back(&call, done.map(|_| "Saved. Keys are within it from their next call on."))
}

async fn clear(call: Call) -> Result<Answer, Failure> {
    let done = clear_model_permissions(&call.control, &call.grant, call.path("project_id")?).await;
    back(&call, done.map(|()| "Every model may be called again."))
}

/// Which models the project in the path may call, for people; empty for all.
pub(crate) async fn models_in_words(call: &Call, project: ProjectId) -> Result<String, Failure> {
    let Some(grant) = granted_here(call, Permission::ProjectRead) else {
        return Ok(String::new());
    };
    let Some(set) = call.control.store.model_permissions(&grant, project).await? else {
        return Ok(String::new());
    };
    let names = set.models.join(", ");
    Ok(match (set.mode, set.models.is_empty()) {
        (ListMode::Allow, true) => "The organization lets this project call no model.".to_owned(),
        (ListMode::Allow, false) => format!("The organization lets this project call only {names}."),
        (ListMode::Deny, true) => String::new(),
        (ListMode::Deny, false) => {
            format!("The organization lets this project call every model but {names}.")
        }
    })
}
