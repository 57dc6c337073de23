//! What the gateway reads of each wire format, and no more: bodies pass through otherwise untouched.

pub(crate) mod embeddings;
pub(crate) mod models;
pub(crate) mod openai_chat;
pub(crate) mod splice;
pub(crate) mod sse;

use domain::pricing::Quantities;
use serde::Deserialize;

use crate::error::Refusal;
use splice::Splice;

/// What a request says that matters for admitting and forwarding it.
#[derive(Debug, Default)]
pub(crate) struct Peek {
    /// The model as the client wrote it.
    pub(crate) model: String,
    /// Where that stands in the body, quotes included.
    pub(crate) model_at: std::ops::Range<usize>,
    pub(crate) is_stream: bool,
    /// The edit that asks the provider for usage; none where the client asked itself.
    pub(crate) ask_usage: Option<Splice>,
    /// The most tokens that the request lets the model generate, all choices together.
    pub(crate) output_limit: Option<i64>,
    /// How many answers are asked for.
    pub(crate) choices: i64,
    /// Whether the input is text alone, so that its bytes bound its tokens.
    pub(crate) is_text: bool,
    pub(crate) end_user: Option<String>,
    /// Whether it carries tags of its own.
    pub(crate) is_tagged: bool,
}

/// Usage in OpenAI's words.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(crate) struct UsageJson {
    #[serde(default)]
    prompt_tokens: i64,
    #[serde(default)]
    completion_tokens: i64,
    #[serde(default)]
    total_tokens: i64,
    #[serde(default)]
    prompt_tokens_details: Option<PromptDetails>,
    #[serde(default)]
    completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
struct PromptDetails {
    #[serde(default)]
    cached_tokens: Option<i64>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
struct CompletionDetails {
    #[serde(default)]
    reasoning_tokens: Option<i64>,
}

impl UsageJson {
    /// The quantities; none when the figures are negative, absurd or all nought.
    pub(crate) fn quantities(&self) -> Option<Quantities> {
        let sane = |tokens: i64| (0..=1_000_000_000_000).contains(&tokens);
        if !sane(self.prompt_tokens) || !sane(self.completion_tokens) {
            return None;
        }
        if self.prompt_tokens == 0 && self.completion_tokens == 0 && self.total_tokens <= 0 {
            return None;
        }
        let cached = self.prompt_tokens_details.and_then(|d| d.cached_tokens).unwrap_or(0);
        let cached = cached.clamp(0, self.prompt_tokens);
        let reasoning = self.completion_tokens_details.and_then(|d| d.reasoning_tokens).unwrap_or(0);
        Some(Quantities {
            input: self.prompt_tokens - cached,
            cached_input: cached,
            cache_write: 0,
            output: self.completion_tokens,
            reasoning: reasoning.clamp(0, self.completion_tokens),
            requests: 1,
        })
    }
}

/// The usage in a plain answer or an error, where there is one.
pub(crate) fn usage_of(body: &[u8]) -> Option<Quantities> {
    #[derive(Deserialize)]
    struct Answer {
        usage: Option<UsageJson>,
    }
    serde_json::from_slice::<Answer>(body).ok()?.usage?.quantities()
}

/// The body as text, or the refusal of what is not JSON.
pub(crate) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    let text = std::str::from_utf8(body)
        .map_err(|_| Refusal::invalid("invalid_json", "The body is not JSON: it is not UTF-8 text."))?;
    // A list of values in the order of the fields would parse too; it is not what the provider reads.
    if text.trim_start().starts_with('[') {
        return Err(Refusal::invalid("invalid_type", "The body is a JSON object."));
    }
    serde_json::from_str(text).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        if error.is_data() {
            Refusal::invalid(
                "invalid_type",
                format!("A field is missing or of the wrong type at {place}: {error}."),
            )
        } else {
            Refusal::invalid("invalid_json", format!("The body is not valid JSON at {place}."))
        }
    })
}

/// A field as it stands, an explicit null included.
fn given<'de: 'a, 'a, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'a serde_json::value::RawValue>, D::Error> {
    <&serde_json::value::RawValue>::deserialize(deserializer).map(Some)
}

/// Where a part of a text stands in it. Both must be of one buffer.
fn place(whole: &[u8], part: &str) -> std::ops::Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
    start..start + part.len()
}

/// Whether a request's `metadata` says anything.
fn is_tagged(metadata: Option<&serde_json::value::RawValue>) -> bool {
    metadata.is_some_and(|raw| {
        let bare: String = raw.get().chars().filter(|c| !c.is_whitespace()).collect();
        !matches!(bare.as_str(), "null" | "{}")
    })
}

/// The model's name behind its place; refuses what is not a string, or an empty one.
fn model_name(raw: Option<&serde_json::value::RawValue>) -> Result<String, Refusal> {
    let missing = || Refusal::invalid("missing_model", "Give the model as `model`, a string.").about("model");
    let name: String = serde_json::from_str(raw.ok_or_else(missing)?.get()).map_err(|_| missing())?;
    if name.is_empty() { Err(missing()) } else { Ok(name) }
}
