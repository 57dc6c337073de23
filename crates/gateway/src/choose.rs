//! Third phase: which connection serves the call. Of several that offer the model, the one shared with the fewest
//! projects wins, then the oldest; `name/model` names one.

use std::sync::Arc;

use domain::policy::Setting;
use domain::providers::ProviderConnection;
use domain::time::Timestamp;

use crate::call::{Caller, Choice};
use crate::dialect::models::ModelJson;
use crate::error::Refusal;
use crate::snapshot::{OrganizationView, ProviderView};

/// Where a call for this model goes.
pub(crate) fn choose(caller: &Caller, asked: &str, at: Timestamp) -> Result<Choice, Refusal> {
    let unknown = || Refusal::unknown_model(asked);
    let (provider, model) = find(caller, asked, at).ok_or_else(unknown)?;
    let allowed = caller.key.view.models.as_ref();
    if !allowed.is_none_or(|models| models.iter().any(|name| name == asked || name == model)) {
        return Err(unknown());
    }
    let kind = provider.connection.kind;
    let price = caller.organization.catalogue.price(kind, model, at).ok_or_else(|| not_priced(model))?;
    Ok(Choice { provider: Arc::clone(provider), model: model.to_owned(), price })
}

fn find<'a>(caller: &'a Caller, asked: &'a str, at: Timestamp) -> Option<(&'a Arc<ProviderView>, &'a str)> {
    let organization = &caller.organization;
    let offering = |model: &str, name: Option<&str>| {
        shared(caller, at)
            .filter(|provider| name.is_none_or(|name| name == provider.connection.name))
            .filter(|provider| offers(organization, &provider.connection, model, at))
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
        models.extend(
            offered.into_iter().filter(|id| allowed.allows_word(id) && choose(caller, id, at).is_ok()).map(
                |id| ModelJson {
                    id,
                    object: "model",
                    created: connection.created_at.unix_seconds(),
                    owned_by: connection.name.clone(),
                },
            ),
        );
    }
    models.sort_by(|a, b| (&a.id, a.created).cmp(&(&b.id, b.created)));
    models.dedup_by(|later, first| later.id == first.id);
    models
}
