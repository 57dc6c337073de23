//! Approvals: what somebody asks for and a second person decides.
//!
//! One noun for everything that needs a second person. What was asked for is carried out in the same change in which
//! it is approved, within the rights that both have at that moment, so an approval that nobody decides gives nothing.
//! **Nobody decides about their own request**: a person is their user, whatever session or key they come with.
//! **Only lasting rights approve**: rights that end by themselves came from an approval, and chains of those would
//! let two people keep each other Admin for ever.

use crate::access::{Permission, Standing};
use crate::error::Error;
use crate::ids::{ApprovalId, OrganizationId, ProjectId, UserId};
use crate::organizations::OrganizationState;
use crate::text;
use crate::time::{DAY, HOUR, MINUTE, SECOND, Timestamp};

mod asked;

pub use asked::{AllowanceRaise, Asked, ChangeKind, Elevation, GuardedChange, Kind, ProjectCreation};

/// How long a request waits to be decided, in microseconds: seven days.
pub const APPROVAL_LIFETIME: i64 = 7 * DAY;
/// The shortest elevation, in seconds: 15 minutes.
pub const SHORTEST_ELEVATION: i64 = 15 * MINUTE / SECOND;
/// The longest elevation, in seconds: 12 hours.
pub const LONGEST_ELEVATION: i64 = 12 * HOUR / SECOND;
/// For how long a change that was approved can be made, in seconds: a day.
pub const CHANGE_TIME: i64 = DAY / SECOND;
/// The longest raise for a time, in seconds: a year.
pub const LONGEST_RAISE: i64 = 366 * DAY / SECOND;
/// How many requests of one person wait at most.
pub const MOST_WAITING: i64 = 20;

/// A duration as people say it: `15 minutes`, `1 hour`, `2 hours 30 minutes`. Less than a minute is `1 minute`.
pub fn duration_words(seconds: i64) -> String {
    let minutes = (seconds / 60).max(1);
    let counted = |count: i64, noun: &str| match count {
        0 => None,
        1 => Some(format!("1 {noun}")),
        _ => Some(format!("{count} {noun}s")),
    };
    let parts = [counted(minutes / 60, "hour"), counted(minutes % 60, "minute")];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// Who may decide: whoever holds a permission in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decider {
    /// The permission.
    pub permission: Permission,
    /// The project in which it is to be held; none for the organization.
    pub project_id: Option<ProjectId>,
}

impl Decider {
    /// Whoever may decide requests of the whole organization.
    pub const OF_ORGANIZATION: Self = Self { permission: Permission::ApprovalDecide, project_id: None };
}

/// What has become of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// It waits.
    Pending,
    /// It was carried out.
    Approved,
    /// A second person said no.
    Refused,
    /// Who asked took it back.
    Withdrawn,
    /// Nobody decided in time.
    Expired,
}

impl State {
    /// Every state.
    pub const ALL: &'static [Self] =
        &[Self::Pending, Self::Approved, Self::Refused, Self::Withdrawn, Self::Expired];

    /// The word on the wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
        }
    }

    /// The state of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.name() == word)
    }
}

/// A request that needs a second person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Its id.
    pub id: ApprovalId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// What was asked for.
    pub asked: Asked,
    /// Why.
    pub reason: String,
    /// Who asked.
    pub requested_by: UserId,
    /// The id of what it is about: the person who gets a role, the allowance, the project; of a project that is not
    /// there yet its name.
    pub subject_id: String,
    /// Who may decide.
    pub decider: Decider,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// Until when it can be decided.
    pub expires_at: Timestamp,
    /// What was written down of it; `state_at` says what holds.
    pub state: State,
    /// Who decided.
    pub decided_by: Option<UserId>,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// What they said.
    pub note: String,
    /// When what was carried out ends by itself.
    pub ends_at: Option<Timestamp>,
    /// When it ended, early or by itself.
    pub ended_at: Option<Timestamp>,
}

/// Somebody with what they are in the organization at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Party<'a> {
    /// The person.
    pub user_id: UserId,
    /// What they are; none when they are not a member any more, or suspended.
    pub standing: Option<&'a Standing>,
}

impl Approval {
    /// What has become of it at a moment, also before its expiry was written down.
    pub fn state_at(&self, at: Timestamp) -> State {
        match self.state {
            State::Pending if at >= self.expires_at => State::Expired,
            state => state,
        }
    }

    /// Whether what was carried out is still in force at a moment.
    pub fn is_in_force(&self, at: Timestamp) -> bool {
        let runs = self.ended_at.is_none() && self.ends_at.is_none_or(|ends_at| at < ends_at);
        self.state == State::Approved && runs
    }

    /// Whether this person may decide it at all: a second person with the permission in the place.
    ///
    /// # Errors
    /// `self_approval`; `missing_permission`; conflict `approval_decided`.
    pub fn decide(&self, by: Party<'_>, at: Timestamp) -> Result<(), Error> {
        if by.user_id == self.requested_by || by.user_id.to_string() == self.subject_id {
            let sentence = "Nobody decides about their own request. Another person has to.";
            return Err(Error::forbidden("self_approval", sentence));
        }
        let Decider { permission, project_id } = self.decider;
        if !by.standing.is_some_and(|standing| standing.rights_at(project_id).holds(permission)) {
            let sentence = format!("Missing scopes: {permission}. {}", permission.sentence());
            return Err(Error::forbidden("missing_permission", sentence));
        }
        self.still_waits(at)
    }

    /// Whether this person may approve it, so that it is carried out for the requester: both within their rights now.
    /// Returns what the requester is.
    ///
    /// # Errors
    /// Those of `decide`; `organization_suspended`, `feature_off`; `lasting_rights_required` for who is elevated
    /// themselves; `wider_than_giver`; conflict `requester_gone`.
    pub fn approve<'a>(
        &self,
        by: Party<'_>,
        requester: Option<&'a Standing>,
        at: Timestamp,
    ) -> Result<&'a Standing, Error> {
        self.decide(by, at)?;
        let Some(theirs) = requester else {
            let sentence = "Who asked is not an active member any more. Refuse the request.";
            return Err(Error::conflict("requester_gone", sentence));
        };
        if theirs.state != OrganizationState::Active {
            let sentence =
                format!("This organization is {}. An Admin can reactivate it.", theirs.state.name());
            return Err(Error::forbidden("organization_suspended", sentence));
        }
        if let Some(feature) = self.asked.kind().feature().filter(|one| theirs.features_off.holds(*one)) {
            let sentence = format!("This organization has switched off {}.", feature.name());
            return Err(Error::forbidden("feature_off", sentence));
        }
        self.covers(by)?;
        Ok(theirs)
    }

    /// Whether this person may take it back.
    ///
    /// # Errors
    /// `not_requester`; conflict `approval_decided`.
    pub fn withdraw(&self, by: UserId, at: Timestamp) -> Result<(), Error> {
        if by != self.requested_by {
            return Err(Error::forbidden("not_requester", "Only who asked can take a request back."));
        }
        self.still_waits(at)
    }

    /// The rights of who approves, without those that end by themselves, hold what is given.
    fn covers(&self, by: Party<'_>) -> Result<(), Error> {
        let Decider { permission, project_id } = self.decider;
        let rights = |standing: &Standing| standing.rights_at(project_id);
        let lasting = by.standing.map(|standing| rights(&standing.lasting())).unwrap_or_default();
        let present = by.standing.map(rights).unwrap_or_default();
        let needed = self.asked.gives().with(permission);
        if needed.is_within(lasting) {
            return Ok(());
        }
        if needed.is_within(present) {
            let sentence =
                "You have these rights only for a while. Somebody who has them for good has to approve.";
            return Err(Error::forbidden("lasting_rights_required", sentence));
        }
        let missing = needed.without(present).names().join(", ");
        let sentence = format!("You cannot give rights that you do not have: {missing}.");
        Err(Error::forbidden("wider_than_giver", sentence))
    }

    fn still_waits(&self, at: Timestamp) -> Result<(), Error> {
        match self.state_at(at) {
            State::Pending => Ok(()),
            state => Err(decided(state)),
        }
    }
}

/// Somebody else was first.
pub fn decided(state: State) -> Error {
    Error::conflict(
        "approval_decided",
        format!("This request cannot be decided any more: it is {}.", state.name()),
    )
}

/// Who asked has lost meanwhile what they need for it.
pub fn requester_lost_rights() -> Error {
    let sentence = "Who asked may not have this any more. Refuse the request.";
    Error::conflict("requester_lost_rights", sentence)
}

/// Why something is asked for: 1 to 2,000 characters.
///
/// # Errors
/// `reason_required`, `text_too_long`, `invalid_text`.
pub fn reason(typed: &str) -> Result<String, Error> {
    let reason = text::free(typed, "reason")?;
    if reason.is_empty() {
        let sentence = "Say why. The second person reads it, and the audit trail keeps it.";
        return Err(Error::invalid_param("reason_required", "reason", sentence));
    }
    Ok(reason)
}

#[cfg(test)]
mod tests;
