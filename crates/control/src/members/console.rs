//! The console's rows of members: who belongs, roles, removal. Invitations are shown beside them.

use std::collections::HashMap;

use domain::Error;
use domain::access::{
    Assignment, Grant, OrganizationRole, Permission, Principal, ProjectRole, RoleRef, Target, allows,
    authorize,
};
use domain::audit::Verb;
use domain::ids::UserId;
use domain::invites::{Invite, InviteStatus};
use domain::members::Member;
use domain::page::{Order, PageRequest};
use domain::projects::Project;
use domain::routes::{Access, Method};
use domain::time::TimeZone;

use super::pages::{InviteProject, InviteRow, InviteState, MemberRow, MembersPage, ShownLink};
use super::{list_members, update_member};
use crate::http::console;
use crate::http::figures::When;
use crate::http::shell::{Choice, Flash, Person, ProjectLink, Section};
use crate::roles::console::offered_roles;
use crate::roles::{RoleNames, give_role, role_of, take_role};
use crate::{Answer, Call, Endpoint, Failure, page};

/// How many members a page shows.
const MEMBERS_PER_PAGE: usize = 50;
/// How many things are read at once.
const AT_A_TIME: i64 = 500;

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        page(Method::Get, "/o/{slug}/members", "members_page", "Members, and invitations that wait.")
            .needs(Access::Organization(Permission::MemberRead))
            .to(members_page),
        page(
            Method::Post,
            "/o/{slug}/members/{user_id}/role",
            "update_member_form",
            "Give a member another role.",
        )
        .needs(Access::Organization(Permission::MemberManage))
        .audited(Verb::UserUpdated)
        .to(update),
        page(
            Method::Post,
            "/o/{slug}/members/{user_id}/roles",
            "give_user_role_form",
            "Give a member another role of the organization.",
        )
        .needs(Access::Organization(Permission::RoleManage))
        .audited(Verb::RoleAssigned)
        .to(give),
        page(
            Method::Post,
            "/o/{slug}/members/{user_id}/roles/{role_id}/take",
            "take_user_role_form",
            "Take a role of the organization from a member.",
        )
        .needs(Access::Organization(Permission::RoleManage))
        .audited(Verb::RoleUnassigned)
        .to(take),
    ]
}

async fn members_page(call: Call) -> Result<Answer, Failure> {
    members_page_with(&call, None, None).await
}

/// The page, with a link made just now, or with why there is none.
///
/// # Errors
/// When the store is away.
pub(crate) async fn members_page_with(
    call: &Call,
    link: Option<ShownLink>,
    flash: Option<Flash>,
) -> Result<Answer, Failure> {
    let mut shell = console::shell(call, "Members", Section::Members).await?;
    let is_refused = flash.is_some();
    shell.flashes.extend(flash);
    let zone = call.control.store.organization(&call.grant).await?.time_zone;
    let people = everybody(call).await?;
    let projects = projects_of(call).await?;
    let search = call.query.text("search").trim().to_owned();
    let (found, next) = matching(&people, &search, call.query.text("after"));
    let form = call.form();
    let typed = |name: &str| if is_refused { form.text(name).to_owned() } else { String::new() };
    let page = MembersPage {
        members: rows(call, &people, found, &projects, &zone).await?,
        invites: invites(call, &people, &projects, &zone).await?,
        next_href: next.map(|after| {
            let query = serde_urlencoded::to_string([("search", search.as_str()), ("after", &after)]);
            format!("{}/members?{}", shell.root(), query.unwrap_or_default())
        }),
        search,
        link,
        heirs: heirs(&people),
        invite_email: typed("email"),
        invite_roles: roles(OrganizationRole::parse(&typed("role")).unwrap_or(OrganizationRole::Member)),
        invite_projects: projects.iter().map(invited_into).collect(),
        can_ask: may(call, Permission::AccessRead),
        can_manage: may(call, Permission::MemberManage),
        can_invite: may(call, Permission::InviteManage),
        shell,
    };
    console::page(&page)
}

fn granted(call: &Call, permission: Permission) -> Option<Grant> {
    authorize(call.actor().ok()?, permission, Target::Organization(call.organization_id().ok()?)).ok()
}

fn may(call: &Call, permission: Permission) -> bool {
    match (call.actor(), call.organization_id()) {
        (Ok(actor), Ok(organization)) => allows(actor, permission, Target::Organization(organization)),
        _ => false,
    }
}

fn everything() -> PageRequest {
    PageRequest { after: None, limit: AT_A_TIME, order: Order::Ascending }
}

async fn everybody(call: &Call) -> Result<Vec<Member>, Failure> {
    let Some(grant) = granted(call, Permission::MemberRead) else { return Ok(Vec::new()) };
    let (mut people, mut request) = (Vec::new(), everything());
    loop {
        let read = list_members(&call.control, &grant, Vec::new(), &request).await?;
        request.after = read.items.last().map(|member| member.user.id.to_string());
        people.extend(read.items);
        if !read.has_more {
            return Ok(people);
        }
    }
}

async fn projects_of(call: &Call) -> Result<Vec<Project>, Failure> {
    let Some(grant) = granted(call, Permission::ProjectRead) else { return Ok(Vec::new()) };
    Ok(call.control.store.projects(&grant, false, &everything()).await?.items)
}

/// The members whose name or address has the words in it, after a cursor, and the next cursor.
fn matching<'a>(people: &'a [Member], search: &str, after: &str) -> (Vec<&'a Member>, Option<String>) {
    let needle = search.to_lowercase();
    let fits = |member: &&Member| {
        let user = &member.user;
        user.id.to_string().as_str() > after
            && (user.name.to_lowercase().contains(&needle) || user.email.contains(&needle))
    };
    let mut found: Vec<&Member> = people.iter().filter(fits).take(MEMBERS_PER_PAGE + 1).collect();
    let has_more = found.len() > MEMBERS_PER_PAGE;
    found.truncate(MEMBERS_PER_PAGE);
    let next = found.last().filter(|_| has_more).map(|member| member.user.id.to_string());
    (found, next)
}

async fn rows(
    call: &Call,
    people: &[Member],
    found: Vec<&Member>,
    projects: &[Project],
    zone: &TimeZone,
) -> Result<Vec<MemberRow>, Failure> {
    let is_admin = |member: &Member| member.role == OrganizationRole::Admin && member.suspended_at.is_none();
    let admins = people.iter().filter(|member| is_admin(member)).count();
    let asked_emails = asked_emails(call).await?;
    let names: HashMap<_, _> = projects.iter().map(|project| (project.id, project)).collect();
    let viewer = call.actor()?.user_id;
    let may_give_roles = may(call, Permission::RoleManage);
    let mut standings = Vec::new();
    for member in &found {
        let standing = call.control.store.standing(member.user.id, member.organization_id, call.at).await?;
        standings.push(standing.map(|standing| standing.assignments).unwrap_or_default());
    }
    let named = RoleNames::of(call, &standings.iter().flatten().collect::<Vec<_>>()).await?;
    let offered = offered(call).await?;
    let mut rows = Vec::new();
    for (member, theirs) in found.into_iter().zip(standings) {
        let user = &member.user;
        let take = |role: RoleRef| format!("{}/{}/roles/{role}/take", members_root(call), user.id);
        let is_first = |one: &Assignment| {
            one.group_id.is_none() && one.role == RoleRef::Organization(member.role) && one.ends_at.is_none()
        };
        let further = theirs.iter().filter(|one| one.project_id.is_none() && !is_first(one));
        let shown = theirs.iter().filter_map(|one| {
            let project = names.get(&one.project_id?)?;
            Some((link(project), named.held(one, zone, None)))
        });
        let is_new = |choice: &&Choice| {
            theirs.iter().all(|one| one.project_id.is_some() || one.role.to_string() != choice.value)
        };
        rows.push(MemberRow {
            user_id: user.id.to_string(),
            person: Person { name: user.name.clone(), email: user.email.clone() },
            role: member.role.title().to_owned(),
            roles: roles(member.role),
            further: further
                .map(|one| named.held(one, zone, may_give_roles.then(|| take(one.role))))
                .collect(),
            offered: offered.iter().filter(is_new).cloned().collect(),
            projects: shown.collect(),
            joined_at: When::day(member.added_at, zone),
            is_self: user.id == viewer,
            suspended_at: member.suspended_at.map(|at| When::day(at, zone)),
            asked_email: asked_emails.get(&user.id).cloned(),
            is_last_admin: is_admin(member) && admins == 1,
        });
    }
    Ok(rows)
}

/// The new addresses for which members asked, told to who can make the links that confirm them.
async fn asked_emails(call: &Call) -> Result<HashMap<UserId, String>, Failure> {
    let Some(grant) = granted(call, Permission::MemberManage) else { return Ok(HashMap::new()) };
    let asked = call.control.store.asked_email_changes(&grant, call.at).await?;
    Ok(asked.into_iter().map(|link| (link.user_id, link.email)).collect())
}

/// To whom others' things can go.
fn heirs(people: &[Member]) -> Vec<String> {
    let active = people.iter().filter(|member| member.suspended_at.is_none());
    active.map(|member| member.user.email.clone()).collect()
}

/// The roles of the organization that the viewer may give beside the built-in one.
async fn offered(call: &Call) -> Result<Vec<Choice>, Failure> {
    let Some(grant) = granted(call, Permission::RoleManage) else { return Ok(Vec::new()) };
    let roles = offered_roles(call, &grant, None).await?;
    let pairs: Vec<(String, String)> =
        roles.iter().map(|role| (role.reference().to_string(), role.name().to_owned())).collect();
    Ok(Choice::list(&pairs, ""))
}

fn link(project: &Project) -> ProjectLink {
    ProjectLink { id: project.id.to_string(), name: project.name.clone(), environment: project.environment }
}

fn roles(present: OrganizationRole) -> Vec<Choice> {
    Choice::list(&OrganizationRole::ALL.map(|role| (role.name(), role.title())), present.name())
}

fn invited_into(project: &Project) -> InviteProject {
    let none = [("", "No access")];
    let roles = ProjectRole::ALL.iter().rev().map(|role| (role.name(), role.title()));
    let pairs: Vec<(&str, &str)> = none.into_iter().chain(roles).collect();
    InviteProject { project: link(project), roles: Choice::list(&pairs, "") }
}

async fn invites(
    call: &Call,
    people: &[Member],
    projects: &[Project],
    zone: &TimeZone,
) -> Result<Vec<InviteRow>, Failure> {
    let Some(grant) = granted(call, Permission::InviteRead) else { return Ok(Vec::new()) };
    let page = PageRequest { order: Order::Descending, ..everything() };
    let found = crate::invites::list_invites(&call.control, &grant, &page).await?;
    let row = |invite: Invite| {
        let state = match invite.status(call.at) {
            InviteStatus::Accepted => return None,
            InviteStatus::Pending => InviteState::Pending,
            InviteStatus::Expired => InviteState::Expired,
        };
        let inviter = people.iter().find(|member| member.user.id == invite.invited_by);
        let named = invite.projects.iter().filter_map(|(id, role)| {
            let project = projects.iter().find(|project| project.id == *id)?;
            Some((project.name.clone(), role.title().to_owned()))
        });
        Some(InviteRow {
            id: invite.id.to_string(),
            role: invite.role.title().to_owned(),
            projects: named.collect(),
            invited_by: inviter.map(|member| member.user.name.clone()).unwrap_or_default(),
            state,
            expires_at: When::day(invite.expires_at, zone),
            email: invite.email,
        })
    };
    Ok(found.items.into_iter().filter_map(row).collect())
}

async fn update(call: Call) -> Result<Answer, Failure> {
    let user: UserId = call.path("user_id")?;
    let role = OrganizationRole::parse(call.form().text("role"))
        .ok_or_else(|| Error::invalid_param("invalid_role", "role", "Choose one of the roles."))?;
    let updated = update_member(&call.control, &call.grant, user, role).await;
    console::back(&call, &members_root(&call), updated.map(|_| "The role is changed."))
}

async fn give(call: Call) -> Result<Answer, Failure> {
    let user: UserId = call.path("user_id")?;
    let role = role_of(call.form().text("role_id"), call.organization_id()?, None)?;
    let given = give_role(&call.control, &call.grant, Principal::User(user), None, role).await;
    console::back(&call, &members_root(&call), given.map(|_| "The role is given."))
}

async fn take(call: Call) -> Result<Answer, Failure> {
    let user: UserId = call.path("user_id")?;
    let role = role_of(call.path_text("role_id"), call.organization_id()?, None)?;
    let taken = take_role(&call.control, &call.grant, Principal::User(user), None, role).await;
    console::back(&call, &members_root(&call), taken.map(|()| "The role is taken away."))
}

/// Where the page is.
pub(super) fn members_root(call: &Call) -> String {
    format!("/o/{}/members", call.path_text("slug"))
}
