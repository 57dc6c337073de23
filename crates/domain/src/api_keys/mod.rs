//! API keys: their text form, which tells typos and leaks offline, and the values kept of them.
//!
//! Text: a typed prefix, 32 base62 characters of randomness (190 bits) and 6 base62 characters of CRC-32 over all
//! that stands before them, the scheme GitHub published for its tokens. A double click selects the whole.

pub mod scopes;

use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::Error;
use crate::ids::{KeyId, OrganizationId, ProjectId, SecretId, ServiceAccountId, UserId};
use crate::models::ModelLists;
use crate::text::Tags;
use crate::time::{Ambient, Timestamp};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM_LENGTH: usize = 32;
const CHECK_LENGTH: usize = 6;

/// What a key opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// The data plane, as a member of a project.
    Project,
    /// The data plane, as a service account.
    ServiceAccount,
    /// The admin API, as its owner.
    Admin,
}

impl KeyKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Project, Self::ServiceAccount, Self::Admin];

    /// What its secrets start with.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Project => "sk-proj-bw",
            Self::ServiceAccount => "sk-svc-bw",
            Self::Admin => "sk-admin-bw",
        }
    }

    /// The word in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::ServiceAccount => "service_account",
            Self::Admin => "admin",
        }
    }

    /// The kind of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == word)
    }
}

/// A secret in the clear: shown once, wiped when dropped, never printed by `Debug`.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a text that must not be seen.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself, for the one place that shows or uses it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Draws a new secret of a kind.
pub fn generate(kind: KeyKind, ambient: &dyn Ambient) -> Secret {
    let mut text = String::with_capacity(64);
    text.push_str(kind.prefix());
    let mut drawn = 0;
    while drawn < RANDOM_LENGTH {
        let mut byte = [0u8; 1];
        ambient.fill_random(&mut byte);
        // Bytes of 248 and above are drawn again: a plain remainder would favour some characters.
        if byte[0] < 248 {
            text.push(char::from(ALPHABET[usize::from(byte[0] % 62)]));
            drawn += 1;
        }
    }
    let check = checksum(&text);
    text.push_str(&check);
    Secret::new(text)
}

/// The kind of a well-formed secret. A typo is recognised here, without any look-up.
///
/// # Errors
/// `invalid_api_key` when prefix, length, alphabet or checksum do not fit.
pub fn parse(text: &str) -> Result<KeyKind, Error> {
    let kind = KeyKind::ALL.into_iter().find(|kind| {
        text.len() == kind.prefix().len() + RANDOM_LENGTH + CHECK_LENGTH && text.starts_with(kind.prefix())
    });
    let sound = text.is_ascii() && {
        let (body, check) = text.split_at(text.len().saturating_sub(CHECK_LENGTH));
        checksum(body) == check
    };
    kind.filter(|_| sound).ok_or_else(|| {
        Error::unauthenticated(
            "invalid_api_key",
            "Incorrect API key provided: it is not a complete key of this system.",
        )
    })
}

fn checksum(body: &str) -> String {
    let mut rest = crc32fast::hash(body.as_bytes());
    let mut digits = [b'0'; CHECK_LENGTH];
    for slot in digits.iter_mut().rev() {
        *slot = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

/// What is stored of a secret: HMAC-SHA-256 under the instance's pepper. Look-ups are by this whole value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// The bytes as stored.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// From bytes as stored.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl std::fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyHash(…)")
    }
}

/// The instance's secret under which keys, session and invitation tokens are hashed.
pub struct Pepper(hmac::Key);

impl Pepper {
    /// From 32 secret bytes.
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The keyed hash of a secret text.
    pub fn hash(&self, secret: &str) -> KeyHash {
        let tag = hmac::sign(&self.0, secret.as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(tag.as_ref());
        KeyHash(bytes)
    }
}

/// Draws an opaque token of 256 bits for sessions, set-up and invitation links, in lower-case hexadecimal.
pub fn opaque_token(ambient: &dyn Ambient) -> Secret {
    let mut bytes = Zeroizing::new([0u8; 32]);
    ambient.fill_random(bytes.as_mut());
    Secret::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The masked form that lists show: prefix, first two and last four characters.
pub fn redact(secret: &Secret) -> String {
    let text = secret.reveal();
    let prefix = KeyKind::ALL.into_iter().map(KeyKind::prefix).find(|p| text.starts_with(p)).unwrap_or("");
    let shown = text.get(prefix.len()..prefix.len() + 2).unwrap_or("");
    let tail = text.get(text.len().saturating_sub(4)..).unwrap_or("");
    format!("{prefix}{shown}…{tail}")
}

/// To whom a project key belongs. Not the same as who created it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "type", content = "id", rename_all = "snake_case")]
pub enum KeyOwner {
    /// A person.
    User(UserId),
    /// A service account of the same project.
    ServiceAccount(ServiceAccountId),
}

/// How a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStatus {
    /// Works.
    Active,
    /// Switched off; can be switched on again.
    Disabled,
    /// Its time passed.
    Expired,
    /// Dead for ever.
    Revoked,
}

impl KeyStatus {
    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

/// What is kept of a key. A project key has a project and an owner; an admin key a person as owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id, the same through every rotation.
    pub id: KeyId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The project; none for an admin key.
    pub project_id: Option<ProjectId>,
    /// What it opens.
    pub kind: KeyKind,
    /// The name people read.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Free pairs.
    pub tags: Tags,
    /// To whom it belongs.
    pub owner: KeyOwner,
    /// Who created it.
    pub created_by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// From when it stops.
    pub expires_at: Option<Timestamp>,
    /// Since when it is switched off.
    pub disabled_at: Option<Timestamp>,
    /// Since when it is dead.
    pub revoked_at: Option<Timestamp>,
    /// The last call made with it.
    pub last_used_at: Option<Timestamp>,
    /// The masked form of its newest secret.
    pub redacted: String,
    /// The models it may use, within those of its project.
    pub models: ModelLists,
    /// Names of scopes; empty means unrestricted.
    pub scopes: Vec<String>,
    /// The newest secret.
    pub secret_id: SecretId,
    /// How many secrets it has had, this one included.
    pub secret_version: i64,
}

impl ApiKey {
    /// How it stands at a moment.
    pub fn status(&self, at: Timestamp) -> KeyStatus {
        match () {
            () if self.revoked_at.is_some() => KeyStatus::Revoked,
            () if self.expires_at.is_some_and(|end| at >= end) => KeyStatus::Expired,
            () if self.disabled_at.is_some() => KeyStatus::Disabled,
            () => KeyStatus::Active,
        }
    }
}

/// The end of a key that is to live so many seconds: from 60 seconds to ten years.
///
/// # Errors
/// `invalid_expiry`.
pub fn expiry(at: Timestamp, expires_in_seconds: Option<i64>) -> Result<Option<Timestamp>, Error> {
    match expires_in_seconds {
        None => Ok(None),
        Some(seconds) if (1..=315_360_000).contains(&seconds) => Ok(Some(at.plus_seconds(seconds))),
        Some(_) => Err(Error::invalid_param(
            "invalid_expiry",
            "expires_in_seconds",
            "Use 1 to 315360000 seconds (ten years), or leave it out.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;
    impl Ambient for Fixed {
        fn now(&self) -> Timestamp {
            Timestamp::from_unix_seconds(1)
        }
        fn fill_random(&self, buffer: &mut [u8]) {
            aws_lc_rs::rand::fill(buffer).unwrap();
        }
    }

    #[test]
    fn every_single_edit_is_recognised_offline() {
        for kind in KeyKind::ALL {
            let secret = generate(kind, &Fixed);
            assert_eq!(parse(secret.reveal()).unwrap(), kind);
            let text = secret.reveal().as_bytes();
            for place in 0..text.len() {
                for replacement in [b'0', b'z', b'-', b'A', b' '] {
                    if text[place] != replacement {
                        let mut edited = text.to_vec();
                        edited[place] = replacement;
                        assert!(parse(std::str::from_utf8(&edited).unwrap()).is_err());
                    }
                }
            }
            assert!(parse(&secret.reveal()[1..]).is_err());
            assert!(!format!("{secret:?} {}", redact(&secret)).contains(secret.reveal()));
        }
    }
}
