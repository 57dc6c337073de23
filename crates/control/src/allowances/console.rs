//! The console's rows of allowances: those of the organization, and those that bind one project.

use std::collections::HashMap;

use domain::Error;
use domain::access::{Grant, Permission, Reach};
use domain::allowances::{Allowance, Enforcement, Level, Scope, Unit};
use domain::audit::Verb;
use domain::ids::AllowanceId;
use domain::money::NanoUsd;
use domain::page::{Order, PageRequest};
use domain::projects::{Environment, Project};
use domain::routes::{Access, Method};
use domain::time::{TimeZone, Window};

use super::pages::{AllowanceForm, AllowanceRow, AllowancesPage, ProjectAllowancesPage};
use super::{
    NewAllowance, SpentAllowance, create_allowance, delete_allowance, list_allowances, retrieve_allowance,
    update_allowance, with_spending,
};
use crate::http::charts::{self, Meter};
use crate::http::console;
use crate::http::figures::{Count, Money, When};
use crate::http::shell::{Choice, Section};
use crate::projects::forms::{title, words};
use crate::projects::frame::{Frame, frame, granted, granted_here, project_root, root, zone};
use crate::{Answer, Call, Endpoint, Failure, Query, page};

/// How many allowances, projects and keys are read for a page.
const ON_A_PAGE: i64 = 500;

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    let organization = Access::Organization(Permission::AllowanceManageKeys);
    let project = Access::Project(Permission::AllowanceManageKeys);
    let form = |path: &'static str, operation: &'static str, summary: &'static str| {
        page(Method::Post, path, operation, summary)
    };
    let (made, changed, gone) = (Verb::AllowanceCreated, Verb::AllowanceUpdated, Verb::AllowanceDeleted);
    vec![
        page(Method::Get, "/o/{slug}/allowances", "allowances_page", "The organization's limits.")
            .needs(Access::Organization(Permission::AllowanceRead))
            .to(organization_page),
        form("/o/{slug}/allowances", "create_allowance_form", "Set a limit.")
            .needs(organization)
            .audited(made)
            .to(create),
        form("/o/{slug}/allowances/{allowance_id}/change", "update_allowance_form", "Change a limit.")
            .needs(organization)
            .audited(changed)
            .to(change),
        form("/o/{slug}/allowances/{allowance_id}/remove", "delete_allowance_form", "Remove a limit.")
            .needs(organization)
            .audited(gone)
            .to(remove),
        page(
            Method::Get,
            "/o/{slug}/projects/{project_id}/allowances",
            "project_allowances_page",
            "The limits that bind a project.",
        )
        .needs(Access::Project(Permission::AllowanceRead))
        .to(project_page),
        form(
            "/o/{slug}/projects/{project_id}/allowances",
            "create_project_allowance_form",
            "Set a limit in a project.",
        )
        .needs(project)
        .audited(made)
        .to(create),
        form(
            "/o/{slug}/projects/{project_id}/allowances/{allowance_id}/change",
            "update_project_allowance_form",
            "Change a limit of a project.",
        )
        .needs(project)
        .audited(changed)
        .to(change),
        form(
            "/o/{slug}/projects/{project_id}/allowances/{allowance_id}/remove",
            "delete_project_allowance_form",
            "Remove a limit of a project.",
        )
        .needs(project)
        .audited(gone)
        .to(remove),
    ]
}

/// Names of what allowances bind, by id.
type Names = HashMap<String, String>;

async fn organization_page(call: Call) -> Result<Answer, Failure> {
    organization(&call, None).await
}

async fn organization(call: &Call, refused: Option<Failure>) -> Result<Answer, Failure> {
    let mut shell = console::shell(call, "Allowances", Section::Allowances).await?;
    let typed = typed(refused, &mut shell, call)?;
    let grant = granted(call, Permission::AllowanceRead).ok_or(Error::Hidden { what: "organization" })?;
    let request = PageRequest::first(ON_A_PAGE, Order::Ascending);
    let list = list_allowances(&call.control, &grant, &request).await?.items;
    let (names, zone) = (project_names(call).await?, zone(call).await?);
    let sets_all = granted(call, Permission::AllowanceManage).is_some();
    let can_ask = granted(call, Permission::ApprovalRequest).is_some();
    let row = |spent: SpentAllowance| {
        let can_manage = sets_all || is_of_key(&spent.allowance.scope.level);
        row(&spent, &names, &zone, (can_manage, !can_manage && can_ask))
    };
    let page = AllowancesPage {
        allowances: list.into_iter().map(row).collect(),
        form: sets_all.then(|| form(&typed, organization_scopes(&names))),
        shell,
    };
    console::page(&page)
}

async fn project_page(call: Call) -> Result<Answer, Failure> {
    project(&call, None).await
}

async fn project(call: &Call, refused: Option<Failure>) -> Result<Answer, Failure> {
    let Frame { mut shell, head, owned, zone } =
        frame(call, Some("Allowances"), Section::ProjectAllowances).await?;
    let typed = typed(refused, &mut shell, call)?;
    let keys = key_names(call, &owned.project).await?;
    let form = granted_here(call, Permission::AllowanceManageKeys).map(|_| {
        let mut scopes = Vec::new();
        if granted(call, Permission::AllowanceManage).is_some() {
            scopes.push((format!("project:{}", owned.project.id), "This project".to_owned()));
        }
        scopes.extend(keys.iter().map(|(id, name)| (format!("api_key:{id}"), format!("Key {name}"))));
        form(&typed, scopes)
    });
    let page = ProjectAllowancesPage {
        allowances: binding(call, &owned.project, &zone).await?,
        form: form.filter(|form| !form.scopes.is_empty()),
        shell,
        head,
    };
    console::page(&page)
}

/// What was typed, when it is shown again with the reason of its refusal.
fn typed(
    refused: Option<Failure>,
    shell: &mut crate::http::shell::Shell,
    call: &Call,
) -> Result<Query, Failure> {
    if let Some(failure) = refused {
        shell.flashes.push(console::refusal(failure)?);
        return Ok(call.form());
    }
    Ok(Query::default())
}

/// Every limit that binds the calls of a project and that the viewer may see.
///
/// # Errors
/// When the store is away.
pub(crate) async fn binding(
    call: &Call,
    project: &Project,
    zone: &TimeZone,
) -> Result<Vec<AllowanceRow>, Failure> {
    // Who reaches the organization sees what binds the project from above, too.
    let above = granted(call, Permission::AllowanceRead).filter(|grant| *grant.reach() == Reach::All);
    let here = granted_here(call, Permission::AllowanceRead);
    let Some(grant) = above.or(here) else { return Ok(Vec::new()) };
    let keys = key_names(call, project).await?;
    let binds = |allowance: &Allowance| match allowance.scope.level {
        Level::Organization => true,
        Level::Environment(environment) => environment == project.environment,
        Level::Project(id) => id == project.id,
        Level::ApiKey(id) => keys.contains_key(&id.to_string()),
        Level::User(_) | Level::ServiceAccount(_) => false,
    };
    let all = store::allowances::allowances_of(&call.control.store, &grant).await?;
    let list = with_spending(&call.control, &grant, all.into_iter().filter(binds).collect()).await?;
    let sets_all = granted(call, Permission::AllowanceManage).is_some();
    let can_ask = granted(call, Permission::ApprovalRequest).is_some();
    let sets_keys = granted_here(call, Permission::AllowanceManageKeys).is_some();
    let mut names = keys.clone();
    names.insert(project.id.to_string(), project.name.clone());
    let row = |spent: SpentAllowance| {
        let can_manage = sets_all || (sets_keys && is_of_key(&spent.allowance.scope.level));
        row(&spent, &names, zone, (can_manage, !can_manage && can_ask))
    };
    Ok(list.into_iter().map(row).collect())
}

fn is_of_key(level: &Level) -> bool {
    matches!(level, Level::ApiKey(_) | Level::ServiceAccount(_))
}

async fn project_names(call: &Call) -> Result<Names, Failure> {
    let Some(grant) = granted(call, Permission::ProjectRead) else { return Ok(Names::new()) };
    let request = PageRequest::first(ON_A_PAGE, Order::Ascending);
    let projects = call.control.store.projects(&grant, true, &request).await?;
    Ok(projects.items.into_iter().map(|project| (project.id.to_string(), project.name)).collect())
}

async fn key_names(call: &Call, project: &Project) -> Result<Names, Failure> {
    let Some(grant) = granted_here(call, Permission::ApiKeyRead) else { return Ok(Names::new()) };
    let request = PageRequest::first(ON_A_PAGE, Order::Ascending);
    let filter = store::KeyFilter::default();
    let keys = call.control.store.project_keys(&grant, project.id, filter, &request).await?;
    Ok(keys.items.into_iter().map(|owned| (owned.key.id.to_string(), owned.key.name)).collect())
}

fn organization_scopes(projects: &Names) -> Vec<(String, String)> {
    let mut scopes = vec![("organization".to_owned(), "The organization".to_owned())];
    scopes.extend(Environment::ALL.iter().map(|environment| {
        let word = environment.name();
        (format!("environment:{word}"), format!("Environment {word}"))
    }));
    let mut named: Vec<(String, String)> =
        projects.iter().map(|(id, name)| (format!("project:{id}"), format!("Project {name}"))).collect();
    named.sort_by(|a, b| a.1.cmp(&b.1));
    scopes.extend(named);
    scopes
}

fn form(typed: &Query, scopes: Vec<(String, String)>) -> AllowanceForm {
    let units = [
        (Unit::NanoUsd, "Dollars"),
        (Unit::Requests, "Requests"),
        (Unit::Tokens, "Tokens"),
        (Unit::InputTokens, "Input tokens"),
        (Unit::OutputTokens, "Output tokens"),
        (Unit::InFlight, "Calls in flight"),
    ];
    let windows = Window::ALL.map(|window| {
        let label = if window == Window::None {
            "At any moment (calls in flight)".to_owned()
        } else {
            title(window.name())
        };
        (window.name(), label)
    });
    AllowanceForm {
        scopes: Choice::list(&scopes, typed.text("scope")),
        units: Choice::list(&units.map(|(unit, label)| (unit.name(), label)), typed.text("unit")),
        windows: Choice::list(&windows, typed.one("window").unwrap_or(Window::Month.name())),
        enforcements: words(
            [Enforcement::Hard, Enforcement::Soft].map(Enforcement::name).into_iter(),
            typed.text("enforcement"),
        ),
        amount: typed.text("amount").to_owned(),
        model: typed.text("model").to_owned(),
    }
}

fn row(
    spent: &SpentAllowance,
    names: &Names,
    zone: &TimeZone,
    (can_manage, can_ask): (bool, bool),
) -> AllowanceRow {
    let allowance = &spent.allowance;
    let is_money = allowance.unit == Unit::NanoUsd;
    let unit = if is_money { charts::Unit::NanoUsd } else { charts::Unit::Count };
    let (used, held) = spent.spending.map_or((0, 0), |spending| (spending.spent, spending.held));
    let resets = spent.resets_at().map(|at| format!("Begins anew on {}", When::minute(at, zone).text()));
    let counted_in_memory =
        (!allowance.window.is_durable()).then(|| "Counted in memory, not shown here".to_owned());
    AllowanceRow {
        id: allowance.id.to_string(),
        scope: scope_name(&allowance.scope, names),
        limit: limit(allowance),
        amount: if is_money {
            NanoUsd::from_nano(allowance.amount).to_string()
        } else {
            allowance.amount.to_string()
        },
        is_hard: allowance.enforcement == Enforcement::Hard,
        meter: Meter::new(unit, used, held, allowance.amount),
        resets: resets.or(counted_in_memory).unwrap_or_default(),
        can_manage,
        can_ask,
    }
}

fn scope_name(scope: &Scope, names: &Names) -> String {
    let named = |what: &str, id: String| format!("{what} {}", names.get(&id).unwrap_or(&id));
    let whose = match &scope.level {
        Level::Organization => "Organization".to_owned(),
        Level::Environment(environment) => format!("Environment {}", environment.name()),
        Level::Project(id) => named("Project", id.to_string()),
        Level::ApiKey(id) => named("Key", id.to_string()),
        Level::User(id) => named("Member", id.to_string()),
        Level::ServiceAccount(id) => named("Service account", id.to_string()),
    };
    match &scope.model {
        Some(model) => format!("{whose}, model {model}"),
        None => whose,
    }
}

/// `$400.00 per month`, `600 requests per minute`.
fn limit(allowance: &Allowance) -> String {
    let amount = match allowance.unit {
        Unit::NanoUsd => Money::from_nano(allowance.amount).to_string(),
        Unit::InFlight => format!("{} calls in flight", count(allowance.amount)),
        unit => format!("{} {}", count(allowance.amount), unit.name().replace('_', " ")),
    };
    match allowance.window {
        Window::None => amount,
        Window::Lifetime => format!("{amount} in all"),
        window => format!("{amount} per {}", window.name()),
    }
}

fn count(amount: i64) -> Count {
    Count(u64::try_from(amount).unwrap_or_default())
}

/// The grant of the widest right that the viewer has to set limits.
fn setting(call: &Call) -> Grant {
    granted(call, Permission::AllowanceManage).unwrap_or_else(|| call.grant.clone())
}

/// The amount that was typed, in the unit: dollars in decimal, otherwise a whole number.
pub(crate) fn amount(unit: Unit, form: &Query) -> Result<i64, Error> {
    let text = form.text("amount").trim();
    if unit == Unit::NanoUsd {
        return Ok(NanoUsd::parse_usd(text)?.nano());
    }
    text.parse().map_err(|_| Error::invalid_param("invalid_amount", "amount", "Use a whole number."))
}

fn new_allowance(form: &Query) -> Result<NewAllowance, Error> {
    let bad = |code, param, sentence: &'static str| Error::invalid_param(code, param, sentence);
    let unit = Unit::parse(form.text("unit"))
        .ok_or_else(|| bad("invalid_unit", "unit", "Choose what it counts from the list."))?;
    let window = Window::parse(form.text("window"))
        .ok_or_else(|| bad("invalid_window", "window", "Choose a window from the list."))?;
    let enforcement = Enforcement::parse(form.text("enforcement"))
        .ok_or_else(|| bad("invalid_enforcement", "enforcement", "Choose hard or soft."))?;
    let (kind, id) = form.text("scope").split_once(':').unwrap_or((form.text("scope"), ""));
    let model = form.text("model").trim();
    Ok(NewAllowance {
        scope: Scope { level: Level::parse(kind, id)?, model: (!model.is_empty()).then(|| model.to_owned()) },
        unit,
        window,
        amount: amount(unit, form)?,
        enforcement,
    })
}

fn is_of_project(call: &Call) -> bool {
    !call.path_text("project_id").is_empty()
}

pub(crate) fn list_href(call: &Call) -> String {
    let root = if is_of_project(call) { project_root(call) } else { root(call) };
    format!("{root}/allowances")
}

async fn create(call: Call) -> Result<Answer, Failure> {
    let made = match new_allowance(&call.form()) {
        Ok(new) => create_allowance(&call.control, &setting(&call), new).await,
        Err(error) => Err(error.into()),
    };
    match made {
        Ok(_) => Ok(console::done(&call, &list_href(&call), "Set. It binds from now on.")),
        Err(failure) if is_of_project(&call) => project(&call, Some(failure)).await,
        Err(failure) => organization(&call, Some(failure)).await,
    }
}

async fn change(call: Call) -> Result<Answer, Failure> {
    let (id, grant): (AllowanceId, _) = (call.path("allowance_id")?, setting(&call));
    let unit = retrieve_allowance(&call.control, &grant, id).await?.allowance.unit;
    let changed = match amount(unit, &call.form()) {
        Ok(amount) => update_allowance(&call.control, &grant, id, (Some(amount), None)).await,
        Err(error) => Err(error.into()),
    };
    console::back(&call, &list_href(&call), changed.map(|_| "Changed. The new amount binds from now on."))
}

async fn remove(call: Call) -> Result<Answer, Failure> {
    let id: AllowanceId = call.path("allowance_id")?;
    let removed = delete_allowance(&call.control, &setting(&call), id).await;
    console::back(&call, &list_href(&call), removed.map(|()| "Removed."))
}
