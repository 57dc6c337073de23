//! The things that `aims.txt` names, made when a call needs them, and anew once a call may have changed them.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use domain::accounts::LinkKind;
use domain::organizations::Feature;
use domain::time::{TimeZone, Timestamp, civil};
use serde_json::{Value, json};

use super::aims::{Aim, filled, things_in};
use super::callers::Caller;
use super::company::Company;
use super::recipes::{Level, Recipe, recipe};
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

/// A setting of policy that stands in nobody's way here.
const SETTING: &str = "key.rotation_days";
/// The one setting that an admin key knows.
const ENTRANCE: &str = "network.admin_api";
/// In seconds.
const DAY: u64 = 24 * 3_600;
/// How long ids are after their prefix, and one that nobody was given: it is of 2024.
const NEVER_MADE: &str = "01jd0000000000000000000000";

/// Level and prefix of the id of each thing.
fn kind(name: &str) -> (Level, &'static str) {
    if let Some(recipe) = recipe(name) {
        return (recipe.level, recipe.prefix);
    }
    match name {
        "new" | "email" | "password" | "yesterday" | "tomorrow" | "next_day" | "narrow_model" | "setting"
        | "entrance" | "notice" | "features" | "finance_role" | "viewer_role" => (Level::None, ""),
        "session" => (Level::Link, "sess_"),
        "invite_token" | "set_up_token" | "reset_token" | "release_token" | "change_token"
        | "account_email" => (Level::Link, ""),
        "moving_member" => (Level::Organization, "user_"),
        "handover" => (Level::Project, "hand_"),
        "own_approval" => (Level::Link, "appr_"),
        "review_item" => (Level::Organization, "item_"),
        "slug" | "organization_name" => (Level::Organization, ""),
        "delivery" => (Level::Organization, "dlv_"),
        "mail" => (Level::Organization, "mail_"),
        "audit_record" => (Level::Organization, "audit_"),
        "somebody" => (Level::Organization, "user_"),
        "approval" | "elevation" => (Level::Organization, "appr_"),
        "model" => (Level::Project, ""),
        "project" | "spare_project" | "open_project" | "archived_project" | "guarded_project" => {
            (Level::Project, "proj_")
        }
        "own_key" => (Level::Project, "key_"),
        "record" => (Level::Project, "use_"),
        other => panic!("aims.txt names ${other}: say in things.txt how it is made"),
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
        if aim.is_leaving() {
            self.prepare_stand_in(caller).await;
        }
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
            ("next_day", _) => return next_day(),
            ("setting", _) => return SETTING.to_owned(),
            ("entrance", _) => return ENTRANCE.to_owned(),
            ("finance_role", _) => return "role-api-organization-finance".to_owned(),
            ("viewer_role", _) => return "role-api-project-viewer".to_owned(),
            ("notice", _) => return "key_changed".to_owned(),
            ("features", _) => {
                return Feature::ALL.iter().map(|feature| feature.name()).collect::<Vec<_>>().join(",");
            }
            ("somebody", _) => return self.make(name, relation, caller).await,
            ("narrow_model", _) => return "narrow-model".to_owned(),
            ("slug", Relation::Away) => return self.slugs.1.clone(),
            ("slug", Relation::Nowhere) => return unknown(name),
            ("slug", _) => return self.slugs.0.clone(),
            ("model", Relation::Own) => return "open-model".to_owned(),
            ("model", Relation::Another) => return "walled-model".to_owned(),
            ("model", Relation::Foreign | Relation::Away) => return "foreign-model".to_owned(),
            (_, Relation::Nowhere) | ("set_up_token", _) => return unknown(name),
            ("project", _) => return self.place(relation).project.to_owned(),
            // As it is now: other calls rename organizations.
            ("organization_name", _) => return self.organization_name(relation).await,
            _ => {}
        }
        let relation = if relation == Relation::Away { Relation::Foreign } else { relation };
        let owner =
            if matches!(name, "own_key" | "session" | "own_approval" | "release_token" | "change_token") {
                caller.user_id.clone()
            } else {
                String::new()
            };
        let place = (name.to_owned(), relation, owner);
        if let Some(there) = self.things.lock().await.get(&place) {
            return there.clone();
        }
        let made = self.make(name, relation, caller).await;
        self.things.lock().await.insert(place, made.clone());
        made
    }

    /// Forgets what a successful call may have changed, and what that was made of.
    pub async fn forget(&self, aim: &Aim, relation: Relation) {
        let relation = if relation == Relation::Away { Relation::Foreign } else { relation };
        let mut names = aim.things();
        for recipe in aim.things().iter().filter_map(|name| recipe(name)) {
            names.extend(recipe.things());
        }
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
        if let Some(recipe) = recipe(name) {
            return self.follow(recipe, relation, caller).await;
        }
        let keys = format!("/v1/organization/projects/{}/api_keys", place.project);
        match name {
            "somebody" => {
                let guest = self.guest();
                self.world.person(place.organization, &guest, "member", None).await.user_id
            }
            "invite_token" => {
                let body = json!({"email": self.guest()});
                let sent = self.world.of(place.organization, "POST", "/v1/organization/invites", body).await;
                text_of(&sent, "url").rsplit('/').next().unwrap().to_owned()
            }
            "moving_member" | "account_email" | "reset_token" | "release_token" | "change_token" => {
                self.about_an_account(name, relation, caller).await
            }
            "handover" => self.handover(relation, caller).await,
            "audit_record" => self.first_of(&place, "/v1/organization/audit_events").await,
            "spare_project" | "open_project" | "archived_project" | "guarded_project" => {
                self.project(name, relation).await
            }
            "own_key" => self.own_key(&place, &keys, caller).await,
            "delivery" => self.delivery(relation, caller).await,
            "mail" => {
                let test = "/v1/organization/mails/test";
                self.world.of(place.organization, "POST", test, Value::Null).await;
                self.first_of(&place, "/v1/organization/mails").await
            }
            "record" => self.record(&place, &keys).await,
            "approval" | "elevation" => self.approval(name, &place).await,
            "own_approval" => self.own_approval(&place, caller).await,
            "review_item" => self.review_item(relation, caller).await,
            "session" => {
                let whose =
                    if relation == Relation::Foreign { &place.organization.user_id } else { &caller.user_id };
                let whose = if whose.is_empty() { &place.organization.user_id } else { whose };
                self.world.browser(whose).await.session_id
            }
            other => panic!("say in things.txt how ${other} is made"),
        }
    }

    /// Makes what a line of `things.txt` says.
    async fn follow(&self, recipe: &Recipe, relation: Relation, caller: &Caller) -> String {
        let place = self.place(relation);
        let mut it = match recipe.is {
            Some(other) => Some(Box::pin(self.thing(other, relation, caller)).await),
            None => None,
        };
        for step in &recipe.steps {
            let mut values = BTreeMap::new();
            for name in things_in(step.path).into_iter().chain(things_in(step.body)) {
                let value = match (name.as_str(), &it) {
                    ("it", Some(it)) => it.clone(),
                    _ => Box::pin(self.thing(&name, relation, caller)).await,
                };
                values.insert(name, value);
            }
            let value = |name: &str| values[name].clone();
            let (path, body) = (filled(step.path, value), filled(step.body, value));
            let body = if body.is_empty() { Value::Null } else { serde_json::from_str(&body).unwrap() };
            let answer = self.world.of(place.organization, step.method, &path, body).await;
            let id =
                answer["id"].as_str().filter(|id| !recipe.prefix.is_empty() && id.starts_with(recipe.prefix));
            it = it.or_else(|| id.map(str::to_owned));
        }
        it.unwrap_or_default()
    }

    async fn made(&self, place: &Place<'_>, path: &str, body: Value) -> String {
        text_of(&self.world.of(place.organization, "POST", path, body).await, "id")
    }

    async fn project(&self, name: &str, relation: Relation) -> String {
        let place = self.place(relation);
        let id = self.made(&place, "/v1/organization/projects", json!({"name": self.word()})).await;
        if relation == Relation::Own {
            self.staff(&id).await;
        }
        if name == "guarded_project" {
            let one = format!("/v1/organization/projects/{id}");
            self.world.of(place.organization, "POST", &one, json!({"risk": "high"})).await;
            let setting = format!("{one}/policy/change.approval");
            self.world.of(place.organization, "POST", &setting, json!({"value": true})).await;
        }
        if name == "archived_project" {
            let archive = format!("/v1/organization/projects/{id}/archive");
            self.world.of(place.organization, "POST", &archive, Value::Null).await;
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

    async fn first_of(&self, place: &Place<'_>, list: &str) -> String {
        let page = self.world.of(place.organization, "GET", list, Value::Null).await;
        text_of(&page["data"][0], "id")
    }

    /// What was sent to a webhook just now.
    async fn delivery(&self, relation: Relation, caller: &Caller) -> String {
        let place = self.place(relation);
        let webhook = Box::pin(self.thing("webhook", relation, caller)).await;
        let test = format!("/v1/organization/webhooks/{webhook}/test");
        self.world.of(place.organization, "POST", &test, Value::Null).await;
        self.world.fan_out().await;
        self.first_of(&place, &format!("/v1/organization/webhook_deliveries?webhook_id={webhook}")).await
    }

    /// What somebody asked for who may not have it without a second person's word; an elevation has that word.
    async fn approval(&self, name: &str, place: &Place<'_>) -> String {
        let guest = self.guest();
        let asking = self.world.person(place.organization, &guest, "member", None).await;
        let elevations = "/v1/organization/elevations";
        let asked = self.world.server.ok("POST", elevations, &asking.admin_key, Some(&elevation())).await;
        let id = text_of(&asked, "id");
        if name == "elevation" {
            let approve = format!("/v1/organization/approvals/{id}/approve");
            self.world.of(place.organization, "POST", &approve, Value::Null).await;
        }
        id
    }

    /// What the caller asked for; where they have nothing to ask for, somebody else did.
    async fn own_approval(&self, place: &Place<'_>, caller: &Caller) -> String {
        let is_person = self.people.values().any(|person| person.user_id == caller.user_id);
        if !is_person || place.project == self.foreign {
            return self.approval("approval", place).await;
        }
        let key = self.world.admin_key(place.organization, &caller.user_id).await;
        let asked =
            self.world.server.call("POST", "/v1/organization/elevations", &key, Some(&elevation())).await;
        if asked.status == 200 {
            return text_of(&asked.body, "id");
        }
        let mine = "/v1/organization/approvals?mine=true&state=pending&kind=elevation";
        let mine = self.world.server.ok("GET", mine, &key, None).await;
        match mine["data"][0]["id"].as_str() {
            Some(id) => id.to_owned(),
            None => self.approval("approval", place).await,
        }
    }

    /// What a review of the holder's rights asks of the role that they hold.
    async fn review_item(&self, relation: Relation, caller: &Caller) -> String {
        let organization = self.place(relation).organization;
        let holder = Box::pin(self.thing("holder", relation, caller)).await;
        let review = Box::pin(self.thing("review_of_holder", relation, caller)).await;
        let mut after = String::new();
        loop {
            let path = format!("/v1/organization/reviews/{review}/items?limit=100{after}");
            let page = self.world.of(organization, "GET", &path, Value::Null).await;
            let items = page["data"].as_array().unwrap();
            let of_role = "role-api-organization-finance";
            let is_theirs =
                |item: &&Value| item["user"]["id"] == holder.as_str() && item["role"]["id"] == of_role;
            if let Some(item) = items.iter().find(is_theirs) {
                return text_of(item, "id");
            }
            assert!(page["has_more"] == true, "the review has nothing of {holder}");
            after = format!("&after={}", text_of(&page, "last_id"));
        }
    }

    async fn organization_name(&self, relation: Relation) -> String {
        let organization = self.place(relation).organization;
        text_of(&self.world.of(organization, "GET", "/v1/organization", Value::Null).await, "name")
    }

    /// A link about the caller's own account, or about somebody's who forgot their password; or who has such a link.
    async fn about_an_account(&self, name: &str, relation: Relation, caller: &Caller) -> String {
        let is_own = matches!(name, "release_token" | "change_token") && !caller.user_id.is_empty();
        let whose = match is_own {
            true => caller.user_id.clone(),
            false => Box::pin(self.thing("somebody", relation, caller)).await,
        };
        let kind = match name {
            "reset_token" | "account_email" => LinkKind::PasswordReset,
            "release_token" => LinkKind::EmailRelease,
            _ => LinkKind::EmailChange,
        };
        let (email, token) = self.world.account_link(kind, &whose).await;
        match name {
            "moving_member" => whose,
            "account_email" => email,
            _ => token,
        }
    }

    /// A service account whose key owner left its project.
    async fn handover(&self, relation: Relation, caller: &Caller) -> String {
        let place = self.place(relation);
        let root = format!("/v1/organization/projects/{}", place.project);
        let owner = Box::pin(self.thing("somebody", relation, caller)).await;
        let of = async |method: &str, noun: &str, body: Value| {
            self.world.of(place.organization, method, &format!("{root}/{noun}"), body).await
        };
        of("POST", "users", json!({"user_id": owner, "role": "member"})).await;
        of("POST", "service_accounts", json!({"name": self.word(), "key_owner_id": owner})).await;
        of("DELETE", &format!("users/{owner}"), Value::Null).await;
        let list = format!("/v1/organization/handovers?project_id={}", place.project);
        self.first_of(&place, &list).await
    }

    /// The record of a call made just now.
    async fn record(&self, place: &Place<'_>, keys: &str) -> String {
        let made = self.world.of(place.organization, "POST", keys, json!({"name": self.word()})).await;
        let key = text_of(&made, "value");
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

fn elevation() -> Value {
    json!({"role": "finance", "duration_seconds": 900, "reason": "a test"})
}

/// The day after tomorrow as a field for days has it: no zone makes it a day that is over.
pub fn next_day() -> String {
    let seconds = i64::try_from(now() + 2 * DAY).unwrap();
    let (year, month, day, ..) = civil(Timestamp::from_unix_seconds(seconds), &TimeZone::utc());
    format!("{year:04}-{month:02}-{day:02}")
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
