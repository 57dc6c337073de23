//! Calls to the simulated provider: what the client sees, what is recorded, what is refused.

use std::time::Duration;

use domain::allowances::{Allowance, Counter, Enforcement, Level, Scope, SliceKey, Unit};
use domain::ids::AllowanceId;
use domain::time::{TimeZone, Window};
use domain::usage::CallStatus;
use gateway::Settings;
use http_body_util::BodyExt;
use serde_json::Value;

use crate::fake::World;
use crate::{asking, send, settled, text};

const CHAT: &str = "/v1/chat/completions";
const PLAIN: &str =
    r#"{"model":"sim-small","user":"end-user-7","messages":[{"role":"user","content":"hi"}]}"#;
const STREAM: &str = r#"{"model":"sim-small","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;

#[tokio::test]
async fn a_plain_call_leaves_one_record_with_its_true_cost() {
    let world = World::new();
    let router = world.gateway(Settings::default()).router();
    let response = send(&router, asking(&world, CHAT, PLAIN)).await;
    assert_eq!(response.status(), 200);
    assert!(response.headers()["x-request-id"].to_str().unwrap().starts_with("req_"));
    let answer: Value = serde_json::from_str(&text(response).await).unwrap();
    let records = world.records();
    assert_eq!(records.len(), 1);
    let record = &records[0];
    assert_eq!(answer["usage"]["completion_tokens"], record.settlement.quantities.output);
    assert_eq!(record.settlement.status, CallStatus::Succeeded);
    assert!(record.settlement.cost.nano() > 0 && record.settlement.cost <= record.call.held);
    assert!(!record.settlement.is_estimated);
    assert_eq!(record.call.end_user.as_deref(), Some("end-user-7"));
    assert_eq!(record.call.user_agent.as_ref().unwrap().len(), 256);
    assert_eq!(record.call.attribution.labels.team.as_deref(), Some("support"));
}

#[tokio::test]
async fn a_stream_hides_the_usage_that_was_not_asked_for() {
    let world = World::new();
    let router = world.gateway(Settings::default()).router();
    let hidden = text(send(&router, asking(&world, "/openai/v1/chat/completions", STREAM)).await).await;
    assert!(!hidden.contains("usage") && hidden.ends_with("data: [DONE]\n\n"), "{hidden}");
    let asked = STREAM.replace("\"stream\"", "\"stream_options\":{\"include_usage\":true},\"stream\"");
    let shown = text(send(&router, asking(&world, CHAT, &asked)).await).await;
    assert!(shown.contains("\"completion_tokens\""));
    let records = world.records();
    assert_eq!(records.len(), 2);
    assert_eq!(records[0].settlement.quantities, records[1].settlement.quantities);
    assert_eq!(records[0].settlement.cost, records[1].settlement.cost);
}

#[tokio::test]
async fn a_client_that_hangs_up_leaves_one_record() {
    let world = World::new();
    let slow = Settings { simulated_latency: Duration::from_millis(100), ..Settings::default() };
    let router = world.gateway(slow).router();
    let mut body = send(&router, asking(&world, CHAT, STREAM)).await.into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);
    let cut = send(&router, asking(&world, CHAT, PLAIN));
    assert!(tokio::time::timeout(Duration::from_millis(20), cut).await.is_err());
    settled(&world, 2).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let records = world.records();
    assert_eq!(records.len(), 2);
    for record in records {
        assert_eq!(record.settlement.status, CallStatus::ClientClosed);
        assert!(record.settlement.quantities.output > 0 && !record.settlement.is_estimated);
    }
}

#[tokio::test]
async fn a_stopped_key_ends_its_streams_at_the_next_chunk() {
    let world = World::new();
    let slow = Settings { simulated_latency: Duration::from_millis(200), ..Settings::default() };
    let gateway = world.gateway(slow);
    let mut body = send(&gateway.router(), asking(&world, CHAT, STREAM)).await.into_body();
    body.frame().await.unwrap().unwrap();
    let id = world.key.lock().unwrap().id;
    world.key.lock().unwrap().revoked_at = Some(world.ambient().now());
    gateway.stop_key(id);
    let rest = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    assert!(rest.contains("key_stopped") && !rest.contains("[DONE]"), "{rest}");
    let response = send(&gateway.router(), asking(&world, CHAT, PLAIN)).await;
    assert_eq!(response.status(), 401);
    assert!(text(response).await.contains("\"key_revoked\""));
    let statuses: Vec<_> = world.records().iter().map(|record| record.settlement.status).collect();
    assert_eq!(statuses, [CallStatus::KeyStopped]);
}

/// A hard limit of five requests, for ever.
fn five_requests(world: &World) -> Allowance {
    Allowance {
        id: AllowanceId::mint(world.ambient()),
        organization_id: world.key.lock().unwrap().organization_id,
        scope: Scope { level: Level::Organization, model: None },
        unit: Unit::Requests,
        window: Window::Lifetime,
        amount: 5,
        enforcement: Enforcement::Hard,
        created_at: world.ambient().now(),
    }
}

#[tokio::test]
async fn a_hard_allowance_is_never_passed() {
    let world = World::new();
    let router = world.gateway(Settings::default()).router();
    let allowance = five_requests(&world);
    let id = allowance.id.to_string();
    world.allow(allowance);
    let calls = (0..40).map(|_| send(&router, asking(&world, CHAT, PLAIN)));
    let answers = futures_util::future::join_all(calls).await;
    let (taken, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|a| a.status() == 200);
    assert_eq!((taken.len(), refused.len(), world.records().len()), (5, 35, 5));
    // They ask the store in turn: five are lent a request each, one is refused, and that answers the rest.
    assert_eq!(world.leases.load(std::sync::atomic::Ordering::Relaxed), 6);
    // As long as the five have not drained, what they do not use may come back.
    for response in refused {
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()["retry-after"], "1");
        assert!(!response.headers().contains_key("x-should-retry"));
        let body = text(response).await;
        assert!(body.contains("allowance_held") && body.contains(&id), "{body}");
    }
}

#[tokio::test]
async fn what_is_spent_for_good_is_refused_for_good() {
    let world = World::new();
    let router = world.gateway(Settings::default()).router();
    let allowance = five_requests(&world);
    let id = allowance.id.to_string();
    let key = SliceKey {
        allowance_id: allowance.id,
        window_start: allowance.window.span(allowance.created_at, &TimeZone::utc()).start,
    };
    world.counters.lock().unwrap().insert(key, Counter { settled: 5, leased: 0 });
    world.allow(allowance);
    let response = send(&router, asking(&world, CHAT, PLAIN)).await;
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["x-should-retry"], "false");
    assert!(!response.headers().contains_key("retry-after"));
    let body = text(response).await;
    assert!(body.contains("allowance_exhausted") && body.contains(&id), "{body}");
    assert!(world.records().is_empty());
}

#[tokio::test]
async fn embeddings_are_metered() {
    let world = World::new();
    let router = world.gateway(Settings::default()).router();
    let body = r#"{"model":"sim-embedding","input":["one","two"],"encoding_format":"base64"}"#;
    let response = send(&router, asking(&world, "/v1/embeddings", body)).await;
    let answer: Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(answer["data"].as_array().unwrap().len(), 2);
    assert!(answer["data"][0]["embedding"].is_string());
    assert!(world.records()[0].settlement.cost.nano() > 0);
}

#[tokio::test]
async fn bad_input_is_told_in_the_familys_shape_and_charges_nothing() {
    let world = World::new();
    let router = world.gateway(Settings { body_limit_bytes: 2_000, ..Settings::default() }).router();
    let big = PLAIN.replace("hi", &"x".repeat(3_000));
    let with_key = |key: &str| {
        let mut request = asking(&world, CHAT, PLAIN);
        request.headers_mut().insert("authorization", key.parse().unwrap());
        request
    };
    let admin = domain::api_keys::generate(domain::api_keys::KeyKind::Admin, world.ambient());
    let other = domain::api_keys::generate(domain::api_keys::KeyKind::Project, world.ambient());
    let mut wrong_method = asking(&world, CHAT, PLAIN);
    *wrong_method.method_mut() = http::Method::PUT;
    let cases = [
        (asking(&world, CHAT, "{"), 400, "invalid_json"),
        (asking(&world, CHAT, r#"{"model":1,"messages":[{}]}"#), 400, "missing_model"),
        (asking(&world, CHAT, r#"{"model":"m","messages":4}"#), 400, "invalid_type"),
        (asking(&world, CHAT, &PLAIN.replace("sim-small", "none")), 404, "model_not_found"),
        (asking(&world, CHAT, &big), 413, "body_too_large"),
        (wrong_method, 405, "method_not_allowed"),
        (with_key("Bearer sk-nonsense"), 401, "invalid_api_key"),
        (with_key(""), 401, "missing_api_key"),
        (with_key(&format!("Bearer {}", other.reveal())), 401, "invalid_api_key"),
        (with_key(&format!("Bearer {}", admin.reveal())), 403, "admin_key_not_allowed"),
    ];
    for (request, status, code) in cases {
        let response = send(&router, request).await;
        assert_eq!(response.status(), status, "{code}");
        assert!(response.headers().contains_key("x-request-id"));
        let body: Value = serde_json::from_str(&text(response).await).unwrap();
        assert_eq!(body["error"]["code"], code);
        assert!(body["error"]["message"].is_string() && body["error"]["type"].is_string());
        assert!(body["error"].get("param").is_some());
    }
    assert!(world.records().is_empty() && world.journal.open.lock().unwrap().is_empty());
}
