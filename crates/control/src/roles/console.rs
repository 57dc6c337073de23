//! The console's rows of roles: what there is, one role, and custom ones made, changed and deleted; of the
//! organization and, by the same handlers, of a project.

use std::collections::HashMap;

use domain::Error;
use domain::access::{
    Grant, Level, Permission, Permissions, Principal, Role, RoleRef, Target, allows, authorize,
};
use domain::audit::Verb;
use domain::ids::ProjectId;
use domain::organizations::Feature;
use domain::page::{Order, PageRequest};
use domain::routes::{Access, Method};
use domain::time::TimeZone;
use store::{RoleHolder, RoleUses};

use super::api::{place, role_in_path};
use super::matrix::{RoleMatrix, by_area, is_own};
use super::pages::{HolderRow, NewRolePage, PermissionChoice, RoleForm, RolePage, RoleRow, RolesPage};
use super::{
    NewRole, RoleChanges, create_role, delete_role, level_of, list_roles, retrieve_role, update_role,
};
use crate::http::console;
use crate::http::figures::{Count, When};
use crate::http::shell::{Flash, Person, Section, Shell};
use crate::projects::detail_pages::ProjectHead;
use crate::projects::frame::{Frame, frame, project_root, root, zone};
use crate::{Answer, Call, Endpoint, Failure, page};

/// How many roles a page shows.
const ROLES_ON_A_PAGE: i64 = 200;
/// How many of those who have a role its page names.
const HOLDERS_ON_A_PAGE: i64 = 200;
/// The permissions of a role that one begins to make.
const NOTHING: Permissions = Permissions::NONE;

/// Where roles are: the same six rows in the organization and in a project.
struct Place {
    /// Paths in the order list, new, one, delete.
    paths: [&'static str; 4],
    /// Operations in the order list, new, one, create, update, delete.
    operations: [&'static str; 6],
    read: Access,
    manage: Access,
}

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    let organization = Place {
        paths: [
            "/o/{slug}/roles",
            "/o/{slug}/roles/new",
            "/o/{slug}/roles/{role_id}",
            "/o/{slug}/roles/{role_id}/delete",
        ],
        operations: [
            "roles_page",
            "new_role_page",
            "role_page",
            "create_role_form",
            "update_role_form",
            "delete_role_form",
        ],
        read: Access::Organization(Permission::RoleRead),
        manage: Access::Organization(Permission::RoleManage),
    };
    let project = Place {
        paths: [
            "/o/{slug}/projects/{project_id}/roles",
            "/o/{slug}/projects/{project_id}/roles/new",
            "/o/{slug}/projects/{project_id}/roles/{role_id}",
            "/o/{slug}/projects/{project_id}/roles/{role_id}/delete",
        ],
        operations: [
            "project_roles_page",
            "new_project_role_page",
            "project_role_page",
            "create_project_role_form",
            "update_project_role_form",
            "delete_project_role_form",
        ],
        read: Access::Project(Permission::ProjectMemberRead),
        manage: Access::Project(Permission::ProjectRoleManage),
    };
    [organization, project].iter().flat_map(rows).collect()
}

fn rows(place: &Place) -> Vec<Endpoint> {
    let [all, new, one, gone] = place.paths;
    let [list_name, new_name, one_name, create_name, update_name, delete_name] = place.operations;
    let form =
        |path, name, summary, verb| page(Method::Post, path, name, summary).needs(place.manage).audited(verb);
    let made = form(all, create_name, "Make a custom role.", Verb::RoleCreated).part_of(Feature::CustomRoles);
    let changed =
        form(one, update_name, "Change a custom role.", Verb::RoleUpdated).part_of(Feature::CustomRoles);
    vec![
        page(Method::Get, all, list_name, "Roles and what each gives.").needs(place.read).to(roles_page),
        page(Method::Get, new, new_name, "The form for a new role.")
            .needs(place.manage)
            .part_of(Feature::CustomRoles)
            .to(new_role_page),
        page(Method::Get, one, one_name, "One role, who has it, and its form.")
            .needs(place.read)
            .to(role_page),
        made.to(create),
        changed.to(update),
        form(gone, delete_name, "Delete a custom role.", Verb::RoleDeleted).to(delete),
    ]
}

/// A page of roles before its own content.
struct Around {
    shell: Shell,
    head: Option<ProjectHead>,
    zone: TimeZone,
    root: String,
    place: Option<ProjectId>,
}

async fn around(call: &Call, title: &str) -> Result<Around, Failure> {
    let place = place(call)?;
    if place.is_none() {
        let shell = console::shell(call, title, Section::Roles).await?;
        return Ok(Around { shell, head: None, zone: zone(call).await?, root: root(call), place });
    }
    let Frame { shell, head, zone, .. } = frame(call, Some(title), Section::ProjectRoles).await?;
    Ok(Around { shell, head: Some(head), zone, root: project_root(call), place })
}

/// The addresses of the roles of the place that the call is about.
fn here(call: &Call) -> String {
    let root = if call.path_text("project_id").is_empty() { root(call) } else { project_root(call) };
    format!("{root}/roles")
}

fn target(call: &Call) -> Result<Target, Failure> {
    let organization = call.organization_id()?;
    Ok(place(call)?
        .map_or(Target::Organization(organization), |project| Target::Project(organization, project)))
}

/// Whether the viewer may make and change roles here.
fn may_manage(call: &Call, head: Option<&ProjectHead>) -> Result<bool, Failure> {
    let actor = call.actor()?;
    let needed = match head {
        None => Permission::RoleManage,
        Some(_) => Permission::ProjectRoleManage,
    };
    let is_open = head.is_none_or(|head| !head.is_archived);
    let is_on = actor.standing.as_ref().is_some_and(|one| one.allows_feature(Feature::CustomRoles).is_ok());
    Ok(is_open && is_on && allows(actor, needed, target(call)?))
}

async fn roles_page(call: Call) -> Result<Answer, Failure> {
    let Around { shell, head, root, place, .. } = around(&call, "Roles").await?;
    let roles = ranked_roles(&call, &call.grant, place).await?;
    let uses = call.control.store.role_uses(&call.grant, place, call.at).await?;
    let of_projects = || RoleMatrix::of(&ranked(Role::built_in(Level::Project)), Level::Project);
    let page = RolesPage {
        roles: roles.iter().map(|role| row(role, &uses, &root)).collect(),
        matrix: RoleMatrix::of(&roles, level_of(place)),
        of_projects: head.is_none().then(of_projects),
        can_create: may_manage(&call, head.as_ref())?,
        shell,
        head,
        root,
    };
    console::page(&page)
}

/// The roles of a place as pages list them: built-in ones in their usual order, then custom ones.
async fn ranked_roles(call: &Call, grant: &Grant, project: Option<ProjectId>) -> Result<Vec<Role>, Failure> {
    let request = PageRequest::first(ROLES_ON_A_PAGE, Order::Ascending);
    Ok(ranked(list_roles(&call.control, grant, project, &request).await?.items))
}

fn ranked(mut roles: Vec<Role>) -> Vec<Role> {
    roles.sort_by_key(Role::reference);
    roles
}

fn row(role: &Role, uses: &HashMap<RoleRef, RoleUses>, root: &str) -> RoleRow {
    let uses = uses.get(&role.reference()).copied().unwrap_or_default();
    let count = role.permissions().plain_names().len();
    RoleRow {
        href: format!("{root}/roles/{}", role.reference()),
        name: role.name().to_owned(),
        description: role.description().to_owned(),
        is_built_in: role.custom().is_none(),
        permissions: Count(u64::try_from(count).unwrap_or_default()),
        people: Count(uses.people),
        groups: Count(uses.groups),
    }
}

async fn new_role_page(call: Call) -> Result<Answer, Failure> {
    new_role(&call, None).await
}

/// The form, again with what was typed and why it was refused.
async fn new_role(call: &Call, refused: Option<Flash>) -> Result<Answer, Failure> {
    let Around { mut shell, head, root, .. } = around(call, "New role").await?;
    let typed = refused.is_some().then(|| asked(call));
    shell.flashes.extend(refused);
    let form = form(call, format!("{root}/roles"), "Create role", (typed, NOTHING))?;
    console::page(&NewRolePage { shell, head, root, form })
}

/// The form of a role as it is, or as typed.
fn form(
    call: &Call,
    action: String,
    verb: &'static str,
    (typed, present): (Option<NewRole>, Permissions),
) -> Result<RoleForm, Failure> {
    let (level, held) = (level_of(place(call)?), held(call)?);
    let chosen: Permissions = match &typed {
        Some(typed) => typed.permissions.iter().filter_map(|name| Permission::parse(name)).collect(),
        None => present,
    };
    // A role of the organization reaches all projects, where nobody's own is meant.
    let fits = |permission: Permission| match level {
        Level::Organization => !is_own(permission),
        Level::Project => permission.level() == Level::Project,
    };
    let choice = |permission: Permission| PermissionChoice {
        name: permission.name(),
        sentence: permission.sentence(),
        is_chosen: chosen.holds(permission),
        is_offered: held.holds(permission),
    };
    let typed = typed.unwrap_or_default();
    Ok(RoleForm {
        action,
        verb,
        name: typed.name,
        description: typed.description,
        areas: by_area(fits, choice),
    })
}

/// What the viewer has here, and so may give.
fn held(call: &Call) -> Result<Permissions, Failure> {
    let standing = call.actor()?.standing.as_ref();
    let place = place(call)?;
    Ok(standing.map_or(NOTHING, |standing| standing.rights_at(place)))
}

fn asked(call: &Call) -> NewRole {
    let form = call.form();
    NewRole {
        name: form.text("role_name").to_owned(),
        description: form.text("description").to_owned(),
        permissions: form.many("permissions"),
    }
}

async fn role_page(call: Call) -> Result<Answer, Failure> {
    one_role(&call, None).await
}

async fn one_role(call: &Call, refused: Option<Flash>) -> Result<Answer, Failure> {
    let (place, grant) = (place(call)?, &call.grant);
    let role = retrieve_role(&call.control, grant, place, role_in_path(call)?).await?;
    let Around { mut shell, head, zone, root, .. } = around(call, role.name()).await?;
    let typed = refused.is_some().then(|| asked(call));
    shell.flashes.extend(refused);
    let uses = call.control.store.role_uses(grant, place, call.at).await?;
    let about = (place, role.reference());
    let holders = call.control.store.role_holders(grant, about, call.at, HOLDERS_ON_A_PAGE).await?;
    let is_theirs = role.custom().is_some() && may_manage(call, head.as_ref())?;
    let row = row(&role, &uses, &root);
    let as_it_is = || NewRole {
        name: row.name.clone(),
        description: row.description.clone(),
        permissions: role.permissions().plain_names().into_iter().map(str::to_owned).collect(),
    };
    let form = match is_theirs && role.permissions().is_within(held(call)?) {
        true => {
            let filled = Some(typed.unwrap_or_else(as_it_is));
            Some(form(call, row.href.clone(), "Save role", (filled, role.permissions()))?)
        }
        false => None,
    };
    let groups_are_seen =
        authorize(call.actor()?, Permission::GroupRead, Target::Organization(call.organization_id()?));
    let groups_root = groups_are_seen.is_ok().then(|| crate::projects::frame::root(call));
    let page = RolePage {
        gives: by_area(
            |permission| role.permissions().holds(permission),
            |permission| (permission.sentence(), permission.name()),
        ),
        holders: holders.into_iter().map(|holder| holder_row(holder, groups_root.as_deref())).collect(),
        created_at: role.custom().map(|role| When::day(role.created_at, &zone)),
        can_delete: form.is_some(),
        role: row,
        shell,
        head,
        root,
        form,
    };
    console::page(&page)
}

fn holder_row(holder: RoleHolder, groups_root: Option<&str>) -> HolderRow {
    let group_href = match (holder.principal, groups_root) {
        (Principal::Group(group), Some(root)) => Some(format!("{root}/groups/{group}")),
        (Principal::Group(_), None) => Some(String::new()),
        (Principal::User(_), _) => None,
    };
    HolderRow { person: Person { name: holder.name, email: holder.email }, group_href }
}

async fn create(call: Call) -> Result<Answer, Failure> {
    match create_role(&call.control, &call.grant, place(&call)?, asked(&call)).await {
        Ok(role) => Ok(console::done(&call, &format!("{}/{}", here(&call), role.id), "The role is made.")),
        Err(failure) => {
            let status = failure.status();
            Ok(new_role(&call, Some(console::refusal(failure)?)).await?.status(status))
        }
    }
}

async fn update(call: Call) -> Result<Answer, Failure> {
    let (asked, role) = (asked(&call), role_in_path(&call)?);
    let changes = RoleChanges {
        name: Some(asked.name),
        description: Some(asked.description),
        permissions: Some(asked.permissions),
    };
    match update_role(&call.control, &call.grant, place(&call)?, role, changes).await {
        Ok(role) => Ok(console::done(&call, &format!("{}/{}", here(&call), role.id), "Saved.")),
        Err(failure) => {
            let status = failure.status();
            let flash = console::refusal(failure)?;
            Ok(one_role(&call, Some(flash)).await?.status(status))
        }
    }
}

async fn delete(call: Call) -> Result<Answer, Failure> {
    let role = role_in_path(&call)?;
    match delete_role(&call.control, &call.grant, place(&call)?, role).await {
        Ok(()) => Ok(console::done(&call, &here(&call), "The role is deleted.")),
        Err(failure) => console::back(&call, &format!("{}/{role}", here(&call)), Err(failure)),
    }
}

/// The roles that can be given in a place, as choices; those that the viewer could not give are left out.
///
/// # Errors
/// When the store is away.
pub(crate) async fn offered_roles(
    call: &Call,
    grant: &Grant,
    project: Option<ProjectId>,
) -> Result<Vec<Role>, Failure> {
    let standing = call.actor()?.standing.as_ref().ok_or(Error::Hidden { what: "organization" })?;
    let held = standing.rights_at(project);
    let roles = ranked_roles(call, grant, project).await?;
    Ok(roles.into_iter().filter(|role| role.permissions().is_within(held)).collect())
}
