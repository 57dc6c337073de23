//! The price list that is built in, and the look-up of what holds at a moment.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use serde::Deserialize;

use super::{Price, Rates};
use crate::providers::ProviderKind;
use crate::time::Timestamp;

/// All prices that apply to one organization: its own first, the built-in ones behind.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// Newest first, per kind and model.
    own: Index,
}

impl Catalogue {
    /// The catalogue of an organization with these prices of its own.
    pub fn with_own(prices: impl IntoIterator<Item = Price>) -> Self {
        Self { own: index(prices) }
    }

    /// The price of a model at a moment: the organization's own where it has one that holds, else the built-in one.
    pub fn price(&self, kind: ProviderKind, model: &str, at: Timestamp) -> Option<Arc<Price>> {
        let key = (kind, model.to_owned());
        let holding = |list: &Vec<Arc<Price>>| list.iter().find(|price| price.effective_from <= at).cloned();
        self.own.get(&key).and_then(holding).or_else(|| built_in().get(&key).and_then(holding))
    }

    /// Every model that has a price at a kind of provider at a moment, sorted.
    pub fn models(&self, kind: ProviderKind, at: Timestamp) -> Vec<String> {
        let names = self.own.keys().chain(built_in().keys()).filter(|(of, _)| *of == kind);
        let mut models: Vec<String> = names
            .filter(|(_, model)| self.price(kind, model, at).is_some())
            .map(|(_, model)| model.clone())
            .collect();
        models.sort();
        models.dedup();
        models
    }
}

fn index(prices: impl IntoIterator<Item = Price>) -> Index {
    let mut map: HashMap<_, Vec<Arc<Price>>> = HashMap::new();
    for price in prices {
        map.entry((price.kind, price.model.clone())).or_default().push(Arc::new(price));
    }
    for list in map.values_mut() {
        list.sort_by_key(|price| std::cmp::Reverse(price.effective_from));
    }
    map
}

/// Prices by kind and model, newest first.
pub type Index = HashMap<(ProviderKind, String), Vec<Arc<Price>>>;

#[derive(Deserialize)]
struct File {
    version: String,
    models: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    model: String,
    kind: ProviderKind,
    effective_from_unix: i64,
    source: String,
    rates: Rates,
    context_tokens: Option<i64>,
    max_output_tokens: Option<i64>,
}

/// The built-in list by kind and model, newest price first. It is data: `prices.json` beside this file.
pub fn built_in() -> &'static Index {
    static LIST: LazyLock<Index> = LazyLock::new(|| {
        // A list that does not parse cannot be built: the test below reads the same text.
        let file: File = serde_json::from_str(include_str!("prices.json"))
            .unwrap_or_else(|_| File { version: String::new(), models: Vec::new() });
        index(file.models.into_iter().map(|entry| entry.into_price(&file.version)))
    });
    &LIST
}

impl Entry {
    fn into_price(self, version: &str) -> Price {
        Price {
            id: format!("builtin:{version}:{}:{}", self.kind.name(), self.model),
            organization_id: None,
            model: self.model,
            kind: self.kind,
            rates: self.rates,
            context_tokens: self.context_tokens,
            max_output_tokens: self.max_output_tokens,
            effective_from: Timestamp::from_unix_seconds(self.effective_from_unix),
            source: self.source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_list_parses_and_has_no_free_model_by_accident() {
        let file: File = serde_json::from_str(include_str!("prices.json")).unwrap();
        assert!(!file.version.is_empty() && file.models.len() >= 10);
        for entry in &file.models {
            assert!(entry.rates.input > 0, "{} reads for nothing", entry.model);
            assert!(!entry.source.is_empty(), "{} has no source", entry.model);
            let is_embedding = entry.model.contains("embedding");
            assert!(
                is_embedding || (entry.rates.output > 0 && entry.max_output_tokens.is_some()),
                "{}",
                entry.model
            );
        }
    }

    #[test]
    fn an_own_price_wins_from_its_date_on() {
        let later = Timestamp::from_unix_seconds(2_000_000_000);
        let base = built_in().values().flatten().find(|p| p.kind == ProviderKind::Openai).unwrap();
        let own = Price { id: "mine".into(), effective_from: later, ..Price::clone(base) };
        let catalogue = Catalogue::with_own([own]);
        assert_eq!(catalogue.price(base.kind, &base.model, later).unwrap().id, "mine");
        assert_ne!(catalogue.price(base.kind, &base.model, later.plus_micros(-1)).unwrap().id, "mine");
        assert!(catalogue.price(base.kind, "no-such-model", later).is_none());
    }
}
