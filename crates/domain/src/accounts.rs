//! Links about one's own account: a password set anew, a new address confirmed. Each works once, for one person, for
//! a while, and a newer one of its kind replaces it.

use crate::access::Standing;
use crate::error::Error;
use crate::ids::{OrganizationId, UserId};
use crate::time::{DAY, HOUR, Timestamp};

/// How long a change of address that was asked for waits for its link, in microseconds.
pub const ASKED_LIFETIME: i64 = 7 * DAY;

/// What a link does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkKind {
    /// Sets a password anew, without the one before.
    PasswordReset,
    /// Lets the present address of a person go who asked for another one with their password.
    EmailRelease,
    /// Confirms the new address, once the present one was let go.
    EmailChange,
}

impl LinkKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::PasswordReset, Self::EmailRelease, Self::EmailChange];

    /// The word in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PasswordReset => "password_reset",
            Self::EmailRelease => "email_release",
            Self::EmailChange => "email_change",
        }
    }

    /// How long such a link works, in microseconds. What gives an account away alone works the shortest.
    pub const fn lifetime(self) -> i64 {
        match self {
            Self::PasswordReset => HOUR,
            Self::EmailRelease | Self::EmailChange => DAY,
        }
    }

    /// The kind of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == word)
    }
}

/// Who made a link to pass it on by hand, and so vouches for whom it reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voucher {
    /// The organization in which they did.
    pub organization_id: OrganizationId,
    /// Who.
    pub user_id: UserId,
}

/// A link, or what was asked for and waits for its link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountLink {
    /// The person whose account it is about.
    pub user_id: UserId,
    /// What it does.
    pub kind: LinkKind,
    /// The address it is bound to: the present one of a reset, else the new one.
    pub email: String,
    /// Who vouches; none where the mail's address does, or the operator.
    pub voucher: Option<Voucher>,
    /// When it was made or asked for.
    pub created_at: Timestamp,
    /// From when it does not work any more.
    pub expires_at: Timestamp,
}

/// Nobody of one organization vouches for a person who belongs to another one too: that would let its Admins into the
/// other. Asked when a link is made, and again when it is used.
///
/// # Errors
/// `cannot_vouch`.
pub fn belongs_here_alone(organizations: &[OrganizationId], here: OrganizationId) -> Result<(), Error> {
    if organizations == [here] {
        return Ok(());
    }
    let sentence = "Nobody in this organization can vouch for this person, who may belong elsewhere too. The operator of \
                    this server can, with bailiwick reset-password.";
    Err(Error::forbidden("cannot_vouch", sentence))
}

/// Whether who vouched could still stand for the person, and the person still belongs to their organization alone.
pub fn still_vouches(
    voucher: Voucher,
    (standing, person): (Option<&Standing>, Option<&Standing>),
    organizations: &[OrganizationId],
) -> bool {
    let covers = standing.zip(person).is_some_and(|(standing, person)| standing.covers_all(person));
    covers && belongs_here_alone(organizations, voucher.organization_id).is_ok()
}

/// A link that does not work: whatever the reason, the answer is the same.
pub fn link_not_valid() -> Error {
    Error::invalid("link_not_valid", "This link does not work any more. Ask for a new one.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::OrganizationRole::{Admin, Member};

    #[test]
    fn who_vouched_has_to_stand_above_still_and_alone() {
        let at = Timestamp::from_unix_seconds(1);
        let (here, there) = (OrganizationId::from_parts(at, 1), OrganizationId::from_parts(at, 2));
        let voucher = Voucher { organization_id: here, user_id: UserId::from_parts(at, 1) };
        let [admin, member] = [Admin, Member].map(|role| Standing::of_roles(here, role, &[]));
        assert!(still_vouches(voucher, (Some(&admin), Some(&member)), &[here]));
        assert!(still_vouches(voucher, (Some(&admin), Some(&admin)), &[here]), "of the same rank");
        assert!(!still_vouches(voucher, (Some(&member), Some(&admin)), &[here]), "fell below them");
        assert!(!still_vouches(voucher, (None, Some(&member)), &[here]), "left");
        assert!(!still_vouches(voucher, (Some(&admin), None), &[]), "the person left");
        assert!(!still_vouches(voucher, (Some(&admin), Some(&member)), &[here, there]), "joined another");
        assert!(!still_vouches(voucher, (Some(&admin), Some(&member)), &[there]));
    }
}
