//! The names of events as the outside knows them. Every one comes from a verb of the audit trail, so that an event is
//! sent exactly for what was committed.

use crate::audit::Verb;

macro_rules! events {
    ($($name:literal: $($verb:ident)*;)*) => {
        /// A kind of event, by its name outside: `noun.what`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct EventType(&'static str);

        impl EventType {
            /// Every kind of event, by name.
            pub const ALL: &'static [Self] = &[$(Self($name),)*];

            /// The kind that a change of this verb is outside; none for what stays inside.
            pub const fn of(verb: Verb) -> Option<Self> {
                match verb {
                    $($(Verb::$verb)|* => Some(Self($name)),)*
                    _ => None,
                }
            }
        }
    };
}

events! {
    "approval.ended": AllowanceRaiseEnded ChangeLapsed;
    "approval.given": ApprovalGiven;
    "approval.refused": ApprovalRefused;
    "approval.requested": ElevationRequested ProjectCreationRequested AllowanceRaiseRequested ChangeRequested;
    "approval.withdrawn": ApprovalWithdrawn;
    "group.created": GroupCreated;
    "group.deleted": GroupDeleted;
    "group.member_added": GroupMemberAdded;
    "group.member_removed": GroupMemberRemoved;
    "group.updated": GroupUpdated;
    "handover.expired": HandoverExpired;
    "handover.resolved": HandoverResolved;
    "key.created": ApiKeyCreated;
    "key.deleted": ApiKeyRevoked;
    "key.disabled": ApiKeyDisabled;
    "key.enabled": ApiKeyEnabled;
    "key.rotated": ApiKeyRotated;
    "key.updated": ApiKeyUpdated;
    "member.invited": InviteSent InviteResent;
    "member.joined": InviteAccepted UserAdded;
    "member.reactivated": UserReactivated;
    "member.removed": UserRemoved UserLeft;
    "member.suspended": UserSuspended;
    "member.updated": UserUpdated;
    "organization.closed": OrganizationClosed;
    "organization.reactivated": OrganizationReactivated;
    "organization.suspended": OrganizationSuspended;
    "organization.updated": OrganizationUpdated;
    "policy.changed": PolicySet PolicyCleared PolicyKept PolicyUndone ModelPermissionsSet ModelPermissionsCleared;
    "policy.exception_ended": ExceptionEnded;
    "policy.exception_given": ExceptionGiven;
    "project.archived": ProjectArchived;
    "project.created": ProjectCreated;
    "project.member_added": ProjectMemberAdded;
    "project.member_removed": ProjectMemberRemoved;
    "project.member_updated": ProjectMemberUpdated;
    "project.restored": ProjectRestored;
    "project.updated": ProjectUpdated;
    "role.assigned": RoleAssigned;
    "role.created": RoleCreated;
    "role.deleted": RoleDeleted;
    "role.unassigned": RoleUnassigned;
    "role.updated": RoleUpdated;
    "security.admin_key_created": AdminKeyCreated;
    "security.admin_key_deleted": AdminKeyRevoked;
    "security.attempt_refused": AttemptRefused;
    "security.elevation_ended": ElevationEnded;
    "security.email_changed": EmailChanged;
    "security.organization_exported": OrganizationExported;
    "security.password_reset": PasswordReset PasswordResetOffered;
    "security.provider_changed": ProviderAttached ProviderUpdated ProviderRemoved;
    "service_account.created": ServiceAccountCreated;
    "service_account.deleted": ServiceAccountDeleted;
    "service_account.updated": ServiceAccountUpdated;
    "webhook.test": WebhookTested;
}

impl EventType {
    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_every_one_comes_from_a_verb() {
        assert!(EventType::ALL.windows(2).all(|pair| pair[0] < pair[1]));
        for kind in EventType::ALL.iter().copied() {
            assert!(Verb::ALL.iter().any(|verb| EventType::of(*verb) == Some(kind)), "{kind:?}");
            assert_eq!(EventType::parse(kind.name()), Some(kind));
        }
        assert_eq!(EventType::of(Verb::SignedIn), None);
    }
}
