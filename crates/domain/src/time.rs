//! Moments and calendar windows. Nothing here reads a clock: the moment is passed in.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Where time and randomness come from. The executable passes the real ones in; tests pass fixed ones.
pub trait Ambient: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
    /// Fills the buffer from the operating system's secure random source.
    fn fill_random(&self, buffer: &mut [u8]);
    /// 128 random bits.
    fn random_u128(&self) -> u128 {
        let mut bytes = [0; 16];
        self.fill_random(&mut bytes);
        u128::from_be_bytes(bytes)
    }
}

/// A moment: microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// Microseconds in one second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds in one minute.
pub const MINUTE: i64 = 60 * SECOND;
/// Microseconds in one hour.
pub const HOUR: i64 = 60 * MINUTE;
/// Microseconds in one day of 24 hours.
pub const DAY: i64 = 24 * HOUR;
/// Width of a usage rollup: every zone's day and month is a whole number of these.
pub const ROLLUP: i64 = 15 * MINUTE;

impl Timestamp {
    /// From microseconds since the epoch.
    pub const fn from_unix_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    pub const fn unix_micros(self) -> i64 {
        self.0
    }

    /// From milliseconds since the epoch.
    pub const fn from_unix_milliseconds(milliseconds: i64) -> Self {
        Self(milliseconds.saturating_mul(1_000))
    }

    /// Milliseconds since the epoch, rounded down.
    pub const fn unix_milliseconds(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// From seconds since the epoch.
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(SECOND))
    }

    /// Seconds since the epoch, rounded down: the form of the admin API.
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(SECOND)
    }

    /// This moment moved by a number of microseconds.
    #[must_use]
    pub const fn plus_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// This moment moved by a number of seconds.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        self.plus_micros(seconds.saturating_mul(SECOND))
    }

    /// Microseconds from `earlier` to here.
    pub const fn micros_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The start of the 15-minute rollup in which this moment lies.
    #[must_use]
    pub const fn rollup_start(self) -> Self {
        Self(self.0.div_euclid(ROLLUP) * ROLLUP)
    }

    fn instant(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or_default()
    }

    fn civil(self, zone: &TimeZone) -> jiff::civil::DateTime {
        zone.zone.to_datetime(self.instant())
    }
}

/// RFC 3339 in UTC, to the second.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = jiff::Timestamp::from_second(self.unix_seconds()).unwrap_or_default();
        fmt::Display::fmt(&moment, f)
    }
}

/// A time zone of the IANA database, such as `Europe/Berlin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeZone {
    zone: jiff::tz::TimeZone,
    name: String,
}

impl TimeZone {
    /// Coordinated universal time.
    pub fn utc() -> Self {
        Self { zone: jiff::tz::TimeZone::UTC, name: "UTC".to_owned() }
    }

    /// The zone of that name.
    ///
    /// # Errors
    /// `invalid_time_zone` when the database has no such name.
    pub fn named(name: &str) -> Result<Self, Error> {
        if name == "UTC" {
            return Ok(Self::utc());
        }
        jiff::tz::TimeZone::get(name).map(|zone| Self { zone, name: name.to_owned() }).map_err(|_| {
            Error::invalid_param(
                "invalid_time_zone",
                "time_zone",
                "Use a name of the IANA database, such as Europe/Berlin.",
            )
        })
    }

    /// Its name in the database.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A calendar window in which an allowance counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// A minute of the clock.
    Minute,
    /// An hour of the clock.
    Hour,
    /// A calendar day of the organization's zone.
    Day,
    /// A week from Monday of the organization's zone.
    Week,
    /// A calendar month of the organization's zone.
    Month,
    /// All time.
    Lifetime,
    /// No window: what is in flight now.
    None,
}

/// One concrete window: from `start` inclusive to `end` exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// First moment inside.
    pub start: Timestamp,
    /// First moment after.
    pub end: Timestamp,
}

impl Span {
    /// Whether the moment lies inside.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }
}

const FOREVER: Span = Span { start: Timestamp(0), end: Timestamp(i64::MAX) };

impl Window {
    /// Every window, shortest first.
    pub const ALL: [Self; 7] =
        [Self::Minute, Self::Hour, Self::Day, Self::Week, Self::Month, Self::Lifetime, Self::None];

    /// The word on the wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Lifetime => "lifetime",
            Self::None => "none",
        }
    }

    /// The window of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|window| window.name() == name)
    }

    /// Whether its counters live in the store (an hour and longer) rather than in memory.
    pub const fn is_durable(self) -> bool {
        matches!(self, Self::Hour | Self::Day | Self::Week | Self::Month | Self::Lifetime)
    }

    /// The concrete window in which the moment lies, by the calendar of the zone.
    pub fn span(self, at: Timestamp, zone: &TimeZone) -> Span {
        let fixed = |width: i64| {
            let start = Timestamp(at.0.div_euclid(width) * width);
            Span { start, end: start.plus_micros(width) }
        };
        match self {
            Self::Minute => fixed(MINUTE),
            Self::Hour => hour_span(at, zone),
            Self::Day | Self::Week | Self::Month => self.calendar_span(at, zone),
            Self::Lifetime | Self::None => FOREVER,
        }
    }

    fn calendar_span(self, at: Timestamp, zone: &TimeZone) -> Span {
        use jiff::ToSpan as _;
        let date = at.civil(zone).date();
        let (first, next) = match self {
            Self::Month => (date.first_of_month(), date.first_of_month().saturating_add(1.month())),
            Self::Week => {
                let monday = date.saturating_sub(i64::from(date.weekday().to_monday_zero_offset()).days());
                (monday, monday.saturating_add(7.days()))
            }
            _ => (date, date.saturating_add(1.day())),
        };
        Span { start: midnight(first, zone), end: midnight(next, zone) }
    }
}

/// The first moment of a civil date: its midnight, or what follows where a clock change skips it.
fn midnight(date: jiff::civil::Date, zone: &TimeZone) -> Timestamp {
    let first = zone.zone.to_timestamp(date.at(0, 0, 0, 0));
    Timestamp(first.map(|moment| moment.as_microsecond()).unwrap_or_default())
}

/// The hour of the wall clock; zones shifted by a part of an hour have their own boundaries.
fn hour_span(at: Timestamp, zone: &TimeZone) -> Span {
    let offset_micros = i64::from(zone.zone.to_offset(at.instant()).seconds()) * SECOND;
    let start = Timestamp((at.0 + offset_micros).div_euclid(HOUR) * HOUR - offset_micros);
    Span { start, end: start.plus_micros(HOUR) }
}

/// Civil parts of a moment in a zone, for pages: `(year, month, day, hour, minute)`.
pub fn civil(at: Timestamp, zone: &TimeZone) -> (i16, i8, i8, i8, i8) {
    let moment = at.civil(zone);
    (moment.year(), moment.month(), moment.day(), moment.hour(), moment.minute())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
    }

    #[test]
    fn months_follow_the_zone_across_clock_changes() {
        let berlin = TimeZone::named("Europe/Berlin").unwrap();
        let span = Window::Month.span(at("2026-03-31T21:59:59Z"), &berlin);
        assert_eq!((span.start, span.end), (at("2026-02-28T23:00:00Z"), at("2026-03-31T22:00:00Z")));
        assert!(!span.contains(span.end) && span.contains(span.start));
    }

    #[test]
    fn a_day_that_loses_an_hour_has_23() {
        let berlin = TimeZone::named("Europe/Berlin").unwrap();
        let span = Window::Day.span(at("2026-03-29T10:00:00Z"), &berlin);
        assert_eq!(span.end.micros_since(span.start), 23 * HOUR);
    }

    #[test]
    fn every_boundary_belongs_to_exactly_one_window() {
        for name in ["UTC", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo"]
        {
            let zone = TimeZone::named(name).unwrap();
            for window in [Window::Hour, Window::Day, Window::Week, Window::Month] {
                let mut moment = at("2026-01-01T00:00:00Z");
                for _ in 0..400 {
                    let span = window.span(moment, &zone);
                    let next = window.span(span.end, &zone);
                    assert!(span.contains(moment), "{name} {window:?} {moment}");
                    assert!(window == Window::Hour || next.start == span.end, "{name} {window:?} {moment}");
                    moment = span.end;
                }
            }
        }
    }

    #[test]
    fn weeks_start_on_monday() {
        let span = Window::Week.span(at("2026-11-22T12:00:00Z"), &TimeZone::utc());
        assert_eq!(span.start, at("2026-11-16T00:00:00Z"));
    }
}
