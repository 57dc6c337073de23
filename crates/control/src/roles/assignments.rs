//! Giving roles to people and groups, and taking them away.
//!
//! Who gives needs every right that is given, in the same place. Who takes needs them too, and no lower a rank than
//! the person they are taken from.

use domain::Error;
use domain::access::{GivenRole, Grant, Principal, Role, RoleRef};
use domain::audit::{AuditEntry, Verb};
use domain::groups::Group;
use domain::ids::ProjectId;
use domain::members::Member;
use domain::page::{Page, PageRequest};
use serde_json::{Value, json};
use store::{Change, RolesOf};

use super::{custom_roles_are_on, level_of, wire};
use crate::project_members::keeps_owners;
use crate::projects::{active, organization_of};
use crate::{Control, Failure};

/// To whom a role was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assignee {
    /// A member.
    User(Box<Member>),
    /// A group.
    Group(Group),
}

/// A role that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assigned {
    /// The role.
    pub role: Role,
    /// To whom.
    pub to: Assignee,
}

/// Gives a role to a member or a group, in the organization or in a project. One that they were given there already
/// stays as it is.
///
/// # Errors
/// `role_not_for_level`; `wider_than_giver`; `feature_off` for a custom role; `Hidden` when there is no such member,
/// group, project or role there; conflict `project_archived`.
pub async fn give_role(
    control: &Control,
    grant: &Grant,
    principal: Principal,
    project: Option<ProjectId>,
    role: RoleRef,
) -> Result<Assigned, Failure> {
    let mut change = control.change(grant).await?;
    change.lock_memberships(grant).await?;
    if let Some(project) = project {
        active(&change.lock_project(grant, project).await?)?;
    }
    let name = name_of(&mut change, grant, principal).await?;
    let role = locked_role(&mut change, grant, project, role).await?;
    if role.custom().is_some() {
        custom_roles_are_on(grant)?;
    }
    grant.may_give(role.permissions(), project)?;
    if change.give_role(grant, principal, project, role.reference()).await? {
        let facts = assignment_facts(grant, (principal, &name), project, &[role.reference()])?;
        let entry = about(Verb::RoleAssigned, principal, project).after(facts);
        control.commit(change, entry).await?;
    } else {
        drop(change);
    }
    let to = match principal {
        Principal::User(user) => Assignee::User(Box::new(control.store.member(grant, user).await?)),
        Principal::Group(group) => Assignee::Group(control.store.group(grant, group).await?),
    };
    Ok(Assigned { role, to })
}

/// Takes a role from a member or a group that was given it in this place.
///
/// # Errors
/// `higher_rank`; `Hidden` when they do not have it there; conflicts `role_through_group`, `base_role`,
/// `last_admin`, `last_owner`, `accountable_owner_kept`.
pub async fn take_role(
    control: &Control,
    grant: &Grant,
    principal: Principal,
    project: Option<ProjectId>,
    role: RoleRef,
) -> Result<(), Failure> {
    let mut change = control.change(grant).await?;
    change.lock_memberships(grant).await?;
    let locked = match project {
        Some(project) => Some(change.lock_project(grant, project).await?),
        None => None,
    };
    let name = name_of(&mut change, grant, principal).await?;
    let role = locked_role(&mut change, grant, project, role).await?;
    let of = RolesOf { principal, project_id: project, at: change.at() };
    let given = control.store.role_given(grant, of, role.reference()).await?;
    if !given.is_direct(principal) {
        let sentence =
            "They have this role through a group. Take it from the group, or them out of the group.";
        return Err(Error::conflict("role_through_group", sentence).into());
    }
    grant.may_take(role.permissions(), project)?;
    if let Principal::User(user) = principal {
        grant.may_change(&change.rank(grant, user).await?, project)?;
        if let (Some(project), RoleRef::Project(role)) = (&locked, role.reference()) {
            keeps_owners(&mut change, project, user, role).await?;
        }
    }
    if !change.take_role(grant, principal, project, role.reference()).await? {
        return Err(Error::Hidden { what: "role" }.into());
    }
    let facts = assignment_facts(grant, (principal, &name), project, &[role.reference()])?;
    let entry = about(Verb::RoleUnassigned, principal, project).before(facts);
    control.commit(change, entry).await
}

/// A page of the roles that a member or a group has in a place, their own and those through groups.
///
/// # Errors
/// `Hidden` when there is no such member, group or project, or they have no role in the project.
pub async fn list_given_roles(
    control: &Control,
    grant: &Grant,
    principal: Principal,
    project: Option<ProjectId>,
    page: &PageRequest,
) -> Result<Page<GivenRole>, Failure> {
    match (project, principal) {
        (Some(project), _) => drop(control.store.project(grant, project).await?),
        (None, Principal::User(user)) => drop(control.store.member(grant, user).await?),
        (None, Principal::Group(group)) => drop(control.store.group(grant, group).await?),
    }
    let of = RolesOf { principal, project_id: project, at: control.now() };
    let given = control.store.roles_given(grant, of, page).await?;
    // Whether somebody without a role in the project is a member at all is not for everybody of the project to learn.
    if project.is_some() && given.items.is_empty() && page.after.is_none() {
        let what = if matches!(principal, Principal::User(_)) { "project user" } else { "project group" };
        return Err(Error::Hidden { what }.into());
    }
    Ok(given)
}

/// One role that a member or a group has in a place.
///
/// # Errors
/// `Hidden` when they do not have it there.
pub async fn given_role(
    control: &Control,
    grant: &Grant,
    principal: Principal,
    project: Option<ProjectId>,
    role: RoleRef,
) -> Result<GivenRole, Failure> {
    let of = RolesOf { principal, project_id: project, at: control.now() };
    Ok(control.store.role_given(grant, of, role).await?)
}

/// A role that can be given in a place; a custom one stays as it is until the change ends.
///
/// # Errors
/// `role_not_for_level`; `Hidden` when there is none there.
async fn locked_role(
    change: &mut Change,
    grant: &Grant,
    project: Option<ProjectId>,
    role: RoleRef,
) -> Result<Role, Failure> {
    match (role, project) {
        (RoleRef::Custom(id), _) => Ok(Role::Custom(change.lock_custom_role(grant, project, id).await?)),
        (RoleRef::Organization(role), None) => Ok(Role::Organization(role)),
        (RoleRef::Project(role), Some(_)) => Ok(Role::Project(role)),
        (RoleRef::Organization(_), Some(_)) => {
            let sentence = "This is a role of the organization. Give it in the organization, or choose one of the project's.";
            Err(Error::invalid_param("role_not_for_level", "role_id", sentence).into())
        }
        (RoleRef::Project(_), None) => {
            let sentence =
                "This is a role of a project. Give it in a project, or choose one of the organization's.";
            Err(Error::invalid_param("role_not_for_level", "role_id", sentence).into())
        }
    }
}

/// The name of a member or a group that is there, for the trail.
async fn name_of(change: &mut Change, grant: &Grant, principal: Principal) -> Result<String, Failure> {
    match principal {
        Principal::User(user) => Ok(change.member_user(organization_of(grant)?, user).await?.email),
        Principal::Group(group) => Ok(change.lock_group(grant, group).await?.name),
    }
}

fn about(verb: Verb, principal: Principal, project: Option<ProjectId>) -> AuditEntry {
    AuditEntry { project_id: project, ..AuditEntry::new(verb, principal) }
}

/// What the trail keeps of roles given or taken, in the words of the compatible API's events.
pub(crate) fn assignment_facts(
    grant: &Grant,
    (principal, name): (Principal, &str),
    project: Option<ProjectId>,
    roles: &[RoleRef],
) -> Result<Value, Error> {
    let organization = organization_of(grant)?;
    let roles: Vec<String> = roles.iter().map(ToString::to_string).collect();
    Ok(json!({
        "principal_id": principal.to_string(), "principal_type": principal.kind(), "principal_name": name,
        "resource_id": project.map_or(organization.to_string(), |project| project.to_string()),
        "resource_type": wire::resource_type(level_of(project)), "role_ids": roles,
    }))
}
