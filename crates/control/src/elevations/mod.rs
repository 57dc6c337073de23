//! Timed elevation: a member asks for a role of the organization for a stated time and reason, somebody else approves,
//! and it ends by itself.
//!
//! What an elevated person does is within their rights of that moment, and the trail says of each act until when they
//! are elevated. Three things an elevation does not do: it approves no request, it gives its holder nothing for good,
//! and it neither counts as the last Admin nor carries keys.

pub mod api;
//CONSOLE

use domain::Error;
use domain::access::{Grant, OrganizationRole, Permission, RoleRef, Standing, Target, Task, authorize};
use domain::approvals::{Approval, Asked, Decider, Elevation};
use domain::audit::{AuditEntry, Verb};
use domain::ids::{ApprovalId, OrganizationId};
use serde_json::json;
use store::{AskedApproval, Change};

use crate::approvals::{self, Ask, person, read_approval};
use crate::projects::organization_of;
use crate::{Control, Failure};

/// How many elevations that ran out one round ends.
const AT_A_TIME: i64 = 500;

/// What asking for an elevation takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewElevation {
    /// The role.
    pub role: OrganizationRole,
    /// For how long after the approval, in seconds.
    pub duration_seconds: i64,
    /// Why.
    pub reason: String,
}

/// Asks for a role of the organization for a while, for oneself.
///
/// # Errors
/// `invalid_duration`, `reason_required`, `text_too_long`; conflicts `already_held`, `already_elevated`,
/// `already_requested`.
pub async fn request_elevation(
    control: &Control,
    grant: &Grant,
    new: NewElevation,
) -> Result<AskedApproval, Failure> {
    let (actor, organization) = (person(grant)?, organization_of(grant)?);
    let mut change = control.change(grant).await?;
    change.lock_memberships(grant).await?;
    let standing = change.standing(actor.user_id, organization).await?;
    let standing = standing.ok_or(Error::Hidden { what: "organization" })?;
    let elevation = Elevation::checked(new.role, new.duration_seconds, &standing)?;
    let ask = Ask {
        asked: Asked::Elevation(elevation),
        subject_id: actor.user_id.to_string(),
        reason: &new.reason,
        decider: Decider::OF_ORGANIZATION,
    };
    approvals::ask(control, grant, change, ask).await
}

/// Gives what was approved, unless it would give nothing any more.
///
/// # Errors
/// Conflicts `already_held`, `already_elevated`.
pub(crate) async fn carry_out(
    change: &mut Change,
    approval: &Approval,
    elevation: Elevation,
    requester: &Standing,
) -> Result<(), Failure> {
    let Elevation { role, duration_seconds } = elevation;
    Elevation::checked(role, duration_seconds, requester)?;
    let ends_at = change.at().plus_seconds(duration_seconds);
    let to = (approval.requested_by, RoleRef::Organization(role));
    Ok(change.give_role_until(approval, to, ends_at).await?)
}

/// Ends an elevation before its time: one's own, or anybody's for who may decide about requests.
///
/// # Errors
/// `not_found`; `missing_permission`; conflict `elevation_over` for one that is not in force.
pub async fn end_elevation(
    control: &Control,
    grant: &Grant,
    id: ApprovalId,
) -> Result<AskedApproval, Failure> {
    let (actor, organization) = (person(grant)?, organization_of(grant)?);
    let seen = read_approval(control, grant, id).await?;
    if seen.approval.requested_by != actor.user_id {
        authorize(actor, Permission::ApprovalDecide, Target::Organization(organization))?;
    }
    let mut change = control.change(grant).await?;
    change.lock_memberships(grant).await?;
    let approval = change.lock_approval(grant, id).await?;
    if !approval.is_in_force(change.at()) {
        return Err(Error::conflict("elevation_over", "This elevation is not in force.").into());
    }
    let at = change.at();
    end(control, change, Approval { ended_at: Some(at), ..approval }, &seen.requester.email).await?;
    Ok(control.store.approval(grant, id).await?)
}

/// Writes down that elevations ended whose time ran out; they gave nothing any more from that moment on. Returns how
/// many.
///
/// # Errors
/// `store_unavailable`.
pub async fn end_due(control: &Control) -> Result<usize, Failure> {
    let everywhere = Grant::system(Task::Deadlines, None);
    let due = control.store.run_out_approvals(&everywhere, control.now(), AT_A_TIME).await?;
    let count = due.len();
    for (organization, id) in due {
        end_one(control, organization, id).await?;
    }
    Ok(count)
}

async fn end_one(control: &Control, organization: OrganizationId, id: ApprovalId) -> Result<(), Failure> {
    let grant = Grant::system(Task::Deadlines, Some(organization));
    let mut change = control.change(&grant).await?;
    change.lock_memberships(&grant).await?;
    let approval = change.lock_approval(&grant, id).await?;
    // Another replica was first.
    if approval.ended_at.is_some() {
        return Ok(());
    }
    let email = control.store.approval(&grant, id).await?.requester.email;
    end(control, change, Approval { ended_at: approval.ends_at, ..approval }, &email).await
}

async fn end(control: &Control, mut change: Change, approval: Approval, email: &str) -> Result<(), Failure> {
    let Asked::Elevation(Elevation { role, .. }) = approval.asked;
    change.end_role(&approval, (approval.requested_by, RoleRef::Organization(role))).await?;
    change.write_approval(&approval).await?;
    let is_early = approval.ended_at < approval.ends_at;
    let entry = AuditEntry::new(Verb::ElevationEnded, approval.id)
        .before(json!({"email": email, "user_id": approval.requested_by, "role": role.name()}))
        .after(json!({"ended": if is_early { "early" } else { "by_itself" }}));
    control.commit(change, entry).await
}
