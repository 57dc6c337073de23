//! A served organization with people of every role, made through the doors and, for what only a link in a mail can
//! do, through the same operations that the link calls.

use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use control::admin_keys::{NewAdminKey, create_admin_key};
use control::invites::{Accepting, accept_invite};
use control::{Control, NoFollowers, Settings};
use domain::access::{Grant, Origin, Task};
use domain::ids::UserId;
use domain::time::{Ambient, Timestamp};
use serde_json::{Value, json};
use store::{Secrets, Store};

use crate::server::{Bootstrapped, Server, Start, bootstrap};

/// The clock and the randomness of this machine.
struct Real;

impl Ambient for Real {
    fn now(&self) -> Timestamp {
        let micros = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
        Timestamp::from_unix_micros(i64::try_from(micros).unwrap())
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        aws_lc_rs::rand::fill(buffer).unwrap();
    }
}

/// A person of the organization.
#[derive(Clone)]
pub struct Person {
    pub user_id: String,
    pub admin_key: String,
}

/// A server, its data folder, and two organizations.
pub struct World {
    pub server: Server,
    pub acme: Bootstrapped,
    pub other: Bootstrapped,
    control: Control,
    pub folder: tempfile::TempDir,
}

impl World {
    /// Starts a server on SQLite with the organizations `Acme` and `Other`.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let acme = bootstrap(folder.path(), None, "Acme", "admin@acme.test").await;
        let other = bootstrap(folder.path(), None, "Other", "admin@other.test").await;
        let start = Start { data: folder.path().to_owned(), database: None, allow_upstream: Vec::new() };
        let server = start.serve().await;
        let control = control_of(folder.path()).await;
        Self { server, acme, other, control, folder }
    }

    /// A call of the Admin that has to succeed.
    pub async fn admin(&self, method: &str, path: &str, body: Value) -> Value {
        let body = (!body.is_null()).then_some(&body);
        self.server.ok(method, path, &self.acme.admin_key, body).await
    }

    /// A new project of the Admin.
    pub async fn project(&self, name: &str) -> String {
        id_of(&self.admin("POST", "/v1/organization/projects", json!({"name": name})).await)
    }

    /// A person with a role in the organization and, where given, in a project; with an admin key of their own.
    pub async fn person(&self, name: &str, role: &str, project: Option<(&str, &str)>) -> Person {
        let projects: Vec<Value> = project.iter().map(|(id, role)| json!({"id": id, "role": role})).collect();
        let body =
            json!({"email": format!("{name}@acme.test"), "bailiwick_role": role, "projects": projects});
        let sent = self.admin("POST", "/v1/organization/invites", body).await;
        let token = sent["url"].as_str().unwrap().rsplit('/').next().unwrap();
        let accepting = Accepting::New { name, password: "correct horse battery" };
        let accepted = accept_invite(&self.control, token, accepting, &Origin::default()).await.unwrap();
        let admin_key = self.key_of(accepted.user.id).await;
        Person { user_id: accepted.user.id.to_string(), admin_key }
    }

    async fn key_of(&self, user: UserId) -> String {
        let organization = self.acme.organization_id.parse().unwrap();
        let grant = Grant::system(Task::AcceptInvite, Some(organization));
        let new = NewAdminKey { name: "own".to_owned(), expires_in_seconds: None, owner_id: Some(user) };
        create_admin_key(&self.control, &grant, new).await.unwrap().secret.reveal().to_owned()
    }
}

async fn control_of(data: &Path) -> Control {
    let store = Store::open(&format!("sqlite://{}", data.join("bailiwick.db").display())).await.unwrap();
    let text = std::fs::read_to_string(data.join("master.key")).unwrap();
    let digits = text.trim();
    let mut master = [0; 32];
    for (index, byte) in master.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * index..2 * index + 2], 16).unwrap();
    }
    let secrets = Arc::new(Secrets::from_master(&master).unwrap());
    Control::new(store, Arc::new(Real), secrets, Arc::new(NoFollowers), Settings::default()).unwrap()
}

/// The id in an answer.
pub fn id_of(answer: &Value) -> String {
    answer["id"].as_str().unwrap_or_else(|| panic!("no id in {answer}")).to_owned()
}
