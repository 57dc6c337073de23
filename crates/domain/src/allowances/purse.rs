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
            parts.push(Part { key, unit: allowance.unit, amount, kept });
        }
        if !wishes.is_empty() {
            return Err(Denial::NeedSlice(wishes));
        }
        parts.iter().for_each(|part| self.take(part, at));
        Ok(Hold { parts })
    }

    /// Replaces a hold by what the call really used; what it takes of slices goes into its record.
    pub fn settle(&mut self, hold: Hold, actual: &Amounts) -> Vec<Charge> {
        let mut charges = Vec::with_capacity(hold.parts.len());
        for part in hold.parts {
            let used = actual.of(part.unit);
            match part.kept {
                Kept::Slice => {
                    if let Some(slice) = self.slices.get_mut(&part.key) {
                        slice.held -= part.amount;
                        slice.charged = slice.charged.saturating_add(used);
                    }
                    charges.push(part.key.charge(used));
                }
                Kept::Minute => {
                    let local = self.minutes.get_mut(&part.key.allowance_id);
                    if let Some(local) = local.filter(|local| local.window_start == part.key.window_start) {
                        local.used = local.used.saturating_sub(part.amount).saturating_add(used);
                    }
                }
                Kept::InFlight => {
                    if let Some(open) = self.in_flight.get_mut(&part.key.allowance_id) {
                        *open -= part.amount;
                    }
                }
            }
        }
        charges
    }

    /// Notes that the store lent so much more.
    pub fn granted(&mut self, wish: &SliceWish, amount: i64, at: Timestamp) {
        let slice = self.slices.entry(wish.key).or_default();
        slice.granted = slice.granted.saturating_add(amount);
        slice.window_end = wish.window_end;
        slice.leased_at = at;
        slice.drawn_at = at;
        slice.last_wish = wish.wish;
        slice.refused = None;
    }

    /// Notes that the store would not lend `wish.need` of an allowance of this amount.
    pub fn refused(&mut self, wish: &SliceWish, amount: i64, at: Timestamp) {
        let slice = self.slices.entry(wish.key).or_default();
        slice.window_end = wish.window_end;
        slice.refused = Some((at, wish.need, amount));
    }

    /// Notes that charges have reached the store, which took them off this replica's slices.
    pub fn drained(&mut self, charges: &[Charge]) {
        for charge in charges {
            let key = SliceKey { allowance_id: charge.allowance_id, window_start: charge.window_start };
            if let Some(slice) = self.slices.get_mut(&key) {
                slice.charged -= charge.amount;
                slice.granted -= charge.amount.min(slice.granted).max(0);
            }
        }
    }

    /// Takes out what should go back to the store: the free part of slices whose window ended or that lie idle,
    /// or of all with `everything`. If the store cannot take it, put it back with [`Purse::keep`].
    pub fn take_returns(&mut self, at: Timestamp, everything: bool) -> Vec<Return> {
        let mut returns = Vec::new();
        for (key, slice) in &mut self.slices {
            let is_due = everything || at >= slice.window_end || at.micros_since(slice.drawn_at) >= IDLE;
            let free = slice.free();
            if is_due && free > 0 {
                slice.granted -= free;
                returns.push(Return { key: *key, amount: free });
            }
        }
        self.slices.retain(|_, slice| {
            slice.granted != 0 || slice.held != 0 || slice.charged != 0 || at < slice.window_end
        });
        returns
    }

    /// Puts back what could not be returned.
    pub fn keep(&mut self, returned: &Return) {
        self.slices.entry(returned.key).or_default().granted += returned.amount;
    }

    /// What is held by open calls of one allowance in one window, and what this replica could still spend.
    pub fn held_and_free(&self, key: SliceKey) -> (i64, i64) {
        self.slices.get(&key).map_or((0, 0), |slice| (slice.held, slice.free()))
    }

    fn check_slice(&self, allowance: &Allowance, ask: Ask) -> Result<Option<SliceWish>, Denial> {
        let Ask { key, span, amount, at, share } = ask;
        let slice = self.slices.get(&key);
        let free = slice.map_or(0, Slice::free);
        if amount <= free.max(0) {
            return Ok(None);
        }
        let need = amount.saturating_sub(free);
        let known = slice.and_then(|slice| slice.refused);
        let is_known = known.is_some_and(|(when, refused, of)| {
            need >= refused && of == allowance.amount && at.micros_since(when) < REFUSAL_HOLDS
        });
        if amount > allowance.amount || is_known {
            return Err(refused(allowance, Reason::Exhausted, span));
        }
        let most = (allowance.amount / if share.is_lone { 10 } else { 100 }).max(need);
        let recent = slice.filter(|slice| at.micros_since(slice.leased_at) < SLICE_LASTS);
        let wish = recent.map_or(need.saturating_mul(8), |slice| slice.last_wish.saturating_mul(2));
        Ok(Some(SliceWish { key, window_end: span.end, need, wish: wish.clamp(need, most) }))
    }

    fn check_local(&self, allowance: &Allowance, kept: Kept, ask: Ask) -> Result<(), Denial> {
        let Ask { key, span, amount, share, .. } = ask;
        let used = match kept {
            Kept::InFlight => self.in_flight.get(&allowance.id).copied().unwrap_or(0),
            _ => {
                let local = self.minutes.get(&allowance.id);
                local.filter(|local| local.window_start == key.window_start).map_or(0, |local| local.used)
            }
        };
        let fits = used.saturating_add(amount) <= share.of(allowance.amount);
        if fits || amount == 0 || allowance.enforcement == Enforcement::Soft {
            return Ok(());
        }
        Err(refused(allowance, Reason::Throttled, span))
    }

    fn take(&mut self, part: &Part, at: Timestamp) {
        match part.kept {
            Kept::Slice => {
                let slice = self.slices.entry(part.key).or_default();
                slice.held = slice.held.saturating_add(part.amount);
                slice.drawn_at = at;
            }
            Kept::Minute => {
                let local = self.minutes.entry(part.key.allowance_id).or_default();
                if local.window_start != part.key.window_start {
                    *local = Local { window_start: part.key.window_start, used: 0 };
                }
                local.used = local.used.saturating_add(part.amount);
            }
            Kept::InFlight => *self.in_flight.entry(part.key.allowance_id).or_default() += part.amount,
        }
    }
}

fn refused(allowance: &Allowance, reason: Reason, span: Span) -> Denial {
    let resets = !matches!(allowance.window, Window::Lifetime | Window::None);
    Denial::Refused { allowance_id: allowance.id, reason, resets_at: resets.then_some(span.end) }
}
