//! Third phase: which connection serves the call, whether the key may use the model, and what it costs.

use std::sync::Arc;

use domain::policy::{Decided, Setting};
use domain::serving::Serving;
use domain::time::Timestamp;

use crate::call::{Caller, Choice};
use crate::dialect::models::ModelJson;
use crate::error::Refusal;
use crate::snapshot::ProviderView;

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
    let allowed = caller.policy(Setting::Providers, at).enforced;
    serving(caller, &allowed, at).of(&caller.organization.providers, |view| &view.connection, asked)
}

/// Where the calls of the caller's project can go.
fn serving<'a>(caller: &'a Caller, allowed: &'a Decided, at: Timestamp) -> Serving<'a> {
    Serving { project: caller.project.id, allowed, catalogue: &caller.organization.catalogue, at }
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
    let providers = caller.policy(Setting::Providers, at).enforced;
    let serving = serving(caller, &providers, at);
    let connections = caller.organization.providers.iter().map(|view| &view.connection);
    for connection in connections.filter(|connection| serving.is_open(connection)) {
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
