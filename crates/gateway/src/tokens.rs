//! Counting tokens where the provider does not say: an estimate, marked as such in the usage record.

use serde_json::Value;

/// Beyond this many bytes a text is counted by its length: an estimate must not hold up other calls.
const COUNTED_BYTES: usize = 256 << 10;

/// About how many tokens a text has. The vocabulary is loaded at the first call.
pub(crate) fn count(text: &str) -> i64 {
    if text.is_empty() {
        return 0;
    }
    let tokens = match text.len() {
        0..=COUNTED_BYTES => bpe_openai::o200k_base().count(text),
        longer => longer / 4,
    };
    i64::try_from(tokens).unwrap_or(i64::MAX)
}

/// About how many tokens the text in a request's body has: every string under `messages` or `input`.
pub(crate) fn count_request(body: &[u8]) -> i64 {
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else { return 0 };
    let mut text = String::new();
    for name in ["messages", "input", "tools"] {
        if let Some(value) = fields.get(name) {
            gather(value, &mut text);
        }
    }
    count(&text)
}

fn gather(value: &Value, text: &mut String) {
    match value {
        // Inline data is not text: its tokens are the provider's to tell.
        Value::String(part) if !part.starts_with("data:") => {
            text.push_str(part);
            text.push('\n');
        }
        Value::Array(items) => items.iter().for_each(|item| gather(item, text)),
        Value::Object(fields) => fields.values().for_each(|field| gather(field, text)),
        Value::Number(number) => text.push_str(&number.to_string()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_counted_and_inline_data_is_not() {
        let plain = br#"{"messages":[{"role":"user","content":"Hello there, how are you today?"}]}"#;
        let counted = count_request(plain);
        assert!((6..=14).contains(&counted), "{counted}");
        let image = format!(
            r#"{{"messages":[{{"content":[{{"image_url":"data:image/png;base64,{}"}}]}}]}}"#,
            "A".repeat(9000)
        );
        assert_eq!(count_request(image.as_bytes()), 0);
        assert_eq!(count_request(b"not json"), 0);
    }
}
