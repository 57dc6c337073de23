//! The people of a project: add, list, change and remove them.

pub mod api;
pub(crate) mod console;
pub(crate) mod roles_console;

use domain::Error;
use domain::access::{Grant, ProjectRole};
use domain::audit::{AuditEntry, Verb};
use domain::handovers::Cause;
use domain::ids::{ProjectId, UserId};
use domain::members::{ProjectMember, User};
use domain::page::{Page, PageRequest};
use domain::projects::Project;
use domain::text;
use serde_json::json;
use store::{Change, Loss};

use crate::projects::{active, organization_of};
use crate::{Control, Failure};

/// Whom to add to a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Newcomer {
    /// By id.
    Id(UserId),
    /// By address.
    Email(String),
}

/// Adds a member of the organization to a project, or gives them another role in it.
///
/// # Errors
/// `invalid_email`; `wider_than_giver`; `Hidden` when there is no such member of the organization; conflicts
/// `project_archived`, `already_in_project`.
pub async fn add_project_member(
    control: &Control,
    grant: &Grant,
    project: ProjectId,
    newcomer: Newcomer,
    role: ProjectRole,
) -> Result<ProjectMember, Failure> {
    let organization = organization_of(grant)?;
    let mut change = control.change(grant).await?;
    active(&change.lock_project(grant, project).await?)?;
    grant.may_give(role.permissions(), Some(project))?;
    let user = match newcomer {
        Newcomer::Id(id) => change.member_user(organization, id).await?,
        Newcomer::Email(email) => change.member_user_by_email(organization, &text::email(&email)?).await?,
    };
    if change.project_role(project, user.id).await?.is_some() {
        let sentence = "This person is in the project already. Update their role instead.";
        return Err(Error::conflict("already_in_project", sentence).into());
    }
    change.set_project_role(grant, project, user.id, role).await?;
    let added_at = change.at();
    let entry = AuditEntry::new(Verb::ProjectMemberAdded, user.id)
        .in_project(project)
        .after(json!({"email": user.email, "role": role}));
    control.commit(change, entry).await?;
    Ok(ProjectMember { user, project_id: project, role, added_at })
}

/// A page of the people of a project.
///
/// # Errors
/// `Hidden` when there is no such project within reach.
pub async fn list_project_members(
    control: &Control,
    grant: &Grant,
    project: ProjectId,
    page: &PageRequest,
) -> Result<Page<ProjectMember>, Failure> {
    // A project that is not there has no list, rather than an empty one.
    control.store.project(grant, project).await?;
    Ok(control.store.project_members(grant, project, page).await?)
}

/// One person of a project.
///
/// # Errors
/// `Hidden` when they are not in it.
pub async fn retrieve_project_member(
    control: &Control,
    grant: &Grant,
    project: ProjectId,
    user: UserId,
) -> Result<ProjectMember, Failure> {
    Ok(control.store.project_member(grant, project, user).await?)
}

/// Replaces the built-in roles of a person in a project by one.
///
/// # Errors
/// `wider_than_giver`, `higher_rank`; `Hidden` when they are not in it; conflicts `project_archived`,
/// `accountable_owner_kept`, `last_owner`.
pub async fn update_project_member(
    control: &Control,
    grant: &Grant,
    project: ProjectId,
    user: UserId,
    role: ProjectRole,
) -> Result<ProjectMember, Failure> {
    let mut change = control.change(grant).await?;
    let locked = change.lock_project(grant, project).await?;
    active(&locked)?;
    let (person, before) = person_in(&mut change, &locked, user).await?;
    grant.may_change(&change.rank(grant, user).await?, Some(project))?;
    grant.may_give(role.permissions(), Some(project))?;
    if role != ProjectRole::Owner {
        keeps_owners(&mut change, &locked, user, before).await?;
    }
    change.set_project_role(grant, project, user, role).await?;
    let entry = AuditEntry::new(Verb::ProjectMemberUpdated, user)
        .in_project(project)
        .before(json!({"email": person.email, "role": before}))
        .after(json!({"email": person.email, "role": role}));
    control.commit(change, entry).await?;
    retrieve_project_member(control, grant, project, user).await
}

/// Takes a person out of a project, with every role they were given there; the keys that they own in it are revoked,
/// except those that the queue of hand-overs keeps going.
///
/// # Errors
/// `higher_rank`; `Hidden` when they are not in it; conflicts `accountable_owner_kept`, `last_owner`.
pub async fn remove_project_member(
    control: &Control,
    grant: &Grant,
    project: ProjectId,
    user: UserId,
) -> Result<(), Failure> {
    let mut change = control.change(grant).await?;
    let locked = change.lock_project(grant, project).await?;
    let (person, role) = person_in(&mut change, &locked, user).await?;
    grant.may_change(&change.rank(grant, user).await?, Some(project))?;
    keeps_owners(&mut change, &locked, user, role).await?;
    let loss = Loss { from: user, project_id: Some(project), cause: Cause::LeftProject };
    let opened = change.open_handovers(grant, loss).await?;
    change.delete_project_member(project, user).await?;
    let revoked = change.revoke_keys_in_project(project, user).await?;
    let entry = AuditEntry::new(Verb::ProjectMemberRemoved, user)
        .in_project(project)
        .before(json!({"email": person.email, "role": role}))
        .after(json!({
            "revoked_key_ids": revoked,
            "handover_ids": opened.iter().map(|handover| handover.id).collect::<Vec<_>>(),
        }));
    control.commit(change, entry).await?;
    Ok(())
}

async fn person_in(
    change: &mut Change,
    project: &Project,
    user: UserId,
) -> Result<(User, ProjectRole), Failure> {
    let role = change.project_role(project.id, user).await?.ok_or(Error::Hidden { what: "project user" })?;
    Ok((change.member_user(project.organization_id, user).await?, role))
}

/// A project keeps an owner, and its accountable owner.
///
/// # Errors
/// Conflicts `last_owner`, `accountable_owner_kept`.
pub(crate) async fn keeps_owners(
    change: &mut Change,
    project: &Project,
    leaving: UserId,
    role: ProjectRole,
) -> Result<(), Failure> {
    if role != ProjectRole::Owner {
        return Ok(());
    }
    if change.owners_of_project(project.id).await?.iter().all(|owner| *owner == leaving) {
        let sentence = "A project keeps at least one owner. Make somebody else Project Owner first.";
        return Err(Error::conflict("last_owner", sentence).into());
    }
    if project.accountable_owner_id == Some(leaving) {
        let sentence =
            "This person is the project's accountable owner. Name another owner as accountable first.";
        return Err(Error::conflict("accountable_owner_kept", sentence).into());
    }
    Ok(())
}
