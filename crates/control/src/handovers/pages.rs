//! The page of the queue of hand-overs.

use askama::Template;

use crate::http::figures::When;
use crate::http::shell::{Choice, Person, Shell};

/// Something that lost its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandoverRow {
    /// The hand-over's id.
    pub id: String,
    /// What it is, for people: `Service account`, `API key`, `Project`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The name of the project that it belongs to; none where it is one.
    pub project: Option<String>,
    /// Where it is shown.
    pub href: String,
    /// Who owned it.
    pub from: Person,
    /// Why they do not any more, as the rest of a sentence.
    pub cause: &'static str,
    /// Until when it goes on without an owner, or when that ended.
    pub until: When,
    /// How it stands, for people.
    pub state: &'static str,
    /// The colour of its badge.
    pub tone: &'static str,
    /// Who owns it now, once it is resolved.
    pub to: Option<String>,
    /// Members to whom it can go; empty where the viewer may not decide, or it is decided.
    pub heirs: Vec<Choice>,
    /// What ending it does, in a sentence; none where the viewer may not end it.
    pub end: Option<&'static str>,
}

/// The queue.
#[derive(Template)]
#[template(path = "handovers/list.html")]
pub struct HandoversPage {
    /// The frame.
    pub shell: Shell,
    /// Which are shown.
    pub states: Vec<Choice>,
    /// What lost its owner.
    pub handovers: Vec<HandoverRow>,
    /// Where the next page is, if there is one.
    pub next_href: Option<String>,
}
