//! The dispatcher: credentials, shapes of refusals, the trail of refused attempts, repetitions, documents.

use domain::time::{DAY, MINUTE};
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn what_is_wrong_has_its_own_code_in_the_wire_shape() {
    let world = World::new().await;
    let key = world.acme.admin_key.clone();
    let call = |key: &str, line: &str, body: &str| {
        let (world, key, line, body) = (&world, key.to_owned(), line.to_owned(), body.to_owned());
        async move { world.call(&key, &line, &[], body).await.refusal() }
    };
    let refusal = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(call("", "GET /v1/organization", "").await, refusal(401, "not_signed_in"));
    assert_eq!(call("sk-admin-x", "GET /v1/organization", "").await, refusal(401, "invalid_api_key"));
    assert_eq!(call(&key, "GET /v1/nothing", "").await, refusal(404, "unknown_path"));
    assert_eq!(call(&key, "DELETE /v1/organization", "").await, refusal(405, "method_not_allowed"));
    assert_eq!(call(&key, "POST /v1/organization", "{").await, refusal(400, "invalid_json"));
    assert_eq!(call(&key, "POST /v1/organization", "{\"name\":3}").await, refusal(400, "invalid_type"));
    let large = format!("{{\"name\":\"{}\"}}", "x".repeat(1024 * 1024));
    assert_eq!(call(&key, "POST /v1/organization", &large).await, refusal(413, "body_too_large"));
    let unknown = "GET /v1/organization/users/user_0";
    assert_eq!(call(&key, unknown, "").await, refusal(404, "not_found"));
    let limit = "GET /v1/organization/users?limit=101";
    assert_eq!(call(&key, limit, "").await, refusal(400, "invalid_limit"));
    let read = world.call(&key, "GET /v1/organization", &[("openai-organization", "org_x")], "").await;
    assert_eq!(read.refusal(), refusal(401, "mismatched_organization"));
}

#[tokio::test]
async fn a_wrong_call_changes_nothing_and_a_right_one_is_audited_once() {
    let world = World::new().await;
    world.admin("POST /v1/organization", json!({"name": ""})).await;
    assert_eq!(world.events("organization.updated").await, 0);
    let seen = world.admin("POST /v1/organization", json!({"name": "Acme 2"})).await;
    assert_eq!(seen.json()["name"], "Acme 2");
    assert_eq!(seen.json()["slug"], "acme");
    assert_eq!(world.events("organization.updated").await, 1);
}

#[tokio::test]
async fn refused_attempts_are_one_record_at_once_and_one_for_the_rest_of_the_minute() {
    let world = World::new().await;
    for _ in 0..5 {
        let seen =
            world.admin("GET /v1/organization/users/user_00000000000000000000000000", json!(null)).await;
        assert_eq!(seen.refusal().0, 404);
    }
    assert_eq!(world.events("attempt.refused").await, 1);
    world.wait(MINUTE);
    world.admin("GET /v1/organization/users/user_00000000000000000000000000", json!(null)).await;
    assert_eq!(world.events("attempt.refused").await, 3, "the four others, and the first of this minute");
    world.control.flush_refusals().await.unwrap();
    assert_eq!(world.events("attempt.refused").await, 3, "nothing is waiting");
    world.call("sk-admin-x", "GET /v1/organization", &[], "").await;
    assert_eq!(world.events("attempt.refused").await, 4, "a wrong key is an attempt too");
    world.call("", "GET /v1/organization", &[], "").await;
    assert_eq!(world.events("attempt.refused").await, 4, "no key at all is not");
}

#[tokio::test]
async fn the_same_idempotency_key_has_one_effect_and_one_answer() {
    let world = World::new().await;
    let create = |key: &'static str, name: &'static str| {
        let body = json!({"name": name}).to_string();
        let (world, admin_key) = (&world, world.acme.admin_key.as_str());
        async move { world.call(admin_key, "POST /v1/organizations", &[("idempotency-key", key)], body).await }
    };
    let (one, two) = tokio::join!(create("k", "Beta"), create("k", "Beta"));
    assert_eq!(one.text, two.text);
    assert_eq!(create("k", "Beta").await.text, one.text);
    assert_eq!(world.events("organization.created").await, 2, "Acme and one Beta");
    assert_eq!(create("k", "Gamma").await.refusal(), (409, "idempotency_mismatch".to_owned()));
    assert_ne!(create("other", "Beta").await.text, one.text);
    assert_eq!(create("bad", "").await.refusal().0, 400);
    assert_eq!(create("bad", "Mended").await.status, 200, "what failed may be tried again");
    world.wait(DAY);
    assert_ne!(create("k", "Beta").await.text, one.text, "a day later it is a new request");
}

#[tokio::test]
async fn a_retry_of_the_sdk_gets_the_first_answer_but_a_second_call_does_not() {
    let world = World::new().await;
    let create = |retries: &'static str| {
        let (world, admin_key) = (&world, world.acme.admin_key.as_str());
        async move {
            let headers = [("x-stainless-retry-count", retries)];
            world.call(admin_key, "POST /v1/organizations", &headers, "{\"name\":\"Beta\"}").await.text
        }
    };
    let first = create("0").await;
    assert_eq!(create("1").await, first);
    let second = create("0").await;
    assert_ne!(second, first, "a call of its own");
    assert_eq!(create("2").await, second);
    world.wait(MINUTE);
    assert_ne!(create("1").await, second, "a minute later it is a new request");
}

#[tokio::test]
async fn documents_hold_every_row() {
    let world = World::new().await;
    let document = world.call("", "GET /openapi.json", &[], "").await.json();
    let page = world.call("", "GET /docs", &[], "").await.text;
    assert_eq!(document["openapi"], "3.1.0");
    for route in control::routes::routes() {
        if route.surface != domain::routes::Surface::Api {
            continue;
        }
        let operation = &document["paths"][route.path][route.method.name().to_lowercase()];
        assert_eq!(operation["operationId"], route.operation, "{}", route.path);
        assert!(page.contains(route.path));
    }
    let text = document.to_string();
    for name in text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(document["components"]["schemas"].get(name).is_some(), "{name} is not defined");
    }
}
