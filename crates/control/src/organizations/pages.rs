//! The organization's pages: overview, the list of one's organizations, settings.

use askama::Template;

use crate::http::charts::StackedChart;
use crate::http::figures::{Count, Money, When};
use crate::http::shell::{Choice, ProjectLink, Shell};

/// One figure of the row at the head of an overview.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// What it is.
    pub label: String,
    /// The figure, ready to print.
    pub value: String,
    /// A comparison or an explanation.
    pub hint: String,
}

/// What one project cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectCost {
    /// The project.
    pub project: ProjectLink,
    /// Its accountable owner's name.
    pub owner: String,
    /// Cost of the period.
    pub cost: Money,
    /// Calls of the period.
    pub calls: Count,
}

/// What one model cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelCost {
    /// The model's name.
    pub model: String,
    /// Cost of the period.
    pub cost: Money,
    /// Tokens of the period, in and out.
    pub tokens: Count,
}

/// One recent change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Who did it.
    pub actor: String,
    /// What, as the rest of a sentence: `created project Support chat`.
    pub sentence: String,
    /// When.
    pub at: When,
}

/// One step of the way to the first metered call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What to do.
    pub title: String,
    /// Why, or how.
    pub text: String,
    /// Where it is done.
    pub href: String,
    /// Whether it is done.
    pub is_done: bool,
}

/// The organization at a glance.
#[derive(Template)]
#[template(path = "organizations/overview.html")]
pub struct OverviewPage {
    /// The frame.
    pub shell: Shell,
    /// Cost this month, calls, tokens, active projects.
    pub figures: Vec<Figure>,
    /// Cost of 30 days stacked by project; absent while there was no call.
    pub chart: Option<StackedChart>,
    /// The projects that cost most this month.
    pub top_projects: Vec<ProjectCost>,
    /// The models that cost most this month.
    pub top_models: Vec<ModelCost>,
    /// The latest changes; empty where the viewer may not read them.
    pub events: Vec<Event>,
    /// The way to the first metered call; shown until every step is done.
    pub steps: Vec<Step>,
    /// Whether the viewer may open projects, not only know what they cost.
    pub opens_projects: bool,
    /// Whether the viewer may create projects.
    pub can_create_project: bool,
}

impl OverviewPage {
    fn steps_left(&self) -> usize {
        self.steps.iter().filter(|step| !step.is_done).count()
    }
}

/// One of the viewer's organizations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganizationRow {
    /// What its addresses carry.
    pub slug: String,
    /// The name people read.
    pub name: String,
    /// The viewer's role there.
    pub role: String,
    /// How many members it has.
    pub members: Count,
    /// How many active projects the viewer sees there.
    pub projects: Count,
    /// `suspended` or `closed`; none where it is in use.
    pub standstill: Option<&'static str>,
}

/// The viewer's organizations, and the form for a new one.
#[derive(Template)]
#[template(path = "organizations/list.html")]
pub struct OrganizationsPage {
    /// The frame.
    pub shell: Shell,
    /// The viewer's organizations.
    pub organizations: Vec<OrganizationRow>,
    /// Whether configuration lets the viewer create another.
    pub can_create: bool,
    /// The name typed so far.
    pub new_name: String,
    /// The time zone typed so far.
    pub new_time_zone: String,
}

/// A feature that can be switched on and off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureSwitch {
    /// What is sent.
    pub word: &'static str,
    /// What people read.
    pub title: String,
    /// What it is, in one sentence.
    pub sentence: &'static str,
    /// Whether it is on.
    pub is_on: bool,
}

/// The organization's settings.
#[derive(Template)]
#[template(path = "organizations/settings.html")]
pub struct SettingsPage {
    /// The frame.
    pub shell: Shell,
    /// The organization's id.
    pub organization_id: String,
    /// The name people read.
    pub name: String,
    /// What its addresses carry.
    pub slug: String,
    /// The zone of its months, days and invoices.
    pub time_zones: Vec<Choice>,
    /// Since when it exists.
    pub created_at: When,
    /// What can be switched off in it.
    pub features: Vec<FeatureSwitch>,
    /// Whether it is suspended or closed.
    pub is_stopped: bool,
    /// Whether it is closed.
    pub is_closed: bool,
    /// After how many days a closed one is purged.
    pub purged_after_days: i64,
    /// Whether the viewer may change them.
    pub can_update: bool,
    /// Whether the viewer may suspend, close, export and reactivate it.
    pub can_stop: bool,
}
