//! The pages of access: a question with its answer, who can see a project, what a person can see.

use askama::Template;

use crate::http::figures::{Count, When};
use crate::http::shell::{Choice, Person, ProjectLink, Shell};
use crate::projects::detail_pages::ProjectHead;

/// One reason, as a line of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReasonRow {
    /// The role.
    pub role: String,
    /// The name of the only project in which it counts; empty for the organization and all its projects.
    pub project: String,
    /// The group through which it came; empty where it was given to the person.
    pub group: String,
    /// Who gave it; empty for what the system gave.
    pub given_by: String,
    /// When.
    pub given_at: When,
    /// When it ends by itself.
    pub ends_at: Option<When>,
}

/// One step of a call to a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepRow {
    /// Whether the call passes it.
    pub passes: bool,
    /// What it says.
    pub sentence: String,
}

/// What would turn a no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingRow {
    /// What the permission allows.
    pub sentence: String,
    /// The roles that give it, and whether only for what one owns.
    pub roles: Vec<(String, bool)>,
    /// Who can give them, as far as the viewer may see them.
    pub givers: Vec<Person>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerCard {
    /// Yes or no.
    pub is_allowed: bool,
    /// The answer in plain words.
    pub sentence: String,
    /// The code of a no.
    pub code: String,
    /// The chain that made it.
    pub reasons: Vec<ReasonRow>,
    /// For a call to a model, what it passes.
    pub steps: Vec<StepRow>,
    /// What would turn a no.
    pub missing: Option<MissingRow>,
}

/// A question and, once asked, its answer.
#[derive(Template)]
#[template(path = "access/ask.html")]
pub struct AccessPage {
    /// The frame.
    pub shell: Shell,
    /// Whom it is about, as typed.
    pub principal: String,
    /// People to choose from, where the viewer may ask about them.
    pub people: Vec<Person>,
    /// What they would do.
    pub permissions: Vec<Choice>,
    /// The model, for a call of one.
    pub model: String,
    /// Where.
    pub resources: Vec<Choice>,
    /// Whether the viewer may ask about anyone.
    pub can_ask_about_anyone: bool,
    /// The answer.
    pub answer: Option<AnswerCard>,
}

/// Somebody or something that has rights in a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeerRow {
    /// Who; a service account has no address.
    pub who: Person,
    /// Whether it is a service account.
    pub is_service_account: bool,
    /// What they can do, in a few words.
    pub can: String,
    /// How many of their keys work here.
    pub active_keys: Count,
    /// What gives it to them; for a service account who answers for it.
    pub reasons: Vec<ReasonRow>,
    /// The person who answers for a service account.
    pub key_owner: String,
    /// Where the page of all that a person can see is; empty where the viewer may not see it.
    pub href: String,
}

/// Who can see a project.
#[derive(Template)]
#[template(path = "access/project.html")]
pub struct ProjectAccessPage {
    /// The frame.
    pub shell: Shell,
    /// The head.
    pub head: ProjectHead,
    /// Everybody, or a page of them.
    pub seers: Vec<SeerRow>,
    /// Where the next page is.
    pub next_href: Option<String>,
    /// Where the whole list is, if this is a part of it.
    pub whole_href: Option<String>,
}

/// What a person may do in one project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SightRow {
    /// The project.
    pub project: ProjectLink,
    /// Whether it is archived.
    pub is_archived: bool,
    /// Whether the viewer can open it.
    pub can_open: bool,
    /// What they can do in it, in a few words.
    pub can: String,
    /// What gives it to them.
    pub reasons: Vec<ReasonRow>,
}

/// What a person can see.
#[derive(Template)]
#[template(path = "access/person.html")]
pub struct SightPage {
    /// The frame.
    pub shell: Shell,
    /// Who.
    pub person: Person,
    /// Whether it is the viewer.
    pub is_self: bool,
    /// Since when they are suspended.
    pub suspended_at: Option<When>,
    /// What they can do in the organization, in a few words.
    pub can: String,
    /// What gives it to them.
    pub reasons: Vec<ReasonRow>,
    /// Every right in the organization: its name and its sentence.
    pub rights: Vec<(String, String)>,
    /// The projects in which they have any right, or a page of them.
    pub projects: Vec<SightRow>,
    /// Where the next page is.
    pub next_href: Option<String>,
    /// Where the whole list is, if this is a part of it.
    pub whole_href: Option<String>,
}
