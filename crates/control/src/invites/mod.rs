//! Invitations: send, list, revoke, accept; their API and their page.

mod acceptance;
pub mod api;
pub mod console;
mod operations;
pub mod pages;
pub mod project_invites;

pub use acceptance::{Accepted, Accepting, accept_invite, has_account, offered_invite};
pub use operations::{
    NewInvite, SentInvite, create_invite, list_invites, read_invite, resend_invite, revoke_invite,
};
