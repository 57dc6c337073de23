//! The things that `aims.txt` names, made when a call needs them, and anew once a call may have changed them.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use domain::organizations::Feature;
use serde_json::{Value, json};

use super::aims::Aim;
use super::callers::Caller;
use super::company::Company;
use crate::server::Bootstrapped;
use crate::world::{PASSWORD, text_of};

/// How what a call is aimed at relates to the people of the project `own`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// Of their own project.
    Own,
    /// Of another project of their organization.
    Another,
    /// Of another organization.
    Foreign,
    /// Of nothing: well-formed, but never made.
    Nowhere,
    /// As `Foreign`, through the other organization's own addresses of the console.
    Away,
}

impl Relation {
    /// Its letter in the printed files.
    pub const fn letter(self) -> char {
        match self {
            Self::Own => 'o',
            Self::Another => 'p',
            Self::Foreign => 'f',
            Self::Nowhere => 'n',
            Self::Away => 'a',
        }
    }
}

/// At which level a thing exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    /// Just a value.
    None,
    /// Of a person or a link: one's own, or not there.
    Link,
    Organization,
    Project,
}

/// What `role_or_group` makes.
const ROLES_AND_GROUPS: [&str; 10] = [
    "custom_role",
    "project_role",
    "group",
    "crew",
    "crewman",
    "holder",
    "project_holder",
    "holding_group",
    "project_group",
    "project_invite",
];
/// A setting of policy that stands in nobody's way here.
const SETTING: &str = "key.rotation_days";
/// In seconds.
const DAY: u64 = 24 * 3_600;
/// How long ids are after their prefix, and one that nobody was given: it is of 2024.
const NEVER_MADE: &str = "01jd0000000000000000000000";

/// Level and prefix of the id of each thing.
fn kind(name: &str) -> (Level, &'static str) {
    match name {
        "new" | "email" | "password" | "yesterday" | "tomorrow" | "narrow_model" | "setting" | "notice"
        | "features" | "suspended" => (Level::None, ""),
        "finance_role" | "viewer_role" => (Level::None, ""),
        "session" => (Level::Link, "sess_"),
        "invite_token" | "set_up_token" => (Level::Link, ""),
        "slug" | "organization_spend_limit" | "policy" | "organization_name" => (Level::Organization, ""),
        "exception" => (Level::Organization, "exc_"),
        "webhook" => (Level::Organization, "hook_"),
        "delivery" => (Level::Organization, "dlv_"),
        "mail" => (Level::Organization, "mail_"),
        "member" | "crewman" | "holder" => (Level::Organization, "user_"),
        "group" | "crew" | "holding_group" => (Level::Organization, "group_"),
        "custom_role" => (Level::Organization, "role_"),
        "invite" => (Level::Organization, "inv_"),
        "admin_key" => (Level::Organization, "key_"),
        "provider" => (Level::Organization, "prov_"),
        "price" => (Level::Organization, "price_"),
        "audit_record" => (Level::Organization, "audit_"),
        "model" | "spend_limit" | "project_policy" | "model_permissions" => (Level::Project, ""),
        "project" | "spare_project" | "open_project" | "archived_project" => (Level::Project, "proj_"),
        "worker" | "newcomer" | "project_holder" => (Level::Project, "user_"),
        "project_group" => (Level::Project, "group_"),
        "project_role" => (Level::Project, "role_"),
        "project_invite" => (Level::Project, "inv_"),
        "service_account" => (Level::Project, "svc_"),
        "key" | "own_key" | "disabled_key" | "key_with_policy" => (Level::Project, "key_"),
        "allowance" | "key_allowance" => (Level::Project, "alw_"),
        "record" => (Level::Project, "use_"),
        other => panic!("aims.txt names ${other}: say in things.rs at which level it is and how it is made"),
    }
}

/// Whether a thing differs from one relation to the next.
pub fn is_related(name: &str) -> bool {
    kind(name).0 != Level::None
}

/// The relations in which a line can be tried.
pub fn relations(aim: &Aim) -> Vec<Relation> {
    use Relation::{Another, Away, Foreign, Nowhere, Own};
    let names = aim.things();
    let is_console = names.iter().any(|name| name == "slug");
    let levels: Vec<Level> = names.iter().filter(|name| *name != "slug").map(|name| kind(name).0).collect();
    let mut relations = vec![Own];
    if levels.contains(&Level::Project) {
        relations.push(Another);
    }
    if levels.contains(&Level::Project) || levels.contains(&Level::Organization) {
        relations.push(Foreign);
    }
    if is_console || levels.iter().any(|level| *level != Level::None) {
        relations.push(Nowhere);
    }
    if is_console {
        relations.push(Away);
    }
    relations
}

/// In which relation a thing of a line stands when the line is tried in this one. The console's own address leads to
/// what is not there, unless there is nothing but the address.
pub fn standing(aim: &Aim, name: &str, relation: Relation) -> Relation {
    let is_address = name == "slug" && relation == Relation::Nowhere;
    let has_more = || aim.things().iter().any(|other| other != "slug" && is_related(other));
    if is_address && has_more() { Relation::Own } else { relation }
}

/// An id that never was, spelled like the real one where there is one to spell it like.
pub fn unknown(name: &str) -> String {
    match name {
        "slug" => "no-such-organization".to_owned(),
        "model" => "no-such-model".to_owned(),
        name => format!("{}{NEVER_MADE}", kind(name).1),
    }
}

/// Where things of a relation are made.
struct Place<'a> {
    organization: &'a Bootstrapped,
    project: &'a str,
}

impl Company {
    /// A word that was not used before. Companies that live through the same get the same words.
    pub fn word(&self) -> String {
        format!("word{:06}", self.words.fetch_add(1, Ordering::Relaxed))
    }

    fn guest(&self) -> String {
        format!("{}@guests.test", self.word())
    }

    /// What stands for each thing of a line; `relation` says of each, by name, in which it stands. Each fresh word of
    /// one line is the same.
    pub async fn values(
        &self,
        aim: &Aim,
        caller: &Caller,
        relation: impl Fn(&str) -> Relation,
    ) -> BTreeMap<String, String> {
        let mut values = BTreeMap::new();
        for name in aim.things() {
            let value = self.thing(&name, relation(&name), caller).await;
            values.insert(name, value);
        }
        values
    }

    /// The value of a thing in a relation, for a caller.
    pub async fn thing(&self, name: &str, relation: Relation, caller: &Caller) -> String {
        match (name, relation) {
            ("new", _) => return self.word(),
            ("email", _) => return self.guest(),
            ("password", _) => return PASSWORD.to_owned(),
            ("yesterday", _) => return (now() - DAY).to_string(),
            ("tomorrow", _) => return (now() + DAY).to_string(),
            ("setting", _) => return SETTING.to_owned(),
            ("finance_role", _) => return "role-api-organization-finance".to_owned(),
            ("viewer_role", _) => return "role-api-project-viewer".to_owned(),
            ("notice", _) => return "key_changed".to_owned(),
            ("narrow_model", _) => return "narrow-model".to_owned(),
            ("slug", Relation::Away) => return self.slugs.1.clone(),
            ("slug", Relation::Nowhere) => return unknown(name),
            ("slug", _) => return self.slugs.0.clone(),
            ("model", Relation::Own) => return "open-model".to_owned(),
            ("model", Relation::Another) => return "walled-model".to_owned(),
            ("model", Relation::Foreign | Relation::Away) => return "foreign-model".to_owned(),
            (_, Relation::Nowhere) | ("set_up_token", _) => return unknown(name),
            ("project", _) => return self.place(relation).project.to_owned(),
            ("features", _) => {
                return Feature::ALL.iter().map(|feature| feature.name()).collect::<Vec<_>>().join(",");
            }
            // Both as they are now: other calls rename organizations and bring them back.
            ("organization_name", _) => return self.organization_name(relation).await,
            ("suspended", _) => return self.suspended().await,
            _ => {}
        }
        let relation = if relation == Relation::Away { Relation::Foreign } else { relation };
        let owner =
            if matches!(name, "own_key" | "session") { caller.user_id.clone() } else { String::new() };
        let place = (name.to_owned(), relation, owner);
        if let Some(there) = self.things.lock().await.get(&place) {
            return there.clone();
        }
        let made = self.make(name, relation, caller).await;
        self.things.lock().await.insert(place, made.clone());
        made
    }

    /// Forgets what a successful call may have changed.
    pub async fn forget(&self, aim: &Aim, relation: Relation) {
        let relation = if relation == Relation::Away { Relation::Foreign } else { relation };
        let names = aim.things();
        self.things.lock().await.retain(|(name, at, _), _| *at != relation || !names.contains(name));
    }

    fn place(&self, relation: Relation) -> Place<'_> {
        let (acme, other) = (&self.world.acme, &self.world.other);
        match relation {
            Relation::Own | Relation::Nowhere => Place { organization: acme, project: &self.own },
            Relation::Another => Place { organization: acme, project: &self.another },
            Relation::Foreign | Relation::Away => Place { organization: other, project: &self.foreign },
        }
    }

    async fn make(&self, name: &str, relation: Relation, caller: &Caller) -> String {
        let place = self.place(relation);
        let root = format!("/v1/organization/projects/{}", place.project);
        let at = |noun: &str| format!("{root}/{noun}");
        match name {
            "member" => self.newcomer(&place).await,
            "newcomer" => self.newcomer(&place).await,
            "worker" => {
                let user_id = self.newcomer(&place).await;
                self.post(&place, &at("users"), json!({"user_id": user_id, "role": "member"})).await;
                user_id
            }
            "invite" => self.made(&place, "/v1/organization/invites", json!({"email": self.guest()})).await,
            "invite_token" => {
                let sent =
                    self.post(&place, "/v1/organization/invites", json!({"email": self.guest()})).await;
                text_of(&sent, "url").rsplit('/').next().unwrap().to_owned()
            }
            "admin_key" => {
                self.made(&place, "/v1/organization/admin_api_keys", json!({"name": self.word()})).await
            }
            "provider" => {
                let body = json!({"name": self.word(), "kind": "simulated", "models": ["unpriced"]});
                self.made(&place, "/v1/organization/providers", body).await
            }
            "price" => {
                let body = json!({"model": self.word(), "rates": {"input": 1}});
                self.made(&place, "/v1/organization/prices", body).await
            }
            "audit_record" => self.first_of(&place, "/v1/organization/audit_events").await,
            "spare_project" | "open_project" | "archived_project" => self.project(name, relation).await,
            "service_account" => {
                self.made(&place, &at("service_accounts"), json!({"name": self.word()})).await
            }
            "key" => self.made(&place, &at("api_keys"), json!({"name": self.word()})).await,
            "own_key" => self.own_key(&place, &at("api_keys"), caller).await,
            "disabled_key" => {
                let key = self.made(&place, &at("api_keys"), json!({"name": self.word()})).await;
                self.post(&place, &at(&format!("api_keys/{key}/disable")), Value::Null).await;
                key
            }
            "allowance" => self.allowance(&place, json!({"type": "project", "id": place.project})).await,
            "key_allowance" => {
                let key = self.made(&place, &at("api_keys"), json!({"name": self.word()})).await;
                self.allowance(&place, json!({"type": "api_key", "id": key})).await
            }
            "spend_limit" => {
                self.post(&place, &at("spend_limit"), json!({"threshold_amount": 1_000_000})).await;
                String::new()
            }
            "organization_spend_limit" => {
                let limit = json!({"threshold_amount": 1_000_000});
                self.post(&place, "/v1/organization/spend_limit", limit).await;
                String::new()
            }
            "model_permissions" => {
                let body = json!({"mode": "deny_list", "model_ids": [self.word()]});
                self.post(&place, &at("model_permissions"), body).await;
                String::new()
            }
            "record" => self.record(&place, &at("api_keys")).await,
            "policy" | "project_policy" | "key_with_policy" | "exception" | "webhook" | "delivery"
            | "mail" => self.policy_or_message(name, &place, &root).await,
            name if ROLES_AND_GROUPS.contains(&name) => self.role_or_group(name, relation, caller).await,
            "session" => {
                let whose =
                    if relation == Relation::Foreign { &place.organization.user_id } else { &caller.user_id };
                let whose = if whose.is_empty() { &place.organization.user_id } else { whose };
                self.world.browser(whose).await.session_id
            }
            other => panic!("say in things.rs how ${other} is made"),
        }
    }

    async fn policy_or_message(&self, name: &str, place: &Place<'_>, root: &str) -> String {
        let at = |noun: &str| format!("{root}/{noun}");
        match name {
            "policy" => {
                let policy = format!("/v1/organization/policy/{SETTING}");
                self.post(place, &policy, json!({"value": 365})).await;
                String::new()
            }
            "project_policy" => {
                self.post(place, &at(&format!("policy/{SETTING}")), json!({"value": 365})).await;
                String::new()
            }
            "key_with_policy" => {
                let key = self.made(place, &at("api_keys"), json!({"name": self.word()})).await;
                let policy = at(&format!("api_keys/{key}/policy/{SETTING}"));
                self.post(place, &policy, json!({"value": 365})).await;
                key
            }
            "exception" => {
                let body = json!({"setting": SETTING, "level": "project", "level_id": place.project, "value": 400,
                    "reason": "a test", "ends_at": now() + DAY});
                self.made(place, "/v1/organization/policy_exceptions", body).await
            }
            "webhook" => self.webhook(place).await,
            "delivery" => self.delivery(place).await,
            "mail" => {
                self.post(place, "/v1/organization/mails/test", Value::Null).await;
                self.first_of(place, "/v1/organization/mails").await
            }
            other => panic!("say in things.rs how ${other} is made"),
        }
    }

    async fn role_or_group(&self, name: &str, relation: Relation, caller: &Caller) -> String {
        let place = self.place(relation);
        let roles = json!({"role_name": self.word(), "permissions": ["usage.read"]});
        let (finance, viewer) = ("role-api-organization-finance", "role-api-project-viewer");
        match name {
            "custom_role" => self.made(&place, "/v1/organization/roles", roles).await,
            "project_role" => {
                self.made(&place, &format!("/v1/projects/{}/roles", place.project), roles).await
            }
            "group" | "crew" => {
                self.made(&place, "/v1/organization/groups", json!({"name": self.word()})).await
            }
            "crewman" => {
                let (crew, user) =
                    (Box::pin(self.thing("crew", relation, caller)).await, self.newcomer(&place).await);
                let users = format!("/v1/organization/groups/{crew}/users");
                self.post(&place, &users, json!({"user_id": user})).await;
                user
            }
            "holder" | "project_holder" => {
                let user = self.newcomer(&place).await;
                let (root, role) = match name {
                    "holder" => ("/v1/organization".to_owned(), finance),
                    _ => (format!("/v1/projects/{}", place.project), viewer),
                };
                self.post(&place, &format!("{root}/users/{user}/roles"), json!({"role_id": role})).await;
                user
            }
            "holding_group" | "project_group" => {
                let group = self.made(&place, "/v1/organization/groups", json!({"name": self.word()})).await;
                let (root, role) = match name {
                    "holding_group" => ("/v1/organization".to_owned(), finance),
                    _ => (format!("/v1/projects/{}", place.project), viewer),
                };
                self.post(&place, &format!("{root}/groups/{group}/roles"), json!({"role_id": role})).await;
                group
            }
            _ => {
                let invites = format!("/v1/organization/projects/{}/invites", place.project);
                self.made(&place, &invites, json!({"email": self.guest()})).await
            }
        }
    }

    async fn post(&self, place: &Place<'_>, path: &str, body: Value) -> Value {
        self.world.of(place.organization, "POST", path, body).await
    }

    async fn made(&self, place: &Place<'_>, path: &str, body: Value) -> String {
        text_of(&self.post(place, path, body).await, "id")
    }

    async fn organization_name(&self, relation: Relation) -> String {
        let relation = if relation == Relation::Away { Relation::Foreign } else { relation };
        let organization = self.place(relation).organization;
        text_of(&self.world.of(organization, "GET", "/v1/organization", Value::Null).await, "name")
    }

    async fn suspended(&self) -> String {
        self.world.admin("POST", "/v1/organization/suspend", json!({"reason": "a test"})).await;
        String::new()
    }

    async fn newcomer(&self, place: &Place<'_>) -> String {
        self.world.person(place.organization, &self.guest(), "member", None).await.user_id
    }

    async fn project(&self, name: &str, relation: Relation) -> String {
        let place = self.place(relation);
        let id = self.made(&place, "/v1/organization/projects", json!({"name": self.word()})).await;
        if relation == Relation::Own {
            self.staff(&id).await;
        }
        if name == "archived_project" {
            self.post(&place, &format!("/v1/organization/projects/{id}/archive"), Value::Null).await;
        }
        id
    }

    /// A key that the caller owns; where they can own none, the Admin does.
    async fn own_key(&self, place: &Place<'_>, keys: &str, caller: &Caller) -> String {
        let body = json!({"name": self.word(), "owner": {"type": "user", "id": caller.user_id}});
        let key = &place.organization.admin_key;
        let answer = self.world.server.call("POST", keys, key, Some(&body)).await;
        if answer.status == 200 {
            return text_of(&answer.body, "id");
        }
        self.made(place, keys, json!({"name": self.word()})).await
    }

    async fn allowance(&self, place: &Place<'_>, scope: Value) -> String {
        let body = json!({"scope": scope, "unit": "requests", "window": "day", "amount": 1_000_000,
            "enforcement": "soft"});
        self.made(place, "/v1/organization/allowances", body).await
    }

    async fn first_of(&self, place: &Place<'_>, list: &str) -> String {
        let page = self.world.of(place.organization, "GET", list, Value::Null).await;
        text_of(&page["data"][0], "id")
    }

    async fn webhook(&self, place: &Place<'_>) -> String {
        let url = format!("http://{}/{}", crate::world::NOBODY, self.word());
        let body = json!({"url": url, "event_types": ["webhook.test"]});
        self.made(place, "/v1/organization/webhooks", body).await
    }

    /// What was sent to a webhook just now.
    async fn delivery(&self, place: &Place<'_>) -> String {
        let webhook = self.webhook(place).await;
        self.post(place, &format!("/v1/organization/webhooks/{webhook}/test"), Value::Null).await;
        self.world.fan_out().await;
        self.first_of(place, &format!("/v1/organization/webhook_deliveries?webhook_id={webhook}")).await
    }

    /// The record of a call made just now.
    async fn record(&self, place: &Place<'_>, keys: &str) -> String {
        let key = text_of(&self.post(place, keys, json!({"name": self.word()})).await, "value");
        let is_foreign = place.project == self.foreign;
        let body = json!({"model": if is_foreign { "foreign-model" } else { "open-model" }, "input": "hi"});
        self.world.server.ok("POST", "/v1/embeddings", &key, Some(&body)).await;
        let records = format!("/v1/organization/usage/records?project_id={}", place.project);
        for _ in 0..100 {
            let page = self.world.of(place.organization, "GET", &records, Value::Null).await;
            if let Some(id) = page["data"][0]["id"].as_str() {
                return id.to_owned();
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("no record of a call came");
    }
}

fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

/// Whether a thing belongs to a project, so that another project has one of its own.
pub fn is_of_project(name: &str) -> bool {
    kind(name).0 == Level::Project
}

/// Whether it is a person.
pub fn is_person(name: &str) -> bool {
    kind(name).1 == "user_"
}

/// Whether it is a link: whoever has it knows of what it leads to.
pub fn is_link(name: &str) -> bool {
    name.ends_with("_token")
}

/// What the ids of a thing start with; empty for what has none.
pub fn prefix(name: &str) -> &'static str {
    kind(name).1
}
