//! Two worlds: the same calls of an organization are answered alike on a server where it has a neighbour and on one
//! where it has none; none of the neighbour's words, ids or secrets is told, and nothing of it changes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use domain::routes::{Method, Surface};

use super::aims::{Aim, aims, things_in};
use super::alike::{difference, ids_in, prefix_of};
use super::life::{Choice, Life, Saying};
use super::neighbour::{CANARY, Neighbour, SHARED_NAMES};
use super::things::{next_day, prefix, unknown};
use crate::rows::fresh_postgres;
use crate::server::Answer;
use crate::world::PASSWORD;

/// Rows that tell what happens beside calls, when it happens.
const ASIDES: [&str; 6] = [
    "/webhook_deliveries",
    "/webhook-deliveries",
    "/o/{slug}/webhooks/{webhook_id}",
    "/mails",
    "/policy_warnings",
    "/o/{slug}/policy",
];
/// Rows that tell how far something is.
const UNTIMELY: [&str; 1] = ["/allowances"];
/// Rows that would end the organization or take its callers away.
const FINAL: [&str; 7] = ["suspend", "close", "leave", "purge", "password", "email", "reactivate"];
/// Verbs by which the trail is read: refusals are counted by the minute of each server.
const VERBS: [&str; 4] = ["project.created", "api_key.created", "user.added", "role.created"];
/// Names to give: some that the neighbour uses too, some that it does not.
const NAMES: [&str; 6] = [SHARED_NAMES[0], SHARED_NAMES[1], SHARED_NAMES[2], "delta", "epsilon", "zeta"];
/// Models to call.
const MODELS: [&str; 3] = ["open-model", "narrow-model", "no-such-model"];
/// Parameters of lists and reports, with values to try.
const PARAMETERS: [(&str, &[&str]); 14] = [
    ("limit", &["1", "2", "3", "100", "0", "many"]),
    ("order", &["asc", "desc", "sideways"]),
    ("group_by", &["project_id", "model", "user_id", "api_key_id", "team", "owner", "client", "nothing"]),
    ("bucket_width", &["1d", "1h"]),
    ("include_archived", &["true", "false", "perhaps"]),
    ("include_revoked", &["true"]),
    ("models", &["open-model", "alpha"]),
    ("model", &["open-model", "alpha"]),
    ("user", &["somebody", "alpha"]),
    ("status", &["succeeded", "pending", "alpha"]),
    ("search", &["a", "alpha", "oulio"]),
    ("state", &["all", "archived"]),
    ("environment", &["development", "production"]),
    ("emails", &["member-everywhere@acme.test", "nobody@acme.test"]),
];

/// Reproducible numbers (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % most as u64).unwrap()
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    fn of<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())].clone()
    }
}

/// The two worlds, and what the sequence knows of them.
struct Sequence {
    beside: Life,
    alone: Life,
    neighbour: Neighbour,
    dice: Dice,
    aims: BTreeMap<&'static str, Vec<Aim>>,
    /// In which project a thing is, by its comparable id.
    homes: BTreeMap<String, usize>,
    /// How many users and admin keys there were at the beginning: those of the callers, who stay.
    callers: (usize, usize),
    /// What of the neighbour's was sent: it may be told back.
    sent: BTreeSet<String>,
    let_through: usize,
}

impl Sequence {
    async fn begin(seed: u64, databases: (Option<String>, Option<String>)) -> Self {
        let (beside, alone) = tokio::join!(Life::begin(databases.0, true), Life::begin(databases.1, false));
        let neighbour = Neighbour::move_in(&beside.world, &beside.rows).await;
        assert_eq!(difference(&beside.beginning, &alone.beginning), None);
        let is_taken = |aim: &Aim| {
            let is_of_callers = aim.ends_sessions() && aim.route.surface == Surface::Console;
            let is_linked = aim.things().iter().any(|name| name.ends_with("_token"));
            !is_of_callers && !is_linked && !FINAL.iter().any(|word| aim.route.operation.contains(word))
        };
        let of = |surface| aims(surface).into_iter().filter(is_taken).collect::<Vec<_>>();
        let aims = BTreeMap::from([
            ("api", of(Surface::Api)),
            ("console", of(Surface::Console)),
            ("gateway", of(Surface::Gateway)),
        ]);
        let callers = (beside.alike.told("user_").len(), beside.alike.told("key_").len());
        let (homes, sent) = (BTreeMap::new(), BTreeSet::new());
        Self { beside, alone, neighbour, dice: Dice(seed), aims, homes, callers, sent, let_through: 0 }
    }

    /// A call: mostly of the admin API, mostly of an Admin, mostly about what is there.
    fn think(&mut self) -> Saying {
        let surface = match self.dice.below(20) {
            0 => "gateway",
            1..=4 => "console",
            _ => "api",
        };
        let mut aim = self.dice.of(&self.aims[surface]);
        let crowd = self.beside.callers(aim.route.surface);
        let caller = if self.dice.one_in(2) { 0 } else { self.dice.below(crowd) };
        self.vary(&mut aim);
        let mut choices = BTreeMap::new();
        for name in aim.things() {
            let choice = self.choose(&aim, &name, &choices);
            choices.insert(name, choice);
        }
        Saying { aim, caller, choices }
    }

    /// Adds parameters to what is read, and now and then breaks a body.
    fn vary(&mut self, aim: &mut Aim) {
        if aim.route.method == Method::Get {
            let audit = aim.route.path.contains("audit");
            let name = if aim.route.surface == Surface::Console { "verb" } else { "event_types" };
            let mut pairs = Vec::new();
            if audit {
                pairs.push(format!("{name}={}", self.dice.of(&VERBS)));
            }
            for _ in 0..self.dice.below(3) {
                let (name, values) = self.dice.of(&PARAMETERS);
                pairs.push(format!("{name}={}", self.dice.of(values)));
            }
            let is_first = aim.body.is_empty();
            for (index, pair) in pairs.iter().enumerate() {
                aim.body += if is_first && index == 0 { "?" } else { "&" };
                aim.body += pair;
            }
        } else if aim.body.starts_with('{') && self.dice.one_in(12) {
            aim.body = (self.dice.of(&["{}", "[]", "{\"name\":7}", "{", "null"])).to_owned();
        }
    }

    fn choose(&mut self, aim: &Aim, name: &str, chosen: &BTreeMap<String, Choice>) -> Choice {
        let text = |text: &str| Choice::Text(text.to_owned());
        match name {
            "new" => return text(self.dice.of(&NAMES)),
            "email" => return Choice::Text(format!("guest{}@guests.test", self.dice.below(60))),
            "password" => return text(PASSWORD),
            "setting" => return text("key.rotation_days"),
            "entrance" => return text("network.admin_api"),
            "notice" => return text("key_changed"),
            "yesterday" | "tomorrow" => return Choice::Text(day(name)),
            "next_day" => return Choice::Text(next_day()),
            "slug" if self.dice.one_in(12) => return text(&unknown("slug")),
            "slug" => return text("acme"),
            "model" | "narrow_model" if self.dice.one_in(4) => {
                let model = self.neighbour.model.clone();
                return self.foreign(&[model]);
            }
            "model" | "narrow_model" => {
                return text(self.dice.of(&MODELS));
            }
            _ => {}
        }
        let start = prefix(name);
        if start.is_empty() {
            return text("");
        }
        match self.dice.below(12) {
            0 => {
                let theirs: Vec<String> =
                    self.neighbour.ids.iter().filter(|id| prefix_of(id) == Some(start)).cloned().collect();
                if theirs.is_empty() { text(&unknown(name)) } else { self.foreign(&theirs) }
            }
            1 => text(&unknown(name)),
            _ => self.known(aim, start, chosen).unwrap_or_else(|| text(&unknown(name))),
        }
    }

    /// Something of the neighbour's, which the other server has never heard of.
    fn foreign(&mut self, theirs: &[String]) -> Choice {
        let id = self.dice.of(theirs);
        self.sent.insert(id.clone());
        Choice::Text(id)
    }

    /// Something that was told before; of a project rather what is in the one that was chosen.
    fn known(&mut self, aim: &Aim, start: &'static str, chosen: &BTreeMap<String, Choice>) -> Option<Choice> {
        let told = self.beside.alike.told(start).len().min(self.alone.alike.told(start).len());
        let kept = match (start, aim.is_write()) {
            ("user_", true) if things_in(&aim.path).iter().any(|name| prefix(name) == start) => {
                self.callers.0
            }
            ("key_", true) => self.callers.1,
            _ => 0,
        };
        let project = chosen.iter().find_map(|(name, choice)| match choice {
            Choice::Told("proj_", number) if prefix(name) == "proj_" => Some(*number),
            _ => None,
        });
        if let Some(project) = project.filter(|_| !self.dice.one_in(8)) {
            let there: Vec<usize> = (kept..told)
                .filter(|number| self.homes.get(&format!("{start}{number}")) == Some(&project))
                .collect();
            if !there.is_empty() {
                return Some(Choice::Told(start, self.dice.of(&there)));
            }
        }
        // Few projects, so that things meet in them.
        let most = if start == "proj_" { told.min(4) } else { told };
        (kept < most).then(|| Choice::Told(start, kept + self.dice.below(most - kept)))
    }

    /// Makes a call in both worlds; what is wrong with it.
    async fn step(&mut self) -> Option<String> {
        let saying = self.think();
        let before = self.beside.recorded().await;
        let (one, two) = tokio::join!(self.beside.say(&saying), self.alone.say(&saying));
        let ((sent, answer), (_, other)) = (one, two);
        let wrong = |what: String| Some(format!("{} ({sent}): {what}", saying.aim.name()));
        if let Some(told) = self.told_of_neighbour(&sent, &answer) {
            return wrong(format!("tells {told} of the neighbour"));
        }
        let places = ["key_", "svc_", "alw_", "exc_"];
        let known = places.map(|start| self.beside.alike.told(start).len());
        if let Some(told) = self.compare(saying.aim.route.path, &answer, &other) {
            return wrong(told);
        }
        if let Some(Choice::Told("proj_", project)) = saying.choices.get("project") {
            for (start, known) in places.into_iter().zip(known) {
                for number in known..self.beside.alike.told(start).len() {
                    self.homes.insert(format!("{start}{number}"), *project);
                }
            }
        }
        self.let_through += usize::from(answer.status == 200 || answer.status == 303);
        if saying.aim.route.surface == Surface::Gateway && saying.aim.is_write() && answer.status == 200 {
            return self.settled(before + 1).await.err().and_then(wrong);
        }
        None
    }

    /// Takes both answers in; how they differ in what does not hang on when it was asked.
    fn compare(&mut self, path: &str, answer: &Answer, other: &Answer) -> Option<String> {
        let is = |parts: &[&str]| parts.iter().any(|part| path.contains(part));
        let statuses = (answer.status.to_string(), other.status.to_string());
        if is(&ASIDES) {
            self.beside.overhear(answer);
            self.alone.overhear(other);
            // What is on its way still cannot be sent again.
            return if path.ends_with("/replay") { None } else { difference(&statuses.0, &statuses.1) };
        }
        let (seen, unseen) = (self.beside.hear(answer), self.alone.hear(other));
        if is(&UNTIMELY) { difference(&statuses.0, &statuses.1) } else { difference(&seen, &unseen) }
    }

    /// Waits until a metered call shows in both worlds.
    async fn settled(&self, expected: usize) -> Result<(), String> {
        let started = Instant::now();
        let theirs = self.neighbour.calls;
        loop {
            let (beside, alone) = tokio::join!(self.beside.recorded(), self.alone.recorded());
            if beside == expected && alone + theirs == expected {
                return Ok(());
            }
            if started.elapsed() > Duration::from_secs(20) {
                return Err(format!(
                    "{beside} calls are recorded beside the neighbour's {theirs}, {alone} alone"
                ));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// A word, id or secret of the neighbour in an answer to a call that did not name it.
    fn told_of_neighbour(&self, sent: &str, answer: &Answer) -> Option<String> {
        let headers =
            answer.headers.iter().map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap()));
        let text = format!("{}{}", headers.collect::<String>(), answer.body);
        let is_word = |c: char| !c.is_ascii_alphanumeric();
        let words = text.split(is_word).filter(|word| word.contains(CANARY) && !sent.contains(word));
        let ids = ids_in(&text).into_iter().filter(|id| self.neighbour.ids.contains(*id));
        let found = words.chain(ids).find(|word| !self.sent.contains(*word)).map(str::to_owned);
        found.or_else(|| self.neighbour.secrets.iter().find(|secret| text.contains(*secret)).cloned())
    }
}

fn day(name: &str) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let day = 24 * 3_600;
    if name == "yesterday" { now - day } else { now + day }.to_string()
}

async fn live(databases: (Option<String>, Option<String>)) {
    let is_full = std::env::var_os("BAILIWICK_TEST_FULL").is_some();
    let calls = if is_full { 20_000 } else { 2_000 };
    // The usual run is the same every time; the full one looks where nobody looked yet.
    let usual = if is_full { u64::from(std::process::id()) } else { 2_000 };
    let seed = std::env::var("BAILIWICK_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(usual);
    println!("seed {seed} (BAILIWICK_TEST_SEED)");
    let mut sequence = Sequence::begin(seed, databases).await;
    let before = sequence.neighbour.rows(&sequence.beside.rows).await;
    assert!(before.len() > 80, "the neighbour has {} rows", before.len());
    for number in 0..calls {
        if let Some(wrong) = sequence.step().await {
            panic!("seed {seed}, call {number}: {wrong}");
        }
    }
    println!("{} of {calls} were let through", sequence.let_through);
    assert!(sequence.let_through > calls / 5, "{} of {calls} were let through", sequence.let_through);
    let after = sequence.neighbour.rows(&sequence.beside.rows).await;
    assert_eq!(difference(&before.join("\n"), &after.join("\n")), None, "seed {seed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_tells_whether_there_is_a_neighbour_on_sqlite() {
    live((None, None)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_tells_whether_there_is_a_neighbour_on_postgres() {
    if let (Some(one), Some(two)) = (fresh_postgres().await, fresh_postgres().await) {
        live((Some(one), Some(two))).await;
    }
}
