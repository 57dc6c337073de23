//! Projects: create, read, change, archive and restore them.

pub mod api;
pub(crate) mod console;
pub mod detail_pages;
pub(crate) mod forms;
pub(crate) mod frame;
pub(crate) mod overview_console;
pub mod pages;
#[cfg(test)]
mod tests;

use domain::Error;
use domain::access::{Grant, ProjectRole};
use domain::approvals::ChangeKind;
use domain::audit::{AuditEntry, Verb};
use domain::ids::{OrganizationId, ProjectId, UserId};
use domain::page::{Page, PageRequest};
use domain::projects::{Environment, NewProject, Project, Risk, Workload, accountable_among};
use domain::text::{self, Tags};
use serde_json::{Value, json};
use store::Change;

use crate::changes::{second_person, with_approval};
use crate::{Control, Failure};

/// A project with its owners, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedProject {
    /// The project.
    pub project: Project,
    /// Its owners.
    pub owner_ids: Vec<UserId>,
}

/// What to change of a project. `None` leaves a field; of the doubly optional ones `Some(None)` clears it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectChanges {
    /// Another name.
    pub name: Option<String>,
    /// Another description; empty clears it.
    pub description: Option<String>,
    /// Another environment.
    pub environment: Option<Environment>,
    /// Another workload.
    pub workload: Option<Workload>,
    /// Another risk.
    pub risk: Option<Risk>,
    /// Another team.
    pub team: Option<Option<String>>,
    /// Another product line.
    pub product_line: Option<Option<String>>,
    /// Another cost center.
    pub cost_center: Option<Option<String>>,
    /// Another client.
    pub client: Option<Option<String>>,
    /// All tags anew.
    pub tags: Option<Tags>,
    /// All owners anew; those who were and are not named become members of the project.
    pub owner_ids: Option<Vec<UserId>>,
    /// Another accountable owner.
    pub accountable_owner_id: Option<UserId>,
}

/// Creates a project. Its owners become Project Owners: who may create it names them, as it holds nothing yet.
///
/// # Errors
/// Those of `NewProject::checked`; `owner_not_member`; conflict `project_name_taken`.
pub async fn create_project(
    control: &Control,
    grant: &Grant,
    new: NewProject,
) -> Result<OwnedProject, Failure> {
    let new = new.checked()?;
    let mut change = control.change(grant).await?;
    let id = ProjectId::mint(control.ambient.as_ref());
    let created = add_project(&mut change, grant, id, new).await?;
    let entry = AuditEntry::new(Verb::ProjectCreated, id).in_project(id).after(facts(&created));
    control.commit(change, entry).await?;
    Ok(created)
}

/// Adds a project to an open change, with its owners.
pub(crate) async fn add_project(
    change: &mut Change,
    grant: &Grant,
    id: ProjectId,
    new: NewProject,
) -> Result<OwnedProject, Failure> {
    let project = Project {
        id,
        organization_id: organization_of(grant)?,
        name: new.name,
        description: new.description,
        environment: new.environment,
        workload: new.workload,
        risk: new.risk,
        labels: new.labels,
        tags: new.tags,
        accountable_owner_id: new.accountable_owner_id,
        created_at: change.at(),
        archived_at: None,
    };
    change.insert_project(&project).await?;
    for owner in &new.owner_ids {
        make_owner(change, grant, &project, *owner).await?;
    }
    let owner_ids = change.owners_of_project(project.id).await?;
    Ok(OwnedProject { project, owner_ids })
}

/// A page of the projects within reach.
///
/// # Errors
/// When the store is away.
pub async fn list_projects(
    control: &Control,
    grant: &Grant,
    archived_too: bool,
    page: &PageRequest,
) -> Result<Page<OwnedProject>, Failure> {
    let projects = control.store.projects(grant, archived_too, page).await?;
    let ids: Vec<ProjectId> = projects.items.iter().map(|project| project.id).collect();
    let mut owners = control.store.project_owners(grant, &ids).await?;
    Ok(projects.map(|project| {
        let owner_ids = owners.remove(&project.id).unwrap_or_default();
        OwnedProject { project, owner_ids }
    }))
}

/// One project within reach.
///
/// # Errors
/// `Hidden` when there is none within reach.
pub async fn retrieve_project(
    control: &Control,
    grant: &Grant,
    id: ProjectId,
) -> Result<OwnedProject, Failure> {
    let project = control.store.project(grant, id).await?;
    let owner_ids = control.store.project_owners(grant, &[id]).await?.remove(&id).unwrap_or_default();
    Ok(OwnedProject { project, owner_ids })
}

/// Changes a project that is not archived.
///
/// # Errors
/// Those of the fields; `owner_not_member`; `wider_than_giver` and `higher_rank` for owners that come and go;
/// `approval_required` for what makes a guarded project less careful; conflicts `project_archived`,
/// `project_name_taken` and `accountable_owner_needed`.
pub async fn update_project(
    control: &Control,
    grant: &Grant,
    id: ProjectId,
    changes: ProjectChanges,
) -> Result<OwnedProject, Failure> {
    let mut change = control.change(grant).await?;
    let before = lock(&mut change, grant, id).await?;
    active(&before.project)?;
    let mut project = apply(before.project.clone(), &changes)?;
    if let Some(wanted) = &changes.owner_ids {
        replace_owners(&mut change, grant, &before, wanted).await?;
    }
    let owner_ids = change.owners_of_project(id).await?;
    project.accountable_owner_id = accountable(&project, &owner_ids, changes.accountable_owner_id)?;
    let mut approval = None;
    if before.project.is_loosened_by(&project) {
        let wanted = (ChangeKind::Loosening, &before.project, &project);
        approval = second_person(control, &mut change, grant, wanted).await?;
    }
    change.write_project(&project).await?;
    let after = OwnedProject { project, owner_ids };
    let entry = AuditEntry::new(Verb::ProjectUpdated, id)
        .in_project(id)
        .before(facts(&before))
        .after(with_approval(facts(&after), approval));
    control.commit(change, entry).await?;
    Ok(after)
}

/// Archives a project: its keys stop. One that is archived stays as it is.
///
/// # Errors
/// `Hidden` when there is none within reach.
pub async fn archive_project(
    control: &Control,
    grant: &Grant,
    id: ProjectId,
) -> Result<OwnedProject, Failure> {
    let mut change = control.change(grant).await?;
    let before = lock(&mut change, grant, id).await?;
    if before.project.archived_at.is_some() {
        return Ok(before);
    }
    let mut after = before.clone();
    after.project.archived_at = Some(change.at());
    change.write_project(&after.project).await?;
    let entry = AuditEntry::new(Verb::ProjectArchived, id)
        .in_project(id)
        .before(json!({"status": "active"}))
        .after(json!({"status": "archived", "name": after.project.name}));
    control.commit(change, entry).await?;
    Ok(after)
}

/// Restores a project: its keys work again, except those that were revoked. One that is active stays as it is.
///
/// # Errors
/// `Hidden` when there is none within reach; conflict `project_name_taken` when its name was given away.
pub async fn restore_project(
    control: &Control,
    grant: &Grant,
    id: ProjectId,
) -> Result<OwnedProject, Failure> {
    let mut change = control.change(grant).await?;
    let before = lock(&mut change, grant, id).await?;
    if before.project.archived_at.is_none() {
        return Ok(before);
    }
    let mut after = before.clone();
    after.project.archived_at = None;
    change.write_project(&after.project).await?;
    let entry = AuditEntry::new(Verb::ProjectRestored, id)
        .in_project(id)
        .before(json!({"status": "archived"}))
        .after(json!({"status": "active", "name": after.project.name}));
    control.commit(change, entry).await?;
    Ok(after)
}

/// The organization in which the grant acts.
///
/// # Errors
/// `Hidden` for a grant of no organization.
pub(crate) fn organization_of(grant: &Grant) -> Result<OrganizationId, Error> {
    grant.organization_id().ok_or(Error::Hidden { what: "organization" })
}

/// A project in which something can be changed.
///
/// # Errors
/// Conflict `project_archived`.
pub(crate) fn active(project: &Project) -> Result<(), Error> {
    if project.archived_at.is_none() {
        return Ok(());
    }
    Err(Error::conflict("project_archived", "This project is archived. Restore it first."))
}

async fn lock(change: &mut Change, grant: &Grant, id: ProjectId) -> Result<OwnedProject, Failure> {
    let project = change.lock_project(grant, id).await?;
    let owner_ids = change.owners_of_project(id).await?;
    Ok(OwnedProject { project, owner_ids })
}

async fn make_owner(
    change: &mut Change,
    grant: &Grant,
    project: &Project,
    user: UserId,
) -> Result<(), Failure> {
    match change.member_user(project.organization_id, user).await {
        Ok(_) => Ok(change.set_project_role(grant, project.id, user, ProjectRole::Owner).await?),
        Err(store::Error::NotFound { .. }) => {
            let sentence = "An owner has to be a member of the organization. Invite them first.";
            Err(Error::invalid_param("owner_not_member", "owner_ids", sentence).into())
        }
        Err(error) => Err(error.into()),
    }
}

async fn replace_owners(
    change: &mut Change,
    grant: &Grant,
    before: &OwnedProject,
    wanted: &[UserId],
) -> Result<(), Failure> {
    if wanted.is_empty() {
        let sentence = "Name at least one owner of the project.";
        return Err(Error::invalid_param("owner_required", "owner_ids", sentence).into());
    }
    let project = &before.project;
    for user in wanted.iter().filter(|user| !before.owner_ids.contains(user)) {
        grant.may_give(ProjectRole::Owner.permissions(), Some(project.id))?;
        make_owner(change, grant, project, *user).await?;
    }
    for user in before.owner_ids.iter().filter(|user| !wanted.contains(user)) {
        grant.may_change(&change.rank(grant, *user).await?, Some(project.id))?;
        change.set_project_role(grant, project.id, *user, ProjectRole::Member).await?;
    }
    Ok(())
}

/// Who is accountable after a change of owners.
fn accountable(
    project: &Project,
    owners: &[UserId],
    wanted: Option<UserId>,
) -> Result<Option<UserId>, Error> {
    if let Some(wanted) = wanted {
        accountable_among(wanted, owners)?;
        return Ok(Some(wanted));
    }
    match project.accountable_owner_id {
        Some(current) if !owners.contains(&current) => Err(Error::conflict(
            "accountable_owner_needed",
            "The accountable owner would no longer be an owner. Name another one as accountable_owner_id.",
        )),
        current => Ok(current),
    }
}

fn apply(mut project: Project, changes: &ProjectChanges) -> Result<Project, Error> {
    if let Some(name) = &changes.name {
        project.name = text::name(name, "name")?;
    }
    if let Some(description) = &changes.description {
        project.description = text::free(description, "description")?;
    }
    project.environment = changes.environment.unwrap_or(project.environment);
    project.workload = changes.workload.unwrap_or(project.workload);
    project.risk = changes.risk.unwrap_or(project.risk);
    let labels = &mut project.labels;
    for (slot, value) in [
        (&mut labels.team, &changes.team),
        (&mut labels.product_line, &changes.product_line),
        (&mut labels.cost_center, &changes.cost_center),
        (&mut labels.client, &changes.client),
    ] {
        if let Some(value) = value {
            slot.clone_from(value);
        }
    }
    project.labels = project.labels.checked()?;
    if let Some(tags) = &changes.tags {
        project.tags = text::tags(tags.clone())?;
    }
    Ok(project)
}

/// What the audit trail keeps of a project.
pub(crate) fn facts(owned: &OwnedProject) -> Value {
    let project = &owned.project;
    json!({
        "name": project.name, "description": project.description,
        "environment": project.environment, "workload": project.workload, "risk": project.risk,
        "labels": project.labels, "tags": project.tags,
        "owner_ids": owned.owner_ids, "accountable_owner_id": project.accountable_owner_id,
    })
}
