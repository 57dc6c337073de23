//! From what a request presents to the person who is acting.

mod admin_key;
pub(crate) mod identify;
pub mod password;
pub mod session;
