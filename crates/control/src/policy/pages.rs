//! Policy in the console: what holds at a place, which level decided it, and the forms that narrow it.

use askama::Template;

use crate::http::figures::{Count, When};
use crate::http::shell::{Choice, PickLink, ProjectLink, Shell};
use crate::projects::detail_pages::ProjectHead;

/// How a value is typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// One of these.
    Choices(Vec<Choice>),
    /// A whole number.
    Number {
        /// The present one; empty for none.
        value: String,
        /// The unit, for people.
        unit: &'static str,
        /// The least.
        least: i64,
        /// The most.
        most: i64,
    },
    /// A list, one entry a line.
    Lines {
        /// The present one.
        value: String,
        /// What an entry looks like.
        example: &'static str,
    },
}

/// What the place itself sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnRow {
    /// The value, entry by entry.
    pub values: Vec<String>,
    /// `off` or `warn`; empty where it is enforced.
    pub mode: &'static str,
    /// The colour of its badge.
    pub tone: &'static str,
    /// Whether levels below count no more.
    pub is_locked: bool,
    /// What levels below cannot narrow away, entry by entry; empty for nothing.
    pub floor: Vec<String>,
}

/// The form with which a place sets something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingForm {
    /// The value.
    pub value: Control,
    /// What is done with what it does not allow.
    pub modes: Vec<Choice>,
    /// What levels below cannot narrow away; none where nothing is below.
    pub floor: Option<Control>,
    /// Whether levels below count no more.
    pub is_locked: bool,
    /// Whether the place sets something now, which can be cleared.
    pub is_set: bool,
    /// Whether it can be set on trial.
    pub can_try: bool,
    /// Whether it is to be.
    pub is_on_trial: bool,
}

/// The form with which an exception is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExceptionForm {
    /// What holds there instead.
    pub value: Control,
    /// The level of the place.
    pub level: String,
    /// Its id at its level.
    pub level_id: String,
    /// The last day, as typed so far.
    pub ends_on: String,
    /// Why, as typed so far.
    pub reason: String,
    /// The page to come back to.
    pub return_to: String,
}

/// A form that was refused, with what was typed into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// What the place was to set.
    Setting(SettingForm),
    /// An exception.
    Exception(ExceptionForm),
}

/// What was refused, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The setting.
    pub name: &'static str,
    /// What it does.
    pub sentence: &'static str,
    /// Why.
    pub why: String,
    /// The form.
    pub typed: Typed,
}

/// A trial that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialRow {
    /// When it is undone unless it is kept.
    pub ends_at: When,
    /// Whether the viewer may keep or undo it.
    pub can_decide: bool,
}

/// One setting at the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingRow {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub sentence: &'static str,
    /// What is enforced, entry by entry; none where nobody set anything.
    pub values: Option<Vec<String>>,
    /// What holds then, in words.
    pub unset: &'static str,
    /// What is only warned of beyond that.
    pub warned: Option<Vec<String>>,
    /// The level that decided: `the organization`; empty where none did.
    pub level: String,
    /// Who set it there; empty for the system.
    pub by: String,
    /// When.
    pub at: Option<When>,
    /// Levels that narrowed it on the way: `the organization, production`; empty where one alone decided.
    pub narrowed_by: String,
    /// The level that locked it; empty for none.
    pub locked_by: String,
    /// The end of the exception that it rests on.
    pub exception_ends_at: Option<When>,
    /// What the place itself sets, where that is more than what holds.
    pub own: Option<OwnRow>,
    /// The trial of what the place itself sets.
    pub trial: Option<TrialRow>,
    /// How often its warnings let something pass of late.
    pub warnings: Count,
    /// The form; none where it cannot be set here, or not by the viewer.
    pub form: Option<SettingForm>,
    /// The form of an exception; none where the viewer can give none here.
    pub exception: Option<ExceptionForm>,
}

/// Where an exception holds, or a warning was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpotRow {
    /// The project.
    pub project: Option<ProjectLink>,
    /// The environment, or the name of a key; empty for the project itself.
    pub what: String,
    /// The masked secret of the key; empty for none.
    pub masked: String,
}

/// An exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExceptionRow {
    /// Its id.
    pub id: String,
    /// The setting.
    pub setting: &'static str,
    /// Where.
    pub spot: SpotRow,
    /// What holds there, entry by entry.
    pub values: Vec<String>,
    /// Why.
    pub reason: String,
    /// Who gave it.
    pub by: String,
    /// When it ends or ended.
    pub ends_at: When,
    /// Whether it stands.
    pub is_standing: bool,
}

/// What a warning let pass on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WarningRow {
    /// The setting.
    pub setting: &'static str,
    /// Where.
    pub spot: SpotRow,
    /// What: a model, an address, a name.
    pub subject: String,
    /// How often.
    pub count: Count,
    /// When last.
    pub last_at: When,
}

/// Policy at a place.
#[derive(Template)]
#[template(path = "policy/show.html")]
pub struct PolicyPage {
    /// The frame.
    pub shell: Shell,
    /// The project's head; none at the organization.
    pub head: Option<ProjectHead>,
    /// The heading at a key; empty at the organization and a project.
    pub key: String,
    /// The organization and its environments, at the organization.
    pub places: Vec<PickLink>,
    /// Where the forms go: `/o/{slug}/policy`.
    pub action: String,
    /// The environment that the forms are about; empty for none.
    pub environment: String,
    /// The form that was just refused.
    pub refused: Option<Refused>,
    /// Settings by what they are about.
    pub areas: Vec<(&'static str, Vec<SettingRow>)>,
    /// Exceptions, at the organization.
    pub exceptions: Vec<ExceptionRow>,
    /// Where older ones are.
    pub next_href: Option<String>,
    /// Whether the viewer may end exceptions.
    pub can_except: bool,
    /// Whether the viewer may know what warnings let pass.
    pub sees_warnings: bool,
    /// What warnings let pass of late.
    pub warnings: Vec<WarningRow>,
    /// Over how many days that is.
    pub warning_days: i64,
}

impl PolicyPage {
    /// The heading.
    pub fn title(&self) -> &str {
        if self.key.is_empty() { "Policy" } else { &self.key }
    }
}
