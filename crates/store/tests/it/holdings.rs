//! What organizations have: exported whole and without secrets, purged without a rest, and nobody else's.

use std::collections::{BTreeMap, BTreeSet};

use domain::allowances::{Level, Unit};
use domain::audit::{AuditEntry, Verb};
use domain::ids::OrganizationId;
use domain::organizations::NewOrganization;
use domain::time::{TimeZone, Window};
use serde_json::Value;
use sqlx::AssertSqlSafe;
use store::metering::drain;
use store::verify::verify;
use store::{ExportPlace, Store};

use crate::calls::{allow, call, replica};
use crate::engines::{both_engines_at, noon};
use crate::projects::{insert, organization, project, user, whole};
use crate::rows::Rows;

/// Tables of which a purge leaves an organization's rows.
const KEPT: [&str; 13] = [
    "allowance_counters",
    "allowance_slices",
    "allowances",
    "attributions",
    "audit_anchors",
    "audit_heads",
    "audit_records",
    "events",
    "metering_heads",
    "prices",
    "purged_usage",
    "rollups",
    "usage_records",
];
/// Tables that hold nothing of an organization.
const OF_THE_INSTANCE: [&str; 12] = [
    "applied_prices",
    "feed_head",
    "idempotency",
    "instance",
    "mail_refusals",
    "migrations",
    "outbox_cursor",
    "replicas",
    "sessions",
    "set_up_link",
    "sign_in_attempts",
    "users",
];

async fn run(url: &str, sql: String) {
    let sql = AssertSqlSafe(sql);
    if url.starts_with("sqlite") {
        let pool = sqlx::SqlitePool::connect(url).await.unwrap();
        sqlx::query(sql).execute(&pool).await.unwrap();
        pool.close().await;
    } else {
        let pool = sqlx::PgPool::connect(url).await.unwrap();
        sqlx::query(sql).execute(&pool).await.unwrap();
        pool.close().await;
    }
}

/// Name and kind of every column of a table: `text`, `bigint`, `boolean`, or bytes.
async fn columns(url: &str, table: &str) -> Vec<(String, String)> {
    if url.starts_with("sqlite") {
        let pool = sqlx::SqlitePool::connect(url).await.unwrap();
        let sql = AssertSqlSafe(format!("select name, lower(type) from pragma_table_info('{table}')"));
        return sqlx::query_as(sql).fetch_all(&pool).await.unwrap();
    }
    let pool = sqlx::PgPool::connect(url).await.unwrap();
    let sql = "select column_name::text, data_type::text from information_schema.columns where table_schema = 'public' and table_name = $1";
    sqlx::query_as(sql).bind(table).fetch_all(&pool).await.unwrap()
}

/// A row in every table in which organizations have some. Every text in it is the organization's id, so that rows of
/// one table belong to those of another, and `number` tells the rows of organizations apart where only numbers are.
async fn fill(url: &str, organization: OrganizationId, number: i64) {
    let tables = Rows::open(url).await.all().await;
    for table in tables.keys().filter(|table| !OF_THE_INSTANCE.contains(&table.as_str())) {
        let columns = columns(url, table).await;
        let names: Vec<String> = columns.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let value = |(_, kind): &(String, String)| match kind.as_str() {
            "text" => format!("'{organization}'"),
            "bigint" => number.to_string(),
            "boolean" => "true".to_owned(),
            _ if url.starts_with("sqlite") => format!("cast('{organization}' as blob)"),
            _ => format!("convert_to('{organization}', 'UTF8')"),
        };
        let values: Vec<String> = columns.iter().map(value).collect();
        let sql = format!("insert into \"{table}\" ({}) values ({})", names.join(", "), values.join(", "));
        run(url, sql).await;
    }
}

/// How many rows of each table name an organization.
async fn rows_of(url: &str, organization: OrganizationId) -> BTreeMap<String, usize> {
    let id = organization.to_string();
    let tables = Rows::open(url).await.all().await;
    let count = |rows: &Vec<Value>| rows.iter().filter(|row| row.to_string().contains(&id)).count();
    tables.iter().map(|(table, rows)| (table.clone(), count(rows))).filter(|(_, count)| *count > 0).collect()
}

async fn purge(store: &Store, id: OrganizationId) {
    let mut change = store.change(&whole(id), noon()).await.unwrap();
    assert!(change.purge_organization(id).await.unwrap().len() > 10);
    let _ = change.commit(AuditEntry::new(Verb::OrganizationPurged, id)).await.unwrap();
}

#[test]
fn a_purge_takes_every_row_of_one_organization_but_for_ledger_and_trail_and_none_of_another() {
    both_engines_at(|store, url| async move {
        let (gone, there) = (organization(1), organization(2));
        fill(&url, gone, 1_000_001).await;
        fill(&url, there, 1_000_002).await;
        let before = rows_of(&url, there).await;
        assert!(before.len() > 30 && before == rows_of(&url, gone).await, "{before:?}");
        purge(&store, gone).await;
        let left: Vec<String> = rows_of(&url, gone).await.into_keys().collect();
        assert_eq!(left, KEPT);
        assert_eq!(rows_of(&url, there).await, before);
    });
}

/// Organization 1 with its first Admin.
async fn founded(store: &Store) {
    let person = domain::members::User {
        id: user(1),
        email: "lead@example.test".to_owned(),
        name: "Lead".to_owned(),
        created_at: noon(),
    };
    let mut change = store.change(&whole(organization(1)), noon()).await.unwrap();
    change.insert_user(&person, "the-password-hash").await.unwrap();
    let new = NewOrganization { name: "Acme".to_owned(), time_zone: TimeZone::utc() };
    change.insert_organization(organization(1), &new, user(1), "acme".to_owned()).await.unwrap();
    let _ = change.commit(AuditEntry::new(Verb::OrganizationCreated, organization(1))).await.unwrap();
}

#[test]
fn the_books_of_a_purged_organization_still_add_up_and_its_slug_is_free() {
    both_engines_at(|store, _| async move {
        founded(&store).await;
        insert(&store, &project(organization(1), 1)).await.unwrap();
        allow(&store, 1, Level::Organization, Unit::NanoUsd, Window::Month, 1 << 50).await;
        let records: Vec<_> = (0..40).map(|n| call(n, n % 3, noon().plus_seconds(n as i64 * 400))).collect();
        drain(&store, replica(1), &records).await.unwrap();
        purge(&store, organization(1)).await;
        let report = verify(&store).await.unwrap();
        assert_eq!((report.difference_count, report.differences), (0, vec![]));
        assert_eq!((report.records, report.audit_records), (40, 4));
        assert_eq!(store.organization_of_slug("acme").await.unwrap(), None);
    });
}

async fn exported(store: &Store, id: OrganizationId) -> Vec<Value> {
    let (mut lines, mut place) = (Vec::new(), Some(ExportPlace::default()));
    while let Some(here) = place {
        let (more, next) = store.export(&whole(id), here).await.unwrap();
        assert!(more.len() <= 500, "an export is read in pages");
        lines.extend(more);
        place = next;
    }
    lines
}

#[test]
fn an_export_has_every_row_once_over_many_pages_and_nothing_of_another_organization() {
    both_engines_at(|store, url| async move {
        founded(&store).await;
        // By a cursor of two ids, and by a cursor of numbers.
        let numbers = match url.starts_with("sqlite") {
            true => {
                "with recursive n(i) as (select 1 union all select i + 1 from n where i < 1203) select i from n"
            }
            false => "select i from generate_series(1, 1203) n(i)",
        };
        for organization in [organization(1), organization(2)] {
            run(
                &url,
                format!(
                    "insert into group_members (group_id, user_id, organization_id, added_at) select \
                     '{organization}-' || cast(i % 7 as text), 'user ' || cast(i as text), '{organization}', i \
                     from ({numbers}) numbers"
                ),
            )
            .await;
        }
        for n in 0..1_100 {
            let change = store.change(&whole(organization(1)), noon()).await.unwrap();
            let _ = change.commit(AuditEntry::new(Verb::OrganizationUpdated, n)).await.unwrap();
        }
        let lines = exported(&store, organization(1)).await;
        let of = |object: &str| lines.iter().filter(|line| line["object"] == object).collect::<Vec<_>>();
        let people: BTreeSet<&str> =
            of("group_member").iter().map(|line| line["user_id"].as_str().unwrap()).collect();
        assert_eq!((of("group_member").len(), people.len()), (1_203, 1_203));
        let places: Vec<i64> =
            of("audit_record").iter().map(|line| line["sequence"].as_i64().unwrap()).collect();
        assert_eq!(places, (1..=1_101).collect::<Vec<i64>>());
        assert_eq!(of("organization")[0]["slug"], "acme");
        assert_eq!(of("member")[0]["email"], "lead@example.test");
        let text = Value::from(lines).to_string();
        assert!(!text.contains(&organization(2).to_string()), "nothing of another");
        assert!(!text.contains("the-password-hash"), "no secret");
    });
}
