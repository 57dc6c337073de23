//! Webhooks arrive: signed, in order, at least once, over kills of the server and failures of the receiver; and never
//! at an address that a tenant may not choose.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::post;
use domain::messages::{WebhookSecret, headers};
use domain::time::Timestamp;
use serde_json::{Value, json};
use tokio::sync::RwLock;

use crate::server::{Bootstrapped, Server, Start, bootstrap};

/// One webhook as it came in.
#[derive(Clone, Debug)]
struct Came {
    path: &'static str,
    id: String,
    timestamp: i64,
    signature: String,
    body: String,
}

#[derive(Default)]
struct Inbox {
    came: Mutex<Vec<Came>>,
    /// How many calls of the failing path are still answered 500.
    failures_left: AtomicUsize,
    forbidden: Mutex<String>,
}

impl Inbox {
    fn note(&self, path: &'static str, headers: &HeaderMap, body: String) {
        let text = |name: &str| headers[name].to_str().unwrap().to_owned();
        let came = Came {
            path,
            id: text("webhook-id"),
            timestamp: text("webhook-timestamp").parse().unwrap(),
            signature: text("webhook-signature"),
            body,
        };
        self.came.lock().unwrap().push(came);
    }

    fn at(&self, path: &str) -> Vec<Came> {
        self.came.lock().unwrap().iter().filter(|came| came.path == path).cloned().collect()
    }

    /// The ids that came in at a path, each at its first time.
    fn ids(&self, path: &str) -> Vec<String> {
        let mut ids = Vec::new();
        for came in self.at(path) {
            if !ids.contains(&came.id) {
                ids.push(came.id);
            }
        }
        ids
    }
}

/// A receiver that takes, dawdles, fails and redirects.
struct Receiver {
    inbox: Arc<Inbox>,
    address: SocketAddr,
    /// A second listener, which nobody may be sent to.
    forbidden: SocketAddr,
}

impl Receiver {
    async fn start() -> Self {
        let inbox = Arc::new(Inbox::default());
        let routes = Router::new()
            .route("/ok", post(ok))
            .route("/slow", post(slow))
            .route("/failing", post(failing))
            .route("/redirect", post(redirect))
            .with_state(Arc::clone(&inbox));
        let sink = Router::new().route("/sink", post(sink).get(sink)).with_state(Arc::clone(&inbox));
        let (address, forbidden) = (listen(routes).await, listen(sink).await);
        *inbox.forbidden.lock().unwrap() = format!("http://{forbidden}/sink");
        Self { inbox, address, forbidden }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

async fn listen(routes: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    address
}

async fn ok(State(inbox): State<Arc<Inbox>>, headers: HeaderMap, body: String) -> StatusCode {
    inbox.note("/ok", &headers, body);
    StatusCode::NO_CONTENT
}

async fn slow(State(inbox): State<Arc<Inbox>>, headers: HeaderMap, body: String) -> StatusCode {
    tokio::time::sleep(Duration::from_millis(400)).await;
    inbox.note("/slow", &headers, body);
    StatusCode::OK
}

async fn failing(State(inbox): State<Arc<Inbox>>, headers: HeaderMap, body: String) -> Response {
    inbox.note("/failing", &headers, body);
    let fails = |left: usize| left.checked_sub(1);
    match inbox.failures_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fails) {
        Ok(_) => (StatusCode::INTERNAL_SERVER_ERROR, "not now").into_response(),
        Err(_) => StatusCode::OK.into_response(),
    }
}

async fn redirect(State(inbox): State<Arc<Inbox>>, headers: HeaderMap, body: String) -> Redirect {
    inbox.note("/redirect", &headers, body);
    Redirect::temporary(&inbox.forbidden.lock().unwrap())
}

async fn sink(State(inbox): State<Arc<Inbox>>) -> StatusCode {
    inbox.came.lock().unwrap().push(Came {
        path: "/sink",
        id: String::new(),
        timestamp: 0,
        signature: String::new(),
        body: String::new(),
    });
    StatusCode::OK
}

/// Waits until something holds, at most half a minute.
async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < Duration::from_secs(30), "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn hook(server: &Server, admin: &Bootstrapped, url: &str) -> Value {
    let body = json!({"url": url, "event_types": ["project.created", "project.updated"]});
    server.ok("POST", "/v1/organization/webhooks", &admin.admin_key, Some(&body)).await
}

async fn project(server: &Server, admin: &Bootstrapped, name: &str) -> String {
    let made = server
        .ok("POST", "/v1/organization/projects", &admin.admin_key, Some(&json!({ "name": name })))
        .await;
    made["id"].as_str().unwrap().to_owned()
}

/// The ids of the audit records that a webhook is told of, oldest first.
async fn told(server: &Server, admin: &Bootstrapped) -> Vec<String> {
    let (mut ids, mut after) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/organization/audit_events?limit=100{after}");
        let page = server.ok("GET", &path, &admin.admin_key, None).await;
        for event in page["data"].as_array().unwrap() {
            if ["project.created", "project.updated"].contains(&event["type"].as_str().unwrap_or_default()) {
                ids.push(event["id"].as_str().unwrap().to_owned());
            }
        }
        if page["has_more"] != true {
            ids.reverse();
            return ids;
        }
        after = format!("&after={}", page["last_id"].as_str().unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_signed_tried_again_and_logged() {
    let data = tempfile::tempdir().unwrap();
    let admin = bootstrap(data.path(), None, "Hooks", "admin@example.test").await;
    let receiver = Receiver::start().await;
    let down = "127.0.0.1:9";
    let allow = vec![receiver.address.to_string(), down.to_owned()];
    let start = Start { data: data.path().to_owned(), database: None, allow_upstream: allow };
    let server = start.serve().await;
    let forbidden = json!({"url": format!("http://{}/sink", receiver.forbidden)});
    let refused = server.call("POST", "/v1/organization/webhooks", &admin.admin_key, Some(&forbidden)).await;
    assert_eq!((refused.status, refused.body["error"]["code"].as_str()), (400, Some("address_not_allowed")));
    let fine = hook(&server, &admin, &receiver.url("/ok")).await;
    for path in ["/slow", "/failing", "/redirect"] {
        hook(&server, &admin, &receiver.url(path)).await;
    }
    hook(&server, &admin, &format!("http://{down}/")).await;
    receiver.inbox.failures_left.store(1, Ordering::SeqCst);
    project(&server, &admin, "First").await;
    until("everyone was told", async || {
        receiver.inbox.at("/failing").len() >= 2 && !receiver.inbox.at("/slow").is_empty()
    })
    .await;
    let came = &receiver.inbox.at("/ok")[0];
    let secret = WebhookSecret::parse(fine["secret"].as_str().unwrap()).unwrap();
    let expected = headers(&[secret], &came.id, Timestamp::from_unix_seconds(came.timestamp), &came.body);
    assert_eq!(came.signature, expected[2].1);
    let body: Value = serde_json::from_str(&came.body).unwrap();
    assert_eq!((&body["type"], &body["data"]["after"]["name"]), (&json!("project.created"), &json!("First")));
    let failing = receiver.inbox.at("/failing");
    assert_eq!(failing[0].id, failing[1].id, "the same event at each attempt");
    assert!(receiver.inbox.at("/sink").is_empty(), "no redirect is followed");
    let waiting = "/v1/organization/webhook_deliveries?status=pending";
    let waiting = server.ok("GET", waiting, &admin.admin_key, None).await;
    let errors: Vec<&str> =
        waiting["data"].as_array().unwrap().iter().map(|one| one["last_error"].as_str().unwrap()).collect();
    assert_eq!(errors.len(), 2, "the redirecting and the one that is down: {waiting}");
    let id = server
        .ok("GET", "/v1/organization/webhook_deliveries?status=delivered", &admin.admin_key, None)
        .await;
    let replay =
        format!("/v1/organization/webhook_deliveries/{}/replay", id["data"][0]["id"].as_str().unwrap());
    let before = receiver.inbox.came.lock().unwrap().len();
    server.ok("POST", &replay, &admin.admin_key, None).await;
    until("it was sent again", async || receiver.inbox.came.lock().unwrap().len() > before).await;
}

/// How many events, and over how many kills.
fn size() -> (usize, usize) {
    if std::env::var("BAILIWICK_TEST_FULL").is_ok() { (1_000, 20) } else { (160, 4) }
}

async fn stand_trial(data: &Path, database: Option<String>) {
    let (events, kills) = size();
    let admin = bootstrap(data, database.as_deref(), "Hooks", "admin@example.test").await;
    let receiver = Receiver::start().await;
    let allow_upstream = vec![receiver.address.to_string()];
    let start = Start { data: data.to_owned(), database, allow_upstream };
    let server = RwLock::new(start.serve().await);
    hook(&*server.read().await, &admin, &receiver.url("/ok")).await;
    let id = project(&*server.read().await, &admin, "First").await;
    for number in 0..events {
        let body = json!({"description": format!("change {number}")});
        let path = format!("/v1/organization/projects/{id}");
        let answer = server.read().await.try_call("POST", &path, &admin.admin_key, Some(&body)).await;
        assert!(answer.is_ok_and(|answer| answer.status == 200), "change {number}");
        if number % (events / kills) == events / kills / 2 {
            server.read().await.kill().await;
            *server.write().await = start.serve().await;
        }
    }
    let expected = told(&*server.read().await, &admin).await;
    assert_eq!(expected.len(), events + 1);
    let patience = Instant::now();
    while receiver.inbox.ids("/ok").len() < expected.len() && patience.elapsed() < Duration::from_secs(60) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(receiver.inbox.ids("/ok"), expected, "each event, in the order of the changes");
    println!("{} events came in {} times over {kills} kills", expected.len(), receiver.inbox.at("/ok").len());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_event_is_lost_or_overtaken_over_kills() {
    let data = tempfile::tempdir().unwrap();
    stand_trial(data.path(), None).await;
}
