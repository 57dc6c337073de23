//! The store's tests: every one of them on SQLite and on PostgreSQL.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a test that cannot go on says so by panicking"
)]

mod access;
mod api_keys;
mod calls;
mod change;
mod engines;
mod holdings;
mod metering;
mod people;
mod projects;
mod raises;
mod retention;
mod roles;
#[allow(dead_code, reason = "each test binary uses its own part of the rig")]
#[path = "../rig/rows.rs"]
mod rows;
mod usage;
mod verify;
