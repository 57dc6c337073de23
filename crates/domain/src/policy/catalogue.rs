//! The catalogue of settings: every preference that an organization can set, and at which levels it can be narrowed.

use super::Level;
use super::value::Kind;

macro_rules! settings {
    ($($variant:ident = $name:literal, $kind:expr, [$($level:ident)*], $gate:literal, $sentence:literal;)*) => {
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
    OwnerRequired = "project.owner_required", Kind::Switch, [Organization Environment], true,
        "A project always has an owner.";
    ProjectCreation = "project.creation", Kind::Choice(&["request", "admins"]), [Organization], true,
        "Who may create projects: members on request that somebody approves, or Admins alone.";
    Invitations = "member.invitations", Kind::Choice(&["owners", "admins"]), [Organization], true,
        "Who may invite new people: Project Owners into their projects too, or Admins alone.";
    KeyOwnerRequired = "key.owner_required", Kind::Switch, [Organization Environment Project], true,
        "A key of a service account has a named person who answers for it.";
    KeyMaximumAge = "key.maximum_age_days", DAYS, [Organization Environment Project], true,
        "How many days a key works at most after it was made.";
    KeyRotation = "key.rotation_days", DAYS, [Organization Environment Project Key], true,
        "After how many days the secret of a key has to be rotated.";
    KeyNarrow = "key.narrow", Kind::Switch, [Organization Environment Project], true,
        "A key names the scopes or models that it may use.";
    Models = "model.allowed", Kind::Words, [Organization Environment Project Key], true,
        "The models that may be called.";
    Providers = "provider.allowed", Kind::Words, [Organization Environment Project Key], true,
        "The provider connections that may be used, by name.";
    UnpricedModels = "model.unpriced", Kind::Choice(&["pass", "refuse"]), [Organization Environment Project], false,
        "What happens to a call of a model without a price: it passes and is flagged, or it is refused.";
    DefaultOutput = "call.default_maximum_output_tokens",
        Kind::Most { unit: "tokens", least: 1, most: 10_000_000 }, [Organization Environment Project Key], false,
        "The most tokens that a call may generate when it does not say so itself.";
    RequestTags = "call.tags", Kind::Choice(&["allowed", "refused"]), [Organization Environment Project Key], true,
        "Whether a call may carry tags of its own.";
    EndUsers = "call.end_users", Kind::Choice(&["plain", "hashed"]), [Organization Environment Project], false,
        "How the end user that a call names is kept.";
    RecordRetention = "record.retention_days", DAYS, [Organization Environment Project], false,
        "For how many days single usage records are kept; sums are kept for good.";
    AuditRetention = "audit.retention_days", Kind::Most { unit: "days", least: 365, most: 3_650 }, [Organization], false,
        "For how many days audit records are kept.";
    ContentLogging = "call.content_logging", Kind::Choice(&["on", "off"]), [Organization Environment Project Key], false,
        "Whether the text of calls and answers is kept.";
    Fallbacks = "call.fallbacks", Kind::Choice(&["any_provider", "same_provider", "none"]),
        [Organization Environment Project Key], false,
        "Whether a failed call may be tried again elsewhere: with any provider, with the same one, or not at all.";
    OpenSync = "call.open_record", Kind::Choice(&["written", "synced"]), [Organization Environment Project], false,
        "Whether the open record of a call is written, or also synced to disk, before the call leaves.";
    SignInNetworks = "network.sign_in", Kind::Networks, [Organization Environment Project], true,
        "The networks from which members may enter the console, and open a project there.";
    AdminNetworks = "network.admin_api", Kind::Networks, [Organization Environment Project Key], true,
        "The networks from which the admin API may be called: at all, about a project, or with an admin key.";
    GatewayNetworks = "network.gateway", Kind::Networks, [Organization Environment Project Key], true,
        "The networks from which keys may call.";
    HandoverDeadline = "handover.deadline_days", Kind::Most { unit: "days", least: 1, most: 90 },
        [Organization Environment Project], false,
        "For how many days what lost its owner keeps working.";
}

impl Setting {
    /// The setting of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|setting| setting.name() == name)
    }
}
