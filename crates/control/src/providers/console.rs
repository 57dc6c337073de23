//! The console's rows of provider connections.

use std::collections::HashMap;

use domain::Error;
use domain::access::Permission;
use domain::api_keys::Secret;
use domain::audit::Verb;
use domain::ids::ProviderId;
use domain::page::{Order, PageRequest};
use domain::providers::{ProviderConnection, ProviderKind};
use domain::routes::{Access, Method};
use domain::time::TimeZone;

use super::pages::{ProviderForm, ProviderRow, ProvidersPage};
use super::{NewProvider, attach_provider, list_providers, remove_provider};
use crate::http::console;
use crate::http::figures::When;
use crate::http::shell::{Choice, Section};
use crate::projects::frame::{granted, may, root, zone};
use crate::{Answer, Call, Endpoint, Failure, Query, page};

/// How many connections and projects the page shows.
const ON_A_PAGE: i64 = 500;

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    let manage = Access::Organization(Permission::ProviderManage);
    vec![
        page(Method::Get, "/o/{slug}/providers", "providers_page", "The provider connections.")
            .needs(Access::Organization(Permission::ProviderRead))
            .to(providers_page),
        page(Method::Post, "/o/{slug}/providers", "attach_provider_form", "Attach a provider connection.")
            .needs(manage)
            .audited(Verb::ProviderAttached)
            .to(attach),
        page(
            Method::Post,
            "/o/{slug}/providers/{provider_id}/remove",
            "remove_provider_form",
            "Remove a provider connection.",
        )
        .needs(manage)
        .audited(Verb::ProviderRemoved)
        .to(remove),
    ]
}

async fn providers_page(call: Call) -> Result<Answer, Failure> {
    providers(&call, None).await
}

async fn providers(call: &Call, refused: Option<Failure>) -> Result<Answer, Failure> {
    let mut shell = console::shell(call, "Providers", Section::Providers).await?;
    let typed = match refused {
        Some(failure) => {
            shell.flashes.push(console::refusal(failure)?);
            call.form()
        }
        None => Query::default(),
    };
    let request = PageRequest::first(ON_A_PAGE, Order::Ascending);
    let grant = granted(call, Permission::ProviderRead).ok_or(Error::Hidden { what: "organization" })?;
    let connections = list_providers(&call.control, &grant, &request).await?.items;
    let projects = match granted(call, Permission::ProjectRead) {
        Some(grant) => call.control.store.projects(&grant, false, &request).await?.items,
        None => Vec::new(),
    };
    let projects: Vec<(String, String)> =
        projects.into_iter().map(|project| (project.id.to_string(), project.name)).collect();
    let names: HashMap<&str, &str> = projects.iter().map(|(id, name)| (id.as_str(), name.as_str())).collect();
    let zone = zone(call).await?;
    let page = ProvidersPage {
        providers: connections.into_iter().map(|one| row(one, &names, &zone)).collect(),
        form: may(call, Permission::ProviderManage).then(|| form(&typed, &projects)),
        shell,
    };
    console::page(&page)
}

fn row(connection: ProviderConnection, names: &HashMap<&str, &str>, zone: &TimeZone) -> ProviderRow {
    let shared = connection.project_ids.unwrap_or_default();
    let name = |id: String| names.get(id.as_str()).map_or(id.clone(), |name| (*name).to_owned());
    ProviderRow {
        id: connection.id.to_string(),
        kind: kind_title(connection.kind).to_owned(),
        shared_with: shared.into_iter().map(|id| name(id.to_string())).collect(),
        models: connection.models.unwrap_or_default(),
        created_at: When::day(connection.created_at, zone),
        name: connection.name,
        base_url: connection.base_url,
        contract_owner: connection.contract_owner,
    }
}

/// The kind for people.
pub(crate) fn kind_title(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::Openai => "OpenAI",
        ProviderKind::Simulated => "Simulated",
    }
}

/// The kinds to choose from.
pub(crate) fn kinds(selected: &str) -> Vec<Choice> {
    Choice::list(&ProviderKind::ALL.map(|kind| (kind.name(), kind_title(kind))), selected)
}

fn form(typed: &Query, projects: &[(String, String)]) -> ProviderForm {
    let chosen = typed.many("project_ids");
    let choice = |(id, name): &(String, String)| Choice {
        value: id.clone(),
        label: name.clone(),
        is_selected: chosen.contains(id),
    };
    ProviderForm {
        name: typed.text("name").to_owned(),
        kinds: kinds(typed.text("kind")),
        base_url: typed.text("base_url").to_owned(),
        contract_owner: typed.text("contract_owner").to_owned(),
        models: typed.text("models").to_owned(),
        projects: projects.iter().map(choice).collect(),
    }
}

fn new_provider(form: &Query) -> Result<NewProvider, Error> {
    let bad = |_| Error::invalid_param("unknown_project", "project_ids", "Choose projects from the list.");
    let projects =
        form.many("project_ids").iter().map(|id| id.parse().map_err(bad)).collect::<Result<Vec<_>, _>>()?;
    let models: Vec<String> = form
        .many("models")
        .iter()
        .map(|model| model.trim().to_owned())
        .filter(|model| !model.is_empty())
        .collect();
    Ok(NewProvider {
        name: form.text("name").to_owned(),
        kind: ProviderKind::parse(form.text("kind"))?,
        base_url: form.one("base_url").map(|url| url.trim().to_owned()),
        credential: form.one("credential").map(|text| Secret::new(text.trim().to_owned())),
        models: (!models.is_empty()).then_some(models),
        project_ids: (!projects.is_empty()).then_some(projects),
        contract_owner: form.text("contract_owner").to_owned(),
    })
}

async fn attach(call: Call) -> Result<Answer, Failure> {
    let attached = match new_provider(&call.form()) {
        Ok(new) => attach_provider(&call.control, &call.grant, new).await,
        Err(error) => Err(error.into()),
    };
    match attached {
        Ok(connection) => {
            let text = format!("{} is connected.", connection.name);
            Ok(console::done(&call, &format!("{}/providers", root(&call)), &text))
        }
        Err(failure) => providers(&call, Some(failure)).await,
    }
}

async fn remove(call: Call) -> Result<Answer, Failure> {
    let id: ProviderId = call.path("provider_id")?;
    let removed = remove_provider(&call.control, &call.grant, id).await;
    let done = removed.map(|()| "Disconnected. Its credential is forgotten.");
    console::back(&call, &format!("{}/providers", root(&call)), done)
}
