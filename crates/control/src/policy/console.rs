//! The console's rows of policy: of the organization and its environments, of a project, of a key; and exceptions.

use std::collections::{BTreeSet, HashMap};

use domain::Error;
use domain::access::{Grant, Permission};
use domain::audit::Verb;
use domain::ids::{ExceptionId, ProjectId, UserId};
use domain::page::{Order, Page};
use domain::policy::{Exception, Level, Mode, Place, Setting, Spot};
use domain::projects::Environment;
use domain::routes::{Access, Method};
use domain::time::{DAY, TimeZone, Timestamp};
use store::policy::Warning;

use super::api::{WARNING_DAYS, place_of, setting_of};
use super::pages::{ExceptionRow, PolicyPage, SpotRow, WarningRow};
use super::view::{Viewing, areas, has_below, typed, words};
use super::{
    Held, NewEntry, NewException, clear_policy, end_exception, give_exception, list_exceptions,
    list_warnings, policy_at, set_policy, spot_of,
};
use crate::http::console;
use crate::http::figures::{Count, When};
use crate::http::shell::{PickLink, ProjectLink, Section};
use crate::projects::frame::{
    Frame, end_of_day, frame, granted, link, may, may_here, naming, project_root, root, zone,
};
use crate::projects::retrieve_project;
use crate::{Answer, Call, Endpoint, Failure, page};

const OF_ORGANIZATION: &str = "/o/{slug}/policy";
const OF_PROJECT: &str = "/o/{slug}/projects/{project_id}/policy";
const OF_KEY: &str = "/o/{slug}/projects/{project_id}/keys/{api_key_id}/policy";

/// How many exceptions a page shows.
const EXCEPTIONS_PER_PAGE: i64 = 50;
/// How many warnings the page shows.
const WARNINGS_MOST: usize = 100;

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    let manage = Access::Organization(Permission::PolicyManage);
    let manage_project = Access::Project(Permission::ProjectPolicyManage);
    let mut rows = vec![
        page(Method::Get, OF_ORGANIZATION, "policy_page", "What policy holds, and who set it.")
            .needs(Access::Organization(Permission::PolicyRead))
            .to(policy_page),
        page(Method::Get, OF_PROJECT, "project_policy_page", "What policy holds in a project.")
            .needs(Access::Project(Permission::ProjectPolicyRead))
            .to(policy_page),
        page(Method::Get, OF_KEY, "key_policy_page", "What policy holds for a key.")
            .needs(Access::Project(Permission::ApiKeyRead))
            .to(policy_page),
        page(Method::Post, "/o/{slug}/policy-exceptions", "give_exception_form", "Give an exception.")
            .needs(manage)
            .audited(Verb::ExceptionGiven)
            .to(give),
        page(
            Method::Post,
            "/o/{slug}/policy-exceptions/{exception_id}/end",
            "end_exception_form",
            "End an exception now.",
        )
        .needs(manage)
        .audited(Verb::ExceptionEnded)
        .to(end),
    ];
    rows.extend(forms(("/o/{slug}/policy/{setting}", "/o/{slug}/policy/{setting}/clear"), "policy", manage));
    rows.extend(forms(
        (
            "/o/{slug}/projects/{project_id}/policy/{setting}",
            "/o/{slug}/projects/{project_id}/policy/{setting}/clear",
        ),
        "project_policy",
        manage_project,
    ));
    rows.extend(forms(
        (
            "/o/{slug}/projects/{project_id}/keys/{api_key_id}/policy/{setting}",
            "/o/{slug}/projects/{project_id}/keys/{api_key_id}/policy/{setting}/clear",
        ),
        "key_policy",
        manage_project,
    ));
    rows
}

/// The two forms of a level.
fn forms((one, cleared): (&'static str, &'static str), level: &str, access: Access) -> [Endpoint; 2] {
    let (set_it, clear_it) = match level {
        "policy" => ("set_policy_form", "clear_policy_form"),
        "project_policy" => ("set_project_policy_form", "clear_project_policy_form"),
        _ => ("set_key_policy_form", "clear_key_policy_form"),
    };
    [
        page(Method::Post, one, set_it, "Set something at this level.")
            .needs(access)
            .audited(Verb::PolicySet)
            .to(set),
        page(Method::Post, cleared, clear_it, "Take away what this level set.")
            .needs(access)
            .audited(Verb::PolicyCleared)
            .to(clear),
    ]
}

/// The address of the page at the place of the call.
fn address(call: &Call) -> String {
    match (call.path_text("project_id"), call.path_text("api_key_id")) {
        ("", _) => format!("{}/policy", root(call)),
        (_, "") => format!("{}/policy", project_root(call)),
        (_, key) => format!("{}/keys/{key}/policy", project_root(call)),
    }
}

async fn policy_page(call: Call) -> Result<Answer, Failure> {
    let environment = call.query.one("environment").unwrap_or_default().to_owned();
    let place = place_of(&call, Some(&environment)).await?;
    let held = policy_at(&call.control, &call.grant, place).await?;
    let (shell, head, key) = match (place.project, place.key) {
        (Some(project), Some(key)) => {
            let owned = call.control.store.project_key(&call.grant, project, key).await?;
            let title = format!("Policy of {}", owned.key.name);
            let Frame { shell, head, .. } = frame(&call, Some(&title), Section::ProjectKeys).await?;
            (shell, Some(head), title)
        }
        (Some(_), None) => {
            let Frame { shell, head, .. } = frame(&call, Some("Policy"), Section::ProjectPolicy).await?;
            (shell, Some(head), String::new())
        }
        _ => (console::shell(&call, "Policy", Section::Policy).await?, None, String::new()),
    };
    let zone = zone(&call).await?;
    let sees_warnings = sees_warnings(&call, place);
    let warnings = if sees_warnings { warnings_here(&call, place.project).await? } else { Vec::new() };
    let exceptions = match head {
        None => exceptions_here(&call).await?,
        Some(_) => Page { items: Vec::new(), has_more: false },
    };
    let names = names(&call, &held, &exceptions.items).await?;
    let spots = Spots::new(&call);
    let can_except = may(&call, Permission::PolicyManage);
    let viewing = Viewing {
        place,
        can_set: if head.is_some() { may_here(&call, Permission::ProjectPolicyManage) } else { can_except },
        can_except,
        names: &names,
        warnings: &counted(&warnings),
        zone: &zone,
    };
    let action = address(&call);
    let last = exceptions.items.last().filter(|_| exceptions.has_more).map(|(_, one)| one.id);
    let page = PolicyPage {
        areas: areas(&held, &viewing),
        places: places(&action, &environment),
        next_href: last.map(|after| format!("{action}?after={after}#exceptions")),
        exceptions: exception_rows(&spots, exceptions.items, (&names, &zone), call.at).await?,
        warnings: warning_rows(&spots, warnings, &zone).await?,
        sees_warnings,
        warning_days: WARNING_DAYS,
        spot: (spot_of(place).level().name(), spot_of(place).id()),
        shell,
        head,
        key,
        action,
        environment,
        can_except,
    };
    console::page(&page)
}

fn places(action: &str, environment: &str) -> Vec<PickLink> {
    let link = |word: &str, label: &'static str| PickLink {
        href: if word.is_empty() { action.to_owned() } else { format!("{action}?environment={word}") },
        label,
        is_here: word == environment,
    };
    let environments = Environment::ALL.iter().map(|one| link(one.name(), one.name()));
    std::iter::once(link("", "Organization")).chain(environments).collect()
}

/// Whether the viewer may know what warnings let pass there: it names keys and addresses of others.
fn sees_warnings(call: &Call, place: Place) -> bool {
    let of_project = place.project.is_some() && may_here(call, Permission::ProjectPolicyManage);
    place.key.is_none() && (of_project || may(call, Permission::PolicyRead))
}

/// What warnings let pass of late, in one project or everywhere.
async fn warnings_here(call: &Call, project: Option<ProjectId>) -> Result<Vec<Warning>, Failure> {
    let since = call.at.plus_micros(-WARNING_DAYS * DAY);
    list_warnings(&call.control, &call.grant, since, project).await
}

fn counted(warnings: &[Warning]) -> HashMap<Setting, u64> {
    let mut counts = HashMap::new();
    for warning in warnings {
        *counts.entry(warning.setting).or_default() += u64::try_from(warning.count).unwrap_or_default();
    }
    counts
}

async fn exceptions_here(call: &Call) -> Result<Page<(Spot, Exception)>, Failure> {
    let page = call.query.page::<ExceptionId>(EXCEPTIONS_PER_PAGE, EXCEPTIONS_PER_PAGE, Order::Descending)?;
    list_exceptions(&call.control, &call.grant, &page).await
}

/// Names of everybody who set something or gave an exception.
async fn names(
    call: &Call,
    held: &[Held],
    exceptions: &[(Spot, Exception)],
) -> Result<HashMap<UserId, String>, Failure> {
    let decided = held.iter().flat_map(|one| [&one.effective.enforced, &one.effective.warned]);
    let setters = decided.filter_map(|decided| decided.set_by);
    let givers = exceptions.iter().filter_map(|(_, one)| one.given_by);
    let mut names = HashMap::new();
    for user in setters.chain(givers).collect::<BTreeSet<_>>() {
        if let Some(account) = call.control.store.account(user).await? {
            names.insert(user, account.user.name);
        }
    }
    Ok(names)
}

/// Names places, each project looked up once.
struct Spots<'a> {
    call: &'a Call,
    grant: Option<Grant>,
}

impl<'a> Spots<'a> {
    fn new(call: &'a Call) -> Self {
        Self { call, grant: naming(call) }
    }

    async fn project(&self, id: ProjectId) -> Result<Option<ProjectLink>, Failure> {
        let Some(grant) = &self.grant else { return Ok(None) };
        match retrieve_project(&self.call.control, grant, id).await {
            Ok(owned) => Ok(Some(link(&owned))),
            Err(Failure::Domain(Error::Hidden { .. }) | Failure::Store(store::Error::NotFound { .. })) => {
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }

    async fn row(&self, spot: Spot) -> Result<SpotRow, Failure> {
        let what = spot.id();
        Ok(match spot {
            Spot::Organization | Spot::Environment(_) => SpotRow { project: None, what },
            Spot::Project(id) => match self.project(id).await? {
                Some(project) => SpotRow { project: Some(project), what: String::new() },
                None => SpotRow { project: None, what },
            },
            Spot::Key(key) => {
                let grant = granted(self.call, Permission::PolicyRead);
                let project = match &grant {
                    Some(grant) => self.call.control.store.key_place(grant, key).await.ok().flatten(),
                    None => None,
                };
                let project = match project {
                    Some(project) => self.project(project).await?,
                    None => None,
                };
                SpotRow { project, what }
            }
        })
    }
}

async fn exception_rows(
    spots: &Spots<'_>,
    exceptions: Vec<(Spot, Exception)>,
    (names, zone): (&HashMap<UserId, String>, &TimeZone),
    at: Timestamp,
) -> Result<Vec<ExceptionRow>, Failure> {
    let mut rows = Vec::with_capacity(exceptions.len());
    for (spot, one) in exceptions {
        rows.push(ExceptionRow {
            id: one.id.to_string(),
            setting: one.setting.name(),
            spot: spots.row(spot).await?,
            values: words(one.setting, &one.value),
            by: one.given_by.and_then(|user| names.get(&user)).cloned().unwrap_or_default(),
            ends_at: When::day(one.ends_at, zone),
            is_standing: at < one.ends_at,
            reason: one.reason,
        });
    }
    Ok(rows)
}

async fn warning_rows(
    spots: &Spots<'_>,
    warnings: Vec<Warning>,
    zone: &TimeZone,
) -> Result<Vec<WarningRow>, Failure> {
    let mut rows = Vec::new();
    for warning in warnings.into_iter().take(WARNINGS_MOST) {
        let project = match warning.project_id.parse() {
            Ok(id) => spots.project(id).await?,
            Err(_) => None,
        };
        rows.push(WarningRow {
            setting: warning.setting.name(),
            spot: SpotRow { project, what: warning.key_id },
            subject: warning.subject,
            count: Count(u64::try_from(warning.count).unwrap_or_default()),
            last_at: When::minute(warning.last_at, zone),
        });
    }
    Ok(rows)
}

/// Back to the page on which the form stood.
fn back(call: &Call, place: Place, done: Result<&str, Failure>) -> Result<Answer, Failure> {
    let query = match spot_of(place) {
        Spot::Environment(environment) => format!("?environment={}", environment.name()),
        _ => String::new(),
    };
    console::back(call, &format!("{}{query}", address(call)), done)
}

async fn set(call: Call) -> Result<Answer, Failure> {
    let setting = setting_of(call.path_text("setting"))?;
    let place = place_of(&call, call.form().one("environment")).await?;
    let done = match entry(&call, setting, spot_of(place).level()) {
        Ok(new) => set_policy(&call.control, &call.grant, place, new).await,
        Err(error) => Err(error.into()),
    };
    back(&call, place, done.map(|_| "Set. It holds from the next call on."))
}

fn entry(call: &Call, setting: Setting, level: Level) -> Result<NewEntry, Error> {
    let form = call.form();
    let unknown = || Error::invalid_param("invalid_mode", "mode", "Use one of: off warn enforce.");
    let has_below = has_below(setting, level);
    let floor = Some(form.text("floor").trim()).filter(|floor| has_below && !floor.is_empty());
    Ok(NewEntry {
        setting,
        value: typed(setting, form.text("value"))?,
        mode: form.one("mode").map_or(Some(Mode::Enforce), Mode::parse).ok_or_else(unknown)?,
        is_locked: has_below && form.one("locked") == Some("true"),
        floor: floor.map(|floor| typed(setting, floor)).transpose()?,
        is_on_trial: false,
    })
}

async fn clear(call: Call) -> Result<Answer, Failure> {
    let setting = setting_of(call.path_text("setting"))?;
    let place = place_of(&call, call.form().one("environment")).await?;
    let done = clear_policy(&call.control, &call.grant, place, setting).await;
    back(&call, place, done.map(|_| "Cleared. What the levels above say holds again."))
}

async fn give(call: Call) -> Result<Answer, Failure> {
    let done = given(&call).await;
    let otherwise = format!("{}/policy", root(&call));
    let form = call.form();
    console::back(&call, console::own_path(form.text("return_to"), &otherwise), done.map(|()| "Given."))
}

async fn given(call: &Call) -> Result<(), Failure> {
    let form = call.form();
    let setting = setting_of(form.text("setting"))?;
    let ends_at = end_of_day(form.text("ends_on"), &zone(call).await?).ok_or_else(|| {
        Error::invalid_param("invalid_end", "ends_on", "Choose the last day on which it holds.")
    })?;
    let new = NewException {
        setting,
        spot: Spot::parse(form.text("level"), form.text("level_id"))?,
        value: typed(setting, form.text("value"))?,
        reason: form.text("reason").to_owned(),
        ends_at,
    };
    give_exception(&call.control, &call.grant, new).await.map(drop)
}

async fn end(call: Call) -> Result<Answer, Failure> {
    let done = end_exception(&call.control, &call.grant, call.path("exception_id")?).await;
    console::back(&call, &format!("{}/policy", root(&call)), done.map(|()| "Ended."))
}
