//! Measurements are not decisions: usage, counters, leases and last-seen times pass here, unaudited.

use crate::Store;
use crate::dialect::{Row, Tx, Value};
use crate::error::Result;

/// An open transaction of measurements. Dropping it undoes it.
pub(crate) struct Measurement(Tx);

impl Store {
    pub(crate) async fn measure(&self) -> Result<Measurement> {
        Ok(Measurement(self.engine.begin().await?))
    }
}

impl Measurement {
    pub(crate) async fn rows(&mut self, sql: &'static str, args: impl AsRef<[Value]>) -> Result<Vec<Row>> {
        self.0.rows(sql, args.as_ref()).await
    }

    pub(crate) async fn row(&mut self, sql: &'static str, args: impl AsRef<[Value]>) -> Result<Option<Row>> {
        Ok(self.0.rows(sql, args.as_ref()).await?.into_iter().next())
    }

    pub(crate) async fn run(&mut self, sql: &'static str, args: impl AsRef<[Value]>) -> Result<u64> {
        self.0.run(sql, args.as_ref()).await
    }

    /// Adds rows to `into`, a table with its columns.
    pub(crate) async fn insert<const N: usize>(
        &mut self,
        into: &'static str,
        rows: Vec<[Value; N]>,
    ) -> Result<()> {
        self.0.insert(into, rows).await
    }

    pub(crate) async fn commit(self) -> Result<()> {
        self.0.commit().await
    }
}
