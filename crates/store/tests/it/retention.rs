//! Retention: purged records leave sums and an anchor behind, with which the books close as before; and what is changed
//! afterwards is found as before.

use domain::access::{Grant, Task};
use domain::allowances::{Level, Unit};
use domain::audit::{AuditEntry, Verb};
use domain::time::{DAY, Timestamp, Window};
use store::Store;
use store::metering::drain;
use store::usage::{Dimension, UsageQuery, UsageSum, usage};
use store::verify::{Report, verify};

use crate::calls::{Dice, allow, call, organization, replica};
use crate::engines::{both_engines, both_engines_at, noon, tamper};

fn task() -> Grant {
    Grant::system(Task::Retention, Some(organization()))
}

async fn purge_usage(store: &Store, before: Timestamp, limit: i64) -> i64 {
    let mut change = store.change(&task(), noon()).await.unwrap();
    let Some((count, entry)) = change.purge_usage(&task(), before, limit).await.unwrap() else { return 0 };
    let _ = change.commit(entry).await.unwrap();
    count
}

async fn purge_audit(store: &Store, before: Timestamp, limit: i64) -> i64 {
    let mut change = store.change(&task(), noon()).await.unwrap();
    let Some((count, entry)) = change.purge_audit(&task(), before, limit).await.unwrap() else { return 0 };
    let _ = change.commit(entry).await.unwrap();
    count
}

/// An audit record of a day.
async fn note(store: &Store, at: Timestamp) {
    let change = store.change(&task(), at).await.unwrap();
    let _ = change.commit(AuditEntry::new(Verb::OrganizationUpdated, "x")).await.unwrap();
}

fn day(n: i64) -> Timestamp {
    noon().plus_micros(n * DAY)
}

async fn by_day(store: &Store) -> Vec<UsageSum> {
    let query = UsageQuery {
        from: day(-100),
        until: day(100),
        bucket_micros: Some(DAY),
        group_by: vec![Dimension::Project, Dimension::ApiKey, Dimension::Model],
        ..UsageQuery::default()
    };
    usage(store, &task(), &query).await.unwrap()
}

async fn whole(store: &Store) -> Report {
    let report = verify(store).await.unwrap();
    assert_eq!((report.difference_count, &report.differences), (0, &vec![]));
    report
}

#[test]
fn purges_at_random_moments_leave_no_difference_and_every_sum_as_it_was() {
    let dice = Dice::new("purges");
    both_engines(|store| {
        let mut dice = dice.clone();
        async move {
            allow(&store, 1, Level::Organization, Unit::NanoUsd, Window::Month, 1 << 50).await;
            allow(&store, 2, Level::Organization, Unit::OutputTokens, Window::Day, 1 << 50).await;
            let (mut n, mut purged, mut cut) = (0, 0, 0);
            for round in 0..12 {
                let mut calls = Vec::new();
                for _ in 0..=dice.below(30) {
                    n += 1;
                    let seconds = i64::try_from(dice.below(60 * 86_400)).unwrap();
                    calls.push(call(n, n % 4, noon().plus_seconds(seconds)));
                }
                drain(&store, replica(1), &calls).await.unwrap();
                note(&store, day(round)).await;
                let before = by_day(&store).await;
                let moment = noon().plus_seconds(i64::try_from(dice.below(60 * 86_400)).unwrap());
                let limit = 1 + i64::try_from(dice.below(40)).unwrap();
                purged += purge_usage(&store, moment, limit).await;
                if dice.below(3) == 0 {
                    cut += purge_audit(&store, day(round), 1 + i64::try_from(dice.below(4)).unwrap()).await;
                }
                assert_eq!(by_day(&store).await, before);
                let report = whole(&store).await;
                assert_eq!(report.sealed_records, purged.unsigned_abs());
                assert_eq!(u128::from(report.records) + purged.unsigned_abs() as u128, n);
                assert!(report.counters > 1 && cut >= 0);
            }
            assert!(purged > 0);
            while purge_usage(&store, day(100), 50).await > 0 {}
            assert_eq!(whole(&store).await.records, 0);
        }
    });
}

#[test]
fn the_trail_goes_on_from_its_anchor_and_keeps_what_is_behind_a_younger_record() {
    both_engines(|store| async move {
        for at in [0, 1, 5, 2, 6] {
            note(&store, day(at)).await;
        }
        assert_eq!(purge_audit(&store, day(-1), 100).await, 0);
        assert_eq!(purge_audit(&store, day(3), 1).await, 1);
        whole(&store).await;
        assert_eq!(purge_audit(&store, day(3), 100).await, 1, "the third is younger");
        assert_eq!(purge_audit(&store, day(3), 100).await, 0);
        assert_eq!(whole(&store).await.audit_records, 5);
        assert_eq!(purge_audit(&store, day(50), 100).await, 5, "all of it, the purges too");
        assert_eq!(whole(&store).await.audit_records, 1);
        note(&store, day(60)).await;
        assert_eq!(whole(&store).await.audit_records, 2);
    });
}

async fn purged(store: &Store) {
    allow(store, 1, Level::Organization, Unit::NanoUsd, Window::Month, 1 << 50).await;
    let calls: Vec<_> = (0..40).map(|n| call(n, n % 3, noon().plus_seconds(n as i64 * 400))).collect();
    drain(store, replica(1), &calls).await.unwrap();
    assert_eq!(purge_usage(store, noon().plus_seconds(25 * 400), 100).await, 25);
    for at in 0..4 {
        note(store, day(at)).await;
    }
    // The record of the purge of usage goes with it.
    assert_eq!(purge_audit(store, day(2), 3).await, 3);
    whole(store).await;
}

#[test]
fn what_is_changed_after_a_purge_is_found() {
    let all = "cost = cost - 1 where bucket_start = (select min(bucket_start) from";
    let kinds: [(&str, &[&str]); 14] = [
        ("sum_of_organization", &["update rollups set cost = cost - 1"]),
        ("sum_of_rollup", &["update purged_usage set output = output + 1"]),
        ("sum_of_rollup", &["update purged_usage set bucket_start = bucket_start + 900000000000"]),
        ("sum_of_project", &["update purged_usage set project_id = 'proj_00000000000000000000000000'"]),
        ("sum_of_key", &["update purged_usage set key_id = 'key_00000000000000000000000000'"]),
        ("record_count", &["delete from purged_usage"]),
        ("record_count", &["delete from usage_records where id = (select max(id) from usage_records)"]),
        ("allowance_settled", &["update allowance_counters set settled = settled - 1"]),
        ("sealed_usage", &["rollups", "purged_usage"]),
        ("audit_chain", &["delete from audit_anchors"]),
        ("audit_chain", &["update audit_anchors set sequence = sequence - 1"]),
        (
            "audit_chain",
            &["delete from audit_records where sequence = (select min(sequence) from audit_records)"],
        ),
        ("audit_chain", &["update audit_records set target_id = 'y' where sequence = 5"]),
        ("audit_anchor", &["cut"]),
    ];
    for (rule, statements) in kinds {
        both_engines_at(|store, url| async move {
            purged(&store).await;
            for statement in statements {
                let sql = match *statement {
                    // Sums and what is sealed, alike.
                    table @ ("rollups" | "purged_usage") => format!("update {table} set {all} {table})"),
                    // The trail cut further than the purge did.
                    "cut" => "update audit_anchors set sequence = 4, hash = (select hash from audit_records \
                              where audit_records.organization_id = audit_anchors.organization_id and sequence = 4)"
                        .to_owned(),
                    sql => sql.to_owned(),
                };
                tamper(&url, &sql).await;
                if *statement == "cut" {
                    tamper(&url, "delete from audit_records where sequence <= 4").await;
                }
            }
            let report = verify(&store).await.unwrap();
            let rules: Vec<_> = report.differences.iter().map(|difference| difference.rule).collect();
            assert!(rules.contains(&rule), "{statements:?}: {rules:?}");
        });
    }
}
