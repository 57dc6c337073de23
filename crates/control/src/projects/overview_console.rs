//! The console's row of one project at a glance.

use domain::access::Permission;
use domain::projects::Project;
use domain::routes::{Access, Method};
use domain::time::DAY;
use store::usage::{Dimension, Totals, UsageSum, cost_by};

use super::detail_pages::{MeterRow, ProjectPage};
use super::forms::{people, title};
use super::frame::{CHART_DAYS, Frame, buckets, frame, granted_here, last_days, may_here, month};
use crate::allowances::console::binding;
use crate::http::charts::{Series, StackedChart, Unit};
use crate::http::console;
use crate::http::figures::{Count, Money};
use crate::http::shell::{Person, Section};
use crate::organizations::pages::{Figure, ModelCost};
use crate::{Answer, Call, Endpoint, Failure, page};

/// How many models the overview lists.
const MODELS_SHOWN: usize = 8;

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        page(Method::Get, "/o/{slug}/projects/{project_id}", "project_page", "A project at a glance.")
            .needs(Access::Project(Permission::ProjectRead))
            .to(overview),
    ]
}

async fn overview(call: Call) -> Result<Answer, Failure> {
    let Frame { shell, head, owned, zone } = frame(&call, None, Section::ProjectOverview).await?;
    let (models, chart) = cost(&call, &zone).await?;
    let mut figures = figures(&models);
    figures.push(key_figure(&call, owned.project.id).await?);
    let page = ProjectPage {
        figures,
        chart,
        chart_by: "model".to_owned(),
        models: models.into_iter().map(model_cost).take(MODELS_SHOWN).collect(),
        meters: meters(&call, &owned.project, &zone).await?,
        owners: owners(&call, &owned).await?,
        labels: labels(&owned.project),
        project_id: owned.project.id.to_string(),
        can_create_key: may_here(&call, Permission::ApiKeyManage) && !head.is_archived,
        shell,
        head,
    };
    console::page(&page)
}

/// This month's sums per model, dearest first, and the chart of the last days.
async fn cost(
    call: &Call,
    zone: &domain::time::TimeZone,
) -> Result<(Vec<UsageSum>, Option<StackedChart>), Failure> {
    let Some(grant) = granted_here(call, Permission::CostRead) else { return Ok((Vec::new(), None)) };
    let store = &call.control.store;
    let mut models = cost_by(store, &grant, Some(Dimension::Model), month(call.at, zone), None).await?;
    models.sort_by_cached_key(|sum| (std::cmp::Reverse(sum.totals.cost), name_of(sum)));
    let (range, days) = last_days(call.at, CHART_DAYS);
    let sums = cost_by(store, &grant, Some(Dimension::Model), range, Some(DAY)).await?;
    let series = series(&sums, &days, name_of);
    let chart = (!series.is_empty())
        .then(|| StackedChart::new("Cost per day by model", Unit::NanoUsd, &buckets(&days), series));
    Ok((models, chart))
}

/// One series per name, with a value for each day.
pub(crate) fn series(
    sums: &[UsageSum],
    days: &[domain::time::Timestamp],
    name: impl Fn(&UsageSum) -> String,
) -> Vec<Series> {
    let mut series: Vec<Series> = Vec::new();
    for sum in sums {
        let name = name(sum);
        let at = series.iter().position(|one| one.name == name).unwrap_or_else(|| {
            series.push(Series { name, values: vec![0; days.len()] });
            series.len() - 1
        });
        let Some(day) = days.iter().rposition(|day| *day <= sum.bucket_start) else { continue };
        series[at].values[day] = series[at].values[day].saturating_add(sum.totals.cost);
    }
    series
}

fn name_of(sum: &UsageSum) -> String {
    sum.of.first().cloned().flatten().unwrap_or_else(|| "not set".to_owned())
}

fn model_cost(sum: UsageSum) -> ModelCost {
    let tokens = sum.totals.input_tokens().saturating_add(sum.totals.output);
    ModelCost { model: name_of(&sum), cost: Money::from_nano(sum.totals.cost), tokens: count(tokens) }
}

/// A count that is never below zero.
pub(crate) fn count(number: i64) -> Count {
    Count(u64::try_from(number).unwrap_or_default())
}

fn figures(models: &[UsageSum]) -> Vec<Figure> {
    let mut all = Totals::default();
    models.iter().for_each(|sum| all.add(&sum.totals));
    let tokens = format!("{} in, {} out", count(all.input_tokens()).short(), count(all.output).short());
    let figure = |label: &str, value: String, hint: &str| Figure {
        label: label.to_owned(),
        value,
        hint: hint.to_owned(),
    };
    vec![
        figure("Cost this month", Money::from_nano(all.cost).to_string(), ""),
        figure("Calls this month", count(all.requests).to_string(), ""),
        figure("Tokens this month", count(all.input_tokens().saturating_add(all.output)).short(), &tokens),
    ]
}

async fn key_figure(call: &Call, project: domain::ids::ProjectId) -> Result<Figure, Failure> {
    let keys = match granted_here(call, Permission::ApiKeyRead) {
        Some(grant) => call.control.store.active_key_counts(&grant, &[project.to_string()], call.at).await?,
        None => Default::default(),
    };
    let value = keys.get(&project).copied().unwrap_or_default().to_string();
    Ok(Figure { label: "Active keys".to_owned(), value, hint: String::new() })
}

async fn meters(
    call: &Call,
    project: &Project,
    zone: &domain::time::TimeZone,
) -> Result<Vec<MeterRow>, Failure> {
    let rows = binding(call, project, zone).await?;
    let row = |row: crate::allowances::pages::AllowanceRow| MeterRow {
        name: format!("{} for {}", row.limit, row.scope),
        meter: row.meter,
        resets: row.resets,
    };
    Ok(rows.into_iter().map(row).collect())
}

/// The owners, the accountable one first.
async fn owners(call: &Call, owned: &super::OwnedProject) -> Result<Vec<Person>, Failure> {
    let mut ids = owned.owner_ids.clone();
    ids.sort_by_key(|id| Some(*id) != owned.project.accountable_owner_id);
    let known = match granted_here(call, Permission::ProjectMemberRead) {
        Some(grant) => {
            let page = domain::page::PageRequest::first(500, domain::page::Order::Ascending);
            call.control.store.project_members(&grant, owned.project.id, &page).await?.items
        }
        None => Vec::new(),
    };
    let others = people(call).await?;
    let person = |id: &domain::ids::UserId| {
        let member = known.iter().find(|member| member.user.id == *id);
        let named =
            member.map(|member| Person { name: member.user.name.clone(), email: member.user.email.clone() });
        let text = id.to_string();
        named.or_else(|| others.iter().find(|(other, _)| *other == text).map(|(_, person)| person.clone()))
    };
    Ok(ids.iter().filter_map(person).collect())
}

fn labels(project: &Project) -> Vec<(String, String)> {
    let labels = &project.labels;
    let set = [
        ("Workload", Some(title(project.workload.name()))),
        ("Risk", Some(title(project.risk.name()))),
        ("Team", labels.team.clone()),
        ("Product line", labels.product_line.clone()),
        ("Cost center", labels.cost_center.clone()),
        ("Client", labels.client.clone()),
    ];
    let tags = project.tags.iter().map(|(name, value)| (name.clone(), value.clone()));
    let set = set.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    set.chain(tags).collect()
}
