//! Asking for more of an allowance, for good or until a stated moment: for who sees it and may not set it.
//!
//! A raise for a time goes back by itself. It ends before when somebody decides about the allowance itself, whose word
//! lasts; and of each allowance at most one is in force.

pub mod api;
pub(crate) mod console;

use domain::Error;
use domain::access::{Grant, Permission, Standing, Target, allows, authorize};
use domain::allowances::{Allowance, Level};
use domain::approvals::{AllowanceRaise, Approval, Asked, Decider, requester_lost_rights};
use domain::audit::{AuditEntry, Verb};
use domain::ids::{AllowanceId, ProjectId};
use serde_json::{Value, json};
use store::allowance_raises::{end_raise, lock_allowance, no_raise_in_force, raise_allowance};
use store::allowances as stored;
use store::{AskedApproval, Change};

use crate::approvals::{self, Ask, person};
use crate::projects::organization_of;
use crate::{Control, Failure};

/// What asking for a raise takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRaise {
    /// The amount asked for, in the allowance's unit.
    pub amount: i64,
    /// Until when, in Unix seconds; for good when absent.
    pub ends_at: Option<i64>,
    /// Why.
    pub reason: String,
}

/// Asks for more of an allowance that the caller sees.
///
/// # Errors
/// `Hidden`; `missing_permission` for who sees no allowances; `invalid_amount`, `invalid_end`, `reason_required`,
/// `text_too_long`, `invalid_text`; conflicts `already_held` for who may set it, `not_a_raise`, `already_requested`,
/// `too_many_requests_waiting`.
pub async fn request_raise(
    control: &Control,
    grant: &Grant,
    id: AllowanceId,
    new: NewRaise,
) -> Result<AskedApproval, Failure> {
    let (actor, organization) = (person(grant)?, organization_of(grant)?);
    let sees = authorize(actor, Permission::AllowanceRead, Target::Organization(organization))?;
    let allowance = stored::allowance(&control.store, &sees, id).await?;
    let project = stored::project_of_level(&control.store, &sees, &allowance.scope.level).await?;
    let is_of_key = matches!(allowance.scope.level, Level::ApiKey(_) | Level::ServiceAccount(_));
    let sets_keys = project.filter(|_| is_of_key).is_some_and(|project| {
        allows(actor, Permission::AllowanceManageKeys, Target::Project(organization, project))
    });
    if sets_keys || allows(actor, Permission::AllowanceManage, Target::Organization(organization)) {
        return Err(Error::conflict("already_held", "You may change this allowance yourself.").into());
    }
    let mut change = control.change(grant).await?;
    change.lock_memberships(grant).await?;
    let raise = AllowanceRaise {
        allowance_id: id,
        project_id: project,
        scope_type: allowance.scope.level.words().0.to_owned(),
        scope_name: scope_name(control, &sees, (&allowance, project)).await?,
        unit: allowance.unit,
        window: allowance.window.name().to_owned(),
        amount: new.amount,
        ends_at: new.ends_at,
    };
    let ask = Ask {
        asked: Asked::AllowanceRaise(raise.checked(&allowance, change.at())?),
        subject_id: id.to_string(),
        reason: &new.reason,
        decider: Decider::OF_ORGANIZATION,
    };
    approvals::ask(control, grant, change, ask).await
}

/// What an allowance binds, in words.
async fn scope_name(
    control: &Control,
    grant: &Grant,
    (allowance, project): (&Allowance, Option<ProjectId>),
) -> Result<String, Failure> {
    let project = match project {
        Some(id) => control.store.project(grant, id).await?.name,
        None => String::new(),
    };
    let whose = match allowance.scope.level {
        Level::Organization => "The organization".to_owned(),
        Level::Environment(environment) => format!("Environment {}", environment.name()),
        Level::Project(_) => format!("Project {project}"),
        Level::ApiKey(id) => format!("Key {id} of {project}"),
        Level::User(id) => format!("Member {id}"),
        Level::ServiceAccount(id) => format!("Service account {id} of {project}"),
    };
    Ok(match &allowance.scope.model {
        Some(model) => format!("{whose}, model {model}"),
        None => whose,
    })
}

/// Raises what was approved. Returns what the trail keeps of it.
///
/// # Errors
/// Conflicts `allowance_gone`, `not_a_raise`, `raise_over`, `raise_in_force`, `requester_lost_rights`.
pub(crate) async fn carry_out(
    control: &Control,
    grant: &Grant,
    change: &mut Change,
    (approval, raise, requester): (&Approval, &AllowanceRaise, &Standing),
) -> Result<Value, Failure> {
    no_raise_in_force(change, raise.allowance_id).await?;
    let before = lock_allowance(change, grant, raise.allowance_id).await.map_err(gone)?;
    let project = stored::project_of_level(&control.store, grant, &before.scope.level).await.map_err(gone)?;
    if !requester.rights_at(project).holds(Permission::AllowanceRead) {
        return Err(requester_lost_rights().into());
    }
    raise.fits(&before, change.at())?;
    raise_allowance(change, approval, &before, raise.amount).await?;
    Ok(json!({"amount_before": before.amount, "amount": raise.amount}))
}

/// Takes a raise back whose time is over. Returns what the trail keeps of it.
///
/// # Errors
/// `store_unavailable`.
pub(crate) async fn end(
    change: &mut Change,
    approval: &Approval,
    raise: &AllowanceRaise,
) -> Result<AuditEntry, Failure> {
    let (before, after) = match end_raise(change, approval).await? {
        Some((raised, before)) => (json!({"amount": raised}), json!({"amount": before})),
        None => (Value::Null, Value::Null),
    };
    let named = |mut facts: Value| {
        facts["allowance_id"] = json!(raise.allowance_id);
        facts
    };
    Ok(AuditEntry::new(Verb::AllowanceRaiseEnded, approval.id).before(named(before)).after(named(after)))
}

/// What was to be raised is not there any more.
fn gone(error: store::Error) -> Failure {
    match error {
        store::Error::NotFound { .. } => {
            let sentence = "This allowance is not there any more. Refuse the request.";
            Error::conflict("allowance_gone", sentence).into()
        }
        other => other.into(),
    }
}
