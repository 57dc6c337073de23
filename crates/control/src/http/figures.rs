//! Amounts, counts and moments as people read them. Made from integers; nothing is rounded before it is shown.

use std::fmt;

use askama::filters::HtmlSafe;
use domain::money::{NANO_PER_CENT, NANO_PER_USD, NanoUsd};
use domain::time::{TimeZone, Timestamp, civil};

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Money on a page: dollars with two places, or with two significant digits below one cent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Money(pub NanoUsd);

impl Money {
    /// An amount in nano-dollars.
    pub const fn from_nano(amount_nano_usd: i64) -> Self {
        Self(NanoUsd::from_nano(amount_nano_usd))
    }

    /// Every digit, for titles and tables that must be exact.
    pub fn exact(self) -> String {
        format!("${}", self.0)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nano = i128::from(self.0.nano());
        let sign = if nano < 0 { "-" } else { "" };
        let nano = nano.unsigned_abs();
        if nano == 0 || nano >= NANO_PER_CENT.unsigned_abs().into() {
            let cent = u128::from(NANO_PER_CENT.unsigned_abs());
            let cents = (nano + cent / 2) / cent;
            return write!(f, "{sign}${}.{:02}", grouped(cents / 100), cents % 100);
        }
        let digits = format!("{nano:09}");
        let first = digits.find(|digit| digit != '0').unwrap_or(0);
        let kept = digits[..(first + 2).min(9)].trim_end_matches('0');
        write!(f, "{sign}$0.{kept}")
    }
}

impl HtmlSafe for Money {}

/// A number of things: calls, tokens, members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count(pub u64);

impl Count {
    /// At most three digits and a letter: `1.2k`, `34M`. Rounded down.
    pub fn short(self) -> String {
        let (unit, letter) = match self.0 {
            0..1_000 => return self.0.to_string(),
            1_000..1_000_000 => (1_000, "k"),
            1_000_000..1_000_000_000 => (1_000_000, "M"),
            _ => (1_000_000_000, "B"),
        };
        let (whole, tenth) = (self.0 / unit, self.0 % unit * 10 / unit);
        if whole >= 100 || tenth == 0 {
            format!("{whole}{letter}")
        } else {
            format!("{whole}.{tenth}{letter}")
        }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&grouped(self.0.into()))
    }
}

impl HtmlSafe for Count {}

fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A moment on a page, in somebody's time zone. Prints as a `time` element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    iso: String,
    text: String,
}

impl When {
    /// To the day: `24 Nov 2026`.
    pub fn day(at: Timestamp, zone: &TimeZone) -> Self {
        Self { iso: at.to_string(), text: day_text(at, zone) }
    }

    /// To the minute: `24 Nov 2026, 14:03`.
    pub fn minute(at: Timestamp, zone: &TimeZone) -> Self {
        let (_, _, _, hour, minute) = civil(at, zone);
        Self { iso: at.to_string(), text: format!("{}, {hour:02}:{minute:02}", day_text(at, zone)) }
    }

    /// The words alone.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, r#"<time datetime="{0}" title="{0}">{1}</time>"#, self.iso, self.text)
    }
}

impl HtmlSafe for When {}

fn day_text(at: Timestamp, zone: &TimeZone) -> String {
    let (year, month, day, _, _) = civil(at, zone);
    format!("{day} {} {year}", month_name(month))
}

/// The short English name of a month, counted from 1; empty for any other number.
pub fn month_name(month: i8) -> &'static str {
    let index = usize::try_from(month).unwrap_or_default().wrapping_sub(1);
    MONTHS.get(index).copied().unwrap_or_default()
}

/// A limit or axis mark: whole dollars without places, everything else as [`Money`] prints it.
pub(super) fn money_mark(amount: i64) -> String {
    if amount >= NANO_PER_USD && amount % NANO_PER_USD == 0 {
        let dollars = u64::try_from(amount / NANO_PER_USD).unwrap_or_default();
        return format!("${}", Count(dollars).short());
    }
    if amount == 0 { "$0".to_owned() } else { Money::from_nano(amount).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_readable_and_small_money_does_not_vanish() {
        for (nano, text) in [
            (0, "$0.00"),
            (1_234_567_890_000_000, "$1,234,567.89"),
            (12_345_000_000, "$12.35"),
            (9_990_000, "$0.0099"),
            (1, "$0.000000001"),
            (125, "$0.00000012"),
            (-12_500_000_000, "-$12.50"),
            (i64::MIN, "-$9,223,372,036.85"),
        ] {
            assert_eq!(Money::from_nano(nano).to_string(), text);
        }
        assert_eq!(Money::from_nano(125).exact(), "$0.000000125");
    }

    #[test]
    fn counts_group_by_thousands_and_shorten_downwards() {
        assert_eq!(Count(0).to_string(), "0");
        assert_eq!(Count(999).to_string(), "999");
        assert_eq!(Count(1_234_567).to_string(), "1,234,567");
        for (count, text) in
            [(999, "999"), (1_000, "1k"), (1_290, "1.2k"), (999_999, "999k"), (34_000_000, "34M")]
        {
            assert_eq!(Count(count).short(), text);
        }
    }

    #[test]
    fn moments_are_told_in_the_zone_of_the_reader() {
        let berlin = TimeZone::named("Europe/Berlin").unwrap();
        let at = Timestamp::from_unix_seconds(1_795_562_580);
        assert_eq!(When::minute(at, &TimeZone::utc()).text(), "24 Nov 2026, 23:23");
        assert_eq!(When::day(at, &berlin).text(), "25 Nov 2026");
    }
}
