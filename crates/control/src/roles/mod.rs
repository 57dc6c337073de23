//! Roles: what there is to give, and custom ones made, changed and deleted, in the organization or in one project.

pub mod api;
mod assignments;
pub mod assignments_api;
pub(crate) mod console;
mod held;
pub mod matrix;
pub mod pages;
mod wire;

use domain::Error;
use domain::access::{CustomRole, Grant, Level, Permissions, Role, RoleRef, custom_name, custom_permissions};
use domain::audit::{AuditEntry, Verb};
use domain::ids::{ProjectId, RoleId};
use domain::organizations::Feature;
use domain::page::{Order, Page, PageRequest};
use domain::text;
use serde_json::{Map, Value, json};
use store::Change;

use crate::projects::{active, organization_of};
use crate::{Control, Failure};

pub(crate) use assignments::assignment_facts;
pub use assignments::{Assigned, Assignee, give_role, given_role, list_given_roles, take_role};
pub(crate) use held::RoleNames;
pub use wire::{GivenRoleJson, RoleJson};
pub(crate) use wire::{organization_role_of, project_role_of, role_of};

/// What a custom role is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewRole {
    /// The name people read.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What it gives, by the names of permissions.
    pub permissions: Vec<String>,
}

/// What to change of a custom role. `None` leaves a field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleChanges {
    /// Another name.
    pub name: Option<String>,
    /// Another description; empty clears it.
    pub description: Option<String>,
    /// All permissions anew, by their names.
    pub permissions: Option<Vec<String>>,
}

/// A page of the roles that can be given in the organization or in a project, by their ids: built-in ones first.
///
/// # Errors
/// `Hidden` when there is no such project within reach.
pub async fn list_roles(
    control: &Control,
    grant: &Grant,
    project: Option<ProjectId>,
    page: &PageRequest,
) -> Result<Page<Role>, Failure> {
    if let Some(project) = project {
        control.store.project(grant, project).await?;
    }
    let after: Option<RoleRef> = page.after.as_deref().map(str::parse).transpose()?;
    let (is_upwards, is_among_custom) =
        (page.order == Order::Ascending, matches!(after, Some(RoleRef::Custom(_))));
    let mut built_in = Role::built_in(level_of(project));
    if !is_upwards {
        built_in.reverse();
    }
    let built_in = match after {
        Some(_) if is_among_custom && is_upwards => Vec::new(),
        Some(_) if is_among_custom => built_in,
        _ => following(built_in, after),
    };
    let custom = if after.is_some() && !is_among_custom && !is_upwards {
        Vec::new()
    } else {
        let after = page.after.clone().filter(|_| is_among_custom);
        let request = PageRequest { after, limit: page.limit + 1, order: page.order };
        control.store.custom_roles(grant, project, &request).await?.items
    };
    let custom = custom.into_iter().map(Role::Custom);
    let roles = match is_upwards {
        true => built_in.into_iter().chain(custom).collect(),
        false => custom.chain(built_in).collect(),
    };
    Ok(Page::from_read(roles, page.limit))
}

/// Those of the built-in roles that come after one of them.
fn following(built_in: Vec<Role>, after: Option<RoleRef>) -> Vec<Role> {
    let place = built_in.iter().position(|role| Some(role.reference()) == after);
    built_in.into_iter().skip(place.map_or(0, |place| place + 1)).collect()
}

/// One role that can be given in the organization or in a project.
///
/// # Errors
/// `Hidden` when there is none there.
pub async fn retrieve_role(
    control: &Control,
    grant: &Grant,
    project: Option<ProjectId>,
    role: RoleRef,
) -> Result<Role, Failure> {
    if let RoleRef::Custom(id) = role {
        return Ok(Role::Custom(control.store.custom_role(grant, project, id).await?));
    }
    let built_in = Role::built_in(level_of(project)).into_iter().find(|one| one.reference() == role);
    built_in.ok_or_else(|| Error::Hidden { what: "role" }.into())
}

/// Makes a custom role of the organization or of a project.
///
/// # Errors
/// Those of the fields; `wider_than_giver`; conflicts `role_name_taken`, `project_archived`.
pub async fn create_role(
    control: &Control,
    grant: &Grant,
    project: Option<ProjectId>,
    new: NewRole,
) -> Result<CustomRole, Failure> {
    let mut change = begin(control, grant, project).await?;
    let at = change.at();
    let role = CustomRole {
        id: RoleId::mint(control.ambient.as_ref()),
        organization_id: organization_of(grant)?,
        project_id: project,
        name: custom_name(&new.name, level_of(project))?,
        description: text::free(&new.description, "description")?,
        permissions: custom_permissions(&new.permissions, level_of(project))?,
        created_by: grant.actor().map(|actor| actor.user_id),
        created_at: at,
        updated_at: at,
    };
    grant.may_give(role.permissions, project)?;
    change.insert_custom_role(&role).await?;
    let entry = about(Verb::RoleCreated, &role).after(facts(&role));
    control.commit(change, entry).await?;
    Ok(role)
}

/// Changes a custom role; whoever has it has its new rights from now on.
///
/// # Errors
/// Those of the fields; `role_predefined`; `wider_than_giver` and `higher_rank` when it would give, or gave, what
/// the caller does not have; `Hidden`; conflicts `role_name_taken`, `project_archived`.
pub async fn update_role(
    control: &Control,
    grant: &Grant,
    project: Option<ProjectId>,
    role: RoleRef,
    changes: RoleChanges,
) -> Result<CustomRole, Failure> {
    let mut change = begin(control, grant, project).await?;
    let before = change.lock_custom_role(grant, project, custom_id(role)?).await?;
    grant.may_take(before.permissions, project)?;
    let mut after = CustomRole { updated_at: change.at(), ..before.clone() };
    if let Some(name) = &changes.name {
        after.name = custom_name(name, level_of(project))?;
    }
    if let Some(description) = &changes.description {
        after.description = text::free(description, "description")?;
    }
    if let Some(names) = &changes.permissions {
        after.permissions = custom_permissions(names, level_of(project))?;
        grant.may_give(after.permissions, project)?;
    }
    change.write_custom_role(&after).await?;
    let entry = about(Verb::RoleUpdated, &after).before(facts(&before)).after(difference(&before, &after));
    control.commit(change, entry).await?;
    Ok(after)
}

/// Deletes a custom role that nobody has.
///
/// # Errors
/// `role_predefined`; `higher_rank`; `Hidden`; conflict `role_in_use`.
pub async fn delete_role(
    control: &Control,
    grant: &Grant,
    project: Option<ProjectId>,
    role: RoleRef,
) -> Result<(), Failure> {
    let mut change = control.change(grant).await?;
    let role = change.lock_custom_role(grant, project, custom_id(role)?).await?;
    grant.may_take(role.permissions, project)?;
    let uses = change.uses_of_role(&role).await?;
    if uses > 0 {
        let who = match uses {
            1 => "1 person or group has".to_owned(),
            _ => format!("{uses} people and groups have"),
        };
        let sentence = format!("{who} this role. Take it from them first.");
        return Err(Error::conflict("role_in_use", sentence).into());
    }
    change.delete_custom_role(role.id).await?;
    control.commit(change, about(Verb::RoleDeleted, &role).before(facts(&role))).await
}

/// The level of a place.
pub(crate) const fn level_of(project: Option<ProjectId>) -> Level {
    match project {
        None => Level::Organization,
        Some(_) => Level::Project,
    }
}

/// Refuses a custom role where the organization has switched custom roles off.
pub(crate) fn custom_roles_are_on(grant: &Grant) -> Result<(), Error> {
    let standing = grant.actor().and_then(|actor| actor.standing.as_ref());
    standing.map_or(Ok(()), |standing| standing.allows_feature(Feature::CustomRoles))
}

async fn begin(control: &Control, grant: &Grant, project: Option<ProjectId>) -> Result<Change, Failure> {
    let mut change = control.change(grant).await?;
    if let Some(project) = project {
        active(&change.lock_project(grant, project).await?)?;
    }
    Ok(change)
}

fn custom_id(role: RoleRef) -> Result<RoleId, Error> {
    match role {
        RoleRef::Custom(id) => Ok(id),
        RoleRef::Organization(_) | RoleRef::Project(_) => {
            let sentence =
                "This role is built in: it cannot be changed or deleted. Make a custom role instead.";
            Err(Error::invalid("role_predefined", sentence))
        }
    }
}

fn about(verb: Verb, role: &CustomRole) -> AuditEntry {
    AuditEntry { project_id: role.project_id, ..AuditEntry::new(verb, role.id) }
}

/// What the trail keeps of a custom role, in the words of the compatible API's events.
fn facts(role: &CustomRole) -> Value {
    json!({
        "role_name": role.name, "description": role.description, "permissions": role.permissions.plain_names(),
        "resource_type": wire::resource_type(role.level()), "resource_id": resource_id(role),
    })
}

fn resource_id(role: &CustomRole) -> String {
    role.project_id.map_or(role.organization_id.to_string(), |project| project.to_string())
}

/// What a change did: the fields that differ, and permissions by what came and what went.
fn difference(before: &CustomRole, after: &CustomRole) -> Value {
    let mut told = Map::new();
    if before.name != after.name {
        told.insert("role_name".to_owned(), json!(after.name));
    }
    if before.description != after.description {
        told.insert("description".to_owned(), json!(after.description));
    }
    let parts: [(&str, Permissions); 2] = [
        ("permissions_added", after.permissions.without(before.permissions)),
        ("permissions_removed", before.permissions.without(after.permissions)),
    ];
    for (field, permissions) in parts {
        if !permissions.is_empty() {
            told.insert(field.to_owned(), json!(permissions.plain_names()));
        }
    }
    told.insert("resource_type".to_owned(), json!(wire::resource_type(after.level())));
    told.insert("resource_id".to_owned(), json!(resource_id(after)));
    Value::Object(told)
}
