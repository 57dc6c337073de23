//! The organization's connections to AI providers.

use askama::Template;

use crate::http::figures::When;
use crate::http::shell::{Choice, Shell};

/// One connection; never its credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderRow {
    /// Its id.
    pub id: String,
    /// Its name, which may stand before a model: `name/model`.
    pub name: String,
    /// The wire format, for people.
    pub kind: String,
    /// Where calls go.
    pub base_url: String,
    /// Who owns the contract behind it, or nothing.
    pub contract_owner: String,
    /// The names of the projects that may use it; empty means all.
    pub shared_with: Vec<String>,
    /// The models it offers; empty means all priced ones of its kind.
    pub models: Vec<String>,
    /// Since when.
    pub created_at: When,
}

/// The form for a new connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderForm {
    /// The name typed so far.
    pub name: String,
    /// The kinds.
    pub kinds: Vec<Choice>,
    /// The base URL typed so far.
    pub base_url: String,
    /// The contract owner typed so far.
    pub contract_owner: String,
    /// Models typed so far, divided by commas.
    pub models: String,
    /// The projects to share it with; none chosen means all.
    pub projects: Vec<Choice>,
}

/// The connections.
#[derive(Template)]
#[template(path = "providers/list.html")]
pub struct ProvidersPage {
    /// The frame.
    pub shell: Shell,
    /// The connections.
    pub providers: Vec<ProviderRow>,
    /// The form; absent where the viewer may attach none.
    pub form: Option<ProviderForm>,
}
