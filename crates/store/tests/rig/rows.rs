//! Reads what stands in a database, behind the store's back, for tests that compare before and after; and makes fresh
//! databases on PostgreSQL.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool, SqlitePool};

/// A database, read past the store.
pub enum Rows {
    /// A SQLite file.
    Sqlite(SqlitePool),
    /// A PostgreSQL database.
    Postgres(PgPool),
}

impl Rows {
    /// Opens it beside whoever serves from it.
    pub async fn open(url: &str) -> Self {
        match url.starts_with("sqlite") {
            true => Self::Sqlite(SqlitePool::connect(url).await.unwrap()),
            false => Self::Postgres(PgPool::connect(url).await.unwrap()),
        }
    }

    /// Every table with its rows.
    pub async fn all(&self) -> BTreeMap<String, Vec<Value>> {
        let parsed =
            |texts: Vec<String>| texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        self.all_but(&[], &[]).await.into_iter().map(|(name, rows)| (name, parsed(rows))).collect()
    }

    /// Every table but some with its rows, each an object as text that lacks some columns.
    pub async fn all_but(&self, tables: &[&str], columns: &[&str]) -> BTreeMap<String, Vec<String>> {
        let names = match self {
            Self::Sqlite(_) => {
                "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'"
            }
            Self::Postgres(_) => {
                "select table_name from information_schema.tables where table_schema = 'public'"
            }
        };
        let mut found = BTreeMap::new();
        for name in self.texts(names).await {
            if !tables.contains(&name.as_str()) {
                let rows = self.read(&name, columns, 0).await;
                found.insert(name, rows);
            }
        }
        found
    }

    /// How many rows a table has.
    pub async fn count(&self, table: &str) -> usize {
        let sql = format!("select cast(count(*) as text) from \"{table}\"");
        self.texts(&sql).await[0].parse().unwrap()
    }

    /// The rows of a table, each an object; on SQLite in the order in which they were inserted.
    pub async fn of(&self, table: &str) -> Vec<Value> {
        self.beyond(table, 0).await
    }

    /// The rows of a table but for the first ones.
    pub async fn beyond(&self, table: &str, skipped: usize) -> Vec<Value> {
        let texts = self.read(table, &[], skipped).await;
        texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
    }

    async fn read(&self, table: &str, without: &[&str], skipped: usize) -> Vec<String> {
        let sql = match self {
            Self::Sqlite(_) => {
                let columns = self.texts(&format!("select name from pragma_table_info('{table}')")).await;
                let pair = |name: &String| {
                    format!(
                        "'{name}', case typeof(\"{name}\") when 'blob' then hex(\"{name}\") else \"{name}\" end"
                    )
                };
                let pairs: Vec<String> =
                    columns.iter().filter(|name| !without.contains(&name.as_str())).map(pair).collect();
                format!(
                    "select json_object({}) from \"{table}\" order by rowid limit -1 offset {skipped}",
                    pairs.join(", ")
                )
            }
            Self::Postgres(_) => {
                let without: String = without.iter().map(|name| format!(" - '{name}'")).collect();
                format!("select (to_jsonb(t){without})::text from \"{table}\" t order by 1 offset {skipped}")
            }
        };
        self.texts(&sql).await
    }

    /// Moves a time of the only row of a table so many days into the past.
    pub async fn move_back(&self, table: &str, column: &str, days: i64) {
        let micros = days * 24 * 3_600 * 1_000_000;
        let moved = format!("update \"{table}\" set {column} = {column} - {micros} returning '1'");
        assert_eq!(self.texts(&moved).await.len(), 1, "{table} has one row");
    }

    async fn texts(&self, sql: &str) -> Vec<String> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(pool) => sqlx::query_scalar(sql).fetch_all(pool).await.unwrap(),
            Self::Postgres(pool) => sqlx::query_scalar(sql).fetch_all(pool).await.unwrap(),
        }
    }
}

/// The address of a new database on the server that `BAILIWICK_TEST_POSTGRES` names; none where it names none.
pub async fn fresh_postgres() -> Option<String> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let server = std::env::var("BAILIWICK_TEST_POSTGRES").ok()?;
    let name = format!("bw_rows_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let pool = PgPool::connect(&server).await.unwrap();
    sqlx::query(AssertSqlSafe(format!("create database {name}"))).execute(&pool).await.unwrap();
    pool.close().await;
    let (base, _) = server.rsplit_once('/').unwrap();
    Some(format!("{base}/{name}"))
}
