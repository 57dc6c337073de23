//! Organizations: read, create, update; their API and their pages.

pub mod api;
pub mod console;
mod operations;
pub mod overview_console;
pub mod pages;

pub use operations::{OrganizationChanges, create_organization, read_organization, update_organization};
