//! The simulated provider: the same plausible answer to the same question, with usage, without network or cost.

use std::time::Duration;

use base64::Engine;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, AnswerBody};
use domain::usage::Endpoint;

const WORDS: [&str; 48] = [
    "the",
    "report",
    "shows",
    "a",
    "steady",
    "rise",
    "in",
    "requests",
    "from",
    "customers",
    "who",
    "ask",
    "about",
    "orders",
    "and",
    "delivery",
    "times",
    "we",
    "suggest",
    "to",
    "check",
    "each",
    "account",
    "before",
    "sending",
    "an",
    "answer",
    "because",
    "details",
    "differ",
    "between",
    "regions",
    "most",
    "cases",
    "close",
    "within",
    "one",
    "day",
    "while",
    "others",
    "need",
    "further",
    "review",
    "by",
    "team",
    "that",
    "owns",
    "them",
];
const DIMENSIONS: usize = 256;

#[derive(Deserialize, Default)]
struct Question {
    #[serde(default)]
    model: String,
    #[serde(default)]
    messages: Value,
    #[serde(default)]
    input: Value,
    #[serde(default)]
    stream: Option<bool>,
    #[serde(default)]
    stream_options: Option<Options>,
    #[serde(default)]
    max_tokens: Option<i64>,
    #[serde(default)]
    max_completion_tokens: Option<i64>,
    #[serde(default)]
    n: Option<u64>,
    #[serde(default)]
    encoding_format: Option<String>,
}

#[derive(Deserialize, Default)]
struct Options {
    #[serde(default)]
    include_usage: bool,
}

/// Answers a call.
pub(crate) async fn answer(endpoint: Endpoint, body: &[u8], latency: Duration) -> Answer {
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let Ok(question) = serde_json::from_slice::<Question>(body) else {
        let error = json!({"message": "The body is not understood.", "type": "invalid_request_error",
            "param": null, "code": "invalid_body"});
        return plain(StatusCode::BAD_REQUEST, &json!({ "error": error }));
    };
    match endpoint {
        Endpoint::Embeddings => plain(StatusCode::OK, &embeddings(&question)),
        Endpoint::ChatCompletions if question.stream == Some(true) => streamed(&question, latency),
        Endpoint::ChatCompletions => plain(StatusCode::OK, &chat(&question)),
    }
}

fn plain(status: StatusCode, body: &Value) -> Answer {
    let body = Bytes::from(body.to_string());
    let body = AnswerBody::Simulated(stream::iter([body]).boxed());
    Answer { status, headers: typed("application/json"), body }
}

fn typed(content_type: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))])
}

/// FNV-1a: the same everywhere and for ever, so that answers repeat.
fn seed(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn step(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

struct Told {
    words: Vec<String>,
    is_cut: bool,
}

fn tell(question: &Question, choice: u64) -> Told {
    let mut state = seed(&question.messages.to_string()) ^ seed(&question.model).wrapping_add(choice);
    let wanted = 12 + (step(&mut state) % 48) as usize;
    let limit = question.max_completion_tokens.or(question.max_tokens).unwrap_or(i64::MAX);
    let length = wanted.min(usize::try_from(limit).unwrap_or(0));
    let words = (0..length).map(|place| {
        let word = WORDS[(step(&mut state) % WORDS.len() as u64) as usize];
        match (place, place + 1 == length) {
            (0, _) => word[..1].to_uppercase() + &word[1..],
            (_, true) => format!(" {word}."),
            (_, false) => format!(" {word}"),
        }
    });
    Told { words: words.collect(), is_cut: length < wanted }
}

fn input_tokens(asked: &Value) -> i64 {
    (asked.to_string().len() / 4).max(1) as i64
}

fn usage(question: &Question, output: usize) -> Value {
    let (input, output) = (input_tokens(&question.messages), output as i64);
    json!({
        "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0},
    })
}

fn id(question: &Question) -> String {
    format!("chatcmpl-sim{:016x}", seed(&question.messages.to_string()))
}

const fn finish(told: &Told) -> &'static str {
    if told.is_cut { "length" } else { "stop" }
}

fn chat(question: &Question) -> Value {
    let told: Vec<Told> =
        (0..question.n.unwrap_or(1).min(128)).map(|choice| tell(question, choice)).collect();
    let output = told.iter().map(|told| told.words.len()).sum();
    let choices: Vec<Value> = told
        .iter()
        .enumerate()
        .map(|(index, told)| {
            json!({"index": index, "logprobs": null, "finish_reason": finish(told),
                "message": {"role": "assistant", "content": told.words.concat(), "refusal": null}})
        })
        .collect();
    json!({"id": id(question), "object": "chat.completion", "created": 1_700_000_000, "model": question.model,
        "choices": choices, "usage": usage(question, output), "system_fingerprint": "fp_simulated"})
}

fn streamed(question: &Question, latency: Duration) -> Answer {
    let wants_usage = question.stream_options.as_ref().is_some_and(|options| options.include_usage);
    let event = |choices: Value, usage: Option<Value>| {
        let mut chunk = json!({"id": id(question), "object": "chat.completion.chunk", "created": 1_700_000_000,
            "model": question.model, "choices": choices, "system_fingerprint": "fp_simulated"});
        if wants_usage {
            chunk["usage"] = usage.unwrap_or(Value::Null);
        }
        Bytes::from(format!("data: {chunk}\n\n"))
    };
    let delta = |index: u64, delta: Value, finish: Option<&str>| {
        event(json!([{"index": index, "delta": delta, "logprobs": null, "finish_reason": finish}]), None)
    };
    let mut events = Vec::new();
    let mut output = 0;
    for index in 0..question.n.unwrap_or(1).min(128) {
        let told = tell(question, index);
        output += told.words.len();
        events.push(delta(index, json!({"role": "assistant", "content": "", "refusal": null}), None));
        events.extend(told.words.iter().map(|word| delta(index, json!({"content": word}), None)));
        events.push(delta(index, json!({}), Some(finish(&told))));
    }
    if wants_usage {
        events.push(event(json!([]), Some(usage(question, output))));
    }
    events.push(Bytes::from_static(b"data: [DONE]\n\n"));
    let pause = latency / 20;
    let paced = stream::iter(events).then(move |event| async move {
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        event
    });
    Answer {
        status: StatusCode::OK,
        headers: typed("text/event-stream"),
        body: AnswerBody::Simulated(paced.boxed()),
    }
}

fn embeddings(question: &Question) -> Value {
    let inputs: Vec<Value> = match &question.input {
        Value::Array(items) if items.iter().all(Value::is_number) => vec![question.input.clone()],
        Value::Array(items) => items.clone(),
        one => vec![one.clone()],
    };
    let is_packed = question.encoding_format.as_deref() == Some("base64");
    let embedding = |input: &Value| {
        let vector = vector(&input.to_string());
        if !is_packed {
            return json!(vector);
        }
        let bytes: Vec<u8> = vector.iter().flat_map(|part| part.to_le_bytes()).collect();
        json!(base64::engine::general_purpose::STANDARD.encode(bytes))
    };
    let data: Vec<Value> = inputs
        .iter()
        .enumerate()
        .map(|(index, input)| json!({"object": "embedding", "index": index, "embedding": embedding(input)}))
        .collect();
    let tokens = input_tokens(&question.input);
    json!({"object": "list", "data": data, "model": question.model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens}})
}

/// A vector of multiples of 1/1024 between -1 and 1, written exactly.
fn vector(text: &str) -> Vec<f32> {
    let mut state = seed(text);
    (0..DIMENSIONS).map(|_| (step(&mut state) % 2049) as f32 / 1024.0 - 1.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn text(body: &str) -> String {
        let mut answer = answer(Endpoint::ChatCompletions, body.as_bytes(), Duration::ZERO).await;
        let mut all = Vec::new();
        while let Some(chunk) = answer.body.chunk().await {
            all.extend_from_slice(&chunk.unwrap());
        }
        String::from_utf8(all).unwrap()
    }

    #[tokio::test]
    async fn the_same_question_gets_the_same_answer_plain_and_streamed() {
        let plain = r#"{"model":"sim-small","messages":[{"role":"user","content":"hi"}]}"#;
        assert_eq!(text(plain).await, text(plain).await);
        let value: Value = serde_json::from_str(&text(plain).await).unwrap();
        let said = value["choices"][0]["message"]["content"].as_str().unwrap();
        let stream = plain.replace("\"model\"", "\"stream\":true,\"model\"");
        let told: String = text(&stream)
            .await
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok())
            .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str().map(str::to_owned))
            .collect();
        assert_eq!(told, said);
    }

    #[tokio::test]
    async fn the_limit_of_the_request_is_kept() {
        let body = r#"{"model":"sim-small","max_tokens":3,"messages":[{"role":"user","content":"hi"}]}"#;
        let value: Value = serde_json::from_str(&text(body).await).unwrap();
        assert_eq!(value["usage"]["completion_tokens"], 3);
        assert_eq!(value["choices"][0]["finish_reason"], "length");
    }
}
