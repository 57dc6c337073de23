//! The console's form that asks for a change that needs a second person.

use domain::access::Permission;
use domain::approvals::ChangeKind;
use domain::audit::Verb;
use domain::policy::Mode;
use domain::projects::{Environment, Project, Risk};
use domain::routes::{Access, Method};

use super::api::change_kind;
use super::{NewChange, judge, request_change};
use crate::http::console;
use crate::projects::frame::{may, may_here, root};
use crate::{Answer, Call, Endpoint, Failure, page};

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        page(
            Method::Post,
            "/o/{slug}/projects/{project_id}/changes/ask",
            "request_change_form",
            "Ask for a change that needs a second person.",
        )
        .needs(Access::Project(Permission::ProjectRead))
        .audited(Verb::ChangeRequested)
        .to(request),
    ]
}

/// Whether a page offers to ask for a change of a kind: it needs a second person there, and the viewer may make it.
///
/// # Errors
/// When the store is away.
pub(crate) async fn is_asked_for(call: &Call, project: &Project, kind: ChangeKind) -> Result<bool, Failure> {
    let may_ask = may(call, Permission::ApprovalRequest) && may_here(call, kind.needs());
    Ok(may_ask && judge(&call.control, &call.grant, project).await? == Mode::Enforce)
}

async fn request(call: Call) -> Result<Answer, Failure> {
    let asked = asked(&call).await;
    let to = format!("{}/approvals", root(&call));
    let text = "Asked. Once somebody approves, make the change within a day.";
    console::back(&call, &to, asked.map(|()| text))
}

async fn asked(call: &Call) -> Result<(), Failure> {
    let form = call.form();
    let new = NewChange {
        change: change_kind(form.text("change"))?,
        environment: form.one("environment").map(Environment::parse).transpose()?,
        risk: form.one("risk").map(Risk::parse).transpose()?,
        reason: form.text("reason").to_owned(),
    };
    request_change(&call.control, &call.grant, call.path("project_id")?, new).await.map(drop)
}
