//! What calls used and cost, summed by time and by whatever dimension is asked for.

use domain::access::Grant;
use domain::time::Timestamp;

use crate::error::Result;
pub use crate::metering::Totals;
use crate::reached::Reached;
use crate::{Store, args};

macro_rules! dimensions {
    ($($variant:ident = $name:literal, $column:literal, $flag:literal;)*) => {
        /// By what sums can be told apart.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Dimension { $(#[doc = concat!("`", $name, "`.")] $variant,)* }

        impl Dimension {
            /// Every dimension.
            pub const ALL: [Self; 13] = [$(Self::$variant,)*];

            /// The word on the wire.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }

        macro_rules! grouped {
            () => { concat!($("case when $", $flag, " then ", $column, " end as ", $name, ", ",)*) };
        }
    };
}

dimensions! {
    Project = "project_id", "a.project_id", "19";
    User = "user_id", "a.owner_user_id", "20";
    ApiKey = "api_key_id", "a.key_id", "21";
    Model = "model", "t.model", "22";
    ServiceAccount = "service_account_id", "a.owner_service_account_id", "23";
    Owner = "owner", "a.accountable_owner_id", "24";
    Environment = "environment", "a.environment", "25";
    Workload = "workload", "a.workload", "26";
    Team = "team", "a.team", "27";
    ProductLine = "product_line", "a.product_line", "28";
    CostCenter = "cost_center", "a.cost_center", "29";
    Client = "client", "a.client", "30";
    Endpoint = "endpoint", "t.endpoint", "31";
}

impl Dimension {
    /// The dimension of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dimension| dimension.name() == word)
    }

    /// Whether it tells persons or their keys apart, which a view of costs alone does not.
    pub const fn is_personal(self) -> bool {
        matches!(self, Self::User | Self::ApiKey | Self::ServiceAccount)
    }
}

/// Which calls are wanted, and how they are summed. An empty list means any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageQuery {
    /// From here on.
    pub from: Timestamp,
    /// Before here.
    pub until: Timestamp,
    /// Width of the buckets of time, in microseconds, counted from 1970; below 15 minutes single records are
    /// summed. Nothing means one bucket for all.
    pub bucket_micros: Option<i64>,
    /// What tells the sums apart.
    pub group_by: Vec<Dimension>,
    /// Of these projects.
    pub project_ids: Vec<String>,
    /// Of these keys.
    pub api_key_ids: Vec<String>,
    /// Of keys that these users own.
    pub user_ids: Vec<String>,
    /// Of these models.
    pub models: Vec<String>,
    /// Of these routes.
    pub endpoints: Vec<String>,
}

/// One sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageSum {
    /// Where its bucket starts; the beginning of the query's range where there is one bucket.
    pub bucket_start: Timestamp,
    /// What it is of: the values of the dimensions grouped by, in the order of the query.
    pub of: Vec<Option<String>>,
    /// The sums.
    pub totals: Totals,
}

macro_rules! sums {
    ($table:literal, $at:literal, $requests:literal) => {
        concat!(
            "select CAST(",
            $at,
            " / $18 AS BIGINT) as bucket, ",
            grouped!(),
            "CAST(sum(",
            $requests,
            ") AS BIGINT) as requests, CAST(sum(t.input) AS BIGINT) as input, \
             CAST(sum(t.cached_input) AS BIGINT) as cached_input, CAST(sum(t.cache_write) AS BIGINT) as cache_write, \
             CAST(sum(t.output) AS BIGINT) as output, CAST(sum(t.reasoning) AS BIGINT) as reasoning, \
             CAST(sum(t.cost) AS BIGINT) as cost from ",
            $table,
            " t join attributions a on a.id = t.attribution_id where t.organization_id = $1 \
             and ($2 or a.project_id in list($3) or (a.project_id in list($4) and a.owner_user_id = $5)) \
             and ",
            $at,
            " >= $6 and ",
            $at,
            " < $7 and ($8 or a.project_id in list($9)) and ($10 or a.key_id in list($11)) \
             and ($12 or a.owner_user_id in list($13)) and ($14 or t.model in list($15)) \
             and ($16 or t.endpoint in list($17))\
             group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14 order by 1"
        )
    };
}

const FROM_ROLLUPS: &str = sums!("rollups", "t.bucket_start", "t.requests");
const FROM_RECORDS: &str = sums!("usage_records", "t.admitted_at", "1");

/// Sums of calls within reach, oldest bucket first; buckets without calls are absent.
///
/// # Errors
/// `Unavailable` when the database is away.
pub async fn usage(store: &Store, grant: &Grant, query: &UsageQuery) -> Result<Vec<UsageSum>> {
    let reached = Reached::of(grant);
    let width = query.bucket_micros.filter(|width| *width > 0);
    let by = |dimension| query.group_by.contains(&dimension);
    let mut args = args![
        reached.organization,
        reached.all,
        reached.whole,
        reached.own,
        reached.user,
        query.from,
        query.until,
        query.project_ids.is_empty(),
        query.project_ids.clone(),
        query.api_key_ids.is_empty(),
        query.api_key_ids.clone(),
        query.user_ids.is_empty(),
        query.user_ids.clone(),
        query.models.is_empty(),
        query.models.clone(),
        query.endpoints.is_empty(),
        query.endpoints.clone(),
        width.unwrap_or(i64::MAX),
    ]
    .to_vec();
    args.extend(Dimension::ALL.map(|dimension| by(dimension).into()));
    let needs_records = width.is_some_and(|width| width % domain::time::ROLLUP != 0);
    let rows = store.rows(if needs_records { FROM_RECORDS } else { FROM_ROLLUPS }, args).await?;
    rows.iter()
        .map(|row| {
            let start = width.map_or(Ok(query.from.unix_micros()), |width| {
                row.int("bucket").map(|bucket| bucket.saturating_mul(width))
            })?;
            let of = query.group_by.iter().map(|dimension| row.opt_text(dimension.name()));
            Ok(UsageSum {
                bucket_start: Timestamp::from_unix_micros(start),
                of: of.collect::<Result<_>>()?,
                totals: Totals::read(row)?,
            })
        })
        .collect()
}

/// What calls within reach cost, by one dimension: for charts and tables of the console. With no bucket width the
/// whole range is one bucket.
///
/// # Errors
/// `Unavailable` when the database is away.
pub async fn cost_by(
    store: &Store,
    grant: &Grant,
    dimension: Option<Dimension>,
    (from, until): (Timestamp, Timestamp),
    bucket_micros: Option<i64>,
) -> Result<Vec<UsageSum>> {
    let group_by = dimension.into_iter().collect();
    let query = UsageQuery { from, until, bucket_micros, group_by, ..UsageQuery::default() };
    usage(store, grant, &query).await
}
