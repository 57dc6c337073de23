//! Calls, kills and hang-ups: what was metered afterwards against what the upstream says it served.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http_body_util::BodyExt as _;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{Mutex, RwLock};

use crate::engines::Postgres;
use crate::mock_upstream::{MUTE, STALL, Served, WORD, size_of};
use crate::scene::{INPUT_RATE, MODEL, OUTPUT_RATE, Scene};
use crate::server::{Server, verify};

const CLIENTS: u64 = 64;
const KILLS: u64 = 5;
const CHUNK_PAUSE: Duration = Duration::from_millis(1);
const OUTPUT_LIMIT: i64 = 16;
/// For so long, in milliseconds, an answer is read on after its client hung up.
const LINGER: u64 = 2_000;
/// What a slow machine may need beyond that, in milliseconds.
const SLACK: u64 = 1_000;

/// A reproducible sequence of numbers (SplitMix64).
fn draw(seed: u64, number: u64) -> u64 {
    let mut mixed = seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Milliseconds of this machine's clock, which is the server's too.
fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// What one call asks for and how its client behaves.
#[derive(Clone, Debug)]
struct Plan {
    name: String,
    path: &'static str,
    body: Value,
    is_stream: bool,
    /// Whether the provider tells what was used.
    is_told: bool,
    hangs_up: Option<HangUp>,
}

#[derive(Clone, Copy, Debug)]
enum HangUp {
    /// In a stream, when so many words have come.
    AfterWords(usize),
    /// While an answer in one piece is awaited.
    After(Duration),
}

impl Plan {
    /// Half of the calls are streams, a tenth hang up, half of those from a stream that would never end; a
    /// twentieth are told no usage; a tenth are embeddings.
    fn of(seed: u64, number: u64) -> Self {
        let dice = |salt: u64, sides: u64| draw(seed, number * 8 + salt) % sides;
        let is_stream = dice(0, 2) == 0;
        let is_embedding = !is_stream && dice(1, 5) == 0;
        let words = 1 + dice(2, OUTPUT_LIMIT as u64);
        let is_cut = dice(3, 10) == 0;
        let order = match () {
            () if is_cut && is_stream && dice(4, 2) == 0 => STALL,
            () if dice(5, 20) == 0 => MUTE,
            () => "please",
        };
        let hangs_up = is_cut.then(|| match is_stream {
            true => HangUp::AfterWords(usize::try_from(dice(6, words + 1)).unwrap()),
            false => HangUp::After(Duration::from_millis(dice(6, words + 1))),
        });
        let name = format!("call-{number:06}");
        let prompt = format!("{words} {order} {}", "text ".repeat(usize::try_from(dice(7, 40)).unwrap()));
        let (path, body) = if is_embedding {
            ("/v1/embeddings", json!({"model": MODEL, "user": name, "input": prompt}))
        } else {
            let messages = json!([{"role": "user", "content": prompt}]);
            let body = json!({"model": MODEL, "user": name, "max_tokens": OUTPUT_LIMIT, "messages": messages, "stream": is_stream});
            ("/v1/chat/completions", body)
        };
        Self { name, path, body, is_stream, is_told: order == "please", hangs_up }
    }

    /// The most that it can cost: its bytes read, its limit generated.
    fn held(&self) -> i64 {
        let output = self.body["max_tokens"].as_i64().unwrap_or(0);
        cost(i64::try_from(self.body.to_string().len()).unwrap(), output)
    }

    /// What a tokenizer may count of the request: a token a word, and a few for what stands between.
    fn counted_input(&self) -> RangeInclusive<i64> {
        let text = self.body["messages"][0]["content"].as_str().or(self.body["input"].as_str()).unwrap();
        let words = i64::try_from(text.split_whitespace().count()).unwrap();
        words..=words + 6
    }
}

fn cost(input: i64, output: i64) -> i64 {
    (input * INPUT_RATE + output * OUTPUT_RATE) / 1_000_000
}

/// What a client saw of its call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Seen {
    /// The whole answer.
    Whole,
    /// It hung up itself.
    HungUp,
    /// No answer, or only a part of one: the process died.
    Broken,
}

/// A call that was made, from when to when.
#[derive(Debug)]
struct Made {
    plan: Plan,
    seen: Seen,
    begun: u64,
    ended: u64,
}

/// A usage record, as far as it is compared.
#[derive(Clone, Debug, Deserialize)]
struct Metered {
    status: String,
    created_at: u64,
    settled_at: u64,
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

/// How a call was metered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Metering {
    /// By the provider's word.
    Exact,
    /// By what was delivered.
    Estimated,
    /// By what had been delivered when the time to read on was over: more came too late, on a machine too busy.
    Late,
    /// By its hold: it was in flight when the process died.
    Recovered,
    /// Not at all: it never arrived.
    Absent,
}

struct Trial {
    scene: Scene,
    seed: u64,
    calls: u64,
    server: RwLock<Option<Arc<Server>>>,
    next: AtomicU64,
    /// When a kill began and when it had happened.
    kills: Mutex<Vec<(u64, u64)>>,
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

    async fn client(&self) -> Vec<Made> {
        let mut made = Vec::new();
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.calls {
                return made;
            }
            let (plan, server) = (Plan::of(self.seed, number), self.server().await);
            let begun = now();
            let seen = match plan.hangs_up {
                Some(HangUp::After(time)) => {
                    tokio::time::timeout(time, self.listen(&server, &plan)).await.unwrap_or(Seen::HungUp)
                }
                _ => self.listen(&server, &plan).await,
            };
            made.push(Made { plan, seen, begun, ended: now() });
        }
    }

    async fn listen(&self, server: &Server, plan: &Plan) -> Seen {
        let begun = server.begin("POST", plan.path, &self.scene.key, Some(&plan.body)).await;
        let Ok(response) = begun else { return Seen::Broken };
        assert_eq!(response.status(), 200, "{}", plan.name);
        let (mut answer, mut text) = (response.into_body(), String::new());
        loop {
            let words = text.matches(WORD).count();
            if matches!(plan.hangs_up, Some(HangUp::AfterWords(enough)) if words >= enough) {
                return Seen::HungUp;
            }
            match answer.frame().await {
                None => return Seen::Whole,
                Some(Err(_)) => return Seen::Broken,
                Some(Ok(frame)) => text += &String::from_utf8_lossy(frame.data_ref().unwrap()),
            }
        }
    }

    /// Kills and restarts at random moments of the whole.
    async fn killer(&self) {
        let mut moments: Vec<u64> =
            (1..=KILLS).map(|kill| draw(self.seed, u64::MAX - kill) % self.calls).collect();
        moments.sort_unstable();
        for moment in moments {
            while self.next.load(Ordering::Relaxed) < moment {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            self.restart().await;
        }
    }

    async fn restart(&self) {
        let server = self.server.write().await.take().unwrap();
        let begun = now();
        server.kill().await;
        self.kills.lock().await.push((begun, now()));
        let started = self.scene.start.serve().await;
        *self.server.write().await = Some(Arc::new(started));
    }

    async fn records(&self) -> HashMap<String, Vec<Metered>> {
        let (server, mut after) = (self.server().await, String::new());
        let mut records: HashMap<String, Vec<Metered>> = HashMap::new();
        loop {
            let path = format!("/v1/organization/usage/records?limit=100{after}");
            let page = server.ok("GET", &path, &self.scene.admin.admin_key, None).await;
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
}

/// How one call was metered; what is wrong with it otherwise.
fn judge(
    made: &Made,
    served: Option<&Served>,
    records: &[Metered],
    kills: &[(u64, u64)],
) -> Result<Metering, &'static str> {
    let check = |holds: bool, wrong| if holds { Ok(()) } else { Err(wrong) };
    let Made { plan, seen, .. } = made;
    // A client that hangs up on a stream has seen its head: the provider had answered.
    let may_be_absent = *seen == Seen::Broken || *seen == Seen::HungUp && !plan.is_stream;
    let record = match (records, served) {
        ([], None) if may_be_absent => return Ok(Metering::Absent),
        ([], _) => return Err("no record"),
        ([record], _) => record,
        _ => return Err("more than one record"),
    };
    check(record.held == plan.held(), "another hold than its worst case")?;
    let until = if *seen == Seen::HungUp { made.ended + LINGER + SLACK } else { made.ended };
    let kill = kills.iter().find(|(begun, happened)| made.begun <= *happened && *begun <= until);
    if record.status == "recovered" {
        check(*seen != Seen::Whole, "recovered although it ended")?;
        let (begun, happened) = kill.ok_or("recovered although no kill met it")?;
        let is_of_the_kill = record.created_at <= happened / 1000 && begun / 1000 <= record.settled_at;
        check(is_of_the_kill, "recovered at another time")?;
        check(record.is_estimated && record.cost == record.held, "recovered at another cost than its hold")?;
        return Ok(Metering::Recovered);
    }
    let served = served.ok_or("metered although it never left")?;
    check(served.times == 1, "served more than once")?;
    check(record.cost == cost(record.input, record.output), "another cost than its tokens'")?;
    let is_status_right = match (seen, record.status.as_str()) {
        // What had ended when the process died, or when the client hung up, had ended whole.
        (Seen::Broken, "succeeded") => {
            served.is_complete && kill.is_some_and(|(_, happened)| record.settled_at <= happened / 1000)
        }
        (Seen::Whole | Seen::HungUp, "succeeded") => served.is_complete,
        (Seen::HungUp, status) => status == "client_closed",
        _ => false,
    };
    check(is_status_right, "another status than its end")?;
    let is_read_on = record.status == "client_closed";
    let is_time_over = is_read_on && record.settled_at >= (made.ended + LINGER) / 1000;
    if plan.is_told && !(is_time_over && record.is_estimated) {
        check(!record.is_estimated, "estimated although the provider told")?;
        let tokens = (served.input_tokens, served.output_tokens);
        check((record.input, record.output) == tokens, "other tokens than the provider's")?;
        return Ok(Metering::Exact);
    }
    check(record.is_estimated, "the provider's word, which it never gave")?;
    check(plan.counted_input().contains(&record.input), "another input than its text")?;
    let delivered = if plan.is_stream { served.chunks_written } else { size_of(&plan.body).1 };
    match record.output {
        output if output == delivered && !plan.is_told => Ok(Metering::Estimated),
        output if output <= delivered && is_time_over => Ok(Metering::Late),
        _ => Err("another output than was delivered"),
    }
}

async fn stand_trial(data: &Path, database: Option<String>) {
    let calls = if std::env::var_os("BAILIWICK_TEST_FULL").is_some() { 10_000 } else { 1_000 };
    let seed = std::env::var("BAILIWICK_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()) ^ 0x5eed);
    println!("seed {seed} (BAILIWICK_TEST_SEED)");
    let (scene, server) = Scene::set(data, database.clone(), CHUNK_PAUSE).await;
    let allowance_id = scene.allow(&server, "nano_usd", "lifetime", 1_000_000_000_000).await;
    let server = RwLock::new(Some(Arc::new(server)));
    let trial = Trial { scene, seed, calls, server, next: AtomicU64::new(0), kills: Mutex::default() };
    let trial = Arc::new(trial);
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| Arc::clone(&trial))
        .map(|trial| tokio::spawn(async move { trial.client().await }))
        .collect();
    trial.killer().await;
    let mut made = Vec::new();
    for client in clients {
        made.extend(client.await.unwrap());
    }
    // Calls that were hung up on settle by themselves; the last start drains whatever the journal still holds.
    tokio::time::sleep(Duration::from_millis(LINGER + SLACK)).await;
    trial.restart().await;
    let spent = compare(&trial, &made, &trial.records().await).await;
    let path = format!("/v1/organization/allowances/{allowance_id}");
    let counter = trial.server().await.ok("GET", &path, &trial.scene.admin.admin_key, None).await;
    assert_eq!((&counter["spent"], &counter["held"]), (&json!(spent), &json!(0)), "{counter}");
    let (is_sound, report) = verify(data, database.as_deref()).await;
    assert!(is_sound && report["cost_nano_usd"] == spent, "verify: {report}");
    println!(
        "verify: {} records, {spent} nano-dollars, difference {}",
        report["records"], report["difference_count"]
    );
}

/// Compares every call with the upstream's journal; what all of them cost.
async fn compare(trial: &Trial, made: &[Made], records: &HashMap<String, Vec<Metered>>) -> i64 {
    let (journal, kills) = (trial.scene.mock.journal(), trial.kills.lock().await.clone());
    assert_eq!((made.len() as u64, kills.len() as u64), (trial.calls, KILLS + 1));
    let mut wrong = Vec::new();
    let mut counts: HashMap<(Seen, Metering), u64> = HashMap::new();
    for call in made {
        let (name, none) = (&call.plan.name, Vec::new());
        let (served, metered) = (journal.get(name), records.get(name).unwrap_or(&none));
        match judge(call, served, metered, &kills) {
            Ok(metering) => *counts.entry((call.seen, metering)).or_default() += 1,
            Err(told) => wrong.push(format!("{told}: {call:?}, {served:?}, {metered:?}")),
        }
    }
    let streams = made.iter().filter(|call| call.plan.is_stream).count();
    println!("{} calls, {streams} of them streams, {KILLS} kills: {counts:?}", made.len());
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), made.len(), wrong.join("\n"));
    let late: u64 =
        counts.iter().filter(|((_, metering), _)| *metering == Metering::Late).map(|(_, n)| n).sum();
    assert!(late * 100 <= trial.calls, "{late} answers came too late");
    let is_known = |name: &String| made.iter().any(|call| call.plan.name == *name);
    assert!(records.keys().all(is_known), "records of calls that nobody made");
    assert!(journal.values().all(|served| served.authorization == "Bearer sk-upstream"));
    for met in [
        (Seen::Whole, Metering::Exact),
        (Seen::HungUp, Metering::Estimated),
        (Seen::Broken, Metering::Recovered),
    ] {
        assert!(counts.contains_key(&met), "no call was {met:?}: {counts:?}");
    }
    records.values().flatten().map(|record| record.cost).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn five_kills_lose_and_double_nothing_on_sqlite() {
    let data = tempfile::tempdir().unwrap();
    stand_trial(data.path(), None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_kills_lose_and_double_nothing_on_postgres() {
    let Some(postgres) = Postgres::fresh() else { return };
    let data = tempfile::tempdir().unwrap();
    stand_trial(data.path(), Some(postgres.url())).await;
}
