//! The value of a setting. Every kind is a lattice: `meet` is what satisfies both, `join` what satisfies either, and
//! *narrower* is an order, so that a level that can only narrow is one line of code.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::pattern::Pattern;
use crate::error::Error;

/// What kind of value a setting has, and how it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Yes or no; yes is stricter.
    Switch,
    /// A whole number of a unit; less is stricter.
    Most {
        /// The unit, for people.
        unit: &'static str,
        /// The least that can be set.
        least: i64,
        /// The most that can be set.
        most: i64,
    },
    /// One of these words, from the loosest to the strictest.
    Choice(&'static [&'static str]),
    /// A list of allowed words; a star at the end of one stands for whatever follows.
    Words,
    /// A list of allowed networks.
    Networks,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Of a switch.
    Switch(bool),
    /// Of an amount.
    Most(i64),
    /// The place of the word in its list.
    Choice(usize),
    /// What is allowed; nothing else is.
    Allowed(BTreeSet<Pattern>),
}

impl Kind {
    /// Reads a value as it stands on the wire.
    ///
    /// # Errors
    /// `invalid_value` saying what is expected; `invalid_pattern`; `invalid_network`.
    pub fn read(self, json: &Json) -> Result<Value, Error> {
        let refused = |expected: String| Err(Error::invalid_param("invalid_value", "value", expected));
        match self {
            Self::Switch => match json.as_bool() {
                Some(on) => Ok(Value::Switch(on)),
                None => refused("Use true or false.".to_owned()),
            },
            Self::Most { unit, least, most } => match json.as_i64() {
                Some(amount) if (least..=most).contains(&amount) => Ok(Value::Most(amount)),
                _ => refused(format!("Use a whole number of {unit} from {least} to {most}.")),
            },
            Self::Choice(words) => {
                let place = json.as_str().and_then(|word| words.iter().position(|known| *known == word));
                place.map_or_else(
                    || refused(format!("Use one of: {}.", words.join(" "))),
                    |at| Ok(Value::Choice(at)),
                )
            }
            Self::Words => read_list(json, Pattern::word),
            Self::Networks => read_list(json, Pattern::network),
        }
    }

    /// The value as it stands on the wire.
    pub fn show(self, value: &Value) -> Json {
        match (self, value) {
            (Self::Choice(words), Value::Choice(place)) => json!(words.get(*place)),
            (_, Value::Switch(on)) => json!(on),
            (_, Value::Most(amount)) => json!(amount),
            (_, Value::Choice(place)) => json!(place),
            (_, Value::Allowed(patterns)) => patterns.iter().map(ToString::to_string).collect(),
        }
    }
}

fn read_list(json: &Json, read: fn(&str) -> Result<Pattern, Error>) -> Result<Value, Error> {
    let refused = || Error::invalid_param("invalid_value", "value", "Use a list of at most 1000 texts.");
    let texts = json.as_array().filter(|texts| texts.len() <= 1_000).ok_or_else(refused)?;
    let patterns = texts.iter().map(|text| read(text.as_str().ok_or_else(refused)?));
    patterns.collect::<Result<BTreeSet<_>, _>>().map(|set| Value::Allowed(widest(set)))
}

impl Value {
    /// What satisfies both.
    ///
    /// Values of different kinds never meet in one setting; the first stands then.
    #[must_use]
    pub fn meet(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Switch(one), Self::Switch(two)) => Self::Switch(*one || *two),
            (Self::Most(one), Self::Most(two)) => Self::Most(*one.min(two)),
            (Self::Choice(one), Self::Choice(two)) => Self::Choice(*one.max(two)),
            (Self::Allowed(one), Self::Allowed(two)) => {
                let shared = one.iter().flat_map(|a| two.iter().filter_map(move |b| shared(a, b)));
                Self::Allowed(widest(shared.cloned().collect()))
            }
            _ => self.clone(),
        }
    }

    /// What satisfies either.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Switch(one), Self::Switch(two)) => Self::Switch(*one && *two),
            (Self::Most(one), Self::Most(two)) => Self::Most(*one.max(two)),
            (Self::Choice(one), Self::Choice(two)) => Self::Choice(*one.min(two)),
            (Self::Allowed(one), Self::Allowed(two)) => {
                Self::Allowed(widest(one.union(two).cloned().collect()))
            }
            _ => self.clone(),
        }
    }

    /// Whether it is the other or narrower.
    pub fn is_within(&self, other: &Self) -> bool {
        self.meet(other) == *self
    }

    /// Whether a plain word is allowed; true for values that are no list.
    pub fn allows_word(&self, word: &str) -> bool {
        match self {
            Self::Allowed(patterns) => patterns.iter().any(|pattern| pattern.allows(word)),
            _ => true,
        }
    }

    /// Whether an address is allowed; true for values that are no list.
    pub fn allows_address(&self, address: std::net::IpAddr) -> bool {
        let wanted = Pattern::address(address);
        match self {
            Self::Allowed(patterns) => patterns.iter().any(|pattern| pattern.covers(&wanted)),
            _ => true,
        }
    }
}

fn shared<'a>(one: &'a Pattern, other: &'a Pattern) -> Option<&'a Pattern> {
    match () {
        () if one.covers(other) => Some(other),
        () if other.covers(one) => Some(one),
        () => None,
    }
}

/// The list without what others in it cover, so that equal lists are equal values.
fn widest(set: BTreeSet<Pattern>) -> BTreeSet<Pattern> {
    let is_needed = |one: &&Pattern| !set.iter().any(|other| other != *one && other.covers(one));
    set.iter().filter(is_needed).cloned().collect()
}
