//! Money: US dollars as integer nano-dollars. No floats; decimal text only at the edge of the wire.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Nano-dollars in one dollar.
pub const NANO_PER_USD: i64 = 1_000_000_000;
/// Nano-dollars in one cent.
pub const NANO_PER_CENT: i64 = 10_000_000;

/// An amount of money in nano-dollars (10⁻⁹ USD). The range is about ±9.2 thousand million dollars.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NanoUsd(i64);

impl NanoUsd {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// An amount given in nano-dollars.
    pub const fn from_nano(nano: i64) -> Self {
        Self(nano)
    }

    /// The amount in nano-dollars.
    pub const fn nano(self) -> i64 {
        self.0
    }

    /// An amount given in whole cents.
    ///
    /// # Errors
    /// `amount_too_large` when it does not fit.
    pub fn from_cents(cents: i64) -> Result<Self, Error> {
        cents.checked_mul(NANO_PER_CENT).map(Self).ok_or_else(too_large)
    }

    /// Whole cents, rounded towards zero.
    pub const fn whole_cents(self) -> i64 {
        self.0 / NANO_PER_CENT
    }

    /// The sum.
    ///
    /// # Errors
    /// `amount_too_large` when it does not fit.
    pub fn plus(self, other: Self) -> Result<Self, Error> {
        self.0.checked_add(other.0).map(Self).ok_or_else(too_large)
    }

    /// The narrowing of a wide sum.
    ///
    /// # Errors
    /// `amount_too_large` when it does not fit.
    pub fn from_wide(nano: i128) -> Result<Self, Error> {
        i64::try_from(nano).map(Self).map_err(|_| too_large())
    }

    /// Reads dollars written in decimal, such as `12.5` or `0.000000001`, exactly.
    ///
    /// # Errors
    /// `invalid_amount` when it is not a decimal number of at most nine places; `amount_too_large` when it does not fit.
    pub fn parse_usd(text: &str) -> Result<Self, Error> {
        let bad = || {
            Error::invalid(
                "invalid_amount",
                "Write dollars in decimal, with at most nine places, such as 12.50.",
            )
        };
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_number = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty()
            || !is_number(whole)
            || !is_number(fraction)
            || fraction.len() > 9
            || digits.ends_with('.')
        {
            return Err(bad());
        }
        let whole: i64 = whole.parse().map_err(|_| too_large())?;
        let fraction: i64 = format!("{fraction:0<9}").parse().map_err(|_| bad())?;
        let nano =
            whole.checked_mul(NANO_PER_USD).and_then(|n| n.checked_add(fraction)).ok_or_else(too_large)?;
        Ok(Self(if negative { -nano } else { nano }))
    }
}

/// Dollars in decimal, without trailing zeros, at least two places: `0.50`, `0.000000125`.
impl fmt::Display for NanoUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        let fraction = format!("{:09}", magnitude % NANO_PER_USD.unsigned_abs());
        let kept = fraction.trim_end_matches('0').len().max(2);
        write!(f, "{sign}{}.{}", magnitude / NANO_PER_USD.unsigned_abs(), &fraction[..kept])
    }
}

fn too_large() -> Error {
    Error::invalid("amount_too_large", "The amount is larger than this system can hold.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_text_is_exact_both_ways() {
        for (text, nano) in
            [("0.00", 0), ("12.50", 12_500_000_000), ("0.000000001", 1), ("-1.25", -1_250_000_000)]
        {
            assert_eq!(NanoUsd::parse_usd(text).unwrap().nano(), nano);
            assert_eq!(NanoUsd::from_nano(nano).to_string(), text);
        }
        assert_eq!(NanoUsd::parse_usd("3").unwrap().to_string(), "3.00");
    }

    #[test]
    fn what_is_not_exact_is_refused() {
        for text in ["", ".", "1.", ".5", "1e3", "0.0000000001", "99999999999", "+1", "1,5", "--1"] {
            assert!(NanoUsd::parse_usd(text).is_err(), "{text}");
        }
    }
}
