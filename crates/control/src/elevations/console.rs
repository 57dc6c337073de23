//! The console's forms of elevations: asking, and ending.

use domain::access::Permission;
use domain::audit::Verb;
use domain::organizations::Feature;
use domain::routes::{Access, Method};

use super::api::wanted_role;
use super::{NewElevation, end_elevation, request_elevation};
use crate::approvals::console::{address, approvals_page_with};
use crate::http::console;
use crate::{Answer, Call, Endpoint, Failure, page};

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        page(
            Method::Post,
            "/o/{slug}/elevations",
            "request_elevation_form",
            "Ask for a role of the organization for a while.",
        )
        .needs(Access::Organization(Permission::ElevationRequest))
        .part_of(Feature::Elevation)
        .audited(Verb::ElevationRequested)
        .to(request),
        page(
            Method::Post,
            "/o/{slug}/elevations/{approval_id}/end",
            "end_elevation_form",
            "End an elevation before its time.",
        )
        .needs(Access::Organization(Permission::ElevationRequest))
        .audited(Verb::ElevationEnded)
        .to(end),
    ]
}

async fn request(call: Call) -> Result<Answer, Failure> {
    match asked(&call).await {
        Ok(()) => Ok(console::done(&call, &address(&call), "Asked. Another Admin decides.")),
        Err(failure) => approvals_page_with(&call, Some(console::refusal(failure)?)).await,
    }
}

async fn asked(call: &Call) -> Result<(), Failure> {
    let form = call.form();
    let new = NewElevation {
        role: wanted_role(form.one("role"))?,
        duration_seconds: form.number("duration_seconds")?.unwrap_or_default(),
        reason: form.text("reason").to_owned(),
    };
    request_elevation(&call.control, &call.grant, new).await.map(drop)
}

async fn end(call: Call) -> Result<Answer, Failure> {
    let done = end_elevation(&call.control, &call.grant, call.path("approval_id")?).await;
    // Not to where they were: who ended their own may not see that page any more.
    console::back(&call, &address(&call), done.map(|_| "Ended."))
}
