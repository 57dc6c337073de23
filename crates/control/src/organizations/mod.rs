//! Organizations: read, create, update, suspend, close, export; their API and their pages.

pub mod api;
pub mod console;
mod life;
pub mod life_console;
mod operations;
pub mod overview_console;
pub mod pages;

pub use life::{
    close_organization, export_organization, purge_closed_organizations, reactivate_organization,
    suspend_organization,
};
pub use operations::{OrganizationChanges, create_organization, read_organization, update_organization};
