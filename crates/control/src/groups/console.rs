//! The console's rows of groups: the list, one group, who is in it and what it has.

use std::collections::{HashMap, HashSet};

use domain::Error;
use domain::access::{Assignment, Permission, Principal, ProjectRole, RoleRef, role_title};
use domain::audit::Verb;
use domain::groups::Group;
use domain::ids::{GroupId, ProjectId, RoleId, UserId};
use domain::organizations::Feature;
use domain::page::{Order, PageRequest};
use domain::projects::Project;
use domain::routes::{Access, Method};
use domain::time::TimeZone;

use super::pages::{GroupPage, GroupPersonRow, GroupRoleRow, GroupRow, GroupsPage};
use super::{
    add_group_member, create_group, delete_group, list_group_members, list_groups, remove_group_member,
    rename_group, retrieve_group,
};
use crate::http::console;
use crate::http::figures::{Count, When};
use crate::http::shell::{Choice, Person, ProjectLink, Section};
use crate::projects::forms::people;
use crate::projects::frame::{granted, may, root, zone};
use crate::roles::console::offered_roles;
use crate::roles::{give_role, project_role_of, role_of, take_role};
use crate::{Answer, Call, Endpoint, Failure, page};

/// How many groups, or people of one, a page shows.
const ON_A_PAGE: i64 = 100;
/// How many projects are offered.
const PROJECTS_AT_MOST: i64 = 500;

const ALL: &str = "/o/{slug}/groups";
const ONE: &str = "/o/{slug}/groups/{group_id}";

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    let read = Access::Organization(Permission::GroupRead);
    let manage = Access::Organization(Permission::GroupManage);
    let form = |path, operation, summary, verb: Verb| {
        page(Method::Post, path, operation, summary).needs(manage).audited(verb)
    };
    let mut rows = vec![
        page(Method::Get, ALL, "groups_page", "The groups of the organization.").needs(read).to(groups_page),
        page(Method::Get, ONE, "group_page", "One group: its people and its roles.")
            .needs(read)
            .to(group_page),
        form(ALL, "create_group_form", "Make a group.", Verb::GroupCreated)
            .part_of(Feature::Groups)
            .to(create),
        form(ONE, "rename_group_form", "Give a group another name.", Verb::GroupUpdated)
            .part_of(Feature::Groups)
            .to(rename),
        form(
            "/o/{slug}/groups/{group_id}/delete",
            "delete_group_form",
            "Delete a group.",
            Verb::GroupDeleted,
        )
        .to(delete),
        form(
            "/o/{slug}/groups/{group_id}/people",
            "add_group_person_form",
            "Put a member into a group.",
            Verb::GroupMemberAdded,
        )
        .part_of(Feature::Groups)
        .to(add_person),
        form(
            "/o/{slug}/groups/{group_id}/people/{user_id}/remove",
            "remove_group_person_form",
            "Take somebody out of a group.",
            Verb::GroupMemberRemoved,
        )
        .to(remove_person),
    ];
    rows.extend(role_rows());
    rows
}

fn role_rows() -> Vec<Endpoint> {
    let form =
        |path, operation, summary, verb: Verb| page(Method::Post, path, operation, summary).audited(verb);
    let manages_roles = Access::Organization(Permission::RoleManage);
    // The project is in the form: the grant reaches those in which the viewer may.
    let manages_projects = Access::Organization(Permission::ProjectMemberManage);
    vec![
        form(
            "/o/{slug}/groups/{group_id}/roles",
            "give_group_role_form",
            "Give a group a role of the organization.",
            Verb::RoleAssigned,
        )
        .needs(manages_roles)
        .part_of(Feature::Groups)
        .to(give),
        form(
            "/o/{slug}/groups/{group_id}/roles/{role_id}/take",
            "take_group_role_form",
            "Take a role of the organization from a group.",
            Verb::RoleUnassigned,
        )
        .needs(manages_roles)
        .to(take),
        form(
            "/o/{slug}/groups/{group_id}/projects",
            "give_group_project_role_form",
            "Give a group a role in a project.",
            Verb::RoleAssigned,
        )
        .needs(manages_projects)
        .part_of(Feature::Groups)
        .to(give_in_project),
        form(
            "/o/{slug}/projects/{project_id}/groups/{group_id}/roles/{role_id}/take",
            "take_group_project_role_form",
            "Take a role in a project from a group.",
            Verb::RoleUnassigned,
        )
        .needs(Access::Project(Permission::ProjectMemberManage))
        .to(take_in_project),
    ]
}

fn is_on(call: &Call) -> bool {
    let standing = call.person.as_ref().and_then(|actor| actor.standing.as_ref());
    standing.is_some_and(|standing| standing.allows_feature(Feature::Groups).is_ok())
}

async fn groups_page(call: Call) -> Result<Answer, Failure> {
    let shell = console::shell(&call, "Groups", Section::Groups).await?;
    let zone = zone(&call).await?;
    let request = page_of::<GroupId>(&call);
    let groups = list_groups(&call.control, &call.grant, &request).await?;
    let last = groups.items.last().filter(|_| groups.has_more).map(|group| group.id);
    let row = |group: Group| GroupRow {
        id: group.id.to_string(),
        people: Count(u64::try_from(group.people).unwrap_or_default()),
        created_at: When::day(group.created_at, &zone),
        name: group.name,
    };
    let page = GroupsPage {
        groups: groups.items.into_iter().map(row).collect(),
        next_href: last.map(|after| format!("{}/groups?after={after}", shell.root())),
        can_create: is_on(&call) && may(&call, Permission::GroupManage),
        shell,
    };
    console::page(&page)
}

/// The page that the address asks for; from the beginning for a cursor that no page gave.
fn page_of<Id: std::str::FromStr>(call: &Call) -> PageRequest {
    let after = call.query.one("after").filter(|after| after.parse::<Id>().is_ok()).map(str::to_owned);
    PageRequest { after, limit: ON_A_PAGE, order: Order::Ascending }
}

async fn group_page(call: Call) -> Result<Answer, Failure> {
    let id: GroupId = call.path("group_id")?;
    let group = retrieve_group(&call.control, &call.grant, id).await?;
    let shell = console::shell(&call, &group.name, Section::Groups).await?;
    let zone = zone(&call).await?;
    let members = list_group_members(&call.control, &call.grant, id, &page_of::<UserId>(&call)).await?;
    let last = members.items.last().filter(|_| members.has_more).map(|member| member.user.id);
    let projects = projects_of(&call, Permission::ProjectRead).await?;
    let is_on = is_on(&call);
    let everyone = if may(&call, Permission::MemberRead) { people(&call).await? } else { Vec::new() };
    let is_here: HashSet<String> = members.items.iter().map(|member| member.user.id.to_string()).collect();
    let candidate = |(value, person): &(String, Person)| Choice {
        label: format!("{} ({})", person.name, person.email),
        value: value.clone(),
        is_selected: false,
    };
    let page = GroupPage {
        roles: role_rows_of(&call, id, (&projects, &everyone), &zone).await?,
        people: members
            .items
            .into_iter()
            .map(|member| GroupPersonRow {
                user_id: member.user.id.to_string(),
                person: Person { name: member.user.name, email: member.user.email },
                added_at: When::day(member.added_at, &zone),
            })
            .collect(),
        next_href: last.map(|after| format!("{}/groups/{id}?after={after}", shell.root())),
        candidates: everyone.iter().filter(|(id, _)| !is_here.contains(id)).map(candidate).collect(),
        organization_roles: if is_on { organization_roles(&call).await? } else { Vec::new() },
        projects: if is_on { managed_projects(&call).await? } else { Vec::new() },
        project_roles: Choice::list(
            &ProjectRole::ALL.map(|role| (RoleRef::Project(role).to_string(), role.title())),
            &RoleRef::Project(ProjectRole::Member).to_string(),
        ),
        can_manage: may(&call, Permission::GroupManage),
        id: id.to_string(),
        name: group.name,
        shell,
    };
    console::page(&page)
}

async fn projects_of(call: &Call, permission: Permission) -> Result<Vec<Project>, Failure> {
    let Some(grant) = granted(call, permission) else { return Ok(Vec::new()) };
    let request = PageRequest::first(PROJECTS_AT_MOST, Order::Ascending);
    Ok(call.control.store.projects(&grant, false, &request).await?.items)
}

async fn managed_projects(call: &Call) -> Result<Vec<Choice>, Failure> {
    let projects = projects_of(call, Permission::ProjectMemberManage).await?;
    let pairs: Vec<(String, String)> = projects
        .into_iter()
        .map(|project| (project.id.to_string(), format!("{} ({})", project.name, project.environment.name())))
        .collect();
    Ok(Choice::list(&pairs, ""))
}

async fn organization_roles(call: &Call) -> Result<Vec<Choice>, Failure> {
    let Some(grant) = granted(call, Permission::RoleManage) else { return Ok(Vec::new()) };
    let roles = offered_roles(call, &grant, None).await?;
    let pairs: Vec<(String, String)> =
        roles.iter().map(|role| (role.reference().to_string(), role.name().to_owned())).collect();
    Ok(Choice::list(&pairs, ""))
}

async fn role_rows_of(
    call: &Call,
    group: GroupId,
    (projects, everyone): (&[Project], &[(String, Person)]),
    zone: &TimeZone,
) -> Result<Vec<GroupRoleRow>, Failure> {
    let given = call.control.store.group_assignments(&call.grant, group, call.at).await?;
    let custom: Vec<RoleId> = given
        .iter()
        .filter_map(|one| match one.role {
            RoleRef::Custom(id) => Some(id),
            RoleRef::Organization(_) | RoleRef::Project(_) => None,
        })
        .collect();
    let custom = call.control.store.custom_roles_named(&call.grant, &custom).await?;
    let names: HashMap<RoleRef, &str> =
        custom.iter().map(|role| (RoleRef::Custom(role.id), role.name.as_str())).collect();
    let takes_roles = may(call, Permission::RoleManage);
    let takes_in_projects = granted(call, Permission::ProjectMemberManage);
    let row = |(place, one): (usize, &Assignment)| {
        let project = one.project_id.and_then(|id| projects.iter().find(|project| project.id == id));
        // A project that the viewer may not see is not told.
        if one.project_id.is_some() && project.is_none() {
            return None;
        }
        let may_take = match one.project_id {
            None => takes_roles,
            Some(id) => takes_in_projects.as_ref().is_some_and(|grant| grant.reaches(id, None)),
        };
        let root = root(call);
        let action = match one.project_id {
            None => format!("{root}/groups/{group}/roles/{}/take", one.role),
            Some(id) => format!("{root}/projects/{id}/groups/{group}/roles/{}/take?from=group", one.role),
        };
        let giver = one.given_by.map(|id| id.to_string()).unwrap_or_default();
        let giver = everyone.iter().find(|(id, _)| *id == giver).map(|(_, person)| person.name.clone());
        Some(GroupRoleRow {
            key: place.to_string(),
            role: names
                .get(&one.role)
                .map_or_else(|| role_title(one.role).to_owned(), |name| (*name).to_owned()),
            project: project.map(|project| ProjectLink {
                id: project.id.to_string(),
                name: project.name.clone(),
                environment: project.environment,
            }),
            given_by: giver.unwrap_or_default(),
            given_at: When::day(one.given_at, zone),
            take_action: may_take.then_some(action),
        })
    };
    Ok(given.iter().enumerate().filter_map(row).collect())
}

fn list(call: &Call) -> String {
    format!("{}/groups", root(call))
}

fn here(call: &Call) -> String {
    format!("{}/groups/{}", root(call), call.path_text("group_id"))
}

async fn create(call: Call) -> Result<Answer, Failure> {
    match create_group(&call.control, &call.grant, call.form().text("name")).await {
        Ok(group) => Ok(console::done(&call, &format!("{}/{}", list(&call), group.id), "The group is made.")),
        Err(failure) => console::back(&call, &list(&call), Err(failure)),
    }
}

async fn rename(call: Call) -> Result<Answer, Failure> {
    let id: GroupId = call.path("group_id")?;
    let done = rename_group(&call.control, &call.grant, id, call.form().text("name")).await;
    console::back(&call, &here(&call), done.map(|_| "Saved."))
}

async fn delete(call: Call) -> Result<Answer, Failure> {
    match delete_group(&call.control, &call.grant, call.path("group_id")?).await {
        Ok(()) => Ok(console::done(&call, &list(&call), "The group is deleted.")),
        Err(failure) => console::back(&call, &here(&call), Err(failure)),
    }
}

async fn add_person(call: Call) -> Result<Answer, Failure> {
    let id: GroupId = call.path("group_id")?;
    let user: UserId = call.form().text("user_id").parse().map_err(|_| Error::Hidden { what: "user" })?;
    let done = add_group_member(&call.control, &call.grant, id, user).await;
    console::back(&call, &here(&call), done.map(|_| "Added. They have the group's roles from now on."))
}

async fn remove_person(call: Call) -> Result<Answer, Failure> {
    let (id, user): (GroupId, UserId) = (call.path("group_id")?, call.path("user_id")?);
    let done = remove_group_member(&call.control, &call.grant, id, user).await;
    console::back(&call, &here(&call), done.map(|()| "Removed."))
}

async fn give(call: Call) -> Result<Answer, Failure> {
    let group: GroupId = call.path("group_id")?;
    let role = role_of(call.form().text("role_id"), call.organization_id()?, None)?;
    let done = give_role(&call.control, &call.grant, Principal::Group(group), None, role).await;
    console::back(&call, &here(&call), done.map(|_| "Given."))
}

async fn take(call: Call) -> Result<Answer, Failure> {
    let group: GroupId = call.path("group_id")?;
    let role = role_of(call.path_text("role_id"), call.organization_id()?, None)?;
    let done = take_role(&call.control, &call.grant, Principal::Group(group), None, role).await;
    console::back(&call, &here(&call), done.map(|()| "Taken away."))
}

async fn give_in_project(call: Call) -> Result<Answer, Failure> {
    let (group, form): (GroupId, _) = (call.path("group_id")?, call.form());
    let project: ProjectId =
        form.text("project_id").parse().map_err(|_| Error::Hidden { what: "project" })?;
    let role = project_role_of(form.text("role"), call.organization_id()?, project)?;
    let done = give_role(&call.control, &call.grant, Principal::Group(group), Some(project), role).await;
    console::back(&call, &here(&call), done.map(|_| "Given."))
}

async fn take_in_project(call: Call) -> Result<Answer, Failure> {
    let (group, project): (GroupId, ProjectId) = (call.path("group_id")?, call.path("project_id")?);
    let role = role_of(call.path_text("role_id"), call.organization_id()?, Some(project))?;
    let done = take_role(&call.control, &call.grant, Principal::Group(group), Some(project), role).await;
    let to = if call.query.text("from") == "group" {
        here(&call)
    } else {
        format!("{}/projects/{project}/members", root(&call))
    };
    console::back(&call, &to, done.map(|()| "Taken away."))
}
