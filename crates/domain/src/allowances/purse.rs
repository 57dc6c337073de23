//! The replica's side: what this process may still spend of every allowance of one organization.
//!
//! A `Purse` sits behind a plain lock that is never held across a wait, so that a hold over all allowances that
//! apply is one step. Every method is quick: a handful of map look-ups for each allowance.
//!
//! What a caller does, with one and the same moment `at` for whatever it asks throughout a call:
//!
//! 1. [`Purse::hold`]. On [`Denial::NeedSlice`] ask the store to lease each wish, tell the answers with
//!    [`Purse::answered`], and hold again, a refused lease included: what another call gave back meanwhile may do.
//!    Only [`Denial::Refused`] is the end of it.
//! 2. Journal [`Hold::charges`] in the open record. A process that dies here is charged exactly that.
//! 3. [`Purse::settle`] once, and journal the charges it returns in the settled record.
//! 4. When the store has booked the record, tell [`Purse::drained`] its charges, once.
//! 5. Every second or so, and at the end, [`Purse::take_returns`], and give the store what comes.
//!
//! Two rules keep the purse and the store's row of its slice the same. After a start, what the journal holds from
//! before is drained and the old slices are returned *before* the first lease, and is not told to the new purse.
//! And where it is not known whether the store did what it was asked (the connection broke), assume the worse:
//! nothing was lent (tell nothing), and all was taken back. What this locks is free again after the next start; nothing is ever
//! spent twice.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Allowance, Amounts, Charge, Enforcement};
use crate::ids::AllowanceId;
use crate::time::{MINUTE, SECOND, Span, TimeZone, Timestamp, Window};

/// A slice that has not been drawn on for so long goes back to the store, in microseconds: others may need it.
const IDLE: i64 = 5 * SECOND;
/// The same for a process that has no others.
const IDLE_ALONE: i64 = 60 * SECOND;
/// For so long after its end a minute's count is kept, in microseconds: a late call must not find it empty.
const MINUTE_KEPT: i64 = 2 * MINUTE;
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

/// What the store answered to a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    /// So much more is lent.
    Granted(i64),
    /// Not even the need is left.
    Refused {
        /// The sum of the window's records: spent for good. The rest of the amount is lent, and what calls do not
        /// use of it comes back.
        settled: i64,
    },
}

/// Why a hold was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// What is spent leaves too little, or the call alone is more than the amount: waiting does not help while the
    /// window lasts.
    Exhausted,
    /// Enough is not spent, but other calls hold it, or other replicas: what they do not use comes back.
    Held,
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
    window_end: Timestamp,
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
        let slices = self.parts.iter().filter(|part| matches!(part.kept, Kept::Slice) && part.amount > 0);
        slices.map(|part| part.key.charge(part.amount, 0)).collect()
    }
}

impl SliceKey {
    fn charge(self, amount: i64, excess: i64) -> Charge {
        Charge { allowance_id: self.allowance_id, window_start: self.window_start, amount, excess }
    }
}

/// This replica's slice of one allowance in one window. Always `held + charged <= granted`, and `granted` is what
/// the store's row says, plus what has drained there and was not told here yet.
#[derive(Debug, Default)]
struct Slice {
    granted: i64,
    held: i64,
    charged: i64,
    /// What calls used beyond what the slice had: owed until the store has booked it.
    excess: i64,
    window_end: Timestamp,
    drawn_at: Timestamp,
    leased_at: Timestamp,
    last_wish: i64,
    /// The allowance's amount when last asked, and whether it has fallen since the last return.
    amount: i64,
    is_lowered: bool,
    refused: Option<Refusal>,
}

/// What the store would not lend, of which amount, and what was settled of it then.
#[derive(Clone, Copy, Debug)]
struct Refusal {
    at: Timestamp,
    need: i64,
    amount: i64,
    settled: i64,
}

impl Refusal {
    /// Whether it still answers the question whether so much more of this amount would be lent. A call that waited
    /// began before the answer came; one that began long before it has a clock that was set back.
    fn answers(&self, need: i64, amount: i64, at: Timestamp) -> bool {
        let is_recent = (-SLICE_LASTS..REFUSAL_HOLDS).contains(&at.micros_since(self.at));
        is_recent && need >= self.need && amount == self.amount
    }

    /// Why a call of this size is not admitted. What is settled only grows, so `Exhausted` is never said too early;
    /// what has ended and not drained yet still counts as held.
    fn reason(&self, call: i64) -> Reason {
        if call > self.amount.saturating_sub(self.settled) { Reason::Exhausted } else { Reason::Held }
    }
}

impl Slice {
    /// What is neither held nor charged; never negative.
    fn room(&self) -> i64 {
        self.granted.saturating_sub(self.held).saturating_sub(self.charged)
    }

    /// What may still be held; negative while an excess is owed.
    fn free(&self) -> i64 {
        self.room().saturating_sub(self.excess)
    }

    fn is_empty(&self) -> bool {
        self.granted == 0 && self.held == 0 && self.charged == 0 && self.excess == 0
    }

    /// Turns what was held into what was used: as much as the slice has is charged to it, the rest is owed.
    fn settle(&mut self, held: i64, used: i64) -> (i64, i64) {
        self.held = self.held.saturating_sub(held).max(0);
        let covered = used.min(self.room()).max(0);
        let excess = used.saturating_sub(covered).max(0);
        self.charged = self.charged.saturating_add(covered);
        self.excess = self.excess.saturating_add(excess);
        (covered, excess)
    }

    fn drain(&mut self, charge: &Charge) {
        let covered = charge.amount.min(self.charged).max(0);
        self.charged -= covered;
        self.granted -= covered;
        self.excess -= charge.excess.min(self.excess).max(0);
    }

    fn note_amount(&mut self, amount: i64) {
        self.is_lowered |= amount < self.amount;
        self.amount = amount;
    }

    fn rested_for(&self, at: Timestamp, micros: i64) -> bool {
        at.micros_since(self.drawn_at) >= micros
    }
}

/// All in-memory counters of one organization on one replica.
#[derive(Debug, Default)]
pub struct Purse {
    slices: HashMap<SliceKey, Slice>,
    minutes: HashMap<SliceKey, i64>,
    in_flight: HashMap<AllowanceId, i64>,
    is_lone: bool,
}

impl Purse {
    /// Holds the worst case of a call against every allowance that applies, all or nothing. Hard and soft ones
    /// alike are counted; soft ones never refuse. An amount of zero always fits.
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
        self.is_lone = share.is_lone;
        let mut parts: Vec<Part> = Vec::with_capacity(applicable.len());
        let mut wishes = Vec::new();
        for allowance in applicable {
            let amount = worst.of(allowance.unit);
            let span = allowance.window.span(at, zone);
            let key = SliceKey { allowance_id: allowance.id, window_start: span.start };
            if parts.iter().any(|part| part.key == key) {
                continue;
            }
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
            parts.push(Part { key, window_end: span.end, unit: allowance.unit, amount, kept });
        }
        if !wishes.is_empty() {
            return Err(Denial::NeedSlice(wishes));
        }
        parts.iter().for_each(|part| self.take(part, at));
        Ok(Hold { parts })
    }

    /// Replaces a hold by what the call really used; what it takes of slices goes into its record. What it used
    /// beyond its hold is taken from what is free, and beyond that is owed and held against what is left.
    pub fn settle(&mut self, hold: Hold, actual: &Amounts) -> Vec<Charge> {
        let mut charges = Vec::with_capacity(hold.parts.len());
        for part in hold.parts {
            let used = actual.of(part.unit);
            match part.kept {
                Kept::Slice => {
                    let slice = self.slices.entry(part.key).or_default();
                    let (covered, excess) = slice.settle(part.amount, used);
                    if used > 0 {
                        charges.push(part.key.charge(covered, excess));
                    }
                }
                Kept::Minute => {
                    if let Some(count) = self.minutes.get_mut(&part.key) {
                        *count = count.saturating_sub(part.amount).saturating_add(used).max(0);
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

    /// Notes what the store answered just now to a wish about an allowance of this amount. What it would not lend it is not
    /// asked for again for a moment. Not to be called where the answer is not certain.
    pub fn answered(&mut self, wish: &SliceWish, amount: i64, lease: Lease, at: Timestamp) {
        let slice = self.slices.entry(wish.key).or_default();
        slice.window_end = wish.window_end;
        slice.drawn_at = slice.drawn_at.max(at);
        match lease {
            Lease::Granted(granted) => {
                slice.granted = slice.granted.saturating_add(granted);
                slice.leased_at = at;
                slice.last_wish = wish.wish;
                slice.refused = None;
            }
            Lease::Refused { settled } => {
                slice.refused = Some(Refusal { at, need: wish.need, amount, settled });
            }
        }
    }

    /// Notes that charges have reached the store, which took them off this replica's slices.
    pub fn drained(&mut self, charges: &[Charge]) {
        for charge in charges {
            let key = SliceKey { allowance_id: charge.allowance_id, window_start: charge.window_start };
            if let Some(slice) = self.slices.get_mut(&key) {
                slice.drain(charge);
            }
        }
    }

    /// Takes out what should go back to the store: the free part of slices whose window ended, whose allowance was
    /// lowered or that lie idle, or of all with `everything`. It is no longer here whatever becomes of it; only if
    /// the store surely did not take it, put it back with [`Purse::keep`]. Forgets windows that are over.
    pub fn take_returns(&mut self, at: Timestamp, everything: bool) -> Vec<Return> {
        let idle = if self.is_lone { IDLE_ALONE } else { IDLE };
        let mut returns = Vec::new();
        for (key, slice) in &mut self.slices {
            let is_due =
                everything || slice.is_lowered || at >= slice.window_end || slice.rested_for(at, idle);
            let free = slice.free();
            if is_due && free > 0 {
                slice.granted -= free;
                slice.refused = None;
                slice.is_lowered = false;
                returns.push(Return { key: *key, amount: free });
            }
        }
        self.slices.retain(|_, slice| {
            let is_over = at >= slice.window_end || slice.rested_for(at, idle);
            !(slice.is_empty() && is_over)
        });
        self.minutes.retain(|key, _| at.micros_since(key.window_start) < MINUTE_KEPT);
        self.in_flight.retain(|_, open| *open > 0);
        returns
    }

    /// Puts back what the store surely did not take.
    pub fn keep(&mut self, returned: &Return) {
        self.slices.entry(returned.key).or_default().granted += returned.amount;
    }

    /// What is held by open calls of one allowance in one window, and what this replica could still spend.
    pub fn held_and_free(&self, key: SliceKey) -> (i64, i64) {
        self.slices.get(&key).map_or((0, 0), |slice| (slice.held, slice.free()))
    }

    fn check_slice(&mut self, allowance: &Allowance, ask: Ask) -> Result<Option<SliceWish>, Denial> {
        let Ask { key, span, amount, at, share } = ask;
        if let Some(slice) = self.slices.get_mut(&key) {
            slice.note_amount(allowance.amount);
        }
        let slice = self.slices.get(&key);
        let free = slice.map_or(0, Slice::free);
        if amount == 0 || (amount <= free && amount <= allowance.amount) {
            return Ok(None);
        }
        let need = amount.saturating_sub(free);
        if amount > allowance.amount {
            return Err(refused(allowance, Reason::Exhausted, span));
        }
        let known = slice.and_then(|slice| slice.refused);
        if let Some(known) = known.filter(|known| known.answers(need, allowance.amount, at)) {
            return Err(refused(allowance, known.reason(amount), span));
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
            _ => self.minutes.get(&key).copied().unwrap_or(0),
        };
        let fits = used.saturating_add(amount) <= share.of(allowance.amount);
        if fits || amount == 0 || allowance.enforcement == Enforcement::Soft {
            return Ok(());
        }
        if amount > allowance.amount {
            let (allowance_id, reason) = (allowance.id, Reason::Exhausted);
            return Err(Denial::Refused { allowance_id, reason, resets_at: None });
        }
        Err(refused(allowance, Reason::Throttled, span))
    }

    fn take(&mut self, part: &Part, at: Timestamp) {
        match part.kept {
            Kept::Slice => {
                let slice = self.slices.entry(part.key).or_default();
                slice.held = slice.held.saturating_add(part.amount);
                slice.window_end = slice.window_end.max(part.window_end);
                slice.drawn_at = at;
            }
            Kept::Minute => {
                let count = self.minutes.entry(part.key).or_default();
                *count = count.saturating_add(part.amount);
            }
            Kept::InFlight => *self.in_flight.entry(part.key.allowance_id).or_default() += part.amount,
        }
    }
}

fn refused(allowance: &Allowance, reason: Reason, span: Span) -> Denial {
    let resets = !matches!(allowance.window, Window::Lifetime | Window::None);
    Denial::Refused { allowance_id: allowance.id, reason, resets_at: resets.then_some(span.end) }
}
