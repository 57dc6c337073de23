//! Explanations: the same answer as the door's, with its reasons, to those who may ask; and the lists of who sees what.

use control::admin_keys::{NewAdminKey, create_admin_key};
use domain::access::{Grant, OrganizationRole, Permission, Task};
use domain::routes::{Access, Method, Surface};
use domain::time::MINUTE;
use http::StatusCode;
use serde_json::{Value, json};

use crate::world::{Person, World};

/// Ids that never were.
const NOBODY: &str = "user_01jd0000000000000000000000";
const NOWHERE: &str = "proj_01jd0000000000000000000000";

async fn done(world: &World, line: &str, body: Value) -> Value {
    let seen = world.admin(line, body).await;
    assert_eq!(seen.status, StatusCode::OK, "{line}: {}", seen.text);
    seen.json()
}

fn id_of(made: &Value) -> String {
    made["id"].as_str().unwrap_or_else(|| panic!("no id in {made}")).to_owned()
}

async fn project(world: &World, name: &str) -> String {
    world.wait(1_000);
    id_of(&done(world, "POST /v1/organization/projects", json!({ "name": name })).await)
}

/// A member with a built-in role in a project.
async fn in_project(world: &World, name: &str, project: &str, role: &str) -> Person {
    let person = world.person(name, OrganizationRole::Member).await;
    let line = format!("POST /v1/organization/projects/{project}/users");
    done(world, &line, json!({"user_id": person.id, "bailiwick_role": role})).await;
    person
}

async fn custom_role(world: &World, at: &str, permissions: &[&str]) -> String {
    let body = json!({"role_name": format!("Custom at {}", at.len()), "permissions": permissions});
    id_of(&done(world, &format!("POST {at}/roles"), body).await)
}

/// The Admin role for a quarter of an hour.
async fn elevate(world: &World, person: &Person) {
    let body = json!({"duration_seconds": 900, "reason": "an incident"});
    let asked = world.by(person, "POST /v1/organization/elevations", body).await.json();
    let approve = format!("POST /v1/organization/approvals/{}/approve", id_of(&asked));
    done(world, &approve, json!({})).await;
}

async fn explained(world: &World, key: &str, query: &str) -> Value {
    let line = format!("GET /v1/organization/access/explain?{query}");
    let seen = world.call(key, &line, &[], "").await;
    assert_eq!(seen.status, StatusCode::OK, "{line}: {seen:?}");
    seen.json()
}

/// A dozen people of every kind, by what they are.
async fn a_dozen(world: &World, project: &str) -> Vec<(&'static str, Person)> {
    use OrganizationRole::{Auditor, Finance, Member};
    let admin = Person { id: world.acme.user_id.to_string(), key: world.acme.admin_key.clone() };
    let mut people = vec![("admin", admin)];
    for (name, role) in [("member", Member), ("finance", Finance), ("auditor", Auditor)] {
        people.push((name, world.person(name, role).await));
    }
    for (name, role) in [("project owner", "owner"), ("project member", "member"), ("viewer", "viewer")] {
        people.push((name, in_project(world, &name.replace(' ', "-"), project, role).await));
    }
    let (everywhere, here) = ("/v1/organization", format!("/v1/projects/{project}"));
    let wide = custom_role(world, everywhere, &["member.read", "usage.read", "project.create"]).await;
    let narrow = custom_role(world, &here, &["project.read", "api_key.manage_own"]).await;
    let custom = world.person("custom", Member).await;
    done(world, &format!("POST {everywhere}/users/{}/roles", custom.id), json!({"role_id": wide})).await;
    people.push(("custom role of the organization", custom));
    let custom = world.person("narrow", Member).await;
    done(world, &format!("POST {here}/users/{}/roles", custom.id), json!({"role_id": narrow})).await;
    people.push(("custom role of a project", custom));
    let grouped = world.person("grouped", Member).await;
    let group = id_of(&done(world, "POST /v1/organization/groups", json!({"name": "Platform"})).await);
    let users = format!("POST /v1/organization/groups/{group}/users");
    done(world, &users, json!({"user_id": grouped.id})).await;
    let role = json!({"role_id": "role-api-project-owner"});
    done(world, &format!("POST {here}/groups/{group}/roles"), role).await;
    people.push(("owner through a group", grouped));
    let ended = world.person("ended", Member).await;
    elevate(world, &ended).await;
    world.wait(16 * MINUTE);
    people.push(("admin until a minute ago", ended));
    let elevated = world.person("elevated", Member).await;
    elevate(world, &elevated).await;
    people.push(("admin for a while", elevated));
    people
}

/// A row that can be tried with nothing but a project and a bystander.
struct Trial {
    permission: Permission,
    line: String,
    /// The project, for a row of a project.
    resource: String,
}

fn trials(project: &str, bystander: &str) -> Vec<Trial> {
    let mut trials = Vec::new();
    for route in control::routes::routes() {
        let (permission, resource) = match route.access {
            Access::Organization(permission) => (permission, String::new()),
            Access::Project(permission) => (permission, project.to_owned()),
            _ => continue,
        };
        let path = route.path.replace("{project_id}", project).replace("{user_id}", bystander);
        // What ends something is left out: every caller has to meet the same world.
        let acts = ["/archive", "/close", "/leave", "/suspend"];
        let ends = route.method == Method::Delete || acts.iter().any(|act| path.ends_with(act));
        if route.surface == Surface::Api && !path.contains('{') && !ends {
            trials.push(Trial { permission, line: format!("{} {path}", route.method.name()), resource });
        }
    }
    trials.sort_by_key(|trial| (trial.permission, trial.line.clone()));
    trials
}

#[tokio::test]
async fn an_explanation_agrees_with_the_door_for_every_row_and_person() {
    let world = World::new().await;
    let here = project(&world, "Support").await;
    let people = a_dozen(&world, &here).await;
    let bystander = in_project(&world, "bystander", &here, "member").await;
    let (mut compared, mut permissions, mut absent) = (0, Vec::new(), Vec::new());
    for trial in trials(&here, &bystander.id) {
        let body = if trial.line.starts_with("POST") { "{}" } else { "" };
        for (what, person) in &people {
            let answer = world.call(&person.key, &trial.line, &[], body).await;
            let is_through = ![401, 403, 404].contains(&answer.status.as_u16());
            if *what == "admin" && answer.status == StatusCode::NOT_FOUND {
                absent.push(trial.line.clone());
                break;
            }
            let query = format!(
                "principal={}&permission={}&resource={}",
                person.id, trial.permission, trial.resource
            );
            let told = explained(&world, &world.acme.admin_key, &query).await;
            assert_eq!(told["allowed"], is_through, "{what}: {} {}: {told}", trial.line, answer.text);
            let own = explained(&world, &person.key, &query);
            if answer.status != StatusCode::NOT_FOUND {
                assert_eq!(own.await["allowed"], is_through, "asked by themselves: {what}: {}", trial.line);
            }
            compared += 1;
        }
        permissions.push(trial.permission);
    }
    permissions.dedup();
    println!("{compared} answers about {} permissions", permissions.len());
    assert!(compared > 700 && permissions.len() > 30, "{compared}, {permissions:?}");
    let of_what_was_not_set = ["/spend_limit", "/model_permissions", "/email_change"];
    let unset = |line: &String| of_what_was_not_set.iter().any(|end| line.ends_with(end));
    assert!(absent.iter().all(unset), "not there for anybody: {absent:?}");
}

#[tokio::test]
async fn every_permission_is_explained_for_every_person_with_a_reason_or_what_is_missing() {
    let world = World::new().await;
    let here = project(&world, "Support").await;
    let people = a_dozen(&world, &here).await;
    for (what, person) in &people {
        for permission in Permission::ALL.iter().copied() {
            for resource in ["", &here] {
                let query = format!("principal={}&permission={permission}&resource={resource}", person.id);
                let told = explained(&world, &world.acme.admin_key, &query).await;
                let is_allowed = told["allowed"] == true;
                let sentence = told["sentence"].as_str().unwrap();
                assert!(sentence.starts_with(if is_allowed { "Yes" } else { "No: " }), "{sentence}");
                let has_reason = !told["because"].as_array().unwrap().is_empty();
                // Everybody may list the projects that they see, were it none.
                let is_empty_list = permission == Permission::ProjectRead && resource.is_empty();
                assert!(is_empty_list || has_reason == is_allowed, "{what}: {told}");
                assert_eq!(told["missing"].is_null(), is_allowed, "{what}: {told}");
                if !is_allowed {
                    assert_eq!(told["missing"]["givers"][0]["name"], "admin@example.test", "{told}");
                    assert!(!told["missing"]["roles"].as_array().unwrap().is_empty(), "{told}");
                }
            }
        }
    }
}

#[tokio::test]
async fn reasons_name_role_place_giver_moment_group_and_end() {
    let world = World::new().await;
    let here = project(&world, "Support").await;
    let people = a_dozen(&world, &here).await;
    let named = |what: &str| &people.iter().find(|(known, _)| *known == what).unwrap().1;
    let query = |person: &Person, permission: &str| {
        format!("principal={}&permission={permission}&resource={here}", person.id)
    };
    let owner = named("project owner");
    let yes = explained(&world, &world.acme.admin_key, &query(owner, "api_key.manage")).await;
    let because = &yes["because"][0];
    let role = json!({"id": "role-api-project-owner", "name": "Project Owner", "level": "project"});
    assert_eq!(because["role"], role);
    assert_eq!(because["scope"], json!({"type": "project", "id": here, "name": "Support"}));
    let giver = json!({"type": "user", "id": world.acme.user_id.to_string(), "name": "admin@example.test"});
    assert_eq!(because["given_by"], giver);
    assert_eq!((&because["through"], &because["ends_at"]), (&json!(null), &json!(null)));
    assert!(because["given_at"].as_i64().unwrap() >= 1_790_000_000);
    assert_eq!(
        yes["sentence"],
        "Yes: in the project Support project-owner may create, change, disable and revoke any key of a project, as \
         Project Owner."
    );
    let grouped = named("owner through a group");
    let yes = explained(&world, &world.acme.admin_key, &query(grouped, "api_key.manage")).await;
    assert_eq!(yes["because"][0]["through"]["name"], "Platform");
    assert!(yes["sentence"].as_str().unwrap().ends_with("as Project Owner through the group Platform."));
    let elevated = named("admin for a while");
    let yes = explained(&world, &world.acme.admin_key, &query(elevated, "project.archive")).await;
    let because = &yes["because"][0];
    assert_eq!((&because["role"]["name"], &because["scope"]["name"]), (&json!("Admin"), &json!("Acme")));
    assert_eq!(because["scope"]["id"], world.acme.organization_id.to_string());
    assert_eq!(because["ends_at"].as_i64().unwrap(), because["given_at"].as_i64().unwrap() + 900);
    let own = named("project member");
    let yes = explained(&world, &world.acme.admin_key, &query(own, "api_key.read")).await;
    assert_eq!((&yes["decision"], &yes["code"]), (&json!("allowed_own"), &json!(null)));
    let viewer = named("viewer");
    let no = explained(&world, &world.acme.admin_key, &query(viewer, "api_key.manage")).await;
    assert_eq!((&no["decision"], &no["code"]), (&json!("forbidden"), &json!("missing_permission")));
    let roles = &no["missing"]["roles"];
    let given = json!([
        {"id": "role-api-organization-admin", "name": "Admin", "level": "organization", "gives": "all"},
        {"id": "role-api-project-owner", "name": "Project Owner", "level": "project", "gives": "all"},
        {"id": "role-api-project-member", "name": "Member", "level": "project", "gives": "own"},
    ]);
    assert_eq!(roles, &given);
    let givers = no["missing"]["givers"].as_array().unwrap();
    let givers: Vec<&str> = givers.iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(
        givers,
        ["admin@example.test", "project-owner", "grouped", "elevated"],
        "who can give such a role"
    );
    let member = named("member");
    let no = explained(&world, &world.acme.admin_key, &query(member, "project.read")).await;
    assert_eq!((&no["decision"], &no["code"]), (&json!("hidden"), &json!("not_found")));
}

#[tokio::test]
async fn one_asks_about_oneself_owners_about_their_people_and_auditors_about_anyone() {
    let world = World::new().await;
    let (here, other) = (project(&world, "Support").await, project(&world, "Other").await);
    let people = a_dozen(&world, &here).await;
    let named = |what: &str| &people.iter().find(|(known, _)| *known == what).unwrap().1;
    let ask = async |by: &Person, principal: &str, resource: &str| {
        let line = format!(
            "GET /v1/organization/access/explain?principal={principal}&permission=project.read&resource={resource}"
        );
        let seen = world.by(by, &line, json!(null)).await;
        let text = seen.json()["error"]["message"].as_str().map(str::to_owned);
        (seen.status.as_u16(), text.unwrap_or_default())
    };
    let (owner, member, viewer) = (named("project owner"), named("member"), named("viewer"));
    let (worker, auditor) = (named("project member"), named("auditor"));
    // Oneself: with nothing, by id and by address; in no place that one may not know of.
    for me in ["", member.id.as_str(), "Member@example.test"] {
        assert_eq!(ask(member, me, "").await.0, 200, "{me}");
    }
    let (hidden, absent) = (ask(member, "", &here).await, ask(member, "", NOWHERE).await);
    assert_eq!((hidden.0, &hidden), (404, &absent), "a hidden place is told like none");
    // Others: refused alike, whether or not there is anybody.
    let refused = ask(member, &worker.id, "").await;
    assert_eq!((refused.0, &refused), (403, &ask(member, NOBODY, "").await));
    assert!(refused.1.contains("access.read"), "{refused:?}");
    assert_eq!(ask(viewer, &worker.id, &here).await.0, 403, "a viewer manages nobody");
    // Project Owners: about who has rights in their project, and there alone.
    for who in [&worker.id, &viewer.id, "admin@example.test", &named("finance").id] {
        assert_eq!(ask(owner, who, &here).await.0, 200, "{who}");
    }
    let (outside, absent) = (ask(owner, &member.id, &here).await, ask(owner, NOBODY, &here).await);
    assert_eq!((outside.0, &outside), (404, &absent), "a member without rights here is told like nobody");
    assert_eq!(ask(owner, &worker.id, "").await.0, 403, "not about the organization");
    assert_eq!(ask(owner, &worker.id, &other).await.0, 404, "nor about a project that is not theirs");
    // Anyone, for those with access.read; what is elsewhere is told like what is not there.
    for who in [&member.id, "worker@nowhere.test", NOBODY] {
        let expected = if *who == member.id { 200 } else { 404 };
        assert_eq!(ask(auditor, who, &other).await.0, expected, "{who}");
    }
    let theirs = done(&world, "POST /v1/organizations", json!({"name": "Theirs"})).await;
    assert_eq!(ask(auditor, &member.id, &id_of(&theirs)).await, ask(auditor, &member.id, NOWHERE).await);
    let unknown = "GET /v1/organization/access/explain?permission=king.be";
    assert_eq!(
        world.by(member, unknown, json!(null)).await.refusal(),
        (400, "unknown_permission".to_owned())
    );
}

#[tokio::test]
async fn givers_are_named_as_far_as_the_asker_may_see_them() {
    let world = World::new().await;
    let here = project(&world, "Support").await;
    let (owner, worker) = (
        in_project(&world, "owner", &here, "owner").await,
        in_project(&world, "worker", &here, "member").await,
    );
    let givers = async |by: &Person, query: &str| {
        let told = explained(&world, &by.key, query).await;
        let givers = told["missing"]["givers"].as_array().unwrap().clone();
        givers.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(givers(&worker, "permission=member.manage").await.is_empty(), "no list of members is theirs");
    let of_project = givers(&worker, &format!("permission=project.update&resource={here}")).await;
    assert_eq!(of_project, [world.acme.user_id.to_string(), owner.id.clone()]);
    let archive = givers(&owner, &format!("permission=project.archive&resource={here}")).await;
    assert_eq!(archive, [world.acme.user_id.to_string()], "what no owner has is not theirs to give");
}

async fn admin_key(world: &World, owner: &Person) -> (String, String) {
    let grant = Grant::system(Task::Demo, Some(world.acme.organization_id));
    let owner_id = Some(owner.id.parse().unwrap());
    let new = NewAdminKey { name: "ci".to_owned(), expires_in_seconds: None, owner_id };
    let issued = create_admin_key(&world.control, &grant, new).await.unwrap();
    (issued.owned.key.id.to_string(), issued.secret.reveal().to_owned())
}

#[tokio::test]
async fn an_admin_key_is_explained_as_its_owner_and_other_keys_open_nothing_here() {
    let world = World::new().await;
    let here = project(&world, "Support").await;
    let owner = in_project(&world, "owner", &here, "owner").await;
    let (id, _) = admin_key(&world, &owner).await;
    let about =
        |who: &str, permission: &str| format!("principal={who}&permission={permission}&resource={here}");
    let yes = explained(&world, &world.acme.admin_key, &about(&id, "project.update")).await;
    assert_eq!((&yes["allowed"], &yes["acts_as"]["id"]), (&json!(true), &json!(owner.id)));
    assert_eq!(yes["principal"]["type"], "admin_api_key");
    assert!(yes["sentence"].as_str().unwrap().starts_with("The admin key ci acts as its owner owner. Yes: "));
    let no = explained(&world, &world.acme.admin_key, &about(&id, "project.archive")).await;
    assert_eq!((&no["allowed"], &no["code"]), (&json!(false), &json!("missing_permission")));
    done(&world, &format!("DELETE /v1/organization/admin_api_keys/{id}"), Value::Null).await;
    let dead = explained(&world, &world.acme.admin_key, &about(&id, "project.update")).await;
    assert_eq!((&dead["allowed"], &dead["code"]), (&json!(false), &json!("invalid_api_key")));
    assert_eq!(
        (&dead["missing"], &dead["sentence"]),
        (&json!(null), &json!("No: the admin key ci is revoked."))
    );
    let keys = format!("POST /v1/organization/projects/{here}/api_keys");
    let key = id_of(&world.by(&owner, &keys, json!({"name": "app"})).await.json());
    let no = explained(&world, &world.acme.admin_key, &about(&key, "project.read")).await;
    assert_eq!((&no["allowed"], &no["code"]), (&json!(false), &json!("admin_key_required")));
    let accounts = format!("POST /v1/organization/projects/{here}/service_accounts");
    let account = id_of(&done(&world, &accounts, json!({"name": "worker"})).await);
    let no = explained(&world, &world.acme.admin_key, &about(&account, "project.read")).await;
    assert_eq!((&no["allowed"], &no["code"]), (&json!(false), &json!("not_a_person")));
    assert_eq!(no["principal"], json!({"type": "service_account", "id": account, "name": "worker"}));
}

#[tokio::test]
async fn an_admin_key_reaches_no_further_than_its_maker() {
    let world = World::new().await;
    let helper = world.person("helper", OrganizationRole::Member).await;
    let role = custom_role(&world, "/v1/organization", &["admin_key.manage", "admin_key.read"]).await;
    done(&world, &format!("POST /v1/organization/users/{}/roles", helper.id), json!({"role_id": role})).await;
    let admin = world.acme.user_id.to_string();
    let made = world
        .by(&helper, "POST /v1/organization/admin_api_keys", json!({"name": "lent", "owner_id": admin}))
        .await;
    if made.status != StatusCode::OK {
        // Whoever may make keys for nobody else cannot widen anything.
        assert_eq!(made.status, StatusCode::FORBIDDEN, "{}", made.text);
        return;
    }
    let made = made.json();
    let (id, secret) = (id_of(&made), made["value"].as_str().unwrap().to_owned());
    for (permission, line) in [
        ("member.read", "GET /v1/organization/users"),
        ("admin_key.read", "GET /v1/organization/admin_api_keys"),
    ] {
        let is_through = world.call(&secret, line, &[], "").await.status == StatusCode::OK;
        let query = format!("principal={id}&permission={permission}");
        let told = explained(&world, &world.acme.admin_key, &query).await;
        assert_eq!(told["allowed"], is_through, "{told}");
        assert_eq!(is_through, permission == "admin_key.read");
    }
}

#[tokio::test]
async fn what_one_may_do_with_ones_own_is_told_for_each_key() {
    let world = World::new().await;
    let here = project(&world, "Support").await;
    let (one, two) =
        (in_project(&world, "one", &here, "member").await, in_project(&world, "two", &here, "member").await);
    let keys = format!("/v1/organization/projects/{here}/api_keys");
    let key = id_of(&world.by(&one, &format!("POST {keys}"), json!({"name": "mine"})).await.json());
    for person in [&one, &two] {
        let door = world.by(person, &format!("GET {keys}/{key}"), json!(null)).await.status;
        let query = format!("principal={}&permission=api_key.read&resource={key}", person.id);
        let told = explained(&world, &world.acme.admin_key, &query).await;
        assert_eq!(told["allowed"], door == StatusCode::OK, "{told}");
        assert_eq!(told["resource"], json!({"type": "api_key", "id": key, "name": "mine"}));
    }
    let line = format!("GET /v1/organization/access/explain?permission=api_key.read&resource={key}");
    let hidden = world.by(&two, &line, json!(null)).await;
    assert_eq!(hidden.refusal().0, 404, "somebody else's key is told like none");
}

/// Of a call to a model: whether it is allowed, and the first step that it does not pass with the answer's code.
fn verdict(told: &Value) -> (bool, String, String) {
    let steps = told["steps"].as_array().unwrap();
    let failing = steps.iter().find(|step| step["passes"] == false);
    let check = failing.map(|step| step["check"].as_str().unwrap().to_owned()).unwrap_or_default();
    let code = told["code"].as_str().unwrap_or_default().to_owned();
    (told["allowed"] == true, check, code)
}

#[tokio::test]
async fn a_call_to_a_model_is_explained_step_by_step() {
    let world = World::new().await;
    let here = project(&world, "Support").await;
    let worker = in_project(&world, "worker", &here, "member").await;
    let keys = format!("/v1/organization/projects/{here}/api_keys");
    let body = json!({"name": "app", "models": ["sim-small"]});
    let key = id_of(&world.by(&worker, &format!("POST {keys}"), body).await.json());
    let ask = async |model: &str| {
        let query = format!("principal={key}&permission=model.request:{model}");
        let told = explained(&world, &world.acme.admin_key, &query).await;
        assert_eq!(told["permission"], format!("model.request:{model}"));
        let own = explained(&world, &worker.key, &query).await;
        assert_eq!(own, told, "whoever sees the key may ask");
        verdict(&told)
    };
    let no = |check: &str, code: &str| (false, check.to_owned(), code.to_owned());
    let yes = (true, String::new(), String::new());
    assert_eq!(ask("sim-small").await, no("provider", "model_not_found"));
    done(&world, "POST /v1/organization/providers", json!({"name": "sim", "kind": "simulated"})).await;
    assert_eq!(ask("sim-small").await, yes);
    assert_eq!(ask("sim/sim-small").await, yes, "by the name of its connection");
    assert_eq!(ask("sim-large").await, no("key_models", "model_not_allowed"));
    assert_eq!(ask("no-such-model").await, no("provider", "model_not_found"));
    let policy = format!("/v1/organization/projects/{here}/policy/model.allowed");
    done(&world, &format!("POST {policy}"), json!({"value": ["gpt-*"]})).await;
    assert_eq!(ask("sim-small").await, no("policy", "model_not_allowed"));
    done(&world, &format!("DELETE {policy}"), Value::Null).await;
    let archive = |act: &str| format!("POST /v1/organization/projects/{here}/{act}");
    done(&world, &archive("archive"), Value::Null).await;
    assert_eq!(ask("sim-small").await, no("project", "project_archived"));
    done(&world, &archive("restore"), Value::Null).await;
    done(&world, &format!("POST {keys}/{key}"), json!({"scopes": ["api.model.read"]})).await;
    assert_eq!(ask("sim-small").await, no("scopes", "missing_scope"));
    done(&world, &format!("POST {keys}/{key}"), json!({"scopes": []})).await;
    done(&world, &format!("POST {keys}/{key}/disable"), Value::Null).await;
    assert_eq!(ask("sim-small").await, no("key", "key_disabled"));
    done(&world, &format!("POST {keys}/{key}/enable"), Value::Null).await;
    assert_eq!(ask("sim-small").await, yes);
    let users = format!("/v1/organization/projects/{here}/users/{}", worker.id);
    done(&world, &format!("POST {users}"), json!({"bailiwick_role": "viewer"})).await;
    let query = format!("principal={key}&permission=model.request:sim-small");
    let told = explained(&world, &world.acme.admin_key, &query).await;
    assert_eq!(verdict(&told), no("owner", "key_revoked"), "a viewer has no keys");
    let person = format!("principal={}&permission=model.request:sim-small", worker.id);
    let line = format!("GET /v1/organization/access/explain?{person}");
    let refused = world.admin(&line, Value::Null).await.refusal();
    assert_eq!(refused, (400, "key_required".to_owned()), "people call no models");
}

async fn walked(world: &World, path: &str, limit: usize) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = done(world, &format!("GET {path}?limit={limit}{after}"), Value::Null).await;
        let list = if page["projects"].is_object() { &page["projects"] } else { &page };
        all.extend(list["data"].as_array().unwrap().iter().cloned());
        if list["has_more"] != true {
            return all;
        }
        after = format!("&after={}", list["last_id"].as_str().unwrap());
    }
}

#[tokio::test]
async fn a_list_says_who_can_see_a_project_and_how() {
    let world = World::new().await;
    let here = project(&world, "Support").await;
    let people = a_dozen(&world, &here).await;
    let accounts = format!("POST /v1/organization/projects/{here}/service_accounts");
    for name in ["first", "second"] {
        world.wait(1_000);
        done(&world, &accounts, json!({ "name": name })).await;
    }
    let path = format!("/v1/organization/projects/{here}/access");
    let whole = walked(&world, &path, 100).await;
    for limit in 1..=5 {
        assert_eq!(walked(&world, &path, limit).await, whole, "in pages of {limit}");
    }
    let names: Vec<&str> = whole.iter().map(|one| one["name"].as_str().unwrap()).collect();
    let expected = [
        "admin@example.test",
        "finance",
        "auditor",
        "project-owner",
        "project-member",
        "viewer",
        "custom",
        "narrow",
        "grouped",
        "elevated",
        "first",
        "second",
    ];
    assert_eq!(
        names, expected,
        "people in order, then service accounts; neither member nor whose time has ended"
    );
    for seer in whole.iter().filter(|seer| seer["type"] == "user") {
        let may = |permission: &str| {
            let listed = seer["permissions"].as_array().unwrap();
            listed.iter().any(|one| one == permission)
        };
        assert_eq!(seer["sees_project"], may("project.read"), "{seer}");
        for permission in ["project.read", "api_key.manage", "cost.read"] {
            let query =
                format!("principal={}&permission={permission}&resource={here}", seer["id"].as_str().unwrap());
            let told = explained(&world, &world.acme.admin_key, &query).await;
            assert_eq!(told["decision"] == "allowed", may(permission), "{seer}");
        }
        assert!(!seer["because"].as_array().unwrap().is_empty() && !seer["can"].as_str().unwrap().is_empty());
    }
    let account = whole.last().unwrap();
    assert_eq!((&account["type"], &account["active_keys"]), (&json!("service_account"), &json!(1)));
    assert_eq!(account["key_owner"], "admin@example.test");
    let named = |what: &str| &people.iter().find(|(known, _)| *known == what).unwrap().1;
    let seen = world.by(named("viewer"), &format!("GET {path}?limit=100"), json!(null)).await.json();
    let kinds: Vec<&Value> = seen["data"].as_array().unwrap().iter().map(|one| &one["type"]).collect();
    assert_eq!(
        (kinds.len(), kinds.contains(&&json!("service_account"))),
        (10, false),
        "a viewer sees no accounts"
    );
    let refused = world.by(named("member"), &format!("GET {path}"), json!(null)).await;
    assert_eq!(refused.refusal().0, 404);
}

#[tokio::test]
async fn a_list_says_what_a_person_can_see_and_why() {
    let world = World::new().await;
    let mut projects = Vec::new();
    for n in 0..5 {
        projects.push(project(&world, &format!("Project {n}")).await);
    }
    let worker = in_project(&world, "worker", &projects[1], "member").await;
    let users = format!("POST /v1/organization/projects/{}/users", projects[3]);
    done(&world, &users, json!({"user_id": worker.id, "bailiwick_role": "viewer"})).await;
    let mine = world.by(&worker, "GET /v1/organization/access/mine", json!(null)).await.json();
    let theirs = done(&world, &format!("GET /v1/organization/users/{}/access", worker.id), Value::Null).await;
    assert_eq!(mine, theirs);
    assert_eq!(
        (&mine["can"], &mine["email"]),
        (&json!("sees the organization"), &json!("worker@example.test"))
    );
    let told: Vec<(&Value, &Value)> = mine["projects"]["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["id"], &one["because"][0]["role"]["name"]))
        .collect();
    let (one, three) = (json!(projects[1]), json!(projects[3]));
    assert_eq!(told, [(&one, &json!("Member")), (&three, &json!("Viewer"))]);
    let finance = world.person("finance", OrganizationRole::Finance).await;
    for (who, can) in [(&world.acme.user_id.to_string(), "manages everything"), (&finance.id, "sees cost")] {
        let path = format!("/v1/organization/users/{who}/access");
        let whole = walked(&world, &path, 100).await;
        let ids: Vec<&Value> = whole.iter().map(|one| &one["id"]).collect();
        assert_eq!(ids, projects.iter().map(|id| json!(id)).collect::<Vec<_>>().iter().collect::<Vec<_>>());
        assert!(whole.iter().all(|one| one["can"] == can), "{whole:?}");
        assert_eq!(walked(&world, &path, 2).await, whole, "in pages");
    }
    let other = format!("GET /v1/organization/users/{}/access", world.acme.user_id);
    assert_eq!(world.by(&worker, &other, json!(null)).await.refusal().0, 403);
    let nobody = format!("GET /v1/organization/users/{NOBODY}/access");
    assert_eq!(world.admin(&nobody, Value::Null).await.refusal().0, 404);
}
