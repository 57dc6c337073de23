//! The store's tests: every one of them on SQLite and on PostgreSQL.

mod calls;
mod change;
mod engines;
mod metering;
mod projects;
mod usage;
mod verify;
