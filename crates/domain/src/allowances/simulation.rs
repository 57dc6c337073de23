//! A small world to try the allowances in: one store, many replicas, and everything that can go wrong between them.
//!
//! After each step the world checks what must always hold; `World::quiesce` checks what must hold in the end.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::*;
use crate::time::{SECOND, TimeZone};

pub(super) const START: Timestamp = Timestamp::from_unix_seconds(1_790_000_000);

pub(super) fn allowance(number: u128, amount: i64, window: Window) -> Allowance {
    Allowance {
        id: AllowanceId::from_parts(START, number),
        organization_id: OrganizationId::from_parts(START, 1),
        scope: Scope { level: Level::Organization, model: None },
        unit: Unit::NanoUsd,
        window,
        amount,
        enforcement: Enforcement::Hard,
        created_at: START,
    }
}

/// One call, as far as the store and the journal know it.
#[derive(Clone, Debug)]
struct Record {
    id: u64,
    cost: i64,
    /// The counters it is counted in: those of the allowances that matched when it was admitted.
    counted_in: Vec<SliceKey>,
    charges: Vec<Charge>,
}

impl Record {
    fn charge(&self, key: SliceKey) -> Option<&Charge> {
        let is_of = |charge: &&Charge| {
            (charge.allowance_id, charge.window_start) == (key.allowance_id, key.window_start)
        };
        self.charges.iter().find(is_of)
    }
}

struct OpenCall {
    record: Record,
    hold: Hold,
}

#[derive(Default)]
struct Replica {
    purse: Purse,
    open: Vec<OpenCall>,
    /// Settled records whose drain this process has not been told of, oldest first.
    journal: Vec<Record>,
}

/// What became of an answer of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Told,
    DoneButLost,
    NotDone,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Call { replica: usize, worst: i64, applies: u8, lease: Fate },
    End { replica: usize, which: usize, percent: i64 },
    Drain { replica: usize, count: usize, fate: Fate },
    Crash { replica: usize },
    Return { replica: usize, everything: bool, fate: Fate },
    SetAmount { which: usize, amount: i64 },
    Wait { micros: i64 },
}

pub(super) struct World {
    pub allowances: Vec<Arc<Allowance>>,
    pub at: Timestamp,
    latest: Timestamp,
    pub counters: HashMap<SliceKey, Counter>,
    replicas: Vec<Replica>,
    slices: BTreeMap<(usize, SliceKey), i64>,
    drained: HashSet<u64>,
    /// Per counter: the cost of all records that drained.
    booked: HashMap<SliceKey, i64>,
    /// Per counter: what providers used beyond the worst case, in all records that ended.
    excess: HashMap<SliceKey, i64>,
    /// Per allowance: the highest amount that it ever had.
    highest: Vec<i64>,
    /// Per counter: `settled + leased` before this step.
    before: HashMap<SliceKey, i64>,
    /// Slices of which a part is locked until the next start, because an answer was lost.
    leaking: BTreeSet<(usize, SliceKey)>,
    next_id: u64,
}

impl World {
    pub(super) fn new(allowances: Vec<Allowance>, replicas: usize) -> Self {
        Self {
            highest: allowances.iter().map(|allowance| allowance.amount).collect(),
            allowances: allowances.into_iter().map(Arc::new).collect(),
            at: START,
            latest: START,
            counters: HashMap::new(),
            replicas: (0..replicas).map(|_| Replica::default()).collect(),
            slices: BTreeMap::new(),
            drained: HashSet::new(),
            booked: HashMap::new(),
            excess: HashMap::new(),
            before: HashMap::new(),
            leaking: BTreeSet::new(),
            next_id: 0,
        }
    }

    pub(super) fn one(amount: i64, window: Window, replicas: usize) -> Self {
        Self::new(vec![allowance(0, amount, window)], replicas)
    }

    pub(super) fn run_all(&mut self, steps: &[Step]) {
        for step in steps {
            self.run(*step);
        }
    }

    /// Says whether the step found anything to do.
    pub(super) fn run(&mut self, step: Step) -> bool {
        let did = match step {
            Step::Call { replica, worst, applies, lease } => {
                self.call(replica, worst, applies, lease);
                true
            }
            Step::End { replica, which, percent } => self.end(replica, which, percent),
            Step::Drain { replica, count, fate } => self.drain(replica, count, fate),
            Step::Crash { replica } => self.crash(replica),
            Step::Return { replica, everything, fate } => self.give_back(replica, everything, fate),
            Step::SetAmount { which, amount } => self.set_amount(which, amount),
            Step::Wait { micros } => {
                self.at = self.at.plus_micros(micros);
                self.latest = self.latest.max(self.at);
                micros != 0
            }
        };
        self.check();
        did
    }

    fn share(&self) -> Share {
        Share { replicas: self.replicas.len() as i64, rank: 0, is_lone: self.replicas.len() == 1 }
    }

    fn key(&self, which: usize) -> SliceKey {
        let allowance = &self.allowances[which];
        let window_start = allowance.window.span(self.at, &TimeZone::utc()).start;
        SliceKey { allowance_id: allowance.id, window_start }
    }

    pub(super) fn call(&mut self, replica: usize, worst: i64, applies: u8, lease: Fate) -> bool {
        self.ask(replica, worst, applies, lease).is_ok()
    }

    /// Asks for admission; on a refusal says why, nothing when the store did not answer.
    pub(super) fn ask(
        &mut self,
        replica: usize,
        worst: i64,
        applies: u8,
        lease: Fate,
    ) -> Result<(), Option<Reason>> {
        let which: Vec<usize> = (0..self.allowances.len()).filter(|n| applies >> n & 1 == 1).collect();
        let applicable: Vec<_> = which.iter().map(|n| Arc::clone(&self.allowances[*n])).collect();
        let (amounts, share) = (Amounts::of_call(worst, 0, 0), self.share());
        for _ in 0..20 {
            let purse = &mut self.replicas[replica].purse;
            match purse.hold(&applicable, &amounts, self.at, &TimeZone::utc(), share) {
                Ok(hold) => {
                    let counted_in = which.iter().map(|n| self.key(*n)).collect();
                    self.admit(replica, worst, counted_in, hold);
                    return Ok(());
                }
                Err(Denial::NeedSlice(wishes)) if lease != Fate::NotDone => {
                    wishes.iter().for_each(|wish| self.lease(replica, wish, lease));
                }
                Err(Denial::NeedSlice(_)) => return Err(None),
                Err(Denial::Refused { allowance_id, reason, .. }) => {
                    self.check_refusal(replica, (allowance_id, reason), worst);
                    return Err(Some(reason));
                }
            }
        }
        panic!("holding and leasing goes round in circles");
    }

    fn admit(&mut self, replica: usize, worst: i64, counted_in: Vec<SliceKey>, hold: Hold) {
        let record = Record { id: self.next_id, cost: worst, counted_in, charges: hold.charges() };
        self.next_id += 1;
        self.replicas[replica].open.push(OpenCall { record, hold });
    }

    fn lease(&mut self, replica: usize, wish: &SliceWish, fate: Fate) {
        let amount = self.amount_of(wish.key);
        let counter = self.counters.entry(wish.key).or_default();
        let settled = counter.settled;
        let mut answer = counter.lease(amount, wish.need, wish.wish);
        if let Lease::Granted(granted) = answer {
            *self.slices.entry((replica, wish.key)).or_default() += granted;
            if fate != Fate::Told {
                answer = Lease::Refused { settled };
                self.leaking.insert((replica, wish.key));
            }
        }
        self.replicas[replica].purse.answered(wish, amount, answer, self.at);
    }

    fn amount_of(&self, key: SliceKey) -> i64 {
        self.allowances.iter().find(|allowance| allowance.id == key.allowance_id).unwrap().amount
    }

    /// Whoever says `Exhausted` is right for ever: what has drained leaves too little. And a process that is alone
    /// and lost no answer refuses only what truly does not fit. An excess that the store has booked, but not told of
    /// yet, counts at both for that moment.
    fn check_refusal(&self, replica: usize, (refused, reason): (AllowanceId, Reason), worst: i64) {
        let which = self.allowances.iter().position(|allowance| allowance.id == refused).unwrap();
        let key = self.key(which);
        if reason == Reason::Exhausted {
            let (booked, amount) = (self.booked.get(&key).unwrap_or(&0), self.allowances[which].amount);
            assert!(
                booked + worst > amount,
                "exhausted for {worst} although only {booked} of {amount} are spent"
            );
        }
        if self.replicas.len() == 1 && !self.leaking.contains(&(replica, key)) {
            let untold = self.replicas[replica].journal.iter();
            let untold = untold.filter(|record| self.drained.contains(&record.id));
            let twice: i64 = untold.filter_map(|record| record.charge(key)).map(|charge| charge.excess).sum();
            let (used, amount) = (self.used(key), self.allowances[which].amount);
            assert!(used + twice + worst > amount, "refused {worst} although {used} of {amount} are used");
        }
    }

    /// The truth that nobody in the world sees whole: the cost of all that ended, the worst case of all that did not.
    fn used(&self, key: SliceKey) -> i64 {
        let in_journals = self.replicas.iter().flat_map(|replica| &replica.journal);
        let open = self.replicas.iter().flat_map(|replica| &replica.open).map(|call| &call.record);
        let rest = in_journals.filter(|record| !self.drained.contains(&record.id)).chain(open);
        let rest = rest.filter(|record| record.counted_in.contains(&key)).map(|record| record.cost);
        self.booked.get(&key).copied().unwrap_or(0) + rest.sum::<i64>()
    }

    pub(super) fn end(&mut self, replica: usize, which: usize, percent: i64) -> bool {
        let replica = &mut self.replicas[replica];
        if replica.open.is_empty() {
            return false;
        }
        let OpenCall { mut record, hold } = replica.open.swap_remove(which % replica.open.len());
        let cost = record.cost * percent / 100;
        for key in &record.counted_in {
            *self.excess.entry(*key).or_default() += (cost - record.cost).max(0);
        }
        record.cost = cost;
        record.charges = replica.purse.settle(hold, &Amounts::of_call(cost, 0, 0));
        replica.journal.push(record);
        true
    }

    /// Drains the oldest records, in an order of its own; the store books each once, however often it comes.
    fn drain(&mut self, replica: usize, count: usize, fate: Fate) -> bool {
        let count = count.min(self.replicas[replica].journal.len());
        let batch = self.replicas[replica].journal[..count].to_vec();
        if fate != Fate::NotDone {
            batch.iter().rev().for_each(|record| self.book(replica, record));
        }
        if fate == Fate::Told {
            let replica = &mut self.replicas[replica];
            replica.journal.drain(..count);
            batch.iter().for_each(|record| replica.purse.drained(&record.charges));
        }
        count > 0
    }

    fn book(&mut self, replica: usize, record: &Record) {
        if !self.drained.insert(record.id) {
            return;
        }
        for key in &record.counted_in {
            let slice = self.slices.entry((replica, *key)).or_default();
            let charged = record.charge(*key).map_or(0, |charge| charge.amount);
            assert!(charged <= *slice, "a charge of {charged} on a slice of {slice}");
            self.counters.entry(*key).or_default().drain(record.cost, charged, slice);
            *self.booked.entry(*key).or_default() += record.cost;
        }
    }

    /// The process dies; when it is back it charges every open call its hold, drains, and returns its slices.
    fn crash(&mut self, replica: usize) -> bool {
        let Replica { open, journal, .. } = std::mem::take(&mut self.replicas[replica]);
        let records = journal.into_iter().chain(open.into_iter().map(|call| call.record));
        records.for_each(|record| self.book(replica, &record));
        for ((_, key), slice) in self.slices.iter_mut().filter(|((owner, _), _)| *owner == replica) {
            let unused = *slice;
            self.counters.entry(*key).or_default().take_back(unused, slice);
        }
        self.leaking.retain(|(owner, _)| *owner != replica);
        true
    }

    fn give_back(&mut self, replica: usize, everything: bool, fate: Fate) -> bool {
        let returns = self.replicas[replica].purse.take_returns(self.at, everything);
        for returned in &returns {
            let slice = self.slices.entry((replica, returned.key)).or_default();
            match fate {
                Fate::NotDone if returned.amount % 2 == 0 => self.replicas[replica].purse.keep(returned),
                Fate::NotDone => drop(self.leaking.insert((replica, returned.key))),
                Fate::Told | Fate::DoneButLost => {
                    self.counters.entry(returned.key).or_default().take_back(returned.amount, slice);
                }
            }
        }
        !returns.is_empty()
    }

    fn set_amount(&mut self, which: usize, amount: i64) -> bool {
        self.check();
        let which = which % self.allowances.len();
        let changed = Allowance { amount, ..Allowance::clone(&self.allowances[which]) };
        self.highest[which] = self.highest[which].max(amount);
        self.allowances[which] = Arc::new(changed);
        true
    }

    pub(super) fn declare_lost(&mut self, replica: usize) {
        for ((_, key), slice) in self.slices.iter_mut().filter(|((owner, _), _)| *owner == replica) {
            let lost = self.counters.entry(*key).or_default().declare_lost(slice);
            *self.booked.entry(*key).or_default() += lost;
        }
        self.replicas[replica] = Replica::default();
        self.check();
    }

    fn check(&mut self) {
        for (key, counter) in &self.counters {
            let which = self.allowances.iter().position(|a| a.id == key.allowance_id).unwrap();
            let excess = self.excess.get(key).copied().unwrap_or(0);
            let sum = counter.settled + counter.leased;
            assert!(sum <= self.highest[which] + excess, "{counter:?} passes the amount");
            let before = self.before.insert(*key, sum).unwrap_or(0);
            let may_be = self.allowances[which].amount.max(before + excess);
            assert!(sum <= may_be, "{counter:?} grew beyond the present amount");
            let lent: i64 = self.slices.iter().filter(|((_, of), _)| of == key).map(|(_, slice)| slice).sum();
            assert_eq!(counter.leased, lent, "what is lent is the sum of the slices");
            assert_eq!(counter.settled, self.booked.get(key).copied().unwrap_or(0));
            assert!(self.used(*key) <= self.highest[which] + excess, "spent more than the amount");
        }
        for ((replica, key), slice) in &self.slices {
            self.check_slice(*replica, *key, *slice);
        }
    }

    /// What a replica may still charge is in the store's row of its slice; and no more, unless an answer was lost.
    fn check_slice(&self, replica: usize, key: SliceKey, slice: i64) {
        let state = &self.replicas[replica];
        let charges = |record: &Record| {
            let of_key = record.charge(key).map_or((0, 0), |charge| (charge.amount, charge.excess));
            if self.drained.contains(&record.id) { (0, of_key.1) } else { of_key }
        };
        let (undrained, owed) = state.journal.iter().map(charges).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
        let (held, free) = state.purse.held_and_free(key);
        let may_charge = held + free + owed + undrained;
        assert!(may_charge <= slice, "{may_charge} may be charged to a slice of {slice}");
        if !self.leaking.contains(&(replica, key)) {
            assert_eq!(may_charge, slice, "a part of a slice is locked");
        }
    }

    /// Everything ends, drains and is returned: nothing is held any more, and all is accounted for.
    pub(super) fn quiesce(&mut self) {
        for replica in 0..self.replicas.len() {
            while self.end(replica, 0, 100) {}
            self.drain(replica, usize::MAX, Fate::Told);
            self.give_back(replica, true, Fate::Told);
            self.check();
            if self.leaking.iter().any(|(owner, _)| *owner == replica) {
                self.crash(replica);
            }
        }
        self.check();
        assert!(self.counters.values().all(|counter| counter.leased == 0), "{:?}", self.counters);
        assert_eq!(self.drained.len() as u64, self.next_id, "every admitted call has exactly one record");
        (0..self.allowances.len()).for_each(|which| self.check_usable(which));
    }

    /// With nothing held any more, all that is not spent can be used, and no more; a refusal is for good.
    fn check_usable(&mut self, which: usize) {
        // Later than any moment so far, however the clock was set: no refusal is remembered.
        self.latest = self.latest.plus_micros(SECOND);
        self.at = self.latest;
        let counter = self.counters.get(&self.key(which)).copied().unwrap_or_default();
        let left = counter.left(self.allowances[which].amount);
        assert_eq!(self.ask(0, left + 1, 1 << which, Fate::Told), Err(Some(Reason::Exhausted)));
        assert_eq!(self.ask(0, left, 1 << which, Fate::Told), Ok(()));
    }
}
