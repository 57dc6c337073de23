//! Every setting that a call can meet takes effect: in `enforce` the call is refused, in `warn` it passes and is
//! counted.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::ConnectInfo;
use domain::allowances::{Allowance, Enforcement, Scope, Unit};
use domain::ids::AllowanceId;
use domain::networks::Networks;
use domain::policy::{Entry, Level, Mode, Policy, Setting, Spot};
use domain::time::{DAY, Window};
use gateway::Settings;
use serde_json::{Value, json};

use crate::fake::World;
use crate::{asking, send, text};

const CHAT: &str = "/v1/chat/completions";
const PLAIN: &str =
    r#"{"model":"sim-small","user":"end-user-7","messages":[{"role":"user","content":"hi"}]}"#;

fn entry(setting: Setting, value: &Value, mode: Mode) -> (Spot, Entry) {
    let entry = Entry {
        setting,
        level: Level::Organization,
        value: setting.kind().read(value).unwrap(),
        mode,
        is_locked: false,
        floor: None,
        set_by: None,
        set_at: domain::time::Timestamp::from_unix_seconds(0),
    };
    (Spot::Organization, entry)
}

/// A world in which the organization has set this.
fn set(setting: Setting, value: Value, mode: Mode) -> std::sync::Arc<World> {
    let world = World::new();
    world.change(|view| view.policy = Policy::new(vec![entry(setting, &value, mode)], Vec::new()));
    world
}

/// A hard limit of one dollar.
fn a_dollar(world: &World) -> Allowance {
    Allowance {
        id: AllowanceId::mint(world.ambient()),
        organization_id: world.key.lock().unwrap().organization_id,
        scope: Scope { level: domain::allowances::Level::Organization, model: None },
        unit: Unit::NanoUsd,
        window: Window::Month,
        amount: 1_000_000_000,
        enforcement: Enforcement::Hard,
        created_at: world.ambient().now(),
    }
}

/// Status and code of a plain call.
async fn call(world: &World, router: &Router) -> (u16, String) {
    call_with(world, router, PLAIN).await
}

/// Status and code of a call.
async fn call_with(world: &World, router: &Router, body: &str) -> (u16, String) {
    let mut request = asking(world, CHAT, body);
    let peer: SocketAddr = "10.0.0.5:1234".parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    let response = send(router, request).await;
    let status = response.status().as_u16();
    let body: Value = serde_json::from_str(&text(response).await).unwrap();
    (status, body["error"]["code"].as_str().unwrap_or_default().to_owned())
}

/// Refused with this code when enforced, passed and counted when warned of, not even counted when off.
async fn gate(setting: Setting, value: Value, refusal: (u16, &str), change: impl Fn(&World)) {
    gate_of(PLAIN, setting, value, refusal, change).await;
}

/// The same for another call than the plain one.
async fn gate_of(body: &str, setting: Setting, value: Value, refusal: (u16, &str), change: impl Fn(&World)) {
    for mode in Mode::ALL {
        let world = set(setting, value.clone(), mode);
        change(&world);
        let router = world.gateway(Settings::default()).router();
        let seen = call_with(&world, &router, body).await;
        let warned = world.warned.lock().unwrap().iter().map(|one| one.setting).collect::<Vec<_>>();
        match mode {
            Mode::Enforce => assert_eq!((seen, warned), ((refusal.0, refusal.1.to_owned()), vec![])),
            Mode::Warn => assert_eq!((seen.0, warned), (200, vec![setting])),
            Mode::Off => assert_eq!((seen.0, warned), (200, vec![])),
        }
    }
}

#[tokio::test]
async fn models_are_allowed_by_name() {
    gate(Setting::Models, json!(["gpt-*"]), (403, "model_not_allowed"), |_| ()).await;
    let world = set(Setting::Models, json!(["sim-s*"]), Mode::Enforce);
    let router = world.gateway(Settings::default()).router();
    assert_eq!(call(&world, &router).await.0, 200);
    let list = asking(&world, "/v1/models", "");
    let list = http::Request::get("/v1/models").header("authorization", &list.headers()["authorization"]);
    let listed = text(send(&router, list.body(axum::body::Body::empty()).unwrap()).await).await;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let names: Vec<&str> =
        listed["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert!(!names.is_empty() && names.iter().all(|name| name.starts_with("sim-s")), "{names:?}");
}

#[tokio::test]
async fn providers_are_allowed_by_name() {
    gate(Setting::Providers, json!(["another"]), (404, "model_not_found"), |_| ()).await;
}

#[tokio::test]
async fn keys_call_from_allowed_networks() {
    gate(Setting::GatewayNetworks, json!(["192.0.2.0/24"]), (403, "network_not_allowed"), |_| ()).await;
    let world = set(Setting::GatewayNetworks, json!(["203.0.113.0/24"]), Mode::Enforce);
    let trusted = Networks::parse(&["10.0.0.0/8".to_owned()]).unwrap();
    let behind = Settings { trusted_proxies: trusted, ..Settings::default() };
    let router = world.gateway(behind).router();
    assert_eq!(call(&world, &router).await.0, 200, "a trusted proxy says where the call came from");
    let router = world.gateway(Settings::default()).router();
    assert_eq!(call(&world, &router).await.0, 403, "nobody else does");
}

#[tokio::test]
async fn keys_grow_too_old() {
    let old = |world: &World| {
        let mut key = world.key.lock().unwrap();
        key.created_at = key.created_at.plus_micros(-31 * DAY);
    };
    gate(Setting::KeyMaximumAge, json!(30), (401, "key_too_old"), old).await;
    let stale = |world: &World| {
        let mut key = world.key.lock().unwrap();
        key.secret_created_at = key.secret_created_at.plus_micros(-31 * DAY);
    };
    gate(Setting::KeyRotation, json!(30), (401, "key_not_rotated"), stale).await;
}

#[tokio::test]
async fn a_call_without_a_limit_gets_the_organizations() {
    let world = set(Setting::DefaultOutput, json!(3), Mode::Enforce);
    let router = world.gateway(Settings::default()).router();
    assert_eq!(call(&world, &router).await.0, 200);
    let limited = PLAIN.replacen("\"user\"", "\"max_tokens\":7,\"user\"", 1);
    assert_eq!(send(&router, asking(&world, CHAT, &limited)).await.status(), 200);
    let records = world.records();
    assert!(records[0].settlement.quantities.output <= 3, "the provider was told");
    assert!(records[0].call.held < records[1].call.held, "a call's own limit stands, and 7 is more than 3");
}

#[tokio::test]
async fn end_users_are_kept_as_the_organization_says() {
    for (how, is_plain) in [("plain", true), ("hashed", false)] {
        let world = set(Setting::EndUsers, json!(how), Mode::Enforce);
        let router = world.gateway(Settings::default()).router();
        for _ in 0..2 {
            assert_eq!(call(&world, &router).await.0, 200);
        }
        let kept: Vec<String> =
            world.records().iter().map(|one| one.call.end_user.clone().unwrap()).collect();
        assert_eq!(kept[0], kept[1], "one person stays one");
        assert_eq!(kept[0] == "end-user-7", is_plain);
        assert!(is_plain || (kept[0].starts_with("hashed:") && !kept[0].contains("end-user-7")));
    }
}

#[tokio::test]
async fn keys_are_narrowed_to_scopes_or_models() {
    gate(Setting::KeyNarrow, json!(true), (403, "key_not_narrow"), |_| ()).await;
    let narrowed: [fn(&mut gateway::snapshot::KeyView); 2] = [
        |key| key.scopes = vec!["chat.request".to_owned()],
        |key| key.models = domain::models::ModelLists::of_key(Some(&["sim-*".to_owned()]), &[]).unwrap(),
    ];
    for narrow in narrowed {
        let world = set(Setting::KeyNarrow, json!(true), Mode::Enforce);
        narrow(&mut world.key.lock().unwrap());
        let router = world.gateway(Settings::default()).router();
        assert_ne!(call(&world, &router).await.1, "key_not_narrow");
    }
}

#[tokio::test]
async fn calls_carry_tags_where_they_may() {
    let tagged = PLAIN.replacen("\"user\"", "\"metadata\":{\"team\":\"a\"},\"user\"", 1);
    let refusal = (403, "tags_not_allowed");
    gate_of(&tagged, Setting::RequestTags, json!("refused"), refusal, |_| ()).await;
    let world = set(Setting::RequestTags, json!("refused"), Mode::Enforce);
    let router = world.gateway(Settings::default()).router();
    for nothing in ["null", "{}", "{ }"] {
        let body = PLAIN.replacen("\"user\"", &format!("\"metadata\":{nothing},\"user\""), 1);
        assert_eq!(call_with(&world, &router, &body).await.0, 200, "{nothing}");
    }
}

#[tokio::test]
async fn a_model_without_a_price_passes_where_policy_lets_it_and_no_money_is_at_stake() {
    let body = PLAIN.replacen("sim-small", "unpriced-model", 1);
    let offer = |world: &World| {
        world.change(|view| {
            let mut sim = gateway::snapshot::ProviderView::clone(&view.providers[0]);
            sim.connection.models = Some(vec!["unpriced-model".to_owned()]);
            view.providers = vec![std::sync::Arc::new(sim)];
        });
    };
    let refused = (400, "model_not_priced".to_owned());
    for (value, mode) in [("pass", Mode::Off), ("refuse", Mode::Enforce)] {
        let world = set(Setting::UnpricedModels, json!(value), mode);
        offer(&world);
        let router = world.gateway(Settings::default()).router();
        assert_eq!(call_with(&world, &router, &body).await, refused, "{value}");
    }
    let world = set(Setting::UnpricedModels, json!("pass"), Mode::Enforce);
    offer(&world);
    let router = world.gateway(Settings::default()).router();
    assert_eq!(call_with(&world, &router, &body).await.0, 200);
    crate::settled(&world, 1).await;
    let record = world.records().remove(0);
    assert_eq!((record.call.price_id.as_str(), record.settlement.cost.nano()), ("unpriced", 0));
    assert!(record.settlement.quantities.output > 0, "what it used is counted all the same");
    world.allow(a_dollar(&world));
    assert_eq!(call_with(&world, &router, &body).await, refused, "a hard limit of money could not hold");
}
