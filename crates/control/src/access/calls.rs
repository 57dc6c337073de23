//! Whether a key may call a model: every step that a call passes before it leaves, with what each says.

use domain::access::Grant;
use domain::api_keys::KeyStatus;
use domain::api_keys::scopes::{self, Act, Family};
use domain::ids::ProjectId;
use domain::models::ModelLists;
use domain::page::{Order, PageRequest};
use domain::policy::{Place, Setting};
use domain::pricing::Catalogue;
use domain::projects::Project;
use domain::providers::ProviderConnection;
use store::OwnedKey;

use crate::{Control, Failure};

/// How many connections are looked at.
const CONNECTIONS_MAX: i64 = 1_000;

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is looked at.
    pub check: &'static str,
    /// Whether the call passes it.
    pub passes: bool,
    /// What it says.
    pub sentence: String,
}

/// Every step, in the order of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallExplanation {
    /// The key.
    pub owned: OwnedKey,
    /// Its project.
    pub project: Project,
    /// The model.
    pub model: String,
    /// The steps.
    pub steps: Vec<Step>,
}

impl CallExplanation {
    /// Whether the call would leave.
    pub fn is_allowed(&self) -> bool {
        self.steps.iter().all(|step| step.passes)
    }
}

pub(super) async fn explain(
    control: &Control,
    grant: &Grant,
    owned: &OwnedKey,
    project: ProjectId,
    model: &str,
) -> Result<CallExplanation, Failure> {
    let at = control.now();
    let system = Grant::system(domain::access::Task::Snapshot, grant.organization_id());
    let project = control.store.project(&system, project).await?;
    let place =
        Place { environment: Some(project.environment), project: Some(project.id), key: Some(owned.key.id) };
    let policy = control.store.policy(&system, at).await?;
    let mut steps =
        vec![of_key(control, owned), of_organization(control, &system).await?, of_project(&project)];
    let permissions = control.store.model_permissions(&system, project.id).await?;
    let of_the_project = permissions.map(|set| set.lists()).transpose()?.unwrap_or_default();
    steps.extend([of_scopes(owned), of_lists(&owned.key.models, &of_the_project, model)]);
    let allowed = policy.at(place, Setting::Models, at).enforced;
    let level = allowed.level.map_or("nothing", domain::policy::Level::name);
    steps.push(step("policy", allowed.allows_word(model), |passes| match passes {
        true => "Policy allows the model here.".to_owned(),
        false => format!("Policy set at the level {level} does not allow the model here."),
    }));
    let names = policy.at(place, Setting::Providers, at).enforced;
    let page = PageRequest::first(CONNECTIONS_MAX, Order::Ascending);
    let connections = store::providers::list_providers(&control.store, &system, &page).await?.items;
    let catalogue = Catalogue::with_own(store::prices::prices_of(&control.store, &system).await?);
    let offers = |connection: &&ProviderConnection| {
        connection.is_shared_with(project.id)
            && names.allows_word(&connection.name)
            && owned.key.models.allow(model, &connection.name)
            && of_the_project.allow(model, &connection.name)
            && connection.models.as_ref().map_or_else(
                || catalogue.price(connection.kind, model, at).is_some(),
                |models| models.iter().any(|offered| offered == model),
            )
    };
    let offering = connections.iter().find(offers);
    steps.push(step("provider", offering.is_some(), |_| match offering {
        Some(connection) => format!("The provider connection {} offers it to the project.", connection.name),
        None => "No provider connection that the project may use offers it.".to_owned(),
    }));
    let is_priced = offering.is_some_and(|one| catalogue.price(one.kind, model, at).is_some());
    steps.push(step("price", is_priced, |passes| match passes {
        true => "It has a price.".to_owned(),
        false => "It has no price, so a call could not be metered.".to_owned(),
    }));
    Ok(CallExplanation { owned: owned.clone(), project, model: model.to_owned(), steps })
}

fn step(check: &'static str, passes: bool, says: impl FnOnce(bool) -> String) -> Step {
    Step { check, passes, sentence: says(passes) }
}

fn of_key(control: &Control, owned: &OwnedKey) -> Step {
    let status = owned.key.status(control.now());
    let passes = status == KeyStatus::Active && owned.owner_active;
    step("key", passes, |_| match (status, owned.owner_active) {
        (KeyStatus::Active, true) => format!("The key is active and {} may use it.", owned.owner_name),
        (KeyStatus::Active, false) => {
            format!("Its owner {} has no right to keys in the project any more.", owned.owner_name)
        }
        (status, _) => format!("The key is {}.", status.name()),
    })
}

async fn of_organization(control: &Control, system: &Grant) -> Result<Step, Failure> {
    let state = control.store.organization(system).await?.state();
    let passes = state == domain::organizations::OrganizationState::Active;
    Ok(step("organization", passes, |_| format!("The organization is {}.", state.name())))
}

fn of_project(project: &Project) -> Step {
    step("project", project.archived_at.is_none(), |passes| match passes {
        true => format!("The project {} is active.", project.name),
        false => format!("The project {} is archived.", project.name),
    })
}

fn of_scopes(owned: &OwnedKey) -> Step {
    let opens =
        |family: &&Family| family.calls_models() && scopes::allow(&owned.key.scopes, **family, Act::Request);
    let families: Vec<&str> = Family::ALL.iter().filter(opens).map(|family| family.name()).collect();
    step("key_scopes", !families.is_empty(), |passes| match passes {
        true => format!("The key's scopes allow calls of models through {}.", families.join(", ")),
        false => "The key's scopes allow no calls of models.".to_owned(),
    })
}

fn of_lists(key: &ModelLists, project: &ModelLists, model: &str) -> Step {
    let (by_key, by_project) = (key.could_allow(model), project.could_allow(model));
    step("model_lists", by_key && by_project, |_| {
        match (by_key, by_project) {
            (true, true) => "The lists of models of the key and of its project allow it.",
            (false, _) => "The key's own lists of models keep it out.",
            (true, false) => "The model permissions of the project keep it out.",
        }
        .to_owned()
    })
}
