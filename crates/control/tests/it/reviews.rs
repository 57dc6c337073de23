//! Access reviews: what was used is noted, what was not is proposed to go, and who decided is written down.

use domain::access::{Grant, OrganizationRole, Task};
use domain::time::DAY;
use serde_json::{Value, json};

use crate::world::{Person, World};

const OPEN: &str = "POST /v1/organization/reviews";

fn refusal(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// Opens a review and gives its address.
async fn opened(world: &World) -> String {
    let seen = world.admin(OPEN, json!({"name": "Fourth quarter"})).await;
    assert_eq!(seen.status, 200, "{seen:?}");
    format!("/v1/organization/reviews/{}", seen.json()["id"].as_str().unwrap())
}

async fn items(world: &World, review: &str, query: &str) -> Vec<Value> {
    let seen = world.admin(&format!("GET {review}/items?limit=100&{query}"), json!(null)).await;
    seen.json()["data"].as_array().unwrap().clone()
}

/// The rights of one person in a review.
async fn items_of(world: &World, review: &str, person: &Person) -> Vec<Value> {
    let all = items(world, review, "").await;
    all.into_iter().filter(|item| item["user"]["id"] == person.id.as_str()).collect()
}

fn decide(review: &str, item: &Value, verb: &str) -> String {
    format!("POST {review}/items/{}/{verb}", item["id"].as_str().unwrap())
}

async fn role_of(world: &World, person: &Person) -> String {
    let read = world.admin(&format!("GET /v1/organization/users/{}", person.id), json!(null)).await.json();
    read["bailiwick_role"].as_str().unwrap_or_default().to_owned()
}

/// Used permissions of an item by name.
fn used(item: &Value) -> Vec<&str> {
    let all = item["permissions"].as_array().unwrap();
    all.iter()
        .filter(|one| !one["last_used_at"].is_null())
        .map(|one| one["permission"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn admins_are_proposed_what_they_used_in_ninety_days() {
    let world = World::new().await;
    let idle = world.person("idle", OrganizationRole::Admin).await;
    let looking = world.person("looking", OrganizationRole::Admin).await;
    let working = world.person("working", OrganizationRole::Admin).await;
    world.wait(91 * DAY);
    let young = world.person("young", OrganizationRole::Admin).await;
    for _ in 0..3 {
        world.by(&looking, "GET /v1/organization/users", json!(null)).await;
        world.by(&working, "POST /v1/organization", json!({"name": "Acme"})).await;
    }
    let review = opened(&world).await;
    let mut found = Vec::new();
    for person in [&idle, &looking, &working, &young] {
        let theirs = items_of(&world, &review, person).await;
        assert_eq!(theirs.len(), 1);
        found.push(theirs[0].clone());
    }
    let proposals: Vec<_> =
        found.iter().map(|item| (item["proposal"].clone(), item["proposed_role"].clone())).collect();
    assert_eq!(
        proposals,
        [
            (json!("reduce"), json!("role-api-organization-member")),
            (json!("reduce"), json!("role-api-organization-auditor")),
            (json!("keep"), json!(null)),
            (json!("too_new"), json!(null)),
        ]
    );
    assert_eq!(
        (used(&found[0]).len(), used(&found[1]), used(&found[2])),
        (0, vec!["member.read"], vec!["organization.update"])
    );
    let day = world.control.now().unix_seconds() / 86_400 * 86_400;
    let of = |item: &Value| {
        item["permissions"].as_array().unwrap().iter().find_map(|one| one["last_used_at"].as_i64())
    };
    assert_eq!(of(&found[1]), Some(day), "to the day, no finer");
    assert_eq!(items(&world, &review, "proposed=true").await.len(), 2);
    let read = world.admin(&format!("GET {review}"), json!(null)).await.json();
    assert_eq!(
        (read["items"].as_i64(), read["proposed"].as_i64(), read["undecided"].as_i64()),
        (Some(5), Some(2), Some(5))
    );
    let trail = world
        .control
        .store
        .uses(&Grant::system(Task::Verify, Some(world.acme.organization_id)))
        .await
        .unwrap();
    assert!(trail.len() >= 3, "{trail:?}");
}

#[tokio::test]
async fn reducing_takes_effect_then_and_there_and_is_recorded_once() {
    let world = World::new().await;
    let idle = world.person("idle", OrganizationRole::Admin).await;
    world.wait(91 * DAY);
    let review = opened(&world).await;
    let item = items_of(&world, &review, &idle).await[0].clone();
    let done = world.admin(&decide(&review, &item, "reduce"), json!({"note": "never used"})).await;
    assert_eq!(done.status, 200, "{done:?}");
    let done = done.json();
    assert_eq!(
        (
            done["decision"].as_str(),
            done["decided_role"].as_str(),
            done["decided_by"].as_str(),
            done["note"].as_str()
        ),
        (
            Some("reduced"),
            Some("role-api-organization-member"),
            Some(&*world.acme.user_id.to_string()),
            Some("never used")
        )
    );
    assert_eq!(role_of(&world, &idle).await, "member");
    assert_eq!(world.by(&idle, "GET /v1/organization/users", json!(null)).await.status, 403);
    for verb in ["keep", "reduce"] {
        let again = world.admin(&decide(&review, &item, verb), json!(null)).await;
        assert_eq!(again.refusal(), refusal(409, "item_decided"));
    }
    assert_eq!(world.events("review.decided").await, 1);
    assert_eq!(world.events("user.updated").await, 0, "one record says it all");
    let undecided = items(&world, &review, "undecided=true").await;
    assert!(undecided.iter().all(|item| item["user"]["id"] != idle.id.as_str()));
}

#[tokio::test]
async fn nobody_decides_about_their_own_rights_nor_above_their_rank() {
    let world = World::new().await;
    let second = world.person("second", OrganizationRole::Admin).await;
    world.wait(91 * DAY);
    let review = opened(&world).await;
    let own = items_of(&world, &review, &second).await[0].clone();
    for verb in ["keep", "reduce"] {
        let seen = world.by(&second, &decide(&review, &own, verb), json!({"role": "member"})).await;
        assert_eq!(seen.refusal(), refusal(403, "own_rights"), "{verb}");
    }
    let reviewer = world.person("reviewer", OrganizationRole::Member).await;
    let role = json!({"role_name": "Reviewer", "permissions": ["review.read", "review.manage", "organization.read"]});
    let role = world.admin("POST /v1/organization/roles", role).await.json();
    let give = format!("POST /v1/organization/users/{}/roles", reviewer.id);
    assert_eq!(world.admin(&give, json!({"role_id": role["id"]})).await.status, 200);
    let seen = world.by(&reviewer, &decide(&review, &own, "reduce"), json!({"role": "member"})).await;
    assert_eq!(seen.refusal(), refusal(403, "higher_rank"));
    assert_eq!(role_of(&world, &second).await, "admin");
    let kept = world.by(&reviewer, &decide(&review, &own, "keep"), json!({"note": "needed"})).await;
    assert_eq!(kept.json()["decided_by"], reviewer.id.as_str(), "to keep takes no rank");
    let member = world.person("member", OrganizationRole::Member).await;
    for line in [OPEN.to_owned(), format!("GET {review}"), decide(&review, &own, "keep")] {
        assert_eq!(world.by(&member, &line, json!({"name": "x"})).await.refusal().0, 403, "{line}");
    }
}

#[tokio::test]
async fn the_last_admin_and_the_last_owner_stay() {
    let world = World::new().await;
    let second = world.person("second", OrganizationRole::Admin).await;
    let project = world.admin("POST /v1/organization/projects", json!({"name": "p"})).await.json();
    let project = project["id"].as_str().unwrap().to_owned();
    world.wait(91 * DAY);
    let review = opened(&world).await;
    let first = Person { id: world.acme.user_id.to_string(), key: world.acme.admin_key.clone() };
    let theirs = items_of(&world, &review, &first).await;
    let own = items_of(&world, &review, &second).await[0].clone();
    let owner = theirs.iter().find(|item| item["project"]["id"] == project.as_str()).unwrap();
    let seen = world.by(&second, &decide(&review, owner, "reduce"), json!({"role": "viewer"})).await;
    assert_eq!(seen.refusal(), refusal(409, "last_owner"));
    let admin = theirs.iter().find(|item| item["project"].is_null()).unwrap();
    let seen = world.by(&second, &decide(&review, admin, "reduce"), json!({"role": "member"})).await;
    assert_eq!(seen.status, 200, "there is another Admin: {seen:?}");
    let third = world.person("third", OrganizationRole::Member).await;
    let lift = json!({"duration_seconds": 3_600, "reason": "the review"});
    let asked = world.by(&third, "POST /v1/organization/elevations", lift).await.json();
    let approve = format!("POST /v1/organization/approvals/{}/approve", asked["id"].as_str().unwrap());
    assert_eq!(world.by(&second, &approve, json!(null)).await.status, 200);
    let seen = world.by(&third, &decide(&review, &own, "reduce"), json!({"role": "member"})).await;
    assert_eq!(seen.refusal(), refusal(409, "last_admin"), "an elevated Admin does not count");
    assert_eq!(world.events("review.decided").await, 1);
}

#[tokio::test]
async fn a_right_through_a_group_goes_with_the_group_and_a_further_role_alone() {
    let world = World::new().await;
    let lead = world.person("lead", OrganizationRole::Member).await;
    let group = world.admin("POST /v1/organization/groups", json!({"name": "Readers"})).await.json();
    let group = group["id"].as_str().unwrap().to_owned();
    let auditor = json!({"role_id": "role-api-organization-auditor"});
    let to_group = format!("POST /v1/organization/groups/{group}/roles");
    assert_eq!(world.admin(&to_group, auditor).await.status, 200);
    let into = format!("POST /v1/organization/groups/{group}/users");
    assert_eq!(world.admin(&into, json!({"user_id": lead.id})).await.status, 200);
    let custom = json!({"role_name": "Prices", "permissions": ["price.read"]});
    let custom = world.admin("POST /v1/organization/roles", custom).await.json();
    let to_ada = format!("POST /v1/organization/users/{}/roles", lead.id);
    assert_eq!(world.admin(&to_ada, json!({"role_id": custom["id"]})).await.status, 200);
    world.wait(91 * DAY);
    let review = opened(&world).await;
    let theirs = items_of(&world, &review, &lead).await;
    let by = |source: &str| theirs.iter().find(|item| item["source"] == source).unwrap().clone();
    assert_eq!(theirs.len(), 3, "{theirs:?}");
    assert_eq!(
        (by("membership")["proposal"].as_str(), by("group")["proposal"].as_str()),
        (Some("keep"), Some("remove"))
    );
    assert_eq!(
        (by("group")["group"]["name"].as_str(), by("assignment")["role"]["name"].as_str()),
        (Some("Readers"), Some("Prices"))
    );
    let smaller = world.admin(&decide(&review, &by("group"), "reduce"), json!({"role": "member"})).await;
    assert_eq!(smaller.refusal(), refusal(400, "role_not_smaller"), "the role is the group's");
    assert_eq!(world.admin(&decide(&review, &by("group"), "reduce"), json!(null)).await.status, 200);
    assert_eq!(world.by(&lead, "GET /v1/organization/users", json!(null)).await.status, 403);
    assert_eq!(world.by(&lead, "GET /v1/organization/prices", json!(null)).await.status, 200);
    let gone = format!("DELETE /v1/organization/users/{}/roles/{}", lead.id, custom["id"].as_str().unwrap());
    assert_eq!(world.admin(&gone, json!(null)).await.status, 200);
    let late = world.admin(&decide(&review, &by("assignment"), "reduce"), json!(null)).await;
    assert_eq!(late.refusal(), refusal(409, "right_changed"));
    let base = world.admin(&decide(&review, &by("membership"), "reduce"), json!({"role": "none"})).await;
    assert_eq!(base.refusal(), refusal(400, "membership_kept"));
}

#[tokio::test]
async fn owners_of_projects_keep_what_their_keys_need() {
    let world = World::new().await;
    let owner = world.person("owner", OrganizationRole::Member).await;
    let project = world.admin("POST /v1/organization/projects", json!({"name": "p"})).await.json();
    let root = format!("/v1/organization/projects/{}", project["id"].as_str().unwrap());
    let added =
        world.admin(&format!("POST {root}/users"), json!({"user_id": owner.id, "role": "owner"})).await;
    assert_eq!(added.status, 200);
    let key = world.by(&owner, &format!("POST {root}/api_keys"), json!({"name": "backend"})).await;
    assert_eq!(key.status, 200, "{key:?}");
    world.wait(91 * DAY);
    let review = opened(&world).await;
    let theirs = items_of(&world, &review, &owner).await;
    let item = theirs.iter().find(|item| !item["project"].is_null()).unwrap();
    assert_eq!(
        item["proposed_role"], "role-api-project-member",
        "making a key was 91 days ago, the key works"
    );
    assert_eq!(world.admin(&decide(&review, item, "reduce"), json!(null)).await.status, 200);
    let keys = world.admin(&format!("GET {root}/api_keys"), json!(null)).await.json();
    assert_eq!(keys["data"][0]["owner_project_access"], "active");
}

#[tokio::test]
async fn a_closed_review_stays_as_it_is_and_exports_without_formulas() {
    let world = World::new().await;
    let lead = world.person("lead", OrganizationRole::Auditor).await;
    let review = opened(&world).await;
    let item = items_of(&world, &review, &lead).await[0].clone();
    let note = json!({"note": "=HYPERLINK(\"http://evil.test\"), \"said\" she"});
    assert_eq!(world.admin(&decide(&review, &item, "keep"), note).await.status, 200);
    let closed = world.admin(&format!("POST {review}/close"), json!(null)).await.json();
    assert_eq!(
        (closed["state"].as_str(), closed["kept"].as_i64(), closed["undecided"].as_i64()),
        (Some("closed"), Some(1), Some(1))
    );
    let again = world.admin(&format!("POST {review}/close"), json!(null)).await;
    assert_eq!(again.refusal(), refusal(409, "review_closed"));
    let other = items(&world, &review, "undecided=true").await[0].clone();
    let late = world.by(&lead, &decide(&review, &other, "keep"), json!(null)).await;
    assert_eq!(late.refusal().0, 403);
    let seen = world.by(&lead, &format!("GET {review}/export"), json!(null)).await;
    assert_eq!(seen.headers["content-type"], "text/csv; charset=utf-8");
    let lines: Vec<&str> = seen.text.split("\r\n").collect();
    assert_eq!((lines.len(), lines[0].split(',').count()), (4, 20), "head, two rights, the end");
    assert!(seen.text.contains(r#""'=HYPERLINK(""http://evil.test""), ""said"" she""#), "{}", seen.text);
    assert!(lines.iter().any(|line| line.starts_with("lead,lead@example.test,") && line.contains(",kept,")));
    let second = world.person("second", OrganizationRole::Admin).await;
    let late = world.by(&second, &decide(&review, &other, "keep"), json!(null)).await;
    assert_eq!(late.refusal(), refusal(409, "review_closed"));
}

#[tokio::test]
async fn the_console_opens_decides_filters_and_closes() {
    let world = World::new().await;
    world.person("idle", OrganizationRole::Admin).await;
    world.person("busy", OrganizationRole::Auditor).await;
    world.wait(91 * DAY);
    let admin = world.admins_browser().await;
    let fields = "name=Fourth+quarter&due_on=";
    let past = world.console(&admin, "POST /reviews", &format!("{fields}2020-01-01")).await;
    assert!(past.status == 200 && past.text.contains("role=\"alert\""), "{past:?}");
    assert!(past.text.contains("value=\"Fourth quarter\""), "what was typed stays");
    let opened = world.console(&admin, "POST /reviews", &format!("{fields}2027-06-30")).await;
    let at = opened.headers["location"].to_str().unwrap().trim_start_matches("/o/acme").to_owned();
    let page = world.console(&admin, &format!("GET {at}"), "").await.text;
    let proposed = world.console(&admin, &format!("GET {at}?show=proposed"), "").await.text;
    assert!(page.contains("3 to decide") && page.contains("busy@example.test"), "{page}");
    assert!(
        proposed.contains("idle@example.test") && !page.contains("Everything of this kind"),
        "{proposed}"
    );
    let item = proposed.split("/items/").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let reduce = format!("POST {at}/items/{item}/reduce");
    let fields = "role=role-api-organization-member&note=never+used";
    let away = world.console(&admin, &reduce, &format!("{fields}&return_to=//evil.test")).await;
    assert_eq!(away.headers["location"].to_str().unwrap(), format!("/o/acme{at}"), "led nowhere else");
    let all = world.console(&admin, &format!("GET {at}?show=all"), "").await.text;
    assert!(all.contains("now Member") && all.contains("“never used”") && all.contains("1 reduced"), "{all}");
    assert!(all.contains("somebody else decides"), "about one's own");
    let again = world.console(&admin, &format!("POST {at}/items/{item}/keep"), "").await;
    assert!(again.flashed_bad());
    assert_eq!(world.console(&admin, &format!("POST {at}/close"), "").await.status, 303);
    let closed = world.console(&admin, &format!("GET {at}"), "").await.text;
    assert!(
        closed.contains("Closed ") && !closed.contains("/reduce\"") && !closed.contains("/close\""),
        "{closed}"
    );
    let file = world.console(&admin, &format!("GET {at}/export"), "").await;
    assert_eq!(file.headers["content-type"], "text/csv; charset=utf-8");
    assert!(file.text.contains("never used"));
    assert_eq!(world.events("review.decided").await, 1);
}

#[tokio::test]
async fn a_review_of_another_organization_is_not_there() {
    let world = World::new().await;
    let review = opened(&world).await;
    let other = control::accounts::set_up::bootstrap(
        &world.control,
        "Beta",
        "admin@beta.test",
        crate::world::PASSWORD,
    );
    let key = other.await.unwrap().admin_key;
    let item = items(&world, &review, "").await[0].clone();
    for line in [
        format!("GET {review}"),
        format!("GET {review}/items"),
        format!("GET {review}/export"),
        format!("POST {review}/close"),
        decide(&review, &item, "keep"),
        decide(&review, &item, "reduce"),
    ] {
        assert_eq!(world.call(&key, &line, &[], "").await.refusal(), refusal(404, "not_found"), "{line}");
    }
    for (body, code) in
        [(json!({"name": ""}), "invalid_name"), (json!({"name": "x", "due_at": 1}), "invalid_due_date")]
    {
        assert_eq!(world.admin(OPEN, body).await.refusal(), refusal(400, code));
    }
}
