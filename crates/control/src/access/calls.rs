//! Whether a key may call a model: every step that a call passes before it leaves, in the gateway's order, with what
//! each says.

use domain::Error;
use domain::access::{Decision, Grant, Task};
use domain::api_keys::KeyStatus;
use domain::api_keys::scopes::{self, Act, Family};
use domain::models::ModelLists;
use domain::organizations::OrganizationState;
use domain::page::{Order, PageRequest};
use domain::policy::{Decided, Level, Place, Policy, Setting, Value};
use domain::pricing::Catalogue;
use domain::projects::Project;
use domain::providers::ProviderConnection;
use domain::serving::Serving;
use domain::time::{DAY, Timestamp};
use store::OwnedKey;

use super::{Answered, Principal, resources};
use crate::{Control, Failure};

/// How many connections are looked at.
const CONNECTIONS_MOST: i64 = 10_000;

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is looked at.
    pub check: &'static str,
    /// The gateway's code of a call that does not pass.
    pub code: &'static str,
    /// Whether the call passes it.
    pub passes: bool,
    /// What it says.
    pub sentence: String,
}

/// What the steps look at.
struct Facts<'a> {
    owned: &'a OwnedKey,
    project: Project,
    state: OrganizationState,
    policy: Policy,
    connections: Vec<ProviderConnection>,
    catalogue: Catalogue,
    /// The project's list of models, where it has one.
    project_models: Option<ModelLists>,
    secret_drawn_at: Timestamp,
    at: Timestamp,
}

pub(super) async fn explain(
    control: &Control,
    principal: Principal,
    model: &str,
) -> Result<Answered, Failure> {
    let Principal::Key { owned, .. } = &principal else { return Err(no_key().into()) };
    let key = &owned.key;
    let project = key.project_id.ok_or_else(no_key)?;
    // The asker sees the key; what its calls meet is read like the gateway reads it.
    let system = Grant::system(Task::Snapshot, Some(key.organization_id));
    let (at, store) = (control.now(), &control.store);
    let page = PageRequest::first(CONNECTIONS_MOST, Order::Ascending);
    let organization = store.organization(&system).await?;
    let facts = Facts {
        owned,
        project: store.project(&system, project).await?,
        state: organization.state(),
        policy: store.policy(&system, at).await?,
        connections: store::providers::list_providers(store, &system, &page).await?.items,
        catalogue: Catalogue::with_own(store::prices::prices_of(store, &system).await?),
        project_models: store.model_lists(&system).await?.remove(&project),
        secret_drawn_at: store.newest_secret_at(&system, key.id).await?,
        at,
    };
    let steps = facts.steps(model);
    let (name, place) = (&key.name, &facts.project.name);
    let refusal = steps.iter().find(|step| !step.passes);
    let sentence = match refusal {
        None => format!(
            "Yes: the key {name} may call {model} from the project {place}. Limits are held against each call."
        ),
        Some(step) => {
            format!("No: the key {name} may not call {model} from the project {place}. {}", step.sentence)
        }
    };
    let resource = resources::of_project(&facts.project, (organization.id, organization.name));
    Ok(Answered {
        resource,
        decision: if refusal.is_none() { Decision::Allowed } else { Decision::Forbidden },
        code: refusal.map(|step| step.code),
        sentence,
        because: Vec::new(),
        missing: None,
        steps,
        principal,
    })
}

fn no_key() -> Error {
    let sentence = "Models are called with keys of projects. Name the id of such a key as principal.";
    Error::invalid_param("key_required", "principal", sentence)
}

fn step(check: &'static str, code: &'static str, passes: bool, says: (String, String)) -> Step {
    let (yes, no) = says;
    Step { check, code, passes, sentence: if passes { yes } else { no } }
}

impl Facts<'_> {
    fn steps(&self, model: &str) -> Vec<Step> {
        let mut steps = vec![self.key(), self.owner(), self.organization(), self.project(), self.scopes()];
        steps.push(self.networks());
        steps.push(self.age("age", "key_too_old", Setting::KeyMaximumAge, self.owned.key.created_at));
        steps.push(self.age("rotation", "key_not_rotated", Setting::KeyRotation, self.secret_drawn_at));
        steps.extend(self.model(model));
        steps
    }

    fn policy(&self, setting: Setting) -> Decided {
        let place = Place {
            environment: Some(self.project.environment),
            project: Some(self.project.id),
            key: Some(self.owned.key.id),
        };
        self.policy.at(place, setting, self.at).enforced
    }

    fn key(&self) -> Step {
        let status = self.owned.key.status(self.at);
        let code = match status {
            KeyStatus::Disabled => "key_disabled",
            KeyStatus::Expired => "key_expired",
            KeyStatus::Active | KeyStatus::Revoked => "key_revoked",
        };
        let says = format!("The key is {}.", status.name());
        step("key", code, status == KeyStatus::Active, (says.clone(), says))
    }

    fn owner(&self) -> Step {
        let name = &self.owned.owner_name;
        let says = (
            format!("Its owner {name} may use keys of the project."),
            format!("Its owner {name} may not use keys of the project any more."),
        );
        step("owner", "key_revoked", self.owned.owner_active, says)
    }

    fn organization(&self) -> Step {
        let says = format!("The organization is {}.", self.state.name());
        let passes = self.state == OrganizationState::Active;
        step("organization", "organization_suspended", passes, (says.clone(), says))
    }

    fn project(&self) -> Step {
        let name = &self.project.name;
        let says = (format!("The project {name} is in use."), format!("The project {name} is archived."));
        step("project", "project_archived", self.project.archived_at.is_none(), says)
    }

    fn scopes(&self) -> Step {
        let scopes = &self.owned.key.scopes;
        let yes = match scopes.is_empty() {
            true => "The key has no scopes, so it may call every endpoint.".to_owned(),
            false => format!("The key's scopes allow calls to models: {}.", scopes.join(", ")),
        };
        let no = format!("The key's scopes allow no calls to models: {}.", scopes.join(", "));
        step("scopes", "missing_scope", scopes::allow(scopes, Family::Chat, Act::Request), (yes, no))
    }

    /// Where a call comes from is known only when it comes, so this holds, with what it will ask for.
    fn networks(&self) -> Step {
        let networks = self.policy(Setting::GatewayNetworks);
        let says = match &networks.value {
            None => "It may be used from every network.".to_owned(),
            Some(value) => format!("It may be used only from {}.", shown(Setting::GatewayNetworks, value)),
        };
        step("network", "network_not_allowed", true, (says, String::new()))
    }

    fn age(&self, check: &'static str, code: &'static str, setting: Setting, since: Timestamp) -> Step {
        let what = if setting == Setting::KeyRotation { "its secret" } else { "the key" };
        let days = self.policy(setting).amount();
        let passes = days.is_none_or(|days| self.at.micros_since(since) <= days.saturating_mul(DAY));
        let limit = days.map_or_else(
            || format!("Policy does not say how old {what} may be."),
            |days| format!("Policy lets {what} be at most {days} days old."),
        );
        let no =
            format!("Policy lets {what} be at most {} days old, and it is older.", days.unwrap_or_default());
        step(check, code, passes, (limit, no))
    }

    /// What is decided about the model itself.
    fn model(&self, asked: &str) -> Vec<Step> {
        let allowed = self.policy(Setting::Providers);
        let serving = Serving {
            project: self.project.id,
            allowed: &allowed,
            lists: Vec::new(),
            catalogue: &self.catalogue,
            at: self.at,
        };
        let found = serving.of(&self.connections, |connection| connection, asked);
        let (connection, model) = found.map_or((None, asked), |(one, model)| (Some(one), model));
        let name = connection.map_or("", |connection| connection.name.as_str());
        let provider = (
            format!("The provider connection {name} serves it to the project."),
            "No provider connection that the project may use offers it.".to_owned(),
        );
        let key_models = (
            "The key's own lists of models allow it.".to_owned(),
            "The key's own lists of models do not allow it.".to_owned(),
        );
        let project_models = (
            "The project's list of models allows it.".to_owned(),
            "The project's list of models does not allow it.".to_owned(),
        );
        let is_listed = |lists: &ModelLists| connection.is_none_or(|one| lists.allow(model, &one.name));
        let price = connection.and_then(|one| self.catalogue.price(one.kind, model, self.at));
        let models = self.policy(Setting::Models);
        let level = models.level.map_or("organization", Level::name);
        let policy = (
            "Policy allows the model here.".to_owned(),
            format!("Policy set at the level {level} does not allow the model here."),
        );
        vec![
            step("provider", "model_not_found", connection.is_some(), provider),
            step("key_models", "model_not_allowed", is_listed(&self.owned.key.models), key_models),
            step(
                "project_models",
                "model_not_allowed",
                self.project_models.as_ref().is_none_or(is_listed),
                project_models,
            ),
            step(
                "price",
                "model_not_priced",
                price.is_some(),
                ("It has a price.".to_owned(), "It has no price, so a call could not be metered.".to_owned()),
            ),
            step("policy", "model_not_allowed", models.allows_word(model), policy),
        ]
    }
}

fn shown(setting: Setting, value: &Value) -> String {
    match setting.kind().show(value) {
        serde_json::Value::Array(list) => {
            list.iter().filter_map(serde_json::Value::as_str).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}
