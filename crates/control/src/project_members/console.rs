//! The console's rows of a project's people.

use domain::Error;
use domain::access::{Permission, ProjectRole};
use domain::audit::Verb;
use domain::ids::{ProjectId, UserId};
use domain::page::{Order, PageRequest};
use domain::routes::{Access, Method};

use super::roles_console::{groups, invites, people_rows};
use super::{
    Newcomer, add_project_member, list_project_members, remove_project_member, update_project_member,
};
use crate::http::console;
use crate::http::shell::{Choice, Flash, Person, Section};
use crate::projects::detail_pages::{ProjectInvites, ProjectMembersPage};
use crate::projects::forms::people;
use crate::projects::frame::{Frame, frame, granted_here, may, may_here, project_root};
use crate::{Answer, Call, Endpoint, Failure, page};

/// How many people the page shows.
const ON_A_PAGE: i64 = 500;

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    let form = |path: &'static str, operation: &'static str, summary: &'static str, verb: Verb| {
        page(Method::Post, path, operation, summary)
            .needs(Access::Project(Permission::ProjectMemberManage))
            .audited(verb)
    };
    vec![
        page(
            Method::Get,
            "/o/{slug}/projects/{project_id}/members",
            "project_members_page",
            "A project's people.",
        )
        .needs(Access::Project(Permission::ProjectMemberRead))
        .to(members_page),
        form(
            "/o/{slug}/projects/{project_id}/members",
            "add_project_member_form",
            "Add a member of the organization to a project.",
            Verb::ProjectMemberAdded,
        )
        .to(add),
        form(
            "/o/{slug}/projects/{project_id}/members/{user_id}/role",
            "update_project_member_form",
            "Change a role in a project.",
            Verb::ProjectMemberUpdated,
        )
        .to(change_role),
        form(
            "/o/{slug}/projects/{project_id}/members/{user_id}/remove",
            "remove_project_member_form",
            "Remove a person from a project.",
            Verb::ProjectMemberRemoved,
        )
        .to(remove),
    ]
}

async fn members_page(call: Call) -> Result<Answer, Failure> {
    members_page_with(&call, None, None).await
}

/// The page, with the link of an invitation made just now, or with why there is none.
///
/// # Errors
/// When the store is away.
pub(super) async fn members_page_with(
    call: &Call,
    invite_link: Option<String>,
    flash: Option<Flash>,
) -> Result<Answer, Failure> {
    let Frame { mut shell, head, owned, zone } =
        frame(call, Some("Members"), Section::ProjectMembers).await?;
    let typed = if flash.is_some() { call.form().text("email").to_owned() } else { String::new() };
    shell.flashes.extend(flash);
    let (project, request) = (owned.project.id, PageRequest::first(ON_A_PAGE, Order::Ascending));
    let members = match granted_here(call, Permission::ProjectMemberRead) {
        Some(grant) => list_project_members(&call.control, &grant, project, &request).await?.items,
        None => Vec::new(),
    };
    let rows = people_rows(call, &owned.project, &members, &zone).await?;
    let everyone = if may(call, Permission::MemberRead) { people(call).await? } else { Vec::new() };
    let is_here = |id: &str| rows.iter().any(|row| row.user_id == id);
    let candidate = |(value, person): &(String, Person)| Choice {
        label: format!("{} ({})", person.name, person.email),
        value: value.clone(),
        is_selected: false,
    };
    let page = ProjectMembersPage {
        candidates: everyone.iter().filter(|(id, _)| !is_here(id)).map(candidate).collect(),
        roles: roles(ProjectRole::Member.name()),
        groups: groups(call, project, (&head, &shell.root()), &zone).await?,
        invites: invites(call, project, (&head, &everyone), &zone).await.map(|shown| ProjectInvites {
            link: invite_link,
            email: typed,
            ..shown
        })?,
        can_manage_members: may_here(call, Permission::ProjectMemberManage) && !head.is_archived,
        members: rows,
        shell,
        head,
    };
    console::page(&page)
}

pub(super) fn roles(selected: &str) -> Vec<Choice> {
    Choice::list(&ProjectRole::ALL.map(|role| (role.name(), role.title())), selected)
}

pub(super) fn role_of(call: &Call) -> Result<ProjectRole, Error> {
    let bad = || Error::invalid_param("invalid_role", "role", "Choose a role from the list.");
    ProjectRole::parse(call.form().text("role")).ok_or_else(bad)
}

pub(super) fn back(call: &Call, done: Result<&str, Failure>) -> Result<Answer, Failure> {
    console::back(call, &format!("{}/members", project_root(call)), done)
}

async fn add(call: Call) -> Result<Answer, Failure> {
    let (project, form): (ProjectId, _) = (call.path("project_id")?, call.form());
    let whom = form.text("user_id").trim();
    let newcomer = whom.parse().map_or_else(|_| Newcomer::Email(whom.to_owned()), Newcomer::Id);
    let done = match role_of(&call) {
        Ok(role) => add_project_member(&call.control, &call.grant, project, newcomer, role).await,
        Err(error) => Err(error.into()),
    };
    // Here alone what is missing is a person that was typed, not the page.
    let done = done.map_err(|failure| match failure {
        Failure::Domain(Error::Hidden { .. }) => {
            let sentence = "Nobody in the organization has this address. An Admin can invite them.";
            Error::invalid_param("user_not_found", "user_id", sentence).into()
        }
        other => other,
    });
    back(&call, done.map(|_| "Added."))
}

async fn change_role(call: Call) -> Result<Answer, Failure> {
    let (project, user): (ProjectId, UserId) = (call.path("project_id")?, call.path("user_id")?);
    let done = match role_of(&call) {
        Ok(role) => update_project_member(&call.control, &call.grant, project, user, role).await,
        Err(error) => Err(error.into()),
    };
    back(&call, done.map(|_| "Role changed."))
}

async fn remove(call: Call) -> Result<Answer, Failure> {
    let (project, user): (ProjectId, UserId) = (call.path("project_id")?, call.path("user_id")?);
    let done = remove_project_member(&call.control, &call.grant, project, user).await;
    back(&call, done.map(|()| "Removed. The keys that they owned here are revoked."))
}
