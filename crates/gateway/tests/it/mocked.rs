//! Calls to a mocked provider over the network: what leaves, what comes back, and every way in which it can fail.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::Response;
use domain::allowances::{Allowance, Enforcement, Level, Scope, Unit};
use domain::ids::AllowanceId;
use domain::time::Window;
use domain::usage::CallStatus;
use futures_util::stream;
use gateway::Settings;
use http::HeaderMap;
use http_body_util::BodyExt;
use serde_json::Value;

use crate::fake::World;
use crate::{asking, send, settled, text};

const CHAT: &str = "/v1/chat/completions";
const CHUNK: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"hello wide world\"}}]}\n\n";

#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<(HeaderMap, Value)>>>);

/// Answers as the last user message says.
async fn mock(State(seen): State<Seen>, headers: HeaderMap, body: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap();
    let order = body["messages"][0]["content"].as_str().unwrap_or("").to_owned();
    seen.0.lock().unwrap().push((headers, body));
    let plain = |status: u16, text: &str| {
        Response::builder()
            .status(status)
            .header("content-type", "application/json")
            .header("set-cookie", "upstream=1")
            .header("x-request-id", "theirs")
            .body(Body::from(text.to_owned()))
            .unwrap()
    };
    let streamed = |items: Vec<Result<&'static str, std::io::Error>>, hangs: bool| {
        let items = stream::iter(items.into_iter().map(|item| item.map(str::as_bytes)));
        let items = futures_util::StreamExt::then(items, |item| async {
            // What was written before an error must have left before it.
            tokio::time::sleep(Duration::from_millis(20)).await;
            item
        });
        let rest = stream::once(async move {
            if hangs {
                std::future::pending::<()>().await;
            }
            Ok(&b""[..])
        });
        let body = Body::from_stream(futures_util::StreamExt::chain(items, rest));
        Response::builder().header("content-type", "text/event-stream; charset=utf-8").body(body).unwrap()
    };
    match order.as_str() {
        "fail" => plain(500, r#"{"error":{"message":"boom","type":"server_error","code":null}}"#),
        "leak" => plain(400, r#"{"error":{"message":"key provider-secret-abc is odd"}}"#),
        "reject" => plain(401, r#"{"error":{"message":"Incorrect API key: prov***abc"}}"#),
        "nousage" => plain(200, r#"{"choices":[{"message":{"content":"hello wide world"}}]}"#),
        "stream-cut" => streamed(vec![Ok(CHUNK), Err(std::io::Error::other("cut"))], false),
        "stream-hang" => streamed(vec![Ok(CHUNK)], true),
        "stream-nousage" => streamed(vec![Ok(CHUNK), Ok("data: [DONE]\n\n")], false),
        _ => plain(
            200,
            r#"{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":6}}}"#,
        ),
    }
}

async fn mocked(world: &Arc<World>) -> (Router, Seen) {
    mocked_with(world, Settings::default()).await
}

async fn mocked_with(world: &Arc<World>, settings: Settings) -> (Router, Seen) {
    let seen = Seen::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server =
        Router::new().route("/base/chat/completions", axum::routing::post(mock)).with_state(seen.clone());
    tokio::spawn(async move { axum::serve(listener, server).await.unwrap() });
    world.attach(&format!("http://{address}/base"), &["mock-model", "mock-chat", "unpriced"]);
    let settings = Settings { allowed_upstreams: vec![address.to_string()], ..settings };
    (world.gateway(settings).router(), seen)
}

fn body(model: &str, order: &str) -> String {
    let is_stream = order.starts_with("stream");
    format!(
        r#"{{"model":"{model}","stream":{is_stream},"messages":[{{"role":"user","content":"{order}"}}]}}"#
    )
}

#[tokio::test]
async fn credentials_and_cookies_stay_on_their_side() {
    let world = World::new();
    let (router, seen) = mocked(&world).await;
    let response = send(&router, asking(&world, CHAT, &body("mock/mock-model", "hi"))).await;
    assert_eq!(response.status(), 200);
    assert!(!response.headers().contains_key("set-cookie"));
    assert_ne!(response.headers()["x-request-id"], "theirs");
    let (headers, sent) = seen.0.lock().unwrap()[0].clone();
    assert_eq!(sent["model"], "mock-model");
    assert_eq!(headers["authorization"], "Bearer provider-secret-abc");
    for name in ["cookie", "x-forwarded-for", "x-api-key"] {
        assert!(!headers.contains_key(name), "{name}");
    }
    let record = &world.records()[0];
    // 4 at 1, 6 cached at a half, 4 out at 2 nano-dollars.
    assert_eq!(record.settlement.cost.nano(), 4 + 3 + 8);
    assert_eq!(record.call.model, "mock-model");
}

#[tokio::test]
async fn errors_of_the_provider_cost_nothing_and_tell_no_secret() {
    let world = World::new();
    let (router, _) = mocked(&world).await;
    for (order, status, expected) in [
        ("fail", 500, "boom"),
        ("leak", 400, "upstream_error"),
        ("reject", 502, "upstream_credential_rejected"),
    ] {
        let response = send(&router, asking(&world, CHAT, &body("mock-model", order))).await;
        assert_eq!(response.status(), status, "{order}");
        let told = text(response).await;
        assert!(told.contains(expected) && !told.contains("abc"), "{told}");
    }
    let records = world.records();
    assert_eq!(records.len(), 3);
    for record in records {
        assert_eq!(record.settlement.status, CallStatus::UpstreamError);
        assert_eq!(record.settlement.cost.nano(), 0);
    }
}

#[tokio::test]
async fn where_no_usage_comes_it_is_estimated() {
    let world = World::new();
    let (router, _) = mocked(&world).await;
    for order in ["nousage", "stream-nousage", "stream-cut"] {
        text(send(&router, asking(&world, CHAT, &body("mock-model", order))).await).await;
    }
    let records = world.records();
    assert_eq!(records.len(), 3);
    for record in &records {
        assert!(record.settlement.is_estimated);
        assert_eq!(record.settlement.quantities.output, 3);
        assert!(record.settlement.quantities.input > 0);
    }
    assert_eq!(records[2].settlement.status, CallStatus::UpstreamClosed);
}

#[tokio::test]
async fn a_stream_that_is_cut_midway_ends_with_an_error_event() {
    let world = World::new();
    let (router, _) = mocked(&world).await;
    let told = text(send(&router, asking(&world, CHAT, &body("mock-model", "stream-cut"))).await).await;
    assert!(
        told.starts_with(CHUNK) && told.contains("upstream_closed") && !told.contains("[DONE]"),
        "{told}"
    );
}

#[tokio::test]
async fn a_hanging_provider_is_read_two_seconds_after_the_client_left() {
    let world = World::new();
    let (router, _) = mocked(&world).await;
    let mut body = send(&router, asking(&world, CHAT, &body("mock-model", "stream-hang"))).await.into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(world.records().is_empty());
    settled(&world, 1).await;
    let record = &world.records()[0];
    assert_eq!(record.settlement.status, CallStatus::ClientClosed);
    assert!(record.settlement.is_estimated);
    assert_eq!(record.settlement.quantities.output, 3);
}

#[tokio::test]
async fn what_cannot_be_bounded_or_priced_does_not_leave() {
    let world = World::new();
    let (router, seen) = mocked(&world).await;
    world.allow(Allowance {
        id: AllowanceId::mint(world.ambient()),
        organization_id: world.key.lock().unwrap().organization_id,
        scope: Scope { level: Level::Organization, model: None },
        unit: Unit::NanoUsd,
        window: Window::Month,
        amount: 1_000_000,
        enforcement: Enforcement::Hard,
        created_at: world.ambient().now(),
    });
    for (model, status, code) in [("mock-chat", 400, "unbounded_cost"), ("unpriced", 400, "model_not_priced")]
    {
        let response = send(&router, asking(&world, CHAT, &body(model, "hi"))).await;
        assert_eq!(response.status(), status);
        assert!(text(response).await.contains(code));
    }
    assert!(seen.0.lock().unwrap().is_empty() && world.records().is_empty());
    let bounded = body("mock-chat", "hi").replace("\"stream\"", "\"max_tokens\":9,\"stream\"");
    assert_eq!(send(&router, asking(&world, CHAT, &bounded)).await.status(), 200);
    assert_eq!(world.journal.settled.lock().unwrap()[0].charges.len(), 1);
}

#[tokio::test]
async fn a_private_address_that_is_not_listed_is_refused_and_free() {
    let world = World::new();
    world.attach("http://127.0.0.1:9/base", &["mock-model"]);
    let router = world.gateway(Settings::default()).router();
    let response = send(&router, asking(&world, CHAT, &body("mock-model", "hi"))).await;
    assert_eq!(response.status(), 502);
    assert!(text(response).await.contains("upstream_address_not_allowed"));
    assert_eq!(world.records()[0].settlement.cost.nano(), 0);
    let key = domain::allowances::SliceKey {
        allowance_id: AllowanceId::mint(world.ambient()),
        window_start: world.ambient().now(),
    };
    assert_eq!(world.purse().lock().unwrap().held_and_free(key), (0, 0));
}

#[tokio::test]
async fn a_provider_that_falls_silent_ends_the_stream() {
    let world = World::new();
    let quick = Settings { answer_timeout: Duration::from_millis(200), ..Settings::default() };
    let (router, _) = mocked_with(&world, quick).await;
    let told = text(send(&router, asking(&world, CHAT, &body("mock-model", "stream-hang"))).await).await;
    assert!(told.starts_with(CHUNK) && told.contains("upstream_closed"), "{told}");
    assert_eq!(world.records()[0].settlement.status, CallStatus::UpstreamClosed);
}
