//! Asking for a project: `/v1/organization/project_requests`.

use domain::access::Permission;
use domain::audit::Verb;
use domain::routes::{Access, Method};
use schemars::JsonSchema;
use serde::Deserialize;

use super::request_project;
use crate::approvals::api::ApprovalJson;
use crate::projects::api::NewProjectJson;
use crate::{Answer, Call, Endpoint, Failure, api};

/// What asking for a project takes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct NewProjectRequestJson {
    /// The project, as creating it takes it; owned by the caller unless owners are named.
    pub project: NewProjectJson,
    /// Why: 1 to 2,000 characters. The second person reads it, and the audit trail keeps it.
    pub reason: String,
}

/// The rows of this noun.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        api(
            Method::Post,
            "/v1/organization/project_requests",
            "request_project",
            "Ask for a project, where project.creation lets people ask; it is created when somebody else approves.",
        )
        .needs(Access::Organization(Permission::ApprovalRequest))
        .audited(Verb::ProjectCreationRequested)
        .body::<NewProjectRequestJson>()
        .answer::<ApprovalJson>()
        .to(request),
    ]
}

async fn request(call: Call) -> Result<Answer, Failure> {
    let body: NewProjectRequestJson = call.json()?;
    let new = body.project.read(Some(call.actor()?.user_id))?;
    let asked = request_project(&call.control, &call.grant, new, &body.reason).await?;
    Ok(Answer::json(ApprovalJson::of(asked, call.at)))
}
