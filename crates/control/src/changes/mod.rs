//! Changes that need a second person: in projects of high risk and in production, where `change.approval` is on.
//!
//! The second person lets who asked make the change themself, once and within a day. So a secret is shown to nobody
//! else, and what is made is within the rights that its maker has when they make it.

pub mod api;
pub(crate) mod console;

use domain::Error;
use domain::access::{Grant, Permission, Permissions, Standing, Target, authorize};
use domain::approvals::{Approval, Asked, ChangeKind, Decider, GuardedChange, Kind, requester_lost_rights};
use domain::ids::{ApprovalId, ProjectId};
use domain::policy::{Mode, Place, Setting, Warned};
use domain::projects::{Environment, Project, Risk};
use serde_json::{Value, json};
use store::{AskedApproval, Change};

use crate::approvals::{self, Ask, person};
use crate::projects::{active, organization_of};
use crate::{Control, Failure};

/// What asking for a change takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewChange {
    /// What is to be changed.
    pub change: ChangeKind,
    /// Of a loosening: the environment that the project is to get.
    pub environment: Option<Environment>,
    /// Of a loosening: the risk that it is to get.
    pub risk: Option<Risk>,
    /// Why.
    pub reason: String,
}

/// Asks to be let make a change of a project that needs a second person, once.
///
/// # Errors
/// `Hidden`; `missing_permission` for who may not make it; `nothing_loosened`, `reason_required`, `text_too_long`,
/// `invalid_text`; conflicts `approval_not_needed`, `already_approved`, `already_requested`, `project_archived`.
pub async fn request_change(
    control: &Control,
    grant: &Grant,
    project: ProjectId,
    new: NewChange,
) -> Result<AskedApproval, Failure> {
    let (actor, organization) = (person(grant)?, organization_of(grant)?);
    authorize(actor, Permission::ApprovalRequest, Target::Organization(organization))?;
    authorize(actor, new.change.needs(), Target::Project(organization, project))?;
    let mut change = control.change(grant).await?;
    change.lock_memberships(grant).await?;
    let project = change.lock_project(grant, project).await?;
    active(&project)?;
    if judge(control, grant, &project).await? != Mode::Enforce {
        let sentence = "This change needs no second person here.";
        return Err(Error::conflict("approval_not_needed", sentence).into());
    }
    let wanted = GuardedChange::checked(&project, new.change, (new.environment, new.risk))?;
    let there = change.lock_approvals_in_force(grant, actor.user_id, of(project.id)).await?;
    if there.iter().any(|one| matches!(&one.asked, Asked::Change(given) if given.change == wanted.change)) {
        let sentence = "A second person agreed to such a change of yours already. Make it first.";
        return Err(Error::conflict("already_approved", sentence).into());
    }
    let ask = Ask {
        asked: Asked::Change(wanted),
        subject_id: project.id.to_string(),
        reason: &new.reason,
        decider: Decider::OF_ORGANIZATION,
    };
    approvals::ask(control, grant, change, ask).await
}

/// Whether who asked may still make the change that is approved now.
///
/// # Errors
/// Conflicts `project_archived`, `requester_lost_rights`.
pub(crate) async fn carry_out(
    control: &Control,
    grant: &Grant,
    wanted: &GuardedChange,
    requester: &Standing,
) -> Result<(), Failure> {
    active(&control.store.project(grant, wanted.project_id).await?)?;
    let needed = wanted.change.needs();
    let enough = [Some(needed), needed.own()].into_iter().flatten();
    let rights: Permissions = requester.rights_at(Some(wanted.project_id));
    if enough.into_iter().any(|permission| rights.holds(permission)) {
        return Ok(());
    }
    Err(requester_lost_rights().into())
}

/// Asks of a change that is about to be made whether a second person agreed to it, where that is needed. The word
/// counts once. Returns the approval.
///
/// # Errors
/// `approval_required`, which says how to ask.
pub(crate) async fn second_person(
    control: &Control,
    change: &mut Change,
    grant: &Grant,
    (kind, before, after): (ChangeKind, &Project, &Project),
) -> Result<Option<ApprovalId>, Failure> {
    match judge(control, grant, before).await? {
        Mode::Off => return Ok(None),
        Mode::Warn => {
            control.warn(Warned {
                organization_id: before.organization_id,
                setting: Setting::ChangeApproval,
                project_id: Some(before.id),
                key_id: None,
                subject: kind.name().to_owned(),
            });
            return Ok(None);
        }
        Mode::Enforce => {}
    }
    let given = match grant.actor() {
        Some(actor) => change.lock_approvals_in_force(grant, actor.user_id, of(before.id)).await?,
        None => Vec::new(),
    };
    let permits =
        |one: &Approval| matches!(&one.asked, Asked::Change(given) if given.permits(kind, before, after));
    let Some(approval) = given.into_iter().find(permits) else {
        return Err(required(kind, before).into());
    };
    let (id, at) = (approval.id, change.at());
    change.write_approval(&Approval { ended_at: Some(at), ..approval }).await?;
    Ok(Some(id))
}

/// Whether changes of a project need a second person, or only would.
///
/// # Errors
/// When the store is away.
pub(crate) async fn judge(control: &Control, grant: &Grant, project: &Project) -> Result<Mode, Failure> {
    if !project.is_guarded() {
        return Ok(Mode::Off);
    }
    let at = control.now();
    let place = Place { environment: Some(project.environment), project: Some(project.id), key: None };
    let says = control.store.policy(grant, at).await?.at(place, Setting::ChangeApproval, at);
    Ok(says.judge(|decided| !decided.is_on()))
}

/// What the trail keeps of a change with the approval that it needed.
pub(crate) fn with_approval(mut facts: Value, approval: Option<ApprovalId>) -> Value {
    if let Some(id) = approval {
        facts["approval_id"] = json!(id);
    }
    facts
}

fn of(project: ProjectId) -> (Kind, String) {
    (Kind::Change, project.to_string())
}

fn required(kind: ChangeKind, project: &Project) -> Error {
    let what = match kind {
        ChangeKind::KeyCreation => "A new key of this project",
        ChangeKind::Loosening => "A lower risk or a lesser environment of this project",
    };
    let sentence = format!(
        "{what} needs a second person. Ask for {} with POST /v1/organization/projects/{}/change_requests or on its \
         page in the console; then make the change within a day.",
        kind.name(),
        project.id
    );
    Error::forbidden("approval_required", sentence)
}
