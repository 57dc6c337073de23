//! Third phase: which connection serves the call, whether the key may use the model, and what it costs.

use std::sync::Arc;

use domain::models::ModelLists;
use domain::policy::{Decided, Setting};
use domain::pricing::Price;
use domain::serving::Serving;
use domain::time::Timestamp;

use crate::call::{Caller, Choice};
use crate::dialect::models::ModelJson;
use crate::error::Refusal;
use crate::policy::passes_unpriced;
use crate::snapshot::ProviderView;

/// Where a call for this model goes.
pub(crate) fn choose(caller: &Caller, asked: &str, at: Timestamp) -> Result<Choice, Refusal> {
    let (provider, model) = find(caller, asked, at).ok_or_else(|| refusal(caller, asked))?;
    let kind = provider.connection.kind;
    let price = caller.organization.catalogue.price(kind, model, at);
    let unpriced = || passes_unpriced(caller, at).then(|| Arc::new(Price::unpriced(kind, model)));
    let price = price.or_else(unpriced).ok_or_else(|| not_priced(model))?;
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

fn find<'a>(caller: &'a Caller, asked: &'a str, at: Timestamp) -> Option<(&'a Arc<ProviderView>, &'a str)> {
    let allowed = caller.policy(Setting::Providers, at).enforced;
    serving(caller, &allowed, at).of(&caller.organization.providers, |view| &view.connection, asked)
}

/// Where the calls of the caller's project can go.
fn serving<'a>(caller: &'a Caller, allowed: &'a Decided, at: Timestamp) -> Serving<'a> {
    let lists = std::iter::once(&caller.key.view.models).chain(project_lists(caller)).collect();
    Serving { project: caller.project.id, allowed, lists, catalogue: &caller.organization.catalogue, at }
}

pub(crate) fn not_priced(model: &str) -> Refusal {
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
        let is_usable = |id: &String| {
            allowed.allows_word(id) && serving.may_use(connection, id) && choose(caller, id, at).is_ok()
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
