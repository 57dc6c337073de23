//! Hand-overs: what lost its owner goes on until a deadline instead of going dark, and waits for another owner.

use crate::access::Standing;
use crate::error::Error;
use crate::ids::{HandoverId, KeyId, OrganizationId, ProjectId, ServiceAccountId, UserId};
use crate::policy::Effective;
use crate::time::{DAY, Timestamp};

/// For so long, in microseconds, what lost its owner goes on without one, where policy sets nothing else.
pub const HANDOVER_TIME: i64 = 7 * DAY;

/// For so long, in microseconds, what loses its owner goes on without one, by what `handover.deadline_days` says.
pub fn time_of(deadline: &Effective) -> i64 {
    deadline.enforced.amount().map_or(HANDOVER_TIME, |days| days.saturating_mul(DAY))
}

/// A key of a production project is needed there when it was used within so many microseconds.
pub const NEEDED_WITHIN: i64 = 30 * DAY;

/// What lost its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A service account whose named key owner is gone.
    ServiceAccount(ServiceAccountId),
    /// A person's own key that production needs.
    ApiKey(KeyId),
    /// A project without an owner, or without its accountable one.
    Project(ProjectId),
}

impl Subject {
    /// The subject of a kind's word and an id's text.
    pub fn parse(kind: &str, id: &str) -> Option<Self> {
        match kind {
            "service_account" => id.parse().ok().map(Self::ServiceAccount),
            "api_key" => id.parse().ok().map(Self::ApiKey),
            "project" => id.parse().ok().map(Self::Project),
            _ => None,
        }
    }

    /// The word of its kind.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::ServiceAccount(_) => "service_account",
            Self::ApiKey(_) => "api_key",
            Self::Project(_) => "project",
        }
    }

    /// Its id.
    pub fn id(self) -> String {
        match self {
            Self::ServiceAccount(id) => id.to_string(),
            Self::ApiKey(id) => id.to_string(),
            Self::Project(id) => id.to_string(),
        }
    }
}

/// Why it lost its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The owner left the organization.
    Left,
    /// The owner was removed from it.
    Removed,
    /// The owner was suspended for good.
    Suspended,
    /// The owner was taken out of the project.
    LeftProject,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 4] = [Self::Left, Self::Removed, Self::Suspended, Self::LeftProject];

    /// The word on the wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Removed => "removed",
            Self::Suspended => "suspended",
            Self::LeftProject => "left_project",
        }
    }

    /// The cause of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.name() == word)
    }
}

/// How a hand-over stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Waits for another owner; until the deadline everything goes on.
    Open,
    /// Somebody else owns it now.
    Resolved,
    /// It was ended.
    Ended,
    /// The deadline passed: its keys are disabled. It can still be resolved, which enables them again.
    Expired,
    /// The owner came back.
    Returned,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Open, Self::Resolved, Self::Ended, Self::Expired, Self::Returned];

    /// The word on the wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Resolved => "resolved",
            Self::Ended => "ended",
            Self::Expired => "expired",
            Self::Returned => "returned",
        }
    }

    /// The state of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == word)
    }
}

/// Something that lost its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handover {
    /// Its id.
    pub id: HandoverId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The project that it belongs to, or is.
    pub project_id: ProjectId,
    /// What lost its owner.
    pub subject: Subject,
    /// Who owned it.
    pub from: UserId,
    /// Why they do not any more.
    pub cause: Cause,
    /// Since when.
    pub opened_at: Timestamp,
    /// Until when it goes on without an owner.
    pub due_at: Timestamp,
    /// How it stands.
    pub state: State,
    /// Who owns it now, once it is resolved.
    pub to: Option<UserId>,
    /// Who decided; none for what happened by itself.
    pub closed_by: Option<UserId>,
    /// When it was decided, or its deadline passed.
    pub closed_at: Option<Timestamp>,
}

impl Handover {
    /// Refuses what was decided already. What expired can still be decided.
    ///
    /// # Errors
    /// Conflict `handover_closed`.
    pub fn can_be_decided(&self) -> Result<(), Error> {
        match self.state {
            State::Open | State::Expired => Ok(()),
            State::Resolved | State::Ended | State::Returned => {
                Err(Error::conflict("handover_closed", "This was decided already. Load the list again."))
            }
        }
    }

    /// Whether somebody who stands so may have it. Keys go to who may have keys of their own in the project; of a
    /// project every member may become owner.
    ///
    /// # Errors
    /// `owner_not_in_project`.
    pub fn may_go_to(&self, standing: &Standing) -> Result<(), Error> {
        match self.subject {
            Subject::Project(_) => Ok(()),
            Subject::ApiKey(_) | Subject::ServiceAccount(_) if standing.holds_keys_in(self.project_id) => {
                Ok(())
            }
            Subject::ApiKey(_) | Subject::ServiceAccount(_) => {
                let sentence =
                    "The new owner has to work in the project, in a role that has keys and does not end.";
                Err(Error::invalid_param("owner_not_in_project", "owner_id", sentence))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{OrganizationRole, ProjectRole};

    fn handover(subject: Subject, state: State) -> Handover {
        let at = Timestamp::from_unix_seconds(1);
        Handover {
            id: HandoverId::from_parts(at, 1),
            organization_id: OrganizationId::from_parts(at, 1),
            project_id: ProjectId::from_parts(at, 1),
            subject,
            from: UserId::from_parts(at, 1),
            cause: Cause::Left,
            opened_at: at,
            due_at: at.plus_micros(HANDOVER_TIME),
            state,
            to: None,
            closed_by: None,
            closed_at: None,
        }
    }

    #[test]
    fn words_round_trip() {
        let at = Timestamp::from_unix_seconds(1);
        for subject in [
            Subject::ServiceAccount(ServiceAccountId::from_parts(at, 2)),
            Subject::ApiKey(KeyId::from_parts(at, 2)),
            Subject::Project(ProjectId::from_parts(at, 2)),
        ] {
            assert_eq!(Subject::parse(subject.kind(), &subject.id()), Some(subject));
            assert_eq!(Subject::parse("api_key", "proj_x"), None);
        }
        assert!(State::ALL.into_iter().all(|state| State::parse(state.name()) == Some(state)));
        assert!(Cause::ALL.into_iter().all(|cause| Cause::parse(cause.name()) == Some(cause)));
    }

    #[test]
    fn only_what_is_open_or_expired_can_be_decided() {
        let key = Subject::ApiKey(KeyId::from_parts(Timestamp::from_unix_seconds(1), 2));
        let decidable: Vec<State> =
            State::ALL.into_iter().filter(|state| handover(key, *state).can_be_decided().is_ok()).collect();
        assert_eq!(decidable, [State::Open, State::Expired]);
    }

    #[test]
    fn keys_go_to_who_works_in_the_project_and_projects_to_any_member() {
        let key =
            handover(Subject::ApiKey(KeyId::from_parts(Timestamp::from_unix_seconds(1), 2)), State::Open);
        let project = handover(Subject::Project(key.project_id), State::Open);
        let standing = |role: Option<ProjectRole>| {
            let roles: Vec<_> = role.map(|role| (key.project_id, role)).into_iter().collect();
            Standing::of_roles(key.organization_id, OrganizationRole::Member, &roles)
        };
        for (role, may) in
            [(None, false), (Some(ProjectRole::Viewer), false), (Some(ProjectRole::Member), true)]
        {
            assert_eq!(key.may_go_to(&standing(role)).is_ok(), may, "{role:?}");
            assert!(project.may_go_to(&standing(role)).is_ok());
        }
    }
}
