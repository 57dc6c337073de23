//! Usage and costs: buckets of time with sums in them, and single records.

pub mod api;
pub(crate) mod console;
pub mod pages;
pub mod records;

use std::collections::BTreeMap;

use domain::Error;
use domain::access::{Actor, Grant, Permission, Target, authorize};
use domain::ids::ProjectId;
use domain::time::{DAY, HOUR, MINUTE, Timestamp};
use store::usage::{Dimension, UsageQuery, UsageSum, usage};

use crate::projects::organization_of;
use crate::{Control, Failure};

/// Width of the buckets of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BucketWidth {
    /// `1m`.
    Minute,
    /// `1h`.
    Hour,
    /// `1d`.
    Day,
}

impl BucketWidth {
    /// The width of that word.
    ///
    /// # Errors
    /// `invalid_bucket_width`.
    pub fn parse(word: &str) -> Result<Self, Error> {
        match word {
            "1m" => Ok(Self::Minute),
            "1h" => Ok(Self::Hour),
            "1d" => Ok(Self::Day),
            _ => {
                let sentence = "Use one of: 1m 1h 1d.";
                Err(Error::invalid_param("invalid_bucket_width", "bucket_width", sentence))
            }
        }
    }

    /// In microseconds.
    pub const fn micros(self) -> i64 {
        match self {
            Self::Minute => MINUTE,
            Self::Hour => HOUR,
            Self::Day => DAY,
        }
    }

    /// How many buckets a page has by default and at most.
    pub const fn page_sizes(self) -> (i64, i64) {
        match self {
            Self::Minute => (60, 1_440),
            Self::Hour => (24, 168),
            Self::Day => (7, 31),
        }
    }
}

/// What a report is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportQuery {
    /// What is summed; its range is made whole buckets.
    pub usage: UsageQuery,
    /// Width of the buckets.
    pub width: BucketWidth,
    /// How many buckets a page has.
    pub limit: i64,
    /// Where the page starts, if not at the beginning.
    pub page: Option<Timestamp>,
}

/// One bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// First moment inside.
    pub start: Timestamp,
    /// First moment after.
    pub end: Timestamp,
    /// The sums, told apart by the dimensions grouped by.
    pub sums: Vec<UsageSum>,
}

/// A page of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Every bucket of the page, oldest first, those without calls too.
    pub buckets: Vec<Bucket>,
    /// Where the next page starts.
    pub next: Option<Timestamp>,
}

/// Sums calls into buckets of whole minutes, hours or days of UTC.
///
/// # Errors
/// `Hidden` for a project that is not within reach; `invalid_range`, `invalid_page`.
pub async fn report(control: &Control, grant: &Grant, query: ReportQuery) -> Result<Report, Failure> {
    known_projects(control, grant, &query.usage.project_ids).await?;
    let width = query.width.micros();
    let floor = |at: Timestamp| at.unix_micros().div_euclid(width) * width;
    let first = floor(query.usage.from);
    let end = floor(query.usage.until.plus_micros(width - 1));
    if end <= first {
        let sentence = "end_time has to be later than start_time.";
        return Err(Error::invalid_param("invalid_range", "end_time", sentence).into());
    }
    let start = query.page.map_or(first, Timestamp::unix_micros);
    if start < first || start >= end || start % width != 0 {
        return Err(Error::invalid_param("invalid_page", "page", "Pass next_page as it was given.").into());
    }
    let stop = start.saturating_add(width.saturating_mul(query.limit)).min(end);
    let moment = Timestamp::from_unix_micros;
    let asked =
        UsageQuery { from: moment(start), until: moment(stop), bucket_micros: Some(width), ..query.usage };
    let mut by_bucket: BTreeMap<i64, Vec<UsageSum>> = BTreeMap::new();
    for sum in usage(&control.store, grant, &asked).await? {
        by_bucket.entry(sum.bucket_start.unix_micros()).or_default().push(sum);
    }
    let mut buckets = Vec::new();
    let mut place = start;
    while place < stop {
        let mut sums = by_bucket.remove(&place).unwrap_or_default();
        sums.sort_by(|a, b| a.of.cmp(&b.of));
        buckets.push(Bucket { start: moment(place), end: moment(place + width), sums });
        place += width;
    }
    Ok(Report { buckets, next: (stop < end).then(|| moment(stop)) })
}

/// The grant under which costs are read: telling keys or people apart, or choosing them, needs more than
/// seeing costs.
///
/// # Errors
/// `missing_permission`.
pub fn cost_grant(actor: &Actor, grant: &Grant, query: &UsageQuery) -> Result<Grant, Error> {
    let is_personal = query.group_by.iter().any(|dimension| dimension.is_personal())
        || !query.api_key_ids.is_empty()
        || !query.user_ids.is_empty();
    if !is_personal {
        return Ok(grant.clone());
    }
    authorize(actor, Permission::UsageRead, Target::Organization(organization_of(grant)?))
}

/// Reads a list of dimensions.
///
/// # Errors
/// `invalid_group_by` for an unknown one. Words of the compatible API that never differ here are let be.
pub fn dimensions(words: &[String]) -> Result<Vec<Dimension>, Error> {
    let mut dimensions = Vec::new();
    for word in words {
        let dimension = match word.as_str() {
            "line_item" => Some(Dimension::Model),
            "batch" | "service_tier" | "api_source" => None,
            word => Some(Dimension::parse(word).ok_or_else(|| unknown_dimension(word))?),
        };
        dimensions.extend(dimension.filter(|dimension| !dimensions.contains(dimension)));
    }
    Ok(dimensions)
}

fn unknown_dimension(word: &str) -> Error {
    let known: Vec<&str> = Dimension::ALL.iter().map(|dimension| dimension.name()).collect();
    let sentence = format!("{word} is none of: line_item {}.", known.join(" "));
    Error::invalid_param("invalid_group_by", "group_by", sentence)
}

async fn known_projects(control: &Control, grant: &Grant, ids: &[String]) -> Result<(), Failure> {
    for id in ids {
        let id: ProjectId = id.parse().map_err(|_| Error::Hidden { what: "project" })?;
        control.store.project(grant, id).await?;
    }
    Ok(())
}
