//! Timed elevation: a member asks for a role of the organization for a stated time and reason, somebody else approves,
//! and it ends by itself.
//!
//! What an elevated person does is within their rights of that moment, and the trail says of each act until when they
//! are elevated. Three things an elevation does not do: it approves no request, it gives its holder nothing for good,
//! and it neither counts as the last Admin nor carries keys.

pub mod api;
pub(crate) mod console;

use domain::Error;
use domain::access::{Grant, OrganizationRole, Permission, RoleRef, Standing, Target, authorize};
use domain::approvals::{Approval, Asked, Decider, Elevation};
use domain::audit::{AuditEntry, Verb};
use domain::ids::ApprovalId;
use serde_json::json;
use store::{AskedApproval, Change};

use crate::approvals::{self, Ask, person, read_approval};
use crate::projects::organization_of;
use crate::{Control, Failure};

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
/// `invalid_duration`, `reason_required`, `text_too_long`, `invalid_text`; conflicts `already_held`, `already_elevated`,
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
    let &Asked::Elevation(elevation) = &approval.asked else {
        return Err(Error::Hidden { what: "elevation" }.into());
    };
    if !approval.is_in_force(change.at()) {
        return Err(Error::conflict("elevation_over", "This elevation is not in force.").into());
    }
    let approval = Approval { ended_at: Some(change.at()), ..approval };
    let entry = end(&mut change, &approval, elevation, &seen.requester.email).await?;
    change.write_approval(&approval).await?;
    control.commit(change, entry).await?;
    Ok(control.store.approval(grant, id).await?)
}

/// Takes back what was given. Returns what the trail keeps of it.
pub(crate) async fn end(
    change: &mut Change,
    approval: &Approval,
    Elevation { role, .. }: Elevation,
    email: &str,
) -> Result<AuditEntry, Failure> {
    change.end_role(approval, (approval.requested_by, RoleRef::Organization(role))).await?;
    let is_early = approval.ended_at < approval.ends_at;
    Ok(AuditEntry::new(Verb::ElevationEnded, approval.id)
        .before(json!({"email": email, "user_id": approval.requested_by, "role": role.name()}))
        .after(json!({"ended": if is_early { "early" } else { "by_itself" }})))
}
