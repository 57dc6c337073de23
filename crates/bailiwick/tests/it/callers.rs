//! The twelve kinds of caller, and what their calls are aimed at.

use std::time::Duration;

use serde_json::{Value, json};

use crate::world::{World, id_of};

/// An organization with all of them.
pub struct Callers {
    pub world: World,
    /// Name and key, in the order of the columns; the Admin after everybody who may do less.
    pub all: Vec<(&'static str, String)>,
    /// The project of the owner and the member.
    pub own: String,
    /// Another project of the organization.
    pub another: String,
    /// A member to whom things are done.
    pub bystander: String,
}

impl Callers {
    /// Makes them.
    pub async fn new() -> Self {
        let world = World::new().await;
        let (own, another) = (world.project("own").await, world.project("another").await);
        let keyed = world.project("keyed").await;
        let expired = json!({"name": "expired", "expires_in_seconds": 1});
        let expired = value_of(&world.admin("POST", "/v1/organization/admin_api_keys", expired).await);
        let revoked = json!({"name": "revoked"});
        let revoked = world.admin("POST", "/v1/organization/admin_api_keys", revoked).await;
        let revoke = format!("/v1/organization/admin_api_keys/{}", id_of(&revoked));
        world.admin("DELETE", &revoke, Value::Null).await;
        let keys = format!("/v1/organization/projects/{keyed}/api_keys");
        let plain = world.admin("POST", &keys, json!({"name": "plain"})).await;
        let narrow = world.admin("POST", &keys, json!({"name": "narrow", "models": ["gpt-4o"]})).await;
        let removed = world.person("removed", "admin", None).await;
        let remove = format!("/v1/organization/users/{}", removed.user_id);
        world.admin("DELETE", &remove, Value::Null).await;
        let member = world.person("member", "member", Some((&own, "member"))).await;
        let owner = world.person("owner", "member", Some((&own, "owner"))).await;
        let finance = world.person("finance", "finance", None).await;
        let bystander = world.person("bystander", "member", Some((&own, "member"))).await.user_id;
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        let all = vec![
            ("none", String::new()),
            ("malformed", "sk-admin-bwnonsense".to_owned()),
            ("expired", expired),
            ("revoked", value_of(&revoked)),
            ("removed", removed.admin_key),
            ("project-key", value_of(&plain)),
            ("narrow-key", value_of(&narrow)),
            ("member", member.admin_key),
            ("owner", owner.admin_key),
            ("finance", finance.admin_key),
            ("foreign", world.other.admin_key.clone()),
            ("admin", world.acme.admin_key.clone()),
        ];
        Self { world, all, own, another, bystander }
    }

    /// The path with the ids of things that are there, made anew where a call could end them.
    pub async fn aim(&self, path: &str, project: &str) -> String {
        let mut aimed = path.replace("{project_id}", project).replace("{model}", "gpt-4o");
        if !aimed.contains('{') {
            return aimed;
        }
        let there = if project == self.another { project } else { self.own.as_str() };
        let id = self.target(path, there).await;
        if let (Some(start), Some(end)) = (aimed.find('{'), aimed.find('}')) {
            aimed.replace_range(start..=end, &id);
        }
        assert!(!aimed.contains('{'), "no target for {path}");
        aimed
    }

    async fn target(&self, path: &str, project: &str) -> String {
        let root = format!("/v1/organization/projects/{project}");
        let create = |at: String, body: Value| async move {
            let made = self.world.admin("POST", &at, body).await;
            id_of(&made)
        };
        let organization = |noun: &str| format!("/v1/organization/{noun}");
        let named = json!({"name": "target"});
        let tail = path.split("{project_id}").nth(1).unwrap_or(path);
        match tail.split('/').rev().find(|part| KINDS.contains(part)).unwrap_or_default() {
            "users" if tail != path => {
                let body = json!({"user_id": self.bystander, "role": "member"});
                let users = format!("{root}/users");
                self.world.server.call("POST", &users, &self.world.acme.admin_key, Some(&body)).await;
                self.bystander.clone()
            }
            "users" => self.bystander.clone(),
            "api_keys" if path.contains("service_accounts") => {
                create(format!("{root}/service_accounts"), named).await
            }
            "api_keys" => create(format!("{root}/api_keys"), named).await,
            "service_accounts" => create(format!("{root}/service_accounts"), named).await,
            "admin_api_keys" => create(organization("admin_api_keys"), named).await,
            "invites" => {
                let email = format!("guest{}@acme.test", rand_word());
                create(organization("invites"), json!({"email": email, "role": "reader"})).await
            }
            "providers" => {
                create(organization("providers"), json!({"name": rand_word(), "kind": "simulated"})).await
            }
            "allowances" => {
                let body = json!({"scope": {"type": "project", "id": project}, "unit": "requests",
                    "window": "day", "amount": 1_000_000, "enforcement": "soft"});
                create(organization("allowances"), body).await
            }
            other => panic!("say here what {path} is aimed at ({other})"),
        }
    }
}

/// Nouns of the API that have ids.
const KINDS: [&str; 7] =
    ["users", "api_keys", "service_accounts", "admin_api_keys", "invites", "providers", "allowances"];

fn value_of(created: &Value) -> String {
    created["value"].as_str().unwrap_or_else(|| panic!("no value in {created}")).to_owned()
}

fn rand_word() -> String {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes).unwrap();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
