//! Mail in the console: which notices the viewer gets, and what was sent to whom.

use askama::Template;

use crate::http::figures::When;
use crate::http::shell::Shell;

/// A notice, and whether the viewer gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeRow {
    /// Its name.
    pub name: &'static str,
    /// When it comes.
    pub sentence: &'static str,
    /// To whom: `Admins, owners of the project`.
    pub audience: String,
    /// Whether it is sent to the viewer.
    pub is_on: bool,
}

/// A mail, without its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailRow {
    /// What it is: `invitation`.
    pub kind: String,
    /// To whom.
    pub recipient: String,
    /// `waiting`, `sent` or `given up`.
    pub state: &'static str,
    /// The colour of its badge.
    pub tone: &'static str,
    /// How often it was tried.
    pub attempts: i64,
    /// What the mail server said at the last failed attempt; empty for nothing.
    pub error: String,
    /// When it was written.
    pub created_at: When,
    /// When it was taken or given up.
    pub ended_at: Option<When>,
}

/// Mail.
#[derive(Template)]
#[template(path = "mails/show.html")]
pub struct MailsPage {
    /// The frame.
    pub shell: Shell,
    /// Every notice.
    pub notices: Vec<NoticeRow>,
    /// What was sent; none for who may not see it.
    pub mails: Option<Vec<MailRow>>,
    /// Where older ones are.
    pub next_href: Option<String>,
    /// Whether the viewer may send a test.
    pub can_test: bool,
    /// Whether the operator configured a mail server.
    pub is_configured: bool,
}
