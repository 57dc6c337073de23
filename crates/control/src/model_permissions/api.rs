//! The wire of model permissions: `/v1/organization/projects/{project_id}/model_permissions`.

use domain::Error;
use domain::access::Permission;
use domain::audit::Verb;
use domain::models::{ListMode, ModelPermissions};
use domain::routes::{Access, Method};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{clear_model_permissions, read_model_permissions, set_model_permissions};
use crate::{Answer, Call, Endpoint, Failure, api};

/// Which models a project may call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelPermissionsJson {
    /// Always `project.model_permissions`.
    pub object: String,
    /// `allow_list`: these and no others; `deny_list`: all but these.
    pub mode: String,
    /// Names of models. A star at the end of a name stands for whatever follows.
    pub model_ids: Vec<String>,
    /// Who set them.
    pub set_by: Option<String>,
    /// When, in Unix seconds.
    pub set_at: i64,
}

impl From<ModelPermissions> for ModelPermissionsJson {
    fn from(permissions: ModelPermissions) -> Self {
        Self {
            object: "project.model_permissions".to_owned(),
            mode: permissions.mode.name().to_owned(),
            model_ids: permissions.models,
            set_by: permissions.set_by.map(|id| id.to_string()),
            set_at: permissions.set_at.unix_seconds(),
        }
    }
}

/// Which models a project is to be able to call.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct NewModelPermissionsJson {
    /// `allow_list` or `deny_list`.
    pub mode: String,
    /// Names of models, at most 1,000.
    pub model_ids: Vec<String>,
}

/// Model permissions that were cleared.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ModelPermissionsDeletedJson {
    /// Always `project.model_permissions.deleted`.
    pub object: String,
    /// Always true.
    pub deleted: bool,
}

/// The rows. The organization sets what binds its projects, so a Project Owner reads it and cannot widen it.
pub fn endpoints() -> Vec<Endpoint> {
    const ONE: &str = "/v1/organization/projects/{project_id}/model_permissions";
    let manage = Access::Project(Permission::PolicyManage);
    vec![
        api(Method::Get, ONE, "retrieve_model_permissions", "Read which models a project may call.")
            .needs(Access::Project(Permission::ProjectRead))
            .answer::<ModelPermissionsJson>()
            .to(retrieve),
        api(Method::Post, ONE, "update_model_permissions", "Set which models a project may call.")
            .needs(manage)
            .audited(Verb::ModelPermissionsSet)
            .body::<NewModelPermissionsJson>()
            .answer::<ModelPermissionsJson>()
            .to(update),
        api(Method::Delete, ONE, "delete_model_permissions", "Let a project call every model again.")
            .needs(manage)
            .audited(Verb::ModelPermissionsCleared)
            .answer::<ModelPermissionsDeletedJson>()
            .to(delete),
    ]
}

/// The mode of a word that somebody typed.
///
/// # Errors
/// `invalid_mode`.
pub(crate) fn mode(word: &str) -> Result<ListMode, Error> {
    let refused = || Error::invalid_param("invalid_mode", "mode", "Use allow_list or deny_list.");
    ListMode::parse(word).ok_or_else(refused)
}

async fn retrieve(call: Call) -> Result<Answer, Failure> {
    let permissions = read_model_permissions(&call.control, &call.grant, call.path("project_id")?).await?;
    Ok(Answer::json(ModelPermissionsJson::from(permissions)))
}

async fn update(call: Call) -> Result<Answer, Failure> {
    let project = call.path("project_id")?;
    let body: NewModelPermissionsJson = call.json()?;
    let wanted = (mode(&body.mode)?, body.model_ids);
    let permissions = set_model_permissions(&call.control, &call.grant, project, wanted).await?;
    Ok(Answer::json(ModelPermissionsJson::from(permissions)))
}

async fn delete(call: Call) -> Result<Answer, Failure> {
    clear_model_permissions(&call.control, &call.grant, call.path("project_id")?).await?;
    let object = "project.model_permissions.deleted".to_owned();
    Ok(Answer::json(ModelPermissionsDeletedJson { object, deleted: true }))
}
