//! Accounts: set-up, sign-in and one's own account.

pub mod console;
mod own;
pub mod own_console;
pub mod pages;
pub mod set_up;
pub mod sign_in;

pub use own::{change_password, end_session, organizations, sessions, sign_out, sign_out_everywhere, whoami};
