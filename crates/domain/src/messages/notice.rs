//! What people are told by mail, and whom it concerns.

use crate::audit::Verb;

/// Whom a notice concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Every Admin of the organization.
    Admins,
    /// The owners of the project that it is about.
    ProjectOwners,
    /// The owner of the key that it is about.
    KeyOwner,
    /// The person that it is about.
    Person,
    /// Who asked for it.
    Requester,
}

macro_rules! notices {
    ($($variant:ident = $name:literal, [$($audience:ident)*], $sentence:literal;)*) => {
        /// A kind of notice that a person can switch off for themself.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Notice { $(#[doc = $sentence] $variant,)* }

        impl Notice {
            /// Every kind, in the order shown to people.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its stable name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// When it comes, in one sentence.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)* }
            }

            /// Whom it concerns.
            pub const fn audience(self) -> &'static [Audience] {
                match self { $(Self::$variant => &[$(Audience::$audience,)*],)* }
            }
        }
    };
}

notices! {
    ApprovalWaits = "approval_waits", [Admins], "Something waits for your approval.";
    ApprovalDecided = "approval_decided", [Requester], "What you asked for was approved or refused.";
    KeyChanged = "key_changed", [KeyOwner ProjectOwners], "A key of yours or of your project was disabled, rotated or revoked.";
    RightsChanged = "rights_changed", [Person], "What you may do has changed.";
    MemberChanged = "member_changed", [Admins], "Somebody joined, left, or was suspended.";
    PolicyChanged = "policy_changed", [Admins ProjectOwners], "Policy was changed.";
    ProjectChanged = "project_changed", [ProjectOwners], "A project of yours was archived or restored.";
    SecurityAlert = "security_alert", [Admins], "An admin key was made, a password reset, a provider's credential changed.";
}

impl Notice {
    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|notice| notice.name() == name)
    }

    /// What a change of this verb tells, where it tells something.
    pub const fn of(verb: Verb) -> Option<Self> {
        match verb {
            Verb::ElevationRequested
            | Verb::ProjectCreationRequested
            | Verb::AllowanceRaiseRequested
            | Verb::ChangeRequested => Some(Self::ApprovalWaits),
            Verb::ApprovalGiven | Verb::ApprovalRefused => Some(Self::ApprovalDecided),
            Verb::ApiKeyDisabled | Verb::ApiKeyRotated | Verb::ApiKeyRevoked => Some(Self::KeyChanged),
            Verb::UserUpdated
            | Verb::RoleAssigned
            | Verb::RoleUnassigned
            | Verb::ProjectMemberAdded
            | Verb::ProjectMemberUpdated => Some(Self::RightsChanged),
            Verb::InviteAccepted
            | Verb::UserRemoved
            | Verb::UserLeft
            | Verb::UserSuspended
            | Verb::UserReactivated => Some(Self::MemberChanged),
            Verb::PolicySet | Verb::PolicyCleared | Verb::ExceptionGiven => Some(Self::PolicyChanged),
            Verb::ProjectArchived | Verb::ProjectRestored => Some(Self::ProjectChanged),
            Verb::AdminKeyCreated
            | Verb::PasswordReset
            | Verb::EmailChanged
            | Verb::ProviderUpdated
            | Verb::OrganizationSuspended
            | Verb::OrganizationClosed => Some(Self::SecurityAlert),
            _ => None,
        }
    }
}
