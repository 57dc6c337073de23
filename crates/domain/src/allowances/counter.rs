//! The store's side of one allowance in one window. The SQL of the store mirrors these rules; the simulation runs them.

use super::Lease;

/// What the store keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    /// The sum of the window's usage records.
    pub settled: i64,
    /// The sum of all slices that replicas hold.
    pub leased: i64,
}

impl Counter {
    /// What is neither spent nor lent.
    pub fn left(&self, amount: i64) -> i64 {
        amount.saturating_sub(self.settled).saturating_sub(self.leased).max(0)
    }

    /// Lends as much of `wish` as is left, if that is at least `need`; nothing otherwise.
    pub fn lease(&mut self, amount: i64, need: i64, wish: i64) -> Lease {
        let granted = wish.max(need).min(self.left(amount));
        if granted < need {
            return Lease::Refused { settled: self.settled };
        }
        self.leased = self.leased.saturating_add(granted);
        Lease::Granted(granted)
    }

    /// Books a usage record that arrives for the first time: its cost is settled, and what it took of a slice
    /// (never more than the slice still has) is not lent any more.
    pub fn drain(&mut self, cost: i64, charged: i64, slice: &mut i64) {
        self.take_back(charged, slice);
        self.settled = self.settled.saturating_add(cost);
    }

    /// Takes back an unused part of a slice.
    pub fn take_back(&mut self, unused: i64, slice: &mut i64) {
        let taken = unused.min(*slice).max(0);
        self.leased = self.leased.saturating_sub(taken);
        *slice -= taken;
    }

    /// Charges a slice whose replica will never come back: nobody can tell what it spent, so all of it. Says how
    /// much, for the posting that makes the counter the sum of its records again.
    pub fn declare_lost(&mut self, slice: &mut i64) -> i64 {
        let lost = (*slice).max(0);
        self.drain(lost, lost, slice);
        lost
    }
}
