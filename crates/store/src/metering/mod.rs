//! Measurements: usage records, their rollups, the counters of allowances and the slices that replicas hold.
//!
//! None of it is a decision, so it passes unaudited; all of it can be recomputed from the records, which is what
//! `verify` does. Whoever books records of an organization first locks its row in `metering_heads`, so that a
//! counter made in the meantime misses none of them.

mod counters;
mod drain;
mod leases;
mod records;
mod replicas;
mod rollups;

pub use counters::{CounterView, counters_of};
pub use drain::{Drained, drain};
pub use leases::{lease, return_all_of_replica, return_slice};
pub use records::{RecordFilter, list_records};
pub use replicas::{live_replicas, register_replica};
pub use rollups::Totals;

pub(crate) use counters::{amount_of, totals_of_scope};
pub(crate) use records::{read_record, record_columns};
