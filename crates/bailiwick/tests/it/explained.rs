//! What is explained of calls to models is what the gateway answers them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::world::{World, text_of};

/// A key, and the model that it asks for.
struct Case {
    what: &'static str,
    id: String,
    secret: String,
    model: &'static str,
}

/// A key of a project for one model, made of these fields.
async fn key(world: &World, project: &str, what: &'static str, fields: Value, model: &'static str) -> Case {
    let mut body = json!({ "name": what });
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let keys = format!("/v1/organization/projects/{project}/api_keys");
    let made = world.admin("POST", &keys, body).await;
    Case { what, id: text_of(&made, "id"), secret: made["value"].as_str().unwrap().to_owned(), model }
}

async fn cases(world: &World) -> Vec<Case> {
    let (one, two, gone) =
        (world.project("one").await, world.project("two").await, world.project("gone").await);
    let providers = "/v1/organization/providers";
    world
        .admin("POST", providers, json!({"name": "main", "kind": "simulated", "models": ["sim-small"]}))
        .await;
    let shared = json!({"name": "second", "kind": "simulated", "models": ["sim-large", "unheard-of"], "project_ids": [two]});
    world.admin("POST", providers, shared).await;
    let mut cases = vec![
        key(world, &one, "plain", json!({}), "sim-small").await,
        key(world, &one, "by connection", json!({}), "main/sim-small").await,
        key(world, &one, "not offered here", json!({}), "sim-large").await,
        key(world, &two, "offered there", json!({}), "sim-large").await,
        key(world, &two, "without a price", json!({}), "unheard-of").await,
        key(world, &one, "unknown", json!({}), "no-such-model").await,
        key(world, &two, "listed", json!({"models": ["sim-small"]}), "sim-small").await,
        key(world, &two, "not listed", json!({"models": ["sim-small"]}), "sim-large").await,
        key(world, &one, "of wide scopes", json!({"scopes": ["api.model.request"]}), "sim-small").await,
        key(world, &one, "of narrow scopes", json!({"scopes": ["api.model.read"]}), "sim-small").await,
        key(world, &one, "expired", json!({"expires_in_seconds": 1}), "sim-small").await,
        key(world, &gone, "archived", json!({}), "sim-small").await,
    ];
    for (what, act) in [("disabled", "POST"), ("revoked", "DELETE")] {
        let case = key(world, &one, what, json!({}), "sim-small").await;
        let path = format!("/v1/organization/projects/{one}/api_keys/{}", case.id);
        let path = if act == "POST" { format!("{path}/disable") } else { path };
        world.admin(act, &path, Value::Null).await;
        cases.push(case);
    }
    let kept_in = key(world, &two, "kept in by policy", json!({}), "sim-large").await;
    let policy = format!("/v1/organization/projects/{two}/api_keys/{}/policy/model.allowed", kept_in.id);
    world.admin("POST", &policy, json!({"value": ["sim-small"]})).await;
    cases.push(kept_in);
    let kept_off = key(world, &two, "kept off a connection", json!({}), "sim-large").await;
    let policy = format!("/v1/organization/projects/{two}/api_keys/{}/policy/provider.allowed", kept_off.id);
    world.admin("POST", &policy, json!({"value": ["main"]})).await;
    cases.push(kept_off);
    let leaver = world.person(&world.acme, "leaver@acme.test", "member", Some((&one, "member"))).await;
    let keys = format!("/v1/organization/projects/{one}/api_keys");
    let made = world.server.ok("POST", &keys, &leaver.admin_key, Some(&json!({"name": "left"}))).await;
    world
        .admin("DELETE", &format!("/v1/organization/projects/{one}/users/{}", leaver.user_id), Value::Null)
        .await;
    let secret = made["value"].as_str().unwrap().to_owned();
    cases.push(Case { what: "of a leaver", id: text_of(&made, "id"), secret, model: "sim-small" });
    world.admin("POST", &format!("/v1/organization/projects/{gone}/archive"), Value::Null).await;
    cases
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_explained_as_the_gateway_answers_it() {
    let world = World::new().await;
    let cases = cases(&world).await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let mut passed = 0;
    for Case { what, id, secret, model } in &cases {
        let body = json!({"model": model, "max_tokens": 4, "messages": [{"role": "user", "content": "hi"}]});
        let answer = world.server.call("POST", "/v1/chat/completions", secret, Some(&body)).await;
        let path = format!("/v1/organization/access/explain?principal={id}&permission=model.request:{model}");
        let told = world.admin("GET", &path, Value::Null).await;
        assert_eq!(told["allowed"], answer.status == 200, "{what}: {} {told}", answer.body);
        assert_eq!(told["code"], answer.body["error"]["code"], "{what}: {told}");
        passed += usize::from(answer.status == 200);
    }
    assert_eq!((cases.len(), passed), (17, 5));
}
