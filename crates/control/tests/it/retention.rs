//! Retention as policy: what is older than it says goes, by itself and written down, and reports stay as they were.

use control::retention::purge_old;
use domain::time::DAY;
use http::StatusCode;
use serde_json::{Value, json};

use crate::money::call;
use crate::world::World;

async fn set(world: &World, setting: &str, value: i64) -> StatusCode {
    let line = format!("POST /v1/organization/policy/{setting}");
    world.admin(&line, json!({"value": value})).await.status
}

async fn differences(world: &World) -> u64 {
    store::verify::verify(&world.control.store).await.unwrap().difference_count
}

#[tokio::test]
async fn usage_records_go_after_their_days_and_reports_by_day_stay() {
    let world = World::new().await;
    let made = world.admin("POST /v1/organization/projects", json!({"name": "Shop"})).await.json();
    let project = made["id"].as_str().unwrap();
    let begin = world.control.now().unix_seconds();
    for n in 0..3 {
        call(&world, project, n, i64::try_from(n).unwrap() * 86_400).await;
    }
    let report = async || {
        let of = format!("start_time={}&bucket_width=1d&limit=31", begin / 86_400 * 86_400);
        let costs = world.admin(&format!("GET /v1/organization/costs?{of}"), Value::Null).await;
        let usage = world.admin(&format!("GET /v1/organization/usage/completions?{of}"), Value::Null).await;
        let data = |seen: crate::world::Seen| seen.json()["data"].as_array().unwrap()[..4].to_vec();
        (data(costs), data(usage))
    };
    let records = async || {
        let list = world.admin("GET /v1/organization/usage/records", Value::Null).await.json();
        list["data"].as_array().unwrap().len()
    };
    world.wait(37 * DAY);
    let before = report().await;
    assert!(before.0.iter().chain(&before.1).any(|day| !day["results"].as_array().unwrap().is_empty()));
    assert_eq!((purge_old(&world.control).await.unwrap(), records().await), (0, 3), "kept for ever");
    assert_eq!(set(&world, "retention.usage_records_days", 34).await, StatusCode::BAD_REQUEST);
    assert_eq!(set(&world, "retention.usage_records_days", 35).await, StatusCode::OK);
    assert_eq!((purge_old(&world.control).await.unwrap(), records().await), (2, 1), "the third is of day 2");
    assert_eq!((purge_old(&world.control).await.unwrap(), world.events("usage.purged").await), (0, 1));
    assert_eq!((report().await, differences(&world).await), (before, 0));
}

#[tokio::test]
async fn audit_records_go_after_their_days_and_the_trail_goes_on() {
    let world = World::new().await;
    let trail = async || {
        let list = world.admin("GET /v1/organization/audit_events?limit=100", Value::Null).await.json();
        list["data"].as_array().unwrap().len()
    };
    let before = trail().await;
    assert!(before > 0);
    world.wait(400 * DAY);
    assert_eq!(set(&world, "retention.audit_days", 364).await, StatusCode::BAD_REQUEST);
    assert_eq!(set(&world, "retention.audit_days", 365).await, StatusCode::OK);
    assert_eq!(purge_old(&world.control).await.unwrap(), before);
    assert_eq!((trail().await, world.events("audit.purged").await), (2, 1), "who set it, and the purge");
    assert_eq!((purge_old(&world.control).await.unwrap(), differences(&world).await), (0, 0));
    let off = json!({"value": 365, "mode": "off"});
    world.admin("POST /v1/organization/policy/retention.audit_days", off).await;
    world.wait(800 * DAY);
    assert_eq!(
        (purge_old(&world.control).await.unwrap(), differences(&world).await),
        (0, 0),
        "off is for ever"
    );
}
