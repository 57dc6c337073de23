//! The real clock and the real randomness, and the only place that reads the clock.

use std::time::{SystemTime, UNIX_EPOCH};

use domain::time::{Ambient, Timestamp};

/// The operating system's.
pub struct System;

impl Ambient for System {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that every other room is passed")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_unix_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    #[expect(clippy::expect_used, reason = "a process without secure randomness must not go on")]
    fn fill_random(&self, buffer: &mut [u8]) {
        aws_lc_rs::rand::fill(buffer).expect("the operating system gives no randomness");
    }
}
