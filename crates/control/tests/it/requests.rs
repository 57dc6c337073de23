//! Projects, raises of allowances and guarded changes that are asked for: a second person decides, and what was asked
//! for holds at once, for its time, and for nobody else.

use control::approvals;
use domain::access::OrganizationRole;
use domain::time::{DAY, HOUR, SECOND};
use http::StatusCode;
use serde_json::{Value, json};

use crate::world::{Person, Seen, World};

const PROJECTS: &str = "POST /v1/organization/projects";
const ASK_PROJECT: &str = "POST /v1/organization/project_requests";

fn refusal(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

async fn decide(world: &World, id: &str, word: &str) -> Seen {
    world.admin(&format!("POST /v1/organization/approvals/{id}/{word}"), json!({"note": "seen"})).await
}

fn id_of(seen: &Seen) -> String {
    assert_eq!(seen.status, StatusCode::OK, "{seen:?}");
    seen.json()["id"].as_str().unwrap().to_owned()
}

async fn set(world: &World, setting: &str, body: Value) {
    let seen = world.admin(&format!("POST /v1/organization/policy/{setting}"), body).await;
    assert_eq!(seen.status, StatusCode::OK, "{seen:?}");
}

/// A project of a person who owns it.
async fn owned(world: &World, owner: &Person, body: Value) -> String {
    let mut body = body;
    body["owner_ids"] = json!([owner.id]);
    id_of(&world.admin(PROJECTS, body).await)
}

#[tokio::test]
async fn a_project_is_asked_for_only_where_the_organization_lets_people_ask() {
    let world = World::new().await;
    let lead = world.person("lead", OrganizationRole::Member).await;
    let body = json!({"project": {"name": "Pilot", "team": "Support"}, "reason": "a pilot"});
    let closed = refusal(403, "projects_not_requested");
    assert_eq!(world.by(&lead, ASK_PROJECT, body.clone()).await.refusal(), closed);
    set(&world, "project.creation", json!({"value": "admins"})).await;
    assert_eq!(world.by(&lead, ASK_PROJECT, body.clone()).await.refusal(), closed);
    set(&world, "project.creation", json!({"value": "request"})).await;
    assert_eq!(
        world.by(&lead, PROJECTS, json!({"name": "Pilot"})).await.status,
        403,
        "asking is no creating"
    );
    assert_eq!(world.admin(ASK_PROJECT, body.clone()).await.refusal(), refusal(409, "already_held"));
    for (body, code) in [
        (json!({"project": {"name": "Pilot"}, "reason": " "}), "reason_required"),
        (json!({"project": {"name": " "}, "reason": "x"}), "invalid_name"),
        (
            json!({"project": {"name": "p", "owner_ids": ["user_01jd0000000000000000000000"]}, "reason": "x"}),
            "owner_not_member",
        ),
    ] {
        assert_eq!(world.by(&lead, ASK_PROJECT, body).await.refusal(), refusal(400, code));
    }

    let asked = world.by(&lead, ASK_PROJECT, body.clone()).await.json();
    assert_eq!(asked["summary"], "The project Pilot in development");
    let again = world.by(&lead, ASK_PROJECT, body).await;
    assert_eq!(again.refusal(), refusal(409, "already_requested"));
    let project = asked["asked"]["project_id"].as_str().unwrap().to_owned();
    let one = format!("GET /v1/organization/projects/{project}");
    assert_eq!(world.by(&lead, &one, json!(null)).await.status, 404, "a request makes nothing");
    let given = decide(&world, asked["id"].as_str().unwrap(), "approve").await.json();
    assert_eq!((&given["state"], &given["ends_at"]), (&json!("approved"), &Value::Null));
    let made = world.by(&lead, &one, json!(null)).await.json();
    assert_eq!((&made["name"], &made["team"]), (&json!("Pilot"), &json!("Support")));
    assert_eq!((&made["owner_ids"], &made["accountable_owner_id"]), (&json!([lead.id]), &json!(lead.id)));
    let trail = "GET /v1/organization/audit_events?event_types[]=approval.given";
    let record = world.admin(trail, json!(null)).await.json()["data"][0].clone();
    assert_eq!(record["project_id"], json!(project), "{record}");
    for (verb, count) in [("project_creation.requested", 1), ("approval.given", 1)] {
        assert_eq!(world.events(verb).await, count, "{verb}");
    }
}

#[tokio::test]
async fn a_project_that_cannot_be_made_any_more_is_a_conflict() {
    let world = World::new().await;
    set(&world, "project.creation", json!({"value": "request"})).await;
    let lead = world.person("lead", OrganizationRole::Member).await;
    let other = world.person("other", OrganizationRole::Member).await;
    let ask = async |name: &str, owner: &Person| {
        let body = json!({"project": {"name": name, "owner_ids": [owner.id]}, "reason": "x"});
        id_of(&world.by(&lead, ASK_PROJECT, body).await)
    };
    let taken = ask("Taken", &lead).await;
    id_of(&world.admin(PROJECTS, json!({"name": "Taken"})).await);
    assert_eq!(decide(&world, &taken, "approve").await.refusal(), refusal(409, "project_name_taken"));
    let gone = ask("Theirs", &other).await;
    world.admin(&format!("DELETE /v1/organization/users/{}", other.id), json!(null)).await;
    assert_eq!(decide(&world, &gone, "approve").await.refusal(), refusal(409, "owner_gone"));
    assert_eq!(decide(&world, &gone, "refuse").await.json()["note"], "seen");
    let late = ask("Late", &lead).await;
    world.wait(7 * DAY);
    assert_eq!(decide(&world, &late, "approve").await.refusal(), refusal(409, "approval_decided"));
    assert_eq!(approvals::expire_due(&world.control).await.unwrap(), 2);
    for number in 0..20 {
        ask(&format!("Wish {number}"), &lead).await;
    }
    let more = json!({"project": {"name": "More"}, "reason": "x"});
    let seen = world.by(&lead, ASK_PROJECT, more).await;
    assert_eq!(seen.refusal(), refusal(409, "too_many_requests_waiting"));
}

/// An allowance of a project, with its id and the line that asks for more.
async fn allowance(world: &World, project: &str, amount: i64) -> (String, String) {
    let body = json!({"scope": {"type": "project", "id": project}, "unit": "requests", "window": "day",
        "amount": amount});
    let id = id_of(&world.admin("POST /v1/organization/allowances", body).await);
    let ask = format!("POST /v1/organization/allowances/{id}/raise_requests");
    (id, ask)
}

async fn amount(world: &World, id: &str) -> i64 {
    let seen = world.admin(&format!("GET /v1/organization/allowances/{id}"), json!(null)).await;
    seen.json()["amount"].as_i64().unwrap()
}

#[tokio::test]
async fn an_allowance_is_raised_for_good_or_until_its_end() {
    let world = World::new().await;
    let lead = world.person("lead", OrganizationRole::Member).await;
    let project = owned(&world, &lead, json!({"name": "Pilot"})).await;
    let (id, ask) = allowance(&world, &project, 100).await;
    let lasting = id_of(&world.by(&lead, &ask, json!({"amount": 200, "reason": "a launch"})).await);
    assert_eq!(amount(&world, &id).await, 100, "a request raises nothing");
    assert_eq!(
        decide(&world, &lasting, "approve").await.json()["summary"],
        "Project Pilot: 200 requests per day"
    );
    assert_eq!(amount(&world, &id).await, 200);

    let until = world.control.now().unix_seconds() + 3_600;
    let body = json!({"amount": 500, "ends_at": until, "reason": "an evening"});
    let timed = id_of(&world.by(&lead, &ask, body).await);
    let given = decide(&world, &timed, "approve").await.json();
    assert_eq!((given["ends_at"].as_i64(), given["in_force"].as_bool()), (Some(until), Some(true)));
    let second = id_of(&world.by(&lead, &ask, json!({"amount": 900, "reason": "more"})).await);
    assert_eq!(decide(&world, &second, "approve").await.refusal(), refusal(409, "raise_in_force"));
    world.wait(HOUR - SECOND);
    assert_eq!((approvals::end_due(&world.control).await.unwrap(), amount(&world, &id).await), (0, 500));
    world.wait(SECOND);
    assert_eq!(approvals::end_due(&world.control).await.unwrap(), 1);
    assert_eq!((approvals::end_due(&world.control).await.unwrap(), amount(&world, &id).await), (0, 200));
    assert_eq!(decide(&world, &second, "approve").await.status, StatusCode::OK);
    assert_eq!((world.events("allowance_raise.ended").await, amount(&world, &id).await), (1, 900));
}

#[tokio::test]
async fn who_decides_about_the_allowance_itself_ends_a_raise() {
    let world = World::new().await;
    let lead = world.person("lead", OrganizationRole::Member).await;
    let project = owned(&world, &lead, json!({"name": "Pilot"})).await;
    let (id, ask) = allowance(&world, &project, 100).await;
    let one = format!("/v1/organization/allowances/{id}");
    let raised = async |amount: i64| {
        let until = world.control.now().unix_seconds() + 3_600;
        let body = json!({"amount": amount, "ends_at": until, "reason": "x"});
        let asked = id_of(&world.by(&lead, &ask, body).await);
        assert_eq!(decide(&world, &asked, "approve").await.status, StatusCode::OK);
        asked
    };
    let first = raised(200).await;
    world.admin(&format!("POST {one}"), json!({"enforcement": "soft"})).await;
    assert_eq!(amount(&world, &id).await, 200, "that is no word about the amount");
    world.admin(&format!("POST {one}"), json!({"amount": 50})).await;
    let read = world.admin(&format!("GET /v1/organization/approvals/{first}"), json!(null)).await.json();
    assert_eq!(read["in_force"], false);
    world.wait(HOUR);
    assert_eq!((approvals::end_due(&world.control).await.unwrap(), amount(&world, &id).await), (0, 50));

    raised(300).await;
    let waiting = id_of(&world.by(&lead, &ask, json!({"amount": 400, "reason": "x"})).await);
    assert_eq!(world.admin(&format!("DELETE {one}"), json!(null)).await.status, StatusCode::OK);
    world.wait(HOUR);
    assert_eq!(approvals::end_due(&world.control).await.unwrap(), 0);
    assert_eq!(decide(&world, &waiting, "approve").await.refusal(), refusal(409, "allowance_gone"));
}

#[tokio::test]
async fn a_raise_is_asked_for_by_who_sees_the_allowance_and_may_not_set_it() {
    let world = World::new().await;
    let lead = world.person("lead", OrganizationRole::Member).await;
    let other = world.person("other", OrganizationRole::Member).await;
    let project = owned(&world, &lead, json!({"name": "Pilot"})).await;
    let (id, ask) = allowance(&world, &project, 100).await;
    let more = || json!({"amount": 200, "reason": "x"});
    assert_eq!(world.by(&other, &ask, more()).await.refusal(), refusal(403, "missing_permission"));
    owned(&world, &other, json!({"name": "Another"})).await;
    assert_eq!(world.by(&other, &ask, more()).await.refusal(), refusal(404, "not_found"));
    assert_eq!(world.admin(&ask, more()).await.refusal(), refusal(409, "already_held"));
    let now = world.control.now().unix_seconds();
    for (body, status, code) in [
        (json!({"amount": 100, "reason": "x"}), 409, "not_a_raise"),
        (json!({"amount": 200, "reason": " "}), 400, "reason_required"),
        (json!({"amount": 2_000_000_000_000_000_000_i64, "reason": "x"}), 400, "invalid_amount"),
        (json!({"amount": 200, "reason": "x", "ends_at": now}), 400, "invalid_end"),
        (json!({"amount": 200, "reason": "x", "ends_at": now + 367 * 24 * 3_600}), 400, "invalid_end"),
    ] {
        assert_eq!(world.by(&lead, &ask, body).await.refusal(), refusal(status, code));
    }
    let asked = id_of(&world.by(&lead, &ask, more()).await);
    assert_eq!(world.by(&lead, &ask, more()).await.refusal(), refusal(409, "already_requested"));
    let me = format!("POST /v1/organization/projects/{project}");
    let to = json!({"owner_ids": [other.id], "accountable_owner_id": other.id});
    assert_eq!(world.admin(&me, to).await.status, StatusCode::OK);
    let lost = decide(&world, &asked, "approve").await;
    assert_eq!(lost.refusal(), refusal(409, "requester_lost_rights"), "within the rights of both");
    let late = json!({"amount": 300, "ends_at": now + 60, "reason": "x"});
    let late = id_of(&world.by(&other, &ask, late).await);
    world.wait(HOUR);
    assert_eq!(decide(&world, &late, "approve").await.refusal(), refusal(409, "raise_over"));
    assert_eq!(amount(&world, &id).await, 100);
}

/// A guarded project of a person who owns it, where changes need a second person; and the line that asks for one.
async fn guarded(world: &World, lead: &Person) -> (String, String) {
    set(world, "change.approval", json!({"value": true})).await;
    let body = json!({"name": "Pilot", "environment": "production", "risk": "high"});
    let project = format!("/v1/organization/projects/{}", owned(world, lead, body).await);
    let ask = format!("POST {project}/change_requests");
    (project, ask)
}

#[tokio::test]
async fn a_key_of_a_guarded_project_needs_a_second_person_and_is_shown_to_one() {
    let world = World::new().await;
    let lead = world.person("lead", OrganizationRole::Member).await;
    let other = world.person("other", OrganizationRole::Member).await;
    let (project, ask) = guarded(&world, &lead).await;
    let (create, robots) = (format!("POST {project}/api_keys"), format!("POST {project}/service_accounts"));
    let key = || json!({"name": "k"});
    let required = refusal(403, "approval_required");
    for (person, line) in [(&lead, &create), (&lead, &robots)] {
        assert_eq!(world.by(person, line, key()).await.refusal(), required, "{line}");
    }
    assert_eq!(world.admin(&create, key()).await.refusal(), required, "an Admin too");
    let wanted = || json!({"change": "key_creation", "reason": "a new service"});
    assert_eq!(world.by(&other, &ask, wanted()).await.refusal(), refusal(404, "not_found"));
    let asked = id_of(&world.by(&lead, &ask, wanted()).await);
    let given = decide(&world, &asked, "approve").await;
    assert_eq!(given.json()["summary"], "A new key in Pilot");
    assert!(!given.text.contains("sk-"), "no secret for who approves");
    assert_eq!(world.by(&lead, &ask, wanted()).await.refusal(), refusal(409, "already_approved"));
    assert_eq!(world.admin(&create, key()).await.refusal(), required, "it is for who asked alone");
    let looser = json!({"risk": "standard"});
    assert_eq!(
        world.by(&lead, &format!("POST {project}"), looser).await.refusal(),
        required,
        "for that alone"
    );
    let bad = world.by(&lead, &create, json!({"name": " "})).await;
    assert_eq!(bad.refusal(), refusal(400, "invalid_name"));
    let made = world.by(&lead, &create, key()).await;
    assert!(made.status == StatusCode::OK && made.text.contains("sk-"), "{made:?}");
    assert_eq!(world.by(&lead, &create, key()).await.refusal(), required, "once");
    let trail = "GET /v1/organization/audit_events?event_types[]=api_key.created";
    let trail = world.admin(trail, json!(null)).await.text;
    assert!(trail.contains(&asked), "the trail names the approval: {trail}");

    // Not used within a day, it is over.
    let late = id_of(&world.by(&lead, &ask, wanted()).await);
    assert_eq!(decide(&world, &late, "approve").await.status, StatusCode::OK);
    world.wait(DAY);
    assert_eq!(world.by(&lead, &create, key()).await.refusal(), required);
    assert_eq!(approvals::end_due(&world.control).await.unwrap(), 1);
    assert_eq!(world.events("change.lapsed").await, 1);
}

#[tokio::test]
async fn a_guarded_project_is_loosened_by_two_and_no_further_than_both_agreed() {
    let world = World::new().await;
    let lead = world.person("lead", OrganizationRole::Member).await;
    let (project, ask) = guarded(&world, &lead).await;
    let line = format!("POST {project}");
    let required = refusal(403, "approval_required");
    assert_eq!(world.by(&lead, &line, json!({"environment": "staging"})).await.refusal(), required);
    assert_eq!(world.by(&lead, &line, json!({"description": "x"})).await.status, StatusCode::OK);
    let nothing = json!({"change": "loosening", "risk": "high", "reason": "x"});
    assert_eq!(world.by(&lead, &ask, nothing).await.refusal(), refusal(400, "nothing_loosened"));
    let unknown = json!({"change": "everything", "reason": "x"});
    assert_eq!(world.by(&lead, &ask, unknown).await.refusal(), refusal(400, "invalid_change"));
    let wanted = json!({"change": "loosening", "environment": "staging", "reason": "back to rehearsal"});
    let asked = id_of(&world.by(&lead, &ask, wanted).await);
    let given = decide(&world, &asked, "approve").await.json();
    assert_eq!(given["summary"], "Pilot becomes environment staging");
    for further in
        [json!({"environment": "development"}), json!({"environment": "staging", "risk": "standard"})]
    {
        assert_eq!(world.by(&lead, &line, further).await.refusal(), required);
    }
    let done = world.by(&lead, &line, json!({"environment": "staging"})).await.json();
    assert_eq!((&done["environment"], &done["risk"]), (&json!("staging"), &json!("high")));
}

#[tokio::test]
async fn what_needs_no_second_person_is_not_asked_for() {
    let world = World::new().await;
    let lead = world.person("lead", OrganizationRole::Member).await;
    let (project, ask) = guarded(&world, &lead).await;
    let calm = owned(&world, &lead, json!({"name": "Calm"})).await;
    let wanted = || json!({"change": "key_creation", "reason": "x"});
    let not_needed = refusal(409, "approval_not_needed");
    let calm = format!("POST /v1/organization/projects/{calm}");
    assert_eq!(world.by(&lead, &format!("{calm}/change_requests"), wanted()).await.refusal(), not_needed);
    assert_eq!(
        world.by(&lead, &format!("{calm}/api_keys"), json!({"name": "k"})).await.status,
        StatusCode::OK
    );
    // Only warned of: it passes and is counted.
    set(&world, "change.approval", json!({"value": true, "mode": "warn"})).await;
    assert_eq!(world.by(&lead, &ask, wanted()).await.refusal(), not_needed);
    let made = world.by(&lead, &format!("POST {project}/api_keys"), json!({"name": "k"})).await;
    assert_eq!(made.status, StatusCode::OK);
    let warnings = world.admin("GET /v1/organization/policy_warnings", json!(null)).await.json();
    assert_eq!(warnings["data"][0]["subject"], "key_creation", "{warnings}");
    assert_eq!(warnings["data"][0]["setting"], "change.approval");
    // Of one project alone, by its owner, who cannot take away what the organization says.
    set(&world, "change.approval", json!({"value": false})).await;
    let own = format!("POST {project}/policy/change.approval");
    assert_eq!(world.by(&lead, &own, json!({"value": true})).await.status, StatusCode::OK);
    let seen = world.by(&lead, &format!("POST {project}/api_keys"), json!({"name": "k"})).await;
    assert_eq!(seen.refusal(), refusal(403, "approval_required"));
}

#[tokio::test]
async fn the_console_asks_and_decides_each_kind() {
    let world = World::new().await;
    set(&world, "project.creation", json!({"value": "request"})).await;
    let email = "lead@example.test";
    let user = world.joined(email).await;
    let lead = world.browser(user, email).await;
    let admin = world.admins_browser().await;
    let page = world.console(&lead, "GET /projects", "").await.text;
    assert!(page.contains("/projects/ask") && !page.contains("/projects/new"), "{page}");
    let form = world.console(&lead, "GET /projects/ask", "").await.text;
    assert!(form.contains("name=\"reason\""), "{form}");
    let without = world.console(&lead, "POST /projects/ask", "name=Pilot&reason=").await.text;
    assert!(without.contains("role=\"alert\"") && without.contains("Say why"), "{without}");
    let fields = "name=Pilot&environment=production&reason=a+pilot";
    assert_eq!(world.console(&lead, "POST /projects/ask", fields).await.status, 303);
    approve_first(&world, &admin).await;
    let projects = world.admin("GET /v1/organization/projects", json!(null)).await.json();
    let project = projects["data"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(projects["data"][0]["accountable_owner_id"], json!(user));

    let (id, _) = allowance(&world, &project, 100).await;
    let page = world.console(&lead, &format!("GET /projects/{project}/allowances"), "").await.text;
    assert!(page.contains(&format!("/allowances/{id}/ask\"")) && !page.contains("/change\""), "{page}");
    let ask = format!("POST /projects/{project}/allowances/{id}/ask");
    assert!(world.console(&lead, &ask, "amount=many&reason=x").await.flashed_bad());
    assert_eq!(world.console(&lead, &ask, "amount=300&reason=x&ends_on=").await.status, 303);
    approve_first(&world, &admin).await;
    assert_eq!(amount(&world, &id).await, 300);

    set(&world, "change.approval", json!({"value": true})).await;
    let keys = format!("/projects/{project}/keys");
    let refused = world.console(&lead, &format!("POST {keys}"), "name=k&scopes=").await;
    assert!(
        refused.text.contains("needs a second person") && refused.text.contains("/changes/ask"),
        "{refused:?}"
    );
    let settings = world.console(&lead, &format!("GET /projects/{project}/settings"), "").await.text;
    assert!(settings.contains("value=\"loosening\""), "{settings}");
    let ask = format!("POST /projects/{project}/changes/ask");
    assert_eq!(world.console(&lead, &ask, "change=key_creation&reason=x").await.status, 303);
    approve_first(&world, &admin).await;
    let running = world.console(&lead, "GET /approvals", "").await.text;
    assert!(running.contains("A new key in Pilot") && !running.contains("/end\""), "{running}");
    assert!(!running.contains("You are Admin for a while"), "that is no elevation");
    let made = world.console(&lead, &format!("POST {keys}"), &format!("name=k&owner={user}")).await;
    assert!(made.text.contains("sk-"), "{made:?}");
}

/// Approves what waits first in the Admin's inbox.
async fn approve_first(world: &World, admin: &(String, String)) {
    let inbox = world.console(admin, "GET /approvals", "").await.text;
    let id = inbox.split("id=\"approve-").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let done = world.console(admin, &format!("POST /approvals/{id}/approve"), "note=").await;
    assert!(done.status == 303 && !done.flashed_bad(), "{done:?}");
}
