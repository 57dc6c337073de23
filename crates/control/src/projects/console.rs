//! The console's rows of projects: the list, a new one, its settings, archive and restore.

use std::collections::HashMap;

use domain::access::Permission;
use domain::approvals::ChangeKind;
use domain::audit::Verb;
use domain::ids::ProjectId;
use domain::models::ListMode;
use domain::page::{Order, PageRequest};
use domain::projects::Environment;
use domain::routes::{Access, Method};
use domain::time::DAY;
use store::usage::{Dimension, UsageQuery, usage};

use super::detail_pages::ProjectSettingsPage;
use super::forms::{changes, filled, new_project, people, typed, words};
use super::frame::{frame, granted, last_days, link, may, may_here, month, project_root, root, zone};
use super::pages::{NewProjectPage, ProjectRow, ProjectsPage};
use super::{OwnedProject, archive_project, create_project, list_projects, restore_project, update_project};
use crate::http::charts::Sparkline;
use crate::http::console;
use crate::http::figures::{Count, Money};
use crate::http::shell::{Choice, Section};
use crate::model_permissions::console::models_in_words;
use crate::{Answer, Call, Endpoint, Failure, changes, page, project_requests};

/// The modes of a project's list of models, for people.
const MODEL_MODES: [(ListMode, &str); 2] =
    [(ListMode::Allow, "Only these models"), (ListMode::Deny, "Every model but these")];
/// How many projects a page shows.
const PROJECTS_PER_PAGE: usize = 50;
/// How many projects are read at a time while looking for those that match.
const READ_AT_A_TIME: i64 = 200;

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        page(Method::Get, "/o/{slug}/projects", "projects_page", "The projects that the viewer may see.")
            .needs(Access::Organization(Permission::OrganizationRead))
            .to(projects_page),
        page(Method::Get, "/o/{slug}/projects/new", "new_project_page", "The form for a new project.")
            .needs(Access::Organization(Permission::ProjectCreate))
            .to(new_project_page),
        page(Method::Post, "/o/{slug}/projects", "create_project_form", "Create a project.")
            .needs(Access::Organization(Permission::ProjectCreate))
            .audited(Verb::ProjectCreated)
            .to(create),
        page(
            Method::Get,
            "/o/{slug}/projects/{project_id}/settings",
            "project_settings_page",
            "A project's settings.",
        )
        .needs(Access::Project(Permission::ProjectRead))
        .to(settings_page),
        page(
            Method::Post,
            "/o/{slug}/projects/{project_id}/settings",
            "update_project_form",
            "Change a project.",
        )
        .needs(Access::Project(Permission::ProjectUpdate))
        .audited(Verb::ProjectUpdated)
        .to(update),
        page(
            Method::Post,
            "/o/{slug}/projects/{project_id}/archive",
            "archive_project_form",
            "Archive a project.",
        )
        .needs(Access::Project(Permission::ProjectArchive))
        .audited(Verb::ProjectArchived)
        .to(archive),
        page(
            Method::Post,
            "/o/{slug}/projects/{project_id}/restore",
            "restore_project_form",
            "Restore a project.",
        )
        .needs(Access::Project(Permission::ProjectArchive))
        .audited(Verb::ProjectRestored)
        .to(restore),
    ]
}

async fn projects_page(call: Call) -> Result<Answer, Failure> {
    let shell = console::shell(&call, "Projects", Section::Projects).await?;
    let (search, environment) = (call.query.text("search").trim(), call.query.text("environment"));
    let state = call.query.one("state").unwrap_or("active");
    let names: HashMap<String, String> =
        people(&call).await?.into_iter().map(|(id, person)| (id, person.name)).collect();
    let (found, next) = matching(&call, &names, (search, environment, state)).await?;
    let next_href = next.map(|after| {
        let query = [("search", search), ("environment", environment), ("state", state), ("after", &after)];
        format!("{}/projects?{}", root(&call), serde_urlencoded::to_string(query).unwrap_or_default())
    });
    let mut environments = words(Environment::ALL.iter().map(|value| value.name()), environment);
    environments.insert(
        0,
        Choice { value: String::new(), label: "All".to_owned(), is_selected: environment.is_empty() },
    );
    let states = [("active", "Active"), ("archived", "Archived"), ("all", "All")];
    let page = ProjectsPage {
        search: search.to_owned(),
        environments,
        states: Choice::list(&states, state),
        projects: rows(&call, &names, found).await?,
        is_filtered: !search.is_empty() || !environment.is_empty() || state != "active",
        next_href,
        can_create: may(&call, Permission::ProjectCreate),
        can_ask: may(&call, Permission::ApprovalRequest)
            && !may(&call, Permission::ProjectCreate)
            && project_requests::is_open(&call.control, &call.grant).await?,
        shell,
    };
    console::page(&page)
}

/// The projects that match, and the cursor of the next page.
async fn matching(
    call: &Call,
    names: &HashMap<String, String>,
    (search, environment, state): (&str, &str, &str),
) -> Result<(Vec<OwnedProject>, Option<String>), Failure> {
    let Some(grant) = granted(call, Permission::ProjectRead) else { return Ok((Vec::new(), None)) };
    let needle = search.to_lowercase();
    let fits = |owned: &OwnedProject| {
        let project = &owned.project;
        let is_archived = project.archived_at.is_some();
        let owner = project.accountable_owner_id.and_then(|id| names.get(&id.to_string()));
        let texts = [Some(&project.name), project.labels.team.as_ref(), owner];
        let found = texts.into_iter().flatten().any(|text| text.to_lowercase().contains(&needle));
        (needle.is_empty() || found)
            && (environment.is_empty() || project.environment.name() == environment)
            && (state == "all" || is_archived == (state == "archived"))
    };
    let mut found: Vec<OwnedProject> = Vec::new();
    let mut after = call.query.one("after").map(str::to_owned);
    loop {
        let request = PageRequest { after, limit: READ_AT_A_TIME, order: Order::Ascending };
        let read = list_projects(&call.control, &grant, state != "active", &request).await?;
        after = read.items.last().map(|owned| owned.project.id.to_string());
        found.extend(read.items.into_iter().filter(fits));
        if found.len() > PROJECTS_PER_PAGE {
            found.truncate(PROJECTS_PER_PAGE);
            let next = found.last().map(|owned| owned.project.id.to_string());
            return Ok((found, next));
        }
        if !read.has_more {
            return Ok((found, None));
        }
    }
}

async fn rows(
    call: &Call,
    names: &HashMap<String, String>,
    found: Vec<OwnedProject>,
) -> Result<Vec<ProjectRow>, Failure> {
    let ids: Vec<String> = found.iter().map(|owned| owned.project.id.to_string()).collect();
    let keys = match granted(call, Permission::ApiKeyRead) {
        Some(grant) => call.control.store.active_key_counts(&grant, &ids, call.at).await?,
        None => HashMap::new(),
    };
    let mut costs = costs(call, ids).await?;
    let cost_grant = granted(call, Permission::CostRead);
    let row = |owned: OwnedProject| {
        let id = owned.project.id;
        let sees_cost = cost_grant.as_ref().is_some_and(|grant| grant.reaches(id, None));
        let (trend, cost) = costs.remove(&id.to_string()).unwrap_or_default();
        let owner = owned.project.accountable_owner_id.map(|user| user.to_string());
        ProjectRow {
            project: link(&owned),
            team: owned.project.labels.team.clone().unwrap_or_default(),
            owner: owner.map(|user| names.get(&user).cloned().unwrap_or(user)).unwrap_or_default(),
            active_keys: keys.get(&id).copied().unwrap_or_default(),
            trend: sees_cost.then(|| Sparkline::new("Cost per day over 30 days", &trend)),
            cost: sees_cost.then(|| Money::from_nano(cost)),
            is_archived: owned.project.archived_at.is_some(),
        }
    };
    Ok(found.into_iter().map(row).collect())
}

/// Per project its cost of each of the last days, and of this month.
async fn costs(call: &Call, ids: Vec<String>) -> Result<HashMap<String, (Vec<i64>, i64)>, Failure> {
    let mut costs: HashMap<String, (Vec<i64>, i64)> = HashMap::new();
    let Some(grant) = granted(call, Permission::CostRead).filter(|_| !ids.is_empty()) else {
        return Ok(costs);
    };
    let ((from, until), days) = last_days(call.at, super::frame::CHART_DAYS);
    let query = UsageQuery {
        from,
        until,
        bucket_micros: Some(DAY),
        group_by: vec![Dimension::Project],
        project_ids: ids,
        ..UsageQuery::default()
    };
    for sum in usage(&call.control.store, &grant, &query).await? {
        let Some(id) = sum.of.into_iter().flatten().next() else { continue };
        let (trend, _) = costs.entry(id).or_insert_with(|| (vec![0; days.len()], 0));
        if let Some(day) = days.iter().position(|day| *day == sum.bucket_start) {
            trend[day] = sum.totals.cost;
        }
    }
    let (from, until) = month(call.at, &zone(call).await?);
    let query = UsageQuery { from, until, bucket_micros: None, ..query };
    for sum in usage(&call.control.store, &grant, &query).await? {
        let Some(id) = sum.of.into_iter().flatten().next() else { continue };
        costs.entry(id).or_default().1 = sum.totals.cost;
    }
    Ok(costs)
}

async fn new_project_page(call: Call) -> Result<Answer, Failure> {
    let shell = console::shell(&call, "New project", Section::Projects).await?;
    let mut form = typed(&call.query, &people(&call).await?);
    let own = call.actor()?.user_id.to_string();
    for choice in form.owners.iter_mut().chain(form.accountable_owners.iter_mut()) {
        choice.is_selected = choice.value == own;
    }
    console::page(&NewProjectPage { shell, form, reason: None })
}

async fn create(call: Call) -> Result<Answer, Failure> {
    let form = call.form();
    let caller = call.actor()?.user_id;
    let created = match new_project(&form, caller) {
        Ok(new) => create_project(&call.control, &call.grant, new).await,
        Err(error) => Err(error.into()),
    };
    match created {
        Ok(owned) => {
            let to = format!("{}/projects/{}", root(&call), owned.project.id);
            Ok(console::done(&call, &to, &format!("{} is there. Create its first key.", owned.project.name)))
        }
        Err(failure) => {
            let mut shell = console::shell(&call, "New project", Section::Projects).await?;
            shell.flashes.push(console::refusal(failure)?);
            let form = typed(&form, &people(&call).await?);
            console::page(&NewProjectPage { shell, form, reason: None })
        }
    }
}

async fn settings_page(call: Call) -> Result<Answer, Failure> {
    settings(&call, None).await
}

async fn settings(call: &Call, refused: Option<Failure>) -> Result<Answer, Failure> {
    let mut frame = frame(call, Some("Settings"), Section::ProjectSettings).await?;
    let people = people(call).await?;
    let form = match refused {
        None => filled(&frame.owned, &people),
        Some(failure) => {
            frame.shell.flashes.push(console::refusal(failure)?);
            typed(&call.form(), &people)
        }
    };
    let id = frame.owned.project.id;
    let active_keys = match granted(call, Permission::ApiKeyRead) {
        Some(grant) => call.control.store.active_key_counts(&grant, &[id.to_string()], call.at).await?,
        None => HashMap::new(),
    };
    let set = call.control.store.model_permissions(&call.grant, id).await?;
    let mode = set.as_ref().map_or(ListMode::Allow, |set| set.mode);
    let page = ProjectSettingsPage {
        model_modes: Choice::list(&MODEL_MODES.map(|(mode, label)| (mode.name(), label)), mode.name()),
        model_ids: set.map(|set| set.models.join(", ")).unwrap_or_default(),
        models_in_words: models_in_words(call, id).await?,
        can_set_models: may_here(call, Permission::PolicyManage),
        shell: frame.shell,
        head: frame.head,
        form,
        active_keys: Count(active_keys.get(&id).copied().unwrap_or_default()),
        asks_to_loosen: changes::console::is_asked_for(call, &frame.owned.project, ChangeKind::Loosening)
            .await?,
        can_update: may_here(call, Permission::ProjectUpdate),
        can_archive: may_here(call, Permission::ProjectArchive),
    };
    console::page(&page)
}

async fn update(call: Call) -> Result<Answer, Failure> {
    let id: ProjectId = call.path("project_id")?;
    let updated = match changes(&call.form()) {
        Ok(changes) => update_project(&call.control, &call.grant, id, changes).await,
        Err(error) => Err(error.into()),
    };
    match updated {
        Ok(_) => Ok(console::done(&call, &format!("{}/settings", project_root(&call)), "Saved.")),
        Err(failure) => settings(&call, Some(failure)).await,
    }
}

async fn archive(call: Call) -> Result<Answer, Failure> {
    let id: ProjectId = call.path("project_id")?;
    let done =
        archive_project(&call.control, &call.grant, id).await.map(|_| "Archived. Its keys have stopped.");
    console::back(&call, &format!("{}/settings", project_root(&call)), done)
}

async fn restore(call: Call) -> Result<Answer, Failure> {
    let id: ProjectId = call.path("project_id")?;
    let done =
        restore_project(&call.control, &call.grant, id).await.map(|_| "Restored. Its keys work again.");
    console::back(&call, &format!("{}/settings", project_root(&call)), done)
}
