//! Runs a test body on each engine, on a fresh database.

use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};

use domain::time::Timestamp;
use store::Store;

/// A fixed moment of 2026 for tests.
pub fn noon() -> Timestamp {
    Timestamp::from_unix_seconds(1_790_000_000)
}

/// Runs `body` on SQLite, and on PostgreSQL where `BAILIWICK_TEST_POSTGRES` names a server.
pub fn both_engines<F: Future<Output = ()>>(body: impl Fn(Store) -> F) {
    both_engines_at(|store, _| body(store));
}

/// The same, with the database's address, for tests that go behind the store's back.
pub fn both_engines_at<F: Future<Output = ()>>(body: impl Fn(Store, String) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/test.db", folder.path().display());
        let store = Store::open(&url).await.unwrap();
        store.migrate(noon()).await.unwrap();
        body(store.clone(), url).await;
        store.close().await;
        if let Some(server) = std::env::var_os("BAILIWICK_TEST_POSTGRES") {
            on_postgres(server.to_str().unwrap(), &body).await;
        }
    });
}

async fn on_postgres<F: Future<Output = ()>>(server: &str, body: &impl Fn(Store, String) -> F) {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!("bw_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let admin = sqlx::PgPool::connect(server).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("create database {name}"))).execute(&admin).await.unwrap();
    let (base, _) = server.rsplit_once('/').unwrap();
    let url = format!("{base}/{name}");
    let store = Store::open(&url).await.unwrap();
    store.migrate(noon()).await.unwrap();
    body(store.clone(), url).await;
    store.close().await;
    sqlx::query(sqlx::AssertSqlSafe(format!("drop database {name}"))).execute(&admin).await.unwrap();
    admin.close().await;
}

/// Runs a statement behind the store's back.
pub async fn tamper(url: &str, sql: &str) {
    let sql = sqlx::AssertSqlSafe(sql.to_owned());
    let changed = if url.starts_with("sqlite") {
        let pool = sqlx::SqlitePool::connect(url).await.unwrap();
        let changed = sqlx::query(sql).execute(&pool).await.unwrap().rows_affected();
        pool.close().await;
        changed
    } else {
        let pool = sqlx::PgPool::connect(url).await.unwrap();
        let changed = sqlx::query(sql).execute(&pool).await.unwrap().rows_affected();
        pool.close().await;
        changed
    };
    assert!(changed > 0, "the tampering met nothing");
}
