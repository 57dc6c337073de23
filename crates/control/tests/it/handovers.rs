//! Hand-overs: what loses its owner waits for another, ends at its deadline, and comes back with who comes back.

use control::handovers::expire_due;
use domain::access::OrganizationRole;
use domain::time::DAY;
use serde_json::{Value, json};

use crate::world::{Person, World};

async fn ok(world: &World, line: &str, body: Value) -> Value {
    let seen = world.admin(line, body).await;
    assert_eq!(seen.status, 200, "{line}: {}", seen.text);
    seen.json()
}

fn id_of(made: &Value) -> String {
    made["id"].as_str().unwrap_or_else(|| panic!("no id in {made}")).to_owned()
}

/// A project of production, with people in it.
struct Scene {
    world: World,
    project: String,
}

impl Scene {
    async fn set() -> Self {
        let world = World::new().await;
        let body = json!({"name": "live", "environment": "production"});
        let project = id_of(&ok(&world, "POST /v1/organization/projects", body).await);
        Self { world, project }
    }

    async fn person(&self, name: &str, role: &str) -> Person {
        let person = self.world.person(name, OrganizationRole::Member).await;
        let line = format!("POST /v1/organization/projects/{}/users", self.project);
        ok(&self.world, &line, json!({"user_id": person.id, "bailiwick_role": role})).await;
        person
    }

    /// A service account whose named key owner is a person: the id of it and of its key.
    async fn account(&self, owner: &Person) -> (String, String) {
        let line = format!("POST /v1/organization/projects/{}/service_accounts", self.project);
        let made = ok(&self.world, &line, json!({"name": "robot", "key_owner_id": owner.id})).await;
        (id_of(&made), id_of(&made["api_key"]))
    }

    async fn open(&self) -> Vec<Value> {
        let list = ok(&self.world, "GET /v1/organization/handovers?state=open&order=asc", Value::Null).await;
        list["data"].as_array().unwrap().clone()
    }

    async fn state(&self, id: &Value) -> String {
        let line = format!("GET /v1/organization/handovers/{}", id.as_str().unwrap());
        ok(&self.world, &line, Value::Null).await["state"].as_str().unwrap().to_owned()
    }

    async fn key_status(&self, key: &str) -> String {
        let line = format!("GET /v1/organization/projects/{}/api_keys/{key}", self.project);
        ok(&self.world, &line, Value::Null).await["status"].as_str().unwrap().to_owned()
    }

    async fn act(&self, person: &Person, act: &str, body: Value) -> Value {
        ok(&self.world, &format!("POST /v1/organization/users/{}/{act}", person.id), body).await
    }
}

#[tokio::test]
async fn what_nobody_decides_is_disabled_at_the_deadline_and_still_given_afterwards() {
    let scene = Scene::set().await;
    let (leaver, heir) = (scene.person("leaver", "member").await, scene.person("heir", "member").await);
    let (account, key) = scene.account(&leaver).await;
    let gone = format!("DELETE /v1/organization/users/{}", leaver.id);
    ok(&scene.world, &gone, Value::Null).await;
    let open = scene.open().await;
    assert_eq!(open.len(), 1);
    assert_eq!((&open[0]["kind"], &open[0]["subject_id"]), (&json!("service_account"), &json!(account)));
    scene.world.wait(7 * DAY - 1);
    assert_eq!(expire_due(&scene.world.control).await.unwrap(), 0);
    assert_eq!(scene.key_status(&key).await, "active");
    scene.world.wait(1);
    assert_eq!(expire_due(&scene.world.control).await.unwrap(), 1);
    assert_eq!(expire_due(&scene.world.control).await.unwrap(), 0, "once");
    let id = &open[0]["id"];
    assert_eq!(
        (scene.state(id).await.as_str(), scene.key_status(&key).await.as_str()),
        ("expired", "disabled")
    );
    let resolve = format!("POST /v1/organization/handovers/{}/resolve", id.as_str().unwrap());
    ok(&scene.world, &resolve, json!({"owner_id": heir.id})).await;
    assert_eq!(
        (scene.state(id).await.as_str(), scene.key_status(&key).await.as_str()),
        ("resolved", "active")
    );
    assert_eq!(scene.world.events("handover.expired").await, 1);
    assert_eq!(scene.world.events("handover.resolved").await, 1);
}

#[tokio::test]
async fn policy_says_how_long_new_hand_overs_wait() {
    let scene = Scene::set().await;
    let (first, second) = (scene.person("first", "member").await, scene.person("second", "member").await);
    let leave = async |leaver: &Person| {
        let (account, _) = scene.account(leaver).await;
        ok(&scene.world, &format!("DELETE /v1/organization/users/{}", leaver.id), Value::Null).await;
        let open = scene.open().await;
        let opened = open.into_iter().find(|one| one["subject_id"] == account).unwrap();
        (opened["due_at"].as_i64().unwrap() - opened["opened_at"].as_i64().unwrap()) / 86_400
    };
    assert_eq!(leave(&first).await, 7);
    let line = "POST /v1/organization/policy/handover.deadline_days";
    assert_eq!(
        scene.world.admin(line, json!({"value": 0})).await.refusal(),
        (400, "invalid_value".to_owned())
    );
    ok(&scene.world, line, json!({"value": 30})).await;
    assert_eq!(leave(&second).await, 30);
    scene.world.wait(7 * DAY);
    assert_eq!(expire_due(&scene.world.control).await.unwrap(), 1, "what began before keeps its end");
    scene.world.wait(23 * DAY);
    assert_eq!(expire_due(&scene.world.control).await.unwrap(), 1);
}

#[tokio::test]
async fn who_is_suspended_for_good_gets_back_what_nobody_took() {
    let scene = Scene::set().await;
    let person = scene.person("away", "member").await;
    let (_, first) = scene.account(&person).await;
    let suspended = scene.act(&person, "suspend", json!({})).await;
    assert!(suspended["suspended_at"].is_i64());
    assert_eq!(scene.open().await.len(), 0, "it waits for them");
    scene.act(&person, "suspend", json!({"for_good": true})).await;
    let open = scene.open().await;
    assert_eq!(open.len(), 1);
    scene.world.wait(8 * DAY);
    expire_due(&scene.world.control).await.unwrap();
    assert_eq!(scene.key_status(&first).await, "disabled");
    scene.act(&person, "reactivate", Value::Null).await;
    assert_eq!(scene.state(&open[0]["id"]).await, "returned");
    assert_eq!(scene.key_status(&first).await, "active");
}

#[tokio::test]
async fn a_project_without_its_owner_waits_and_falls_to_another_of_its_owners() {
    let scene = Scene::set().await;
    let (owner, second) = (scene.person("owner", "owner").await, scene.person("second", "owner").await);
    let path = format!("/v1/organization/projects/{}", scene.project);
    ok(&scene.world, &format!("POST {path}"), json!({"accountable_owner_id": owner.id})).await;
    ok(&scene.world, &format!("DELETE /v1/organization/users/{}", owner.id), Value::Null).await;
    let open = scene.open().await;
    assert_eq!((open.len(), &open[0]["kind"]), (1, &json!("project")));
    scene.world.wait(7 * DAY);
    expire_due(&scene.world.control).await.unwrap();
    assert_eq!(scene.state(&open[0]["id"]).await, "resolved");
    let project = ok(&scene.world, &format!("GET {path}"), Value::Null).await;
    let heirs = [json!(second.id), json!(scene.world.acme.user_id)];
    assert!(heirs.contains(&project["accountable_owner_id"]), "{project}");
}

#[tokio::test]
async fn owners_see_and_decide_in_their_own_projects_alone_and_nothing_goes_to_a_stranger() {
    let scene = Scene::set().await;
    let other = ok(&scene.world, "POST /v1/organization/projects", json!({"name": "other"})).await;
    let (leaver, owner) = (scene.person("leaver", "member").await, scene.person("owner", "owner").await);
    let foreign = scene.world.person("foreign", OrganizationRole::Member).await;
    let users = format!("POST /v1/organization/projects/{}/users", id_of(&other));
    ok(&scene.world, &users, json!({"user_id": foreign.id, "bailiwick_role": "owner"})).await;
    scene.account(&leaver).await;
    let gone = format!("DELETE /v1/organization/projects/{}/users/{}", scene.project, leaver.id);
    ok(&scene.world, &gone, Value::Null).await;
    let list = "GET /v1/organization/handovers?state=open";
    let seen = scene.world.by(&owner, list, Value::Null).await.json();
    assert_eq!(
        (seen["data"].as_array().unwrap().len(), &seen["data"][0]["cause"]),
        (1, &json!("left_project"))
    );
    let unseen = scene.world.by(&foreign, list, Value::Null).await.json();
    assert_eq!(unseen["data"], json!([]));
    let id = seen["data"][0]["id"].as_str().unwrap();
    let resolve = format!("POST /v1/organization/handovers/{id}/resolve");
    let taken = scene.world.by(&foreign, &resolve, json!({"owner_id": foreign.id})).await;
    assert_eq!(taken.refusal().0, 404);
    let astray = scene.world.by(&owner, &resolve, json!({"owner_id": foreign.id})).await;
    assert_eq!(astray.refusal(), (400, "owner_not_in_project".to_owned()));
    let both = scene.world.by(&owner, &resolve, json!({"owner_id": owner.id, "end": true})).await;
    assert_eq!(both.refusal(), (400, "decision_required".to_owned()));
    let given = scene.world.by(&owner, &resolve, json!({"owner_id": owner.id})).await;
    assert_eq!(given.status, 200, "{}", given.text);
}

#[tokio::test]
async fn ownership_goes_to_one_person_whole_and_in_one_record() {
    let scene = Scene::set().await;
    let (from, to) = (scene.person("from", "owner").await, scene.person("to", "member").await);
    let outsider = scene.world.person("outsider", OrganizationRole::Member).await;
    let path = format!("/v1/organization/projects/{}", scene.project);
    ok(&scene.world, &format!("POST {path}"), json!({"accountable_owner_id": from.id})).await;
    let (account, _) = scene.account(&from).await;
    let key = scene.world.by(&from, &format!("POST {path}/api_keys"), json!({"name": "own"})).await.json();
    let transfer = format!("POST /v1/organization/users/{}/transfer", from.id);
    let refused = scene.world.by(&to, &transfer, json!({"to_user_id": to.id})).await;
    assert!(matches!(refused.refusal().0, 403 | 404), "not by who gets it");
    let same = scene.world.admin(&transfer, json!({"to_user_id": from.id})).await;
    assert_eq!(same.refusal(), (400, "same_person".to_owned()));
    let done = ok(&scene.world, &transfer, json!({"to_user_id": to.id})).await;
    assert_eq!(
        (&done["project_ids"], &done["service_account_ids"], &done["api_key_ids"], &done["kept_ids"]),
        (&json!([scene.project]), &json!([account]), &json!([id_of(&key)]), &json!([]))
    );
    let project = ok(&scene.world, &format!("GET {path}"), Value::Null).await;
    assert_eq!(project["accountable_owner_id"], json!(to.id));
    assert_eq!(scene.world.events("ownership.transferred").await, 1);
    ok(&scene.world, &format!("DELETE /v1/organization/users/{}", from.id), Value::Null).await;
    assert_eq!(scene.open().await.len(), 0, "nothing is left to hand over");
    let transfer = format!("POST /v1/organization/users/{}/transfer", to.id);
    let done = ok(&scene.world, &transfer, json!({"to_user_id": outsider.id})).await;
    assert_eq!(done["kept_ids"], json!([]), "who owns the project has keys in it");
}
