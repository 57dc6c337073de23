//! Chat completions: what is read of a request.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::splice::Splice;
use super::{Peek, is_tagged, model_name, parse, place};
use crate::error::Refusal;

const ASK: &str = "{\"include_usage\":true}";

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    #[serde(borrow)]
    messages: Vec<Message<'a>>,
    stream: Option<bool>,
    #[serde(borrow, default, deserialize_with = "super::given")]
    stream_options: Option<&'a RawValue>,
    max_tokens: Option<i64>,
    max_completion_tokens: Option<i64>,
    n: Option<i64>,
    #[serde(borrow)]
    user: Option<Cow<'a, str>>,
    #[serde(borrow)]
    web_search_options: Option<&'a RawValue>,
    #[serde(borrow)]
    audio: Option<&'a RawValue>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
}

/// Reads a request's body.
pub(crate) fn peek(body: &[u8]) -> Result<Peek, Refusal> {
    let request: Request<'_> = parse(body)?;
    let model = model_name(request.model)?;
    if request.messages.is_empty() {
        return Err(Refusal::invalid("missing_messages", "Give at least one message.").about("messages"));
    }
    let choices = request.n.unwrap_or(1);
    if !(1..=128).contains(&choices) {
        return Err(Refusal::invalid("invalid_value", "`n` is 1 to 128.").about("n"));
    }
    let is_stream = request.stream.unwrap_or(false);
    Ok(Peek {
        model_at: request.model.map(|raw| place(body, raw.get())).unwrap_or_default(),
        model,
        is_stream,
        ask_usage: if is_stream { ask_usage(body, request.stream_options)? } else { None },
        output_limit: output_limit(&request, choices)?,
        choices,
        is_text: is_text(&request),
        end_user: request.user.map(Cow::into_owned),
        is_tagged: is_tagged(request.metadata),
    })
}

fn output_limit(request: &Request<'_>, choices: i64) -> Result<Option<i64>, Refusal> {
    let limits =
        [("max_tokens", request.max_tokens), ("max_completion_tokens", request.max_completion_tokens)];
    for (name, limit) in limits {
        if limit.is_some_and(|tokens| tokens < 0) {
            return Err(Refusal::invalid("invalid_value", "A limit of tokens is not negative.").about(name));
        }
    }
    let limit = request.max_tokens.max(request.max_completion_tokens);
    Ok(limit.map(|tokens| tokens.saturating_mul(choices)))
}

/// Whether nothing but text goes in: no images, sound, files or searches.
fn is_text(request: &Request<'_>) -> bool {
    let plain = |message: &Message<'_>| match message.content {
        Some(raw) if raw.get().starts_with('[') => serde_json::from_str::<Vec<Part<'_>>>(raw.get())
            .is_ok_and(|parts| {
                parts.iter().all(|part| matches!(part.kind.as_deref(), Some("text" | "refusal")))
            }),
        _ => true,
    };
    request.web_search_options.is_none() && request.audio.is_none() && request.messages.iter().all(plain)
}

/// The edit that makes a streamed answer end with its usage.
fn ask_usage(body: &[u8], options: Option<&RawValue>) -> Result<Option<Splice>, Refusal> {
    let Some(raw) = options else {
        let at = body.iter().position(|byte| *byte == b'{').unwrap_or(0) + 1;
        return Ok(Some(Splice { at: at..at, with: format!("\"stream_options\":{ASK},") }));
    };
    if raw.get() == "null" {
        // Replaced in place: a second field of the name would be ambiguous.
        return Ok(Some(Splice { at: place(body, raw.get()), with: ASK.to_owned() }));
    }
    let mut fields: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(raw.get()).map_err(|_| {
            Refusal::invalid("invalid_type", "`stream_options` is an object.").about("stream_options")
        })?;
    if fields.get("include_usage") == Some(&serde_json::Value::Bool(true)) {
        return Ok(None);
    }
    fields.insert("include_usage".to_owned(), serde_json::Value::Bool(true));
    let with = serde_json::Value::Object(fields).to_string();
    Ok(Some(Splice { at: place(body, raw.get()), with }))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::{Value, json};

    use super::super::splice::apply;
    use super::*;

    #[test]
    fn usage_is_asked_for_whatever_the_client_wrote() {
        for options in ["", ",\"stream_options\":null", ",\"stream_options\": {\"include_usage\": false}"] {
            let body =
                Bytes::from(format!(" {{ \"model\":\"m\",\"stream\":true,\"messages\":[{{}}]{options}}}"));
            let peek = peek(&body).unwrap();
            let sent = apply(&body, peek.ask_usage.into_iter().collect());
            let sent: Value = serde_json::from_slice(&sent).unwrap();
            assert_eq!(sent["stream_options"], json!({"include_usage": true}), "{options}");
            assert_eq!(sent["model"], "m");
        }
        let asked = br#"{"model":"m","stream":true,"messages":[{}],"stream_options":{"include_usage":true}}"#;
        assert!(peek(asked).unwrap().ask_usage.is_none());
    }

    #[test]
    fn what_is_not_text_is_seen() {
        let with = |content: Value| {
            let body = json!({"model": "m", "messages": [{"role": "user", "content": content}]}).to_string();
            peek(body.as_bytes()).unwrap().is_text
        };
        assert!(with(json!("hello")));
        assert!(with(json!([{"type": "text", "text": "hello"}])));
        assert!(!with(json!([{"type": "image_url", "image_url": {"url": "https://x"}}])));
        assert!(!with(json!([{"text": "no type"}])));
    }

    #[test]
    fn ambiguous_and_malformed_requests_are_refused() {
        for (body, code) in [
            ("", "invalid_json"),
            ("{", "invalid_json"),
            ("[]", "invalid_type"),
            ("{}", "invalid_type"),
            (r#"{"model":"a","model":"b","messages":[{}]}"#, "invalid_type"),
            (r#"{"model":7,"messages":[{}]}"#, "missing_model"),
            (r#"{"messages":[{}]}"#, "missing_model"),
            (r#"{"model":"m","messages":[]}"#, "missing_messages"),
            (r#"{"model":"m","messages":"x"}"#, "invalid_type"),
            (r#"{"model":"m","messages":[{}],"stream":"yes"}"#, "invalid_type"),
            (r#"{"model":"m","messages":[{}],"max_tokens":-1}"#, "invalid_value"),
            (r#"{"model":"m","messages":[{}],"n":0}"#, "invalid_value"),
        ] {
            assert_eq!(peek(body.as_bytes()).unwrap_err().code, code, "{body}");
        }
    }
}
