//! Asking for a project: for who may not create one, where the organization lets people ask.

pub mod api;
pub(crate) mod console;

use domain::Error;
use domain::access::{Grant, Permission, Standing};
use domain::approvals::{Asked, Decider, ProjectCreation};
use domain::ids::ProjectId;
use domain::policy::Setting;
use domain::projects::NewProject;
use serde_json::Value;
use store::{AskedApproval, Change};

use crate::approvals::{self, Ask, person};
use crate::projects::{add_project, facts, organization_of};
use crate::{Control, Failure, policy};

/// Asks for a project. Whether its name is free shows when it is approved: who asks may not see every project.
///
/// # Errors
/// Those of `NewProject::checked`; `owner_not_member`; `reason_required`, `text_too_long`, `invalid_text`;
/// `projects_not_requested` where the organization does not let people ask; conflicts `already_held` for who may create
/// projects, `already_requested`, `too_many_requests_waiting`.
pub async fn request_project(
    control: &Control,
    grant: &Grant,
    new: NewProject,
    reason: &str,
) -> Result<AskedApproval, Failure> {
    let (actor, organization) = (person(grant)?, organization_of(grant)?);
    let lasting = actor.standing.as_ref().map(Standing::lasting);
    if lasting.is_some_and(|standing| standing.rights().holds(Permission::ProjectCreate)) {
        return Err(Error::conflict("already_held", "You may create projects yourself.").into());
    }
    if !is_open(control, grant).await? {
        let sentence = "Here nobody asks for projects. An Admin creates them, or lets people ask for them.";
        return Err(Error::forbidden("projects_not_requested", sentence).into());
    }
    let project = new.checked()?;
    let mut change = control.change(grant).await?;
    change.lock_memberships(grant).await?;
    for owner in &project.owner_ids {
        match change.member_user(organization, *owner).await {
            Err(store::Error::NotFound { .. }) => return Err(no_member().into()),
            other => drop(other?),
        }
    }
    let ask = Ask {
        subject_id: project.name.clone(),
        asked: Asked::ProjectCreation(Box::new(ProjectCreation {
            project_id: ProjectId::mint(control.ambient.as_ref()),
            project,
        })),
        reason,
        decider: Decider::OF_ORGANIZATION,
    };
    approvals::ask(control, grant, change, ask).await
}

/// Whether the organization lets people ask for projects.
///
/// # Errors
/// When the store is away.
pub(crate) async fn is_open(control: &Control, grant: &Grant) -> Result<bool, Failure> {
    let says = policy::in_organization(control, grant, Setting::ProjectCreation).await?;
    Ok(says.enforced.word(Setting::ProjectCreation) == Some("request"))
}

/// Creates the project that was approved. Returns what the trail keeps of it.
///
/// # Errors
/// Conflicts `project_name_taken`; `owner_gone` when an owner is not a member any more.
pub(crate) async fn carry_out(
    change: &mut Change,
    grant: &Grant,
    creation: &ProjectCreation,
) -> Result<Value, Failure> {
    let ProjectCreation { project_id, project } = creation;
    match add_project(change, grant, *project_id, project.clone()).await {
        Ok(created) => Ok(facts(&created)),
        Err(failure) if failure.code() == "owner_not_member" => {
            let sentence = "An owner of the project is not a member any more. Refuse the request.";
            Err(Error::conflict("owner_gone", sentence).into())
        }
        Err(failure) => Err(failure),
    }
}

fn no_member() -> Error {
    let sentence = "An owner has to be a member of the organization.";
    Error::invalid_param("owner_not_member", "owner_ids", sentence)
}
