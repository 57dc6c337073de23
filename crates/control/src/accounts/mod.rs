//! Accounts: set-up, sign-in and one's own account.

pub mod console;
mod links;
pub mod links_console;
mod own;
pub mod own_console;
pub mod pages;
pub mod set_up;
pub mod sign_in;

pub use links::{
    OfferedLink, ask_email_change, asked_email, confirm_email, mail_password_reset, offer_email_link,
    offer_password_reset, offer_reset_by_operator, offered_link, release_email, reset_password,
};
pub use own::{change_password, end_session, organizations, sessions, sign_out, sign_out_everywhere, whoami};
