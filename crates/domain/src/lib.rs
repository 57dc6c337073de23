//! The values and rules of Bailiwick: no input or output, no clock, no randomness of its own.
//!
//! Every other crate stands on this one. What a word means is decided here; see `ARCHITECTURE.md`.

pub mod access;
pub mod accounts;
pub mod allowances;
pub mod api_keys;
pub mod approvals;
pub mod audit;
pub mod error;
pub mod groups;
pub mod handovers;
pub mod ids;
pub mod invites;
pub mod members;
pub mod messages;
pub mod models;
pub mod money;
pub mod networks;
pub mod organizations;
pub mod page;
pub mod policy;
pub mod pricing;
pub mod projects;
pub mod providers;
pub mod reviews;
pub mod routes;
pub mod service_accounts;
pub mod serving;
pub mod text;
pub mod time;
pub mod usage;

pub use error::Error;
