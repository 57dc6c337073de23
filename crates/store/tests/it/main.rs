//! The store's tests: every one of them on SQLite and on PostgreSQL.

mod api_keys;
mod calls;
mod change;
mod engines;
mod metering;
mod people;
mod projects;
mod usage;
mod verify;
