//! The replica's side: what this process may still spend of every allowance of one organization.
//!
//! A `Purse` sits behind a plain lock that is never held across a wait, so that a hold over all allowances that
//! apply is one step. When a slice is too small the caller is told what to lease, leases it, and tries again.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Allowance, Amounts, Charge, Enforcement};
use crate::ids::AllowanceId;
use crate::time::{SECOND, Span, TimeZone, Timestamp, Window};

/// A slice that has not been drawn on for so long goes back to the store, in microseconds.
const IDLE: i64 = 30 * SECOND;
/// For so long a refusal by the store is believed without asking again, in microseconds.
const REFUSAL_HOLDS: i64 = SECOND / 4;
/// Slices are meant to last about so long, in microseconds.
const SLICE_LASTS: i64 = 10 * SECOND;

/// One allowance in one window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SliceKey {
    /// The allowance.
    pub allowance_id: AllowanceId,
    /// The start of the window.
    pub window_start: Timestamp,
}

/// Which part of an in-memory limit is this replica's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// How many replicas are alive.
    pub replicas: i64,
    /// This one's place among them, from 0, lowest id first.
    pub rank: i64,
    /// Whether no other process can ever use the store, so that slices may be large.
    pub is_lone: bool,
}

impl Share {
    /// The whole, for a process that is alone with its store.
    pub const LONE: Self = Self { replicas: 1, rank: 0, is_lone: true };

    /// This replica's part of an amount; the remainder goes to the lowest.
    pub fn of(self, amount: i64) -> i64 {
        let replicas = self.replicas.max(1);
        amount / replicas + if self.rank == 0 { amount % replicas } else { 0 }
    }
}

/// What to ask the store for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SliceWish {
    /// Of which allowance and window.
    pub key: SliceKey,
    /// Where the window ends.
    pub window_end: Timestamp,
    /// Less is of no use.
    pub need: i64,
    /// More would save asking again soon.
    pub wish: i64,
}

/// Why a hold was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A window of an hour or longer has not enough left.
    Exhausted,
    /// A minute is full, or too many calls are in flight: waiting helps.
    Throttled,
}

/// Why a call was not admitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// Lease these and try again.
    NeedSlice(Vec<SliceWish>),
    /// No.
    Refused {
        /// The allowance that is too small.
        allowance_id: AllowanceId,
        /// In which way.
        reason: Reason,
        /// When its window ends; none when it never does.
        resets_at: Option<Timestamp>,
    },
}

/// Part of a slice that goes back to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Return {
    /// Of which allowance and window.
    pub key: SliceKey,
    /// How much.
    pub amount: i64,
}

#[derive(Clone, Copy, Debug)]
enum Kept {
    Slice,
    Minute,
    InFlight,
}

/// One allowance's share of the question whether a call may be admitted.
#[derive(Clone, Copy)]
struct Ask {
    key: SliceKey,
    span: Span,
    amount: i64,
    at: Timestamp,
    share: Share,
}

#[derive(Clone, Copy, Debug)]
struct Part {
    key: SliceKey,
    unit: super::Unit,
    amount: i64,
    kept: Kept,
}

/// What one call holds of everything that applies to it. Settle it exactly once.
#[derive(Debug, Default)]
#[must_use = "a hold that is not settled locks its amounts"]
pub struct Hold {
    parts: Vec<Part>,
}

impl Hold {
    /// What it holds of slices, for the journal: a recovered call is charged this.
    pub fn charges(&self) -> Vec<Charge> {
        let slices = self.parts.iter().filter(|part| matches!(part.kept, Kept::Slice));
        slices.map(|part| part.key.charge(part.amount)).collect()
    }
}

impl SliceKey {
    fn charge(self, amount: i64) -> Charge {
        Charge { allowance_id: self.allowance_id, window_start: self.window_start, amount }
    }
}

#[derive(Debug, Default)]
struct Slice {
    granted: i64,
    held: i64,
    charged: i64,
    window_end: Timestamp,
    drawn_at: Timestamp,
    leased_at: Timestamp,
    last_wish: i64,
    refused: Option<(Timestamp, i64, i64)>,
}

impl Slice {
    fn free(&self) -> i64 {
        self.granted.saturating_sub(self.held).saturating_sub(self.charged)
    }
}

#[derive(Debug, Default)]
struct Local {
    window_start: Timestamp,
    used: i64,
}

/// All in-memory counters of one organization on one replica.
#[derive(Debug, Default)]
pub struct Purse {
    slices: HashMap<SliceKey, Slice>,
    minutes: HashMap<AllowanceId, Local>,
    in_flight: HashMap<AllowanceId, i64>,
}

impl Purse {
    /// Holds the worst case of a call against every allowance that applies, all or nothing.
    ///
    /// # Errors
    /// What to lease first, or which allowance refuses.
    pub fn hold(
        &mut self,
        applicable: &[Arc<Allowance>],
        worst: &Amounts,
        at: Timestamp,
        zone: &TimeZone,
        share: Share,
    ) -> Result<Hold, Denial> {
        let mut parts = Vec::with_capacity(applicable.len());
        let mut wishes = Vec::new();
        for allowance in applicable {
            let amount = worst.of(allowance.unit);
            let span = allowance.window.span(at, zone);
            let key = SliceKey { allowance_id: allowance.id, window_start: span.start };
            let kept = match allowance.window {
                Window::None => Kept::InFlight,
                Window::Minute => Kept::Minute,
                // A soft window is counted when records drain; it needs no slice.
                _ if allowance.enforcement == Enforcement::Soft => continue,
                _ => Kept::Slice,
            };
            let ask = Ask { key, span, amount, at, share };
            match kept {
                Kept::Slice => wishes.extend(self.check_slice(allowance, ask)?),
                Kept::Minute | Kept::InFlight => self.check_local(allowance, kept, ask)?,
            }
    }
}

fn refused(allowance: &Allowance, reason: Reason, span: Span) -> Denial {
    let resets = !matches!(allowance.window, Window::Lifetime | Window::None);
    Denial::Refused { allowance_id: allowance.id, reason, resets_at: resets.then_some(span.end) }
}
