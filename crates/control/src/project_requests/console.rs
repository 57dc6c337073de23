//! The console's form that asks for a project.

use domain::access::Permission;
use domain::audit::Verb;
use domain::routes::{Access, Method};

use super::request_project;
use crate::http::console;
use crate::http::shell::Section;
use crate::projects::forms::{new_project, people, typed};
use crate::projects::frame::root;
use crate::projects::pages::NewProjectPage;
use crate::{Answer, Call, Endpoint, Failure, page};

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    let needed = Access::Organization(Permission::ApprovalRequest);
    vec![
        page(
            Method::Get,
            "/o/{slug}/projects/ask",
            "ask_for_project_page",
            "The form that asks for a project.",
        )
        .needs(needed)
        .to(form_page),
        page(Method::Post, "/o/{slug}/projects/ask", "request_project_form", "Ask for a project.")
            .needs(needed)
            .audited(Verb::ProjectCreationRequested)
            .to(request),
    ]
}

async fn form_page(call: Call) -> Result<Answer, Failure> {
    shown(&call, None).await
}

async fn shown(call: &Call, refused: Option<Failure>) -> Result<Answer, Failure> {
    let mut shell = console::shell(call, "Ask for a project", Section::Projects).await?;
    if let Some(failure) = refused {
        shell.flashes.push(console::refusal(failure)?);
    }
    let fields = call.form();
    let mut form = typed(&fields, &people(call).await?);
    let own = call.actor()?.user_id.to_string();
    let names_nobody = fields.many("owner_ids").is_empty();
    for choice in form.owners.iter_mut().chain(form.accountable_owners.iter_mut()).filter(|_| names_nobody) {
        choice.is_selected = choice.value == own;
    }
    let reason = Some(fields.text("reason").to_owned());
    console::page(&NewProjectPage { shell, form, reason })
}

async fn request(call: Call) -> Result<Answer, Failure> {
    let form = call.form();
    let asked = match new_project(&form, call.actor()?.user_id) {
        Ok(new) => request_project(&call.control, &call.grant, new, form.text("reason")).await,
        Err(error) => Err(error.into()),
    };
    match asked {
        Ok(_) => {
            let to = format!("{}/approvals", root(&call));
            Ok(console::done(&call, &to, "Asked. The project is there once somebody approves."))
        }
        Err(failure) => shown(&call, Some(failure)).await,
    }
}
