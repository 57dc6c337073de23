//! A change of policy on trial: it holds at once, and is undone by itself unless it is kept in time. With it an Admin
//! may set networks that they cannot prove to be in, and is let in again when they were wrong.

use super::Setting;
use super::place::Spot;
use super::resolve::Entry;
use crate::time::{MINUTE, Timestamp};

/// How long a trial lasts, in microseconds: ten minutes.
pub const TRIAL_TIME: i64 = 10 * MINUTE;

/// What was set on trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// The setting.
    pub setting: Setting,
    /// Where it was set.
    pub spot: Spot,
    /// What stood there before; none where nothing did.
    pub before: Option<Entry>,
    /// When it is undone unless it was kept.
    pub ends_at: Timestamp,
}
