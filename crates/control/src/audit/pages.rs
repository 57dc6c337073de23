//! The audit trail, for reading and searching.

use askama::Template;

use crate::http::figures::When;
use crate::http::shell::{Choice, Shell};

/// One audit record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Its id.
    pub id: String,
    /// When.
    pub at: When,
    /// Who, as a name.
    pub actor: String,
    /// What they used: `session`, `admin key terraform`.
    pub credential: String,
    /// The verb: `project.archived`.
    pub verb: String,
    /// What it was done to, as a name.
    pub target: String,
    /// Whether it was refused.
    pub is_refused: bool,
    /// The network address it came from, or nothing.
    pub address: String,
    /// The request's id.
    pub request_id: String,
    /// What was before, as indented JSON without secrets, or nothing.
    pub before: String,
    /// What is after, as indented JSON without secrets, or nothing.
    pub after: String,
}

/// The audit trail.
#[derive(Template)]
#[template(path = "audit/list.html")]
pub struct AuditPage {
    /// The frame.
    pub shell: Shell,
    /// Whose acts, by user id, "all" included.
    pub actors: Vec<Choice>,
    /// The verbs, "all" included.
    pub verbs: Vec<Choice>,
    /// The first day, as `2026-11-01`, or nothing.
    pub from: String,
    /// The last day, or nothing.
    pub to: String,
    /// Newest first.
    pub records: Vec<AuditRow>,
    /// Where older ones are.
    pub next_href: Option<String>,
}
