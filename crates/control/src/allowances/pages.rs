//! Limits: those of the organization, and those that bind one project.

use askama::Template;

use crate::http::charts::Meter;
use crate::http::shell::{Choice, Shell};
use crate::projects::detail_pages::ProjectHead;

/// One limit and what is left of it.
pub struct AllowanceRow {
    /// Its id.
    pub id: String,
    /// What it binds: `Project Support chat`, `Organization`, `Key widget`.
    pub scope: String,
    /// What it limits: `$400.00 per month`.
    pub limit: String,
    /// The amount alone, as the form takes it: `400` or `600`.
    pub amount: String,
    /// Whether calls beyond it are refused; otherwise it only warns.
    pub is_hard: bool,
    /// Spent, held, left.
    pub meter: Meter,
    /// When it begins anew, in words, or nothing.
    pub resets: String,
    /// Whether the viewer may change it.
    pub can_manage: bool,
    /// Whether the viewer may ask for more of it instead.
    pub can_ask: bool,
}

/// The form for a new limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowanceForm {
    /// What it binds: `organization`, `environment:production`, `project:{id}`, `api_key:{id}`.
    pub scopes: Vec<Choice>,
    /// Dollars, requests, tokens.
    pub units: Vec<Choice>,
    /// Minute to lifetime.
    pub windows: Vec<Choice>,
    /// Hard or soft.
    pub enforcements: Vec<Choice>,
    /// The amount typed so far, in dollars where the unit is dollars.
    pub amount: String,
    /// The model it is limited to, typed so far.
    pub model: String,
}

/// The organization's allowances.
#[derive(Template)]
#[template(path = "allowances/organization.html")]
pub struct AllowancesPage {
    /// The frame.
    pub shell: Shell,
    /// All limits.
    pub allowances: Vec<AllowanceRow>,
    /// The form; absent where the viewer may set none.
    pub form: Option<AllowanceForm>,
}

/// The allowances that bind a project.
#[derive(Template)]
#[template(path = "allowances/project.html")]
pub struct ProjectAllowancesPage {
    /// The frame.
    pub shell: Shell,
    /// The head.
    pub head: ProjectHead,
    /// Every limit that binds its calls, those of higher levels included.
    pub allowances: Vec<AllowanceRow>,
    /// The form; absent where the viewer may set none.
    pub form: Option<AllowanceForm>,
}
