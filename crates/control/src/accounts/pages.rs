//! Set-up, sign-in, and what a person sees of their own account.

use askama::Template;

use crate::http::figures::When;
use crate::http::shell::{Bare, Shell};
use crate::organizations::pages::OrganizationRow;

/// The page behind the one-time set-up link.
#[derive(Template)]
#[template(path = "accounts/setup.html")]
pub struct SetupPage {
    /// The frame.
    pub bare: Bare,
    /// The token of the link, which the form goes back to.
    pub token: String,
    /// The organization's name typed so far.
    pub organization: String,
    /// The person's name typed so far.
    pub name: String,
    /// The address typed so far.
    pub email: String,
    /// The least number of characters of a password.
    pub password_length: usize,
}

/// The sign-in form.
#[derive(Template)]
#[template(path = "accounts/sign_in.html")]
pub struct SignInPage {
    /// The frame.
    pub bare: Bare,
    /// The address typed so far.
    pub email: String,
    /// The path to go to afterwards; empty for the person's organizations.
    pub return_to: String,
}

/// A browser in which the person is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// Its id.
    pub id: String,
    /// Browser and system, as far as they tell.
    pub device: String,
    /// The network address last seen.
    pub address: String,
    /// Since when.
    pub created_at: When,
    /// When it was last used.
    pub last_seen_at: When,
    /// Whether it is the one that is looking.
    pub is_this: bool,
}

/// One's own account.
#[derive(Template)]
#[template(path = "accounts/account.html")]
pub struct AccountPage {
    /// The frame.
    pub shell: Shell,
    /// The least number of characters of a password.
    pub password_length: usize,
    /// Where the person is signed in.
    pub sessions: Vec<SessionRow>,
    /// The person's organizations.
    pub organizations: Vec<OrganizationRow>,
    /// The new address for which the person asked and which is not confirmed yet.
    pub asked_email: Option<String>,
    /// Whether there is a mail server, which takes the link to the new address.
    pub has_mail: bool,
}

/// Asks for the address to which a link is mailed.
#[derive(Template)]
#[template(path = "accounts/forgot_password.html")]
pub struct ForgotPasswordPage {
    /// The frame.
    pub bare: Bare,
    /// The address typed so far.
    pub email: String,
    /// Whether there is a mail server at all.
    pub has_mail: bool,
    /// Whether a link is on its way, should the address have an account.
    pub is_sent: bool,
}

/// The page behind a link with which a password is set anew.
#[derive(Template)]
#[template(path = "accounts/reset_password.html")]
pub struct ResetPasswordPage {
    /// The frame.
    pub bare: Bare,
    /// The token of the link, which the form goes back to.
    pub token: String,
    /// Whose password it is.
    pub email: String,
    /// The least number of characters of a password.
    pub password_length: usize,
}

/// The page behind the link that confirms a new address.
#[derive(Template)]
#[template(path = "accounts/confirm_email.html")]
pub struct ConfirmEmailPage {
    /// The frame.
    pub bare: Bare,
    /// Where the form goes.
    pub action: String,
    /// Whether the new address holds with that; otherwise it is asked next.
    pub is_last: bool,
    /// Whether the viewer is who asked for it.
    pub is_theirs: bool,
    /// The viewer's present address.
    pub before: String,
    /// The new one.
    pub after: String,
}
