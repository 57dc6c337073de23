//! The list of projects, and the form that a new or changed one is written in.

use askama::Template;

use crate::http::charts::Sparkline;
use crate::http::figures::Money;
use crate::http::shell::{Choice, ProjectLink, Shell};

/// One project of the list.
pub struct ProjectRow {
    /// The project.
    pub project: ProjectLink,
    /// Its team, or nothing.
    pub team: String,
    /// Its accountable owner's name, or nothing.
    pub owner: String,
    /// How many keys work.
    pub active_keys: u64,
    /// Cost per day over 30 days; absent where the viewer may not see cost.
    pub trend: Option<Sparkline>,
    /// Cost this month; absent where the viewer may not see cost.
    pub cost: Option<Money>,
    /// Whether it is archived.
    pub is_archived: bool,
}

/// The projects that the viewer may see.
#[derive(Template)]
#[template(path = "projects/list.html")]
pub struct ProjectsPage {
    /// The frame.
    pub shell: Shell,
    /// What is searched for.
    pub search: String,
    /// The environments to filter by, "all" included.
    pub environments: Vec<Choice>,
    /// Active, archived or all.
    pub states: Vec<Choice>,
    /// The projects found.
    pub projects: Vec<ProjectRow>,
    /// Whether search or filter leave anything out.
    pub is_filtered: bool,
    /// Where the next page is, if there is one.
    pub next_href: Option<String>,
    /// Whether the viewer may create projects.
    pub can_create: bool,
    /// Whether the viewer may ask for one instead.
    pub can_ask: bool,
}

/// The fields of a project as they stand in a form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectForm {
    /// The name people read.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Where in its life its work is.
    pub environments: Vec<Choice>,
    /// What kind of calls it makes.
    pub workloads: Vec<Choice>,
    /// How careful it has to be.
    pub risks: Vec<Choice>,
    /// The team.
    pub team: String,
    /// The product line.
    pub product_line: String,
    /// The cost center.
    pub cost_center: String,
    /// The client.
    pub client: String,
    /// Pairs, one `name=value` per line.
    pub tags: String,
    /// Who can own it, by user id; more than one may be chosen.
    pub owners: Vec<Choice>,
    /// Which of them its cost is attributed to.
    pub accountable_owners: Vec<Choice>,
}

/// The form for a new project.
#[derive(Template)]
#[template(path = "projects/new.html")]
pub struct NewProjectPage {
    /// The frame.
    pub shell: Shell,
    /// What is typed so far.
    pub form: ProjectForm,
    /// Where somebody asks for it: the reason typed so far.
    pub reason: Option<String>,
}
