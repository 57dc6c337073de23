//! Hard allowances accept exactly what they allow, whatever the crowd, and say what stopped a call.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::engines::{self, Postgres};
use crate::scene::{EVEN, INPUT_RATE, MODEL, OUTPUT_RATE, Scene};
use crate::server::{Answer, Server, verify};

/// How many clients call at once.
const CROWDS: [usize; 2] = [64, 256];
/// Long enough that calls hold while others ask.
const CHUNK_PAUSE: Duration = Duration::from_millis(5);
/// How soon a client that was told to wait comes again. It is told a second; here it is more eager.
const EAGER: Duration = Duration::from_millis(30);

/// A crowd that makes so many calls.
#[derive(Clone, Copy)]
struct Crowd {
    clients: usize,
    attempts: i64,
    /// The call of a number.
    call: fn(i64) -> Value,
    /// Whether a client that is told to try again does so.
    is_patient: bool,
}

/// What became of the calls.
#[derive(Default)]
struct Outcome {
    accepted: i64,
    /// Refusals that were heeded by trying again.
    waits: Vec<Answer>,
    refusals: Vec<Answer>,
}

impl Crowd {
    async fn storm(self, server: &Arc<Server>, key: &str) -> Outcome {
        let next = Arc::new(AtomicI64::new(0));
        let client = || tokio::spawn(self.client(Arc::clone(server), key.to_owned(), Arc::clone(&next)));
        let mut all = Outcome::default();
        for client in (0..self.clients).map(|_| client()).collect::<Vec<_>>() {
            let Outcome { accepted, waits, refusals } = client.await.unwrap();
            all.accepted += accepted;
            all.waits.extend(waits);
            all.refusals.extend(refusals);
        }
        all
    }

    async fn client(self, server: Arc<Server>, key: String, next: Arc<AtomicI64>) -> Outcome {
        let mut outcome = Outcome::default();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= self.attempts {
                return outcome;
            }
            let body = (self.call)(number);
            loop {
                let answer = server.call("POST", "/v1/chat/completions", &key, Some(&body)).await;
                match answer.status {
                    200 => outcome.accepted += 1,
                    _ if self.is_patient && code(&answer) == "allowance_held" => {
                        outcome.waits.push(answer);
                        tokio::time::sleep(EAGER).await;
                        continue;
                    }
                    _ => outcome.refusals.push(answer),
                }
                break;
            }
        }
    }
}

fn code(answer: &Answer) -> &str {
    answer.body["error"]["code"].as_str().unwrap_or("")
}

/// Each refusal names the allowance, and says truly whether trying again can help.
fn assert_refusals_are_told(answers: &[Answer], allowance_id: &str) {
    for refusal in answers {
        assert_eq!(refusal.status, 429, "{}", refusal.body);
        let message = refusal.body["error"]["message"].as_str().unwrap();
        assert!(message.contains(allowance_id), "no {allowance_id} in {message}");
        let header = |name: &str| refusal.headers.get(name).map(|value| value.to_str().unwrap());
        let told = (header("retry-after"), header("x-should-retry"));
        match code(refusal) {
            "allowance_exhausted" => assert_eq!(told, (None, Some("false"))),
            "allowance_held" => assert_eq!(told, (Some("1"), None)),
            other => panic!("refused with {other}: {message}"),
        }
    }
}

/// Waits until nothing is held any more; what is then spent.
async fn settled(scene: &Scene, server: &Server, allowance_id: &str) -> Value {
    let path = format!("/v1/organization/allowances/{allowance_id}");
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let allowance = server.ok("GET", &path, &scene.admin.admin_key, None).await;
        if allowance["spent"] == allowance["amount"] {
            return allowance;
        }
    }
    server.ok("GET", &path, &scene.admin.admin_key, None).await
}

fn rounds() -> i64 {
    if std::env::var_os("BAILIWICK_TEST_FULL").is_some() { 50 } else { 2 }
}

/// Calls that cost exactly what they hold; every other one is a stream.
fn even_call(number: i64) -> Value {
    json!({"model": EVEN, "user": format!("call-{number:06}"), "max_tokens": 4, "stream": number % 2 == 0,
        "messages": [{"role": "user", "content": "4"}]})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_for_so_many_equal_calls_accepts_exactly_so_many() {
    const CALLS: i64 = 150;
    for postgres in engines::all() {
        let data = tempfile::tempdir().unwrap();
        let database = postgres.as_ref().map(Postgres::url);
        let (scene, server) = Scene::set(data.path(), database, CHUNK_PAUSE).await;
        let cost = 4 * OUTPUT_RATE / 1_000_000;
        let allowance_id = scene.allow(&server, "nano_usd", "lifetime", 0).await;
        let (server, path) = (Arc::new(server), format!("/v1/organization/allowances/{allowance_id}"));
        let turns = CROWDS.iter().flat_map(|clients| (0..rounds()).map(|_| *clients));
        for (turn, clients) in (1..).zip(turns) {
            let more = json!({"amount": turn * CALLS * cost});
            server.ok("POST", &path, &scene.admin.admin_key, Some(&more)).await;
            let crowd = Crowd { clients, attempts: 2 * CALLS, call: even_call, is_patient: false };
            let outcome = crowd.storm(&server, &scene.key).await;
            assert_eq!(outcome.accepted, CALLS, "{clients} clients, turn {turn}");
            assert_refusals_are_told(&outcome.refusals, &allowance_id);
            let counter = settled(&scene, &server, &allowance_id).await;
            let figures = (&counter["spent"], &counter["held"], &counter["left"]);
            assert_eq!(figures, (&json!(turn * CALLS * cost), &json!(0), &json!(0)), "turn {turn}");
            tokio::time::sleep(Duration::from_millis(300)).await;
            let last = server.call("POST", "/v1/chat/completions", &scene.key, Some(&even_call(1))).await;
            assert_eq!(code(&last), "allowance_exhausted", "nothing is held any more");
        }
    }
}

/// Calls that hold much more than they cost.
fn wide_call(number: i64) -> Value {
    json!({"model": MODEL, "user": format!("call-{number:06}"), "max_tokens": 16,
        "messages": [{"role": "user", "content": "4"}]})
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_hold_more_than_they_cost_are_accepted_until_none_fits() {
    const CALLS: i64 = 60;
    let body_bytes = i64::try_from(wide_call(0).to_string().len()).unwrap();
    let held = (body_bytes * INPUT_RATE + 16 * OUTPUT_RATE) / 1_000_000;
    let cost = (INPUT_RATE + 4 * OUTPUT_RATE) / 1_000_000;
    for postgres in engines::all() {
        let data = tempfile::tempdir().unwrap();
        let database = postgres.as_ref().map(Postgres::url);
        let (scene, server) = Scene::set(data.path(), database, CHUNK_PAUSE).await;
        let allowance_id = scene.allow(&server, "nano_usd", "lifetime", 0).await;
        let (server, path) = (Arc::new(server), format!("/v1/organization/allowances/{allowance_id}"));
        for (turn, clients) in (1..).zip(CROWDS) {
            // The last call fits with nothing to spare, once all others have ended.
            let more = json!({"amount": (turn * CALLS - 1) * cost + held});
            server.ok("POST", &path, &scene.admin.admin_key, Some(&more)).await;
            let crowd = Crowd { clients, attempts: 5 * CALLS, call: wide_call, is_patient: true };
            let outcome = crowd.storm(&server, &scene.key).await;
            assert_eq!(outcome.accepted, CALLS, "{clients} clients");
            assert!(!outcome.waits.is_empty(), "nobody was in anybody's way");
            let codes: BTreeSet<&str> = outcome.refusals.iter().map(code).collect();
            assert_eq!(codes, BTreeSet::from(["allowance_exhausted"]));
            assert_refusals_are_told(&outcome.waits, &allowance_id);
            assert_refusals_are_told(&outcome.refusals, &allowance_id);
            let counter = server.ok("GET", &path, &scene.admin.admin_key, None).await;
            assert_eq!(counter["spent"], turn * CALLS * cost, "{counter}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_per_lifetime_accept_exactly_their_number() {
    let data = tempfile::tempdir().unwrap();
    let (scene, server) = Scene::set(data.path(), None, Duration::ZERO).await;
    let allowance_id = scene.allow(&server, "requests", "lifetime", 150).await;
    let crowd = Crowd { clients: CROWDS[0], attempts: 400, call: wide_call, is_patient: false };
    let outcome = crowd.storm(&Arc::new(server), &scene.key).await;
    assert_eq!(outcome.accepted, 150);
    assert_refusals_are_told(&outcome.refusals, &allowance_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_per_minute_answer_429_with_retry_after() {
    let data = tempfile::tempdir().unwrap();
    let (scene, server) = Scene::set(data.path(), None, Duration::ZERO).await;
    let allowance_id = scene.allow(&server, "requests", "minute", 5).await;
    let crowd = Crowd { clients: CROWDS[0], attempts: 30, call: wide_call, is_patient: false };
    // Two windows at most, when the minute ends in between.
    let outcome = crowd.storm(&Arc::new(server), &scene.key).await;
    assert!((5..=10).contains(&outcome.accepted), "{}", outcome.accepted);
    for refusal in &outcome.refusals {
        assert_eq!(refusal.status, 429, "{}", refusal.body);
        let seconds: i64 = refusal.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&seconds));
        assert!(refusal.body["error"]["message"].as_str().unwrap().contains(&allowance_id));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_begins_anew_in_another_time_zone_keeps_what_it_has_spent() {
    for postgres in engines::all() {
        let data = tempfile::tempdir().unwrap();
        let database = postgres.as_ref().map(Postgres::url);
        let (scene, server) = Scene::set(data.path(), database.clone(), Duration::ZERO).await;
        let allowance_id = scene.allow(&server, "requests", "day", 5).await;
        let server = Arc::new(server);
        let crowd = Crowd { clients: 1, attempts: 3, call: wide_call, is_patient: true };
        assert_eq!(crowd.storm(&server, &scene.key).await.accepted, 3);
        tokio::time::sleep(Duration::from_millis(300)).await;
        // Midnight is at another hour there, and both days hold this moment.
        let moved = json!({"time_zone": "Pacific/Kiritimati"});
        server.ok("POST", "/v1/organization", &scene.admin.admin_key, Some(&moved)).await;
        let outcome = crowd.storm(&server, &scene.key).await;
        assert_eq!((outcome.accepted, outcome.refusals.len()), (2, 1));
        assert_refusals_are_told(&outcome.refusals, &allowance_id);
        let counter = settled(&scene, &server, &allowance_id).await;
        assert_eq!((&counter["spent"], &counter["left"]), (&json!(5), &json!(0)), "{counter}");
        let (is_sound, report) = verify(data.path(), database.as_deref()).await;
        assert!(is_sound, "verify: {report}");
    }
}
