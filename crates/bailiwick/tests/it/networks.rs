//! From where the console, the admin API and keys may be used; and nobody locks themself out for good.

use std::process::Command;

use domain::time::MINUTE;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::engines;
use crate::server::{Answer, BAILIWICK, Server, Start, bootstrap};
use crate::world::{World, text_of};

const NEAR: &str = "203.0.113.9";
const FAR: &str = "198.51.100.7";
const SIGN_IN: &str = "/v1/organization/policy/network.sign_in";
const ADMIN_API: &str = "/v1/organization/policy/network.admin_api";
const CHAT: &str = r#"{"model":"sim-small","max_tokens":4,"messages":[{"role":"user","content":"hi"}]}"#;

/// A call with a key from an address, as the trusted proxy in front says.
async fn from(world: &World, address: &str, line: &str, key: &str, body: Value) -> Answer {
    let (method, path) = line.split_once(' ').unwrap();
    let headers = [("x-forwarded-for", address.to_owned()), ("authorization", format!("Bearer {key}"))];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    world.server.send(method, path, &headers, body).await
}

/// A call of Acme's Admin.
async fn admin(world: &World, address: &str, line: &str, body: Value) -> Answer {
    from(world, address, line, &world.acme.admin_key, body).await
}

/// The status of a console page from an address.
async fn page(world: &World, address: &str, path: &str, cookie: &str) -> u16 {
    let headers = [("x-forwarded-for", address.to_owned()), ("cookie", cookie.to_owned())];
    world.server.send("GET", path, &headers, String::new()).await.status
}

fn refusal(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.body["error"]["code"].as_str().unwrap_or_default())
}

fn networks(list: &[&str]) -> Value {
    json!({"value": list})
}

async fn everywhere(test: impl AsyncFn(World)) {
    for engine in engines::all() {
        test(World::on(engine.as_ref().map(engines::Postgres::url), true).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_opens_an_organization_from_its_networks_alone() {
    everywhere(async |world| {
        let browser = world.browser(&world.acme.user_id).await;
        let at = async |address: &str, path: &str| page(&world, address, path, &browser.cookie).await;
        let list = networks(&["203.0.113.0/24", "2001:db8::/32"]);
        assert_eq!(admin(&world, NEAR, &format!("POST {SIGN_IN}"), list).await.status, 200);
        for address in [NEAR, "::ffff:203.0.113.9", "2001:db8::9", "198.51.100.7, 203.0.113.9"] {
            assert_eq!(at(address, "/o/acme").await, 200, "{address}");
        }
        for address in [FAR, "::ffff:198.51.100.7", "2001:db9::9", "203.0.113.9, 198.51.100.7", "nonsense"] {
            assert_eq!(at(address, "/o/acme").await, 403, "{address}");
        }
        assert_eq!(at(FAR, "/organizations").await, 200, "their own account is theirs from everywhere");
        let headers = [("x-forwarded-for", FAR.to_owned()), ("cookie", browser.cookie.clone())];
        let api = world.server.send("GET", "/v1/organization", &headers, String::new()).await;
        assert_eq!(refusal(&api), (403, "network_not_allowed"), "the same browser at the admin API");
        assert_eq!(admin(&world, FAR, "GET /v1/organization", Value::Null).await.status, 200, "an admin key");
        let other = world.browser(&world.other.user_id).await;
        assert_eq!(page(&world, FAR, "/o/other", &other.cookie).await, 200, "another organization");
        let warning = json!({"value": ["203.0.113.0/24"], "mode": "warn"});
        assert_eq!(admin(&world, FAR, &format!("POST {SIGN_IN}"), warning).await.status, 200);
        assert_eq!(at(FAR, "/o/acme").await, 200, "a warning lets pass");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn admin_keys_are_used_from_the_networks_of_organization_project_and_key() {
    everywhere(async |world| {
        let (open, closed) = (world.project("Open").await, world.project("Closed").await);
        let project = |id: &str| format!("GET /v1/organization/projects/{id}");
        let policy = |id: &str| format!("POST /v1/organization/projects/{id}/policy/network.admin_api");
        let near = || networks(&["203.0.113.0/24"]);
        assert_eq!(refusal(&admin(&world, FAR, &policy(&closed), near()).await), (409, "would_lock_out"));
        assert_eq!(admin(&world, NEAR, &policy(&closed), near()).await.status, 200);
        assert_eq!(admin(&world, FAR, &project(&open), Value::Null).await.status, 200);
        let refused = admin(&world, FAR, &project(&closed), Value::Null).await;
        assert_eq!(refusal(&refused), (403, "network_not_allowed"));
        assert_eq!(admin(&world, NEAR, &project(&closed), Value::Null).await.status, 200);

        // An admin key of its own, which somebody narrows from elsewhere.
        let body = json!({"name": "CI"});
        let made = admin(&world, FAR, "POST /v1/organization/admin_api_keys", body).await.body;
        let (key, id) = (text_of(&made, "value"), text_of(&made, "id"));
        let of_key = format!("/v1/organization/admin_api_keys/{id}/policy");
        let set = admin(&world, FAR, &format!("POST {of_key}/network.admin_api"), near()).await;
        assert_eq!((set.status, &set.body["enforced"]["level"]), (200, &json!("api_key")));
        let listed = admin(&world, FAR, &format!("GET {of_key}"), Value::Null).await;
        assert_eq!(listed.body["data"].as_array().unwrap().len(), 1, "{}", listed.body);
        let wrong = admin(&world, FAR, &format!("POST {of_key}/model.allowed"), networks(&["o3"])).await;
        assert_eq!(refusal(&wrong), (400, "level_not_allowed"));
        let with_it = async |address: &str| {
            let answer = from(&world, address, "GET /v1/organization", &key, Value::Null).await;
            (answer.status, answer.body["error"]["code"].as_str().unwrap_or_default().to_owned())
        };
        assert_eq!(with_it(NEAR).await.0, 200);
        assert_eq!(with_it(FAR).await, (403, "network_not_allowed".to_owned()));
        let widened =
            from(&world, NEAR, &format!("POST {of_key}/network.admin_api"), &key, networks(&[FAR])).await;
        assert_eq!(refusal(&widened), (409, "would_lock_out"), "the key that it is called with");

        // The organization's own networks, warned of first: what they would refuse is counted.
        let warning = json!({"value": ["203.0.113.0/24"], "mode": "warn"});
        assert_eq!(admin(&world, FAR, &format!("POST {ADMIN_API}"), warning).await.status, 200);
        let seen = admin(&world, FAR, "GET /v1/organization/policy_warnings", Value::Null).await.body;
        let one = seen["data"].as_array().unwrap().iter().find(|one| one["setting"] == "network.admin_api");
        assert_eq!(one.unwrap()["subject"], FAR, "{seen}");
        assert_eq!(admin(&world, NEAR, &format!("POST {ADMIN_API}"), near()).await.status, 200);
        let refused = admin(&world, FAR, "GET /v1/organization", Value::Null).await;
        assert_eq!(refusal(&refused), (403, "network_not_allowed"));
        let log = admin(&world, NEAR, "GET /v1/organization/audit_events?limit=100", Value::Null).await.body;
        let is_noted = |event: &Value| event.to_string().contains("network_not_allowed");
        assert!(log["data"].as_array().unwrap().iter().any(is_noted), "a refusal is in the trail");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_call_from_the_networks_of_organization_project_and_key() {
    everywhere(async |world| {
        let provider = json!({"name": "sim", "kind": "simulated", "contract_owner": "Procurement"});
        world.admin("POST", "/v1/organization/providers", provider).await;
        let id = world.project("Shop").await;
        let keys = format!("/v1/organization/projects/{id}/api_keys");
        let made = world.admin("POST", &keys, json!({"name": "one"})).await;
        let (key, key_id) = (text_of(&made, "value"), text_of(&made, "id"));
        let call = async |address: &str| {
            let body = serde_json::from_str(CHAT).unwrap();
            from(&world, address, "POST /v1/chat/completions", &key, body).await.status
        };
        let all = ["203.0.113.9", "203.0.113.77", "2001:db8::9", "198.51.100.7"];
        let reached = async || {
            let mut reached = Vec::new();
            for address in all {
                reached.extend((call(address).await == 200).then_some(address));
            }
            reached
        };
        assert_eq!(reached().await, all);
        let organization = networks(&["203.0.113.0/24", "2001:db8::/32"]);
        world.admin("POST", "/v1/organization/policy/network.gateway", organization).await;
        assert_eq!(reached().await, all[..3]);
        let of_project = format!("/v1/organization/projects/{id}/policy/network.gateway");
        world.admin("POST", &of_project, networks(&["203.0.113.0/24"])).await;
        assert_eq!(reached().await, all[..2]);
        world.admin("POST", &format!("{keys}/{key_id}/policy/network.gateway"), networks(&[all[1]])).await;
        assert_eq!(reached().await, all[1..2]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_shut_out_its_maker_is_only_tried_and_undone_unless_it_is_kept() {
    everywhere(async |world| {
        let set = |address, path: &str, body| {
            let line = format!("POST {path}");
            let world = &world;
            async move { admin(world, address, &line, body).await }
        };
        let list = || networks(&["203.0.113.0/24"]);
        let trial = || json!({"value": ["203.0.113.0/24"], "on_trial": true});
        let answer = set(FAR, SIGN_IN, list()).await;
        assert_eq!(refusal(&answer), (409, "would_lock_out"), "{}", answer.body);
        assert_eq!(refusal(&set(FAR, ADMIN_API, list()).await), (409, "would_lock_out"));
        let tried = set(FAR, SIGN_IN, trial()).await;
        assert!(tried.status == 200 && tried.body["trial_ends_at"].is_i64(), "{}", tried.body);
        let browser = world.browser(&world.acme.user_id).await;
        assert_eq!(page(&world, FAR, "/o/acme", &browser.cookie).await, 403, "it holds at once");

        // Neither keeping it nor setting it again makes it stay, from where it shuts out.
        let keep = format!("{SIGN_IN}/keep");
        assert_eq!(refusal(&set(FAR, &keep, Value::Null).await), (409, "would_lock_out"));
        assert_eq!(refusal(&set(FAR, SIGN_IN, list()).await), (409, "would_lock_out"));
        assert_eq!(control::policy::undo_due(&world.later(9 * MINUTE).await).await.unwrap(), 0);
        assert_eq!(control::policy::undo_due(&world.later(11 * MINUTE).await).await.unwrap(), 1);
        assert_eq!(page(&world, FAR, "/o/acme", &browser.cookie).await, 200, "undone by itself");

        // Kept from inside it stays; a second trial goes back to what was kept.
        assert_eq!(set(FAR, ADMIN_API, trial()).await.status, 200);
        let shut = admin(&world, FAR, "GET /v1/organization", Value::Null).await;
        assert_eq!(refusal(&shut), (403, "network_not_allowed"));
        let kept = set(NEAR, &format!("{ADMIN_API}/keep"), Value::Null).await;
        assert_eq!((kept.status, &kept.body["trial_ends_at"]), (200, &Value::Null), "{}", kept.body);
        assert_eq!(control::policy::undo_due(&world.later(11 * MINUTE).await).await.unwrap(), 0);
        let elsewhere = json!({"value": ["192.0.2.0/24"], "on_trial": true});
        assert_eq!(set(NEAR, ADMIN_API, elsewhere).await.status, 200);
        assert_eq!(control::policy::undo_due(&world.later(11 * MINUTE).await).await.unwrap(), 1);
        let back = admin(&world, NEAR, "GET /v1/organization/policy", Value::Null).await.body;
        let held = back["data"].as_array().unwrap().iter().find(|one| one["id"] == "network.admin_api");
        assert_eq!(held.unwrap()["own"]["value"], json!(["203.0.113.0/24"]));
        let nothing = set(NEAR, &format!("{ADMIN_API}/keep"), Value::Null).await;
        assert_eq!(refusal(&nothing), (404, "not_found"));
        let log = admin(&world, NEAR, "GET /v1/organization/audit_events?limit=100", Value::Null).await.body;
        let verbs: Vec<&str> =
            log["data"].as_array().unwrap().iter().filter_map(|event| event["type"].as_str()).collect();
        let count = |verb: &str| verbs.iter().filter(|one| **one == verb).count();
        assert_eq!((count("policy.undone"), count("policy.kept")), (2, 1), "{verbs:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exceptions_shut_nobody_out_either() {
    everywhere(async |world| {
        let id = world.project("Shop").await;
        let given = || {
            json!({"setting": "network.admin_api", "level": "project", "level_id": id, "value": ["203.0.113.0/24"],
                "reason": "An audit", "ends_at": world.server_time() + 3_600})
        };
        let give = "POST /v1/organization/policy_exceptions";
        assert_eq!(refusal(&admin(&world, FAR, give, given()).await), (409, "would_lock_out"));
        let wide = json!({"value": ["198.51.100.0/24", "203.0.113.0/24"]});
        let of_project = format!("POST /v1/organization/projects/{id}/policy/network.admin_api");
        assert_eq!(admin(&world, FAR, &of_project, wide).await.status, 200);
        assert_eq!(admin(&world, NEAR, give, given()).await.status, 200);
        let refused = admin(&world, FAR, &format!("GET /v1/organization/projects/{id}"), Value::Null).await;
        assert_eq!(refusal(&refused), (403, "network_not_allowed"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_lets_locked_out_admins_in_again_and_the_trail_says_so() {
    everywhere(async |world| {
        for path in [SIGN_IN, ADMIN_API] {
            let answer = admin(&world, NEAR, &format!("POST {path}"), networks(&["203.0.113.0/24"])).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
        assert_eq!(admin(&world, FAR, "GET /v1/organization", Value::Null).await.status, 403);
        let run = |organization: &str| {
            let mut command = Command::new(BAILIWICK);
            command.args(["let-in", "--organization", organization, "--data"]).arg(world.folder.path());
            command.args(["--database", &world.database]).output().unwrap()
        };
        assert!(!run("nobody").status.success());
        let told: Value = serde_json::from_slice(&run("acme").stdout).unwrap();
        assert_eq!(told["organization_id"], world.acme.organization_id);
        assert_eq!(told["cleared"], json!(["network.admin_api", "network.sign_in"]));
        let log = admin(&world, FAR, "GET /v1/organization/audit_events?limit=10", Value::Null).await;
        assert_eq!(log.status, 200);
        let is_it =
            |event: &&Value| event["type"] == "policy.cleared" && event.to_string().contains("operator");
        assert_eq!(log.body["data"].as_array().unwrap().iter().filter(is_it).count(), 2, "{}", log.body);
        let again: Value = serde_json::from_slice(&run(&world.acme.organization_id).stdout).unwrap();
        assert_eq!(again["cleared"], json!([]));
    })
    .await;
}

/// Sends bytes on a connection of their own; the status of the answer, none when the server hangs up.
async fn raw(server: &Server, bytes: &[u8]) -> Option<u16> {
    let address = server.url.strip_prefix("http://").unwrap();
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    socket.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    // A server that hangs up may reset the connection.
    let _ = socket.read_to_end(&mut answer).await;
    let text = String::from_utf8_lossy(&answer);
    text.split(' ').nth(1).and_then(|status| status.parse().ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proxy_protocol_is_believed_from_stated_proxies_alone() {
    let folder = tempfile::tempdir().unwrap();
    let acme = bootstrap(folder.path(), None, "Acme", "admin@acme.test").await;
    let start = Start { data: folder.path().to_owned(), database: None, allow_upstream: Vec::new() };
    let request = format!(
        "GET /v1/organization HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nconnection: close\r\n\r\n",
        acme.admin_key
    );
    let with = |header: &[u8]| [header, request.as_bytes()].concat();
    let first = |address: &str| with(format!("PROXY TCP4 {address} 127.0.0.1 4711 80\r\n").as_bytes());
    let second = |address: [u8; 4]| {
        let header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c";
        with(&[header.as_slice(), &address, &[127, 0, 0, 1], &[0x12, 0x67], &[0, 80]].concat())
    };

    let plain = start.serve().await;
    let networks = json!({"value": ["203.0.113.0/24", "127.0.0.0/8"]});
    plain.ok("POST", ADMIN_API, &acme.admin_key, Some(&networks)).await;
    assert_eq!(raw(&plain, request.as_bytes()).await, Some(200));
    assert_eq!(raw(&plain, &first(NEAR)).await, Some(400), "from nobody that was stated it is no HTTP");
    drop(plain);

    let settings = folder.path().join("settings.toml");
    std::fs::write(&settings, "proxy_protocol = [\"127.0.0.0/8\"]\n").unwrap();
    let server = start.serve_with(&["--config", settings.to_str().unwrap()]).await;
    assert_eq!(raw(&server, &first(NEAR)).await, Some(200));
    assert_eq!(raw(&server, &first(FAR)).await, Some(403));
    assert_eq!(raw(&server, &second([203, 0, 113, 9])).await, Some(200));
    assert_eq!(raw(&server, &second([198, 51, 100, 7])).await, Some(403));
    assert_eq!(raw(&server, &with(b"PROXY UNKNOWN\r\n")).await, Some(200), "the proxy itself");
    assert_eq!(raw(&server, request.as_bytes()).await, None, "a proxy that does not say");
    assert_eq!(raw(&server, &with(b"PROXY TCP4 203.0.113.9\r\n")).await, None);
}
