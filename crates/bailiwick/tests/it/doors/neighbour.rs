//! The organization beside: everything in it has a name that nothing else has, and some things names that others use too.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::alike::ids_in;
use crate::rows::Rows;
use crate::server::Bootstrapped;
use crate::world::{World, text_of};

/// What every text of the neighbour contains, and nothing else does: letters that no id has.
pub const CANARY: &str = "ouliou";
/// Names that the neighbour uses as well.
pub const SHARED_NAMES: [&str; 3] = ["alpha", "beta", "gamma"];

/// A filled organization.
pub struct Neighbour {
    pub organization: Bootstrapped,
    /// Every id in it.
    pub ids: BTreeSet<String>,
    /// Every secret in it.
    pub secrets: Vec<String>,
    /// A model that only it has.
    pub model: String,
    /// How many calls of it are metered.
    pub calls: usize,
    texts: u64,
}

impl Neighbour {
    /// Fills the other organization of a world.
    pub async fn move_in(world: &World, rows: &Rows) -> Self {
        let organization = world.other.clone();
        let mut it = Self {
            organization,
            ids: BTreeSet::new(),
            secrets: Vec::new(),
            model: String::new(),
            calls: 0,
            texts: 0,
        };
        it.name_itself(world).await;
        it.offer_a_model(world).await;
        for name in ["", "Project alpha", "Project beta"] {
            it.work(world, name).await;
        }
        it.invite(world).await;
        it.limit(world).await;
        while rows.count("usage_records").await < it.calls {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        it.ids = it.found(rows).await;
        it
    }

    fn text(&mut self) -> String {
        self.texts += 1;
        format!("{CANARY}{:04}", self.texts)
    }

    async fn post(&mut self, world: &World, path: &str, body: Value) -> Value {
        let made = world.of(&self.organization, "POST", path, body).await;
        for value in [&made["value"], &made["secret"], &made["url"], &made["api_key"]["value"]] {
            self.secrets.extend(value.as_str().filter(|text| text.len() > 30).map(str::to_owned));
        }
        made
    }

    async fn name_itself(&mut self, world: &World) {
        let name = json!({"name": self.text()});
        self.post(world, "/v1/organization", name).await;
        // Others of its Admin, under names that somebody else may want.
        for name in SHARED_NAMES {
            let name = format!("Organization {name}");
            self.post(world, "/v1/organizations", json!({"name": name})).await;
        }
    }

    async fn offer_a_model(&mut self, world: &World) {
        for (name, model) in [(self.text(), self.text()), ("alpha".to_owned(), self.text())] {
            let price = json!({"model": model, "kind": "simulated", "rates": {"input": 5, "output": 5},
                "source": self.text(), "context_tokens": 1000, "max_output_tokens": 100});
            self.post(world, "/v1/organization/prices", price).await;
            let provider = json!({"name": name, "kind": "simulated", "models": [model],
                "contract_owner": self.text()});
            self.post(world, "/v1/organization/providers", provider).await;
            self.model = model;
        }
    }

    /// A project with people, keys, limits and calls.
    async fn work(&mut self, world: &World, name: &str) {
        let name = if name.is_empty() { self.text() } else { name.to_owned() };
        let project = json!({"name": name, "description": self.text(), "team": self.text(),
            "product_line": self.text(), "cost_center": self.text(), "client": self.text(),
            "tags": {self.text(): self.text()}});
        let project = text_of(&self.post(world, "/v1/organization/projects", project).await, "id");
        let root = format!("/v1/organization/projects/{project}");
        let email = format!("{}@{}.test", self.text(), self.text());
        let person = world.person(&self.organization, &email, "member", Some((&project, "member"))).await;
        let body = json!({"name": self.text(), "owner": {"type": "user", "id": person.user_id},
            "description": self.text()});
        let key = self.post(world, &format!("{root}/api_keys"), body).await;
        let account = json!({"name": self.text()});
        self.post(world, &format!("{root}/service_accounts"), account).await;
        for _ in 0..3 {
            let call = json!({"model": self.model, "max_tokens": 5, "user": self.text(),
                "messages": [{"role": "user", "content": self.text()}]});
            world.server.ok("POST", "/v1/chat/completions", &text_of(&key, "value"), Some(&call)).await;
            self.calls += 1;
        }
        let scope = json!({"type": "project", "id": project});
        let limit = json!({"scope": scope, "unit": "requests", "window": "month", "amount": 9000,
            "enforcement": "soft"});
        self.post(world, "/v1/organization/allowances", limit).await;
    }

    async fn invite(&mut self, world: &World) {
        let invite = json!({"email": format!("{}@guests.test", self.text())});
        self.post(world, "/v1/organization/invites", invite).await;
        let key = json!({"name": self.text()});
        self.post(world, "/v1/organization/admin_api_keys", key).await;
    }

    async fn limit(&mut self, world: &World) {
        let policy = json!({"value": ["ouliou-policy"], "mode": "warn"});
        self.post(world, "/v1/organization/policy/model.allowed", policy).await;
        let url = format!("http://{}/{}", crate::world::NOBODY, self.text());
        let webhook = json!({"url": url, "description": self.text(), "event_types": ["webhook.test"]});
        self.post(world, "/v1/organization/webhooks", webhook).await;
    }

    /// Every id in a row that names the organization or something of it.
    async fn found(&self, rows: &Rows) -> BTreeSet<String> {
        let mut found =
            BTreeSet::from([self.organization.organization_id.clone(), self.organization.user_id.clone()]);
        let tables = rows.all().await;
        let texts: Vec<String> = tables.values().flatten().map(ToString::to_string).collect();
        loop {
            let known = found.len();
            for text in &texts {
                let ids = ids_in(text);
                if ids.iter().any(|id| found.contains(*id)) {
                    found.extend(ids.into_iter().map(str::to_owned));
                }
            }
            if found.len() == known {
                return found;
            }
        }
    }

    /// The rows of the organization, as they stand: those that name it and those that belong to no organization but
    /// name something of it.
    pub async fn rows(&self, rows: &Rows) -> Vec<String> {
        let mut kept = Vec::new();
        for (table, rows) in rows.all().await {
            if super::company::BESIDE.contains(&table.as_str()) {
                continue;
            }
            for row in rows {
                let text = row.to_string();
                let is_theirs = match row["organization_id"].as_str() {
                    Some(id) => self.ids.contains(id),
                    None => ids_in(&text).into_iter().any(|id| self.ids.contains(id)),
                };
                kept.extend(is_theirs.then(|| format!("{table} {text}")));
            }
        }
        kept.sort();
        kept
    }
}
