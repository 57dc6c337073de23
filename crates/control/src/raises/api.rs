//! Asking for more of an allowance: `/v1/organization/allowances/{allowance_id}/raise_requests`.

use domain::access::Permission;
use domain::audit::Verb;
use domain::routes::{Access, Method};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{NewRaise, request_raise};
use crate::approvals::api::ApprovalJson;
use crate::{Answer, Call, Endpoint, Failure, api};

/// What asking for a raise takes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct NewRaiseJson {
    /// The amount asked for, in the allowance's unit; more than the present one.
    pub amount: i64,
    /// Until when it is raised, in Unix seconds and within a year; for good when absent. It goes back by itself.
    pub ends_at: Option<i64>,
    /// Why: 1 to 2,000 characters. The second person reads it, and the audit trail keeps it.
    pub reason: String,
}

/// The rows of this noun.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        api(
            Method::Post,
            "/v1/organization/allowances/{allowance_id}/raise_requests",
            "request_allowance_raise",
            "Ask for more of an allowance that you see and may not set, for good or for a time; somebody else approves.",
        )
        .needs(Access::Organization(Permission::ApprovalRequest))
        .audited(Verb::AllowanceRaiseRequested)
        .body::<NewRaiseJson>()
        .answer::<ApprovalJson>()
        .to(request),
    ]
}

async fn request(call: Call) -> Result<Answer, Failure> {
    let body: NewRaiseJson = call.json()?;
    let new = NewRaise { amount: body.amount, ends_at: body.ends_at, reason: body.reason };
    let asked = request_raise(&call.control, &call.grant, call.path("allowance_id")?, new).await?;
    Ok(Answer::json(ApprovalJson::of(asked, call.at)))
}
