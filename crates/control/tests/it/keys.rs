//! Keys as they are narrowed at the doors: scopes, lists of models, the permissions of their project; and keys of
//! service accounts, with the person who answers for them.

use control::invites::{Accepting, accept_invite};
use domain::access::Origin;
use serde_json::{Value, json};

use crate::world::{PASSWORD, World};

/// A project and the paths of its keys.
struct Project {
    id: String,
    keys: String,
}

impl Project {
    async fn new(world: &World) -> Self {
        let made = world.admin("POST /v1/organization/projects", json!({"name": "Shop"})).await.json();
        let id = made["id"].as_str().unwrap().to_owned();
        Self { keys: format!("/v1/organization/projects/{id}/api_keys"), id }
    }

    fn path(&self, rest: &str) -> String {
        format!("/v1/organization/projects/{}/{rest}", self.id)
    }
}

fn id_of(answer: &Value) -> String {
    answer["id"].as_str().unwrap_or_else(|| panic!("no id in {answer}")).to_owned()
}

/// A member of Acme.
async fn member(world: &World, email: &str) -> String {
    let invite = json!({"email": email, "role": "reader"});
    let sent = world.admin("POST /v1/organization/invites", invite).await.json();
    let token = sent["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let accepting = Accepting::New { name: "Support Lead", password: PASSWORD };
    let accepted = accept_invite(&world.control, &token, accepting, &Origin::default()).await.unwrap();
    accepted.user.id.to_string()
}

#[tokio::test]
async fn scopes_are_listed_kept_in_their_own_spelling_shown_and_refused_where_unknown() {
    let world = World::new().await;
    let project = Project::new(&world).await;
    let listed = world.admin("GET /v1/organization/key_scopes", Value::Null).await.json();
    let names: Vec<&str> =
        listed["data"].as_array().unwrap().iter().map(|scope| scope["id"].as_str().unwrap()).collect();
    assert!(names.starts_with(&["api.all", "api.all.read", "api.model.request"]), "{names:?}");
    let wide = &listed["data"][2];
    assert!(wide["implies"].as_array().unwrap().contains(&json!("api.chat.request")), "{wide}");
    assert_eq!(wide["alias"], "model.request");

    let create = format!("POST {}", project.keys);
    let made = world.admin(&create, json!({"name": "a", "scopes": ["model.read", "api.chat.request"]})).await;
    let kept = json!(["api.model.read", "api.chat.request"]);
    assert_eq!(made.json()["scopes"], kept);
    let one = format!("{}/{}", project.keys, id_of(&made.json()));
    let read = world.admin(&format!("GET {one}"), Value::Null).await.json();
    assert_eq!(read["scopes"], kept, "readable as well as writable");
    for (line, body) in [
        (create.clone(), json!({"name": "b", "scopes": ["api.chat.request", "api.nothing"]})),
        (format!("POST {one}"), json!({"scopes": ["*"]})),
    ] {
        let seen = world.admin(&line, body).await;
        assert_eq!(seen.refusal(), (400, "unknown_scope".to_owned()));
        assert!(seen.text.contains("api.embeddings.request"), "{}", seen.text);
    }
    let untouched = world.admin(&format!("POST {one}"), json!({"name": "c"})).await.json();
    assert_eq!(untouched["scopes"], kept, "absent: as it is");
    let lifted = world.admin(&format!("POST {one}"), json!({"scopes": []})).await.json();
    assert_eq!(lifted["scopes"], json!([]), "empty: unrestricted");
}

#[tokio::test]
async fn lists_of_models_take_stars_are_shown_and_change_one_without_the_other() {
    let world = World::new().await;
    let project = Project::new(&world).await;
    let create = format!("POST {}", project.keys);
    let body = json!({"name": "a", "models": ["gpt-5*", "gpt-5*"], "denied_models": ["gpt-5-pro"]});
    let made = world.admin(&create, body).await.json();
    assert_eq!((&made["models"], &made["denied_models"]), (&json!(["gpt-5*"]), &json!(["gpt-5-pro"])));
    let one = format!("POST {}/{}", project.keys, id_of(&made));
    let allowed = world.admin(&one, json!({"models": null})).await.json();
    assert_eq!((&allowed["models"], &allowed["denied_models"]), (&Value::Null, &json!(["gpt-5-pro"])));
    let denied = world.admin(&one, json!({"denied_models": null})).await.json();
    assert_eq!(denied["denied_models"], json!([]));
    for body in [json!({"models": ["g*t"]}), json!({"denied_models": ["a b"]}), json!({"models": []})] {
        assert_eq!(world.admin(&one, body).await.refusal(), (400, "invalid_models".to_owned()));
    }
}

#[tokio::test]
async fn keys_stay_within_the_model_permissions_of_their_project() {
    let world = World::new().await;
    let project = Project::new(&world).await;
    let path = project.path("model_permissions");
    assert_eq!(world.admin(&format!("GET {path}"), Value::Null).await.refusal().0, 404, "nothing is set");
    let create = format!("POST {}", project.keys);
    let before = world.admin(&create, json!({"name": "before", "models": ["claude"]})).await.json();
    let wrong = world.admin(&format!("POST {path}"), json!({"mode": "some", "model_ids": []})).await;
    assert_eq!(wrong.refusal(), (400, "invalid_mode".to_owned()));
    let set = json!({"mode": "allow_list", "model_ids": ["gpt-5*", "text-embedding-3-small"]});
    let set = world.admin(&format!("POST {path}"), set).await.json();
    assert_eq!((&set["object"], &set["mode"]), (&json!("project.model_permissions"), &json!("allow_list")));
    assert_eq!(world.admin(&format!("GET {path}"), Value::Null).await.json(), set);

    let wider =
        world.admin(&create, json!({"name": "wider", "models": ["gpt-5-mini", "gpt-4o", "gpt*"]})).await;
    assert_eq!(wider.refusal(), (400, "models_outside_project".to_owned()));
    assert!(wider.text.contains("gpt-4o, gpt*"), "names what is outside: {}", wider.text);
    let within = world.admin(&create, json!({"name": "within", "models": ["gpt-5-mini"]})).await.json();
    assert_eq!(world.admin(&create, json!({"name": "all of them"})).await.status, 200);
    let one = format!("POST {}/{}", project.keys, id_of(&within));
    assert_eq!(world.admin(&one, json!({"models": ["gpt-4o"]})).await.refusal().1, "models_outside_project");
    assert_eq!(world.admin(&one, json!({"models": ["gpt-5"]})).await.status, 200);
    let old = format!("POST {}/{}", project.keys, id_of(&before));
    assert_eq!(world.admin(&old, json!({"name": "renamed"})).await.status, 200, "what is not changed stays");
    let accounts = format!("POST {}", project.path("service_accounts"));
    let account = json!({"name": "robot", "create_service_account_only": true});
    let account = id_of(&world.admin(&accounts, account).await.json());
    let keys = format!("POST {}", project.path(&format!("service_accounts/{account}/api_keys")));
    let seen = world.admin(&keys, json!({"models": ["gpt-4o"]})).await;
    assert_eq!(seen.refusal().1, "models_outside_project");

    let deleted = world.admin(&format!("DELETE {path}"), Value::Null).await.json();
    let told = json!({"object": "project.model_permissions.deleted", "deleted": true});
    assert_eq!(deleted, told);
    assert_eq!(world.admin(&format!("DELETE {path}"), Value::Null).await.refusal().0, 404);
    assert_eq!(world.admin(&create, json!({"name": "free", "models": ["gpt-4o"]})).await.status, 200);
    assert_eq!(world.events("model_permissions.updated").await, 1);
    assert_eq!(world.events("model_permissions.deleted").await, 1);
}

#[tokio::test]
async fn keys_of_a_service_account_are_listed_changed_rotated_and_stopped_like_others() {
    let world = World::new().await;
    let project = Project::new(&world).await;
    let accounts = format!("POST {}", project.path("service_accounts"));
    let made = world.admin(&accounts, json!({"name": "robot"})).await.json();
    let (account, first) = (id_of(&made), id_of(&made["api_key"]));
    assert_eq!((&made["role"], &made["key_owner_status"]), (&json!("member"), &json!("active")));
    let keys = format!("POST {}", project.path(&format!("service_accounts/{account}/api_keys")));
    let narrow = json!({"name": "narrow", "scopes": ["api.chat.request"], "models": ["gpt-5*"],
        "denied_models": ["gpt-5-pro"]});
    world.wait(1_000);
    let second = id_of(&world.admin(&keys, narrow).await.json());
    world.admin(&format!("POST {}", project.keys), json!({"name": "of the Admin"})).await;

    let of_account = format!("GET {}?service_account_id={account}", project.keys);
    let listed = world.admin(&of_account, Value::Null).await.json();
    let ids: Vec<String> = listed["data"].as_array().unwrap().iter().map(id_of).collect();
    assert_eq!(ids, [first.clone(), second.clone()], "its own keys alone");
    let one = format!("{}/{second}", project.keys);
    let read = world.admin(&format!("GET {one}"), Value::Null).await.json();
    assert_eq!(read["owner"]["service_account"]["id"], account);
    assert_eq!(
        (&read["scopes"], &read["models"], &read["denied_models"]),
        (&json!(["api.chat.request"]), &json!(["gpt-5*"]), &json!(["gpt-5-pro"]))
    );
    let changed = world.admin(&format!("POST {one}"), json!({"scopes": ["api.model.request"]})).await.json();
    assert_eq!(changed["scopes"], json!(["api.model.request"]));
    let rotated = world.admin(&format!("POST {one}/rotate"), json!({"overlap_seconds": 60})).await.json();
    assert!(rotated["value"].as_str().unwrap().starts_with("sk-svc-bw"), "{rotated}");
    assert_eq!((&rotated["id"], &rotated["secret_version"]), (&json!(second), &json!(2)));
    for (act, status) in [("disable", "disabled"), ("enable", "active")] {
        let seen = world.admin(&format!("POST {one}/{act}"), Value::Null).await.json();
        assert_eq!(seen["status"], status);
    }
    let revoked = world.admin(&format!("DELETE {}/{first}", project.keys), Value::Null).await;
    assert_eq!(revoked.json()["deleted"], true);
    let left = world.admin(&of_account, Value::Null).await.json();
    assert_eq!(left["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn who_answers_for_a_service_account_is_a_member_in_good_standing_and_is_seen_to_be_gone() {
    let world = World::new().await;
    let project = Project::new(&world).await;
    let support = member(&world, "support@example.test").await;
    let accounts = format!("POST {}", project.path("service_accounts"));
    let bare = json!({"name": "robot", "key_owner_id": support, "create_service_account_only": true});
    let made = world.admin(&accounts, bare).await.json();
    assert_eq!(
        (&made["role"], &made["api_key"], &made["key_owner_name"]),
        (&json!("none"), &Value::Null, &json!("Support Lead"))
    );
    let one = project.path(&format!("service_accounts/{}", id_of(&made)));
    let keys = format!("POST {one}/api_keys");
    let key = world.admin(&keys, json!({"name": "first"})).await.json();

    let removed = world.admin(&format!("DELETE /v1/organization/users/{support}"), Value::Null).await;
    assert_eq!(removed.status, 200, "{}", removed.text);
    let seen = world.admin(&format!("GET {one}"), Value::Null).await.json();
    assert_eq!((&seen["key_owner_id"], &seen["key_owner_status"]), (&json!(support), &json!("removed")));
    let listed = world.admin(&format!("GET {}", project.path("service_accounts")), Value::Null).await.json();
    assert_eq!(listed["data"][0]["key_owner_status"], "removed");
    let working = world.admin(&format!("GET {}/{}", project.keys, id_of(&key)), Value::Null).await.json();
    assert_eq!(
        (&working["status"], &working["owner_project_access"]),
        (&json!("active"), &json!("active")),
        "what is in use goes on"
    );
    assert_eq!(
        world.admin(&keys, json!({"name": "second"})).await.refusal(),
        (409, "key_owner_gone".to_owned())
    );
    for body in [json!({"key_owner_id": support}), json!({"key_owner_id": "user_01jd0000000000000000000000"})]
    {
        let seen = world.admin(&format!("POST {one}"), body).await;
        assert_eq!(seen.refusal(), (400, "key_owner_not_member".to_owned()));
    }
    let heir = world.acme.user_id.to_string();
    let handed = world.admin(&format!("POST {one}"), json!({"key_owner_id": heir})).await.json();
    assert_eq!(handed["key_owner_status"], "active");
    assert_eq!(world.admin(&keys, json!({"name": "second"})).await.status, 200);
}
