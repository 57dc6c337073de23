//! Trials of the allowances: random histories, all short histories, and the cases that are worth a name.

use std::sync::Arc;

use proptest::prelude::*;

use super::simulation::{Fate, START, Step, World, allowance};
use super::*;
use crate::time::{HOUR, MINUTE, SECOND, TimeZone};

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![8 => Just(Fate::Told), 1 => Just(Fate::DoneButLost), 1 => Just(Fate::NotDone)]
}

fn percent() -> impl Strategy<Value = i64> {
    prop_oneof![2 => Just(100i64), 6 => 0..=100i64, 1 => 101..300i64]
}

fn steps(replicas: usize) -> impl Strategy<Value = Vec<Step>> {
    let replica = 0..replicas;
    let step = prop_oneof![
        10 => (replica.clone(), 0..400i64, 1..8u8, fate())
            .prop_map(|(replica, worst, applies, lease)| Step::Call { replica, worst, applies, lease }),
        7 => (replica.clone(), any::<usize>(), percent())
            .prop_map(|(replica, which, percent)| Step::End { replica, which, percent }),
        4 => (replica.clone(), 1..6usize, fate())
            .prop_map(|(replica, count, fate)| Step::Drain { replica, count, fate }),
        1 => replica.clone().prop_map(|replica| Step::Crash { replica }),
        2 => (replica, any::<bool>(), fate())
            .prop_map(|(replica, everything, fate)| Step::Return { replica, everything, fate }),
        1 => (0..3usize, 0..5_000i64).prop_map(|(which, amount)| Step::SetAmount { which, amount }),
        2 => prop_oneof![0..SECOND, 0..HOUR / 4, -HOUR / 8..0].prop_map(|micros| Step::Wait { micros }),
    ];
    prop::collection::vec(step, 1..150)
}

fn three(amounts: [i64; 3]) -> Vec<Allowance> {
    let windows = [Window::Hour, Window::Month, Window::Lifetime];
    (0..3).map(|n| allowance(n as u128, amounts[n], windows[n])).collect()
}

fn is_full() -> bool {
    std::env::var_os("BAILIWICK_TEST_FULL").is_some()
}

fn cases(few: u32, full_size: u32) -> ProptestConfig {
    let cases = if is_full() { full_size } else { few };
    ProptestConfig { cases, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(300, 100_000))]

    #[test]
    fn no_amount_is_passed_by_many_replicas_and_nothing_is_lost(
        amounts in prop::array::uniform3(0..5_000i64),
        steps in (2..5usize).prop_flat_map(|replicas| (Just(replicas), steps(replicas))),
    ) {
        let (replicas, steps) = steps;
        let mut world = World::new(three(amounts), replicas);
        world.run_all(&steps);
        world.quiesce();
    }

    #[test]
    fn one_replica_refuses_only_what_does_not_fit(
        amounts in prop::array::uniform3(0..5_000i64),
        steps in steps(1),
    ) {
        let mut world = World::new(three(amounts), 1);
        world.run_all(&steps);
        world.quiesce();
    }

    #[test]
    fn one_replica_admits_exactly_what_fits(calls in 1..100i64, cost in 1..1_000i64, spare in 0..1_000i64) {
        let mut world = World::one(calls * cost + spare % cost, Window::Month, 1);
        let admitted = (0..calls * 2).filter(|_| world.call(0, cost, 1, Fate::Told)).count();
        prop_assert_eq!(admitted as i64, calls);
        world.quiesce();
    }

    #[test]
    fn many_replicas_admit_nearly_all_and_never_more(replicas in 2..5usize, cost in 1..1_000i64) {
        let mut world = World::one(100 * cost, Window::Month, replicas);
        let admitted = (0..250).filter(|n| world.call(n % replicas, cost, 1, Fate::Told)).count();
        prop_assert!((99..=100).contains(&admitted), "{}", admitted);
        world.quiesce();
    }

    #[test]
    fn a_crowd_that_tries_again_while_others_hold_is_admitted_until_nothing_fits(
        hundredth in 1..10i64,
        percent in 1..=100i64,
        amount in 0..20_000i64,
        ends in prop::collection::vec(any::<usize>(), 1..50),
    ) {
        let (worst, cost) = (hundredth * 100, hundredth * percent);
        let (mut world, mut ends, mut admitted) = (World::one(amount, Window::Month, 1), ends.iter().cycle(), 0);
        loop {
            match world.ask(0, worst, 1, Fate::Told) {
                Ok(()) => admitted += 1,
                Err(Some(Reason::Exhausted)) => break,
                Err(_) => {
                    world.end(0, *ends.next().unwrap(), percent);
                    world.run(Step::Drain { replica: 0, count: 1, fate: Fate::Told });
                    world.run(Step::Wait { micros: SECOND });
                }
            }
        }
        prop_assert_eq!(admitted, if worst > amount { 0 } else { (amount - worst) / cost + 1 });
        world.quiesce();
    }

    #[test]
    fn what_a_call_did_not_use_can_be_used_by_the_next(cost in 1..1_000i64, calls in 1..50i64) {
        let mut world = World::one(cost, Window::Month, 1);
        for _ in 0..calls {
            prop_assert!(world.call(0, cost, 1, Fate::Told));
            prop_assert!(!world.call(0, 1, 1, Fate::Told));
            world.end(0, 0, 0);
        }
        world.quiesce();
    }
}

/// Every step that two replicas can take around one small allowance.
fn alphabet() -> Vec<Step> {
    let (told, lost) = (Fate::Told, Fate::DoneButLost);
    let of_one = |replica| {
        [
            Step::Call { replica, worst: 1, applies: 1, lease: told },
            Step::Call { replica, worst: 2, applies: 1, lease: told },
            Step::Call { replica, worst: 1, applies: 1, lease: lost },
            Step::End { replica, which: 0, percent: 100 },
            Step::End { replica, which: 0, percent: 0 },
            Step::End { replica, which: 0, percent: 200 },
            Step::Drain { replica, count: 1, fate: told },
            Step::Drain { replica, count: 9, fate: lost },
            Step::Return { replica, everything: true, fate: told },
            Step::Crash { replica },
        ]
    };
    let shared = [Step::SetAmount { which: 0, amount: 2 }, Step::Wait { micros: HOUR }];
    (0..2).flat_map(of_one).chain(shared).collect()
}

/// Runs every history of at most `depth` steps that begin with `history`, each to its quiet end.
fn explore(history: &mut Vec<Step>, alphabet: &[Step], depth: usize) -> usize {
    let mut world = World::one(3, Window::Hour, 2);
    let did = history.iter().fold(true, |_, step| world.run(*step));
    if !did {
        return 0;
    }
    world.quiesce();
    let mut histories = 1;
    for step in alphabet.iter().filter(|_| depth > 0) {
        history.push(*step);
        histories += explore(history, alphabet, depth - 1);
        history.pop();
    }
    histories
}

#[test]
fn no_short_history_of_two_replicas_breaks_a_rule() {
    let depth = if is_full() { 6 } else { 4 };
    let alphabet = alphabet();
    // The first step is a call of the first replica: nothing else does anything, and the two are alike.
    let firsts = &alphabet[..3];
    let histories: usize = firsts.iter().map(|first| explore(&mut vec![*first], &alphabet, depth - 1)).sum();
    assert!(histories > 3_000, "{histories}");
}

#[test]
fn a_provider_that_passes_its_bound_is_charged_shown_and_held_against_what_is_left() {
    let mut world = World::one(200, Window::Month, 1);
    assert!(world.call(0, 100, 1, Fate::Told));
    world.end(0, 0, 130);
    assert!(!world.call(0, 71, 1, Fate::Told), "before it has drained");
    assert!(world.call(0, 20, 1, Fate::Told));
    world.run(Step::Drain { replica: 0, count: 1, fate: Fate::Told });
    assert!(!world.call(0, 51, 1, Fate::Told), "and after");
    assert!(world.call(0, 50, 1, Fate::Told));
    world.quiesce();
    assert_eq!(world.counters.values().next().unwrap().settled, 200);
}

#[test]
fn an_amount_of_nothing_stops_a_replica_that_still_has_a_slice() {
    let mut world = World::one(100, Window::Lifetime, 1);
    assert!(world.call(0, 1, 1, Fate::Told) && world.call(0, 1, 1, Fate::NotDone));
    world.run(Step::SetAmount { which: 0, amount: 0 });
    assert!(!world.call(0, 1, 1, Fate::Told));
    world.run(Step::Return { replica: 0, everything: false, fate: Fate::Told });
    assert_eq!(world.counters.values().next().unwrap().leased, 2, "only what is held stays out");
    world.quiesce();
}

#[test]
fn a_replica_that_is_cut_off_spends_its_slice_and_no_more() {
    let mut world = World::one(10_000, Window::Lifetime, 2);
    assert!(world.call(0, 10, 1, Fate::Told));
    let slice = world.counters.values().next().unwrap().leased;
    let admitted = (0..100).filter(|_| world.call(0, 10, 1, Fate::NotDone)).count() as i64;
    assert_eq!((admitted + 1) * 10, slice / 10 * 10);
    world.declare_lost(0);
    let counter = world.counters.values().next().unwrap();
    assert_eq!((counter.settled, counter.leased), (slice, 0));
}

fn request(
    purse: &mut Purse,
    allowances: &[Arc<Allowance>],
    at: Timestamp,
    share: Share,
) -> Result<Hold, Denial> {
    purse.hold(allowances, &Amounts::of_call(1, 1, 1), at, &TimeZone::utc(), share)
}

fn requests(amount: i64, window: Window) -> Arc<Allowance> {
    let unit = if window == Window::None { Unit::InFlight } else { Unit::Requests };
    Arc::new(Allowance { unit, ..allowance(window as u128, amount, window) })
}

#[test]
fn a_failed_hold_gives_back_what_it_took() {
    let both = [requests(2, Window::Minute), requests(1, Window::None)];
    let mut purse = Purse::default();
    let first = request(&mut purse, &both, START, Share::LONE).unwrap();
    for _ in 0..5 {
        let denial = request(&mut purse, &both, START, Share::LONE).unwrap_err();
        assert!(matches!(denial, Denial::Refused { reason: Reason::Throttled, resets_at: None, .. }));
    }
    assert!(purse.settle(first, &Amounts::of_call(1, 1, 1)).is_empty());
    let _second = request(&mut purse, &both, START, Share::LONE).unwrap();
    let minute_is_full = request(&mut purse, &both[..1], START, Share::LONE).unwrap_err();
    assert!(matches!(minute_is_full, Denial::Refused { resets_at: Some(_), .. }));
    assert!(request(&mut purse, &both[..1], START.plus_micros(MINUTE), Share::LONE).is_ok());
}

#[test]
fn a_straggler_of_the_last_minute_does_not_empty_this_one() {
    let minute = [requests(2, Window::Minute)];
    let (mut purse, boundary) = (Purse::default(), Window::Minute.span(START, &TimeZone::utc()).end);
    let mut ask = |at| request(&mut purse, &minute, at, Share::LONE).is_ok();
    assert!(ask(boundary) && ask(boundary.plus_micros(-1)) && ask(boundary) && !ask(boundary));
}

#[test]
fn shares_of_all_replicas_are_the_amount() {
    for replicas in 1..6 {
        let minute = [requests(10, Window::Minute)];
        let admitted = |rank| {
            let (mut purse, share) = (Purse::default(), Share { replicas, rank, is_lone: false });
            (0..20).filter(|_| request(&mut purse, &minute, START, share).is_ok()).count()
        };
        assert_eq!((0..replicas).map(admitted).sum::<usize>(), 10);
    }
}

#[test]
fn soft_allowances_and_amounts_of_zero_never_refuse() {
    let soft = |window| {
        Arc::new(Allowance { enforcement: Enforcement::Soft, ..Allowance::clone(&requests(0, window)) })
    };
    let images = Arc::new(Allowance { unit: Unit::Images, ..allowance(9, 0, Window::Month) });
    let all = [soft(Window::Minute), soft(Window::None), soft(Window::Month), images];
    let mut purse = Purse::default();
    for _ in 0..3 {
        let hold = request(&mut purse, &all, START, Share::LONE).unwrap();
        assert!(hold.charges().is_empty());
        assert!(purse.settle(hold, &Amounts::of_call(1, 1, 1)).is_empty());
    }
}

#[test]
fn a_clock_that_is_set_back_does_not_prolong_a_refusal() {
    let month = [requests(5, Window::Month)];
    let mut purse = Purse::default();
    let Err(Denial::NeedSlice(wishes)) = request(&mut purse, &month, START, Share::LONE) else { panic!() };
    purse.answered(&wishes[0], 5, Lease::Refused { settled: 0 }, START);
    let at = |micros| START.plus_micros(micros);
    assert!(matches!(request(&mut purse, &month, at(-9), Share::LONE), Err(Denial::Refused { .. })));
    assert!(matches!(request(&mut purse, &month, at(0), Share::LONE), Err(Denial::Refused { .. })));
    for later in [-HOUR, SECOND] {
        let again = request(&mut purse, &month, at(later), Share::LONE);
        assert!(matches!(again, Err(Denial::NeedSlice(_))));
    }
}

#[test]
fn what_is_over_is_forgotten() {
    let all = [requests(9, Window::Minute), requests(9, Window::None), requests(9, Window::Lifetime)];
    let mut purse = Purse::default();
    for n in 0..100 {
        let at = START.plus_micros(n * MINUTE);
        if let Err(Denial::NeedSlice(wishes)) = request(&mut purse, &all, at, Share::LONE) {
            wishes.iter().for_each(|wish| purse.answered(wish, 9, Lease::Granted(wish.need), at));
        }
        let Ok(hold) = request(&mut purse, &all, at, Share::LONE) else { break };
        let charges = purse.settle(hold, &Amounts::of_call(1, 1, 1));
        purse.drained(&charges);
    }
    purse.take_returns(START.plus_micros(200 * MINUTE), false);
    assert!(!format!("{purse:?}").contains(AllowanceId::PREFIX), "{purse:?}");
}

#[test]
fn scopes_tell_calls_apart_and_keep_their_words() {
    let subject = Subject {
        environment: Environment::Staging,
        project_id: ProjectId::from_parts(START, 1),
        key_id: KeyId::from_parts(START, 2),
        user_id: Some(UserId::from_parts(START, 3)),
        service_account_id: None,
        model: "small",
    };
    let levels = [
        (Level::Organization, true),
        (Level::Environment(Environment::Staging), true),
        (Level::Environment(Environment::Production), false),
        (Level::Project(subject.project_id), true),
        (Level::Project(ProjectId::from_parts(START, 9)), false),
        (Level::ApiKey(subject.key_id), true),
        (Level::User(UserId::from_parts(START, 3)), true),
        (Level::User(UserId::from_parts(START, 4)), false),
        (Level::ServiceAccount(ServiceAccountId::from_parts(START, 3)), false),
    ];
    for (level, matches) in levels {
        let (kind, id) = level.words();
        assert_eq!(Level::parse(kind, &id).unwrap(), level);
        for (model, is_same) in [(None, true), (Some("small"), true), (Some("smal"), false)] {
            let scope = Scope { level, model: model.map(str::to_owned) };
            assert_eq!(scope.matches(&subject), matches && is_same, "{scope:?}");
        }
    }
    assert!(Level::parse("team", "").is_err() && Level::parse("project", "key_1").is_err());
}

#[test]
fn only_calls_in_flight_have_no_window_and_no_amount_is_below_zero() {
    assert!(check(Unit::InFlight, Window::None, 5).is_ok() && check(Unit::NanoUsd, Window::Month, 0).is_ok());
    assert!(check(Unit::InFlight, Window::Minute, 5).is_err());
    assert!(check(Unit::Requests, Window::None, 5).is_err());
    assert!(check(Unit::Requests, Window::Day, -1).is_err());
    assert!(check(Unit::NanoUsd, Window::Day, i64::MAX).is_err());
    assert!(Unit::ALL.iter().enumerate().all(|(n, unit)| *unit as usize == n));
}
