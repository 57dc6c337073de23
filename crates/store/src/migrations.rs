//! The schema's history: paired files, same numbers and names for both engines, run in order at start.

use domain::time::Timestamp;

use crate::error::Result;
use crate::{Store, args};

macro_rules! paired {
    ($($number:literal $name:literal),* $(,)?) => {
        pub(crate) const SQLITE: &[(i64, &str, &str)] =
            &[$(($number, $name, include_str!(concat!("../migrations/sqlite/", $name, ".sql")))),*];
        pub(crate) const POSTGRES: &[(i64, &str, &str)] =
            &[$(($number, $name, include_str!(concat!("../migrations/postgres/", $name, ".sql")))),*];
    };
}

paired! {
    1 "0001_core",
    2 "0002_people",
    3 "0003_projects",
    4 "0004_providers",
    5 "0005_metering",
    6 "0006_access",
    7 "0007_life",
    8 "0008_approvals",
    9 "0009_reviews",
    11 "0011_scopes",
    12 "0012_policy",
    13 "0013_messages",
    15 "0015_trials",
    16 "0016_settings",
    17 "0017_raises",
    18 "0018_retention",
}

const RECORD: &str = "insert into migrations (number, name, applied_at) values ($1, $2, $3)";

impl Store {
    /// Brings the schema up to date; a replica that comes second waits and finds nothing to do.
    ///
    /// # Errors
    /// When the database is away, or a statement fails: nothing of that migration is kept then.
    pub async fn migrate(&self, at: Timestamp) -> Result<Vec<&'static str>> {
        let lock = self.engine.migration_lock().await?;
        let mut tx = self.engine.begin().await?;
        tx.run(
            "create table if not exists migrations (number bigint primary key, name text not null, applied_at bigint not null)",
            &[],
        )
        .await?;
        let applied = tx.rows("select number from migrations", &[]).await?;
        tx.commit().await?;
        let applied: Vec<i64> = applied.iter().map(|row| row.int("number")).collect::<Result<_>>()?;
        let mut run = Vec::new();
        for (number, name, script) in self.engine.migrations() {
            if !applied.contains(number) {
                self.engine.script(script, RECORD, &args![*number, *name, at]).await?;
                run.push(*name);
            }
        }
        drop(lock);
        Ok(run)
    }
}
