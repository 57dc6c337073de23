//! A served instance with two organizations and people of every role, made through the doors and, for what only a
//! link in a mail or a passing of time can do, through the same operations that the doors call.

use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use control::accounts::sign_in::open_session;
use control::admin_keys::{NewAdminKey, create_admin_key};
use control::invites::{Accepting, accept_invite};
use control::{Control, NoFollowers, Settings, session};
use domain::access::{Actor, Credential, Grant, Origin, Task};
use domain::accounts::{AccountLink, LinkKind};
use domain::api_keys::opaque_token;
use domain::audit::{AuditEntry, Verb};
use domain::ids::{SessionId, UserId};
use domain::time::{Ambient, HOUR, Timestamp};
use serde_json::{Value, json};
use store::{Secrets, Store};

use crate::server::{Bootstrapped, Server, Start, bootstrap};

/// The password of everybody.
pub const PASSWORD: &str = "correct horse battery";
/// An address that webhooks may have and at which nobody listens.
pub const NOBODY: &str = "127.0.0.1:9";
/// So long ago that a session opened then has been idle for too long, in microseconds.
const LONG_AGO: i64 = 13 * HOUR;

/// The randomness of this machine, and its clock or one that runs behind it.
struct Behind(i64);

impl Ambient for Behind {
    fn now(&self) -> Timestamp {
        let micros = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
        Timestamp::from_unix_micros(i64::try_from(micros).unwrap() - self.0)
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        aws_lc_rs::rand::fill(buffer).unwrap();
    }
}

/// A person of an organization, with an admin key of their own there.
#[derive(Clone, Debug)]
pub struct Person {
    pub user_id: String,
    pub admin_key: String,
}

/// A signed-in browser: its cookie, and the proof that its forms carry.
#[derive(Clone, Debug)]
pub struct Browser {
    pub cookie: String,
    pub csrf: String,
    pub session_id: String,
}

/// A server, its data folder, and two organizations.
pub struct World {
    pub server: Server,
    pub acme: Bootstrapped,
    pub other: Bootstrapped,
    control: Control,
    past: Control,
    /// The address of its database.
    pub database: String,
    pub folder: tempfile::TempDir,
}

impl World {
    /// Starts a server on SQLite with the organizations `Other` and `Acme`.
    pub async fn new() -> Self {
        Self::on(None, true).await
    }

    /// Starts a server on a database, SQLite where none is named, with `Acme` and, there before it, `Other`. Where there
    /// is no `Other`, it has no Admin.
    pub async fn on(database: Option<String>, has_other: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made =
            async |name: &str, email: &str| bootstrap(folder.path(), database.as_deref(), name, email).await;
        let nobody = || Bootstrapped {
            organization_id: String::new(),
            user_id: String::new(),
            admin_key: String::new(),
        };
        let other = if has_other { made("Other", "admin@other.test").await } else { nobody() };
        let acme = made("Acme", "admin@acme.test").await;
        let start = Start {
            data: folder.path().to_owned(),
            database: database.clone(),
            allow_upstream: vec![NOBODY.to_owned()],
        };
        let settings = folder.path().join("settings.toml");
        let text = "trusted_proxies = [\"127.0.0.0/8\"]\n[simulated]\nlatency_ms = 0\n\
                    [mail]\nserver = \"smtp://127.0.0.1:9\"\n";
        std::fs::write(&settings, text).unwrap();
        let server = start.serve_with(&["--config", settings.to_str().unwrap()]).await;
        let file = || format!("sqlite://{}", folder.path().join("bailiwick.db").display());
        let database = database.unwrap_or_else(file);
        let control = control_of(folder.path(), &database, Behind(0)).await;
        let past = control_of(folder.path(), &database, Behind(LONG_AGO)).await;
        Self { server, acme, other, control, past, database, folder }
    }

    /// A call of Acme's Admin that has to succeed.
    pub async fn admin(&self, method: &str, path: &str, body: Value) -> Value {
        self.of(&self.acme, method, path, body).await
    }

    /// A call of an organization's Admin that has to succeed.
    pub async fn of(&self, organization: &Bootstrapped, method: &str, path: &str, body: Value) -> Value {
        let body = (!body.is_null()).then_some(&body);
        self.server.ok(method, path, &organization.admin_key, body).await
    }

    /// A project of Acme's; its id.
    pub async fn project(&self, name: &str) -> String {
        let body = json!({"name": name, "environment": "development"});
        text_of(&self.admin("POST", "/v1/organization/projects", body).await, "id")
    }

    /// A person who joins an organization with a role in it and, where given, in a project.
    pub async fn person(
        &self,
        organization: &Bootstrapped,
        email: &str,
        role: &str,
        project: Option<(&str, &str)>,
    ) -> Person {
        let projects: Vec<Value> = project.iter().map(|(id, role)| json!({"id": id, "role": role})).collect();
        let body = json!({"email": email, "bailiwick_role": role, "projects": projects});
        let name = email.split('@').next().unwrap();
        let user_id = self.join(organization, body, Accepting::New { name, password: PASSWORD }).await;
        let admin_key = self.admin_key(organization, &user_id).await;
        Person { user_id, admin_key }
    }

    /// Makes somebody who has an account a member of one more organization.
    pub async fn admit(&self, organization: &Bootstrapped, email: &str) {
        self.join(organization, json!({"email": email}), Accepting::Password(PASSWORD)).await;
    }

    /// Makes somebody who is signed in a member, with a role.
    pub async fn rejoin(&self, organization: &Bootstrapped, user_id: &str, role: &str) {
        let id: UserId = user_id.parse().unwrap();
        let user = self.control.store.account(id).await.unwrap().unwrap().user;
        let actor = Actor {
            user_id: id,
            email: user.email.clone(),
            credential: Credential::Session(SessionId::from_parts(self.control.now(), 1)),
            standing: None,
            origin: Origin::default(),
        };
        let body = json!({"email": user.email, "bailiwick_role": role});
        self.join(organization, body, Accepting::SignedIn(&actor)).await;
    }

    async fn join(&self, organization: &Bootstrapped, invite: Value, accepting: Accepting<'_>) -> String {
        let sent = self.of(organization, "POST", "/v1/organization/invites", invite).await;
        let token = sent["url"].as_str().unwrap().rsplit('/').next().unwrap();
        let accepted = accept_invite(&self.control, token, accepting, &Origin::default()).await.unwrap();
        accepted.user.id.to_string()
    }

    /// The moment, in Unix seconds.
    pub fn server_time(&self) -> i64 {
        self.control.now().unix_seconds()
    }

    /// The same control plane, some microseconds later.
    pub async fn later(&self, micros: i64) -> Control {
        control_of(self.folder.path(), &self.database, Behind(-micros)).await
    }

    /// Puts on its way to webhooks what happened so far.
    pub async fn fan_out(&self) {
        self.control.store.fan_out(10_000, self.control.now(), None).await.unwrap();
    }

    /// A new admin key of a person.
    pub async fn admin_key(&self, organization: &Bootstrapped, user_id: &str) -> String {
        made_key(&self.control, organization, user_id, None).await
    }

    /// An admin key of a person that has expired.
    pub async fn expired_admin_key(&self, organization: &Bootstrapped, user_id: &str) -> String {
        made_key(&self.past, organization, user_id, Some(60)).await
    }

    /// A link about a person's account as the mail to their address would bring it: the address, and the token.
    pub async fn account_link(&self, kind: LinkKind, user_id: &str) -> (String, String) {
        let (control, id): (_, UserId) = (&self.control, user_id.parse().unwrap());
        let email = control.store.account(id).await.unwrap().unwrap().user.email;
        let organization = control.store.first_organization(id).await.unwrap();
        let token = opaque_token(control.ambient.as_ref());
        let mut change = control.change(&Grant::system(Task::SignIn, organization)).await.unwrap();
        let (created_at, expires_at) = (change.at(), change.at().plus_micros(kind.lifetime()));
        let link =
            AccountLink { user_id: id, kind, email: email.clone(), voucher: None, created_at, expires_at };
        let hash = control.secrets.pepper().hash(token.reveal());
        change.put_account_link(&link, Some(&hash)).await.unwrap();
        control.commit(change, AuditEntry::new(Verb::PasswordResetOffered, id)).await.unwrap();
        (email, token.reveal().to_owned())
    }

    /// A browser in which a person signs in now.
    pub async fn browser(&self, user_id: &str) -> Browser {
        browser_of(&self.control, user_id).await
    }

    /// A browser in which a person signed in too long ago.
    pub async fn idle_browser(&self, user_id: &str) -> Browser {
        browser_of(&self.past, user_id).await
    }
}

async fn made_key(
    control: &Control,
    organization: &Bootstrapped,
    user_id: &str,
    lives: Option<i64>,
) -> String {
    let grant = Grant::system(Task::AcceptInvite, Some(organization.organization_id.parse().unwrap()));
    let owner_id = Some(user_id.parse().unwrap());
    let new = NewAdminKey { name: "own".to_owned(), expires_in_seconds: lives, owner_id };
    create_admin_key(control, &grant, new).await.unwrap().secret.reveal().to_owned()
}

async fn browser_of(control: &Control, user_id: &str) -> Browser {
    let id: UserId = user_id.parse().unwrap();
    let user = control.store.account(id).await.unwrap().unwrap().user;
    let signed_in = open_session(control, &user, &Origin::default()).await.unwrap();
    let cookie = signed_in.cookie.split(';').next().unwrap().to_owned();
    let (_, token) = cookie.split_once('=').unwrap();
    let hash = control.secrets.pepper().hash(token);
    let (now, ever) = (control.now(), Timestamp::from_unix_seconds(0));
    let held = control.store.session_holder(&hash, now, ever).await.unwrap().unwrap();
    let csrf = session::csrf(control.secrets.pepper(), held.session.id);
    Browser { cookie, csrf, session_id: held.session.id.to_string() }
}

async fn control_of(data: &Path, database: &str, ambient: Behind) -> Control {
    let store = Store::open(database).await.unwrap();
    let text = std::fs::read_to_string(data.join("master.key")).unwrap();
    let digits = text.trim();
    let mut master = [0; 32];
    for (index, byte) in master.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * index..2 * index + 2], 16).unwrap();
    }
    let secrets = Arc::new(Secrets::from_master(&master).unwrap());
    Control::new(store, Arc::new(ambient), secrets, Arc::new(NoFollowers), Settings::default()).unwrap()
}

/// A text field of an answer.
pub fn text_of(answer: &Value, name: &str) -> String {
    answer[name].as_str().unwrap_or_else(|| panic!("no {name} in {answer}")).to_owned()
}
