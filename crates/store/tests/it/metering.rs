//! Draining, leasing and counting.

use domain::allowances::{Allowance, Lease, Level, Return, SliceKey, Unit};
use domain::audit::{AuditEntry, Verb};
use domain::members::User;
use domain::organizations::{NewOrganization, Organization};
use domain::page::{Order, PageRequest};
use domain::time::{HOUR, TimeZone, Timestamp, Window};
use store::Store;
use store::allowances::spending_of;
use store::metering::{
    RecordFilter, counters_of, drain, lease, list_records, return_all_of_replica, return_slice,
};
use store::verify::verify;

use crate::calls::{Dice, allow, call, charging, key, organization, project, replica, user, whole};
use crate::engines::{both_engines, noon};

#[test]
fn records_drained_twice_and_in_any_order_count_once() {
    let mut dice = Dice::new("records_drained_twice_and_in_any_order_count_once");
    let mut sent: Vec<_> = (0..60).map(|n| call(n, n % 4, noon().plus_seconds(n as i64 * 700))).collect();
    let cost: i64 = sent.iter().map(|settled| settled.record.settlement.cost.nano()).sum();
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
            let mut expected: Vec<_> = sent.into_iter().map(|settled| settled.record).collect();
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
                        if let Lease::Granted(more) =
                            lease(&store, replica(n), id, span, (3, 7)).await.unwrap()
                        {
                            granted += more;
                        }
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
            Lease::Granted(amount - granted + 5)
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
        assert_eq!(lease(&store, replica(1), allowance.id, span, (1, 4)).await.unwrap(), Lease::Granted(4));
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
        assert_eq!(lease(&store, replica(1), allowance.id, span, (1, 100)).await.unwrap(), Lease::Granted(3));
        assert_eq!(
            lease(&store, replica(2), allowance.id, span, (1, 1)).await.unwrap(),
            Lease::Refused { settled: 2 }
        );
        drain(&store, replica(1), &[call(3, 1, noon())]).await.unwrap();
        assert_eq!(counters_of(&store, &whole(), noon()).await.unwrap()[0].settled, 3);
    });
}

/// Sets the organization's time zone; makes the organization where it is not there.
async fn live_in(store: &Store, zone: &str) {
    let time_zone = TimeZone::named(zone).unwrap();
    let mut change = store.change(&whole(), noon()).await.unwrap();
    match store.organization(&whole()).await {
        Ok(organization) => {
            change.update_organization(&Organization { time_zone, ..organization }).await.unwrap();
        }
        Err(_) => {
            let (email, name) = ("lead@example.test".to_owned(), "Lead".to_owned());
            let admin = User { id: user(1), email, name, created_at: noon() };
            change.insert_user(&admin, "hash").await.unwrap();
            let new = NewOrganization { name: "Acme".to_owned(), time_zone };
            change.insert_organization(organization(), &new, user(1), "acme".to_owned()).await.unwrap();
        }
    }
    let _ = change.commit(AuditEntry::new(Verb::OrganizationUpdated, organization())).await.unwrap();
}

/// What `verify` finds, and what the allowance has spent in its present window.
async fn checked(store: &Store, allowance: &Allowance, zone: &str, at: Timestamp) -> i64 {
    let report = verify(store).await.unwrap();
    assert_eq!(report.differences, vec![], "after moving to {zone}");
    let (allowances, zone) = ([allowance.clone()], TimeZone::named(zone).unwrap());
    spending_of(store, &whole(), &allowances, &zone, at).await.unwrap()[&allowance.id].spent
}

#[test]
fn a_changed_time_zone_leaves_every_window_the_sum_of_its_records() {
    both_engines(|store| async move {
        live_in(&store, "UTC").await;
        let day = allow(&store, 1, Level::Organization, Unit::Requests, Window::Day, 100).await;
        let utc = Window::Day.span(noon(), &TimeZone::utc());
        assert_eq!(lease(&store, replica(1), day.id, utc, (1, 10)).await.unwrap(), Lease::Granted(10));
        let late = charging(call(2, 1, noon().plus_seconds(1)), &day, utc.start, 1);
        drain(&store, replica(1), &[charging(call(1, 1, noon()), &day, utc.start, 1)]).await.unwrap();
        // Half a day further: noon is tomorrow there. A call admitted before the move drains after it.
        live_in(&store, "Pacific/Kiritimati").await;
        drain(&store, replica(1), &[late]).await.unwrap();
        assert_eq!(checked(&store, &day, "Pacific/Kiritimati", noon()).await, 2);
        for n in 3..30 {
            drain(&store, replica(1), &[call(n, 1, noon().plus_seconds(n as i64 * 3_600))]).await.unwrap();
        }
        // One call an hour from 14:13 UTC on: the day ends after 9 of them in UTC, after 19 in Kiritimati.
        for (zone, spent) in [("UTC", 9), ("Pacific/Kiritimati", 19)] {
            assert_eq!(checked(&store, &day, zone, noon()).await, spent);
        }
        return_all_of_replica(&store, replica(1)).await.unwrap();
        checked(&store, &day, "UTC", noon()).await;
    });
}

#[test]
fn a_window_that_begins_the_same_in_another_zone_ends_as_that_zone_says() {
    both_engines(|store| async move {
        live_in(&store, "UTC").await;
        let month = allow(&store, 1, Level::Organization, Unit::Requests, Window::Month, 100).await;
        // In London March 2027 begins with UTC's, and ends an hour earlier, in summer time.
        let (utc, london) = (TimeZone::utc(), TimeZone::named("Europe/London").unwrap());
        let last_hour = Timestamp::from_unix_seconds(1_806_535_800);
        let (of_utc, april) = (Window::Month.span(last_hour, &utc), Window::Month.span(last_hour, &london));
        let march = Window::Month.span(of_utc.start, &london);
        assert_eq!((march.start, march.end), (of_utc.start, april.start));
        drain(&store, replica(1), &[call(1, 1, march.start), call(2, 1, last_hour)]).await.unwrap();
        live_in(&store, "Europe/London").await;
        assert_eq!(lease(&store, replica(1), month.id, march, (1, 100)).await.unwrap(), Lease::Granted(99));
        drain(&store, replica(1), &[call(3, 1, last_hour)]).await.unwrap();
        for (at, spent) in [(march.start, 1), (last_hour, 2)] {
            assert_eq!(checked(&store, &month, "Europe/London", at).await, spent);
        }
    });
}
