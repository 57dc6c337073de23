//! The kinds of caller of each surface, and how each of them sends a call.

use std::collections::BTreeMap;

use domain::access::{OrganizationRole, Permission, ProjectRole};
use domain::routes::Surface;
use serde_json::{Value, json};

use super::aims::{Aim, filled};
use super::company::Company;
use super::things::Relation;
use crate::server::{Answer, Server};
use crate::world::{Browser, text_of};

/// What a caller presents.
#[derive(Clone, Debug)]
pub enum Credential {
    Nothing,
    Key(String),
    /// A cookie, and the proof for forms where the browser has one.
    Browser(Browser),
}

/// One kind of caller.
#[derive(Clone, Debug)]
pub struct Caller {
    pub name: &'static str,
    /// Who it is; empty for nobody.
    pub user_id: String,
    pub credential: Credential,
}

impl Caller {
    pub fn new(name: &'static str, user_id: &str, credential: Credential) -> Self {
        Self { name, user_id: user_id.to_owned(), credential }
    }

    /// Somebody without a name, with a key.
    pub fn with_key(name: &'static str, key: impl Into<String>) -> Self {
        Self::new(name, "", Credential::Key(key.into()))
    }
}

/// Names of people in the order of the columns: those who may do less come first, the Admin last.
fn ranked() -> Vec<&'static str> {
    let of_project = ProjectRole::ALL.iter().rev().map(|role| role.name());
    let of_organization = OrganizationRole::ALL
        .iter()
        .filter(|role| !matches!(role, OrganizationRole::Admin | OrganizationRole::Member))
        .map(|role| role.name());
    ["no-project"].into_iter().chain(of_project).chain(of_organization).collect()
}

impl Company {
    /// The callers of a surface, in the order of the columns.
    pub async fn callers(&self, surface: Surface) -> Vec<Caller> {
        match surface {
            Surface::Api => self.callers_of_api().await,
            Surface::Console => self.callers_of_console().await,
            Surface::Gateway => self.callers_of_gateway().await,
        }
    }

    /// The Admin of Acme or one of its people, as a surface knows them.
    pub async fn one(&self, surface: Surface, name: &'static str) -> Caller {
        let acme = &self.world.acme;
        let admin = (&acme.user_id, &acme.admin_key);
        let (user_id, key) =
            self.people.get(name).map_or(admin, |person| (&person.user_id, &person.admin_key));
        let credential = match surface {
            Surface::Console => Credential::Browser(self.world.browser(user_id).await),
            Surface::Api | Surface::Gateway => Credential::Key(key.clone()),
        };
        Caller::new(name, user_id, credential)
    }

    async fn callers_of_api(&self) -> Vec<Caller> {
        let world = &self.world;
        let expired = world.expired_admin_key(&world.acme, &world.acme.user_id).await;
        let revoked = self.admin_key_made_and_revoked().await;
        let removed = self.removed().await;
        let mut callers = vec![
            Caller::new("none", "", Credential::Nothing),
            Caller::with_key("malformed", "sk-admin-bwnonsense"),
            Caller::with_key("expired", expired),
            Caller::with_key("revoked", revoked),
            Caller::with_key("removed", removed.1),
            Caller::with_key("project-key", self.project_key(json!({"name": "plain"})).await),
            Caller::with_key("narrow-key", self.narrow_key().await),
        ];
        for name in ranked() {
            let person = &self.people[name];
            callers.push(Caller::new(name, &person.user_id, Credential::Key(person.admin_key.clone())));
        }
        let other = &world.other;
        callers.push(Caller::new("foreign", &other.user_id, Credential::Key(other.admin_key.clone())));
        let browser = world.browser(&world.acme.user_id).await;
        let unproven = Browser { csrf: String::new(), ..browser.clone() };
        callers.push(Caller::new("no-proof", &world.acme.user_id, Credential::Browser(unproven)));
        callers.push(Caller::new("browser", &world.acme.user_id, Credential::Browser(browser)));
        callers.push(self.one(Surface::Api, "admin").await);
        callers
    }

    async fn callers_of_console(&self) -> Vec<Caller> {
        let world = &self.world;
        let admin = &world.acme.user_id;
        let nonsense = Browser {
            cookie: "bailiwick=nonsense".to_owned(),
            csrf: String::new(),
            session_id: String::new(),
        };
        let ended = world.browser(admin).await;
        let cookie = [("cookie", ended.cookie.clone())];
        let proof = format!("csrf={}", ended.csrf);
        world.server.send("POST", "/sign-out", &cookie, proof).await;
        let removed = self.removed().await.0;
        let browser = async |name, user_id: &str| {
            Caller::new(name, user_id, Credential::Browser(world.browser(user_id).await))
        };
        let mut callers = vec![
            Caller::new("none", "", Credential::Nothing),
            Caller::new("malformed", "", Credential::Browser(nonsense)),
            Caller::new("expired", "", Credential::Browser(world.idle_browser(admin).await)),
            Caller::new("ended", "", Credential::Browser(ended)),
            Caller::with_key("project-key", self.project_key(json!({"name": "plain"})).await),
            Caller::with_key("admin-key", world.acme.admin_key.clone()),
            browser("removed", &removed).await,
        ];
        for name in ranked() {
            callers.push(browser(name, &self.people[name].user_id).await);
        }
        callers.push(browser("foreign", &world.other.user_id).await);
        let unproven = Browser { csrf: String::new(), ..world.browser(admin).await };
        callers.push(Caller::new("no-proof", admin, Credential::Browser(unproven)));
        callers.push(browser("admin", admin).await);
        callers
    }

    async fn callers_of_gateway(&self) -> Vec<Caller> {
        let world = &self.world;
        let own = &self.own;
        let keys = format!("/v1/organization/projects/{own}/api_keys");
        let switched_off = world.admin("POST", &keys, json!({"name": "disabled"})).await;
        let revoked = world.admin("POST", &keys, json!({"name": "revoked"})).await;
        let expired = self.project_key(json!({"name": "expired", "expires_in_seconds": 1})).await;
        let leaver = world.person(&world.acme, "leaver@acme.test", "member", Some((own, "member"))).await;
        let removed = self.key_owned_by(&leaver.user_id).await;
        let shelved = text_of(
            &world.admin("POST", "/v1/organization/projects", json!({"name": "shelved"})).await,
            "id",
        );
        let archived = world
            .admin(
                "POST",
                &format!("/v1/organization/projects/{shelved}/api_keys"),
                json!({"name": "archived"}),
            )
            .await;
        let accounts = format!("/v1/organization/projects/{own}/service_accounts");
        let account = world.admin("POST", &accounts, json!({"name": "robot"})).await;
        let foreign = format!("/v1/organization/projects/{}/api_keys", self.foreign);
        let foreign = world.of(&world.other, "POST", &foreign, json!({"name": "foreign"})).await;
        let disable = format!("{keys}/{}/disable", text_of(&switched_off, "id"));
        world.admin("POST", &disable, Value::Null).await;
        world.admin("DELETE", &format!("{keys}/{}", text_of(&revoked, "id")), Value::Null).await;
        world.admin("DELETE", &format!("/v1/organization/users/{}", leaver.user_id), Value::Null).await;
        world.admin("POST", &format!("/v1/organization/projects/{shelved}/archive"), Value::Null).await;
        let unscoped = json!({"name": "reads", "scopes": ["api.model.read"]});
        let mut callers = vec![
            Caller::new("none", "", Credential::Nothing),
            Caller::with_key("malformed", "sk-proj-bwnonsense"),
            Caller::with_key("expired", expired),
            Caller::with_key("revoked", text_of(&revoked, "value")),
            Caller::with_key("disabled", text_of(&switched_off, "value")),
            Caller::with_key("removed", removed),
            Caller::with_key("archived", text_of(&archived, "value")),
            Caller::with_key("admin-key", world.acme.admin_key.clone()),
            Caller::with_key("foreign", text_of(&foreign, "value")),
            Caller::with_key("narrow-key", self.narrow_key().await),
            Caller::with_key("read-only", self.project_key(unscoped).await),
        ];
        for role in ProjectRole::ALL.iter().rev().filter(|role| role.gives(Permission::ApiKeyManageOwn)) {
            let key = self.key_owned_by(&self.people[role.name()].user_id).await;
            callers.push(Caller::with_key(role.name(), key));
        }
        callers.push(Caller::with_key("account", text_of(&account["api_key"], "value")));
        tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
        callers
    }

    async fn admin_key_made_and_revoked(&self) -> String {
        let keys = "/v1/organization/admin_api_keys";
        let made = self.world.admin("POST", keys, json!({"name": "revoked"})).await;
        self.world.admin("DELETE", &format!("{keys}/{}", text_of(&made, "id")), Value::Null).await;
        text_of(&made, "value")
    }

    /// Somebody who was Admin of Acme and is a member of Other still; with their key of Acme.
    async fn removed(&self) -> (String, String) {
        let world = &self.world;
        let email = format!("{}@acme.test", self.word());
        let person = world.person(&world.acme, &email, "admin", None).await;
        world.admit(&world.other, &email).await;
        world.admin("DELETE", &format!("/v1/organization/users/{}", person.user_id), Value::Null).await;
        (person.user_id, person.admin_key)
    }

    async fn project_key(&self, body: Value) -> String {
        let keys = format!("/v1/organization/projects/{}/api_keys", self.own);
        text_of(&self.world.admin("POST", &keys, body).await, "value")
    }

    async fn narrow_key(&self) -> String {
        self.project_key(json!({"name": "narrow", "models": ["narrow-model"]})).await
    }

    async fn key_owned_by(&self, user_id: &str) -> String {
        self.project_key(json!({"name": "theirs", "owner": {"type": "user", "id": user_id}})).await
    }

    /// Sends a line's call for a caller; `relation` says of each thing, by name, in which it stands.
    pub async fn send(&self, aim: &Aim, caller: &Caller, relation: impl Fn(&str) -> Relation) -> Answer {
        let values = self.values(aim, caller, relation).await;
        self.send_with(aim, caller, &values).await
    }

    /// Sends a line's call for a caller with these values of its things.
    pub async fn send_with(&self, aim: &Aim, caller: &Caller, values: &BTreeMap<String, String>) -> Answer {
        let value = |name: &str| values[name].clone();
        let (path, body) = (filled(&aim.path, value), filled(&aim.body, value));
        self.present(aim, caller, path, body).await
    }

    /// Sends a filled path and body as a caller does. Somebody just like the caller leaves in their place.
    pub async fn present(&self, aim: &Aim, caller: &Caller, path: String, body: String) -> Answer {
        if !aim.is_leaving() {
            return present(&self.world.server, aim, caller, (path, body)).await;
        }
        let place = format!("{:?}", caller.credential);
        let stand_in = self.stand_ins.lock().await.get(&place).cloned();
        let answer =
            present(&self.world.server, aim, stand_in.as_ref().unwrap_or(caller), (path, body)).await;
        if sign(aim, &answer) == '+' {
            self.stand_ins.lock().await.remove(&place);
        }
        answer
    }

    /// Makes who leaves in a caller's place.
    pub async fn prepare_stand_in(&self, caller: &Caller) {
        let place = format!("{:?}", caller.credential);
        if self.stand_ins.lock().await.contains_key(&place) {
            return;
        }
        if let Some(stand_in) = self.stand_in(caller).await {
            self.stand_ins.lock().await.insert(place, stand_in);
        }
    }

    /// Somebody with the same roles and the same kind of credential as a person.
    async fn stand_in(&self, caller: &Caller) -> Option<Caller> {
        let (acme, other) = (&self.world.acme, &self.world.other);
        let who = self.people.iter().find(|(_, person)| person.user_id == caller.user_id);
        let mut home = acme;
        let (role, place) = match who {
            None if caller.user_id.is_empty() => return None,
            None if caller.user_id == acme.user_id => ("admin", None),
            // The Admin of Other, and who was removed from Acme.
            None => {
                home = other;
                ("admin", None)
            }
            Some((&name, _)) => match ProjectRole::ALL.iter().find(|role| role.name() == name) {
                Some(role) => ("member", Some((self.own.as_str(), role.name()))),
                None if name == "no-project" => ("member", None),
                None => (name, None),
            },
        };
        let person = self.world.person(home, &format!("{}@guests.test", self.word()), role, place).await;
        let credential = match &caller.credential {
            Credential::Nothing => Credential::Nothing,
            Credential::Key(_) => Credential::Key(person.admin_key),
            Credential::Browser(before) => {
                let anew = self.world.browser(&person.user_id).await;
                let csrf = if before.csrf.is_empty() { String::new() } else { anew.csrf };
                Credential::Browser(Browser { csrf, ..anew })
            }
        };
        Some(Caller::new(caller.name, &person.user_id, credential))
    }

    /// Signs a caller in anew, where they are a person with a browser.
    pub async fn sign_in(&self, caller: &mut Caller) {
        if let (Credential::Browser(browser), false) = (&mut caller.credential, caller.user_id.is_empty()) {
            let anew = self.world.browser(&caller.user_id).await;
            let is_proving = !browser.csrf.is_empty();
            *browser = Browser { csrf: if is_proving { anew.csrf } else { String::new() }, ..anew };
        }
    }
}

/// Sends a filled path and body of a line as a caller does.
pub async fn present(server: &Server, aim: &Aim, caller: &Caller, (path, body): (String, String)) -> Answer {
    let method = aim.route.method.name();
    let mut headers = Vec::new();
    let (mut path, mut body) = (path, body);
    if let Some(pairs) = body.strip_prefix('?').map(str::to_owned) {
        body = String::new();
        if aim.is_write() { body = pairs } else { path = format!("{path}?{pairs}") }
    }
    match &caller.credential {
        Credential::Nothing => {}
        Credential::Key(key) => headers.push(("authorization", format!("Bearer {key}"))),
        Credential::Browser(browser) => {
            headers.push(("cookie", browser.cookie.clone()));
            match aim.route.surface {
                Surface::Console if aim.is_write() => body = format!("csrf={}&{body}", browser.csrf),
                _ => headers.push(("x-csrf-token", browser.csrf.clone())),
            }
        }
    }
    let media = if aim.route.surface == Surface::Console {
        "application/x-www-form-urlencoded"
    } else {
        "application/json"
    };
    if !body.is_empty() {
        headers.push(("content-type", media.to_owned()));
    }
    server.send(method, &path, &headers, body).await
}

/// What an answer says, in one sign.
pub fn sign(aim: &Aim, answer: &Answer) -> char {
    let header =
        |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let cookies = answer.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    let is_told_bad = cookies.into_iter().any(|cookie| cookie.starts_with("flash=bad"))
        || answer.body.as_str().is_some_and(|page| page.contains("class=\"flash bad\""));
    match answer.status {
        303 if header("location").starts_with("/sign-in?return_to=") => '>',
        200 | 303 if is_told_bad => '0',
        200 | 303 => '+',
        400 | 413 | 422 | 429 => '0',
        401 => '1',
        403 => '3',
        404 => '4',
        409 => '9',
        status => panic!("{} answered {status}: {}", aim.name(), answer.body),
    }
}
