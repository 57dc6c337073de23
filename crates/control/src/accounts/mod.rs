//! Accounts: set-up, sign-in and one's own account.

pub mod pages;
