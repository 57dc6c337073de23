//! Members of the organization: list, roles, suspension, removal; their API and their pages.

pub mod api;
pub mod console;
mod life;
pub mod life_api;
pub mod life_console;
mod operations;
pub mod pages;

pub use life::{leave_organization, reactivate_member, remove_member, suspend_member};
pub use operations::{list_members, read_member, update_member};
