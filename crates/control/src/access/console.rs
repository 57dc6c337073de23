//! The console's rows of access: a question, who can see a project, what a person can see.

use domain::Error;
use domain::access::{Level, Permission, Reason, RoleRef, act, glance, role_title};
use domain::ids::{ProjectId, UserId};
use domain::page::{Order, Page, PageRequest};
use domain::routes::{Access, Method};
use domain::time::TimeZone;

use super::lists::SeerId;
use super::pages::{
    AccessPage, AnswerCard, MissingRow, ProjectAccessPage, ReasonRow, SeerRow, SightPage, SightRow, StepRow,
};
use super::{
    Answered, Asked, ProjectRights, Question, Seer, explain_access, what_person_sees, who_sees_project,
};
use crate::http::console;
use crate::http::figures::{Count, When};
use crate::http::shell::{Choice, Flash, Person, ProjectLink, Section, Tone};
use crate::projects::frame::{Frame, frame, granted, may, project_root, root, zone};
use crate::{Answer, Call, Endpoint, Failure, page};

/// How many rows a page of a list has.
const ROWS_PER_PAGE: i64 = 100;
/// How many rows the whole of a list has at most, on one page for printing.
const ROWS_MOST: usize = 5_000;
/// How many people and projects can be chosen from.
const CHOICES_MOST: i64 = 500;
/// The value of the choice to call a model.
const MODEL: &str = "model.request";

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    let everyone = Access::Organization(Permission::OrganizationRead);
    vec![
        page(Method::Get, "/o/{slug}/access", "access_page", "Whether somebody may do something, and why.")
            .needs(everyone)
            .to(access_page),
        page(Method::Get, "/o/{slug}/access/mine", "own_access_page", "What the viewer can see and do.")
            .needs(everyone)
            .to(own_page),
        page(
            Method::Get,
            "/o/{slug}/members/{user_id}/access",
            "member_access_page",
            "What a member can see and do.",
        )
        .needs(Access::Organization(Permission::AccessRead))
        .to(member_page),
        page(
            Method::Get,
            "/o/{slug}/projects/{project_id}/access",
            "project_access_page",
            "Who can see a project.",
        )
        .needs(Access::Project(Permission::ProjectMemberRead))
        .to(project_page),
    ]
}

async fn access_page(call: Call) -> Result<Answer, Failure> {
    let mut shell = console::shell(&call, "Access", Section::Access).await?;
    let query = &call.query;
    let (principal, chosen, model) =
        (query.text("principal").trim(), query.text("permission"), query.text("model").trim());
    let resource = query.text("resource");
    let wanted = if chosen == MODEL { format!("{MODEL}:{model}") } else { chosen.to_owned() };
    let answer = match chosen.is_empty() {
        true => None,
        false => match ask(&call, (principal, &wanted, resource)).await {
            Ok(answer) => Some(answer),
            Err(failure) => {
                shell.flashes.push(told(failure)?);
                None
            }
        },
    };
    let people = match granted(&call, Permission::MemberRead) {
        Some(grant) => {
            let page = PageRequest::first(CHOICES_MOST, Order::Ascending);
            let members = call.control.store.members(&grant, Vec::new(), &page).await?.items;
            members.into_iter().map(|one| Person { name: one.user.name, email: one.user.email }).collect()
        }
        None => Vec::new(),
    };
    console::page(&AccessPage {
        shell,
        principal: principal.to_owned(),
        people,
        permissions: permissions(chosen),
        model: model.to_owned(),
        resources: resources(&call, resource).await?,
        can_ask_about_anyone: may(&call, Permission::AccessRead),
        answer,
    })
}

async fn ask(call: &Call, (principal, wanted, resource): (&str, &str, &str)) -> Result<AnswerCard, Failure> {
    let asked = Asked::parse(wanted)?;
    let question = Question { principal, act: asked, resource };
    let answered = explain_access(&call.control, &call.grant, question).await?;
    Ok(answer_card(answered, asked, &zone(call).await?))
}

/// Why there is no answer, where the viewer can ask otherwise.
fn told(failure: Failure) -> Result<Flash, Failure> {
    let text = match &failure {
        Failure::Domain(Error::Hidden { what: "principal" }) => {
            "Nobody of this id or address is here, or none that you may ask about.".to_owned()
        }
        Failure::Domain(Error::Hidden { what: "resource" }) => {
            "There is no such place, or none that you may know of.".to_owned()
        }
        Failure::Domain(Error::Forbidden { code: "missing_permission", .. }) => {
            "You may ask about yourself, and about people of projects that you own. An Admin may ask about anyone."
                .to_owned()
        }
        Failure::Domain(Error::Invalid { message, .. }) => message.to_string(),
        _ => return Err(failure),
    };
    Ok(Flash { tone: Tone::Bad, text })
}

fn answer_card(answered: Answered, asked: Asked<'_>, zone: &TimeZone) -> AnswerCard {
    let missing = answered.missing.map(|missing| MissingRow {
        sentence: match asked {
            Asked::Permission(permission) => act(permission),
            Asked::Model(model) => format!("call {model}"),
        },
        roles: missing.roles.iter().map(|(role, is_whole)| (role_name(*role), !is_whole)).collect(),
        givers: missing
            .givers
            .into_iter()
            .map(|user| Person { name: user.name, email: user.email })
            .collect(),
    });
    AnswerCard {
        is_allowed: answered.decision.is_allowed(),
        sentence: answered.sentence,
        code: answered.code.unwrap_or_default().to_owned(),
        reasons: reason_rows(&answered.because, zone),
        steps: answered
            .steps
            .into_iter()
            .map(|step| StepRow { passes: step.passes, sentence: step.sentence })
            .collect(),
        missing,
    }
}

/// A built-in role with its level, since two are called Member.
fn role_name(role: RoleRef) -> String {
    let level = if role.level() == Some(Level::Project) { "of a project" } else { "of the organization" };
    format!("{} {level}", role_title(role))
}

fn reason_rows<'a>(reasons: impl IntoIterator<Item = &'a Reason>, zone: &TimeZone) -> Vec<ReasonRow> {
    let row = |reason: &Reason| ReasonRow {
        role: reason.role_name.clone(),
        project: reason.project_name.clone().unwrap_or_default(),
        group: reason.group_name.clone().unwrap_or_default(),
        given_by: reason.given_by_name.clone().unwrap_or_default(),
        given_at: When::day(reason.assignment.given_at, zone),
        ends_at: reason.assignment.ends_at.map(|at| When::minute(at, zone)),
    };
    reasons.into_iter().map(row).collect()
}

fn permissions(chosen: &str) -> Vec<Choice> {
    let choice =
        |value: &str, label: String| Choice { value: value.to_owned(), label, is_selected: value == chosen };
    let all = Permission::ALL.iter().map(|one| choice(one.name(), act(*one)));
    all.chain([choice(MODEL, "call a model, with a key".to_owned())]).collect()
}

/// The organization, the projects that the viewer sees, and whatever else the address names.
async fn resources(call: &Call, chosen: &str) -> Result<Vec<Choice>, Failure> {
    let mut pairs = vec![(String::new(), "The organization".to_owned())];
    if let Some(grant) = granted(call, Permission::ProjectRead) {
        let page = PageRequest::first(CHOICES_MOST, Order::Ascending);
        let projects = call.control.store.projects(&grant, true, &page).await?.items;
        pairs.extend(projects.into_iter().map(|one| (one.id.to_string(), format!("Project {}", one.name))));
    }
    if !pairs.iter().any(|(id, _)| id == chosen) {
        pairs.push((chosen.to_owned(), chosen.to_owned()));
    }
    Ok(Choice::list(&pairs, chosen))
}

async fn project_page(call: Call) -> Result<Answer, Failure> {
    let Frame { shell, head, zone, .. } =
        frame(&call, Some("Who can see this project"), Section::ProjectAccess).await?;
    let project: ProjectId = call.path("project_id")?;
    let first = call.query.page::<SeerId>(ROWS_PER_PAGE, ROWS_PER_PAGE, Order::Ascending)?;
    let whole = is_whole(&call)?;
    let mut page = first.clone();
    let mut seers: Page<Seer> = Page { items: Vec::new(), has_more: true };
    while seers.has_more && (seers.items.is_empty() || (whole && seers.items.len() < ROWS_MOST)) {
        page.after = seers.items.last().map(Seer::id).or(page.after);
        let read = who_sees_project(&call.control, &call.grant, project, &page).await?;
        seers.has_more = read.has_more;
        seers.items.extend(read.items);
        if seers.items.is_empty() {
            break;
        }
    }
    let can_ask = may(&call, Permission::AccessRead);
    let here = format!("{}/access", project_root(&call));
    let last = seers.items.last().map(Seer::id);
    let (next_href, whole_href) = hrefs(&here, seers.has_more, (&first, last));
    let row = |seer: Seer| seer_row(seer, &zone, can_ask.then(|| root(&call)));
    let seers = seers.items.into_iter().map(row).collect();
    console::page(&ProjectAccessPage { shell, head, seers, next_href, whole_href })
}

fn is_whole(call: &Call) -> Result<bool, Error> {
    Ok(call.query.flag("whole")?.unwrap_or(false))
}

/// Where the next page is, and where the whole is, when a list is not there whole.
fn hrefs(
    here: &str,
    has_more: bool,
    (first, last): (&PageRequest, Option<String>),
) -> (Option<String>, Option<String>) {
    let next = last.filter(|_| has_more).map(|last| format!("{here}?after={last}"));
    let is_part = has_more || first.after.is_some();
    (next, is_part.then(|| format!("{here}?whole=true")))
}

fn seer_row(seer: Seer, zone: &TimeZone, root: Option<String>) -> SeerRow {
    let can = seer.glance();
    match seer {
        Seer::Person { holder, .. } => SeerRow {
            href: root.map(|root| format!("{root}/members/{}/access", holder.user.id)).unwrap_or_default(),
            is_service_account: false,
            can,
            active_keys: Count(holder.key_count),
            reasons: reason_rows(&holder.reasons, zone),
            key_owner: String::new(),
            who: Person { name: holder.user.name, email: holder.user.email },
        },
        Seer::Account { account, key_count, key_owner } => SeerRow {
            href: String::new(),
            is_service_account: true,
            can,
            active_keys: Count(key_count),
            reasons: Vec::new(),
            key_owner,
            who: Person { name: account.name, email: String::new() },
        },
    }
}

async fn own_page(call: Call) -> Result<Answer, Failure> {
    let user = call.actor()?.user_id;
    sight_page(&call, user, &format!("{}/access/mine", root(&call))).await
}

async fn member_page(call: Call) -> Result<Answer, Failure> {
    let user: UserId = call.path("user_id")?;
    sight_page(&call, user, &format!("{}/members/{user}/access", root(&call))).await
}

async fn sight_page(call: &Call, user: UserId, here: &str) -> Result<Answer, Failure> {
    let first = call.query.page::<ProjectId>(ROWS_PER_PAGE, ROWS_PER_PAGE, Order::Ascending)?;
    let whole = is_whole(call)?;
    let mut sight = what_person_sees(&call.control, &call.grant, user, &first).await?;
    let cursor = |one: &ProjectRights| one.project.id.to_string();
    while whole && sight.projects.has_more && sight.projects.items.len() < ROWS_MOST {
        let page = PageRequest { after: sight.projects.items.last().map(cursor), ..first.clone() };
        let more = what_person_sees(&call.control, &call.grant, user, &page).await?.projects;
        sight.projects.has_more = more.has_more;
        sight.projects.items.extend(more.items);
    }
    let zone = zone(call).await?;
    let last = sight.projects.items.last().map(cursor);
    let (next_href, whole_href) = hrefs(here, sight.projects.has_more, (&first, last));
    let is_self = user == call.actor()?.user_id;
    let (title, section) = match is_self {
        true => ("My access", Section::Elsewhere),
        false => ("What a member can see", Section::Members),
    };
    let seen = granted(call, Permission::ProjectRead);
    let reasons = reason_rows(sight.reasons(), &zone);
    let rights = sight.rights.iter();
    let rights = rights.map(|one| (one.name().to_owned(), one.sentence().to_owned())).collect();
    let member = sight.person.member;
    let can_open = |id: ProjectId| seen.as_ref().is_some_and(|grant| grant.reaches(id, None));
    let row = |one: ProjectRights| SightRow { can_open: can_open(one.project.id), ..sight_row(one, &zone) };
    let projects = sight.projects.items.into_iter().map(row);
    console::page(&SightPage {
        shell: console::shell(call, title, section).await?,
        is_self,
        suspended_at: member.suspended_at.map(|at| When::day(at, &zone)),
        can: glance(sight.rights, Level::Organization),
        reasons,
        rights,
        projects: projects.collect(),
        next_href,
        whole_href,
        person: Person { name: member.user.name, email: member.user.email },
    })
}

fn sight_row(one: ProjectRights, zone: &TimeZone) -> SightRow {
    let project = one.project;
    SightRow {
        can_open: false,
        is_archived: project.is_archived,
        can: glance(one.rights, Level::Project),
        reasons: reason_rows(&one.reasons, zone),
        project: ProjectLink {
            id: project.id.to_string(),
            name: project.name,
            environment: project.environment,
        },
    }
}
