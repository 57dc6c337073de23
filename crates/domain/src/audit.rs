//! The audit trail: one record per change, refused attempt or sensitive read, chained by hash per organization.

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{AuditId, OrganizationId, ProjectId};
use crate::time::Timestamp;

macro_rules! verbs {
    ($($variant:ident = $name:literal, $openai:expr;)*) => {
        /// What was done. The name is `noun.verb` in the past tense.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Verb { $(#[doc = concat!("`", $name, "`.")] $variant,)* }

        impl Verb {
            /// Every verb.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its stable name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Its name in the compatible API's audit log, where that knows it.
            pub const fn openai(self) -> Option<&'static str> {
                match self { $(Self::$variant => $openai,)* }
            }
        }
    };
}

verbs! {
    OrganizationCreated = "organization.created", None;
    OrganizationUpdated = "organization.updated", Some("organization.updated");
    UserAdded = "user.added", Some("user.added");
    UserUpdated = "user.updated", Some("user.updated");
    UserRemoved = "user.deleted", Some("user.deleted");
    PasswordChanged = "password.changed", None;
    SignedIn = "login.succeeded", Some("login.succeeded");
    SignInFailed = "login.failed", Some("login.failed");
    SignedOut = "logout.succeeded", Some("logout.succeeded");
    InviteSent = "invite.sent", Some("invite.sent");
    InviteAccepted = "invite.accepted", Some("invite.accepted");
    InviteRevoked = "invite.deleted", Some("invite.deleted");
    ProjectCreated = "project.created", Some("project.created");
    ProjectUpdated = "project.updated", Some("project.updated");
    ProjectArchived = "project.archived", Some("project.archived");
    ProjectRestored = "project.restored", None;
    ProjectMemberAdded = "project_member.added", None;
    ProjectMemberUpdated = "project_member.updated", None;
    ProjectMemberRemoved = "project_member.removed", None;
    ServiceAccountCreated = "service_account.created", Some("service_account.created");
    ServiceAccountUpdated = "service_account.updated", Some("service_account.updated");
    ServiceAccountDeleted = "service_account.deleted", Some("service_account.deleted");
    ApiKeyCreated = "api_key.created", Some("api_key.created");
    ApiKeyUpdated = "api_key.updated", Some("api_key.updated");
    ApiKeyRotated = "api_key.rotated", None;
    ApiKeyDisabled = "api_key.disabled", None;
    ApiKeyEnabled = "api_key.enabled", None;
    ApiKeyRevoked = "api_key.deleted", Some("api_key.deleted");
    ModelPermissionsSet = "model_permissions.updated", None;
    ModelPermissionsCleared = "model_permissions.deleted", None;
    AdminKeyCreated = "admin_key.created", None;
    AdminKeyRevoked = "admin_key.deleted", None;
    ProviderAttached = "provider.attached", None;
    ProviderUpdated = "provider.updated", None;
    ProviderRemoved = "provider.removed", None;
    PriceSet = "price.set", None;
    PricesImported = "price.imported", None;
    AllowanceCreated = "allowance.created", None;
    AllowanceUpdated = "allowance.updated", None;
    AllowanceDeleted = "allowance.deleted", None;
    OrganizationSuspended = "organization.suspended", None;
    OrganizationReactivated = "organization.reactivated", None;
    OrganizationClosed = "organization.closed", None;
    OrganizationExported = "organization.exported", None;
    OrganizationPurged = "organization.purged", None;
    UserSuspended = "user.suspended", None;
    UserReactivated = "user.reactivated", None;
    UserLeft = "user.left", None;
    InviteResent = "invite.resent", None;
    PasswordResetOffered = "password_reset.offered", None;
    PasswordReset = "password.reset", None;
    EmailChangeOffered = "email_change.offered", None;
    EmailChanged = "email.changed", None;
    OwnershipTransferred = "ownership.transferred", None;
    HandoverResolved = "handover.resolved", None;
    HandoverExpired = "handover.expired", None;
    RoleCreated = "role.created", Some("role.created");
    RoleUpdated = "role.updated", Some("role.updated");
    RoleDeleted = "role.deleted", Some("role.deleted");
    RoleAssigned = "role.assignment.created", Some("role.assignment.created");
    RoleUnassigned = "role.assignment.deleted", Some("role.assignment.deleted");
    GroupCreated = "group.created", Some("group.created");
    GroupUpdated = "group.updated", Some("group.updated");
    GroupDeleted = "group.deleted", Some("group.deleted");
    GroupMemberAdded = "group_member.added", None;
    GroupMemberRemoved = "group_member.removed", None;
    ElevationRequested = "elevation.requested", None;
    ApprovalGiven = "approval.given", None;
    ApprovalRefused = "approval.refused", None;
    ApprovalWithdrawn = "approval.withdrawn", None;
    ApprovalExpired = "approval.expired", None;
    ElevationEnded = "elevation.ended", None;
    ProjectCreationRequested = "project_creation.requested", None;
    AllowanceRaiseRequested = "allowance_raise.requested", None;
    AllowanceRaiseEnded = "allowance_raise.ended", None;
    ChangeRequested = "change.requested", None;
    ChangeLapsed = "change.lapsed", None;
    ReviewOpened = "review.opened", None;
    ReviewDecided = "review.decided", None;
    ReviewClosed = "review.closed", None;
    PolicySet = "policy.set", None;
    PolicyCleared = "policy.cleared", None;
    PolicyKept = "policy.kept", None;
    PolicyUndone = "policy.undone", None;
    ExceptionGiven = "policy_exception.given", None;
    ExceptionEnded = "policy_exception.ended", None;
    UsagePurged = "usage.purged", None;
    AuditPurged = "audit.purged", None;
    WebhookCreated = "webhook.created", None;
    WebhookUpdated = "webhook.updated", None;
    WebhookDeleted = "webhook.deleted", None;
    WebhookRotated = "webhook.rotated", None;
    WebhookTested = "webhook.tested", None;
    WebhookReplayed = "webhook.replayed", None;
    MailTested = "mail.tested", None;
    NoticeChanged = "notice.changed", None;
    AttemptRefused = "attempt.refused", None;
}

impl Verb {
    /// The verb of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|verb| verb.name() == name)
    }
}

/// Who acted, as the trail keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditActor {
    /// `user` or `system`.
    pub kind: String,
    /// The user's id, or the task's name.
    pub id: String,
    /// The user's address at that moment.
    pub email: Option<String>,
    /// `session`, `admin_key` or `task`.
    pub credential_kind: String,
    /// The session's or key's id.
    pub credential_id: Option<String>,
    /// The network address.
    pub address: Option<String>,
    /// The `user-agent` header.
    pub user_agent: Option<String>,
    /// The request's id, as told to the caller.
    pub request_id: Option<String>,
    /// Until when rights that end by themselves last, in Unix seconds, where the user acted with some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elevated_until: Option<i64>,
}

/// What a change says of itself; who and when are added by the door.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// What was done.
    pub verb: Verb,
    /// The id of what it was done to.
    pub target_id: String,
    /// The project it belongs to.
    pub project_id: Option<ProjectId>,
    /// What held before, without secrets; null when there was nothing.
    pub before: Value,
    /// What holds after, without secrets; null when there is nothing.
    pub after: Value,
}

impl AuditEntry {
    /// A change of something; fill in `before`, `after` and the project with struct update.
    pub fn new(verb: Verb, target_id: impl ToString) -> Self {
        Self {
            verb,
            target_id: target_id.to_string(),
            project_id: None,
            before: Value::Null,
            after: Value::Null,
        }
    }

    /// In this project.
    #[must_use]
    pub fn in_project(mut self, project: ProjectId) -> Self {
        self.project_id = Some(project);
        self
    }

    /// With what held before.
    #[must_use]
    pub fn before(mut self, value: Value) -> Self {
        self.before = value;
        self
    }

    /// With what holds after.
    #[must_use]
    pub fn after(mut self, value: Value) -> Self {
        self.after = value;
        self
    }
}

/// One record of the trail.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditRecord {
    /// Its id.
    pub id: AuditId,
    /// The organization whose chain it is in; none for the instance's own chain.
    pub organization_id: Option<OrganizationId>,
    /// Its place in the chain, from 1, without gaps.
    pub sequence: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: AuditActor,
    /// What.
    pub entry: AuditEntry,
    /// How many alike attempts a coalesced record stands for; 1 otherwise.
    pub count: i64,
    /// The hash of the record before; 64 zeros for the first.
    pub previous_hash: String,
    /// The hash of this record.
    pub hash: String,
}

/// The hash before the first record.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

impl AuditRecord {
    /// SHA-256, in lower-case hexadecimal, over the previous hash and every field, each preceded by its length
    /// so that no two records can share a text.
    pub fn compute_hash(&self) -> String {
        let actor = serde_json::to_string(&self.actor).unwrap_or_default();
        let fields = [
            self.previous_hash.clone(),
            self.id.to_string(),
            self.organization_id.map(|id| id.to_string()).unwrap_or_default(),
            self.sequence.to_string(),
            self.at.unix_micros().to_string(),
            actor,
            self.entry.verb.name().to_owned(),
            self.entry.target_id.clone(),
            self.entry.project_id.map(|id| id.to_string()).unwrap_or_default(),
            self.entry.before.to_string(),
            self.entry.after.to_string(),
            self.count.to_string(),
        ];
        let mut context = digest::Context::new(&digest::SHA256);
        for field in fields {
            context.update(&(field.len() as u64).to_be_bytes());
            context.update(field.as_bytes());
        }
        context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Where a chain breaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChainBreak {
    /// The place in the chain.
    pub sequence: i64,
    /// What is wrong there.
    pub reason: String,
}

/// Walks one chain, record by record in order of sequence.
#[derive(Debug)]
pub struct ChainWalk {
    sequence: i64,
    hash: String,
}

impl Default for ChainWalk {
    fn default() -> Self {
        Self { sequence: 0, hash: GENESIS.to_owned() }
    }
}

impl ChainWalk {
    /// Goes on behind the last record that was purged.
    pub fn behind(sequence: i64, hash: String) -> Self {
        Self { sequence, hash }
    }

    /// Checks the next record.
    ///
    /// # Errors
    /// The break: a gap, another predecessor, or contents that do not give the stored hash.
    pub fn step(&mut self, record: &AuditRecord) -> Result<(), ChainBreak> {
        let broken = |reason: &str| ChainBreak { sequence: record.sequence, reason: reason.to_owned() };
        if record.sequence != self.sequence + 1 {
            return Err(broken("a record is missing or out of order"));
        }
        if record.previous_hash != self.hash {
            return Err(broken("the record before it is not the one it was chained to"));
        }
        if record.compute_hash() != record.hash {
            return Err(broken("the record was changed"));
        }
        self.sequence = record.sequence;
        self.hash.clone_from(&record.hash);
        Ok(())
    }

    /// Checks that the chain ends where its head says.
    ///
    /// # Errors
    /// The break: records are missing at the end.
    pub fn finish(&self, head_sequence: i64, head_hash: &str) -> Result<(), ChainBreak> {
        if self.sequence == head_sequence && self.hash == head_hash {
            return Ok(());
        }
        Err(ChainBreak { sequence: head_sequence, reason: "records are missing at the end".to_owned() })
    }
}
