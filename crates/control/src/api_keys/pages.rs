//! The keys of a project, the admin keys of the organization, and the one moment in which a secret is shown.

use askama::Template;

use super::limits::LimitsForm;
use crate::http::figures::When;
use crate::http::shell::{Choice, Shell};
use crate::projects::detail_pages::ProjectHead;

/// What a key is able to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It works.
    Active,
    /// Switched off, and can be switched on.
    Disabled,
    /// Past its expiry.
    Expired,
    /// Gone for good.
    Revoked,
}

impl KeyState {
    /// The word for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }

    /// The colour of its badge.
    pub const fn tone(self) -> &'static str {
        match self {
            Self::Active => "good",
            Self::Disabled | Self::Expired => "warn",
            Self::Revoked => "bad",
        }
    }
}

/// A key as lists show it; never its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What is recognisable of its secret: `sk-proj-bw…x4Qz`.
    pub masked: String,
    /// To what it is narrowed, in words; empty where it is not.
    pub limits: String,
    /// Whether it works.
    pub state: KeyState,
    /// The person or service account that owns it.
    pub owner: String,
    /// Whether the owner is a service account.
    pub is_service_account: bool,
    /// When it last made a call.
    pub last_used_at: Option<When>,
    /// When it ends by itself.
    pub expires_at: Option<When>,
    /// Since when.
    pub created_at: When,
    /// Whether the viewer may change it.
    pub can_manage: bool,
}

impl KeyRow {
    /// Whether it works.
    pub fn is_active(&self) -> bool {
        self.state == KeyState::Active
    }

    /// Whether it is dead for good.
    pub fn is_final(&self) -> bool {
        self.state == KeyState::Revoked
    }
}

/// A secret in the only answer that carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretReveal {
    /// The key's name.
    pub name: String,
    /// The whole secret.
    pub secret: String,
    /// A command that makes a first call with it, ready to paste.
    pub curl: String,
}

/// The keys of a project.
#[derive(Template)]
#[template(path = "api_keys/list.html")]
pub struct ProjectKeysPage {
    /// The frame.
    pub shell: Shell,
    /// The head.
    pub head: ProjectHead,
    /// The secret of the key that was created just now.
    pub reveal: Option<SecretReveal>,
    /// The keys that the viewer may see.
    pub keys: Vec<KeyRow>,
    /// Who may own a new key: the viewer first, then people and service accounts.
    pub owners: Vec<Choice>,
    /// After how many days a new key ends, "never" included.
    pub lifetimes: Vec<Choice>,
    /// To what a new key is narrowed, as typed so far.
    pub limits: LimitsForm,
    /// Which models the project may call, in words; empty for all.
    pub of_project: String,
    /// Whether a new key needs a second person, whom the viewer may ask.
    pub asks_for_key: bool,
    /// Whether the viewer may create keys.
    pub can_create: bool,
}

/// One key of a project.
#[derive(Template)]
#[template(path = "api_keys/key.html")]
pub struct ProjectKeyPage {
    /// The frame.
    pub shell: Shell,
    /// The head.
    pub head: ProjectHead,
    /// The secret that was drawn just now.
    pub reveal: Option<SecretReveal>,
    /// The key.
    pub key: KeyRow,
    /// What it is for.
    pub description: String,
    /// How many secrets it has had.
    pub secret_version: i64,
    /// To what it is narrowed.
    pub limits: LimitsForm,
    /// Which models the project may call, in words; empty for all.
    pub of_project: String,
    /// For how long the old secret lives on after a rotation.
    pub overlaps: Vec<Choice>,
}

/// The admin keys of the organization.
#[derive(Template)]
#[template(path = "api_keys/admin.html")]
pub struct AdminKeysPage {
    /// The frame.
    pub shell: Shell,
    /// The secret of the key that was created just now.
    pub reveal: Option<SecretReveal>,
    /// The keys.
    pub keys: Vec<KeyRow>,
    /// After how many days a new key ends, "never" included.
    pub lifetimes: Vec<Choice>,
    /// Whether the viewer may create and revoke them.
    pub can_manage: bool,
}
