//! Keys that are narrowed: by scopes to families of endpoints, by lists of their own and of their project to models.

use std::sync::Arc;

use domain::models::{ListMode, ModelLists, ModelPermissions};
use gateway::Settings;
use http::Request;
use serde_json::{Value, json};

use crate::fake::World;
use crate::{asking, send, text};

const CHAT: &str = "/v1/chat/completions";
const EMBEDDINGS: &str = "/v1/embeddings";

/// Status, code and message of an answer; the code is empty for a success.
async fn told(world: &Arc<World>, path: &str, body: Value) -> (u16, String, String) {
    let router = world.gateway(Settings::default()).router();
    let request = match body {
        Value::Null => {
            let bearer = format!("Bearer {}", world.secret.reveal());
            Request::get(path).header("authorization", bearer).body(axum::body::Body::empty()).unwrap()
        }
        body => asking(world, path, &body.to_string()),
    };
    let response = send(&router, request).await;
    let status = response.status().as_u16();
    let answer: Value = serde_json::from_str(&text(response).await).unwrap();
    let field = |name: &str| answer["error"][name].as_str().unwrap_or_default().to_owned();
    (status, field("code"), field("message"))
}

fn chat(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "hi"}]})
}

fn embedding() -> Value {
    json!({"model": "sim-embedding", "input": "hi"})
}

async fn listed(world: &Arc<World>) -> Vec<String> {
    let router = world.gateway(Settings::default()).router();
    let bearer = format!("Bearer {}", world.secret.reveal());
    let request =
        Request::get("/v1/models").header("authorization", bearer).body(axum::body::Body::empty()).unwrap();
    let list: Value = serde_json::from_str(&text(send(&router, request).await).await).unwrap();
    let ids = list["data"].as_array().unwrap().iter();
    ids.map(|model| model["id"].as_str().unwrap().to_owned()).collect()
}

fn narrow(world: &Arc<World>, allowed: Option<&[&str]>, denied: &[&str]) {
    let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let allowed = allowed.map(texts);
    let lists = ModelLists::of_key(allowed.as_deref(), &texts(denied)).unwrap();
    world.key.lock().unwrap().models = lists;
}

#[tokio::test]
async fn a_scope_opens_its_family_of_endpoints_and_no_other_and_a_refusal_names_what_is_missing() {
    for (scopes, opened) in [
        (&[][..], [true, true, true]),
        (&["api.all"], [true, true, true]),
        (&["all"], [true, true, true]),
        (&["api.model.request"], [true, true, false]),
        (&["model.request", "model.read"], [true, true, true]),
        (&["api.chat.request"], [true, false, false]),
        (&["api.embeddings.request", "api.model.read"], [false, true, true]),
        (&["api.all.read"], [false, false, true]),
        (&["api.audio.request"], [false, false, false]),
        (&["something.unknown"], [false, false, false]),
    ] {
        let world = World::new();
        world.key.lock().unwrap().scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let key = world.key.lock().unwrap().id.to_string();
        let calls = [(CHAT, chat("sim-small")), (EMBEDDINGS, embedding()), ("/v1/models", Value::Null)];
        let needed = ["api.chat.request", "api.embeddings.request", "api.model.read"];
        for (((path, body), is_open), needed) in calls.into_iter().zip(opened).zip(needed) {
            let (status, code, message) = told(&world, path, body).await;
            if is_open {
                assert_eq!(status, 200, "{scopes:?} {path}: {message}");
                continue;
            }
            assert_eq!((status, code.as_str()), (403, "missing_scope"), "{scopes:?} {path}");
            assert!(message.starts_with(&format!("Missing scopes: {needed}.")), "{message}");
            assert!(message.contains(&key), "{message}");
        }
    }
}

#[tokio::test]
async fn lists_of_a_key_decide_what_it_may_call_and_what_is_listed_to_it() {
    let world = World::new();
    let everything = listed(&world).await;
    assert!(everything.len() > 2 && everything.contains(&"sim-small".to_owned()), "{everything:?}");
    for (allowed, denied, usable) in [
        (Some(&["sim-small"][..]), &[][..], vec!["sim-small"]),
        (Some(&["sim/sim-small"]), &[], vec!["sim-small"]),
        (Some(&["sim-small", "other/sim-large"]), &[], vec!["sim-small"]),
        (Some(&["sim-*"]), &["sim-l*", "sim-e*"], vec!["sim-small"]),
        (None, &["sim*"], vec![]),
    ] {
        narrow(&world, allowed, denied);
        assert_eq!(listed(&world).await, usable, "{allowed:?} - {denied:?}");
        let key = world.key.lock().unwrap().id.to_string();
        for model in &everything {
            let is_usable = usable.contains(&model.as_str());
            let path = format!("/v1/models/{model}");
            assert_eq!(told(&world, &path, Value::Null).await.0, if is_usable { 200 } else { 404 }, "{path}");
            let (status, code, message) =
                told(&world, EMBEDDINGS, json!({"model": model, "input": "hi"})).await;
            match is_usable {
                true => assert_ne!(code, "model_not_allowed", "{status} {message}"),
                false
                    if model == "sim-large"
                        && allowed.is_some_and(|list| list.contains(&"other/sim-large")) =>
                {
                    assert_eq!(
                        (status, code.as_str()),
                        (404, "model_not_found"),
                        "another connection might have it"
                    );
                }
                false => {
                    assert_eq!((status, code.as_str()), (403, "model_not_allowed"), "{model}");
                    assert!(message.contains(&key) && message.contains(model), "{message}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_key_never_reaches_beyond_its_project_whatever_its_own_lists_say() {
    let world = World::new();
    let project = world.key.lock().unwrap().project_id.unwrap();
    for (mode, names, own, usable) in [
        (ListMode::Allow, &["sim-small"][..], None, vec!["sim-small"]),
        (ListMode::Allow, &["sim-small"], Some(&["sim-*"][..]), vec!["sim-small"]),
        (ListMode::Allow, &["sim-small"], Some(&["sim-large"]), vec![]),
        (ListMode::Allow, &[], None, vec![]),
        (ListMode::Deny, &["sim-e*", "sim-l*"], Some(&["sim-*"]), vec!["sim-small"]),
    ] {
        let models = names.iter().map(|name| (*name).to_owned()).collect();
        let set_at = domain::time::Timestamp::from_unix_seconds(1);
        let lists = ModelPermissions { mode, models, set_by: None, set_at }.lists().unwrap();
        world.change(|view| drop(view.model_lists.insert(project, lists)));
        narrow(&world, own, &[]);
        assert_eq!(listed(&world).await, usable, "{mode:?} {names:?} {own:?}");
        let (status, code, message) = told(&world, EMBEDDINGS, embedding()).await;
        assert_eq!((status, code.as_str()), (403, "model_not_allowed"), "{message}");
    }
    let (_, _, message) = told(&world, EMBEDDINGS, embedding()).await;
    assert!(message.starts_with("The project of the API key key_"), "{message}");
}

#[tokio::test]
async fn what_a_list_keeps_out_is_told_alike_whether_it_exists_or_not() {
    let world = World::new();
    narrow(&world, Some(&["sim-small"]), &[]);
    let there = told(&world, CHAT, chat("sim-large")).await;
    let never = told(&world, CHAT, chat("sim-lorge")).await;
    assert_eq!((there.0, &there.1), (never.0, &never.1));
    assert_eq!(there.2.replace("sim-large", "X"), never.2.replace("sim-lorge", "X"));
}
