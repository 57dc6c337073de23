//! Draining, leasing and counting.

use domain::allowances::{Level, Return, SliceKey, Unit};
use domain::page::{Order, PageRequest};
use domain::time::{HOUR, TimeZone, Window};
use store::allowances::spending_of;
use store::metering::{
    RecordFilter, counters_of, drain, lease, list_records, return_all_of_replica, return_slice,
};

use crate::calls::{Dice, allow, call, charging, key, project, replica, whole};
use crate::engines::{both_engines, noon};

#[test]
fn records_drained_twice_and_in_any_order_count_once() {
    let mut dice = Dice::new("records_drained_twice_and_in_any_order_count_once");
    let mut sent: Vec<_> = (0..60).map(|n| call(n, n % 4, noon().plus_seconds(n as i64 * 700))).collect();
    let cost: i64 = sent.iter().map(|record| record.settlement.cost.nano()).sum();
    sent.extend(sent.clone());
    dice.shuffle(&mut sent);
    both_engines(|store| {
        let sent = sent.clone();
        async move {
            let all = allow(&store, 1, Level::Organization, Unit::NanoUsd, Window::Lifetime, 1 << 50).await;
            let one =
                allow(&store, 2, Level::Project(project(1)), Unit::Requests, Window::Lifetime, 1000).await;
            let mut new = 0;
            for batch in sent.chunks(17) {
                new += drain(&store, replica(1), batch).await.unwrap().new;
            }
            assert_eq!(new, 60);
            let counters = counters_of(&store, &whole(), noon()).await.unwrap();
            let settled = |id| counters.iter().find(|counter| counter.allowance_id == id).unwrap().settled;
            assert_eq!((settled(all.id), settled(one.id)), (cost, 30));
            let page = PageRequest::first(100, Order::Descending);
            let read = list_records(&store, &whole(), &RecordFilter::default(), &page).await.unwrap();
            let mut expected = sent.clone();
            expected.sort_by_key(|record| std::cmp::Reverse(record.call.id));
            expected.dedup();
            assert_eq!(read.items, expected);
            let filter = RecordFilter { end_user: Some("end user 1".into()), ..RecordFilter::default() };
            assert_eq!(list_records(&store, &whole(), &filter, &page).await.unwrap().items.len(), 20);
        }
    });
}

#[test]
fn leases_of_many_replicas_never_pass_the_amount() {
    both_engines(|store| async move {
        let amount = 1_000;
        let allowance = allow(&store, 1, Level::Organization, Unit::Requests, Window::Day, amount).await;
        let span = Window::Day.span(noon(), &TimeZone::utc());
        let tasks: Vec<_> = (0..8u128)
            .map(|n| {
                let (store, id) = (store.clone(), allowance.id);
                tokio::spawn(async move {
                    let mut granted = 0;
                    for _ in 0..25 {
                        granted += lease(&store, replica(n), id, span, (3, 7)).await.unwrap().unwrap_or(0);
                    }
                    granted
                })
            })
            .collect();
        let mut granted = 0;
        for task in tasks {
            granted += task.await.unwrap();
        }
        assert!((amount - 2..=amount).contains(&granted), "{granted}");
        let key = SliceKey { allowance_id: allowance.id, window_start: span.start };
        return_slice(&store, replica(0), Return { key, amount: 5 }).await.unwrap();
        assert_eq!(
            lease(&store, replica(9), allowance.id, span, (1, 100)).await.unwrap(),
            Some(amount - granted + 5)
        );
        for n in 0..8 {
            return_all_of_replica(&store, replica(n)).await.unwrap();
        }
        let leased = counters_of(&store, &whole(), noon()).await.unwrap()[0].leased;
        assert_eq!(leased, amount - granted + 5);
    });
}

#[test]
fn a_drained_charge_leaves_the_slice_and_never_more_than_it_has() {
    both_engines(|store| async move {
        let allowance = allow(&store, 1, Level::ApiKey(key(1)), Unit::Requests, Window::Hour, 10).await;
        let span = Window::Hour.span(noon(), &TimeZone::utc());
        assert_eq!(lease(&store, replica(1), allowance.id, span, (1, 4)).await.unwrap(), Some(4));
        let record = charging(call(1, 1, noon()), &allowance, span.start, 3);
        drain(&store, replica(1), &[record.clone(), record]).await.unwrap();
        let counter = counters_of(&store, &whole(), noon()).await.unwrap()[0];
        assert_eq!((counter.settled, counter.leased), (1, 1));
        let beyond = charging(call(2, 1, noon()), &allowance, span.start, 9);
        drain(&store, replica(1), &[beyond]).await.unwrap();
        let counter = counters_of(&store, &whole(), noon()).await.unwrap()[0];
        assert_eq!((counter.settled, counter.leased), (2, 0));
    });
}

#[test]
fn a_call_counts_in_the_window_in_which_it_was_admitted() {
    both_engines(|store| async move {
        let span = Window::Hour.span(noon(), &TimeZone::utc());
        let allowance = allow(&store, 1, Level::Organization, Unit::Requests, Window::Hour, 10).await;
        let records = [call(1, 1, span.start), call(2, 1, span.end.plus_micros(-1)), call(3, 1, span.end)];
        drain(&store, replica(1), &records).await.unwrap();
        for (at, expected) in [(span.start.plus_micros(-1), 0), (span.start, 2), (span.end, 1)] {
            let allowances = [allowance.clone()];
            let spent = spending_of(&store, &whole(), &allowances, &TimeZone::utc(), at).await.unwrap();
            assert_eq!(spent[&allowance.id].spent, expected);
        }
        assert_eq!(span.end.micros_since(span.start), HOUR);
    });
}

#[test]
fn an_allowance_made_in_the_middle_of_a_window_starts_from_its_records() {
    both_engines(|store| async move {
        drain(&store, replica(1), &[call(1, 1, noon()), call(2, 1, noon())]).await.unwrap();
        let allowance = allow(&store, 1, Level::Project(project(1)), Unit::Requests, Window::Month, 5).await;
        let span = Window::Month.span(noon(), &TimeZone::utc());
        assert_eq!(lease(&store, replica(1), allowance.id, span, (1, 100)).await.unwrap(), Some(3));
        assert_eq!(lease(&store, replica(2), allowance.id, span, (1, 1)).await.unwrap(), None);
        drain(&store, replica(1), &[call(3, 1, noon())]).await.unwrap();
        assert_eq!(counters_of(&store, &whole(), noon()).await.unwrap()[0].settled, 3);
    });
}
