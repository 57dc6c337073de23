//! A control plane on a fresh database, and a caller for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::body::Body;
use control::accounts::set_up::{Bootstrapped, bootstrap};
use control::{Control, NoFollowers, Settings, router};
use domain::time::{Ambient, Timestamp};
use http::{Request, StatusCode, header};
use serde_json::Value;
use store::{Secrets, Store};
use tower_service::Service as _;

pub const PASSWORD: &str = "a long enough password";

/// A clock that only the test moves.
pub struct Clock(AtomicI64);

impl Ambient for Clock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_micros(self.0.load(Ordering::SeqCst))
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        aws_lc_rs::rand::fill(buffer).unwrap();
    }
}

/// A control plane with one organization, `Acme`, and its Admin.
pub struct World {
    pub control: Control,
    pub clock: Arc<Clock>,
    pub acme: Bootstrapped,
    router: axum::Router,
    _folder: tempfile::TempDir,
}

/// What came back.
#[derive(Debug)]
pub struct Seen {
    pub status: StatusCode,
    pub headers: http::HeaderMap,
    pub text: String,
}

impl Seen {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// Status and code of an error in the wire's shape.
    pub fn refusal(&self) -> (u16, String) {
        let error = self.json()["error"].clone();
        assert!(error["message"].is_string() && error["type"].is_string(), "{self:?}");
        assert!(self.headers.contains_key("x-request-id"));
        (self.status.as_u16(), error["code"].as_str().unwrap().to_owned())
    }
}

/// A control plane that nobody has set up yet.
pub async fn bare() -> (Control, Arc<Clock>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&format!("sqlite://{}/test.db", folder.path().display())).await.unwrap();
    let clock = Arc::new(Clock(AtomicI64::new(1_790_000_000_000_000)));
    store.migrate(clock.now()).await.unwrap();
    let secrets = Arc::new(Secrets::from_master(&[5; 32]).unwrap());
    let control =
        Control::new(store, clock.clone(), secrets, Arc::new(NoFollowers), Settings::default()).unwrap();
    (control, clock, folder)
}

impl World {
    pub async fn new() -> Self {
        let (control, clock, folder) = bare().await;
        let acme = bootstrap(&control, "Acme", "admin@example.test", PASSWORD).await.unwrap();
        let router = router(control.clone(), Vec::new());
        Self { control, clock, acme, router, _folder: folder }
    }

    pub fn wait(&self, micros: i64) {
        self.clock.0.fetch_add(micros, Ordering::SeqCst);
    }

    pub async fn send(&self, request: Request<Body>) -> Seen {
        let response = self.router.clone().call(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Seen { status: parts.status, headers: parts.headers, text }
    }

    /// A call with a key and more headers; an empty body for none.
    pub async fn call(
        &self,
        key: &str,
        line: &str,
        headers: &[(&str, &str)],
        body: impl Into<String>,
    ) -> Seen {
        let (method, path) = line.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(path);
        if !key.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.into())).unwrap()).await
    }

    /// A call with the Admin's key.
    pub async fn admin(&self, line: &str, body: Value) -> Seen {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        self.call(&self.acme.admin_key, line, &[], text).await
    }

    /// How many records of a verb the trail holds, as the feed tells.
    pub async fn events(&self, verb: &str) -> usize {
        let events = self.control.store.feed_after(0, 10_000).await.unwrap();
        events.iter().filter(|event| event.verb == verb).count()
    }
}
