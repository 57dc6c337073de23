//! What waits for a second person, what was decided, and who is elevated now.

use askama::Template;

use crate::http::figures::When;
use crate::http::shell::{Choice, Person, Shell};

/// A request that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingRow {
    /// Its id.
    pub id: String,
    /// Who asks.
    pub person: Person,
    /// What for: `Admin for 1 hour`.
    pub what: String,
    /// What follows from approving it.
    pub follows: &'static str,
    /// Why.
    pub reason: String,
    /// When it was asked for.
    pub asked_at: When,
    /// Until when it can be decided.
    pub expires_at: When,
}

/// What somebody has for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningRow {
    /// The approval's id.
    pub id: String,
    /// Who.
    pub person: Person,
    /// What: `Admin for 1 hour`.
    pub what: String,
    /// Until when.
    pub ends_at: When,
    /// How long that is.
    pub left: String,
    /// Who approved it.
    pub approved_by: String,
    /// Whether the viewer may end it.
    pub can_end: bool,
}

/// A request that does not wait any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecidedRow {
    /// Who asked.
    pub person: Person,
    /// What for.
    pub what: String,
    /// Why.
    pub reason: String,
    /// What became of it.
    pub state: &'static str,
    /// The colour of its badge.
    pub tone: &'static str,
    /// Who decided; empty where nobody did.
    pub decided_by: String,
    /// When.
    pub decided_at: When,
    /// What they said.
    pub note: String,
}

/// The form that asks for a role for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskForm {
    /// Roles to ask for.
    pub roles: Vec<Choice>,
    /// For how long.
    pub durations: Vec<Choice>,
    /// The reason typed so far.
    pub reason: String,
}

/// Approvals.
#[derive(Template)]
#[template(path = "approvals/list.html")]
pub struct ApprovalsPage {
    /// The frame.
    pub shell: Shell,
    /// Whether the viewer may decide about requests of others.
    pub can_decide: bool,
    /// Whether the viewer has that right only for a while, so that they cannot approve.
    pub is_elevated: bool,
    /// Whether the viewer sees requests of others.
    pub sees_all: bool,
    /// Requests of others.
    pub waiting: Vec<WaitingRow>,
    /// The viewer's own requests.
    pub own: Vec<WaitingRow>,
    /// What is given for a while.
    pub running: Vec<RunningRow>,
    /// The form to ask with; none for who has nothing to ask for.
    pub ask: Option<AskForm>,
    /// What was decided, newest first.
    pub decided: Vec<DecidedRow>,
    /// Where older ones are.
    pub next_href: Option<String>,
}
