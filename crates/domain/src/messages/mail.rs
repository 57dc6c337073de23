//! Mails: what is sent to whom. The words are in templates; here is what they are filled with.

use serde::{Deserialize, Serialize};

use super::webhook::DeliveryState;
use crate::ids::MailId;
use crate::time::Timestamp;

/// What a mail is about, with what its words need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Letter {
    /// An invitation with its link.
    Invite {
        /// The organization's name.
        organization: String,
        /// Who invites.
        inviter: String,
        /// The link, which works once.
        link: String,
        /// Until when, in words.
        expires: String,
    },
    /// A link with which a password is set anew.
    PasswordReset {
        /// The link, which works once.
        link: String,
        /// Until when, in words.
        expires: String,
    },
    /// A link with which the present address is let go for a new one.
    EmailRelease {
        /// The new address.
        email: String,
        /// The link, which works once.
        link: String,
        /// Until when, in words.
        expires: String,
    },
    /// A link with which a new address is confirmed.
    EmailChange {
        /// The new address.
        email: String,
        /// The link, which works once.
        link: String,
        /// Until when, in words.
        expires: String,
    },
    /// Something happened that concerns the recipient.
    Notice {
        /// Which kind.
        notice: String,
        /// The organization's name.
        organization: String,
        /// What was done: the verb of the audit trail.
        verb: String,
        /// Who did it.
        actor: String,
        /// What it was done to, in the trail's words.
        target: String,
        /// When, in words.
        at: String,
        /// Where to look.
        link: String,
    },
    /// A mail that proves that mail arrives.
    Test {
        /// The organization's name.
        organization: String,
    },
}

impl Letter {
    /// The kind's word, for the log.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Invite { .. } => "invite",
            Self::PasswordReset { .. } => "password_reset",
            Self::EmailRelease { .. } => "email_release",
            Self::EmailChange { .. } => "email_change",
            Self::Notice { .. } => "notice",
            Self::Test { .. } => "test",
        }
    }
}

/// A mail in the log, without its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Its id.
    pub id: MailId,
    /// The kind of its letter.
    pub kind: String,
    /// To whom.
    pub recipient: String,
    /// How it stands; `delivered` means that the mail server took it.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was first tried.
    pub first_at: Option<Timestamp>,
    /// When it was taken or given up.
    pub ended_at: Option<Timestamp>,
    /// What the mail server said at the last failed attempt.
    pub last_error: Option<String>,
}
