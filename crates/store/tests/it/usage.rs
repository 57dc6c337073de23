//! Sums by time and dimension, and who sees which of them.

use domain::access::{
    Actor, Credential, OrganizationRole, Origin, Permission, ProjectRole, Standing, Target, authorize,
};
use domain::ids::SessionId;
use domain::time::{DAY, HOUR, MINUTE};
use store::metering::{RecordFilter, drain, list_records};
use store::usage::{Dimension, UsageQuery, usage};

use crate::calls::{call, key, organization, project, replica, user, whole};
use crate::engines::{both_engines, noon};

#[test]
fn sums_agree_whatever_the_bucket_and_the_dimension() {
    both_engines(|store| async move {
        let records: Vec<_> = (0..48).map(|n| call(n, n % 4, noon().plus_seconds(n as i64 * 1801))).collect();
        let cost: i64 = records.iter().map(|settled| settled.record.settlement.cost.nano()).sum();
        drain(&store, replica(1), &records).await.unwrap();
        for width in [None, Some(DAY), Some(HOUR), Some(MINUTE)] {
            for group_by in Dimension::ALL.iter().map(|dimension| vec![*dimension]).chain([vec![]]) {
                let (from, until) = (noon().plus_micros(-DAY), noon().plus_micros(3 * DAY));
                let query =
                    UsageQuery { from, until, bucket_micros: width, group_by, ..UsageQuery::default() };
                let sums = usage(&store, &whole(), &query).await.unwrap();
                assert_eq!(sums.iter().map(|sum| sum.totals.cost).sum::<i64>(), cost);
                assert_eq!(sums.iter().map(|sum| sum.totals.requests).sum::<i64>(), 48);
                let aligned = |sum: &store::usage::UsageSum| {
                    width.is_none_or(|width| sum.bucket_start.unix_micros() % width == 0)
                };
                assert!(sums.iter().all(aligned));
                if width.is_none() && query.group_by == [Dimension::ApiKey] {
                    assert_eq!(sums.len(), 4);
                }
            }
        }
        let query = UsageQuery {
            from: noon().plus_micros(-DAY),
            until: noon().plus_micros(3 * DAY),
            api_key_ids: vec![key(2).to_string()],
            ..UsageQuery::default()
        };
        assert_eq!(usage(&store, &whole(), &query).await.unwrap()[0].totals.requests, 12);
    });
}

fn person(role: ProjectRole) -> Actor {
    let standing = Standing::of_roles(organization(), OrganizationRole::Member, &[(project(1), role)]);
    Actor {
        user_id: user(3),
        email: "member@example.test".to_owned(),
        credential: Credential::Session(SessionId::from_parts(noon(), 1)),
        standing: Some(standing),
        origin: Origin::default(),
    }
}

#[test]
fn an_owner_sees_the_project_and_a_member_only_their_own_keys() {
    both_engines(|store| async move {
        let records: Vec<_> = (0..40).map(|n| call(n, n % 4, noon())).collect();
        drain(&store, replica(1), &records).await.unwrap();
        let page = domain::page::PageRequest::first(100, domain::page::Order::Descending);
        for (role, expected) in [(ProjectRole::Owner, 20), (ProjectRole::Member, 10)] {
            let target = Target::Organization(organization());
            let grant = authorize(&person(role), Permission::UsageRead, target).unwrap();
            let query = UsageQuery {
                from: noon().plus_micros(-DAY),
                until: noon().plus_micros(DAY),
                ..UsageQuery::default()
            };
            assert_eq!(usage(&store, &grant, &query).await.unwrap()[0].totals.requests, expected);
            let read = list_records(&store, &grant, &RecordFilter::default(), &page).await.unwrap();
            assert_eq!(read.items.len() as i64, expected);
        }
    });
}
