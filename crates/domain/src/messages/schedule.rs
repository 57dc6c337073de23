//! When a message that was not taken is tried again: soon at first, then ever more rarely, for a day.

use crate::time::{HOUR, MINUTE, SECOND, Timestamp};

/// After so long from its first attempt, in microseconds, a message is given up.
pub const GIVE_UP_AFTER: i64 = 24 * HOUR;

/// The pauses after each attempt, in microseconds; the last one repeats.
const PAUSES: [i64; 8] =
    [5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR];

/// When to try again after `attempts` of which the first was at `first_at`; none when it is given up.
///
/// `spread` of 0 to 255 lengthens the pause by up to a quarter, so that what failed together is not tried together.
pub fn next_attempt(attempts: i64, first_at: Timestamp, now: Timestamp, spread: u8) -> Option<Timestamp> {
    let place = usize::try_from(attempts.saturating_sub(1)).unwrap_or(0).min(PAUSES.len() - 1);
    let pause = PAUSES[place] + PAUSES[place] / 4 * i64::from(spread) / 255;
    let next = now.plus_micros(pause);
    (next.micros_since(first_at) <= GIVE_UP_AFTER).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end_within_a_day() {
        let first = Timestamp::from_unix_seconds(0);
        for spread in [0, 255] {
            let (mut now, mut attempts, mut last) = (first, 1, 0);
            while let Some(next) = next_attempt(attempts, first, now, spread) {
                assert!(next.micros_since(now) >= last, "never sooner than before");
                last = next.micros_since(now);
                (now, attempts) = (next, attempts + 1);
            }
            assert!((8..20).contains(&attempts), "{attempts}");
            assert!(now.micros_since(first) > 18 * HOUR && now.micros_since(first) <= GIVE_UP_AFTER);
        }
    }
}
