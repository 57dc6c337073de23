//! Calls, kills and hang-ups: what was metered afterwards against what the upstream says it served.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http_body_util::BodyExt as _;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::RwLock;

use crate::mock_upstream::Served;
use crate::scene::{INPUT_RATE, MODEL, OUTPUT_RATE, Scene};
use crate::server::{Server, verify};

const CLIENTS: u64 = 64;
const KILLS: u64 = 5;

/// What a client saw of its call.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Seen {
    /// The whole answer.
    Whole,
    /// It hung up itself.
    HungUp,
    /// No answer, or only a part of one: the process died.
    Broken,
}

/// A usage record, as far as it is compared.
#[derive(Clone, Debug, Deserialize)]
struct Metered {
    status: String,
    #[serde(rename = "input_tokens")]
    input: i64,
    #[serde(rename = "output_tokens")]
    output: i64,
    #[serde(rename = "cost_nano_usd")]
    cost: i64,
    #[serde(rename = "held_nano_usd")]
    held: i64,
    #[serde(rename = "estimated")]
    is_estimated: bool,
}

/// A reproducible sequence of numbers (SplitMix64).
fn draw(seed: u64, number: u64) -> u64 {
    let mut mixed = seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

struct Trial {
    scene: Scene,
    seed: u64,
    calls: u64,
    server: RwLock<Option<Arc<Server>>>,
    next: AtomicU64,
}

impl Trial {
    async fn server(&self) -> Arc<Server> {
        loop {
            if let Some(server) = self.server.read().await.as_ref() {
                return Arc::clone(server);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn client(&self) -> Vec<(String, Seen)> {
        let mut seen = Vec::new();
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.calls {
                return seen;
            }
            let name = format!("call-{number:06}");
            let outcome = self.call(&name, draw(self.seed, number)).await;
            seen.push((name, outcome));
        }
    }

    async fn call(&self, name: &str, dice: u64) -> Seen {
        let (path, body) = request(name, dice);
        let hang_up_after = (dice >> 40).is_multiple_of(10).then_some((dice >> 48) % 12);
        let server = self.server().await;
        let Ok(response) = server.begin("POST", path, &self.scene.key, Some(&body)).await else {
            return Seen::Broken;
        };
        assert_eq!(response.status(), 200, "{name}");
        let mut answer = response.into_body();
        let mut frames = 0;
        loop {
            if hang_up_after == Some(frames) {
                return Seen::HungUp;
            }
            match answer.frame().await {
                None => return Seen::Whole,
                Some(Err(_)) => return Seen::Broken,
                Some(Ok(_)) => frames += 1,
            }
        }
    }

    /// Kills and restarts at random moments, spread over all calls.
    async fn killer(&self) {
        for kill in 1..=KILLS {
            let moment =
                self.calls * kill / (KILLS + 1) + draw(self.seed, u64::MAX - kill) % (self.calls / 20);
            while self.next.load(Ordering::Relaxed) < moment {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            self.restart().await;
        }
    }

    async fn restart(&self) {
        let server = self.server.write().await.take().unwrap();
        server.kill().await;
        let started = self.scene.start.serve().await;
        *self.server.write().await = Some(Arc::new(started));
    }
}

fn request(name: &str, dice: u64) -> (&'static str, Value) {
    let prompt = format!("{} {}", 1 + dice % 16, "text ".repeat(usize::try_from((dice >> 8) % 40).unwrap()));
    if (dice >> 16).is_multiple_of(10) {
        return ("/v1/embeddings", json!({"model": MODEL, "user": name, "input": prompt}));
    }
    let mut body = json!({"model": MODEL, "user": name, "max_tokens": 16, "messages": [{"role": "user", "content": prompt}]});
    if (dice >> 24).is_multiple_of(2) {
        body["stream"] = json!(true);
    }
    ("/v1/chat/completions", body)
}

async fn records(trial: &Trial) -> HashMap<String, Vec<Metered>> {
    let (server, mut after) = (trial.server().await, String::new());
    let mut records: HashMap<String, Vec<Metered>> = HashMap::new();
    loop {
        let path = format!("/v1/organization/usage/records?limit=100{after}");
        let page = server.ok("GET", &path, &trial.scene.admin.admin_key, None).await;
        for record in page["data"].as_array().unwrap() {
            let name = record["user"].as_str().unwrap().to_owned();
            records.entry(name).or_default().push(serde_json::from_value(record.clone()).unwrap());
        }
        if page["has_more"] != true {
            return records;
        }
        after = format!("&after={}", page["last_id"].as_str().unwrap());
    }
}

fn cost(input: i64, output: i64) -> i64 {
    (input * INPUT_RATE + output * OUTPUT_RATE) / 1_000_000
}

/// Checks one call; returns what is wrong with it.
fn difference(seen: Seen, served: Option<&Served>, records: &[Metered]) -> Option<String> {
    let told = || Some(format!("seen {seen:?}, served {served:?}, metered {records:?}"));
    let (served, record) = match (served, records) {
        // It never came so far as the upstream; a death in between is charged all the same.
        (None, []) if seen != Seen::Whole => return None,
        (None, [record]) if seen != Seen::Whole && record.status == "recovered" => return None,
        (Some(served), [record]) if served.times == 1 => (served, record),
        _ => return told(),
    };
    let is_exact = (record.input, record.output) == (served.input_tokens, served.output_tokens)
        && record.cost == cost(record.input, record.output)
        && !record.is_estimated;
    let is_recovered = record.status == "recovered" && record.cost == record.held;
    let is_estimate =
        record.is_estimated && record.cost == cost(record.input, record.output) && record.cost <= record.held;
    let is_right = match seen {
        Seen::Whole => is_exact && record.status == "succeeded",
        Seen::HungUp => is_exact || is_recovered || is_estimate,
        Seen::Broken => is_exact || is_recovered,
    };
    if is_right { None } else { told() }
}

async fn stand_trial(data: &Path, database: Option<String>, calls: u64) {
    let seed = std::env::var("BAILIWICK_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()) ^ 0x5eed);
    println!("seed {seed} (BAILIWICK_TEST_SEED)");
    let (scene, server) = Scene::set(data, database.clone(), Duration::from_millis(1)).await;
    scene.allow(&server, "nano_usd", "month", 1_000_000_000_000).await;
    let server = RwLock::new(Some(Arc::new(server)));
    let trial = Arc::new(Trial { scene, seed, calls, server, next: AtomicU64::new(0) });
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| Arc::clone(&trial))
        .map(|trial| tokio::spawn(async move { trial.client().await }))
        .collect();
    trial.killer().await;
    let mut seen = Vec::new();
    for client in clients {
        seen.extend(client.await.unwrap());
    }
    // Calls that were hung up on settle by themselves; the last start drains whatever the journal still holds.
    tokio::time::sleep(Duration::from_secs(1)).await;
    trial.restart().await;
    compare(&trial, &seen, &records(&trial).await);
    let (is_sound, report) = verify(data, database.as_deref()).await;
    assert!(is_sound, "verify: {report}");
}

fn compare(trial: &Trial, seen: &[(String, Seen)], records: &HashMap<String, Vec<Metered>>) {
    let journal = trial.scene.mock.journal();
    let none = Vec::new();
    let mut wrong = Vec::new();
    for (name, seen) in seen {
        let metered = records.get(name).unwrap_or(&none);
        wrong.extend(difference(*seen, journal.get(name), metered).map(|told| format!("{name}: {told}")));
    }
    let count = |kind| seen.iter().filter(|(_, seen)| *seen == kind).count();
    let recovered = records.values().flatten().filter(|record| record.status == "recovered").count();
    println!(
        "{} whole, {} hung up, {} broken; {recovered} recovered",
        count(Seen::Whole),
        count(Seen::HungUp),
        count(Seen::Broken)
    );
    assert_eq!(seen.len() as u64, trial.calls);
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), seen.len(), wrong.join("\n"));
    assert!(journal.values().all(|served| served.authorization == "Bearer sk-upstream"));
}

fn calls() -> u64 {
    if std::env::var("BAILIWICK_TEST_FULL").is_ok() { 10_000 } else { 1_000 }
}

#[tokio::test(flavor = "multi_thread")]
async fn five_kills_lose_and_double_nothing_on_sqlite() {
    let data = tempfile::tempdir().unwrap();
    stand_trial(data.path(), None, calls()).await;
}
