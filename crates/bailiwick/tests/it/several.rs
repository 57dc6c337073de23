//! One person in three organizations, with another role in each: whatever they ask for in turn, through the console, the
//! admin API and the gateway, nothing of one organization shows in another.

use serde_json::{Value, json};

use crate::engines::{self, Postgres};
use crate::server::{Answer, Bootstrapped, verify};
use crate::world::{Browser, World, text_of};

/// So many requests are made in turn.
const REQUESTS: u64 = 300;

/// One of the three, as the person sees it. Everything in it carries its word, which nothing elsewhere does.
struct Place {
    word: &'static str,
    organization_id: String,
    slug: String,
    project_id: String,
    /// A project in which the person has no role; whoever reads costs may know its name.
    hidden_id: String,
    /// A key of the project.
    key: String,
    /// What of the organization the person may ask for, and whether their role there lets them.
    is_allowed: fn(&str) -> bool,
    calls: u64,
}

/// A reproducible sequence of numbers (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap()
    }
}

/// Fills an organization: two projects, a provider with one model, and a key of the first project.
async fn furnish(
    world: &World,
    admin: &Bootstrapped,
    word: &'static str,
    is_allowed: fn(&str) -> bool,
) -> Place {
    let of = async |path: &str, body: Value| world.of(admin, "POST", path, body).await;
    let model = format!("model-{word}");
    let price = json!({"model": model, "kind": "simulated", "context_tokens": 1000, "max_output_tokens": 100,
        "rates": {"input": 1000, "output": 1000}});
    of("/v1/organization/prices", price).await;
    let provider = json!({"name": format!("provider-{word}"), "kind": "simulated", "models": [model]});
    of("/v1/organization/providers", provider).await;
    let project = async |name: String| {
        text_of(&of("/v1/organization/projects", json!({"name": name, "team": word})).await, "id")
    };
    let (project_id, hidden_id) =
        (project(format!("open {word}")).await, project(format!("hidden {word}")).await);
    let keys = format!("/v1/organization/projects/{project_id}/api_keys");
    let key = text_of(&of(&keys, json!({"name": format!("key {word}")})).await, "value");
    let organization = world.of(admin, "GET", "/v1/organization", Value::Null).await;
    Place {
        word,
        organization_id: admin.organization_id.clone(),
        slug: text_of(&organization, "slug"),
        project_id,
        hidden_id,
        key,
        is_allowed,
        calls: 0,
    }
}

/// A Member with a role in one project, Finance, and an Admin.
async fn places(world: &World) -> (String, Vec<Place>) {
    let acme = furnish(world, &world.acme, "amber", |what| !["members", "hidden"].contains(&what)).await;
    let other =
        furnish(world, &world.other, "beryl", |what| ["costs", "projects", "hidden"].contains(&what)).await;
    let role = Some((acme.project_id.as_str(), "owner"));
    let email = "support@several.test";
    let person = world.person(&world.acme, email, "member", role).await.user_id;
    world.admit(&world.other, email).await;
    let finance = json!({"bailiwick_role": "finance"});
    world.of(&world.other, "POST", &format!("/v1/organization/users/{person}"), finance).await;
    let browser = world.browser(&person).await;
    let made = ask(world, &browser, None, ("POST", "/v1/organizations"), json!({"name": "Third"})).await;
    let organization_id = text_of(&made.body, "id");
    let create_key = ("POST", "/v1/organization/admin_api_keys");
    let key = ask(world, &browser, Some(&organization_id), create_key, json!({"name": "own"})).await;
    let admin_key = text_of(&key.body, "value");
    let third = Bootstrapped { organization_id, user_id: person.clone(), admin_key };
    let third = furnish(world, &third, "coral", |_| true).await;
    (person, vec![acme, other, third])
}

/// A request of the admin API with the session, in the organization that the header names.
async fn ask(
    world: &World,
    browser: &Browser,
    organization: Option<&str>,
    (method, path): (&str, &str),
    body: Value,
) -> Answer {
    let mut headers = vec![("cookie", browser.cookie.clone()), ("x-csrf-token", browser.csrf.clone())];
    headers.extend(organization.map(|id| ("openai-organization", id.to_owned())));
    let text = if body.is_null() { String::new() } else { body.to_string() };
    world.server.send(method, path, &headers, text).await
}

fn text(answer: &Answer) -> String {
    match &answer.body {
        Value::String(text) => text.clone(),
        json => json.to_string(),
    }
}

/// Nothing of the other organizations is in an answer.
fn assert_apart(places: &[Place], here: usize, what: &str, answer: &Answer) {
    let shown = text(answer);
    for (number, other) in places.iter().enumerate().filter(|(number, _)| *number != here) {
        for sign in [other.word, &other.project_id, &other.hidden_id, &other.organization_id] {
            assert!(!shown.contains(sign), "{what} of place {here} shows {sign} of place {number}: {shown}");
        }
    }
}

/// One request, drawn: its status fits the role, and it shows what is there and nothing from elsewhere.
async fn step(world: &World, browser: &Browser, places: &mut [Place], dice: &mut Dice) {
    let here = dice.below(places.len());
    let place = &places[here];
    let id = Some(place.organization_id.as_str());
    let (what, path) = [
        ("projects", "/v1/organization/projects".to_owned()),
        ("members", "/v1/organization/users".to_owned()),
        ("costs", "/v1/organization/costs?start_time=1".to_owned()),
        ("keys", format!("/v1/organization/projects/{}/api_keys", place.project_id)),
    ][dice.below(4)]
    .clone();
    match dice.below(3) {
        0 => {
            let answer = ask(world, browser, id, ("GET", &path), Value::Null).await;
            assert_apart(places, here, &path, &answer);
            assert_eq!(answer.status == 200, (place.is_allowed)(what), "{path}: {}", answer.body);
            assert!(text(&answer).contains(place.word) || what != "projects", "{path}: {}", answer.body);
            let shows_hidden = text(&answer).contains(&place.hidden_id);
            assert!((place.is_allowed)("hidden") || !shows_hidden, "{path}: {}", answer.body);
        }
        1 => {
            let page = ["", "/projects", "/usage"][dice.below(3)];
            let address = format!("/o/{}{page}", place.slug);
            let answer = world
                .server
                .send("GET", &address, &[("cookie", browser.cookie.clone())], String::new())
                .await;
            assert!([200, 403].contains(&answer.status), "{address}: {}", answer.status);
            assert_apart(places, here, &address, &answer);
        }
        _ => {
            let messages = json!([{"role": "user", "content": "hi"}]);
            let model = format!("model-{}", place.word);
            let body = json!({"model": model, "max_tokens": 4, "messages": messages});
            let answer = world.server.call("POST", "/v1/chat/completions", &place.key, Some(&body)).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            let listed = world.server.call("GET", "/v1/models", &place.key, None).await;
            assert!(text(&listed).contains(place.word), "{}", listed.body);
            assert_apart(places, here, "models", &listed);
            let there = &places[(here + 1) % 3];
            let foreign = json!({"model": format!("model-{}", there.word), "messages": messages});
            let refused = world.server.call("POST", "/v1/chat/completions", &place.key, Some(&foreign)).await;
            assert_eq!(refused.status, 404, "{}", refused.body);
            places[here].calls += 1;
        }
    }
}

/// What is kept of a request for its repetitions is kept for each organization.
async fn repeat_in_two(world: &World, browser: &Browser, places: &[Place]) {
    let mut made = Vec::new();
    for place in [&places[0], &places[2]] {
        let headers = [
            ("cookie", browser.cookie.clone()),
            ("x-csrf-token", browser.csrf.clone()),
            ("idempotency-key", "the same".to_owned()),
            ("openai-organization", place.organization_id.clone()),
        ];
        let path = format!("/v1/organization/projects/{}/api_keys", place.project_id);
        let body = json!({"name": "repeated"}).to_string();
        let first = world.server.send("POST", &path, &headers, body.clone()).await;
        let again = world.server.send("POST", &path, &headers, body).await;
        assert_eq!((first.status, &first.body), (200, &again.body), "the first answer again");
        made.push(text_of(&first.body, "id"));
    }
    assert_ne!(made[0], made[1], "another organization's answer is not this one's");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_one_organization_shows_in_another_however_one_person_moves_between_them() {
    let seed = std::env::var("BAILIWICK_TEST_SEED").map_or(20_261_103, |seed| seed.parse().unwrap());
    println!("seed {seed} (BAILIWICK_TEST_SEED)");
    for database in engines::all() {
        let world = World::on(database.as_ref().map(Postgres::url), true).await;
        let (person, mut places) = places(&world).await;
        let browser = world.browser(&person).await;
        let mut dice = Dice(seed);
        for _ in 0..REQUESTS {
            step(&world, &browser, &mut places, &mut dice).await;
        }
        repeat_in_two(&world, &browser, &places).await;
        tokio::time::sleep(std::time::Duration::from_millis(700)).await;
        assert!(places.iter().all(|place| place.calls > 10), "every one was called");
        for place in &places {
            let path = format!("/v1/organization/usage/records?limit=100&project_id={}", place.project_id);
            let admin = match place.word {
                "amber" => &world.acme.admin_key,
                "beryl" => &world.other.admin_key,
                _ => "",
            };
            let records = match admin {
                "" => ask(&world, &browser, Some(&place.organization_id), ("GET", &path), Value::Null).await,
                key => world.server.call("GET", &path, key, None).await,
            };
            let count = records.body["data"].as_array().unwrap().len() as u64;
            assert_eq!(count, place.calls, "every call is counted where it was made: {}", place.word);
        }
        let url = database.as_ref().map(Postgres::url);
        let (is_whole, report) = verify(world.folder.path(), url.as_deref()).await;
        assert!(is_whole, "{report}");
    }
}
