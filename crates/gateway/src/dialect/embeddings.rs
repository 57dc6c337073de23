//! Embeddings: what is read of a request.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Peek, is_tagged, model_name, parse, place};
use crate::error::Refusal;

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    #[serde(borrow)]
    input: &'a RawValue,
    #[serde(borrow)]
    user: Option<Cow<'a, str>>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
}

/// Reads a request's body. Input given as text or as token numbers is bounded by its bytes either way.
pub(crate) fn peek(body: &[u8]) -> Result<Peek, Refusal> {
    let request: Request<'_> = parse(body)?;
    let model = model_name(request.model)?;
    if !request.input.get().starts_with(['"', '[']) {
        return Err(Refusal::invalid("invalid_type", "`input` is a string or an array.").about("input"));
    }
    Ok(Peek {
        model_at: request.model.map(|raw| place(body, raw.get())).unwrap_or_default(),
        model,
        output_limit: Some(0),
        choices: 1,
        is_text: true,
        end_user: request.user.map(Cow::into_owned),
        is_tagged: is_tagged(request.metadata),
        ..Peek::default()
    })
}
