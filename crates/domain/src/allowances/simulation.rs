//! Many replicas, one store, losses and repetitions at random: no hard amount is ever passed, and nothing is lost.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::ids::OrganizationId;
use crate::time::{HOUR, TimeZone};

const START: Timestamp = Timestamp::from_unix_seconds(1_790_000_000);

fn allowance(amount: i64, window: Window) -> Arc<Allowance> {
    Arc::new(Allowance {
        id: AllowanceId::from_parts(START, 1),
        organization_id: OrganizationId::from_parts(START, 1),
        scope: Scope { level: Level::Organization, model: None },
        unit: Unit::NanoUsd,
        window,
        amount,
        enforcement: Enforcement::Hard,
        created_at: START,
    })
}

#[derive(Clone, Debug)]
struct Record {
    id: u64,
    cost: i64,
    charges: Vec<Charge>,
}

struct OpenCall {
    id: u64,
    worst: i64,
    hold: Hold,
    recovery: Vec<Charge>,
}

#[derive(Default)]
struct Replica {
    purse: Purse,
    open: Vec<OpenCall>,
    journal: Vec<Record>,
}

struct World {
    allowance: Arc<Allowance>,
    counters: HashMap<SliceKey, Counter>,
    slices: BTreeMap<(usize, SliceKey), i64>,
    replicas: Vec<Replica>,
    drained: HashSet<u64>,
    settled: HashMap<SliceKey, i64>,
    next_id: u64,
    at: Timestamp,
}

#[derive(Clone, Debug)]
enum Step {
    Call { replica: usize, worst: i64, store_is_away: bool },
    End { replica: usize, which: usize, percent: i64 },
    Drain { replica: usize, twice: bool },
    Crash { replica: usize },
    Return { replica: usize },
    Wait { micros: i64 },
}

impl World {
    fn new(amount: i64, window: Window, replicas: usize) -> Self {
        Self {
            allowance: allowance(amount, window),
            counters: HashMap::new(),
            slices: BTreeMap::new(),
            replicas: (0..replicas).map(|_| Replica::default()).collect(),
            drained: HashSet::new(),
            settled: HashMap::new(),
            next_id: 0,
            at: START,
        }
    }

    fn share(&self) -> Share {
        Share { replicas: self.replicas.len() as i64, rank: 0, is_lone: self.replicas.len() == 1 }
    }

    fn call(&mut self, replica: usize, worst: i64, store_is_away: bool) -> bool {
        for _ in 0..2 {
            let amounts = Amounts::of_call(worst, 0, 0);
            let applicable = [Arc::clone(&self.allowance)];
            let share = self.share();
            let purse = &mut self.replicas[replica].purse;
            match purse.hold(&applicable, &amounts, self.at, &TimeZone::utc(), share) {
                Ok(hold) => {
                    let recovery = hold.charges();
                    let call = OpenCall { id: self.next_id, worst, hold, recovery };
                    self.replicas[replica].open.push(call);
                    self.next_id += 1;
                    return true;
                }
                Err(Denial::NeedSlice(wishes)) if !store_is_away => {
                    for wish in wishes {
                        let counter = self.counters.entry(wish.key).or_default();
                        match counter.lease(self.allowance.amount, wish.need, wish.wish) {
                            Some(granted) => {
                                *self.slices.entry((replica, wish.key)).or_default() += granted;
                                self.replicas[replica].purse.granted(&wish, granted, self.at);
                            }
                            None => {
                                let amount = self.allowance.amount;
                                self.replicas[replica].purse.refused(&wish, amount, self.at);
                                return false;
                            }
                        }
                    }
                }
                Err(_) => return false,
            }
        }
        panic!("a lease that was granted did not suffice");
    }

    fn end(&mut self, replica: usize, which: usize, percent: i64) {
        let replica = &mut self.replicas[replica];
        if replica.open.is_empty() {
            return;
        }
        let call = replica.open.swap_remove(which % replica.open.len());
        let cost = call.worst * percent / 100;
        let charges = replica.purse.settle(call.hold, &Amounts::of_call(cost, 0, 0));
        replica.journal.push(Record { id: call.id, cost, charges });
    }

    fn drain(&mut self, replica: usize, twice: bool) {
        for round in 0..=usize::from(twice) {
            for record in self.replicas[replica].journal.clone().into_iter().rev() {
                if !self.drained.insert(record.id) {
                    continue;
                }
                assert_eq!(round, 0, "a repeated drain books nothing");
                for charge in &record.charges {
                    let key =
                        SliceKey { allowance_id: charge.allowance_id, window_start: charge.window_start };
                    let slice = self.slices.entry((replica, key)).or_default();
                    self.counters.entry(key).or_default().drain(record.cost, charge.amount, slice);
                    *self.settled.entry(key).or_default() += record.cost;
                }
            }
        }
        let replica = &mut self.replicas[replica];
        for record in std::mem::take(&mut replica.journal) {
            replica.purse.drained(&record.charges);
        }
    }

    /// The process dies; when it is back it charges every open call its hold, drains, and returns its slices.
    fn crash(&mut self, replica: usize) {
        let state = &mut self.replicas[replica];
        state.purse = Purse::default();
        for call in state.open.drain(..) {
            state.journal.push(Record { id: call.id, cost: call.worst, charges: call.recovery });
        }
        self.drain(replica, true);
        for ((_, key), slice) in self.slices.iter_mut().filter(|((owner, _), _)| *owner == replica) {
            let unused = *slice;
            self.counters.entry(*key).or_default().take_back(unused, slice);
        }
    }

    fn give_back(&mut self, replica: usize, everything: bool) {
        for returned in self.replicas[replica].purse.take_returns(self.at, everything) {
            let slice = self.slices.entry((replica, returned.key)).or_default();
            self.counters.entry(returned.key).or_default().take_back(returned.amount, slice);
        }
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::Call { replica, worst, store_is_away } => drop(self.call(replica, worst, store_is_away)),
            Step::End { replica, which, percent } => self.end(replica, which, percent),
            Step::Drain { replica, twice } => self.drain(replica, twice),
            Step::Crash { replica } => self.crash(replica),
            Step::Return { replica } => self.give_back(replica, false),
            Step::Wait { micros } => self.at = self.at.plus_micros(micros),
        }
        self.check();
    }

    fn check(&self) {
        for (key, counter) in &self.counters {
            assert!(
                counter.settled + counter.leased <= self.allowance.amount,
                "{counter:?} passes the amount"
            );
            let lent: i64 = self.slices.iter().filter(|((_, of), _)| of == key).map(|(_, slice)| slice).sum();
            assert_eq!(counter.leased, lent, "what is lent is the sum of the slices");
            assert_eq!(counter.settled, self.settled.get(key).copied().unwrap_or(0));
        }
    }

    /// Everything ends, drains and is returned: nothing is held any more, and all is accounted for.
    fn quiesce(&mut self) {
        for replica in 0..self.replicas.len() {
            while !self.replicas[replica].open.is_empty() {
                self.end(replica, 0, 100);
            }
            self.drain(replica, false);
            self.give_back(replica, true);
        }
        self.check();
        assert!(self.counters.values().all(|counter| counter.leased == 0), "{:?}", self.counters);
        assert_eq!(self.drained.len() as u64, self.next_id, "every admitted call has exactly one record");
    }
}

fn steps(replicas: usize) -> impl Strategy<Value = Vec<Step>> {
    let replica = 0..replicas;
    let step = prop_oneof![
        8 => (replica.clone(), 0..400i64, prop::bool::weighted(0.1))
            .prop_map(|(replica, worst, store_is_away)| Step::Call { replica, worst, store_is_away }),
        6 => (replica.clone(), any::<usize>(), 0..=100i64)
            .prop_map(|(replica, which, percent)| Step::End { replica, which, percent }),
        3 => (replica.clone(), any::<bool>()).prop_map(|(replica, twice)| Step::Drain { replica, twice }),
        1 => replica.clone().prop_map(|replica| Step::Crash { replica }),
        1 => replica.prop_map(|replica| Step::Return { replica }),
        2 => (0..HOUR / 4).prop_map(|micros| Step::Wait { micros }),
    ];
    prop::collection::vec(step, 1..200)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(feature = "full") { 100_000 } else { 400 }, ..ProptestConfig::default() })]

    #[test]
    fn no_amount_is_passed_and_nothing_is_lost(
        replicas in 1..5usize,
        amount in 0..5_000i64,
        hourly in any::<bool>(),
        steps in steps(4),
    ) {
        let window = if hourly { Window::Hour } else { Window::Lifetime };
        let mut world = World::new(amount, window, 4.max(replicas));
        steps.iter().for_each(|step| world.run(step));
        world.quiesce();
    }

    #[test]
    fn one_replica_admits_exactly_what_fits(calls in 1..300i64, cost in 1..1_000i64, spare in 0..1_000i64) {
        let mut world = World::new(calls * cost + spare % cost, Window::Month, 1);
        let admitted = (0..calls * 2).filter(|_| world.call(0, cost, false)).count();
        prop_assert_eq!(admitted as i64, calls);
        world.quiesce();
    }

    #[test]
    fn what_a_call_did_not_use_can_be_used_by_the_next(cost in 1..1_000i64, calls in 1..50i64) {
        let mut world = World::new(cost, Window::Month, 1);
        for _ in 0..calls {
            prop_assert!(world.call(0, cost, false));
            prop_assert!(!world.call(0, 1, false));
            world.end(0, 0, 0);
            world.at = world.at.plus_seconds(1);
        }
        world.quiesce();
    }
}

#[test]
fn a_provider_that_passes_its_bound_is_charged_and_shown() {
    let mut world = World::new(100, Window::Month, 1);
    assert!(world.call(0, 100, false));
    let call = world.replicas[0].open.pop().unwrap();
    let charges = world.replicas[0].purse.settle(call.hold, &Amounts::of_call(130, 0, 0));
    assert_eq!(charges[0].amount, 130);
    world.replicas[0].journal.push(Record { id: call.id, cost: 130, charges });
    world.drain(0, false);
    let counter = world.counters.values().next().unwrap();
    assert_eq!((counter.settled, counter.leased), (130, 0));
    assert!(!world.call(0, 1, false));
}

#[test]
fn minutes_and_calls_in_flight_are_shared_out_whole() {
    for replicas in 1..5 {
        let shares: i64 = (0..replicas).map(|rank| Share { replicas, rank, is_lone: false }.of(10)).sum();
        assert_eq!(shares, 10);
    }
    let minute =
        Arc::new(Allowance { unit: Unit::Requests, ..Allowance::clone(&allowance(2, Window::Minute)) });
    let open = Arc::new(Allowance {
        unit: Unit::InFlight,
        id: AllowanceId::from_parts(START, 2),
        ..Allowance::clone(&allowance(1, Window::None))
    });
    let mut purse = Purse::default();
    let mut hold = |at: Timestamp| {
        purse.hold(
            &[Arc::clone(&minute), Arc::clone(&open)],
            &Amounts::of_call(1, 1, 1),
            at,
            &TimeZone::utc(),
            Share::LONE,
        )
    };
    let first = hold(START).unwrap();
    assert!(matches!(hold(START), Err(Denial::Refused { reason: Reason::Throttled, resets_at: None, .. })));
    purse.settle(first, &Amounts::of_call(1, 1, 1));
    let mut hold = |at: Timestamp| {
        purse.hold(&[Arc::clone(&minute)], &Amounts::of_call(1, 1, 1), at, &TimeZone::utc(), Share::LONE)
    };
    let _second = hold(START).unwrap();
    assert!(matches!(hold(START), Err(Denial::Refused { resets_at: Some(_), .. })));
    assert!(hold(START.plus_seconds(60)).is_ok(), "the next minute is fresh");
}
