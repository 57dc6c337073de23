//! One organization living on one server: who calls there, what was told to them, and calls that are said so that they
//! mean the same on another server.

use std::collections::BTreeMap;

use domain::access::{OrganizationRole, ProjectRole};
use domain::routes::Surface;
use serde_json::{Value, json};

use super::aims::{Aim, filled};
use super::alike::{Alike, ids_in};
use super::callers::{Caller, Credential, present};
use crate::rows::Rows;
use crate::server::Answer;
use crate::world::{World, text_of};

/// What the lines of an export are about that happens beside calls, is counted by the minute or stands in the order of
/// hashes; and their sum.
const ASIDES: [&str; 6] =
    ["mail", "webhook_delivery", "permission_use", "audit_record", "attribution", "organization.export.end"];
/// What stands in the lines of an answer that tell how much is lent, and the four lines of a page's meter.
const LENT: [&str; 8] = [
    "\"held\":",
    "\"left\":",
    "\"leased\":",
    "\"sequence\":",
    "<div class=\"meter ",
    " held and ",
    "<rect class=\"left\"",
    " left</span></div>",
];
/// A line of a page that tells what happened last, with refusals counted by the minute.
const FEED: &str = "<ul class=\"feed\">";

/// What stands for a thing in a call.
#[derive(Clone, Debug)]
pub enum Choice {
    /// The same on every server.
    Text(String),
    /// An id by its prefix and the how-manieth of those that were told.
    Told(&'static str, usize),
}

/// A call, said without the ids of any server.
#[derive(Clone, Debug)]
pub struct Saying {
    pub aim: Aim,
    /// The caller by number; of the gateway, the key.
    pub caller: usize,
    pub choices: BTreeMap<String, Choice>,
}

/// The organization on its server.
pub struct Life {
    pub world: World,
    pub rows: Rows,
    pub alike: Alike,
    /// Project keys in the order in which they were told.
    pub keys: Vec<String>,
    api: Vec<Caller>,
    console: Vec<Caller>,
    /// Answers in setting it up, comparable.
    pub beginning: String,
}

impl Life {
    /// Sets the organization up on a new server; with a neighbour's place beside it or without.
    pub async fn begin(database: Option<String>, has_neighbour: bool) -> Self {
        let world = World::on(database, has_neighbour).await;
        let rows = Rows::open(&world.database).await;
        let (alike, beginning) = (Alike::default(), String::new());
        let mut life =
            Self { world, rows, alike, keys: Vec::new(), api: Vec::new(), console: Vec::new(), beginning };
        life.settle().await;
        life
    }

    async fn settle(&mut self) {
        for model in ["open-model", "narrow-model"] {
            let price = json!({"model": model, "kind": "simulated", "rates": {"input": 1000, "output": 1000},
                "context_tokens": 1000, "max_output_tokens": 100});
            self.admin("POST", "/v1/organization/prices", price).await;
        }
        let provider =
            json!({"name": "shared", "kind": "simulated", "models": ["open-model", "narrow-model"]});
        self.admin("POST", "/v1/organization/providers", provider).await;
        let project = self.admin("POST", "/v1/organization/projects", json!({"name": "own"})).await;
        let project = text_of(&project, "id");
        let keys = format!("/v1/organization/projects/{project}/api_keys");
        let key = self.admin("POST", &keys, json!({"name": "first"})).await;
        self.keys.push(text_of(&key, "value"));
        let mut people = vec![(self.world.acme.user_id.clone(), self.world.acme.admin_key.clone())];
        let of_project = ProjectRole::ALL.iter().map(|role| (role.name(), "member", Some(role.name())));
        let of_all = OrganizationRole::ALL.iter().map(|role| (role.name(), role.name(), None));
        for (name, role, role_there) in of_project.chain(of_all) {
            let email = format!("{name}-{}@acme.test", role_there.unwrap_or("everywhere"));
            let place = role_there.map(|role| (project.as_str(), role));
            let person = self.world.person(&self.world.acme, &email, role, place).await;
            people.push((person.user_id, person.admin_key));
        }
        for (user_id, admin_key) in people {
            let browser = self.world.browser(&user_id).await;
            self.console.push(Caller::new("browser", &user_id, Credential::Browser(browser)));
            self.api.push(Caller::new("key", &user_id, Credential::Key(admin_key)));
        }
        for list in ["users", "projects", "admin_api_keys", "providers", "invites"] {
            self.admin("GET", &format!("/v1/organization/{list}?limit=100"), Value::Null).await;
        }
    }

    async fn admin(&mut self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.world.admin(method, path, body).await;
        self.beginning += &self.alike.plain(&answer.to_string());
        answer
    }

    /// How many callers a surface has.
    pub fn callers(&self, surface: Surface) -> usize {
        match surface {
            Surface::Gateway => self.keys.len(),
            _ => self.api.len(),
        }
    }

    /// Sends a call, and tells the text of it that was sent and the answer.
    pub async fn say(&self, saying: &Saying) -> (String, Answer) {
        let value = |name: &str| match &saying.choices[name] {
            Choice::Text(text) => text.clone(),
            Choice::Told(prefix, number) => self.alike.told(prefix)[*number].clone(),
        };
        let (path, body) = (filled(&saying.aim.path, value), filled(&saying.aim.body, value));
        let caller = match saying.aim.route.surface {
            Surface::Api => self.api[saying.caller].clone(),
            Surface::Console => self.console[saying.caller].clone(),
            Surface::Gateway => Caller::with_key("key", self.keys[saying.caller].clone()),
        };
        let sent = format!("{path} {body}");
        (sent, present(&self.world.server, &saying.aim, &caller, (path, body)).await)
    }

    /// Takes an answer in: what it tells, comparable, and new keys.
    pub fn hear(&mut self, answer: &Answer) -> String {
        for value in [&answer.body["value"], &answer.body["api_key"]["value"]] {
            let is_of_project = |key: &&str| key.starts_with("sk-proj-") || key.starts_with("sk-svc-");
            self.keys.extend(value.as_str().filter(is_of_project).map(str::to_owned));
        }
        let told = self.alike.answer(&without_asides(answer));
        // How much is lent to a replica for calls to come depends on how fast they came.
        let is_lent = |line: &&str| LENT.iter().any(|words| line.contains(words));
        told.lines().filter(|line| !is_lent(line)).collect::<Vec<_>>().join("\n")
    }

    /// Takes in an answer that tells what happens beside calls: the ids of that, and nothing of what else it names,
    /// which stands in another order on each server. A refusal names only what was sent.
    pub fn overhear(&mut self, answer: &Answer) {
        if answer.status != 200 {
            return;
        }
        let text = answer.body.to_string();
        let is_aside = |id: &&str| id.starts_with("mail_") || id.starts_with("dlv_");
        for id in ids_in(&text).into_iter().filter(is_aside) {
            self.alike.plain(id);
        }
    }

    /// How many calls are recorded.
    pub async fn recorded(&self) -> usize {
        self.rows.count("usage_records").await
    }
}

fn without_asides(answer: &Answer) -> Answer {
    let objects = ASIDES.map(|object| format!("\"object\":\"{object}\""));
    let is_aside =
        |line: &&str| line.contains(FEED) || objects.iter().any(|object| line.contains(object.as_str()));
    let body = match &answer.body {
        Value::String(text) => {
            json!(text.lines().filter(|line| !is_aside(line)).collect::<Vec<_>>().join("\n"))
        }
        body => body.clone(),
    };
    Answer { status: answer.status, headers: answer.headers.clone(), body }
}
