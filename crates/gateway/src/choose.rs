//! Third phase: which connection serves the call. Of several that offer the model, the one shared with the fewest
//! projects wins, then the oldest; `name/model` names one.

use std::sync::Arc;

use domain::models::ModelLists;
use domain::policy::Setting;
use domain::providers::ProviderConnection;
use domain::time::Timestamp;

use crate::call::{Caller, Choice};
use crate::dialect::models::ModelJson;
use crate::error::Refusal;
use crate::snapshot::{OrganizationView, ProviderView};

/// Where a call for this model goes.
pub(crate) fn choose(caller: &Caller, asked: &str, at: Timestamp) -> Result<Choice, Refusal> {
    let (provider, model) = find(caller, asked, at).ok_or_else(|| refusal(caller, asked))?;
    let kind = provider.connection.kind;
    let price = caller.organization.catalogue.price(kind, model, at).ok_or_else(|| not_priced(model))?;
    Ok(Choice { provider: Arc::clone(provider), model: model.to_owned(), price })
}

/// Why there is no such model for this caller. What a list keeps out is told by its name, whether it exists or not.
fn refusal(caller: &Caller, asked: &str) -> Refusal {
    let key = &caller.key.view;
    let of_project = project_lists(caller).is_some_and(|lists| !lists.could_allow(asked));
    match () {
        () if !key.models.could_allow(asked) => {
            Refusal::model_not_allowed(asked, &format!("The API key {}", key.id))
        }
        () if of_project => {
            Refusal::model_not_allowed(asked, &format!("The project of the API key {}", key.id))
        }
        () => Refusal::unknown_model(asked),
    }
}

fn project_lists(caller: &Caller) -> Option<&ModelLists> {
    caller.organization.model_lists.get(&caller.project.id)
}

/// Whether key and project both allow a model of a connection.
fn may_use(caller: &Caller, model: &str, connection: &ProviderConnection) -> bool {
    caller.key.view.models.allow(model, &connection.name)
        && project_lists(caller).is_none_or(|lists| lists.allow(model, &connection.name))
}

fn find<'a>(caller: &'a Caller, asked: &'a str, at: Timestamp) -> Option<(&'a Arc<ProviderView>, &'a str)> {
    let organization = &caller.organization;
    let offering = |model: &str, name: Option<&str>| {
        shared(caller, at)
            .filter(|provider| name.is_none_or(|name| name == provider.connection.name))
            .filter(|provider| offers(organization, &provider.connection, model, at))
            .filter(|provider| may_use(caller, model, &provider.connection))
            .min_by_key(|provider| rank(&provider.connection))
    };
    if let Some(found) = offering(asked, None) {
        return Some((found, asked));
    }
    let (name, model) = asked.split_once('/')?;
    offering(model, Some(name)).map(|found| (found, model))
}

/// The connections that the caller's project may use and policy allows.
fn shared(caller: &Caller, at: Timestamp) -> impl Iterator<Item = &Arc<ProviderView>> {
    let allowed = caller.policy(Setting::Providers, at).enforced;
    let usable = move |provider: &&Arc<ProviderView>| {
        let connection = &provider.connection;
        let is_shared = connection.removed_at.is_none() && connection.is_shared_with(caller.project.id);
        is_shared && allowed.allows_word(&connection.name)
    };
    caller.organization.providers.iter().filter(usable)
}

fn offers(view: &OrganizationView, connection: &ProviderConnection, model: &str, at: Timestamp) -> bool {
    match &connection.models {
        Some(models) => models.iter().any(|offered| offered == model),
        None => view.catalogue.price(connection.kind, model, at).is_some(),
    }
}

/// Fewest projects first, then oldest.
fn rank(connection: &ProviderConnection) -> (usize, Timestamp, domain::ids::ProviderId) {
    let projects = connection.project_ids.as_ref().map_or(usize::MAX, Vec::len);
    (projects, connection.created_at, connection.id)
}

fn not_priced(model: &str) -> Refusal {
    let message = format!(
        "The model `{model}` has no price here, so calls to it cannot be metered. An Admin can set one."
    );
    Refusal::invalid("model_not_priced", message).about("model").finally()
}

/// Every model that this caller may use, by name.
pub(crate) fn usable_models(caller: &Caller, at: Timestamp) -> Vec<ModelJson> {
    let mut models: Vec<ModelJson> = Vec::new();
    let catalogue = &caller.organization.catalogue;
    let allowed = caller.policy(Setting::Models, at).enforced;
    for provider in shared(caller, at) {
        let connection = &provider.connection;
        let offered = connection.models.clone().unwrap_or_else(|| catalogue.models(connection.kind, at));
        let is_usable = |id: &String| {
            allowed.allows_word(id) && may_use(caller, id, connection) && choose(caller, id, at).is_ok()
        };
        models.extend(offered.into_iter().filter(is_usable).map(|id| ModelJson {
            id,
            object: "model",
            created: connection.created_at.unix_seconds(),
            owned_by: connection.name.clone(),
        }));
    }
    models.sort_by(|a, b| (&a.id, a.created).cmp(&(&b.id, b.created)));
    models.dedup_by(|later, first| later.id == first.id);
    models
}
