//! The metered door from outside: requests through the router, against providers simulated and mocked.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests may fail loudly"
)]

mod fake;
mod golden;
mod mocked;
mod narrowed;
mod policy;
mod simulated;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::Request;
use http_body_util::BodyExt;
use tower_service::Service;

use fake::World;

/// A request as the key's owner would send it.
pub fn asking(world: &World, path: &str, body: &str) -> Request<Body> {
    Request::post(path)
        .header("authorization", format!("Bearer {}", world.secret.reveal()))
        .header("user-agent", "u".repeat(300))
        .header("cookie", "session=client-cookie")
        .header("x-forwarded-for", "203.0.113.9")
        .body(Body::from(body.to_owned()))
        .unwrap()
}

/// The router's answer.
pub async fn send(router: &Router, request: Request<Body>) -> Response {
    router.clone().call(request).await.unwrap()
}

/// The whole body, as text.
pub async fn text(response: Response) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

/// Waits until so many records are settled; tasks that outlive a call run meanwhile.
pub async fn settled(world: &World, count: usize) {
    for _ in 0..500 {
        if world.records().len() >= count {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
