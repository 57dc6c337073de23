//! Groups: made, renamed and deleted, and people put into them and taken out.

pub mod api;
pub(crate) mod console;
pub mod pages;
pub mod project_groups;

use domain::Error;
use domain::access::Grant;
use domain::audit::{AuditEntry, Verb};
use domain::groups::{self, Group, GroupMember};
use domain::ids::{GroupId, UserId};
use domain::page::{Page, PageRequest};
use serde_json::json;
use store::Change;

use crate::projects::organization_of;
use crate::{Control, Failure};

pub use api::GroupSummaryJson;

/// A page of the groups of the organization.
///
/// # Errors
/// When the store is away.
pub async fn list_groups(
    control: &Control,
    grant: &Grant,
    page: &PageRequest,
) -> Result<Page<Group>, Failure> {
    Ok(control.store.groups(grant, page).await?)
}

/// One group.
///
/// # Errors
/// `Hidden` when there is none.
pub async fn retrieve_group(control: &Control, grant: &Grant, id: GroupId) -> Result<Group, Failure> {
    Ok(control.store.group(grant, id).await?)
}

/// Makes a group, with nobody in it.
///
/// # Errors
/// `invalid_name`; conflict `group_name_taken`.
pub async fn create_group(control: &Control, grant: &Grant, name: &str) -> Result<Group, Failure> {
    let mut change = control.change(grant).await?;
    let group = Group {
        id: GroupId::mint(control.ambient.as_ref()),
        organization_id: organization_of(grant)?,
        name: groups::name(name)?,
        people: 0,
        created_by: grant.actor().map(|actor| actor.user_id),
        created_at: change.at(),
    };
    change.insert_group(&group).await?;
    let entry = AuditEntry::new(Verb::GroupCreated, group.id).after(json!({"group_name": group.name}));
    control.commit(change, entry).await?;
    Ok(group)
}

/// Gives a group another name.
///
/// # Errors
/// `invalid_name`; `Hidden`; conflict `group_name_taken`.
pub async fn rename_group(
    control: &Control,
    grant: &Grant,
    id: GroupId,
    name: &str,
) -> Result<Group, Failure> {
    let mut change = control.change(grant).await?;
    let before = change.lock_group(grant, id).await?;
    let after = Group { name: groups::name(name)?, ..before.clone() };
    change.rename_group(id, &after.name).await?;
    let entry = AuditEntry::new(Verb::GroupUpdated, id)
        .before(json!({"group_name": before.name}))
        .after(json!({"group_name": after.name}));
    control.commit(change, entry).await?;
    Ok(after)
}

/// Deletes a group: its roles are taken, and whoever was in it loses what it gave, at once.
///
/// # Errors
/// `higher_rank` when it gives what the caller does not have; `Hidden`.
pub async fn delete_group(control: &Control, grant: &Grant, id: GroupId) -> Result<(), Failure> {
    let mut change = control.change(grant).await?;
    let organization = change.lock_memberships(grant).await?;
    let group = change.lock_group(grant, id).await?;
    let given = change.assignments_of_group(grant, id).await?;
    for one in &given {
        grant.may_take(one.permissions, one.project_id)?;
    }
    change.delete_group(&group).await?;
    change.require_admin(organization).await?;
    let roles: Vec<_> =
        given.iter().map(|one| json!({"id": one.role.to_string(), "project_id": one.project_id})).collect();
    let before = json!({"group_name": group.name, "people": group.people, "roles": roles});
    control.commit(change, AuditEntry::new(Verb::GroupDeleted, id).before(before)).await
}

/// A page of the people in a group.
///
/// # Errors
/// `Hidden` when there is no such group.
pub async fn list_group_members(
    control: &Control,
    grant: &Grant,
    id: GroupId,
    page: &PageRequest,
) -> Result<Page<GroupMember>, Failure> {
    control.store.group(grant, id).await?;
    Ok(control.store.group_members(grant, id, page).await?)
}

/// Somebody in a group.
///
/// # Errors
/// `Hidden` when they are not in it.
pub async fn retrieve_group_member(
    control: &Control,
    grant: &Grant,
    id: GroupId,
    user: UserId,
) -> Result<GroupMember, Failure> {
    Ok(control.store.group_member(grant, id, user).await?)
}

/// Puts a member of the organization into a group, and so gives them everything that the group has, wherever it has
/// it. One who is in it already stays.
///
/// # Errors
/// `wider_than_giver`; `Hidden` when there is no such group or member.
pub async fn add_group_member(
    control: &Control,
    grant: &Grant,
    id: GroupId,
    user: UserId,
) -> Result<Group, Failure> {
    let mut change = control.change(grant).await?;
    change.lock_memberships(grant).await?;
    let (group, email) = group_and_person(&mut change, grant, id, user).await?;
    for one in change.assignments_of_group(grant, id).await? {
        grant.may_give(one.permissions, one.project_id)?;
    }
    if !change.insert_group_member(grant, &group, user).await? {
        return Ok(group);
    }
    let entry = AuditEntry::new(Verb::GroupMemberAdded, user)
        .after(json!({"group_id": id, "group_name": group.name, "email": email}));
    control.commit(change, entry).await?;
    Ok(group)
}

/// Takes somebody out of a group, and so everything from them that they had through it alone.
///
/// # Errors
/// `higher_rank`; `Hidden` when they are not in it.
pub async fn remove_group_member(
    control: &Control,
    grant: &Grant,
    id: GroupId,
    user: UserId,
) -> Result<(), Failure> {
    let mut change = control.change(grant).await?;
    let organization = change.lock_memberships(grant).await?;
    let (group, email) = group_and_person(&mut change, grant, id, user).await?;
    grant.may_change(&change.rank(grant, user).await?, None)?;
    for one in change.assignments_of_group(grant, id).await? {
        grant.may_take(one.permissions, one.project_id)?;
    }
    if !change.delete_group_member(&group, user).await? {
        return Err(Error::Hidden { what: "group user" }.into());
    }
    change.require_admin(organization).await?;
    let entry = AuditEntry::new(Verb::GroupMemberRemoved, user)
        .before(json!({"group_id": id, "group_name": group.name, "email": email}));
    control.commit(change, entry).await
}

async fn group_and_person(
    change: &mut Change,
    grant: &Grant,
    id: GroupId,
    user: UserId,
) -> Result<(Group, String), Failure> {
    let group = change.lock_group(grant, id).await?;
    Ok((group, change.member_user(organization_of(grant)?, user).await?.email))
}
