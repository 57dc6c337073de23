//! Recomputing: difference zero when nothing was touched, and a difference for every kind of tampering.

use domain::allowances::{Level, Unit};
use domain::time::{TimeZone, Window};
use domain::usage::{Opened, Settled};
use store::Store;
use store::metering::{drain, lease};
use store::verify::verify;

use crate::calls::{allow, call, replica};
use crate::engines::{both_engines_at, noon, tamper};

async fn filled(store: &Store) {
    let allowance = allow(store, 1, Level::Organization, Unit::NanoUsd, Window::Month, 1 << 50).await;
    let per_hour = allow(store, 2, Level::Organization, Unit::Requests, Window::Hour, 1000).await;
    let span = Window::Month.span(noon(), &TimeZone::utc());
    lease(store, replica(1), allowance.id, span, (10, 1 << 30)).await.unwrap();
    let mut records: Vec<Settled> =
        (0..40).map(|n| call(n, n % 3, noon().plus_seconds(n as i64 * 400))).collect();
    let lost = call(99, 1, noon()).record;
    let opened = Opened { call: lost.call, worst: lost.settlement.quantities, holds: Vec::new() };
    records.push(Settled::recovered(opened, noon().plus_seconds(60)));
    drain(store, replica(1), &records).await.unwrap();
    assert_eq!(per_hour.amount, 1000);
}

#[test]
fn untouched_books_have_no_difference() {
    both_engines_at(|store, _| async move {
        filled(&store).await;
        let report = verify(&store).await.unwrap();
        assert_eq!((report.difference_count, report.differences), (0, vec![]));
        assert_eq!((report.records, report.audit_records), (41, 2));
        assert!(report.counters >= 5 && report.cost_nano_usd > 0);
    });
}

#[test]
fn every_kind_of_tampering_is_found() {
    let newest = "select max(sequence) from audit_records";
    let kinds = [
        ("record_cost", "update usage_records set cost = cost + 1 where status = 'succeeded'".to_owned()),
        ("record_cost", "update usage_records set output = output + 1 where status = 'succeeded'".to_owned()),
        ("recovered_cost", "update usage_records set cost = cost - 1 where status = 'recovered'".to_owned()),
        ("record_price", "update usage_records set price_id = 'another'".to_owned()),
        (
            "record_count",
            "delete from usage_records where id = (select max(id) from usage_records)".to_owned(),
        ),
        ("sum_of_organization", "update rollups set cost = cost - 1".to_owned()),
        ("sum_of_key", "delete from rollups where cost = (select max(cost) from rollups)".to_owned()),
        ("sum_of_rollup", "update rollups set bucket_start = bucket_start + 900000000000".to_owned()),
        (
            "sum_of_project",
            "update usage_records set project_id = 'proj_00000000000000000000000000'".to_owned(),
        ),
        (
            "record_attribution",
            "update usage_records set key_id = 'key_00000000000000000000000000'".to_owned(),
        ),
        ("allowance_settled", "update allowance_counters set settled = settled - 1".to_owned()),
        ("allowance_leased", "update allowance_counters set leased = leased - 1".to_owned()),
        ("allowance_leased", "delete from allowance_slices".to_owned()),
        ("audit_chain", "update audit_records set target_id = 'x' where sequence = 1".to_owned()),
        ("audit_chain", "update audit_records set verb = 'nothing' where sequence = 1".to_owned()),
        ("audit_chain", "delete from audit_records where sequence = 1".to_owned()),
        ("audit_chain", format!("delete from audit_records where sequence = ({newest})")),
        ("audit_chain", "delete from audit_heads".to_owned()),
    ];
    for (rule, sql) in kinds {
        both_engines_at(|store, url| {
            let sql = sql.clone();
            async move {
                filled(&store).await;
                tamper(&url, &sql).await;
                let report = verify(&store).await.unwrap();
                let rules: Vec<_> = report.differences.iter().map(|difference| difference.rule).collect();
                assert!(rules.contains(&rule), "{sql}: {rules:?}");
            }
        });
    }
}
