//! Asking for a change that needs a second person: `/v1/organization/projects/{project_id}/change_requests`.

use domain::Error;
use domain::access::Permission;
use domain::approvals::ChangeKind;
use domain::audit::Verb;
use domain::projects::{Environment, Risk};
use domain::routes::{Access, Method};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{NewChange, request_change};
use crate::approvals::api::ApprovalJson;
use crate::{Answer, Call, Endpoint, Failure, api};

/// What asking for a change takes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct NewChangeJson {
    /// `key_creation` for one new key, or `loosening` for a lower risk or a lesser environment.
    pub change: String,
    /// Of a loosening: the environment that the project is to get.
    pub environment: Option<String>,
    /// Of a loosening: the risk that it is to get.
    pub risk: Option<String>,
    /// Why: 1 to 2,000 characters. The second person reads it, and the audit trail keeps it.
    pub reason: String,
}

/// The rows of this noun.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        api(
            Method::Post,
            "/v1/organization/projects/{project_id}/change_requests",
            "request_change",
            "Ask for a change that change.approval keeps for two; once approved, make it yourself within a day.",
        )
        .needs(Access::Project(Permission::ProjectRead))
        .audited(Verb::ChangeRequested)
        .body::<NewChangeJson>()
        .answer::<ApprovalJson>()
        .to(request),
    ]
}

/// The kind of change of a word.
///
/// # Errors
/// `invalid_change`.
pub(super) fn change_kind(word: &str) -> Result<ChangeKind, Error> {
    let sentence = "Use one of: key_creation loosening.";
    ChangeKind::parse(word).ok_or_else(|| Error::invalid_param("invalid_change", "change", sentence))
}

async fn request(call: Call) -> Result<Answer, Failure> {
    let body: NewChangeJson = call.json()?;
    let new = NewChange {
        change: change_kind(&body.change)?,
        environment: body.environment.as_deref().map(Environment::parse).transpose()?,
        risk: body.risk.as_deref().map(Risk::parse).transpose()?,
        reason: body.reason,
    };
    let asked = request_change(&call.control, &call.grant, call.path("project_id")?, new).await?;
    Ok(Answer::json(ApprovalJson::of(asked, call.at)))
}
