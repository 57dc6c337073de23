//! The console's row of the overview: what the organization spends, where, and what changed last.

use std::collections::{BTreeMap, HashMap};

use domain::access::Permission;
use domain::ids::UserId;
use domain::page::{Order, PageRequest};
use domain::projects::Project;
use domain::routes::{Access, Method};
use domain::time::{DAY, TimeZone, Timestamp, Window, civil};
use store::audit::{AuditCursor, AuditFilter};
use store::usage::{Dimension, UsageSum, cost_by};

use super::pages::{Event, Figure, ModelCost, OverviewPage, ProjectCost, Step};
use crate::audit::{audit_records, name_in};
use crate::http::charts::{Bucket, Series, StackedChart, Unit};
use crate::http::console;
use crate::http::figures::{Count, Money, When, month_name};
use crate::http::shell::{ProjectLink, Section};
use crate::projects::frame::{granted, naming, opens_projects};
use crate::{Answer, Call, Endpoint, Failure, page};

/// How many days the chart shows.
const CHART_DAYS: i64 = 30;
/// How many rows the tables and the list of changes have.
const ROWS: usize = 8;

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        page(Method::Get, "/o/{slug}", "overview_page", "The organization at a glance.")
            .needs(Access::Organization(Permission::OrganizationRead))
            .to(overview),
    ]
}

async fn overview(call: Call) -> Result<Answer, Failure> {
    let shell = console::shell(&call, "Overview", Section::Overview).await?;
    let zone = call.control.store.organization(&call.grant).await?.time_zone;
    let projects = projects_of(&call).await?;
    let month = Window::Month.span(call.at, &zone);
    let month = (month.start, month.end);
    let by_project = costs(&call, Dimension::Project, month, None).await?;
    let by_model = costs(&call, Dimension::Model, month, None).await?;
    let people = people_of(&call).await?;
    let chart = chart(&call, &projects).await?;
    let page = OverviewPage {
        figures: figures(&by_project, projects.len()),
        top_projects: top_projects(&by_project, &projects, &people),
        top_models: top_models(by_model),
        events: events(&call, &zone).await?,
        steps: steps(&call, &shell.root(), [!projects.is_empty(), people.len() > 1, chart.is_some()]),
        chart,
        opens_projects: opens_projects(&call),
        can_create_project: granted(&call, Permission::ProjectCreate).is_some(),
        shell,
    };
    console::page(&page)
}

/// The projects that the viewer may see or at least know by name, as whoever sees what they cost does.
async fn projects_of(call: &Call) -> Result<HashMap<String, Project>, Failure> {
    let Some(grant) = naming(call) else { return Ok(HashMap::new()) };
    let all = PageRequest { after: None, limit: 10_000, order: Order::Ascending };
    let found = call.control.store.projects(&grant, false, &all).await?.items;
    Ok(found.into_iter().map(|project| (project.id.to_string(), project)).collect())
}

/// The names of members, for who may see them.
async fn people_of(call: &Call) -> Result<HashMap<UserId, String>, Failure> {
    let Some(grant) = granted(call, Permission::MemberRead) else { return Ok(HashMap::new()) };
    let all = PageRequest { after: None, limit: 10_000, order: Order::Ascending };
    let found = call.control.store.members(&grant, Vec::new(), &all).await?.items;
    Ok(found.into_iter().map(|member| (member.user.id, member.user.name)).collect())
}

/// Cost within the viewer's reach; none for who may see none.
async fn costs(
    call: &Call,
    dimension: Dimension,
    range: (Timestamp, Timestamp),
    bucket_micros: Option<i64>,
) -> Result<Vec<UsageSum>, Failure> {
    let grant = granted(call, Permission::CostRead).or_else(|| granted(call, Permission::UsageRead));
    let Some(grant) = grant else { return Ok(Vec::new()) };
    let mut sums = cost_by(&call.control.store, &grant, Some(dimension), range, bucket_micros).await?;
    sums.sort_by_cached_key(|sum| (std::cmp::Reverse(sum.totals.cost), of(sum)));
    Ok(sums)
}

fn count(number: i64) -> Count {
    Count(u64::try_from(number).unwrap_or_default())
}

fn of(sum: &UsageSum) -> String {
    sum.of.first().cloned().flatten().unwrap_or_default()
}

fn figures(sums: &[UsageSum], projects: usize) -> Vec<Figure> {
    let mut total = store::usage::Totals::default();
    sums.iter().for_each(|sum| total.add(&sum.totals));
    let tokens = count(total.input_tokens().saturating_add(total.output));
    let figure = |label: &str, value: String, hint: &str| Figure {
        label: label.to_owned(),
        value,
        hint: hint.to_owned(),
    };
    vec![
        figure("Cost this month", Money::from_nano(total.cost).to_string(), "in the organization's calendar"),
        figure("Calls", count(total.requests).to_string(), "this month"),
        figure("Tokens", tokens.short(), "in and out, this month"),
        figure("Projects", projects.to_string(), "active"),
    ]
}

fn link(id: String, project: Option<&Project>) -> ProjectLink {
    let name = project.map_or_else(|| id.clone(), |project| project.name.clone());
    let environment = project.map(|project| project.environment);
    ProjectLink { id, name, environment: environment.unwrap_or(domain::projects::Environment::Development) }
}

fn top_projects(
    sums: &[UsageSum],
    projects: &HashMap<String, Project>,
    people: &HashMap<UserId, String>,
) -> Vec<ProjectCost> {
    let row = |sum: &UsageSum| {
        let id = of(sum);
        let project = projects.get(&id);
        let owner = |project: &Project| people.get(&project.accountable_owner_id?).cloned();
        ProjectCost {
            owner: project.and_then(owner).unwrap_or_default(),
            project: link(id, project),
            cost: Money::from_nano(sum.totals.cost),
            calls: count(sum.totals.requests),
        }
    };
    sums.iter().take(ROWS).map(row).collect()
}

fn top_models(sums: Vec<UsageSum>) -> Vec<ModelCost> {
    let row = |sum: UsageSum| ModelCost {
        model: of(&sum),
        cost: Money::from_nano(sum.totals.cost),
        tokens: count(sum.totals.input_tokens().saturating_add(sum.totals.output)),
    };
    sums.into_iter().take(ROWS).map(row).collect()
}

async fn chart(call: &Call, projects: &HashMap<String, Project>) -> Result<Option<StackedChart>, Failure> {
    let first = call.at.unix_micros().div_euclid(DAY) - CHART_DAYS + 1;
    let days: Vec<Timestamp> =
        (first..first + CHART_DAYS).map(|day| Timestamp::from_unix_micros(day * DAY)).collect();
    let range = (Timestamp::from_unix_micros(first * DAY), call.at);
    let mut series: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for sum in costs(call, Dimension::Project, range, Some(DAY)).await? {
        let place = usize::try_from(sum.bucket_start.unix_micros().div_euclid(DAY) - first);
        let values = series.entry(of(&sum)).or_insert_with(|| vec![0; days.len()]);
        if let Some(value) = place.ok().and_then(|place| values.get_mut(place)) {
            *value = sum.totals.cost;
        }
    }
    if series.is_empty() {
        return Ok(None);
    }
    let utc = TimeZone::utc();
    let bucket = |day: &Timestamp| {
        let (_, month, date, _, _) = civil(*day, &utc);
        Bucket {
            mark: format!("{date} {}", month_name(month)),
            name: When::day(*day, &utc).text().to_owned(),
        }
    };
    let named = |(id, values): (String, Vec<i64>)| {
        let project = projects.get(&id);
        Series { name: link(id, project).name, values }
    };
    let buckets: Vec<Bucket> = days.iter().map(bucket).collect();
    let series = series.into_iter().map(named).collect();
    Ok(Some(StackedChart::new("Cost per day by project", Unit::NanoUsd, &buckets, series)))
}

async fn events(call: &Call, zone: &TimeZone) -> Result<Vec<Event>, Failure> {
    let Some(grant) = granted(call, Permission::AuditRead) else { return Ok(Vec::new()) };
    let (filter, limit) = (AuditFilter::default(), i64::try_from(ROWS).unwrap_or(1));
    let found = audit_records(&call.control, &grant, &filter, &AuditCursor::Newest, limit).await?;
    let event = |record: domain::audit::AuditRecord| {
        let entry = &record.entry;
        let name = name_in(&entry.after).or_else(|| name_in(&entry.before)).unwrap_or_default();
        Event {
            actor: record.actor.email.unwrap_or(record.actor.id),
            sentence: format!("{} {name}", record.entry.verb.name()),
            at: When::minute(record.at, zone),
        }
    };
    Ok(found.items.into_iter().map(event).collect())
}

/// The way to the first metered call, for who can go it.
fn steps(call: &Call, root: &str, [has_project, has_people, has_calls]: [bool; 3]) -> Vec<Step> {
    if granted(call, Permission::ProjectCreate).is_none() {
        return Vec::new();
    }
    let step = |title: &str, text: &str, rest: &str, is_done| Step {
        title: title.to_owned(),
        text: text.to_owned(),
        href: format!("{root}{rest}"),
        is_done,
    };
    vec![
        step("Create a project", "Work, keys and cost live in projects.", "/projects/new", has_project),
        step("Invite somebody", "Give them a role here and in projects.", "/members#invite", has_people),
        step("Make a call", "Issue a key in a project and call a model with it.", "/projects", has_calls),
    ]
}
