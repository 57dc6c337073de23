//! A control plane on a fresh database, and a caller for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::body::Body;
use control::accounts::set_up::{Bootstrapped, bootstrap};
use control::accounts::sign_in::sign_in;
use control::admin_keys::{NewAdminKey, create_admin_key};
use control::invites::{Accepting, accept_invite};
use control::{Control, NoFollowers, Settings, router, session};
use domain::access::{Grant, OrganizationRole, Origin, Task};
use domain::audit::{AuditEntry, Verb};
use domain::ids::UserId;
use domain::members::User;
use domain::time::{Ambient, Timestamp};
use http::{Request, StatusCode, header};
use serde_json::{Value, json};
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

/// A member and their admin key.
pub struct Person {
    pub id: String,
    pub key: String,
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

    /// Whether it leads back to a page that says why something was refused.
    pub fn flashed_bad(&self) -> bool {
        let cookies = self.headers.get_all("set-cookie").iter().filter_map(|one| one.to_str().ok());
        self.status == 303 && cookies.into_iter().any(|cookie| cookie.starts_with("flash=bad"))
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
    bare_with(Settings::default()).await
}

async fn bare_with(settings: Settings) -> (Control, Arc<Clock>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&format!("sqlite://{}/test.db", folder.path().display())).await.unwrap();
    let clock = Arc::new(Clock(AtomicI64::new(1_790_000_000_000_000)));
    store.migrate(clock.now()).await.unwrap();
    let secrets = Arc::new(Secrets::from_master(&[5; 32]).unwrap());
    let control = Control::new(store, clock.clone(), secrets, Arc::new(NoFollowers), settings).unwrap();
    (control, clock, folder)
}

impl World {
    pub async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub async fn with(settings: Settings) -> Self {
        let (control, clock, folder) = bare_with(settings).await;
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

    /// A member with an admin key of their own, made behind the doors.
    pub async fn person(&self, name: &str, role: OrganizationRole) -> Person {
        let organization = self.acme.organization_id;
        let grant = Grant::system(Task::Demo, Some(organization));
        // Ids of one moment have no order.
        self.wait(1_000);
        let user_id = UserId::mint(self.clock.as_ref());
        let (email, at) = (format!("{name}@example.test"), self.control.now());
        let mut change = self.control.change(&grant).await.unwrap();
        let user = User { id: user_id, email, name: name.to_owned(), created_at: at };
        change.insert_user(&user, "hash").await.unwrap();
        change.insert_member(organization, user_id, role, None).await.unwrap();
        self.control.commit(change, AuditEntry::new(Verb::UserAdded, user_id)).await.unwrap();
        let new = NewAdminKey { name: "own".to_owned(), expires_in_seconds: None, owner_id: Some(user_id) };
        let issued = create_admin_key(&self.control, &grant, new).await.unwrap();
        Person { id: user_id.to_string(), key: issued.secret.reveal().to_owned() }
    }

    /// A call of a person.
    pub async fn by(&self, person: &Person, line: &str, body: Value) -> Seen {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        self.call(&person.key, line, &[], text).await
    }

    /// A member with a password, who can sign in.
    pub async fn joined(&self, email: &str) -> UserId {
        let invite = json!({"email": email, "role": "reader"});
        let invite = self.admin("POST /v1/organization/invites", invite).await.json();
        let token = invite["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        let new = Accepting::New { name: "Joined", password: PASSWORD };
        accept_invite(&self.control, &token, new, &Origin::default()).await.unwrap().user.id
    }

    /// The cookie and the proof of a browser in which somebody with a password is signed in.
    pub async fn browser(&self, user: UserId, email: &str) -> (String, String) {
        let cookie = sign_in(&self.control, email, PASSWORD, &Origin::default()).await.unwrap().cookie;
        let at = self.control.now();
        let sessions = self.control.store.sessions_of(user, at, Default::default()).await.unwrap();
        let proof = session::csrf(self.control.secrets.pepper(), sessions[0].id);
        (cookie.split(';').next().unwrap().to_owned(), proof)
    }

    /// The browser of the Admin who set Acme up.
    pub async fn admins_browser(&self) -> (String, String) {
        self.browser(self.acme.user_id, "admin@example.test").await
    }

    /// What the console answers below `/o/acme` in a browser; the fields of a form for a post.
    pub async fn console(&self, (cookie, proof): &(String, String), line: &str, fields: &str) -> Seen {
        let is_form = line.starts_with("POST");
        let body = if is_form { format!("csrf={proof}&{fields}") } else { String::new() };
        let form = ("content-type", "application/x-www-form-urlencoded");
        self.call("", &line.replace(" /", " /o/acme/"), &[("cookie", cookie.as_str()), form], body).await
    }

    /// How many records of a verb the trail holds, as the feed tells.
    pub async fn events(&self, verb: &str) -> usize {
        let events = self.control.store.feed_after(0, 10_000).await.unwrap();
        events.iter().filter(|event| event.verb == verb).count()
    }
}
