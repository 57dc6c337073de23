//! The catalogue of settings: every preference that an organization can set, and at which levels it can be narrowed.

use super::Level;
use super::value::Kind;

macro_rules! settings {
    ($($variant:ident = $name:literal, $kind:expr, [$($level:ident)*], $gate:literal, $unset:literal, $sentence:literal;)*) => {
        /// One setting. The name is `noun.what`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Setting { $(#[doc = $sentence] $variant,)* }

        impl Setting {
            /// Every setting, in the order shown to people.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its stable name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it does, in one sentence.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)* }
            }

            /// What holds where nobody set it, in words.
            pub const fn unset(self) -> &'static str {
                match self { $(Self::$variant => $unset,)* }
            }

            /// What kind of value it has.
            pub const fn kind(self) -> Kind {
                match self { $(Self::$variant => $kind,)* }
            }

            /// The levels at which it can be set.
            pub const fn levels(self) -> &'static [Level] {
                match self { $(Self::$variant => &[$(Level::$level,)*],)* }
            }

            /// Whether it refuses something, so that it can also be off or only warn.
            pub const fn is_gate(self) -> bool {
                match self { $(Self::$variant => $gate,)* }
            }
        }
    };
}

const DAYS: Kind = Kind::Most { unit: "days", least: 1, most: 3_650 };

settings! {
    Invitations = "member.invitations", Kind::Choice(&["owners", "admins"]), [Organization], true, "Admins alone",
        "Who may invite new people: Project Owners into their projects too, or Admins alone, as when nothing is set.";
    HandoverDeadline = "handover.deadline_days",
        Kind::Most { unit: "days", least: 1, most: 365 }, [Organization], false, "7 days",
        "For how many days what loses its owner goes on without one, until its keys are disabled; of hand-overs that begin from then on.";
    ProjectCreation = "project.creation", Kind::Choice(&["request", "admins"]), [Organization], false, "only who may create them",
        "Who comes to a project: whoever may not create one can ask for it, or only who may create them does, as when nothing is set.";
    ChangeApproval = "change.approval", Kind::Switch, [Organization Environment Project], true, "no",
        "In a project of high risk or in production a new key, a lower risk and a lesser environment need a second person.";
    KeyMaximumAge = "key.maximum_age_days", DAYS, [Organization Environment Project], true, "as long as the key says",
        "How many days a key works at most after it was made.";
    KeyRotation = "key.rotation_days", DAYS, [Organization Environment Project Key], true, "never",
        "After how many days the secret of a key has to be rotated.";
    KeyNarrow = "key.narrow", Kind::Switch, [Organization Environment Project], true, "no",
        "A key names the scopes or models that it may use.";
    Models = "model.allowed", Kind::Words, [Organization Environment Project Key], true, "every model",
        "The models that may be called.";
    Providers = "provider.allowed", Kind::Words, [Organization Environment Project Key], true, "every connection",
        "The provider connections that may be used, by name.";
    UnpricedModels = "model.unpriced", Kind::Choice(&["pass", "refuse"]), [Organization Environment Project], false, "refuse",
        "What happens to a call of a model without a price: it passes and is flagged, where no hard limit of money applies, or it is refused, as when nothing is set.";
    DefaultOutput = "call.default_maximum_output_tokens",
        Kind::Most { unit: "tokens", least: 1, most: 10_000_000 }, [Organization Environment Project Key], false, "as many as the provider says",
        "The most tokens that a call may generate when it does not say so itself.";
    RequestTags = "call.tags", Kind::Choice(&["allowed", "refused"]), [Organization Environment Project Key], true, "allowed",
        "Whether a call may carry tags of its own in its metadata.";
    EndUsers = "call.end_users", Kind::Choice(&["plain", "hashed"]), [Organization Environment Project], false, "plain",
        "How the end user that a call names is kept.";
    UsageRetention = "retention.usage_records_days",
        Kind::Most { unit: "days", least: 35, most: 3_650 }, [Organization], false, "for ever",
        "For how many days single usage records are kept, and reports by the minute with them; sums by quarter of an hour and what was spent stay.";
    AuditRetention = "retention.audit_days",
        Kind::Most { unit: "days", least: 365, most: 3_650 }, [Organization], false, "for ever",
        "For how many days audit records are kept; what is left of the trail can still be proved.";
    SignInNetworks = "network.sign_in", Kind::Networks, [Organization Environment Project], true, "everywhere",
        "The networks from which members may enter the console, and open a project there.";
    AdminNetworks = "network.admin_api", Kind::Networks, [Organization Environment Project Key], true, "everywhere",
        "The networks from which the admin API may be called: at all, about a project, or with an admin key.";
    GatewayNetworks = "network.gateway", Kind::Networks, [Organization Environment Project Key], true, "everywhere",
        "The networks from which keys may call.";
}

impl Setting {
    /// The setting of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|setting| setting.name() == name)
    }
}
