//! Invitations: bound to one address, used once, expiring, never wider than the inviter's rights at acceptance.

use crate::access::{OrganizationRole, Permission, ProjectRole, Standing};
use crate::error::Error;
use crate::ids::{InviteId, OrganizationId, ProjectId, UserId};
use crate::organizations::OrganizationState;
use crate::time::{DAY, Timestamp};

/// How long an invitation can be accepted, in microseconds: seven days.
pub const INVITE_LIFETIME: i64 = 7 * DAY;

/// An invitation into one organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    /// Its id.
    pub id: InviteId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The only address that can accept it.
    pub email: String,
    /// The role that acceptance gives.
    pub role: OrganizationRole,
    /// The project roles that acceptance gives.
    pub projects: Vec<(ProjectId, ProjectRole)>,
    /// Who invited.
    pub invited_by: UserId,
    /// When it was sent.
    pub created_at: Timestamp,
    /// From when it cannot be accepted any more.
    pub expires_at: Timestamp,
    /// When it was accepted.
    pub accepted_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// How an invitation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InviteStatus {
    /// Can be accepted.
    Pending,
    /// Was accepted.
    Accepted,
    /// Cannot be accepted any more: its time passed, or it was revoked.
    Expired,
}

impl InviteStatus {
    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Expired => "expired",
        }
    }
}

impl Invite {
    /// How it stands at a moment.
    pub fn status(&self, at: Timestamp) -> InviteStatus {
        match () {
            () if self.accepted_at.is_some() => InviteStatus::Accepted,
            () if self.revoked_at.is_some() || at >= self.expires_at => InviteStatus::Expired,
            () => InviteStatus::Pending,
        }
    }

    /// Whether somebody who stands so may give what it gives: an Admin to the organization, a Project Owner, where
    /// the organization lets them, to their projects alone.
    pub fn is_within(&self, inviter: &Standing, owners_invite: bool) -> bool {
        let covers =
            |(project, role): &(ProjectId, ProjectRole)| inviter.covers(role.permissions(), Some(*project));
        let is_covered = inviter.state == OrganizationState::Active && self.projects.iter().all(covers);
        if inviter.rights().holds(Permission::InviteManage) {
            return is_covered && inviter.covers(self.role.permissions(), None);
        }
        let invites_here = |(project, _): &(ProjectId, ProjectRole)| {
            inviter.rights_in(*project).holds(Permission::ProjectInvite)
        };
        let is_theirs = !self.projects.is_empty() && self.projects.iter().all(invites_here);
        owners_invite && is_theirs && is_covered && self.role == OrganizationRole::Member
    }

    /// Whether this address may accept it now, given whether the inviter could still invite so.
    ///
    /// # Errors
    /// `invite_not_valid` for every cause alike, so that a stolen link tells nothing.
    pub fn accept(&self, email: &str, at: Timestamp, inviter_may: bool) -> Result<(), Error> {
        let stands = self.status(at) == InviteStatus::Pending && self.email == email && inviter_may;
        stands.then_some(()).ok_or_else(|| {
            Error::invalid("invite_not_valid", "This invitation is no longer valid. Ask for a new one.")
        })
    }
}
