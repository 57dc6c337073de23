//! Prices: versioned, effective-dated, per million units; what a call costs and the most it could cost.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::ids::{OrganizationId, PriceId};
use crate::money::NanoUsd;
use crate::providers::ProviderKind;
use crate::time::Timestamp;

mod catalogue;
mod import;

pub use catalogue::{Catalogue, Index, built_in};
pub use import::{Imported, import_litellm};

/// What a price is per.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceUnit {
    /// Tokens read that were neither found in nor written to the provider's cache.
    Input,
    /// Tokens read from the provider's cache.
    CachedInput,
    /// Tokens written to the provider's cache.
    CacheWrite,
    /// Tokens generated, reasoning included.
    Output,
    /// The call itself.
    Request,
}

impl PriceUnit {
    /// Every unit, in the order of the arrays.
    pub const ALL: [Self; 5] =
        [Self::Input, Self::CachedInput, Self::CacheWrite, Self::Output, Self::Request];

    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::CachedInput => "cached_input",
            Self::CacheWrite => "cache_write",
            Self::Output => "output",
            Self::Request => "request",
        }
    }
}

/// How many of each unit a call used or could use. `input` excludes the cached and the written ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantities {
    /// Tokens read, cache aside.
    pub input: i64,
    /// Tokens read from the cache.
    pub cached_input: i64,
    /// Tokens written to the cache.
    pub cache_write: i64,
    /// Tokens generated, reasoning included.
    pub output: i64,
    /// Of the output, tokens of reasoning; told, not priced apart.
    pub reasoning: i64,
    /// Calls.
    pub requests: i64,
}

impl Quantities {
    /// The amount of one unit.
    pub const fn of(&self, unit: PriceUnit) -> i64 {
        match unit {
            PriceUnit::Input => self.input,
            PriceUnit::CachedInput => self.cached_input,
            PriceUnit::CacheWrite => self.cache_write,
            PriceUnit::Output => self.output,
            PriceUnit::Request => self.requests,
        }
    }

    /// All tokens read: cached and written ones included.
    pub const fn input_tokens(&self) -> i64 {
        self.input.saturating_add(self.cached_input).saturating_add(self.cache_write)
    }
}

/// Nano-dollars per million of each unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rates {
    /// Per million tokens read.
    pub input: i64,
    /// Per million tokens read from the cache.
    pub cached_input: i64,
    /// Per million tokens written to the cache.
    pub cache_write: i64,
    /// Per million tokens generated.
    pub output: i64,
    /// Per million calls.
    pub request: i64,
}

impl Rates {
    /// The rate of one unit.
    pub const fn of(&self, unit: PriceUnit) -> i64 {
        match unit {
            PriceUnit::Input => self.input,
            PriceUnit::CachedInput => self.cached_input,
            PriceUnit::CacheWrite => self.cache_write,
            PriceUnit::Output => self.output,
            PriceUnit::Request => self.request,
        }
    }

    /// What quantities cost: exact in wide integers, rounded up once, to a whole nano-dollar.
    ///
    /// # Errors
    /// `amount_too_large` when it does not fit.
    pub fn cost(&self, quantities: &Quantities) -> Result<NanoUsd, Error> {
        let wide: i128 = PriceUnit::ALL
            .iter()
            .map(|unit| i128::from(self.of(*unit)) * i128::from(quantities.of(*unit)))
            .sum();
        NanoUsd::from_wide((wide + 999_999).div_euclid(1_000_000))
    }

    /// The most that so much input could cost, whichever way the provider counts it.
    pub fn dearest_input(&self) -> i64 {
        self.input.max(self.cached_input).max(self.cache_write)
    }

    /// The most that a call with these bounds can cost: every token read at the dearest input rate.
    ///
    /// # Errors
    /// `amount_too_large` when it does not fit.
    pub fn worst_case(&self, input_tokens: i64, output_tokens: i64) -> Result<NanoUsd, Error> {
        let wide = i128::from(self.dearest_input()) * i128::from(input_tokens)
            + i128::from(self.output) * i128::from(output_tokens)
            + i128::from(self.request);
        NanoUsd::from_wide((wide + 999_999).div_euclid(1_000_000))
    }
}

/// The price of one model at one kind of provider from one date on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// Its id; of built-in ones the catalogue's version, model and date.
    pub id: String,
    /// The organization that set it for itself; none for the built-in list.
    pub organization_id: Option<OrganizationId>,
    /// The model.
    pub model: String,
    /// The kind of provider.
    pub kind: ProviderKind,
    /// Nano-dollars per million units.
    pub rates: Rates,
    /// The most tokens the model reads in one call, where known.
    pub context_tokens: Option<i64>,
    /// The most tokens the model generates in one call, where known.
    pub max_output_tokens: Option<i64>,
    /// From when it holds.
    pub effective_from: Timestamp,
    /// Where the figure comes from.
    pub source: String,
}

/// The id of the price that a model without one passes at, where policy lets it: it marks the record.
pub const UNPRICED: &str = "unpriced";

impl Price {
    /// What stands for the price that a model does not have.
    pub fn unpriced(kind: ProviderKind, model: &str) -> Self {
        Self {
            id: UNPRICED.to_owned(),
            organization_id: None,
            model: model.to_owned(),
            kind,
            rates: Rates::default(),
            context_tokens: None,
            max_output_tokens: None,
            effective_from: Timestamp::from_unix_seconds(0),
            source: String::new(),
        }
    }

    /// Whether it stands for none.
    pub fn is_unpriced(&self) -> bool {
        self.id == UNPRICED
    }
}

/// What an organization says a model costs from a date on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPrice {
    /// The model.
    pub model: String,
    /// The kind of provider.
    pub kind: ProviderKind,
    /// Nano-dollars per million units.
    pub rates: Rates,
    /// The most tokens the model reads in one call.
    pub context_tokens: Option<i64>,
    /// The most tokens the model generates in one call.
    pub max_output_tokens: Option<i64>,
    /// From when it holds; not before now, since the past never changes.
    pub effective_from: Timestamp,
    /// Where the figure comes from.
    pub source: String,
}

impl NewPrice {
    /// Checks bounds and dates.
    ///
    /// # Errors
    /// `invalid_model`, `invalid_rate` for a negative or absurd rate, `price_in_the_past`.
    pub fn checked(mut self, now: Timestamp) -> Result<Self, Error> {
        self.model = model_name(&self.model)?;
        let bounded = |rate: i64| (0..=1_000_000_000_000_000).contains(&rate);
        if !PriceUnit::ALL.iter().all(|unit| bounded(self.rates.of(*unit))) {
            return Err(Error::invalid_param(
                "invalid_rate",
                "rates",
                "Rates are 0 to 10^15 nano-dollars per million.",
            ));
        }
        if self.effective_from < now {
            return Err(Error::invalid_param(
                "price_in_the_past",
                "effective_from",
                "A price holds from now on or later: what was charged never changes.",
            ));
        }
        Ok(self)
    }

    /// The price of that id.
    pub fn into_price(self, id: PriceId, organization_id: OrganizationId) -> Price {
        Price {
            id: id.to_string(),
            organization_id: Some(organization_id),
            model: self.model,
            kind: self.kind,
            rates: self.rates,
            context_tokens: self.context_tokens,
            max_output_tokens: self.max_output_tokens,
            effective_from: self.effective_from,
            source: self.source,
        }
    }
}

/// A model's name: 1 to 200 visible ASCII characters.
///
/// # Errors
/// `invalid_model`.
pub fn model_name(text: &str) -> Result<String, Error> {
    let name = text.trim();
    let plain = name.bytes().all(|b| b.is_ascii_graphic()) && (1..=200).contains(&name.len());
    plain.then(|| name.to_owned()).ok_or_else(|| {
        Error::invalid_param(
            "invalid_model",
            "model",
            "A model's name is 1 to 200 visible characters without spaces.",
        )
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn worst_case_covers_every_way_of_counting(
            rates in prop::array::uniform5(0..100_000_000_000i64),
            input in 0..2_000_000i64, cached in 0..2_000_000i64, written in 0..2_000_000i64, output in 0..2_000_000i64,
        ) {
            let rates = Rates { input: rates[0], cached_input: rates[1], cache_write: rates[2], output: rates[3], request: rates[4] };
            let used = Quantities { input, cached_input: cached, cache_write: written, output, reasoning: 0, requests: 1 };
            let cost = rates.cost(&used).unwrap();
            prop_assert!(cost <= rates.worst_case(used.input_tokens(), output).unwrap());
        }

        #[test]
        fn rounding_is_upwards_and_less_than_one(rate in 0..100_000_000_000i64, tokens in 0..10_000_000i64) {
            let rates = Rates { input: rate, ..Rates::default() };
            let cost = rates.cost(&Quantities { input: tokens, ..Quantities::default() }).unwrap();
            let exact_times_million = i128::from(rate) * i128::from(tokens);
            let charged = i128::from(cost.nano()) * 1_000_000;
            prop_assert!(charged >= exact_times_million && charged - exact_times_million < 1_000_000);
        }
    }

    #[test]
    fn amounts_beyond_the_range_are_refused_not_wrapped() {
        let rates = Rates { output: i64::MAX, ..Rates::default() };
        assert!(rates.cost(&Quantities { output: i64::MAX, ..Quantities::default() }).is_err());
        assert!(rates.worst_case(0, i64::MAX).is_err());
    }
}
