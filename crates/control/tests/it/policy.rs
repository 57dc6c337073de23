//! Policy over the API: what each level sets, what holds below it, and who says so.

use domain::access::OrganizationRole;
use domain::time::{DAY, MINUTE};
use http::StatusCode;
use serde_json::{Value, json};

use crate::world::World;

async fn set(world: &World, path: &str, body: Value) -> Value {
    let seen = world.admin(&format!("POST {path}"), body).await;
    assert_eq!(seen.status, StatusCode::OK, "{seen:?}");
    seen.json()
}

async fn held(world: &World, path: &str, setting: &str) -> Value {
    let list = world.admin(&format!("GET {path}"), Value::Null).await.json();
    let all = list["data"].as_array().unwrap().clone();
    all.into_iter().find(|one| one["id"] == setting).unwrap()
}

async fn project(world: &World, environment: &str) -> String {
    let body = json!({"name": environment, "environment": environment});
    let made = world.admin("POST /v1/organization/projects", body).await.json();
    made["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_lower_level_narrows_and_every_value_names_its_level_and_author() {
    let world = World::new().await;
    let production = project(&world, "production").await;
    let development = project(&world, "development").await;
    let of = |project: &str| format!("/v1/organization/projects/{project}/policy");
    let models = "/v1/organization/policy/model.allowed";
    set(&world, models, json!({"value": ["gpt-*", "sim-*"]})).await;
    set(&world, models, json!({"value": ["gpt-5*"], "environment": "production"})).await;
    set(&world, &format!("{}/model.allowed", of(&production)), json!({"value": ["gpt-5-mini"]})).await;

    let there = held(&world, &of(&production), "model.allowed").await;
    assert_eq!(there["enforced"]["value"], json!(["gpt-5-mini"]));
    assert_eq!(there["enforced"]["level"], "project");
    assert_eq!(there["enforced"]["narrowed_by"], json!(["organization", "environment", "project"]));
    assert_eq!(there["enforced"]["set_by"], world.acme.user_id.to_string());
    let elsewhere = held(&world, &of(&development), "model.allowed").await;
    assert_eq!(elsewhere["enforced"]["value"], json!(["gpt-*", "sim-*"]));
    assert_eq!((&elsewhere["enforced"]["level"], &elsewhere["own"]), (&json!("organization"), &Value::Null));

    // A change above holds below at once, whatever was set there before.
    set(&world, models, json!({"value": ["sim-*"]})).await;
    let there = held(&world, &of(&production), "model.allowed").await;
    assert_eq!(
        (&there["enforced"]["value"], &there["enforced"]["level"]),
        (&json!([]), &json!("environment"))
    );
    let cleared = world.admin(&format!("DELETE {models}?environment=production"), Value::Null).await;
    assert_eq!(cleared.json()["enforced"]["value"], json!(["sim-*"]));
    assert_eq!(world.events("policy.set").await, 4);
    assert_eq!(world.events("policy.cleared").await, 1);
}

#[tokio::test]
async fn what_is_wider_locked_or_below_a_floor_is_refused() {
    let world = World::new().await;
    let id = project(&world, "production").await;
    let of_project = |setting: &str| format!("POST /v1/organization/projects/{id}/policy/{setting}");
    let refusal = async |line: String, body: Value| world.admin(&line, body).await.refusal();
    set(&world, "/v1/organization/policy/key.maximum_age_days", json!({"value": 90, "floor": 30})).await;
    let age = || of_project("key.maximum_age_days");
    assert_eq!(refusal(age(), json!({"value": 91})).await, (400, "wider_than_above".to_owned()));
    assert_eq!(refusal(age(), json!({"value": 29})).await, (400, "below_floor".to_owned()));
    assert_eq!(refusal(age(), json!({"value": "soon"})).await, (400, "invalid_value".to_owned()));
    assert_eq!(refusal(age(), json!({"value": 60, "mode": "maybe"})).await, (400, "invalid_mode".to_owned()));
    assert_eq!(world.admin(&age(), json!({"value": 30})).await.status, StatusCode::OK);
    set(&world, "/v1/organization/policy/call.tags", json!({"value": "allowed", "locked": true})).await;
    assert_eq!(
        refusal(of_project("call.tags"), json!({"value": "refused"})).await,
        (409, "setting_locked".to_owned())
    );
    let unknown = refusal(of_project("king.rules"), json!({"value": 1})).await;
    assert_eq!(unknown, (404, "not_found".to_owned()));
    assert_eq!(
        refusal(of_project("member.invitations"), json!({"value": "admins"})).await,
        (400, "level_not_allowed".to_owned())
    );
    assert_eq!(
        refusal(of_project("call.end_users"), json!({"value": "hashed", "mode": "warn"})).await,
        (400, "mode_not_allowed".to_owned())
    );
}

#[tokio::test]
async fn an_exception_holds_for_its_place_until_its_end() {
    let world = World::new().await;
    let id = project(&world, "production").await;
    set(&world, "/v1/organization/policy/model.allowed", json!({"value": ["gpt-5"]})).await;
    let ends_at = world.control.now().unix_seconds() + 600;
    let wanted = json!({"setting": "model.allowed", "level": "project", "level_id": id, "value": ["gpt-5", "o3"],
        "reason": "A trial of two weeks", "ends_at": ends_at});
    let given = world.admin("POST /v1/organization/policy_exceptions", wanted.clone()).await.json();
    let policy = format!("/v1/organization/projects/{id}/policy");
    let during = held(&world, &policy, "model.allowed").await;
    assert_eq!(during["enforced"]["value"], json!(["gpt-5", "o3"]));
    assert_eq!(during["enforced"]["exception_ends_at"], ends_at);
    world.wait(10 * MINUTE);
    assert_eq!(held(&world, &policy, "model.allowed").await["enforced"]["value"], json!(["gpt-5"]));
    let again = json!({"ends_at": ends_at + 1_000_000, "reason": "Longer"});
    let longer = wanted.as_object().unwrap().clone().into_iter().chain(again.as_object().unwrap().clone());
    let second = world.admin("POST /v1/organization/policy_exceptions", longer.collect()).await.json();
    let ended = world
        .admin(
            &format!("DELETE /v1/organization/policy_exceptions/{}", second["id"].as_str().unwrap()),
            Value::Null,
        )
        .await;
    assert_eq!(ended.json()["deleted"], true);
    assert_eq!(held(&world, &policy, "model.allowed").await["enforced"]["value"], json!(["gpt-5"]));
    let gone = format!("DELETE /v1/organization/policy_exceptions/{}", given["id"].as_str().unwrap());
    assert_eq!(world.admin(&gone, Value::Null).await.refusal(), (404, "not_found".to_owned()));
    let list = world.admin("GET /v1/organization/policy_exceptions?limit=1", Value::Null).await.json();
    assert_eq!(
        (list["data"][0]["id"].clone(), list["has_more"].clone()),
        (second["id"].clone(), json!(true))
    );
    let nowhere = json!({"setting": "model.allowed", "level": "project", "level_id": "proj_01jd0000000000000000000000",
        "value": [], "reason": "x", "ends_at": world.control.now().unix_seconds() + 60});
    let refused = world.admin("POST /v1/organization/policy_exceptions", nowhere).await;
    assert_eq!(refused.refusal(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn warnings_are_summed_by_day() {
    let world = World::new().await;
    let one = store::policy::Warning {
        setting: domain::policy::Setting::Models,
        project_id: String::new(),
        key_id: String::new(),
        subject: "o3".to_owned(),
        day: world.control.now(),
        count: 2,
        last_at: world.control.now(),
    };
    let organization = world.acme.organization_id;
    for _ in 0..2 {
        world.control.store.count_policy_warnings(&[(organization, one.clone())]).await.unwrap();
    }
    let list = world.admin("GET /v1/organization/policy_warnings", Value::Null).await.json();
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    assert_eq!((&list["data"][0]["count"], &list["data"][0]["subject"]), (&json!(4), &json!("o3")));
    world.wait(31 * DAY);
    let list = world.admin("GET /v1/organization/policy_warnings", Value::Null).await.json();
    assert_eq!(list["data"], json!([]));
}

#[tokio::test]
async fn the_console_sets_narrows_locks_excepts_and_clears() {
    let world = World::new().await;
    let admin = world.admins_browser().await;
    let production = project(&world, "production").await;
    let of_project = format!("/projects/{production}/policy");
    let seen = world.console(&admin, "POST /policy/key.maximum_age_days", "value=365&mode=enforce").await;
    assert_eq!(seen.status, 303);
    let fields = "value=90&mode=warn&environment=production";
    let seen = world.console(&admin, "POST /policy/key.maximum_age_days", fields).await;
    assert_eq!(seen.headers["location"], "/o/acme/policy?environment=production");
    let page = world.console(&admin, "GET /policy?environment=production", "").await.text;
    assert!(page.contains("365 days") && page.contains("90 days") && page.contains("warns"), "{page}");
    let narrow = format!("POST {of_project}/model.allowed");
    assert_eq!(world.console(&admin, &narrow, "value=gpt-5*%0A+sim-small,").await.status, 303);
    let page = world.console(&admin, &format!("GET {of_project}"), "").await.text;
    assert!(page.contains("gpt-5*") && page.contains("sim-small") && page.contains("the project"), "{page}");
    for (line, fields, why) in [
        (format!("POST {of_project}/key.maximum_age_days"), "value=400", "wider than"),
        (format!("POST {of_project}/key.maximum_age_days"), "value=soon", "whole number"),
        (format!("POST {of_project}/call.end_users"), "value=hashed&mode=warn", "only warn"),
    ] {
        let seen = world.console(&admin, &line, fields).await;
        assert!(seen.status == 200 && seen.text.contains("flash bad") && seen.text.contains(why), "{seen:?}");
    }
    let locked = "value=true&locked=true";
    assert_eq!(world.console(&admin, "POST /policy/key.narrow", locked).await.status, 303);
    let page = world.console(&admin, &format!("GET {of_project}"), "").await.text;
    assert!(page.contains("locked by the organization") && !page.contains("set-key.narrow"), "{page}");
    let day = jiff::Timestamp::from_microsecond(world.control.now().plus_micros(30 * DAY).unix_micros());
    let day = day.unwrap().strftime("%Y-%m-%d");
    let exception = format!(
        "setting=key.narrow&level=project&level_id={production}&value=false&reason=one+vendor&ends_on={day}"
    );
    assert_eq!(world.console(&admin, "POST /policy-exceptions", &exception).await.status, 303);
    let page = world.console(&admin, &format!("GET {of_project}"), "").await.text;
    assert!(page.contains("exception until"), "{page}");
    let all = world.console(&admin, "GET /policy", "").await.text;
    assert!(all.contains("one vendor"), "{all}");
    let id = all.split("/policy-exceptions/").nth(1).unwrap().split('/').next().unwrap().to_owned();
    assert_eq!(world.console(&admin, &format!("POST /policy-exceptions/{id}/end"), "").await.status, 303);
    let clear = "POST /policy/key.maximum_age_days/clear";
    assert_eq!(world.console(&admin, clear, "environment=production").await.status, 303);
    assert_eq!(world.console(&admin, clear, "environment=production").await.status, 404, "nothing is set");
    for (verb, count) in [
        ("policy.set", 4),
        ("policy.cleared", 1),
        ("policy_exception.given", 1),
        ("policy_exception.ended", 1),
    ] {
        assert_eq!(world.events(verb).await, count, "{verb}");
    }
}

#[tokio::test]
async fn invitations_by_owners_are_warned_of_before_they_are_refused() {
    let world = World::new().await;
    let id = project(&world, "development").await;
    let owner = world.person("owner", OrganizationRole::Member).await;
    let member = json!({"user_id": owner.id, "role": "owner"});
    world.admin(&format!("POST /v1/organization/projects/{id}/users"), member).await.json();
    let invites = format!("POST /v1/organization/projects/{id}/invites");
    for (value, mode, status, count) in [
        ("admins", "enforce", 403, 0),
        ("admins", "off", 403, 0),
        ("admins", "warn", 200, 1),
        ("owners", "warn", 200, 1),
        ("owners", "enforce", 200, 1),
    ] {
        let body = json!({"value": value, "mode": mode});
        set(&world, "/v1/organization/policy/member.invitations", body).await;
        let invite = json!({"email": format!("{value}.{mode}@example.test"), "role": "member"});
        assert_eq!(world.by(&owner, &invites, invite).await.status, status, "{value} {mode}");
        let warnings = world.admin("GET /v1/organization/policy_warnings", Value::Null).await.json();
        let warnings = warnings["data"].as_array().unwrap().clone();
        assert_eq!(warnings.len(), count, "{value} {mode}");
        assert!(warnings.iter().all(|one| one["subject"] == "admins.warn@example.test"), "{warnings:?}");
    }
}

#[tokio::test]
async fn a_refused_form_keeps_what_was_typed() {
    let world = World::new().await;
    let admin = world.admins_browser().await;
    let typed = "value=203.0.113.0%2F24%0Anowhere&mode=warn&floor=10.0.0.0%2F8&locked=true&on_trial=true&environment=staging";
    let seen = world.console(&admin, "POST /policy/network.sign_in", typed).await;
    assert_eq!(seen.status, 200);
    let card = seen.text.split("id=\"refused\"").nth(1).unwrap().split("</section>").next().unwrap();
    for kept in [
        "203.0.113.0/24\nnowhere</textarea>",
        "10.0.0.0/8</textarea>",
        "<option value=\"warn\" selected>",
        "name=\"locked\" value=\"true\" checked",
        "name=\"on_trial\" value=\"true\" checked",
        "name=\"environment\" value=\"staging\"",
        "role=\"alert\"",
    ] {
        assert!(card.contains(kept), "{kept}: {card}");
    }
    let typed = "setting=key.narrow&level=environment&level_id=staging&value=false&reason=one+vendor&ends_on=1999-01-01&return_to=/x";
    let seen = world.console(&admin, "POST /policy-exceptions", typed).await;
    assert_eq!(seen.status, 200);
    let card = seen.text.split("id=\"refused\"").nth(1).unwrap().split("</section>").next().unwrap();
    for kept in ["one vendor</textarea>", "value=\"1999-01-01\"", "value=\"staging\"", "within a year"] {
        assert!(card.contains(kept), "{kept}: {card}");
    }
    assert_eq!((world.events("policy.set").await, world.events("policy_exception.given").await), (0, 0));
    let page = world.console(&admin, "GET /policy", "").await.text;
    assert!(page.contains("not set: everywhere") && page.contains("not set: Admins alone"), "{page}");
}

#[tokio::test]
async fn a_trial_is_begun_kept_and_undone_on_the_page() {
    let world = World::new().await;
    let admin = world.admins_browser().await;
    let everywhere = "value=0.0.0.0%2F0%0A%3A%3A%2F0&environment=staging";
    let on_trial = format!("{everywhere}&on_trial=true");
    let form = "POST /policy/network.gateway";
    let page = async || world.console(&admin, "GET /policy?environment=staging", "").await.text;
    assert!(page().await.contains("name=\"on_trial\""));
    assert_eq!(world.console(&admin, form, &on_trial).await.status, 303);
    let during = page().await;
    assert!(during.contains("is on trial until") && during.contains("network.gateway/undo"), "{during}");
    let undone = world.console(&admin, "POST /policy/network.gateway/undo", "environment=staging").await;
    assert_eq!(undone.headers["location"], "/o/acme/policy?environment=staging");
    let held_now = held(&world, "/v1/organization/policy?environment=staging", "network.gateway").await;
    assert_eq!((&held_now["own"], &held_now["trial_ends_at"]), (&Value::Null, &Value::Null));
    assert!(!page().await.contains("is on trial until"));

    assert_eq!(world.console(&admin, form, &on_trial).await.status, 303);
    let kept = world.console(&admin, "POST /policy/network.gateway/keep", "environment=staging").await;
    assert_eq!(kept.status, 303);
    world.wait(11 * MINUTE);
    assert_eq!(control::policy::undo_due(&world.control).await.unwrap(), 0);
    let held_now = held(&world, "/v1/organization/policy?environment=staging", "network.gateway").await;
    assert_eq!(held_now["own"]["value"], json!(["0.0.0.0/0", "::/0"]));

    // Over the API, what stood before a second trial stands again.
    let body = json!({"value": ["10.0.0.0/8"], "environment": "staging", "on_trial": true});
    let begun = set(&world, "/v1/organization/policy/network.gateway", body).await;
    assert!(begun["trial_ends_at"].is_number(), "{begun}");
    let undo = "POST /v1/organization/policy/network.gateway/undo?environment=staging";
    let seen = world.admin(undo, Value::Null).await.json();
    assert_eq!(seen["own"]["value"], json!(["0.0.0.0/0", "::/0"]));
    assert_eq!(world.admin(undo, Value::Null).await.refusal(), (404, "not_found".to_owned()));
    assert_eq!((world.events("policy.undone").await, world.events("policy.kept").await), (2, 1));
}

#[tokio::test]
async fn the_page_names_keys_by_their_names() {
    let world = World::new().await;
    let admin = world.admins_browser().await;
    let id = project(&world, "production").await;
    let keys = format!("POST /v1/organization/projects/{id}/api_keys");
    let made = world.admin(&keys, json!({"name": "nightly batch"})).await.json();
    let (key, masked) = (made["id"].as_str().unwrap(), made["redacted_value"].as_str().unwrap());
    let exception = json!({"setting": "key.rotation_days", "level": "api_key", "level_id": key, "value": 400,
        "reason": "x", "ends_at": world.control.now().unix_seconds() + 600});
    world.admin("POST /v1/organization/policy_exceptions", exception).await.json();
    let warning = store::policy::Warning {
        setting: domain::policy::Setting::Models,
        project_id: id.clone(),
        key_id: key.to_owned(),
        subject: "o3".to_owned(),
        day: world.control.now(),
        count: 2,
        last_at: world.control.now(),
    };
    world.control.store.count_policy_warnings(&[(world.acme.organization_id, warning)]).await.unwrap();
    for (path, times) in [("/policy".to_owned(), 2), (format!("/projects/{id}/policy"), 1)] {
        let page = world.console(&admin, &format!("GET {path}"), "").await.text;
        assert_eq!(page.matches("nightly batch").count(), times, "{page}");
        assert_eq!(page.matches(masked).count(), times, "{page}");
    }
}
