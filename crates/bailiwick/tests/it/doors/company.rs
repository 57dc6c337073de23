//! The company whose doors are tried: Acme with two projects and people of every role, and Other beside it.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;

use domain::access::{OrganizationRole, Permission, ProjectRole};
use domain::routes::Access;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::aims::Aim;
use super::callers::Caller;
use super::things::Relation;
use crate::server::Bootstrapped;
use crate::world::{Person, World, text_of};

/// Tables of what happens beside calls: what is sent because of them, how often something was tried,
/// who used which permission on which day, who is alive.
pub const BESIDE: [&str; 10] = [
    "outbox_cursor",
    "deliveries",
    "delivery_attempts",
    "mails",
    "mail_refusals",
    "sign_in_attempts",
    "policy_warnings",
    "permission_uses",
    "replicas",
    "instance",
];

/// Everything that calls are aimed at and made by.
pub struct Company {
    pub world: World,
    /// The project of Acme in which people have roles.
    pub own: String,
    /// The project of Acme in which nobody but its Admin has one.
    pub another: String,
    /// The project of Other.
    pub foreign: String,
    /// The words in the addresses of Acme and of Other.
    pub slugs: (String, String),
    /// People by what they are: a role in `own` or, of those who have none there, in Acme.
    pub people: BTreeMap<&'static str, Person>,
    pub(super) things: Mutex<BTreeMap<(String, Relation, String), String>>,
    pub(super) words: AtomicU64,
    /// Who leaves in the place of callers, by the callers' credentials.
    pub(super) stand_ins: Mutex<BTreeMap<String, Caller>>,
}

impl Company {
    /// Makes it.
    pub async fn new() -> Self {
        let world = World::new().await;
        let project = async |organization: &Bootstrapped, name: &str| {
            let body = json!({"name": name});
            text_of(&world.of(organization, "POST", "/v1/organization/projects", body).await, "id")
        };
        let own = project(&world.acme, "own").await;
        let another = project(&world.acme, "another").await;
        let foreign = project(&world.other, "foreign").await;
        let mut people = BTreeMap::new();
        for role in ProjectRole::ALL {
            let email = format!("{}@acme.test", role.name());
            let person = world.person(&world.acme, &email, "member", Some((&own, role.name()))).await;
            people.insert(role.name(), person);
        }
        people.insert("no-project", world.person(&world.acme, "idle@acme.test", "member", None).await);
        for role in OrganizationRole::ALL {
            if !matches!(role, OrganizationRole::Admin | OrganizationRole::Member) {
                let email = format!("{}@acme.test", role.name());
                people.insert(role.name(), world.person(&world.acme, &email, role.name(), None).await);
            }
        }
        let slug = async |organization: &Bootstrapped| {
            text_of(&world.of(organization, "GET", "/v1/organization", Value::Null).await, "slug")
        };
        let slugs = (slug(&world.acme).await, slug(&world.other).await);
        let company = Self {
            own,
            another,
            foreign,
            slugs,
            people,
            world,
            things: Mutex::default(),
            words: AtomicU64::new(1),
            stand_ins: Mutex::default(),
        };
        company.offer_models().await;
        company
    }

    /// Models that every project of Acme may use, that only `another` may, and that only Other has.
    async fn offer_models(&self) {
        let world = &self.world;
        for (organization, name, models, projects) in [
            (&world.acme, "shared", &["open-model", "narrow-model"][..], Value::Null),
            (&world.acme, "walled", &["walled-model"][..], json!([self.another])),
            (&world.other, "theirs", &["foreign-model"][..], Value::Null),
        ] {
            for model in models {
                let price = json!({"model": model, "kind": "simulated", "context_tokens": 1000,
                    "max_output_tokens": 100, "rates": {"input": 1000, "output": 1000}});
                world.of(organization, "POST", "/v1/organization/prices", price).await;
            }
            let body = json!({"name": name, "kind": "simulated", "models": models, "project_ids": projects});
            world.of(organization, "POST", "/v1/organization/providers", body).await;
        }
    }

    /// Brings both organizations back after a call through one of the rows that stop an organization, or that need a
    /// stopped one.
    pub async fn bring_back(&self, aim: &Aim) {
        if aim.is_write() && aim.route.access == Access::Organization(Permission::OrganizationSuspend) {
            for organization in [&self.world.acme, &self.world.other] {
                self.world.of(organization, "POST", "/v1/organization/reactivate", Value::Null).await;
            }
            self.things.lock().await.retain(|(name, ..), _| name != "suspended");
        }
    }

    /// Gives the people of `own` the same roles in another project of Acme.
    pub async fn staff(&self, project: &str) {
        let users = format!("/v1/organization/projects/{project}/users");
        for role in ProjectRole::ALL {
            let body = json!({"user_id": self.people[role.name()].user_id, "role": role.name()});
            self.world.admin("POST", &users, body).await;
        }
    }
}
