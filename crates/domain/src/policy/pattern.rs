//! What a list of allowed things is made of: words, word beginnings, and networks. All three are prefixes, so what
//! two of them share is the longer one or nothing, and lists of them can be met and joined exactly.

use std::fmt;
use std::net::IpAddr;

use crate::error::Error;

/// One allowed thing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pattern {
    /// A word, or with `is_open` every word that starts so.
    Word {
        /// The word or its beginning.
        text: String,
        /// Whether more may follow.
        is_open: bool,
    },
    /// A network of IPv4 or IPv6 addresses.
    Network {
        /// Its first address.
        first: IpAddr,
        /// How many leading bits are fixed.
        bits: u8,
    },
}

impl Pattern {
    /// A word; a star at its end stands for whatever follows.
    ///
    /// # Errors
    /// `invalid_pattern` for an empty word, a star elsewhere, spaces, or more than 200 characters.
    pub fn word(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let (start, is_open) = match text.strip_suffix('*') {
            Some(start) => (start, true),
            None => (text, false),
        };
        let fits = !text.is_empty()
            && text.chars().count() <= 200
            && !start.contains('*')
            && !start.chars().any(|c| c.is_control() || c.is_whitespace());
        let refused = || {
            let sentence = "Use a word, or the beginning of one with a star at its end, such as gpt-5*.";
            Error::invalid_param("invalid_pattern", "value", sentence)
        };
        fits.then(|| Self::Word { text: start.to_owned(), is_open }).ok_or_else(refused)
    }

    /// A network such as `203.0.113.0/24` or `2001:db8::/32`; an address alone is a network of one. A network of IPv4
    /// addresses in their IPv6 form counts as the one of IPv4, as such an address does.
    ///
    /// # Errors
    /// `invalid_network` for what is none, and for one with bits set behind its prefix.
    pub fn network(text: &str) -> Result<Self, Error> {
        let refused = || {
            let sentence =
                format!("{text} is not a network. Use a form like 203.0.113.0/24 or 2001:db8::/32.");
            Error::invalid_param("invalid_network", "value", sentence)
        };
        let (address, length) = match text.trim().split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text.trim(), None),
        };
        let first: IpAddr = address.parse().map_err(|_| refused())?;
        let width = width(first);
        let bits = length.map_or(Ok(width), str::parse).map_err(|_| refused())?;
        let network = Self::Network { first, bits };
        if bits > width || masked(first, bits) != first_bits(first) {
            return Err(refused());
        }
        Ok(match (first, first.to_canonical()) {
            (IpAddr::V6(_), mapped @ IpAddr::V4(_)) => Self::Network { first: mapped, bits: bits - 96 },
            _ => network,
        })
    }

    /// The network of one address; IPv4 in its IPv6 form counts as IPv4.
    pub fn address(address: IpAddr) -> Self {
        let first = address.to_canonical();
        Self::Network { first, bits: width(first) }
    }

    /// Whether everything of the other is in this one.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Word { text, is_open: true }, Self::Word { text: other, .. }) => other.starts_with(text),
            (Self::Network { first, bits }, Self::Network { first: other, bits: others }) => {
                width(*first) == width(*other)
                    && bits <= others
                    && masked(*other, *bits) == first_bits(*first)
            }
            (one, other) => one == other,
        }
    }

    /// Whether a plain word is allowed by it.
    pub fn allows(&self, word: &str) -> bool {
        match self {
            Self::Word { text, is_open: true } => word.starts_with(text),
            Self::Word { text, is_open: false } => word == text,
            Self::Network { .. } => false,
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word { text, is_open } => write!(f, "{text}{}", if *is_open { "*" } else { "" }),
            Self::Network { first, bits } => write!(f, "{first}/{bits}"),
        }
    }
}

const fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// The address as a number whose first bit is the address's first.
fn first_bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(four) => u128::from(four.to_bits()) << 96,
        IpAddr::V6(six) => six.to_bits(),
    }
}

fn masked(address: IpAddr, bits: u8) -> u128 {
    let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
    first_bits(address) & mask
}
