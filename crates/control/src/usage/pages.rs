//! What was used and what it cost, of the organization or of one project.

use askama::Template;

use crate::http::charts::StackedChart;
use crate::http::figures::{Count, Money};
use crate::http::shell::{Choice, Shell};
use crate::organizations::pages::Figure;
use crate::projects::detail_pages::ProjectHead;

/// One line of the table: one value of the dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageRow {
    /// The value: a project, a person, a model, "not set".
    pub name: String,
    /// Where it leads, or nothing.
    pub href: Option<String>,
    /// Calls.
    pub calls: Count,
    /// Input tokens.
    pub input_tokens: Count,
    /// Output tokens.
    pub output_tokens: Count,
    /// Cost.
    pub cost: Money,
    /// Part of the whole: `41 %`.
    pub share: String,
}

/// What the filter asks for and what came of it; the same for organization and project.
pub struct UsageReport {
    /// The dimensions to group by.
    pub group_by: Vec<Choice>,
    /// The environments to filter by, "all" included; empty where it makes no sense.
    pub environments: Vec<Choice>,
    /// The first day, as `2026-11-01`.
    pub from: String,
    /// The last day, as `2026-11-24`.
    pub to: String,
    /// What a row is: `Project`, `Model`.
    pub row_title: String,
    /// Cost, calls, tokens in, tokens out.
    pub figures: Vec<Figure>,
    /// Cost over the period; absent when there was none.
    pub chart: Option<StackedChart>,
    /// The table, dearest first.
    pub rows: Vec<UsageRow>,
    /// The sum of the table.
    pub total_cost: Money,
    /// Where the same comes as CSV.
    pub csv_href: String,
}

/// The organization's usage.
#[derive(Template)]
#[template(path = "usage/organization.html")]
pub struct UsagePage {
    /// The frame.
    pub shell: Shell,
    /// Filter and result.
    pub report: UsageReport,
}

/// A project's usage.
#[derive(Template)]
#[template(path = "usage/project.html")]
pub struct ProjectUsagePage {
    /// The frame.
    pub shell: Shell,
    /// The head.
    pub head: ProjectHead,
    /// Filter and result.
    pub report: UsageReport,
}
