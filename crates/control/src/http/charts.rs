//! Charts as SVG: values in, geometry out. Places are in hundredths of a percent of the plot, so that a chart is
//! as wide as its page while its text keeps its size; no style attributes, colours come from the stylesheet.

use askama::Template;
use askama::filters::HtmlSafe;

use super::figures::{Count, Money, money_mark};

/// How many series keep a colour of their own; the rest are folded into one.
const SERIES_SHOWN: usize = 7;
/// Beyond so many buckets bars become too thin, and the chart is drawn as areas.
const BARS_AT_MOST: usize = 62;
/// The whole plot, in hundredths of a percent and in the units of the area drawing.
const WHOLE: i128 = 10_000;

/// What the values of a chart count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nano-dollars.
    NanoUsd,
    /// Calls, tokens or anything counted.
    Count,
}

impl Unit {
    fn value(self, value: i64) -> String {
        match self {
            Self::NanoUsd => Money::from_nano(value).to_string(),
            Self::Count => Count(value.max(0).unsigned_abs()).to_string(),
        }
    }

    fn mark(self, value: i64) -> String {
        match self {
            Self::NanoUsd => money_mark(value),
            Self::Count => Count(value.max(0).unsigned_abs()).short(),
        }
    }
}

/// One step of the time axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// For the axis: `3 Nov`.
    pub mark: String,
    /// In full, for the hover text and the table: `Tuesday, 3 Nov 2026`.
    pub name: String,
}

/// One of the things stacked on each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// One value per bucket, in the chart's unit. Below zero counts as zero in the drawing.
    pub values: Vec<i64>,
}

impl Series {
    fn at(&self, bucket: usize) -> i64 {
        self.values.get(bucket).copied().unwrap_or_default()
    }

    fn total(&self) -> i64 {
        self.values.iter().fold(0, |sum, value| sum.saturating_add(*value))
    }
}

/// A stacked chart over time with axis, legend, hover texts and the same values as a table.
#[derive(Template)]
#[template(path = "http/chart.html")]
pub struct StackedChart {
    title: String,
    description: String,
    marks: Vec<Mark>,
    legend: Vec<Legend>,
    columns: Vec<Column>,
    areas: Vec<Area>,
    steps: usize,
}

impl HtmlSafe for StackedChart {}

struct Mark {
    y: Place,
    text: String,
}

struct Legend {
    color: usize,
    name: String,
    total: String,
}

struct Column {
    x: Place,
    width: Place,
    bar_x: Place,
    bar_width: Place,
    middle: Place,
    end: Place,
    mark: Option<AxisMark>,
    name: String,
    hover: String,
    bars: Vec<Bar>,
    values: Vec<String>,
}

struct AxisMark {
    text: String,
    is_minor: bool,
    is_last: bool,
}

struct Bar {
    color: usize,
    y: Place,
    height: Place,
}

struct Area {
    color: usize,
    points: String,
}

/// A place or length in hundredths of a percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place(i128);

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:02}%", self.0 / 100, self.0 % 100)
    }
}

impl HtmlSafe for Place {}

impl StackedChart {
    /// Draws the series, dearest first, over the buckets. `title` says what is shown, such as "Cost per day by project".
    pub fn new(title: &str, unit: Unit, buckets: &[Bucket], series: Vec<Series>) -> Self {
        let series = folded(series);
        let sums: Vec<i64> = (0..buckets.len()).map(|bucket| sum_at(&series, bucket)).collect();
        let (step, steps) = axis(sums.iter().copied().max().unwrap_or_default());
        let top = step.saturating_mul(steps);
        let columns = buckets
            .iter()
            .enumerate()
            .map(|(i, bucket)| column(i, bucket, buckets.len(), &series, unit, top));
        let is_area = buckets.len() > BARS_AT_MOST;
        Self {
            title: title.to_owned(),
            description: description(unit, buckets, &sums),
            marks: (0..=steps).map(|n| mark(n, step, top, unit)).collect(),
            legend: legend(&series, unit),
            columns: columns.collect(),
            areas: if is_area { areas(&series, buckets.len(), top) } else { Vec::new() },
            steps: buckets.len(),
        }
    }
}

/// Largest first; those without a colour of their own are one "Other".
fn folded(mut series: Vec<Series>) -> Vec<Series> {
    series.sort_by(|a, b| b.total().cmp(&a.total()).then_with(|| a.name.cmp(&b.name)));
    if series.len() <= SERIES_SHOWN + 1 {
        return series;
    }
    let rest = series.split_off(SERIES_SHOWN);
    let buckets = rest.iter().map(|one| one.values.len()).max().unwrap_or_default();
    let values = (0..buckets).map(|bucket| sum_at(&rest, bucket)).collect();
    series.push(Series { name: format!("Other ({})", rest.len()), values });
    series
}

fn sum_at(series: &[Series], bucket: usize) -> i64 {
    series.iter().fold(0, |sum: i64, one| sum.saturating_add(one.at(bucket).max(0)))
}

/// The smallest step of 1, 2, 5 and their tenfolds of which at most five reach the value, and how many do.
fn axis(highest: i64) -> (i64, i64) {
    let mut unit: i64 = 1;
    loop {
        for factor in [1, 2, 5] {
            let step = unit.saturating_mul(factor);
            if step.saturating_mul(5) >= highest {
                return (step, (highest.saturating_sub(1) / step + 1).clamp(1, 5));
            }
        }
        unit = unit.saturating_mul(10);
    }
}

fn share(value: i64, top: i64) -> i128 {
    i128::from(value.clamp(0, top)) * WHOLE / i128::from(top.max(1))
}

fn mark(n: i64, step: i64, top: i64, unit: Unit) -> Mark {
    let value = step.saturating_mul(n);
    Mark { y: Place(WHOLE - share(value, top)), text: unit.mark(value) }
}

fn legend(series: &[Series], unit: Unit) -> Vec<Legend> {
    let line = |(color, one): (usize, &Series)| Legend {
        color: color.min(SERIES_SHOWN),
        name: one.name.clone(),
        total: unit.value(one.total()),
    };
    series.iter().enumerate().map(line).collect()
}

fn description(unit: Unit, buckets: &[Bucket], sums: &[i64]) -> String {
    let total = sums.iter().fold(0i64, |sum, value| sum.saturating_add(*value));
    match (buckets.first(), buckets.last(), sums.iter().enumerate().max_by_key(|(_, sum)| **sum)) {
        (Some(first), Some(last), Some((at, highest))) => format!(
            "{} in all from {} to {}; the highest is {} on {}.",
            unit.value(total),
            first.name,
            last.name,
            unit.value(*highest),
            buckets[at].name,
        ),
        _ => "Nothing in this period.".to_owned(),
    }
}

fn column(at: usize, bucket: &Bucket, buckets: usize, series: &[Series], unit: Unit, top: i64) -> Column {
    let edge = |n: usize| n as i128 * WHOLE / buckets.max(1) as i128;
    let (x, width) = (edge(at), edge(at + 1) - edge(at));
    let gap = width / 8;
    let values: Vec<String> = series.iter().map(|one| unit.value(one.at(at))).collect();
    Column {
        x: Place(x),
        width: Place(width),
        bar_x: Place(x + gap),
        bar_width: Place(width - 2 * gap),
        middle: Place(x + width / 2),
        end: Place(x + width),
        mark: axis_mark(at, buckets, &bucket.mark),
        hover: hover(bucket, series, at, unit),
        name: bucket.name.clone(),
        bars: bars(series, at, top),
        values,
    }
}

/// About eight marks fit a wide chart, and about four a phone.
fn axis_mark(at: usize, buckets: usize, text: &str) -> Option<AxisMark> {
    let every = buckets.div_ceil(8).max(1);
    let from_end = buckets - 1 - at;
    from_end.is_multiple_of(every).then(|| AxisMark {
        text: text.to_owned(),
        is_minor: !(from_end / every).is_multiple_of(2),
        is_last: from_end == 0,
    })
}

fn hover(bucket: &Bucket, series: &[Series], at: usize, unit: Unit) -> String {
    let mut text = format!("{}: {}", bucket.name, unit.value(sum_at(series, at)));
    for one in series.iter().filter(|one| one.at(at) != 0) {
        text.push_str(&format!("\n{}  {}", unit.value(one.at(at)), one.name));
    }
    text
}

fn bars(series: &[Series], at: usize, top: i64) -> Vec<Bar> {
    let mut below = 0i64;
    let mut bars = Vec::new();
    for (color, one) in series.iter().enumerate().filter(|(_, one)| one.at(at) > 0) {
        let above = below.saturating_add(one.at(at));
        let (y, foot) = (WHOLE - share(above, top), WHOLE - share(below, top));
        bars.push(Bar { color: color.min(SERIES_SHOWN), y: Place(y), height: Place(foot - y) });
        below = above;
    }
    bars
}

/// One closed outline per series, over the ones below it, in a square of 10,000.
fn areas(series: &[Series], buckets: usize, top: i64) -> Vec<Area> {
    let x = |bucket: usize| (2 * bucket as i128 + 1) * WHOLE / (2 * buckets as i128);
    let mut below = vec![0i64; buckets];
    let mut areas = Vec::new();
    for (color, one) in series.iter().enumerate() {
        let above: Vec<i64> = (0..buckets).map(|b| below[b].saturating_add(one.at(b).max(0))).collect();
        let point = |bucket: usize, value: i64| format!("{},{} ", x(bucket), WHOLE - share(value, top));
        let mut points: String = (0..buckets).map(|b| point(b, above[b])).collect();
        points.extend((0..buckets).rev().map(|b| point(b, below[b])));
        areas.push(Area { color: color.min(SERIES_SHOWN), points });
        below = above;
    }
    areas
}

/// A line without axes, for a table cell.
#[derive(Template)]
#[template(
    source = r#"<svg class="spark" viewBox="0 0 100 24" preserveAspectRatio="none" role="img" aria-label="{{ title }}"><polyline points="{{ points }}"/></svg>"#,
    ext = "html"
)]
pub struct Sparkline {
    title: String,
    points: String,
}

impl HtmlSafe for Sparkline {}

impl Sparkline {
    /// Draws the values from left to right; `title` is what a screen reader says.
    pub fn new(title: &str, values: &[i64]) -> Self {
        let top = values.iter().copied().max().unwrap_or_default().max(1);
        let last = values.len().saturating_sub(1).max(1) as i128;
        let point = |(at, value): (usize, &i64)| {
            format!("{},{} ", at as i128 * 100 / last, 22 - share(*value, top) * 20 / WHOLE)
        };
        Self { title: title.to_owned(), points: values.iter().enumerate().map(point).collect() }
    }
}

/// Spent, held and left of one allowance.
#[derive(Template)]
#[template(path = "http/meter.html")]
pub struct Meter {
    spent: String,
    held: String,
    has_held: bool,
    left: String,
    amount: String,
    spent_width: Place,
    held_x: Place,
    held_width: Place,
    level: &'static str,
}

impl HtmlSafe for Meter {}

impl Meter {
    /// What is spent and held of an amount, all in the unit.
    pub fn new(unit: Unit, spent: i64, held: i64, amount: i64) -> Self {
        let taken = spent.saturating_add(held);
        let (spent_to, held_to) = (share(spent, amount), share(taken, amount));
        let level = match spent_to {
            10_000.. => "full",
            8_000.. => "near",
            _ => "calm",
        };
        Self {
            spent: unit.value(spent),
            held: unit.value(held),
            has_held: held > 0,
            left: unit.value(amount.saturating_sub(taken).max(0)),
            amount: unit.value(amount),
            spent_width: Place(spent_to),
            held_x: Place(spent_to),
            held_width: Place(held_to - spent_to),
            level,
        }
    }
}

#[cfg(test)]
#[path = "charts_tests.rs"]
mod tests;
