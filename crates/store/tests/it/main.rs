//! The store's tests: every one of them on SQLite and on PostgreSQL.

mod change;
mod engines;
