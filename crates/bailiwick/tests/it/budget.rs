//! Hard allowances accept no more than they allow, whatever the crowd, and say what stopped a call.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::scene::{INPUT_RATE, MODEL, OUTPUT_RATE, Scene};
use crate::server::{Answer, Server};

const CLIENTS: usize = 64;

/// Prompts of one length, so that every call holds the same; the answer is as long as its limit.
fn equal_call(user: i64) -> Value {
    json!({"model": MODEL, "user": format!("call-{user:06}"), "max_tokens": 4,
        "messages": [{"role": "user", "content": "4"}]})
}

/// Calls until `attempts` were made, from all clients at once; returns every answer.
async fn crowd(server: &Arc<Server>, key: &str, attempts: i64) -> Vec<Answer> {
    let next = Arc::new(AtomicI64::new(0));
    let clients = (0..CLIENTS).map(|_| {
        let (server, next, key) = (Arc::clone(server), Arc::clone(&next), key.to_owned());
        tokio::spawn(async move {
            let mut answers = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= attempts {
                    return answers;
                }
                let body = equal_call(number);
                answers.push(server.call("POST", "/v1/chat/completions", &key, Some(&body)).await);
            }
        })
    });
    let mut all = Vec::new();
    for client in clients.collect::<Vec<_>>() {
        all.extend(client.await.unwrap());
    }
    all
}

fn accepted(answers: &[Answer]) -> usize {
    answers.iter().filter(|answer| answer.status == 200).count()
}

fn assert_refusal_is_final(answers: &[Answer], allowance_id: &str) {
    for refusal in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(refusal.headers["x-should-retry"], "false", "{}", refusal.body);
        let message = refusal.body["error"]["message"].as_str().unwrap();
        assert!(message.contains(allowance_id), "no {allowance_id} in {message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn spend_allowance_is_never_passed_by_a_crowd() {
    let data = tempfile::tempdir().unwrap();
    let (scene, server) = Scene::set(data.path(), None, Duration::ZERO).await;
    // 1 token read and 4 generated, at whole nano-dollars a token.
    let cost = (INPUT_RATE + 4 * OUTPUT_RATE) / 1_000_000;
    let allowance_id = scene.allow(&server, "nano_usd", "lifetime", 200 * cost).await;
    let server = Arc::new(server);
    let mut taken = 0;
    let mut refused = Vec::new();
    // What a call may hold is more than what it costs: near the end the crowd is refused while others still hold.
    for _ in 0..200 {
        let answers = crowd(&server, &scene.key, 400 - taken).await;
        let now = i64::try_from(accepted(&answers)).unwrap();
        taken += now;
        refused.extend(answers.into_iter().filter(|answer| answer.status != 200));
        if now == 0 {
            break;
        }
    }
    assert_refusal_is_final(&refused, &allowance_id);
    let path = format!("/v1/organization/allowances/{allowance_id}");
    tokio::time::sleep(Duration::from_millis(500)).await;
    let spent = server.ok("GET", &path, &scene.admin.admin_key, None).await;
    assert!(spent["spent"].as_i64().unwrap() <= 200 * cost, "{spent}");
    assert_eq!(spent["spent"], taken * cost, "{spent}");
    assert!((1..=200).contains(&taken), "{taken} accepted");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_per_lifetime_accept_exactly_their_number() {
    let data = tempfile::tempdir().unwrap();
    let (scene, server) = Scene::set(data.path(), None, Duration::ZERO).await;
    let allowance_id = scene.allow(&server, "requests", "lifetime", 150).await;
    let answers = crowd(&Arc::new(server), &scene.key, 400).await;
    assert_eq!(accepted(&answers), 150);
    assert_refusal_is_final(&answers, &allowance_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_per_minute_answer_429_with_retry_after() {
    let data = tempfile::tempdir().unwrap();
    let (scene, server) = Scene::set(data.path(), None, Duration::ZERO).await;
    let allowance_id = scene.allow(&server, "requests", "minute", 5).await;
    let server = Arc::new(server);
    // Two windows at most, when the minute ends in between.
    let answers = crowd(&server, &scene.key, 30).await;
    assert!((5..=10).contains(&accepted(&answers)), "{}", accepted(&answers));
    for refusal in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(refusal.status, 429, "{}", refusal.body);
        let seconds: i64 = refusal.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((0..=60).contains(&seconds));
        assert!(refusal.body["error"]["message"].as_str().unwrap().contains(&allowance_id));
    }
}
