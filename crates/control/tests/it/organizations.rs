//! The life of an organization at the doors: settings, suspended, closed, brought back, purged, exported.

use domain::time::{DAY, MINUTE};
use serde_json::{Value, json};
use store::verify::verify;

use crate::world::World;

async fn read(world: &World) -> Value {
    world.admin("GET /v1/organization", Value::Null).await.json()
}

fn refusal(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn features_are_switched_one_by_one_or_all_together_and_unknown_ones_are_refused() {
    let world = World::new().await;
    let before = read(&world).await;
    assert!(before["features"].as_object().unwrap().values().all(|is_on| is_on == true), "{before}");
    assert_eq!(before["features_off"], json!([]));
    let change = async |body: Value| world.admin("POST /v1/organization", body).await.json();
    let one = change(json!({"features": {"groups": false}})).await;
    assert_eq!(one["features_off"], json!(["groups"]));
    let all = change(json!({"features_off": ["elevation", "custom_roles"]})).await;
    assert_eq!(all["features"]["groups"], true, "what is not in the list is on: {all}");
    assert_eq!(all["features_off"], json!(["custom_roles", "elevation"]));
    for body in [json!({"features_off": ["flying"]}), json!({"features": {"flying": true}})] {
        let seen = world.admin("POST /v1/organization", body).await;
        assert_eq!(seen.refusal(), refusal(400, "unknown_feature"));
        assert!(seen.text.contains("custom_roles"), "the refusal lists them: {}", seen.text);
    }
    assert_eq!(read(&world).await, all);
    assert_eq!(world.events("organization.updated").await, 2);
}

#[tokio::test]
async fn a_suspended_organization_is_looked_at_and_not_changed_until_an_admin_brings_it_back() {
    let world = World::new().await;
    let reasonless = world.admin("POST /v1/organization/suspend", json!({"reason": " "})).await;
    assert_eq!(reasonless.refusal(), refusal(400, "reason_required"));
    let suspended = world.admin("POST /v1/organization/suspend", json!({"reason": "An audit"})).await.json();
    assert_eq!(
        (&suspended["state"], &suspended["suspension_reason"]),
        (&json!("suspended"), &json!("An audit"))
    );
    for (line, body) in [
        ("POST /v1/organization", json!({"name": "Other"})),
        ("POST /v1/organization/projects", json!({"name": "New"})),
        ("POST /v1/organization/invites", json!({"email": "a@b.test", "role": "reader"})),
    ] {
        let seen = world.admin(line, body).await;
        assert_eq!(seen.refusal(), refusal(403, "organization_suspended"), "{line}");
    }
    for line in ["GET /v1/organization", "GET /v1/organization/users", "GET /v1/organization/audit_events"] {
        assert_eq!(world.admin(line, Value::Null).await.status, 200, "{line}");
    }
    let again = world.admin("POST /v1/organization/suspend", json!({"reason": "Another"})).await.json();
    assert_eq!(again["suspension_reason"], "An audit", "it stays as it is");
    let back = world.admin("POST /v1/organization/reactivate", Value::Null).await.json();
    assert_eq!((&back["state"], &back["suspended_at"]), (&json!("active"), &json!(null)));
    assert_eq!(world.admin("POST /v1/organization", json!({"name": "Other"})).await.status, 200);
    let verbs = ["organization.suspended", "organization.reactivated", "organization.updated"];
    for verb in verbs {
        assert_eq!(world.events(verb).await, 1, "{verb}");
    }
}

#[tokio::test]
async fn a_closed_organization_can_be_brought_back_for_thirty_days_and_is_purged_then() {
    let world = World::new().await;
    let purged = async || control::organizations::purge_closed_organizations(&world.control).await.unwrap();
    let wrong = world.admin("POST /v1/organization/close", json!({"confirm": "acme"})).await;
    assert_eq!(wrong.refusal(), refusal(400, "confirmation_mismatch"));
    let close = async || {
        let closed = world.admin("POST /v1/organization/close", json!({"confirm": "Acme"})).await.json();
        let days = closed["purge_at"].as_i64().unwrap() - closed["closed_at"].as_i64().unwrap();
        assert_eq!((&closed["state"], days), (&json!("closed"), 30 * 24 * 3_600));
    };
    close().await;
    world.wait(30 * DAY - MINUTE);
    assert_eq!(purged().await, 0);
    assert_eq!(world.admin("POST /v1/organization/reactivate", Value::Null).await.json()["state"], "active");
    world.wait(DAY);
    assert_eq!(purged().await, 0, "it was brought back");
    close().await;
    world.wait(30 * DAY);
    assert_eq!(purged().await, 1);
    assert_eq!(purged().await, 0, "once");
    let key_of_before = world.admin("GET /v1/organization", Value::Null).await;
    assert_eq!(key_of_before.refusal(), refusal(401, "invalid_api_key"));
    assert_eq!(world.events("organization.purged").await, 1);
    let report = verify(&world.control.store).await.unwrap();
    assert_eq!(report.difference_count, 0, "{report:?}");
    assert!(report.audit_records > 5, "the trail is there: {report:?}");
    let again = control::accounts::set_up::bootstrap(
        &world.control,
        "Acme",
        "new@example.test",
        "long enough password",
    );
    let again = again.await.unwrap();
    let seen = world.call(&again.admin_key, "GET /v1/organization", &[], "").await.json();
    assert_eq!(seen["slug"], "acme", "the word is free again");
}

#[tokio::test]
async fn an_export_is_written_down_holds_what_there_is_and_no_secret_and_says_how_long_it_is() {
    let world = World::new().await;
    let project = world.admin("POST /v1/organization/projects", json!({"name": "Shop"})).await.json();
    let keys = format!("POST /v1/organization/projects/{}/api_keys", project["id"].as_str().unwrap());
    let key = world.admin(&keys, json!({"name": "till", "models": ["gpt-5*"]})).await.json();
    let provider = json!({"name": "main", "kind": "openai", "credential": "sk-of-the-provider"});
    assert_eq!(world.admin("POST /v1/organization/providers", provider).await.status, 200);
    let invite = json!({"email": "guest@example.test", "role": "reader"});
    let invite = world.admin("POST /v1/organization/invites", invite).await.json();
    world.admin("POST /v1/organization/suspend", json!({"reason": "The export works in any state"})).await;

    let seen = world.admin("GET /v1/organization/export", Value::Null).await;
    assert_eq!(seen.headers["content-type"], "application/jsonl");
    assert!(seen.headers["content-disposition"].to_str().unwrap().starts_with("attachment; filename=\"org_"));
    let lines: Vec<Value> = seen.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [head, rest @ .., end] = lines.as_slice() else { panic!("{}", seen.text) };
    assert_eq!(
        (&head["object"], &end["object"]),
        (&json!("organization.export"), &json!("organization.export.end"))
    );
    assert_eq!(end["lines"], rest.len(), "the last line tells a whole export from a part of one");
    let named =
        |object: &str, name: &str| rest.iter().any(|line| line["object"] == object && line["name"] == name);
    for (object, name) in
        [("organization", "Acme"), ("project", "Shop"), ("api_key", "till"), ("provider", "main")]
    {
        assert!(named(object, name), "no {object} {name}: {}", seen.text);
    }
    assert!(seen.text.contains("\"api_key.created\"") && seen.text.contains("guest@example.test"));
    let token = invite["url"].as_str().unwrap().rsplit('/').next().unwrap();
    for secret in [key["value"].as_str().unwrap(), "sk-of-the-provider", token, &world.acme.admin_key] {
        assert!(!seen.text.contains(secret), "{secret} is in the export");
    }
    assert_eq!(world.events("organization.exported").await, 1);
}
