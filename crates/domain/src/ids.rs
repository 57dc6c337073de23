//! Typed, prefixed, time-ordered identifiers: `proj_` and 26 digits of Crockford base32 over a UUIDv7.
//!
//! Layout of the 128 bits: RFC 9562, section 5.7 (48 bits of Unix milliseconds, version, 74 random bits).
//! Text sorts as time, so a list ordered by id is ordered by creation. One value has exactly one spelling:
//! parsing accepts lower case only, so an id can be compared as text in a database.

use std::fmt;

use crate::error::Error;
use crate::time::{Ambient, Timestamp};

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const NO_DIGIT: u8 = u8::MAX;
/// What each byte is worth as a digit.
const VALUES: [u8; 256] = {
    let mut values = [NO_DIGIT; 256];
    let mut value = 0;
    while value < DIGITS.len() {
        values[DIGITS[value] as usize] = value as u8;
        value += 1;
    }
    values
};
const TEXT_LENGTH: usize = 26;
const PREFIX_MAX: usize = 6;

/// Lays out a UUIDv7 from a moment and 128 random bits, of which 74 are used.
fn uuid_v7(at: Timestamp, random: u128) -> u128 {
    let milliseconds = u128::from(at.unix_milliseconds().unsigned_abs()) & 0xffff_ffff_ffff;
    let high_random = (random >> 64) & 0x0fff;
    let low_random = random & 0x3fff_ffff_ffff_ffff;
    (milliseconds << 80) | (0x7 << 76) | (high_random << 64) | (0b10 << 62) | low_random
}

/// An id as text, on the stack: calls write dozens of them.
struct Text {
    bytes: [u8; PREFIX_MAX + TEXT_LENGTH],
    length: usize,
}

impl Text {
    fn new(prefix: &str, mut bits: u128) -> Self {
        let mut bytes = [0; PREFIX_MAX + TEXT_LENGTH];
        let length = prefix.len() + TEXT_LENGTH;
        bytes[..prefix.len()].copy_from_slice(prefix.as_bytes());
        for slot in bytes[prefix.len()..length].iter_mut().rev() {
            *slot = DIGITS[(bits & 31) as usize];
            bits >>= 5;
        }
        Self { bytes, length }
    }

    fn as_str(&self) -> &str {
        // Prefix and digits are ASCII.
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

/// Reads an id from a text that need not be kept.
struct TextVisitor<T>(std::marker::PhantomData<T>);

impl<T: std::str::FromStr<Err = Error>> serde::de::Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

fn decode(text: &str) -> Option<u128> {
    let bytes = text.as_bytes();
    if bytes.len() != TEXT_LENGTH || bytes[0] > b'7' {
        return None;
    }
    bytes.iter().try_fold(0u128, |bits, byte| match VALUES[usize::from(*byte)] {
        NO_DIGIT => None,
        value => Some((bits << 5) | u128::from(value)),
    })
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// What every id of this type starts with, underscore included.
            pub const PREFIX: &'static str = $prefix;

            /// A new id of this moment.
            pub fn mint(ambient: &dyn Ambient) -> Self {
                Self::from_parts(ambient.now(), ambient.random_u128())
            }

            /// The id of a given moment and given randomness (74 of the 128 bits are used).
            pub fn from_parts(at: Timestamp, random: u128) -> Self {
                Self(uuid_v7(at, random))
            }

            /// The 128 bits, for storage where text would be too long.
            pub const fn to_bits(self) -> u128 {
                self.0
            }

            /// The id of bits that `to_bits` gave.
            pub const fn from_bits(bits: u128) -> Self {
                Self(bits)
            }

            /// When the id was made, to the millisecond.
            pub fn minted_at(self) -> Timestamp {
                Timestamp::from_unix_milliseconds((self.0 >> 80) as i64)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(Text::new($prefix, self.0).as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = Error;

            /// # Errors
            /// `Error::Invalid` with code `invalid_id` when the text is not an id of this type.
            fn from_str(text: &str) -> Result<Self, Error> {
                text.strip_prefix($prefix)
                    .and_then(decode)
                    .map(Self)
                    .ok_or_else(|| Error::invalid("invalid_id", concat!("This is not an id of the form ", $prefix, "….")))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(Text::new($prefix, self.0).as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(TextVisitor(std::marker::PhantomData))
            }
        }
    )*};
}

ids! {
    /// An organization.
    OrganizationId = "org_";
    /// A person, known across organizations.
    UserId = "user_";
    /// A project of one organization.
    ProjectId = "proj_";
    /// An API key, of a project or an admin key; the same through every rotation.
    KeyId = "key_";
    /// One secret of an API key.
    SecretId = "sec_";
    /// A service account of one project.
    ServiceAccountId = "svc_";
    /// An invitation into one organization.
    InviteId = "inv_";
    /// A custom role of one organization or project.
    RoleId = "role_";
    /// A group of members of one organization.
    GroupId = "group_";
    /// Something that lost its owner and waits for another.
    HandoverId = "hand_";
    /// A request that waits for a second person.
    ApprovalId = "appr_";
    /// A campaign that reviews everybody's rights.
    ReviewId = "rev_";
    /// One right of one person in a campaign.
    ReviewItemId = "item_";
    /// An exception from policy, for one place and a time.
    ExceptionId = "exc_";
    /// An endpoint that is told of events.
    WebhookId = "hook_";
    /// One event on its way to one endpoint.
    DeliveryId = "dlv_";
    /// One mail on its way.
    MailId = "mail_";
    /// A provider connection of one organization.
    ProviderId = "prov_";
    /// One price of one model, from one date on.
    PriceId = "price_";
    /// One limit.
    AllowanceId = "alw_";
    /// One metered call.
    RecordId = "use_";
    /// One audit record.
    AuditId = "audit_";
    /// A signed-in browser.
    SessionId = "sess_";
    /// One request at one of the doors, as told in `x-request-id`.
    RequestId = "req_";
    /// A running process; a replica's identity is its data folder's.
    ReplicaId = "rep_";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips_and_sorts_as_time() {
        let early = ProjectId::from_parts(Timestamp::from_unix_milliseconds(1_700_000_000_000), u128::MAX);
        let late = ProjectId::from_parts(Timestamp::from_unix_milliseconds(1_700_000_000_001), 0);
        assert!(early.to_string() < late.to_string());
        assert_eq!(early.to_string().parse::<ProjectId>().unwrap(), early);
        assert_eq!(early.minted_at().unix_milliseconds(), 1_700_000_000_000);
    }

    #[test]
    fn other_types_and_other_spellings_are_refused() {
        let id = ProjectId::from_parts(Timestamp::from_unix_milliseconds(1), 7).to_string();
        assert!(id.parse::<OrganizationId>().is_err());
        assert!(id.to_uppercase().parse::<ProjectId>().is_err());
        assert!(format!("{id}0").parse::<ProjectId>().is_err());
        assert!("proj_80000000000000000000000000".parse::<ProjectId>().is_err(), "more than 128 bits");
    }
}
