//! Explanations: the same answer as the door's, with its reasons.

use control::admin_keys::{NewAdminKey, create_admin_key};
use control::invites::{Accepting, accept_invite};
use domain::access::{Grant, Origin, Permission, Task};
use domain::routes::{Access, Method, Route};
use http::StatusCode;
use serde_json::{Value, json};

use crate::world::{PASSWORD, World};

/// A person with a role in the organization and, where given, in a project; their id and an admin key of theirs.
async fn person(world: &World, name: &str, role: &str, project: Option<(&str, &str)>) -> (String, String) {
    let projects: Vec<Value> = project.iter().map(|(id, role)| json!({"id": id, "role": role})).collect();
    let body = json!({"email": format!("{name}@example.test"), "bailiwick_role": role, "projects": projects});
    let sent = world.admin("POST /v1/organization/invites", body).await.json();
    let token = sent["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let accepting = Accepting::New { name, password: PASSWORD };
    let accepted = accept_invite(&world.control, &token, accepting, &Origin::default()).await.unwrap();
    let grant = Grant::system(Task::AcceptInvite, Some(world.acme.organization_id));
    let new =
        NewAdminKey { name: name.to_owned(), expires_in_seconds: None, owner_id: Some(accepted.user.id) };
    let key = create_admin_key(&world.control, &grant, new).await.unwrap();
    (accepted.user.id.to_string(), key.secret.reveal().to_owned())
}

async fn project(world: &World, name: &str) -> String {
    let made = world.admin("POST /v1/organization/projects", json!({ "name": name })).await.json();
    made["id"].as_str().unwrap().to_owned()
}

async fn explained(world: &World, key: &str, query: &str) -> Value {
    let line = format!("GET /v1/organization/access/explain?{query}");
    let seen = world.call(key, &line, &[], "").await;
    assert_eq!(seen.status, StatusCode::OK, "{line}: {seen:?}");
    seen.json()
}

/// A row that can be asked for with nothing but a project's id, and the permission that it needs.
fn askable(route: &Route) -> Option<Permission> {
    let is_plain = route.method == Method::Get && route.path.starts_with("/v1/");
    let parameters = route.path.matches('{').count();
    match route.access {
        Access::Organization(permission) if is_plain && parameters == 0 => Some(permission),
        Access::Project(permission) if is_plain && parameters == 1 => Some(permission),
        _ => None,
    }
}

#[tokio::test]
async fn an_explanation_agrees_with_the_door_for_every_row_and_role() {
    let world = World::new().await;
    let id = project(&world, "Support").await;
    let mut people = vec![(world.acme.user_id.to_string(), world.acme.admin_key.clone())];
    for role in ["member", "finance", "auditor"] {
        people.push(person(&world, role, role, None).await);
    }
    for role in ["owner", "member", "viewer"] {
        people.push(person(&world, &format!("project-{role}"), "member", Some((&id, role))).await);
    }
    let mut compared = 0;
    for route in control::routes::routes() {
        let Some(permission) = askable(&route) else { continue };
        let path = route.path.replace("{project_id}", &id);
        let resource = if path == route.path { "" } else { &id };
        for (user, key) in &people {
            let answer = world.call(key, &format!("GET {path}"), &[], "").await;
            let is_through = ![StatusCode::FORBIDDEN, StatusCode::NOT_FOUND].contains(&answer.status);
            let query = format!("principal={user}&permission={permission}&resource={resource}");
            let explanation = explained(&world, &world.acme.admin_key, &query).await;
            // What nobody set is not there for anybody.
            if !path.ends_with("spend_limit") && !path.ends_with("model_permissions") {
                assert_eq!(explanation["allowed"], is_through, "{path} {explanation}");
            }
            assert_eq!(explanation["allowed"] == true, explanation["missing"].is_null(), "{explanation}");
            let listed = permission == Permission::ProjectRead && resource.is_empty();
            let is_explained = !explanation["because"].as_array().unwrap().is_empty();
            assert!(listed || explanation["allowed"] == is_explained, "{explanation}");
            compared += 1;
        }
    }
    assert!(compared > 150, "{compared}");
}

#[tokio::test]
async fn reasons_name_role_place_giver_and_what_would_be_needed() {
    let world = World::new().await;
    let id = project(&world, "Support").await;
    let (owner, key) = person(&world, "owner", "member", Some((&id, "owner"))).await;
    let query = format!("principal=owner@example.test&permission=api_key.manage&resource={id}");
    let yes = explained(&world, &world.acme.admin_key, &query).await;
    let because = &yes["because"][0];
    assert_eq!(
        (&because["role"]["name"], &because["scope"]["name"]),
        (&json!("Project Owner"), &json!("Support"))
    );
    assert_eq!(because["given_by"]["id"], world.acme.user_id.to_string());
    assert!(yes["sentence"].as_str().unwrap().starts_with("Yes: in the project Support owner may"), "{yes}");
    let no = explained(&world, &key, "permission=member.manage").await;
    assert_eq!((no["allowed"].clone(), no["decision"].clone()), (json!(false), json!("forbidden")));
    assert_eq!(no["missing"]["roles"][0]["name"], "Admin");
    // One asks about oneself and one's own project; about others only who may.
    let about = |user: &str, resource: &str| {
        format!(
            "GET /v1/organization/access/explain?principal={user}&permission=project.read&resource={resource}"
        )
    };
    let admin = world.acme.user_id.to_string();
    assert_eq!(world.call(&key, &about(&admin, ""), &[], "").await.refusal().0, 403);
    assert_eq!(world.call(&key, &about(&admin, &id), &[], "").await.status, StatusCode::OK);
    let nobody = about("user_01jd0000000000000000000000", &id);
    assert_eq!(world.call(&key, &nobody, &[], "").await.refusal().0, 404);
    let other = project(&world, "Other").await;
    assert_eq!(world.call(&key, &about(&admin, &other), &[], "").await.refusal().0, 404);
    let own = format!("GET /v1/organization/access/explain?permission=project.read&resource={other}");
    assert_eq!(world.call(&key, &own, &[], "").await.refusal().0, 404, "a project that one may not know of");
    assert!(!owner.is_empty());
}

#[tokio::test]
async fn keys_are_explained_as_their_owner_or_step_by_step() {
    let world = World::new().await;
    let id = project(&world, "Support").await;
    let keys = world.admin("GET /v1/organization/admin_api_keys", Value::Null).await.json();
    let admin_key = keys["data"][0]["id"].as_str().unwrap();
    let query = format!("principal={admin_key}&permission=project.create");
    let yes = explained(&world, &world.acme.admin_key, &query).await;
    assert_eq!((&yes["allowed"], !yes["acts_as"].is_null()), (&json!(true), true));
    let made =
        world.admin(&format!("POST /v1/organization/projects/{id}/api_keys"), json!({"name": "app"})).await;
    let key = made.json()["id"].as_str().unwrap().to_owned();
    let steps = async || {
        let call = explained(
            &world,
            &world.acme.admin_key,
            &format!("principal={key}&permission=model.request:sim-small"),
        )
        .await;
        let failing = |steps: &Value| {
            let steps = steps.as_array().unwrap();
            steps
                .iter()
                .find(|step| step["passes"] == false)
                .map(|step| step["check"].as_str().unwrap().to_owned())
        };
        (call["allowed"] == true, failing(&call["steps"]))
    };
    assert_eq!(steps().await, (false, Some("provider".to_owned())));
    world.admin("POST /v1/organization/providers", json!({"name": "sim", "kind": "simulated"})).await;
    assert_eq!(steps().await, (true, None));
    let policy = format!("POST /v1/organization/projects/{id}/policy/model.allowed");
    world.admin(&policy, json!({"value": ["gpt-*"]})).await;
    assert_eq!(steps().await, (false, Some("policy".to_owned())));
    world.admin(&format!("POST /v1/organization/projects/{id}/api_keys/{key}/disable"), Value::Null).await;
    assert_eq!(steps().await, (false, Some("key".to_owned())));
}

#[tokio::test]
async fn lists_say_who_sees_a_project_and_what_a_person_sees() {
    let world = World::new().await;
    let (id, other) = (project(&world, "Support").await, project(&world, "Other").await);
    let (member, key) = person(&world, "worker", "member", Some((&id, "member"))).await;
    let (auditor, _) = person(&world, "auditor", "auditor", None).await;
    let (finance, _) = person(&world, "finance", "finance", None).await;
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let line = format!("GET /v1/organization/projects/{id}/access?limit=1{after}");
        let page = world.admin(&line, Value::Null).await.json();
        seen.extend(
            page["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()),
        );
        if page["has_more"] != true {
            break;
        }
        after = format!("&after={}", page["last_id"].as_str().unwrap());
    }
    let mut expected = vec![world.acme.user_id.to_string(), member.clone(), auditor, finance];
    expected.sort();
    assert_eq!(seen, expected);
    let mine = world.call(&key, "GET /v1/organization/access/mine", &[], "").await.json();
    assert!(mine.to_string().contains(&id) && !mine.to_string().contains(&other), "{mine}");
    let theirs =
        world.admin(&format!("GET /v1/organization/users/{member}/access"), Value::Null).await.json();
    assert_eq!(theirs, mine);
    let hidden = world.call(&key, &format!("GET /v1/organization/projects/{other}/access"), &[], "").await;
    assert_eq!(hidden.refusal().0, 404);
}
