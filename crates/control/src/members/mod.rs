//! Members of the organization: list, roles, removal; their API and their pages.

pub mod api;
mod operations;
pub mod pages;

pub use operations::{list_members, read_member, remove_member, update_member};
