//! Reading a price file in LiteLLM's format: one JSON object, a key per model, dollars per token as decimals.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{NewPrice, Rates};
use crate::error::Error;
use crate::providers::ProviderKind;
use crate::time::Timestamp;

/// What came out of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Prices that could be read exactly.
    pub prices: Vec<NewPrice>,
    /// Models that were left out, each with the reason.
    pub skipped: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    litellm_provider: Option<String>,
    #[serde(borrow)]
    input_cost_per_token: Option<&'a RawValue>,
    #[serde(borrow)]
    output_cost_per_token: Option<&'a RawValue>,
    #[serde(borrow)]
    cache_read_input_token_cost: Option<&'a RawValue>,
    #[serde(borrow)]
    cache_creation_input_token_cost: Option<&'a RawValue>,
    #[serde(borrow)]
    input_cost_per_request: Option<&'a RawValue>,
    max_input_tokens: Option<i64>,
    max_output_tokens: Option<i64>,
}

/// Reads a file in LiteLLM's format; entries of other providers than OpenAI-compatible ones are skipped with a reason.
///
/// # Errors
/// `invalid_price_file` when it is not a JSON object.
pub fn import_litellm(text: &str, effective_from: Timestamp) -> Result<Imported, Error> {
    let map: std::collections::BTreeMap<String, &RawValue> = serde_json::from_str(text).map_err(|_| {
        Error::invalid("invalid_price_file", "This is not a JSON object with a key per model.")
    })?;
    let mut imported = Imported::default();
    for (model, raw) in map {
        if model == "sample_spec" {
            continue;
        }
        match read_entry(&model, raw.get(), effective_from) {
            Ok(price) => imported.prices.push(price),
            Err(reason) => imported.skipped.push((model, reason)),
        }
    }
    Ok(imported)
}

fn read_entry(model: &str, raw: &str, effective_from: Timestamp) -> Result<NewPrice, String> {
    let entry: Entry<'_> = serde_json::from_str(raw).map_err(|error| error.to_string())?;
    let provider = entry.litellm_provider.as_deref().unwrap_or("openai");
    if provider != "openai" {
        return Err(format!("provider {provider} is not attached by this kind of connection"));
    }
    let input = rate(entry.input_cost_per_token)?.ok_or("no input_cost_per_token")?;
    let rates = Rates {
        input,
        cached_input: rate(entry.cache_read_input_token_cost)?.unwrap_or(input),
        cache_write: rate(entry.cache_creation_input_token_cost)?.unwrap_or(0),
        output: rate(entry.output_cost_per_token)?.unwrap_or(0),
        request: rate(entry.input_cost_per_request)?.unwrap_or(0),
    };
    Ok(NewPrice {
        model: model.to_owned(),
        kind: ProviderKind::Openai,
        rates,
        context_tokens: entry.max_input_tokens,
        max_output_tokens: entry.max_output_tokens,
        effective_from,
        source: "imported price file".to_owned(),
    })
}

/// Dollars per token as written (`2.5e-06`) into nano-dollars per million, exactly; more digits than fit are refused.
fn rate(raw: Option<&RawValue>) -> Result<Option<i64>, String> {
    let Some(text) = raw.map(RawValue::get).filter(|text| *text != "null") else { return Ok(None) };
    let text = text.trim_matches('"');
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().map_err(|_| format!("{text} is not a number"))?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: i128 = format!("{whole}{fraction}").parse().map_err(|_| format!("{text} is not a number"))?;
    let places = i32::try_from(fraction.len()).map_err(|_| "too many digits".to_owned())?;
    // Dollars per token x 10^9 nano x 10^6 tokens.
    let shift = exponent.saturating_sub(places).saturating_add(15);
    let value = match shift {
        0..=18 => digits.checked_mul(10i128.pow(shift.unsigned_abs())),
        -30..=-1 => {
            let divisor = 10i128.pow(shift.unsigned_abs());
            (digits % divisor == 0).then(|| digits / divisor)
        }
        _ => None,
    };
    let value = value.and_then(|wide| i64::try_from(wide).ok()).filter(|value| *value >= 0);
    value.map(Some).ok_or_else(|| format!("{text} dollars per token cannot be held exactly"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_per_token_become_nano_dollars_per_million_exactly() {
        let file = r#"{
            "sample_spec": {"input_cost_per_token": "text"},
            "a": {"litellm_provider": "openai", "input_cost_per_token": 2.5e-06, "output_cost_per_token": 0.00001, "max_output_tokens": 9},
            "b": {"litellm_provider": "vertex_ai", "input_cost_per_token": 1e-6},
            "c": {"litellm_provider": "openai"},
            "d": {"litellm_provider": "openai", "input_cost_per_token": 1e-17}
        }"#;
        let imported = import_litellm(file, Timestamp::default()).unwrap();
        assert_eq!(imported.prices.len(), 1);
        assert_eq!(imported.prices[0].rates.input, 2_500_000_000);
        assert_eq!(imported.prices[0].rates.output, 10_000_000_000);
        let skipped: Vec<&str> = imported.skipped.iter().map(|(model, _)| model.as_str()).collect();
        assert_eq!(skipped, ["b", "c", "d"]);
        assert!(import_litellm("[]", Timestamp::default()).is_err());
    }
}
