//! Asking for a role for a while, and ending it: `/v1/organization/elevations`.

use domain::Error;
use domain::access::{OrganizationRole, Permission};
use domain::audit::Verb;
use domain::organizations::Feature;
use domain::routes::{Access, Method};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{NewElevation, end_elevation, request_elevation};
use crate::approvals::api::ApprovalJson;
use crate::{Answer, Call, Endpoint, Failure, api};

/// What asking for an elevation takes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct NewElevationJson {
    /// `admin` (when absent), `finance` or `auditor`.
    pub role: Option<String>,
    /// For how long after the approval: 900 to 43200 seconds, which is 15 minutes to 12 hours.
    pub duration_seconds: i64,
    /// Why: 1 to 2,000 characters. The second person reads it, and the audit trail keeps it.
    pub reason: String,
}

/// The rows of this noun.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        api(
            Method::Post,
            "/v1/organization/elevations",
            "request_elevation",
            "Ask for the Admin role, or another, for a while; somebody else approves.",
        )
        .needs(Access::Organization(Permission::ElevationRequest))
        .part_of(Feature::Elevation)
        .audited(Verb::ElevationRequested)
        .body::<NewElevationJson>()
        .answer::<ApprovalJson>()
        .to(request),
        api(
            Method::Post,
            "/v1/organization/elevations/{approval_id}/end",
            "end_elevation",
            "End an elevation before its time: one's own, or with approval.decide anybody's.",
        )
        .needs(Access::Organization(Permission::ElevationRequest))
        .audited(Verb::ElevationEnded)
        .answer::<ApprovalJson>()
        .to(end),
    ]
}

/// The role of an exact word; Admin when there is none.
///
/// # Errors
/// `invalid_role`.
pub(super) fn wanted_role(word: Option<&str>) -> Result<OrganizationRole, Error> {
    let word = word.unwrap_or(OrganizationRole::Admin.name());
    OrganizationRole::ALL
        .into_iter()
        .find(|role| role.name() == word)
        .ok_or_else(|| Error::invalid_param("invalid_role", "role", "Use one of: admin, finance, auditor."))
}

async fn request(call: Call) -> Result<Answer, Failure> {
    let body: NewElevationJson = call.json()?;
    let new = NewElevation {
        role: wanted_role(body.role.as_deref())?,
        duration_seconds: body.duration_seconds,
        reason: body.reason,
    };
    let asked = request_elevation(&call.control, &call.grant, new).await?;
    Ok(Answer::json(ApprovalJson::of(asked, call.at)))
}

async fn end(call: Call) -> Result<Answer, Failure> {
    let ended = end_elevation(&call.control, &call.grant, call.path("approval_id")?).await?;
    Ok(Answer::json(ApprovalJson::of(ended, call.at)))
}
