//! The console's rows of policy: of the organization and its environments, of a project, of a key; and exceptions.

use std::collections::{BTreeSet, HashMap};

use domain::Error;
use domain::access::Permission;
use domain::audit::Verb;
use domain::ids::{ExceptionId, ProjectId, UserId};
use domain::page::{Order, Page};
use domain::policy::{Exception, Level, Mode, Place, Setting, Spot};
use domain::projects::Environment;
use domain::routes::{Access, Method};
use domain::time::DAY;
use store::policy::Warning;

use super::api::{WARNING_DAYS, place_of, setting_of};
use super::pages::{PolicyPage, Refused, Typed};
use super::spots::{Spots, exception_rows, warning_rows};
use super::view::{Viewing, areas, can_try, exception_typed, form_typed, has_below, typed};
use super::{
    Held, NewEntry, NewException, clear_policy, end_exception, give_exception, keep_policy, list_exceptions,
    list_warnings, policy_at, set_policy, spot_of, undo_policy,
};
use crate::http::console;
use crate::http::shell::{PickLink, Section, Shell};
use crate::projects::detail_pages::ProjectHead;
use crate::projects::frame::{Frame, end_of_day, frame, may, may_here, project_root, root, zone};
use crate::{Answer, Call, Endpoint, Failure, page};

const OF_ORGANIZATION: &str = "/o/{slug}/policy";
const OF_PROJECT: &str = "/o/{slug}/projects/{project_id}/policy";
const OF_KEY: &str = "/o/{slug}/projects/{project_id}/keys/{api_key_id}/policy";

/// How many exceptions a page shows.
const EXCEPTIONS_PER_PAGE: i64 = 50;

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
    rows.extend(trial_forms(manage));
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

/// What becomes of a trial.
fn trial_forms(manage: Access) -> [Endpoint; 2] {
    [
        page(Method::Post, "/o/{slug}/policy/{setting}/keep", "keep_policy_form", "Keep what is on trial.")
            .needs(manage)
            .audited(Verb::PolicyKept)
            .to(keep),
        page(Method::Post, "/o/{slug}/policy/{setting}/undo", "undo_policy_form", "Undo what is on trial.")
            .needs(manage)
            .audited(Verb::PolicyUndone)
            .to(undo),
    ]
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
    let place = place_of(&call, call.query.one("environment")).await?;
    show(&call, place, None).await
}

/// The frame of the page at a place, the project's head and the heading at a key.
async fn framed(call: &Call, place: Place) -> Result<(Shell, Option<ProjectHead>, String), Failure> {
    Ok(match (place.project, place.key) {
        (Some(project), Some(key)) => {
            let owned = call.control.store.project_key(&call.grant, project, key).await?;
            let title = format!("Policy of {}", owned.key.name);
            let Frame { shell, head, .. } = frame(call, Some(&title), Section::ProjectKeys).await?;
            (shell, Some(head), title)
        }
        (Some(_), None) => {
            let Frame { shell, head, .. } = frame(call, Some("Policy"), Section::ProjectPolicy).await?;
            (shell, Some(head), String::new())
        }
        _ => (console::shell(call, "Policy", Section::Policy).await?, None, String::new()),
    })
}

async fn show(call: &Call, place: Place, refused: Option<Refused>) -> Result<Answer, Failure> {
    let held = policy_at(&call.control, &call.grant, place).await?;
    let (mut shell, head, key) = framed(call, place).await?;
    let here = here(call, place);
    if refused.is_some() {
        shell.path.clone_from(&here);
    }
    let zone = zone(call).await?;
    let sees_warnings = sees_warnings(call, place);
    let warnings = if sees_warnings { warnings_here(call, place.project).await? } else { Vec::new() };
    let exceptions = match head {
        None => exceptions_here(call).await?,
        Some(_) => Page { items: Vec::new(), has_more: false },
    };
    let names = names(call, &held, &exceptions.items).await?;
    let can_except = may(call, Permission::PolicyManage);
    let viewing = Viewing {
        place,
        can_set: if head.is_some() { may_here(call, Permission::ProjectPolicyManage) } else { can_except },
        can_except,
        names: &names,
        warnings: &counted(&warnings),
        here: &here,
        zone: &zone,
    };
    let action = address(call);
    let environment = place.environment.filter(|_| place.project.is_none()).map_or("", Environment::name);
    let last = exceptions.items.last().filter(|_| exceptions.has_more).map(|(_, one)| one.id);
    let spots = Spots::of(call, &exceptions.items, &warnings).await?;
    let page = PolicyPage {
        areas: areas(&held, &viewing),
        places: places(&action, environment),
        next_href: last.map(|after| format!("{action}?after={after}#exceptions")),
        exceptions: exception_rows(&spots, exceptions.items, (&names, &zone), call.at).await?,
        warnings: warning_rows(&spots, warnings, &zone).await?,
        sees_warnings,
        warning_days: WARNING_DAYS,
        environment: environment.to_owned(),
        refused,
        shell,
        head,
        key,
        action,
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

/// The page at a place of the call.
fn here(call: &Call, place: Place) -> String {
    match spot_of(place) {
        Spot::Environment(environment) => format!("{}?environment={}", address(call), environment.name()),
        _ => address(call),
    }
}

/// Back to the page on which the form stood.
fn back(call: &Call, place: Place, done: Result<&str, Failure>) -> Result<Answer, Failure> {
    console::back(call, &here(call, place), done)
}

/// A form that was refused, to be mended.
fn refused(setting: Setting, typed: Typed, failure: Failure) -> Result<Refused, Failure> {
    let why = console::refusal(failure)?.text;
    Ok(Refused { name: setting.name(), sentence: setting.sentence(), why, typed })
}

async fn set(call: Call) -> Result<Answer, Failure> {
    let setting = setting_of(call.path_text("setting"))?;
    let place = place_of(&call, call.form().one("environment")).await?;
    let level = spot_of(place).level();
    let done = match entry(&call, setting, level) {
        Ok(new) => set_policy(&call.control, &call.grant, place, new).await,
        Err(error) => Err(error.into()),
    };
    match done {
        Ok(held) if held.trial_ends_at.is_some() => {
            back(&call, place, Ok("Set on trial. It is undone in 10 minutes, unless it is kept."))
        }
        Ok(_) => back(&call, place, Ok("Set. It holds from the next call on.")),
        Err(failure) => {
            let typed = Typed::Setting(form_typed(setting, level, &call.form()));
            show(&call, place, Some(refused(setting, typed, failure)?)).await
        }
    }
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
        is_on_trial: can_try(setting, level) && form.one("on_trial") == Some("true"),
    })
}

async fn clear(call: Call) -> Result<Answer, Failure> {
    let setting = setting_of(call.path_text("setting"))?;
    let place = place_of(&call, call.form().one("environment")).await?;
    let done = clear_policy(&call.control, &call.grant, place, setting).await;
    back(&call, place, done.map(|_| "Cleared. What the levels above say holds again."))
}

async fn keep(call: Call) -> Result<Answer, Failure> {
    let setting = setting_of(call.path_text("setting"))?;
    let place = place_of(&call, call.form().one("environment")).await?;
    let done = keep_policy(&call.control, &call.grant, place, setting).await;
    back(&call, place, done.map(|_| "Kept."))
}

async fn undo(call: Call) -> Result<Answer, Failure> {
    let setting = setting_of(call.path_text("setting"))?;
    let place = place_of(&call, call.form().one("environment")).await?;
    let done = undo_policy(&call.control, &call.grant, place, setting).await;
    back(&call, place, done.map(|_| "Undone. What stood before holds again."))
}

async fn give(call: Call) -> Result<Answer, Failure> {
    let form = call.form();
    let setting = setting_of(form.text("setting"))?;
    match given(&call, setting).await {
        Ok(()) => {
            let otherwise = format!("{}/policy", root(&call));
            console::back(&call, console::own_path(form.text("return_to"), &otherwise), Ok("Given."))
        }
        Err(failure) => {
            let typed = Typed::Exception(exception_typed(setting, &form));
            show(&call, Place::ORGANIZATION, Some(refused(setting, typed, failure)?)).await
        }
    }
}

async fn given(call: &Call, setting: Setting) -> Result<(), Failure> {
    let form = call.form();
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
