//! Approvals and timed elevation: a second person decides, nobody about themselves by any path, exactly once.

use control::approvals;
use domain::access::OrganizationRole;
use domain::time::{DAY, HOUR, MINUTE};
use serde_json::{Value, json};

use crate::world::{Person, World};

const ASK: &str = "POST /v1/organization/elevations";

fn hour() -> Value {
    json!({"duration_seconds": 3_600, "reason": "an incident in production"})
}

fn refusal(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// The id of a request of this person.
async fn asked(world: &World, person: &Person) -> String {
    let seen = world.by(person, ASK, hour()).await;
    assert_eq!(seen.status, 200, "{seen:?}");
    seen.json()["id"].as_str().unwrap().to_owned()
}

fn approve(id: &str) -> String {
    format!("POST /v1/organization/approvals/{id}/approve")
}

fn end(id: &str) -> String {
    format!("POST /v1/organization/elevations/{id}/end")
}

/// Whether the person may see the members, as an Admin may.
async fn is_admin(world: &World, person: &Person) -> bool {
    world.by(person, "GET /v1/organization/users", json!(null)).await.status == 200
}

#[tokio::test]
async fn the_console_asks_decides_counts_and_ends() {
    let world = World::new().await;
    let lead = world.browser(world.joined("lead@example.test").await, "lead@example.test").await;
    let admin = world.admins_browser().await;
    let without = world.console(&lead, "POST /elevations", "role=admin&duration_seconds=3600&reason=+").await;
    assert!(without.text.contains("role=\"alert\"") && without.text.contains("Say why"), "{}", without.text);
    let fields = "role=admin&duration_seconds=3600&reason=an+incident";
    assert_eq!(world.console(&lead, "POST /elevations", fields).await.status, 303);
    let own = world.console(&lead, "GET /approvals", "").await.text;
    assert!(
        own.contains("waits for a second person")
            && own.contains("/withdraw\"")
            && !own.contains("/approve\"")
    );
    let inbox = world.console(&admin, "GET /approvals", "").await.text;
    assert!(inbox.contains("an incident") && inbox.contains("waiting for you"), "{inbox}");
    let id = inbox.split("/approvals/").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let seen = world.console(&lead, &format!("POST /approvals/{id}/approve"), "").await;
    assert_eq!(seen.status, 403, "a member decides nothing");
    let approve = format!("POST /approvals/{id}/approve");
    assert_eq!(world.console(&admin, &approve, "note=go").await.status, 303);
    let elevated = world.console(&lead, "GET /approvals", "").await.text;
    assert!(elevated.contains("in force") && elevated.contains("“go”"), "{elevated}");
    let again = world.console(&admin, &approve, "").await;
    assert!(again.flashed_bad(), "told that it is decided: {again:?}");
    let running = world.console(&lead, "GET /members", "").await;
    assert!(
        running.status == 200 && running.text.contains(&format!("/elevations/{id}/end")),
        "the frame says so"
    );
    assert_eq!(world.console(&lead, &format!("POST /elevations/{id}/end"), "").await.status, 303);
    assert_eq!(world.console(&lead, "GET /members", "").await.status, 403);
    let over = world.console(&admin, "GET /approvals", "").await.text;
    assert!(over.contains("ended early") && !over.contains("waiting for you"), "{over}");
}

#[tokio::test]
async fn an_elevation_is_asked_for_approved_and_ends_by_itself() {
    let world = World::new().await;
    let lead = world.person("lead", OrganizationRole::Member).await;
    let id = asked(&world, &lead).await;
    assert!(!is_admin(&world, &lead).await, "a request gives nothing");
    let listed =
        world.admin("GET /v1/organization/approvals?state=pending&kind=elevation", json!(null)).await.json();
    assert_eq!(listed["data"][0]["summary"], "Admin for 1 hour");
    assert_eq!(listed["data"][0]["requested_by"]["email"], "lead@example.test");
    let given = world.admin(&approve(&id), json!({"note": "go"})).await.json();
    assert_eq!((given["state"].as_str(), given["in_force"].as_bool()), (Some("approved"), Some(true)));
    assert_eq!(given["ends_at"].as_i64(), Some(world.control.now().unix_seconds() + 3_600));
    assert!(is_admin(&world, &lead).await);
    world.wait(HOUR - 1);
    assert!(is_admin(&world, &lead).await);
    world.wait(1);
    assert!(!is_admin(&world, &lead).await, "over before any task ran");
    assert_eq!(approvals::end_due(&world.control).await.unwrap(), 1);
    assert_eq!(approvals::end_due(&world.control).await.unwrap(), 0);
    let over = world.by(&lead, &format!("GET /v1/organization/approvals/{id}"), json!(null)).await.json();
    assert_eq!(
        (over["ended_at"].as_i64(), over["in_force"].as_bool()),
        (given["ends_at"].as_i64(), Some(false))
    );
    for verb in ["elevation.requested", "approval.given", "elevation.ended"] {
        assert_eq!(world.events(verb).await, 1, "{verb}");
    }
}

/// A request of each kind by somebody in a browser, a Member who owns a project; and the path of that project.
async fn one_of_each_kind(world: &World, user: &str, headers: &[(&str, &str)]) -> (Vec<String>, String) {
    for (setting, value) in [("project.creation", json!("request")), ("change.approval", json!(true))] {
        let line = format!("POST /v1/organization/policy/{setting}");
        assert_eq!(world.admin(&line, json!({"value": value})).await.status, 200, "{setting}");
    }
    let body = json!({"name": "p", "risk": "high", "owner_ids": [user]});
    let project = world.admin("POST /v1/organization/projects", body).await.json();
    let project = project["id"].as_str().unwrap().to_owned();
    let body = json!({"scope": {"type": "project", "id": project}, "unit": "requests", "window": "day", "amount": 1});
    let allowance = world.admin("POST /v1/organization/allowances", body).await.json();
    let root = format!("/v1/organization/projects/{project}");
    let raise =
        format!("POST /v1/organization/allowances/{}/raise_requests", allowance["id"].as_str().unwrap());
    let mut ids = Vec::new();
    for (kind, line, body) in [
        ("elevation", ASK.to_owned(), hour()),
        (
            "project_creation",
            "POST /v1/organization/project_requests".to_owned(),
            json!({"project": {"name": "hers"}, "reason": "x"}),
        ),
        ("allowance_raise", raise, json!({"amount": 2, "reason": "x"})),
        ("change", format!("POST {root}/change_requests"), json!({"change": "key_creation", "reason": "x"})),
    ] {
        let asked = world.call("", &line, headers, body.to_string()).await.json();
        assert_eq!(asked["kind"], kind, "{asked}");
        ids.push(asked["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(ids.len(), domain::approvals::Kind::ALL.len(), "a kind is not asked for here");
    (ids, root)
}

/// The console refuses both decisions about each of these requests of somebody's own, and does not offer them.
async fn the_console_offers_to_withdraw_alone(world: &World, theirs: &(String, String), ids: &[String]) {
    let page = world.console(theirs, "GET /approvals", "").await.text;
    for id in ids {
        for verb in ["approve", "refuse"] {
            let seen = world.console(theirs, &format!("POST /approvals/{id}/{verb}"), "note=mine").await;
            assert_eq!(seen.status, 403, "{verb}: {}", seen.text);
            assert!(seen.text.contains("Nobody decides about their own request"), "{verb}: {}", seen.text);
        }
        assert!(page.contains(&format!("/approvals/{id}/withdraw")), "{page}");
        assert!(!page.contains(&format!("/approvals/{id}/approve")), "{page}");
    }
}

#[tokio::test]
async fn nobody_approves_their_own_request_by_any_path() {
    let world = World::new().await;
    let email = "climber@example.test";
    let climber = world.joined(email).await;
    let theirs = world.browser(climber, email).await;
    let headers = [("cookie", theirs.0.as_str()), ("x-csrf-token", theirs.1.as_str())];
    let (ids, root) = one_of_each_kind(&world, &climber.to_string(), &headers).await;
    let tried = async |key: &str, headers: &[(&str, &str)], expected: (u16, String)| {
        for id in &ids {
            for line in [approve(id), approve(id).replace("/approve", "/refuse")] {
                let seen = world.call(key, &line, headers, "").await;
                assert_eq!(seen.refusal(), expected, "{line}");
            }
        }
    };

    // As the member that she is: by session.
    tried("", &headers, refusal(403, "missing_permission")).await;

    // As an Admin through a group, meanwhile.
    let group = world.admin("POST /v1/organization/groups", json!({"name": "Admins"})).await.json();
    let group = format!("/v1/organization/groups/{}", group["id"].as_str().unwrap());
    let body = json!({"role_id": "role-api-organization-admin"});
    assert_eq!(world.admin(&format!("POST {group}/roles"), body).await.status, 200);
    let body = json!({"user_id": climber.to_string()});
    assert_eq!(world.admin(&format!("POST {group}/users"), body).await.status, 200);
    tried("", &headers, refusal(403, "self_approval")).await;
    assert_eq!(world.admin(&format!("DELETE {group}"), json!(null)).await.status, 200);

    // As an Admin meanwhile: by session, by her own admin key.
    let me = format!("POST /v1/organization/users/{climber}");
    assert_eq!(world.admin(&me, json!({"role": "owner"})).await.status, 200);
    tried("", &headers, refusal(403, "self_approval")).await;
    let made =
        world.call("", "POST /v1/organization/admin_api_keys", &headers, r#"{"name":"mine"}"#).await.json();
    let key = made["value"].as_str().unwrap().to_owned();
    tried(&key, &[], refusal(403, "self_approval")).await;

    // As an Admin meanwhile: in the console, which offers her nothing but to withdraw it.
    the_console_offers_to_withdraw_alone(&world, &theirs, &ids).await;
    assert_eq!(world.admin(&me, json!({"role": "reader"})).await.status, 200);

    // With a key of a service account of which she is the key owner.
    let calm = json!({"risk": "standard"});
    let off = json!({"value": false});
    assert_eq!(world.admin("POST /v1/organization/policy/change.approval", off).await.status, 200);
    assert_eq!(world.admin(&format!("POST {root}"), calm).await.status, 200);
    let robot =
        world.call("", &format!("POST {root}/service_accounts"), &headers, r#"{"name":"robot"}"#).await;
    let robot_key = robot.json()["api_key"]["value"].as_str().unwrap().to_owned();
    for id in &ids {
        assert_eq!(world.call(&robot_key, &approve(id), &[], "").await.status, 401);
    }

    // From a second organization of theirs, whose Admin they are.
    let other = world.call("", "POST /v1/organizations", &headers, r#"{"name":"Hers"}"#).await.json();
    let there = [headers[0], headers[1], ("openai-organization", other["id"].as_str().unwrap())];
    tried("", &there, refusal(404, "not_found")).await;
    let body = json!({"name": "theirs"}).to_string();
    let her_key = world.call("", "POST /v1/organization/admin_api_keys", &there, body).await.json();
    let her_key = her_key["value"].as_str().unwrap().to_owned();
    tried(&her_key, &[], refusal(404, "not_found")).await;

    for id in &ids {
        let read = world.admin(&format!("GET /v1/organization/approvals/{id}"), json!(null)).await.json();
        assert_eq!(read["state"], "pending", "after all of it");
    }
    assert_eq!(world.events("approval.given").await, 0);
}

#[tokio::test]
async fn two_elevated_people_cannot_keep_each_other_admin() {
    let world = World::new().await;
    let (lead, other) = (
        world.person("lead", OrganizationRole::Member).await,
        world.person("other", OrganizationRole::Member).await,
    );
    let first = asked(&world, &lead).await;
    assert_eq!(world.admin(&approve(&first), json!(null)).await.status, 200);
    let second = asked(&world, &other).await;
    let seen = world.by(&lead, &approve(&second), json!(null)).await;
    assert_eq!(seen.refusal(), refusal(403, "lasting_rights_required"));
    assert_eq!(world.by(&lead, ASK, hour()).await.refusal(), refusal(409, "already_elevated"));
    let another = format!("POST /v1/organization/users/{}", other.id);
    assert_eq!(world.by(&lead, &another, json!({"role": "owner"})).await.status, 200, "within their rights");
    let query = "GET /v1/organization/audit_events?event_types[]=user.updated";
    let record = world.admin(query, json!(null)).await.json()["data"][0].clone();
    let until = world.control.now().unix_seconds() + 3_600;
    assert_eq!(record["actor"]["elevated_until"].as_i64(), Some(until), "the trail says so: {record}");
    let by_admin =
        world.admin("GET /v1/organization/audit_events?event_types[]=approval.given", json!(null)).await;
    assert!(by_admin.json()["data"][0]["actor"].get("elevated_until").is_none());
}

#[tokio::test]
async fn an_elevated_person_makes_nothing_their_own_for_good_by_any_way() {
    let world = World::new().await;
    let lead = world.person("lead", OrganizationRole::Member).await;
    let project = world.admin("POST /v1/organization/projects", json!({"name": "p"})).await.json();
    let project = project["id"].as_str().unwrap().to_owned();
    let group = world.admin("POST /v1/organization/groups", json!({"name": "Admins"})).await.json();
    let group = group["id"].as_str().unwrap().to_owned();
    let role = json!({"role_name": "Small", "permissions": ["price.read"]});
    let role =
        world.admin("POST /v1/organization/roles", role).await.json()["id"].as_str().unwrap().to_owned();
    let given = format!("POST /v1/organization/users/{}/roles", lead.id);
    assert_eq!(world.admin(&given, json!({"role_id": role})).await.status, 200);
    let id = asked(&world, &lead).await;
    assert_eq!(world.admin(&approve(&id), json!(null)).await.status, 200);
    let group_roles = format!("POST /v1/organization/groups/{group}/roles");
    let admin_role = json!({"role_id": "role-api-organization-admin"});
    assert_eq!(world.by(&lead, &group_roles, admin_role.clone()).await.status, 200, "to a group without her");
    for (line, body) in [
        (format!("POST /v1/organization/users/{}", lead.id), json!({"role": "owner"})),
        (given, json!({"role_id": "role-api-organization-auditor"})),
        (format!("POST /v1/organization/groups/{group}/users"), json!({"user_id": lead.id})),
        (
            format!("POST /v1/organization/projects/{project}/users"),
            json!({"user_id": lead.id, "role": "viewer"}),
        ),
        (
            format!("POST /v1/organization/roles/{role}"),
            json!({"permissions": ["price.read", "price.manage"]}),
        ),
        ("POST /v1/organization/projects".to_owned(), json!({"name": "theirs"})),
    ] {
        assert_eq!(world.by(&lead, &line, body).await.refusal(), refusal(403, "own_elevation"), "{line}");
    }
    let body = json!({"name": "theirs", "owner_ids": [world.acme.user_id.to_string()]});
    assert_eq!(
        world.by(&lead, "POST /v1/organization/projects", body).await.status,
        200,
        "with another owner"
    );
    world.wait(HOUR);
    assert!(!is_admin(&world, &lead).await);
    assert_eq!(
        world.by(&lead, "GET /v1/organization/prices", json!(null)).await.status,
        200,
        "what she had she has"
    );
}

#[tokio::test]
async fn an_elevated_admin_is_never_the_last_admin() {
    let world = World::new().await;
    let lead = world.person("lead", OrganizationRole::Member).await;
    let id = asked(&world, &lead).await;
    assert_eq!(world.admin(&approve(&id), json!(null)).await.status, 200);
    let me = format!("/v1/organization/users/{}", world.acme.user_id);
    for line in [format!("DELETE {me}"), format!("POST {me}")] {
        let seen = world.by(&lead, &line, json!({"role": "reader"})).await;
        assert_eq!(seen.refusal(), refusal(409, "last_admin"), "{line}");
    }
}

#[tokio::test]
async fn of_decisions_at_once_exactly_one_wins() {
    let world = World::new().await;
    let lead = world.person("lead", OrganizationRole::Member).await;
    let second = world.person("second", OrganizationRole::Admin).await;
    for round in 0..20 {
        let id = asked(&world, &lead).await;
        let (yes, no) = (approve(&id), approve(&id).replace("/approve", "/refuse"));
        let back = yes.replace("/approve", "/withdraw");
        let seen = tokio::join!(
            world.by(&second, &yes, json!(null)),
            world.admin(&no, json!({"note": "no"})),
            world.by(&lead, &back, json!(null)),
            world.admin(&yes, json!(null)),
            world.by(&second, &no, json!(null)),
        );
        let seen = [seen.0, seen.1, seen.2, seen.3, seen.4];
        let won = seen.iter().filter(|seen| seen.status == 200).count();
        assert_eq!(won, 1, "round {round}: {seen:?}");
        for lost in seen.iter().filter(|seen| seen.status != 200) {
            assert_eq!(lost.refusal(), refusal(409, "approval_decided"));
        }
        world.by(&lead, &end(&id), json!(null)).await;
    }
    let decided = ["approval.given", "approval.refused", "approval.withdrawn"];
    let mut records = 0;
    for verb in decided {
        records += world.events(verb).await;
    }
    assert_eq!(records, 20, "one record for each request");
}

#[tokio::test]
async fn a_request_is_seen_by_who_asked_and_by_who_sees_them_all() {
    let world = World::new().await;
    let lead = world.person("lead", OrganizationRole::Member).await;
    let other = world.person("other", OrganizationRole::Member).await;
    let auditor = world.person("auditor", OrganizationRole::Auditor).await;
    let id = asked(&world, &lead).await;
    let one = format!("GET /v1/organization/approvals/{id}");
    let count = |person: &Person| {
        let (world, key) = (&world, person.key.clone());
        async move {
            let seen = world.call(&key, "GET /v1/organization/approvals", &[], "").await;
            seen.json()["data"].as_array().unwrap().len()
        }
    };
    assert_eq!((count(&lead).await, count(&other).await, count(&auditor).await), (1, 0, 1));
    assert_eq!(world.by(&other, &one, json!(null)).await.refusal(), refusal(404, "not_found"));
    assert_eq!(world.by(&auditor, &one, json!(null)).await.status, 200);
    let mine = world.by(&auditor, "GET /v1/organization/approvals?mine=true", json!(null)).await.json();
    assert_eq!(mine["data"], json!([]));
    for person in [&other, &auditor] {
        let seen = world.by(person, &approve(&id), json!(null)).await;
        assert_eq!(seen.refusal(), refusal(403, "missing_permission"));
    }
    let back = approve(&id).replace("/approve", "/withdraw");
    assert_eq!(world.by(&other, &back, json!(null)).await.refusal(), refusal(404, "not_found"));
    assert_eq!(world.by(&auditor, &back, json!(null)).await.refusal(), refusal(403, "not_requester"));
    let twice = world.by(&lead, ASK, hour()).await;
    assert_eq!(twice.refusal(), refusal(409, "already_requested"));
    let seen = world.by(&other, "GET /v1/organization/approvals?state=lost", json!(null)).await;
    assert_eq!(seen.refusal(), refusal(400, "invalid_filter"));
}

#[tokio::test]
async fn what_nobody_decides_expires_after_seven_days() {
    let world = World::new().await;
    let lead = world.person("lead", OrganizationRole::Member).await;
    let id = asked(&world, &lead).await;
    world.wait(7 * DAY);
    assert_eq!(world.admin(&approve(&id), json!(null)).await.refusal(), refusal(409, "approval_decided"));
    let pending = world.admin("GET /v1/organization/approvals?state=pending", json!(null)).await.json();
    assert_eq!(pending["data"], json!([]));
    let again = asked(&world, &lead).await;
    assert_eq!(approvals::expire_due(&world.control).await.unwrap(), 1);
    assert_eq!(approvals::expire_due(&world.control).await.unwrap(), 0);
    let expired = world.admin("GET /v1/organization/approvals?state=expired", json!(null)).await.json();
    assert_eq!(expired["data"][0]["id"].as_str(), Some(id.as_str()));
    assert_eq!(world.events("approval.expired").await, 1);
    assert_eq!(world.admin(&approve(&again), json!(null)).await.status, 200, "the later one waits still");
}

#[tokio::test]
async fn approval_holds_the_rights_of_both_at_that_moment() {
    let world = World::new().await;
    let lead = world.person("lead", OrganizationRole::Member).await;
    let gone = asked(&world, &lead).await;
    let remove = format!("DELETE /v1/organization/users/{}", lead.id);
    assert_eq!(world.admin(&remove, json!(null)).await.status, 200);
    assert_eq!(world.admin(&approve(&gone), json!(null)).await.refusal(), refusal(409, "requester_gone"));
    let other = world.person("other", OrganizationRole::Member).await;
    let held = asked(&world, &other).await;
    let promote = format!("POST /v1/organization/users/{}", other.id);
    assert_eq!(world.admin(&promote, json!({"role": "owner"})).await.status, 200);
    let seen = world.admin(&approve(&held), json!(null)).await;
    assert_eq!(seen.refusal(), refusal(409, "already_held"), "it would give nothing any more");
    let admin = world.admin(ASK, hour()).await;
    assert_eq!(admin.refusal(), refusal(409, "already_held"));
}

#[tokio::test]
async fn an_elevation_ends_early_by_its_holder_or_an_admin() {
    let world = World::new().await;
    let lead = world.person("lead", OrganizationRole::Member).await;
    let other = world.person("other", OrganizationRole::Member).await;
    let auditor = world.person("auditor", OrganizationRole::Auditor).await;
    let id = asked(&world, &lead).await;
    assert_eq!(world.by(&lead, &end(&id), json!(null)).await.refusal(), refusal(409, "elevation_over"));
    assert_eq!(world.admin(&approve(&id), json!(null)).await.status, 200);
    assert_eq!(world.by(&other, &end(&id), json!(null)).await.refusal(), refusal(404, "not_found"));
    assert_eq!(
        world.by(&auditor, &end(&id), json!(null)).await.refusal(),
        refusal(403, "missing_permission")
    );
    world.wait(MINUTE);
    let ended = world.by(&lead, &end(&id), json!(null)).await.json();
    assert_eq!(ended["ended_at"].as_i64(), Some(world.control.now().unix_seconds()));
    assert!(!is_admin(&world, &lead).await);
    let again = asked(&world, &lead).await;
    assert_eq!(world.admin(&approve(&again), json!(null)).await.status, 200);
    assert!(is_admin(&world, &lead).await, "a later one is its own");
    world.wait(HOUR - MINUTE);
    assert_eq!(approvals::end_due(&world.control).await.unwrap(), 0, "the first one is ended already");
    assert!(is_admin(&world, &lead).await);
    assert_eq!(world.admin(&end(&again), json!(null)).await.status, 200);
    assert!(!is_admin(&world, &lead).await);
    assert_eq!(world.events("elevation.ended").await, 2);
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_refused_with_its_own_code() {
    let world = World::new().await;
    let lead = world.person("lead", OrganizationRole::Member).await;
    for (body, status, code) in [
        (json!({"duration_seconds": 899, "reason": "x"}), 400, "invalid_duration"),
        (json!({"duration_seconds": 43_201, "reason": "x"}), 400, "invalid_duration"),
        (json!({"duration_seconds": 900, "reason": "  "}), 400, "reason_required"),
        (json!({"duration_seconds": 900}), 400, "invalid_type"),
        (json!({"duration_seconds": 900, "reason": "x", "role": "king"}), 400, "invalid_role"),
        (json!({"duration_seconds": 900, "reason": "x", "role": "member"}), 409, "already_held"),
    ] {
        assert_eq!(world.by(&lead, ASK, body).await.refusal(), refusal(status, code));
    }
    let auditor = json!({"duration_seconds": 900, "reason": "x", "role": "auditor"});
    let asked = world.by(&lead, ASK, auditor).await.json();
    assert_eq!(world.admin(&approve(asked["id"].as_str().unwrap()), json!(null)).await.status, 200);
    assert_eq!(world.by(&lead, "GET /v1/organization/users", json!(null)).await.status, 200);
    assert_eq!(world.by(&lead, "POST /v1/organization", json!({"name": "x"})).await.refusal().0, 403);
}
