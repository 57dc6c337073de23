//! Accounts: set-up, sign-in and one's own account.

mod own;
pub mod pages;
pub mod set_up;
pub mod sign_in;

pub use own::{change_password, end_session, organizations, sessions, sign_out, sign_out_everywhere, whoami};
