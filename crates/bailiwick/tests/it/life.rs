//! The life of a membership at the doors: who is suspended or gone is out at once, what production needs of theirs goes on
//! until somebody has it, and whatever many do at once, one Admin and one membership are left.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::rows::fresh_postgres;
use crate::server::{Answer, Bootstrapped, verify};
use crate::world::{Browser, Person, World, text_of};

/// Clients that act on Admins at once.
const CLIENTS: usize = 64;
/// Admins at the beginning of a round.
const ADMINS: usize = 6;
/// Accepts of one invitation at once.
const ACCEPTS: usize = 100;

fn rounds(usual: usize, full: usize) -> usize {
    if std::env::var_os("BAILIWICK_TEST_FULL").is_some() { full } else { usual }
}

/// A reproducible sequence of numbers (SplitMix64), whose seed is printed.
struct Dice(u64);

impl Dice {
    fn thrown() -> Self {
        let seed = match std::env::var("BAILIWICK_TEST_SEED") {
            Ok(text) => text.parse().unwrap(),
            Err(_) => std::process::id().into(),
        };
        println!("BAILIWICK_TEST_SEED={seed}");
        Self(seed)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap()
    }
}

fn code(answer: &Answer) -> String {
    answer.body["error"]["code"].as_str().unwrap_or_default().to_owned()
}

/// An organization whose project of production may call `open-model`; the project's id.
async fn furnished(world: &World) -> String {
    let price = json!({"model": "open-model", "kind": "simulated", "context_tokens": 1000,
        "max_output_tokens": 100, "rates": {"input": 1000, "output": 1000}});
    world.admin("POST", "/v1/organization/prices", price).await;
    let provider = json!({"name": "main", "kind": "simulated", "models": ["open-model"]});
    world.admin("POST", "/v1/organization/providers", provider).await;
    let project = json!({"name": "live", "environment": "production"});
    text_of(&world.admin("POST", "/v1/organization/projects", project).await, "id")
}

/// A key of a person's own: its id and its secret.
async fn key_of(world: &World, project: &str, person: &Person, name: &str) -> (String, String) {
    let keys = format!("/v1/organization/projects/{project}/api_keys");
    let made = world.server.ok("POST", &keys, &person.admin_key, Some(&json!({"name": name}))).await;
    (text_of(&made, "id"), text_of(&made, "value"))
}

async fn model_call(world: &World, key: &str) -> (u16, String) {
    let body = json!({"model": "open-model", "input": "hi"});
    let answer = world.server.call("POST", "/v1/embeddings", key, Some(&body)).await;
    (answer.status, code(&answer))
}

/// Where a browser is sent, or what it sees.
async fn looks(world: &World, browser: &Browser) -> u16 {
    world.server.send("GET", "/account", &[("cookie", browser.cookie.clone())], String::new()).await.status
}

/// Waits until the key's last use is written down, on which it hangs whether production needs it.
async fn until_used(world: &World, project: &str, key: &str) {
    let path = format!("/v1/organization/projects/{project}/api_keys/{key}");
    for _ in 0..200 {
        if !world.admin("GET", &path, Value::Null).await["last_used_at"].is_null() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no use of {key} was written down");
}

async fn the_only_open_handover(world: &World) -> Value {
    let list = world.admin("GET", "/v1/organization/handovers?state=open", Value::Null).await;
    let [one] = list["data"].as_array().unwrap().as_slice() else { panic!("not one hand-over: {list}") };
    one.clone()
}

async fn who_is_suspended_is_out(database: Option<String>) {
    let world = World::on(database, false).await;
    let project = furnished(&world).await;
    let person = world.person(&world.acme, "lead@acme.test", "member", Some((&project, "member"))).await;
    let (_, secret) = key_of(&world, &project, &person, "own").await;
    let browser = world.browser(&person.user_id).await;
    assert_eq!(model_call(&world, &secret).await.0, 200);
    assert_eq!(looks(&world, &browser).await, 200);
    let of = format!("/v1/organization/users/{}", person.user_id);
    let suspended = world.admin("POST", &format!("{of}/suspend"), json!({})).await;
    assert!(suspended["suspended_at"].is_i64() && suspended["user"]["enabled"] == false, "{suspended}");
    assert_eq!(model_call(&world, &secret).await.0, 401, "the next call already");
    assert_eq!(looks(&world, &browser).await, 303, "signed out");
    let asked = world.server.call("GET", "/v1/organization", &person.admin_key, None).await;
    assert_eq!(asked.status, 401, "{}", asked.body);
    world.admin("POST", &format!("{of}/reactivate"), Value::Null).await;
    assert_eq!(model_call(&world, &secret).await.0, 200, "their keys come back");
    assert_eq!(looks(&world, &browser).await, 303, "sessions do not");
    world.server.ok("GET", "/v1/organization", &person.admin_key, None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_suspended_is_out_with_the_next_call_and_back_with_their_keys() {
    who_is_suspended_is_out(None).await;
    if let Some(database) = fresh_postgres().await {
        who_is_suspended_is_out(Some(database)).await;
    }
}

async fn production_goes_on(database: Option<String>) {
    let world = World::on(database.clone(), false).await;
    let project = furnished(&world).await;
    let place = Some((project.as_str(), "member"));
    let leaver = world.person(&world.acme, "leaver@acme.test", "member", place).await;
    let heir = world.person(&world.acme, "heir@acme.test", "member", place).await;
    let idle = world.person(&world.acme, "idle@acme.test", "member", None).await;
    let (used_id, used) = key_of(&world, &project, &leaver, "used").await;
    let (_, unused) = key_of(&world, &project, &leaver, "unused").await;
    assert_eq!(model_call(&world, &used).await.0, 200);
    until_used(&world, &project, &used_id).await;
    let left = world.server.ok("POST", "/v1/organization/leave", &leaver.admin_key, None).await;
    assert_eq!(left["deleted"], true);
    assert_eq!(model_call(&world, &unused).await.0, 401, "nobody needs it");
    assert_eq!(model_call(&world, &used).await.0, 200, "production needs it");
    let handover = the_only_open_handover(&world).await;
    assert_eq!(
        (&handover["kind"], &handover["subject_id"], &handover["cause"]),
        (&json!("api_key"), &json!(used_id), &json!("left")),
        "{handover}"
    );
    let days = handover["due_at"].as_i64().unwrap() - handover["opened_at"].as_i64().unwrap();
    assert_eq!(days, 7 * 24 * 3_600);
    let resolve = format!("/v1/organization/handovers/{}/resolve", text_of(&handover, "id"));
    let to = |person: &Person| json!({"owner_id": person.user_id});
    let refused = world.server.call("POST", &resolve, &world.acme.admin_key, Some(&to(&idle))).await;
    assert_eq!((refused.status, code(&refused).as_str()), (400, "owner_not_in_project"));
    let refused = world.server.call("POST", &resolve, &heir.admin_key, Some(&to(&heir))).await;
    assert!(matches!(refused.status, 403 | 404), "a Member does not take it: {}", refused.body);
    let resolved = world.admin("POST", &resolve, to(&heir)).await;
    assert_eq!((&resolved["state"], &resolved["to_user"]["id"]), (&json!("resolved"), &json!(heir.user_id)));
    assert_eq!(model_call(&world, &used).await.0, 200);
    let again = world.server.call("POST", &resolve, &world.acme.admin_key, Some(&to(&heir))).await;
    assert_eq!((again.status, code(&again).as_str()), (409, "handover_closed"));
    world.admin("DELETE", &format!("/v1/organization/users/{}", heir.user_id), Value::Null).await;
    let handover = the_only_open_handover(&world).await;
    let resolve = format!("/v1/organization/handovers/{}/resolve", text_of(&handover, "id"));
    world.admin("POST", &resolve, json!({"end": true})).await;
    assert_eq!(model_call(&world, &used).await.0, 401, "ended");
    let (is_whole, report) = verify(world.folder.path(), database.as_deref()).await;
    assert!(is_whole, "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_production_needs_of_a_leaver_goes_on_and_is_given_to_somebody_or_ended() {
    production_goes_on(None).await;
    if let Some(database) = fresh_postgres().await {
        production_goes_on(Some(database)).await;
    }
}

/// Admins of an organization, and who of them can act.
struct Court {
    world: World,
    admins: Vec<Person>,
}

impl Court {
    async fn summon(database: Option<String>) -> Self {
        let world = World::on(database, false).await;
        let mut admins =
            vec![Person { user_id: world.acme.user_id.clone(), admin_key: world.acme.admin_key.clone() }];
        for number in 1..ADMINS {
            let email = format!("admin{number}@acme.test");
            admins.push(world.person(&world.acme, &email, "admin", None).await);
        }
        Self { world, admins }
    }

    /// One act of an Admin on an Admin: its answer, and how long it took.
    async fn act(&self, act: usize, by: usize, on: usize) -> (Answer, Duration) {
        let (key, user) = (self.admins[by].admin_key.as_str(), &self.admins[on].user_id);
        let one = format!("/v1/organization/users/{user}");
        let demoted = json!({"bailiwick_role": "member"});
        let (method, path, body) = match act {
            0 => ("DELETE", one, None),
            1 => ("POST", one, Some(&demoted)),
            2 => ("POST", format!("{one}/suspend"), None),
            _ => ("POST", "/v1/organization/leave".to_owned(), None),
        };
        let started = Instant::now();
        (self.world.server.call(method, &path, key, body).await, started.elapsed())
    }

    /// The Admins that are left, each of whom can act: as they themselves see it.
    async fn left(&self) -> Vec<usize> {
        let mut left = Vec::new();
        for (number, admin) in self.admins.iter().enumerate() {
            let path = format!("/v1/organization/users/{}", admin.user_id);
            let seen = self.world.server.call("GET", &path, &admin.admin_key, None).await;
            let is_admin = seen.status == 200 && seen.body["bailiwick_role"] == "admin";
            if is_admin && seen.body["suspended_at"].is_null() {
                left.push(number);
            }
        }
        left
    }

    /// Everybody is an Admin again, by the word of one who is left.
    async fn restore(&mut self, left: &[usize]) {
        let by = self.admins[left[0]].clone();
        let acme = Bootstrapped { admin_key: by.admin_key, ..self.world.acme.clone() };
        for number in (0..ADMINS).filter(|number| !left.contains(number)) {
            let user = self.admins[number].user_id.clone();
            let path = format!("/v1/organization/users/{user}");
            let seen = self.world.server.call("GET", &path, &acme.admin_key, None).await;
            if seen.status == 404 {
                self.world.rejoin(&acme, &user, "admin").await;
                self.admins[number].admin_key = self.world.admin_key(&acme, &user).await;
                continue;
            }
            self.world.of(&acme, "POST", &format!("{path}/reactivate"), Value::Null).await;
            self.world.of(&acme, "POST", &path, json!({"bailiwick_role": "admin"})).await;
        }
    }
}

async fn the_last_admin_stays(database: Option<String>) {
    let (mut dice, mut court) = (Dice::thrown(), Court::summon(database).await);
    let (mut done, mut last_admin, mut slowest) = (0, 0, Vec::new());
    let rounds = rounds(100, 1_000);
    for round in 0..rounds {
        let acts: Vec<[usize; 3]> =
            (0..CLIENTS).map(|_| [dice.below(4), dice.below(ADMINS), dice.below(ADMINS)]).collect();
        let shared = std::sync::Arc::new(court);
        let clients = acts.iter().map(|&[act, by, on]| {
            let court = shared.clone();
            tokio::spawn(async move { court.act(act, by, on).await })
        });
        let mut longest = Duration::ZERO;
        for client in clients.collect::<Vec<_>>() {
            let (answer, took) = client.await.unwrap();
            longest = longest.max(took);
            done += usize::from(answer.status == 200);
            last_admin += usize::from(code(&answer) == "last_admin");
            // Who lost their key, their right, or whom they aimed at.
            let is_told = matches!(answer.status, 200 | 401 | 403 | 404)
                || (answer.status == 409 && code(&answer) == "last_admin");
            assert!(is_told, "round {round}: {} {}", answer.status, answer.body);
        }
        slowest.push(longest);
        let Ok(back) = std::sync::Arc::try_unwrap(shared) else { panic!("a client still runs") };
        court = back;
        let left = court.left().await;
        assert!(!left.is_empty(), "round {round}: no Admin is left");
        court.restore(&left).await;
    }
    slowest.sort_unstable();
    let (median, longest) = (slowest[rounds / 2], slowest[rounds - 1]);
    println!(
        "{rounds} rounds: {done} acts done, {last_admin} refused for the last Admin; of the longest wait per round, \
              the median is {median:?} and the longest {longest:?}"
    );
    assert!(done > rounds && last_admin > 0, "the last Admin was hardly aimed at");
    assert!(median < Duration::from_secs(1), "half of the rounds kept somebody waiting");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_admin_stays_whoever_is_removed_demoted_suspended_or_leaves_at_once_on_sqlite() {
    the_last_admin_stays(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_admin_stays_whoever_is_removed_demoted_suspended_or_leaves_at_once_on_postgres() {
    if let Some(database) = fresh_postgres().await {
        the_last_admin_stays(Some(database)).await;
    }
}

async fn one_membership(database: Option<String>) {
    let world = std::sync::Arc::new(World::on(database, false).await);
    let person = world.person(&world.acme, "often@acme.test", "member", None).await;
    let rounds = rounds(50, 500);
    for round in 0..rounds {
        let one = format!("/v1/organization/users/{}", person.user_id);
        world.admin("DELETE", &one, Value::Null).await;
        let browser = world.browser(&person.user_id).await;
        let sent = world.admin("POST", "/v1/organization/invites", json!({"email": "often@acme.test"})).await;
        let path = format!("/invites/{}", text_of(&sent, "url").rsplit('/').next().unwrap());
        let accepts = (0..ACCEPTS).map(|_| {
            let (world, path, browser) = (world.clone(), path.clone(), browser.clone());
            tokio::spawn(async move {
                let cookie = [("cookie", browser.cookie)];
                world.server.send("POST", &path, &cookie, format!("csrf={}", browser.csrf)).await.status
            })
        });
        let mut accepted = 0;
        for accept in accepts.collect::<Vec<_>>() {
            let status = accept.await.unwrap();
            assert!(matches!(status, 303 | 400 | 409), "round {round}: {status}");
            accepted += usize::from(status == 303);
        }
        assert_eq!(accepted, 1, "round {round}");
        let members = world.admin("GET", "/v1/organization/users?emails=often@acme.test", Value::Null).await;
        assert_eq!(members["data"].as_array().unwrap().len(), 1, "round {round}: {members}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_invitation_makes_one_membership_however_many_accept_it_at_once() {
    one_membership(None).await;
    if let Some(database) = fresh_postgres().await {
        one_membership(Some(database)).await;
    }
}
