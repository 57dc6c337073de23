//! The page behind an invitation's link.

use askama::Template;

use crate::http::shell::Bare;

/// Accepts an invitation, with a new account or as somebody signed in.
#[derive(Template)]
#[template(path = "invites/accept.html")]
pub struct AcceptInvitePage {
    /// The frame.
    pub bare: Bare,
    /// The token of the link, which the form goes back to.
    pub token: String,
    /// Who invites.
    pub organization: String,
    /// The inviter's name.
    pub invited_by: String,
    /// The role in the organization, for people.
    pub role: String,
    /// Project and role in it, for people.
    pub projects: Vec<(String, String)>,
    /// The only address that may accept it.
    pub email: String,
    /// The name typed so far.
    pub name: String,
    /// Whether the address has an account already, so that its password is asked for instead of a new one.
    pub has_account: bool,
    /// Whether the person of the address is signed in here, so that nothing is asked.
    pub is_signed_in: bool,
    /// The least number of characters of a password.
    pub password_length: usize,
}
