//! The prices that apply, and the organization's own.

use askama::Template;

use crate::http::figures::When;
use crate::http::shell::{Choice, Shell};

/// One price of one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceRow {
    /// The model's name.
    pub model: String,
    /// The provider kind, for people.
    pub kind: String,
    /// Dollars per million of each unit, ready to print: `("input", "$1.25")`.
    pub rates: Vec<(String, String)>,
    /// From when it holds.
    pub effective_from: When,
    /// Whether the organization set it; otherwise it is of the built-in list.
    pub is_own: bool,
}

/// What is typed so far of a price of the organization's own; rates in dollars per million tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PriceForm {
    /// The provider kinds.
    pub kinds: Vec<Choice>,
    /// The model.
    pub model: String,
    /// Per million input tokens.
    pub input: String,
    /// Per million cached input tokens.
    pub cached_input: String,
    /// Per million output tokens.
    pub output: String,
    /// From which day, as `2026-12-01`; empty means now.
    pub effective_from: String,
}

/// The prices.
#[derive(Template)]
#[template(path = "prices/list.html")]
pub struct PricesPage {
    /// The frame.
    pub shell: Shell,
    /// What is searched for.
    pub search: String,
    /// The prices found.
    pub prices: Vec<PriceRow>,
    /// Where the next page is, if there is one.
    pub next_href: Option<String>,
    /// The form; absent where the viewer may set none.
    pub form: Option<PriceForm>,
}
