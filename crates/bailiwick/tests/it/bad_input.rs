//! Requests that make no sense: refused in the family's shape, and nothing changes.

use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::world::World;

/// Sends a body as it is, and returns status and code after checking the error's shape.
async fn refusal(world: &World, method: &str, path: &str, body: String) -> (u16, String) {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<bytes::Bytes>>();
    let request = Request::builder()
        .method(method)
        .uri(format!("{}{path}", world.server.url))
        .header("authorization", format!("Bearer {}", world.acme.admin_key))
        .header("content-type", "application/json")
        .body(Full::new(bytes::Bytes::from(body)))
        .unwrap();
    let (parts, body) = client.request(request).await.unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let told: Value = serde_json::from_slice(&bytes)
        .unwrap_or_else(|_| panic!("{method} {path}: {}", String::from_utf8_lossy(&bytes)));
    assert!(parts.headers.contains_key("x-request-id"), "{method} {path}");
    let error = &told["error"];
    assert!(error["message"].is_string() && error["type"].is_string(), "{method} {path}: {told}");
    assert!(error.as_object().unwrap().contains_key("param"), "{method} {path}: {told}");
    let code = error["code"].as_str().unwrap_or_else(|| panic!("{method} {path} has no code: {told}"));
    (parts.status.as_u16(), code.to_owned())
}

/// What the organization holds.
async fn state(world: &World) -> Vec<Value> {
    let mut lists = Vec::new();
    for path in ["", "/projects", "/providers", "/invites", "/allowances", "/users"] {
        lists.push(world.admin("GET", &format!("/v1/organization{path}"), Value::Null).await);
    }
    lists
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_requests_are_refused_in_shape_and_change_nothing() {
    let world = World::new().await;
    let before = state(&world).await;
    let creates = ["/projects", "/providers", "/invites", "/allowances", "/admin_api_keys", "/prices"];
    for create in creates.map(|noun| format!("/v1/organization{noun}")) {
        for body in
            ["{\"name\":", "[]", "\"text\"", "7", "{\"name\":7,\"email\":[],\"model\":{},\"scope\":1}"]
        {
            let (status, code) = refusal(&world, "POST", &create, body.to_owned()).await;
            assert_eq!(status, 400, "POST {create} {body}: {code}");
        }
        let huge = format!("{{\"name\":\"{}\"}}", "x".repeat(1024 * 1024 + 1));
        assert_eq!(refusal(&world, "POST", &create, huge).await.0, 413, "{create}");
    }
    for (method, path, status) in [
        ("GET", "/v1/organization/no_such_thing", 404),
        ("GET", "/v1/nothing", 404),
        ("GET", "/openai/v1/nothing", 404),
        ("PUT", "/v1/organization/projects", 405),
        ("PATCH", "/v1/organization", 405),
        ("DELETE", "/v1/chat/completions", 405),
        ("GET", "/v1/organization/projects/not-an-id", 404),
        ("GET", "/v1/organization/projects?limit=many", 400),
    ] {
        let (seen, code) = refusal(&world, method, path, String::new()).await;
        assert_eq!(seen, status, "{method} {path}: {code}");
    }
    assert_eq!(before, state(&world).await);
}
