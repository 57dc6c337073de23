//! The pages of a project's service accounts: all of them, and one with its keys.

use askama::Template;

use crate::api_keys::limits::LimitsForm;
use crate::api_keys::pages::{KeyRow, SecretReveal};
use crate::http::figures::{Count, When};
use crate::http::shell::{Choice, Shell};
use crate::projects::detail_pages::ProjectHead;

/// A non-human principal of the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccountRow {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `owner`, `member`, `viewer` or `none`.
    pub role: String,
    /// The human who answers for its keys.
    pub key_owner: String,
    /// `suspended` or `removed` where somebody else has to answer; empty otherwise.
    pub key_owner_gone: &'static str,
    /// How many of its keys work.
    pub active_keys: Count,
    /// Since when.
    pub created_at: When,
}

/// The service accounts of a project.
#[derive(Template)]
#[template(path = "service_accounts/list.html")]
pub struct ServiceAccountsPage {
    /// The frame.
    pub shell: Shell,
    /// The head.
    pub head: ProjectHead,
    /// The accounts.
    pub accounts: Vec<ServiceAccountRow>,
    /// Who may answer for the keys of a new one: the viewer first.
    pub key_owners: Vec<Choice>,
    /// Whether the viewer may create and change them.
    pub can_manage: bool,
}

/// One service account.
#[derive(Template)]
#[template(path = "service_accounts/account.html")]
pub struct ServiceAccountPage {
    /// The frame.
    pub shell: Shell,
    /// The head.
    pub head: ProjectHead,
    /// The secret of the key that was created just now.
    pub reveal: Option<SecretReveal>,
    /// The account.
    pub account: ServiceAccountRow,
    /// Its keys, the newest first; empty where the viewer may not see them.
    pub keys: Vec<KeyRow>,
    /// Who may answer for its keys, the present one selected.
    pub key_owners: Vec<Choice>,
    /// Roles that it may have, the present one selected.
    pub roles: Vec<Choice>,
    /// After how many days a new key ends, "never" included.
    pub lifetimes: Vec<Choice>,
    /// To what a new key is narrowed, as typed so far.
    pub limits: LimitsForm,
    /// Which models the project may call, in words; empty for all.
    pub of_project: String,
    /// Whether the viewer may change it.
    pub can_manage: bool,
    /// Whether the viewer may create keys of it.
    pub can_create_keys: bool,
}
