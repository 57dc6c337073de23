//! The console's rows of usage: of the organization and of a project, as a page and as CSV.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use domain::Error;
use domain::access::{Grant, Permission, Reach};
use domain::page::{Order, PageRequest};
use domain::projects::Environment;
use domain::routes::{Access, Method};
use domain::time::{DAY, Timestamp};
use http::StatusCode;
use store::usage::{Dimension, Totals, UsageQuery, UsageSum, usage};

use super::pages::{ProjectUsagePage, UsagePage, UsageReport, UsageRow};
use crate::http::charts::{StackedChart, Unit};
use crate::http::console;
use crate::http::figures::Money;
use crate::http::shell::{Choice, Section};
use crate::organizations::pages::Figure;
use crate::projects::forms::{people, title, words};
use crate::projects::frame::{
    Frame, buckets, frame, granted, granted_here, naming, opens_projects, project_root, root,
};
use crate::projects::overview_console::{count, series};
use crate::{Answer, Call, Endpoint, Failure, page};

/// How many projects and keys are named.
const NAMED_AT_MOST: i64 = 500;
/// The longest period of a page, in days.
const DAYS_AT_MOST: i64 = 366;
/// What is shown where nothing was set.
const NOT_SET: &str = "not set";

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        page(Method::Get, "/o/{slug}/usage", "usage_page", "What was used and what it cost.")
            .needs(Access::Organization(Permission::OrganizationRead))
            .to(organization),
        page(
            Method::Get,
            "/o/{slug}/projects/{project_id}/usage",
            "project_usage_page",
            "What a project used and what it cost.",
        )
        .needs(Access::Project(Permission::ProjectRead))
        .to(project),
    ]
}

/// What is asked for, once it makes sense.
struct Asked {
    dimension: Dimension,
    environment: Option<Environment>,
    from: Timestamp,
    until: Timestamp,
    days: Vec<Timestamp>,
}

/// What came of it: sums of one value of the dimension per day.
struct Answered {
    asked: Asked,
    sums: Vec<UsageSum>,
    names: HashMap<String, String>,
}

async fn organization(call: Call) -> Result<Answer, Failure> {
    let (costs, details) = (granted(&call, Permission::CostRead), granted(&call, Permission::UsageRead));
    let dimensions = offered(&[Dimension::Project, Dimension::Environment], details.is_some(), false);
    let asked = asked(&call, &dimensions)?;
    let grant = choose(costs, details, &asked)?;
    let answered = answer(&call, &grant, asked, organization_names(&call).await?).await?;
    if call.query.one("format") == Some("csv") {
        return Ok(csv(&answered));
    }
    let shell = console::shell(&call, "Usage", Section::Usage).await?;
    // A project that the viewer may not open has no link.
    let projects = opens_projects(&call).then(|| format!("{}/projects", root(&call)));
    let report = report(&call, answered, &dimensions, (format!("{}/usage", root(&call)), projects));
    console::page(&UsagePage { shell, report })
}

async fn project(call: Call) -> Result<Answer, Failure> {
    let (costs, details) =
        (granted_here(&call, Permission::CostRead), granted_here(&call, Permission::UsageRead));
    let dimensions = offered(&[Dimension::Model], details.is_some(), true);
    let asked = asked(&call, &dimensions)?;
    let grant = choose(costs, details, &asked)?;
    let answered = answer(&call, &grant, asked, project_names(&call).await?).await?;
    if call.query.one("format") == Some("csv") {
        return Ok(csv(&answered));
    }
    let Frame { shell, head, .. } = frame(&call, Some("Usage"), Section::ProjectUsage).await?;
    let mut report = report(&call, answered, &dimensions, (format!("{}/usage", project_root(&call)), None));
    report.environments = Vec::new();
    console::page(&ProjectUsagePage { shell, head, report })
}

/// The dimensions to choose from; those that tell people apart only for who may see more than costs.
fn offered(first: &[Dimension], with_people: bool, with_keys: bool) -> Vec<Dimension> {
    let mut dimensions = first.to_vec();
    let more = Dimension::ALL.into_iter().filter(|dimension| match dimension {
        Dimension::Project => false,
        Dimension::ApiKey | Dimension::ServiceAccount => with_people && with_keys,
        other => with_people || !other.is_personal(),
    });
    for dimension in more {
        if !dimensions.contains(&dimension) {
            dimensions.push(dimension);
        }
    }
    dimensions
}

/// The grant under which it is read: the wider one, and for what tells people apart the one that shows it.
fn choose(costs: Option<Grant>, details: Option<Grant>, asked: &Asked) -> Result<Grant, Failure> {
    let sees_all = costs.as_ref().is_some_and(|grant| *grant.reach() == Reach::All);
    let grant = match (costs, details) {
        (Some(costs), _) if sees_all && !asked.dimension.is_personal() => Some(costs),
        (_, Some(details)) => Some(details),
        (costs, None) => costs,
    };
    let sentence = "Missing scopes: usage.read. Ask an Admin of the organization for a role that gives it.";
    grant.ok_or_else(|| Error::forbidden("missing_permission", sentence).into())
}

fn asked(call: &Call, dimensions: &[Dimension]) -> Result<Asked, Error> {
    let wanted = call.query.one("group_by").and_then(Dimension::parse);
    let dimension = wanted.filter(|wanted| dimensions.contains(wanted)).or(dimensions.first().copied());
    let today = call.at.unix_micros().div_euclid(DAY);
    let last = call.query.one("to").map_or(Ok(today), |text| day(text, "to"))?;
    let first = call.query.one("from").map_or(Ok(last - 29), |text| day(text, "from"))?;
    if first > last || last - first >= DAYS_AT_MOST {
        let sentence = "Choose a period of 1 to 366 days, the first day before the last.";
        return Err(Error::invalid_param("invalid_range", "from", sentence));
    }
    let start = |day: i64| Timestamp::from_unix_micros(day.saturating_mul(DAY));
    Ok(Asked {
        dimension: dimension.unwrap_or(Dimension::Model),
        environment: call.query.one("environment").and_then(|word| Environment::parse(word).ok()),
        from: start(first),
        until: start(last + 1),
        days: (first..=last).map(start).collect(),
    })
}

/// The number of a day such as `2026-11-24`, counted from 1970.
fn day(text: &str, param: &'static str) -> Result<i64, Error> {
    let bad = || Error::invalid_param("invalid_date", param, "Write a day such as 2026-11-24.");
    let date: jiff::civil::Date = text.parse().map_err(|_| bad())?;
    let start = date.in_tz("UTC").map_err(|_| bad())?;
    Ok(start.timestamp().as_second().div_euclid(DAY / domain::time::SECOND))
}

async fn answer(
    call: &Call,
    grant: &Grant,
    asked: Asked,
    names: HashMap<String, String>,
) -> Result<Answered, Failure> {
    let query = UsageQuery {
        from: asked.from,
        until: asked.until,
        bucket_micros: Some(DAY),
        // The second tells environments apart as they stood at the time of each call.
        group_by: vec![asked.dimension, Dimension::Environment],
        ..UsageQuery::default()
    };
    let wanted = asked.environment.map(Environment::name);
    let is_wanted = |sum: &UsageSum| {
        let environment = sum.of.get(1).and_then(Option::as_deref);
        wanted.is_none_or(|wanted| environment == Some(wanted))
    };
    let mut sums = usage(&call.control.store, grant, &query).await?;
    sums.retain(is_wanted);
    Ok(Answered { asked, sums, names })
}

async fn organization_names(call: &Call) -> Result<HashMap<String, String>, Failure> {
    let mut names: HashMap<String, String> =
        people(call).await?.into_iter().map(|(id, person)| (id, person.name)).collect();
    if let Some(grant) = naming(call) {
        let request = PageRequest::first(NAMED_AT_MOST, Order::Ascending);
        let projects = call.control.store.projects(&grant, true, &request).await?;
        names.extend(projects.items.into_iter().map(|project| (project.id.to_string(), project.name)));
    }
    Ok(names)
}

async fn project_names(call: &Call) -> Result<HashMap<String, String>, Failure> {
    let mut names: HashMap<String, String> =
        people(call).await?.into_iter().map(|(id, person)| (id, person.name)).collect();
    let (store, id) = (&call.control.store, call.path("project_id")?);
    let request = PageRequest::first(NAMED_AT_MOST, Order::Ascending);
    if let Some(grant) = granted_here(call, Permission::ProjectMemberRead) {
        let members = store.project_members(&grant, id, &request).await?;
        names.extend(members.items.into_iter().map(|member| (member.user.id.to_string(), member.user.name)));
    }
    if let Some(grant) = granted_here(call, Permission::ServiceAccountRead) {
        let accounts = store.service_accounts(&grant, id, &request).await?;
        names.extend(
            accounts.items.into_iter().map(|owned| (owned.account.id.to_string(), owned.account.name)),
        );
    }
    if let Some(grant) = granted_here(call, Permission::ApiKeyRead) {
        let filter = store::KeyFilter { revoked_too: true, ..store::KeyFilter::default() };
        let keys = store.project_keys(&grant, id, filter, &request).await?;
        names.extend(keys.items.into_iter().map(|owned| (owned.key.id.to_string(), owned.key.name)));
    }
    Ok(names)
}

impl Answered {
    fn name(&self, sum: &UsageSum) -> String {
        match sum.of.first().cloned().flatten() {
            Some(value) => self.names.get(&value).cloned().unwrap_or(value),
            None => NOT_SET.to_owned(),
        }
    }

    /// The sums of each value over the period, dearest first, with the value itself.
    fn totals(&self) -> Vec<(Option<String>, String, Totals)> {
        let mut totals: BTreeMap<Option<String>, (String, Totals)> = BTreeMap::new();
        for sum in &self.sums {
            let value = sum.of.first().cloned().flatten();
            let (_, total) = totals.entry(value).or_insert_with(|| (self.name(sum), Totals::default()));
            total.add(&sum.totals);
        }
        let mut rows: Vec<_> =
            totals.into_iter().map(|(value, (name, total))| (value, name, total)).collect();
        rows.sort_by(|a, b| b.2.cost.cmp(&a.2.cost).then_with(|| a.1.cmp(&b.1)));
        rows
    }
}

/// The dimension for people.
fn dimension_title(dimension: Dimension) -> String {
    match dimension {
        Dimension::Project => "Project".to_owned(),
        Dimension::User => "Key owner".to_owned(),
        Dimension::ApiKey => "Key".to_owned(),
        Dimension::ServiceAccount => "Service account".to_owned(),
        Dimension::Owner => "Accountable owner".to_owned(),
        other => title(other.name()),
    }
}

fn report(
    call: &Call,
    answered: Answered,
    dimensions: &[Dimension],
    (href, projects): (String, Option<String>),
) -> UsageReport {
    let asked = &answered.asked;
    let row_title = dimension_title(asked.dimension);
    let rows = answered.totals();
    let mut all = Totals::default();
    rows.iter().for_each(|(_, _, total)| all.add(total));
    let choices: Vec<(&str, String)> =
        dimensions.iter().map(|one| (one.name(), dimension_title(*one))).collect();
    let chart = (!answered.sums.is_empty()).then(|| {
        let series = series(&answered.sums, &asked.days, |sum| answered.name(sum));
        let title = format!("Cost per day by {}", row_title.to_lowercase());
        StackedChart::new(&title, Unit::NanoUsd, &buckets(&asked.days), series)
    });
    let is_project = asked.dimension == Dimension::Project;
    let link = |value: &Option<String>| Some(format!("{}/{}", projects.as_ref()?, value.as_ref()?));
    UsageReport {
        group_by: Choice::list(&choices, asked.dimension.name()),
        environments: environments(asked.environment),
        from: day_text(asked.from),
        to: day_text(asked.until.plus_micros(-DAY)),
        figures: figures(&all),
        chart,
        rows: rows
            .iter()
            .map(|(value, name, total)| UsageRow {
                name: name.clone(),
                href: if is_project { link(value) } else { None },
                calls: count(total.requests),
                input_tokens: count(total.input_tokens()),
                output_tokens: count(total.output),
                cost: Money::from_nano(total.cost),
                share: share(total.cost, all.cost),
            })
            .collect(),
        total_cost: Money::from_nano(all.cost),
        csv_href: csv_href(call, asked, &href),
        row_title,
    }
}

fn environments(selected: Option<Environment>) -> Vec<Choice> {
    let word = selected.map_or("", Environment::name);
    let mut choices = words(Environment::ALL.iter().map(|value| value.name()), word);
    choices
        .insert(0, Choice { value: String::new(), label: "All".to_owned(), is_selected: selected.is_none() });
    choices
}

fn figures(all: &Totals) -> Vec<Figure> {
    let figure = |label: &str, value: String| Figure { label: label.to_owned(), value, hint: String::new() };
    vec![
        figure("Cost", Money::from_nano(all.cost).to_string()),
        figure("Calls", count(all.requests).to_string()),
        figure("Tokens in", count(all.input_tokens()).short()),
        figure("Tokens out", count(all.output).short()),
    ]
}

/// Part of a whole: `41 %`.
fn share(part: i64, whole: i64) -> String {
    if whole <= 0 {
        return String::new();
    }
    let percent = (i128::from(part) * 100 + i128::from(whole) / 2) / i128::from(whole);
    if percent == 0 && part > 0 { "< 1 %".to_owned() } else { format!("{percent} %") }
}

fn csv_href(call: &Call, asked: &Asked, href: &str) -> String {
    let (from, to) = (day_text(asked.from), day_text(asked.until.plus_micros(-DAY)));
    let query = [
        ("group_by", asked.dimension.name()),
        ("environment", call.query.text("environment")),
        ("from", &from),
        ("to", &to),
        ("format", "csv"),
    ];
    format!("{href}?{}", serde_urlencoded::to_string(query).unwrap_or_default())
}

/// `2026-11-24`, the day of UTC in which the moment lies.
fn day_text(at: Timestamp) -> String {
    let (year, month, day, _, _) = domain::time::civil(at, &domain::time::TimeZone::utc());
    format!("{year:04}-{month:02}-{day:02}")
}

/// One line per day and value, costs exact.
fn csv(answered: &Answered) -> Answer {
    let mut lines: BTreeMap<(String, String, String), Totals> = BTreeMap::new();
    for sum in &answered.sums {
        let value = sum.of.first().cloned().flatten().unwrap_or_default();
        let place = (day_text(sum.bucket_start), answered.name(sum), value);
        lines.entry(place).or_default().add(&sum.totals);
    }
    let dimension = answered.asked.dimension.name();
    let mut text = format!("date,{dimension},name,requests,input_tokens,output_tokens,cost_usd\r\n");
    for ((date, name, value), total) in lines {
        let cost = domain::money::NanoUsd::from_nano(total.cost);
        let figures = format!("{},{},{},{cost}", total.requests, total.input_tokens(), total.output);
        text.push_str(&format!("{date},{},{},{figures}\r\n", cell(&value), cell(&name)));
    }
    Answer::of(StatusCode::OK, "text/csv; charset=utf-8", Bytes::from(text)).header(
        http::header::CONTENT_DISPOSITION,
        &format!("attachment; filename=\"usage-{}.csv\"", day_text(answered.asked.from)),
    )
}

/// A cell in quotation marks; one that a spreadsheet would take for a formula is made plain text.
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    format!("\"{}{}\"", if is_formula { "'" } else { "" }, text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_and_told_alike() {
        let number = day("2026-11-24", "from").unwrap();
        assert_eq!(day_text(Timestamp::from_unix_micros(number * DAY)), "2026-11-24");
        assert_eq!(day("24.11.2026", "to").unwrap_err().code(), "invalid_date");
    }

    #[test]
    fn shares_are_whole_percents_and_small_ones_do_not_vanish() {
        assert_eq!(share(41, 100), "41 %");
        assert_eq!(share(1, 1_000), "< 1 %");
        assert_eq!(share(0, 0), "");
    }

    #[test]
    fn no_cell_is_a_formula() {
        assert_eq!(cell("=1+1 \"x\""), "\"'=1+1 \"\"x\"\"\"");
    }
}
