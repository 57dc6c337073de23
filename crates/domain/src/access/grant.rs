//! The evidence that a permission was checked. The store asks for it at every door.

use std::net::IpAddr;

use super::permission::Permission;
use super::standing::Standing;
use crate::ids::{KeyId, OrganizationId, ProjectId, RequestId, SessionId, UserId};

/// What proved who is acting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A signed-in browser.
    Session(SessionId),
    /// An admin key, which acts as its owner within the owner's rights of the moment.
    AdminKey(KeyId),
    /// A background task of the system itself.
    Task(Task),
}

/// What the system does of its own accord: the closed list of work that needs no person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Task {
    /// Making the first organization and Admin, through the one-time link or `bootstrap`.
    SetUp,
    /// Signing a person in and out.
    SignIn,
    /// Answering an invitation.
    AcceptInvite,
    /// Filling a sample organization for `demo`.
    Demo,
    /// Loading what the gateway reads.
    Snapshot,
    /// Recomputing the ledger and the audit chain.
    Verify,
    /// Removing what has expired.
    Sweep,
    /// Writing down refused attempts.
    Refusals,
    /// Ending what reached its end: hand-overs, elevations, closed organizations.
    Deadlines,
    /// Removing records that policy does not keep any longer.
    Retention,
    /// What the operator does at the machine itself, by command line.
    Operator,
}

impl Task {
    /// Its name in the audit trail.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SetUp => "set_up",
            Self::SignIn => "sign_in",
            Self::AcceptInvite => "accept_invite",
            Self::Demo => "demo",
            Self::Snapshot => "snapshot",
            Self::Verify => "verify",
            Self::Sweep => "sweep",
            Self::Refusals => "refusals",
            Self::Deadlines => "deadlines",
            Self::Retention => "retention",
            Self::Operator => "operator",
        }
    }
}

/// Where a request came from, for the audit trail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The network address, where there is one.
    pub address: Option<IpAddr>,
    /// The `user-agent` header, cut to 256 characters.
    pub user_agent: Option<String>,
    /// The id that the caller was told.
    pub request_id: Option<RequestId>,
}

/// Who is acting, in which organization, proved by what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The person; an admin key's is its owner.
    pub user_id: UserId,
    /// Their address, for the audit trail.
    pub email: String,
    /// What proved it.
    pub credential: Credential,
    /// What they are in the organization in which they act; none on pages about their own account.
    pub standing: Option<Standing>,
    /// Where the request came from.
    pub origin: Origin,
}

/// On whose account a grant was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A person, directly or through their admin key.
    Person(Box<Actor>),
    /// The system itself.
    System(Task),
}

/// Which tenant data a grant reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The whole organization.
    All,
    /// Some projects, and of others only what the user owns in them.
    Some {
        /// Projects that are reached whole.
        whole: Vec<ProjectId>,
        /// Projects of which only the user's own things are reached.
        own: Vec<ProjectId>,
        /// That user.
        user_id: UserId,
    },
}

/// Evidence that `authorize` allowed `permission`; nothing else can make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    holder: Holder,
    permission: Option<Permission>,
    organization_id: Option<OrganizationId>,
    reach: Reach,
}

impl Grant {
    /// For `authorize` alone.
    pub(super) fn of_person(
        actor: &Actor,
        permission: Option<Permission>,
        organization_id: Option<OrganizationId>,
        reach: Reach,
    ) -> Self {
        Self { holder: Holder::Person(Box::new(actor.clone())), permission, organization_id, reach }
    }

    /// The grant of a background task, for one organization or, with none, for the instance.
    pub fn system(task: Task, organization_id: Option<OrganizationId>) -> Self {
        Self { holder: Holder::System(task), permission: None, organization_id, reach: Reach::All }
    }

    /// On whose account.
    pub fn holder(&self) -> &Holder {
        &self.holder
    }

    /// The acting person, unless it is the system.
    pub fn actor(&self) -> Option<&Actor> {
        match &self.holder {
            Holder::Person(actor) => Some(actor),
            Holder::System(_) => None,
        }
    }

    /// What was allowed; none for the system and for what everyone may do with their own account.
    pub fn permission(&self) -> Option<Permission> {
        self.permission
    }

    /// The organization; none for what belongs to a person or to the instance.
    pub fn organization_id(&self) -> Option<OrganizationId> {
        self.organization_id
    }

    /// Which projects.
    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// Whether a thing of this project, owned by this user, is within reach.
    pub fn reaches(&self, project: ProjectId, owner: Option<UserId>) -> bool {
        match &self.reach {
            Reach::All => true,
            Reach::Some { whole, own, user_id } => {
                whole.contains(&project) || (own.contains(&project) && owner == Some(*user_id))
            }
        }
    }
}
