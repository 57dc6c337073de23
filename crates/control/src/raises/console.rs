//! The console's form that asks for more of an allowance.

use domain::Error;
use domain::access::{Permission, Target, authorize};
use domain::audit::Verb;
use domain::ids::AllowanceId;
use domain::routes::{Access, Method};
use store::allowances as stored;

use super::{NewRaise, request_raise};
use crate::allowances::console::{amount, list_href};
use crate::http::console;
use crate::projects::frame::{end_of_day, zone};
use crate::{Answer, Call, Endpoint, Failure, page};

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        page(
            Method::Post,
            "/o/{slug}/allowances/{allowance_id}/ask",
            "request_allowance_raise_form",
            "Ask for more of a limit.",
        )
        .needs(Access::Organization(Permission::ApprovalRequest))
        .audited(Verb::AllowanceRaiseRequested)
        .to(request),
        page(
            Method::Post,
            "/o/{slug}/projects/{project_id}/allowances/{allowance_id}/ask",
            "request_project_allowance_raise_form",
            "Ask for more of a limit of a project.",
        )
        .needs(Access::Project(Permission::AllowanceRead))
        .audited(Verb::AllowanceRaiseRequested)
        .to(request),
    ]
}

async fn request(call: Call) -> Result<Answer, Failure> {
    let asked = asked(&call).await;
    console::back(&call, &list_href(&call), asked.map(|()| "Asked. Somebody who may set it decides."))
}

async fn asked(call: &Call) -> Result<(), Failure> {
    let (form, id) = (call.form(), call.path::<AllowanceId>("allowance_id")?);
    let organization = Target::Organization(call.organization_id()?);
    let asks = authorize(call.actor()?, Permission::ApprovalRequest, organization)?;
    let sees = authorize(call.actor()?, Permission::AllowanceRead, organization)?;
    let unit = stored::allowance(&call.control.store, &sees, id).await?.unit;
    let until = form.text("ends_on").trim();
    let ends_at = match until.is_empty() {
        true => None,
        false => {
            let bad = || Error::invalid_param("invalid_end", "ends_on", "Choose a day, or none.");
            Some(end_of_day(until, &zone(call).await?).ok_or_else(bad)?.unix_seconds())
        }
    };
    let new = NewRaise { amount: amount(unit, &form)?, ends_at, reason: form.text("reason").to_owned() };
    request_raise(&call.control, &asks, id, new).await.map(drop)
}
