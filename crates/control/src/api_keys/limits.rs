//! To what a key is narrowed, on the console: as a form holds it, as a page says it.

use domain::api_keys::scopes::Scope;
use domain::models::ModelLists;

use crate::Query;

/// A scope that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeChoice {
    /// Its name.
    pub name: &'static str,
    /// What it allows.
    pub sentence: &'static str,
    /// Whether it is chosen.
    pub is_selected: bool,
}

/// The fields of a form that narrow a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitsForm {
    /// Every scope.
    pub scopes: Vec<ScopeChoice>,
    /// Names of models, divided by commas; empty for all that the project may call.
    pub models: String,
    /// Names of models that are kept out, divided by commas.
    pub denied_models: String,
}

impl LimitsForm {
    /// The form that says these limits.
    pub fn of(scopes: &[String], models: &ModelLists) -> Self {
        let choice = |scope: &Scope| ScopeChoice {
            name: scope.name(),
            sentence: scope.sentence(),
            is_selected: scopes.iter().any(|chosen| chosen == scope.name()),
        };
        Self {
            scopes: Scope::ALL.iter().map(choice).collect(),
            models: models.allowed().unwrap_or_default().join(", "),
            denied_models: models.denied().join(", "),
        }
    }

    /// The form as somebody typed it.
    pub(crate) fn typed(form: &Query) -> Self {
        let limits = Limits::read(form);
        let empty = Self::of(&limits.scopes, &ModelLists::default());
        let models = limits.models.unwrap_or_default().join(", ");
        Self { models, denied_models: limits.denied_models.join(", "), ..empty }
    }
}

/// What a form narrows a key to.
pub(crate) struct Limits {
    pub(crate) scopes: Vec<String>,
    pub(crate) models: Option<Vec<String>>,
    pub(crate) denied_models: Vec<String>,
}

impl Limits {
    pub(crate) fn read(form: &Query) -> Self {
        let names = |field: &str| -> Vec<String> {
            let typed = form.many(field);
            typed.iter().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
        };
        let models = names("models");
        Self {
            scopes: names("scopes"),
            models: (!models.is_empty()).then_some(models),
            denied_models: names("denied_models"),
        }
    }
}

/// To what a key is narrowed, for people; empty where it is not.
pub(crate) fn limits_in_words(scopes: &[String], models: &ModelLists) -> String {
    let mut parts = Vec::new();
    if !scopes.is_empty() {
        parts.push(format!("scopes {}", scopes.join(", ")));
    }
    if let Some(allowed) = models.allowed() {
        parts.push(format!("models {}", allowed.join(", ")));
    }
    let denied = models.denied();
    if !denied.is_empty() {
        parts.push(format!("not {}", denied.join(", ")));
    }
    parts.join(" · ")
}
