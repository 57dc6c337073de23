//! The databases that a test of the executable runs on.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// A fresh database of the PostgreSQL server that `BAILIWICK_TEST_POSTGRES` names; removed when dropped.
pub struct Postgres {
    server: String,
    name: String,
}

impl Postgres {
    /// Makes one; none where no server is named.
    pub fn fresh() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = std::env::var("BAILIWICK_TEST_POSTGRES").ok()?;
        let name = format!("bw_serve_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let made = Self { server, name };
        made.run(&format!("create database {}", made.name));
        Some(made)
    }

    /// Its address.
    pub fn url(&self) -> String {
        let (server, _) = self.server.rsplit_once('/').unwrap();
        format!("{server}/{}", self.name)
    }

    fn run(&self, sql: &str) {
        let mut command = Command::new("psql");
        command.args(["--quiet", "--no-psqlrc", &self.server, "--command", sql]);
        assert!(command.status().unwrap().success(), "{sql}");
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.run(&format!("drop database {} with (force)", self.name));
    }
}

/// SQLite in the data folder, which has no address, and PostgreSQL where there is a server.
pub fn all() -> Vec<Option<Postgres>> {
    [None].into_iter().chain(Postgres::fresh().map(Some)).collect()
}
