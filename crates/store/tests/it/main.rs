//! The store's tests: every one of them on SQLite and on PostgreSQL.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod api_keys;
mod calls;
mod change;
mod engines;
mod metering;
mod people;
mod projects;
mod usage;
mod verify;
