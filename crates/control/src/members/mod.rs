//! Members of the organization: list, roles, removal; their API and their pages.

pub mod api;
pub mod console;
mod operations;
pub mod pages;

pub use operations::{list_members, read_member, remove_member, update_member};
