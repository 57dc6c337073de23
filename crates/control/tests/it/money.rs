//! Providers, prices, allowances, usage, costs and the audit trail over the wire.

use std::sync::Arc;

use control::allowances::{NewAllowance, create_allowance};
use domain::access::{
    Actor, Credential, Grant, OrganizationRole, Origin, Permission, ProjectRole, Standing, Target, Task,
    authorize,
};
use domain::allowances::{Enforcement, Level, Scope, Unit};
use domain::api_keys::KeyOwner;
use domain::ids::{KeyId, ProjectId, ProviderId, RecordId, ReplicaId, SecretId, SessionId};
use domain::money::NanoUsd;
use domain::pricing::{Quantities, built_in};
use domain::projects::{Environment, Labels, Workload};
use domain::time::Window;
use domain::usage::{Attribution, CallStatus, Endpoint, OpenCall, Settlement, UsageRecord};
use serde_json::{Value, json};

use crate::world::World;

/// A drained call of a project, `seconds` after the world's beginning.
pub async fn call(world: &World, project: &str, n: u128, seconds: i64) -> UsageRecord {
    let at = world.control.now().plus_seconds(seconds);
    let price = built_in().values().flatten().find(|price| price.model == "gpt-4o-mini").unwrap();
    let quantities = Quantities { input: 11, output: 7, requests: 1, ..Quantities::default() };
    let attribution = Attribution {
        organization_id: world.acme.organization_id,
        project_id: project.parse::<ProjectId>().unwrap(),
        key_id: KeyId::from_parts(at, 1),
        key_owner: KeyOwner::User(world.acme.user_id),
        accountable_owner_id: Some(world.acme.user_id),
        environment: Environment::Production,
        workload: Workload::Chat,
        labels: Labels { team: Some("Support".to_owned()), ..Labels::default() },
    };
    let record = UsageRecord {
        call: OpenCall {
            id: RecordId::from_parts(at, n),
            admitted_at: at,
            attribution: Arc::new(attribution),
            endpoint: Endpoint::ChatCompletions,
            model: price.model.clone(),
            provider_id: ProviderId::from_parts(at, 1),
            is_stream: true,
            price_id: price.id.clone(),
            held: NanoUsd::from_nano(1_000_000),
            client_address: None,
            user_agent: None,
            end_user: Some("someone".to_owned()),
            secret_id: SecretId::from_parts(at, 1),
        },
        settlement: Settlement {
            settled_at: at.plus_seconds(1),
            status: CallStatus::Succeeded,
            quantities,
            cost: price.rates.cost(&quantities).unwrap(),
            is_estimated: false,
            upstream_status: Some(200),
        },
    };
    let replica = ReplicaId::from_parts(at, 1);
    store::metering::drain(&world.control.store, replica, &[record.clone().into()]).await.unwrap();
    record
}

async fn get(world: &World, path: &str) -> Value {
    let seen = world.admin(&format!("GET /v1/organization/{path}"), json!(null)).await;
    assert_eq!(seen.status, 200, "{path}: {}", seen.text);
    seen.json()
}

async fn post(world: &World, path: &str, body: Value) -> Value {
    let seen = world.admin(&format!("POST /v1/organization/{path}"), body).await;
    assert_eq!(seen.status, 200, "{path}: {}", seen.text);
    seen.json()
}

async fn refused(world: &World, path: &str, body: Value) -> (u16, String) {
    world.admin(&format!("POST /v1/organization/{path}"), body).await.refusal()
}

#[tokio::test]
async fn a_credential_goes_in_and_never_comes_back() {
    let world = World::new().await;
    let body =
        json!({"name": "Main", "kind": "openai", "credential": "sk-upstream", "models": ["gpt-4o-mini"]});
    let made = post(&world, "providers", body.clone()).await;
    assert_eq!(made["base_url"], "https://api.openai.com/v1");
    assert_eq!(refused(&world, "providers", body).await, (409, "provider_name_taken".to_owned()));
    let bare = json!({"name": "other", "kind": "openai"});
    assert_eq!(refused(&world, "providers", bare).await, (400, "credential_required".to_owned()));
    let inside = json!({"name": "x", "kind": "openai", "base_url": "http://10.0.0.1/v1", "credential": "x"});
    assert_eq!(refused(&world, "providers", inside).await, (400, "address_not_allowed".to_owned()));
    let one = format!("providers/{}", made["id"].as_str().unwrap());
    let moved = json!({"base_url": "https://elsewhere.example/v1"});
    assert_eq!(refused(&world, &one, moved).await, (400, "credential_required".to_owned()));
    let moved = json!({"base_url": "https://elsewhere.example/v1", "credential": "sk-other", "models": null});
    assert_eq!(post(&world, &one, moved).await["models"], Value::Null);
    let grant = Grant::system(Task::Snapshot, Some(world.acme.organization_id));
    let opened =
        store::providers::providers_of(&world.control.store, &grant, &world.control.secrets).await.unwrap();
    assert_eq!(opened[0].1.as_ref().unwrap().reveal(), "sk-other");
    for path in [one.as_str(), "providers", "audit_events"] {
        let text = get(&world, path).await.to_string();
        assert!(!text.contains("sk-upstream") && !text.contains("sk-other"), "{path}");
    }
    let gone = world.admin(&format!("DELETE /v1/organization/{one}"), json!(null)).await.json();
    assert_eq!(gone["deleted"], true);
    assert_eq!(get(&world, "providers").await["data"], json!([]));
    assert_eq!(world.events("provider.updated").await, 1);
}

#[tokio::test]
async fn own_prices_stand_before_the_built_in_ones_and_files_are_read_exactly() {
    let world = World::new().await;
    let built_in = get(&world, "prices?model=gpt-4o-mini").await;
    assert_eq!(built_in["data"][0]["is_built_in"], true);
    let body = json!({"model": "gpt-4o-mini", "kind": "openai", "rates": {"input": 5, "output": 9}});
    let own = post(&world, "prices", body.clone()).await;
    assert_eq!(own["rates"]["cached_input"], 5);
    assert_eq!(refused(&world, "prices", body).await, (409, "price_exists".to_owned()));
    let past = json!({"model": "m", "rates": {"input": 1}, "effective_from": 1_000_000_000});
    assert_eq!(refused(&world, "prices", past).await, (400, "price_in_the_past".to_owned()));
    assert_eq!(get(&world, "prices?model=gpt-4o-mini").await["data"][0]["id"], own["id"]);
    let file = json!({"prices": {
        "a": {"litellm_provider": "openai", "input_cost_per_token": 1.25e-7, "output_cost_per_token": 2e-6},
        "b": {"litellm_provider": "vertex_ai", "input_cost_per_token": 1e-6},
    }});
    let imported = post(&world, "prices/import", file).await;
    assert_eq!(imported["data"][0]["rates"]["input"], 125_000_000);
    assert_eq!(imported["skipped"][0]["model"], "b");
    let first = get(&world, "prices?limit=1").await;
    let second = get(&world, &format!("prices?limit=1&after={}", first["next"].as_str().unwrap())).await;
    assert_ne!(first["data"][0]["id"], second["data"][0]["id"]);
}

#[tokio::test]
async fn an_allowance_tells_what_is_spent_and_left() {
    let world = World::new().await;
    let project =
        post(&world, "projects", json!({"name": "Support"})).await["id"].as_str().unwrap().to_owned();
    let scope = json!({"type": "project", "id": project});
    let body =
        json!({"scope": scope, "unit": "requests", "window": "lifetime", "amount": 5, "enforcement": "hard"});
    let made = post(&world, "allowances", body).await;
    assert_eq!((&made["spent"], &made["left"], &made["resets_at"]), (&json!(0), &json!(5), &json!(null)));
    call(&world, &project, 1, 0).await;
    let read = get(&world, &format!("allowances/{}", made["id"].as_str().unwrap())).await;
    assert_eq!((&read["spent"], &read["held"], &read["left"]), (&json!(1), &json!(0), &json!(4)));
    let wrong = |scope: Value, unit: &str, window: &str| json!({"scope": scope, "unit": unit, "window": window, "amount": 1});
    for (body, code) in [
        (wrong(scope.clone(), "apples", "day"), "invalid_unit"),
        (wrong(scope.clone(), "requests", "none"), "invalid_window"),
        (wrong(json!({"type": "galaxy"}), "requests", "day"), "invalid_scope"),
        (wrong(json!({"type": "model"}), "requests", "day"), "invalid_scope"),
    ] {
        assert_eq!(refused(&world, "allowances", body).await, (400, code.to_owned()));
    }
    let foreign = json!({"type": "project", "id": "proj_00000000000000000000000000"});
    assert_eq!(refused(&world, "allowances", wrong(foreign, "requests", "day")).await.0, 404);
    let model = wrong(json!({"type": "model", "id": "gpt-4o-mini"}), "tokens", "day");
    let model = post(&world, "allowances", model).await;
    assert_eq!((&model["scope"]["model"], &model["spent"]), (&json!("gpt-4o-mini"), &json!(18)));
    assert_eq!(get(&world, "allowances").await["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_spend_limit_is_an_allowance_in_cents() {
    let world = World::new().await;
    let project =
        post(&world, "projects", json!({"name": "Support"})).await["id"].as_str().unwrap().to_owned();
    for (path, object) in [
        ("spend_limit".to_owned(), "organization.spend_limit"),
        (format!("projects/{project}/spend_limit"), "project.spend_limit"),
    ] {
        let line = format!("/v1/organization/{path}");
        assert_eq!(world.admin(&format!("GET {line}"), json!(null)).await.refusal().0, 404);
        let body = json!({"threshold_amount": 1250, "currency": "USD", "interval": "month"});
        let made = post(&world, &path, body).await;
        assert_eq!((&made["object"], &made["threshold_amount"]), (&json!(object), &json!(1250)));
        assert_eq!(made["amount_nano_usd"], 12_500_000_000_i64);
        assert_eq!(made["enforcement"]["status"], "inactive");
        let changed = post(&world, &path, json!({"amount_nano_usd": 1, "interval": "day"})).await;
        assert_eq!((&changed["interval"], &changed["threshold_amount"]), (&json!("day"), &json!(0)));
        assert_eq!(get(&world, &path).await, changed);
        let gone = world.admin(&format!("DELETE {line}"), json!(null)).await.json();
        assert_eq!(gone, json!({"object": format!("{object}.deleted"), "deleted": true}));
        assert_eq!(refused(&world, &path, json!({"threshold_amount": 0})).await.1, "invalid_amount");
    }
}

#[tokio::test]
async fn usage_and_costs_have_every_bucket_and_exact_amounts() {
    let world = World::new().await;
    let project =
        post(&world, "projects", json!({"name": "Support"})).await["id"].as_str().unwrap().to_owned();
    let one = call(&world, &project, 1, 0).await;
    call(&world, &project, 2, 3 * 86_400).await;
    let day = one.call.admitted_at.unix_seconds() / 86_400 * 86_400;
    let range = format!("start_time={day}&end_time={}", day + 5 * 86_400);
    let usage = get(&world, &format!("usage/completions?{range}&limit=4&group_by[]=model")).await;
    assert_eq!((&usage["object"], usage["data"].as_array().unwrap().len()), (&json!("page"), 4));
    let result = &usage["data"][0]["results"][0];
    assert_eq!(result["object"], "organization.usage.completions.result");
    assert_eq!((&result["input_tokens"], &result["output_tokens"]), (&json!(11), &json!(7)));
    assert_eq!((&result["model"], &result["project_id"]), (&json!("gpt-4o-mini"), &json!(null)));
    assert_eq!(usage["data"][1]["results"], json!([]));
    let rest = format!("usage/completions?{range}&limit=4&page={}", usage["next_page"].as_str().unwrap());
    let rest = get(&world, &rest).await;
    assert_eq!((rest["data"].as_array().unwrap().len(), &rest["has_more"]), (1, &json!(false)));
    let line = format!("GET /v1/organization/costs?{range}&group_by=line_item&group_by=team");
    let seen = world.admin(&line, json!(null)).await;
    let amount = &seen.json()["data"][0]["results"][0]["amount"].clone();
    assert_eq!(amount["nano_usd"], one.settlement.cost.nano());
    assert!(seen.text.contains(&format!("\"value\":{}", one.settlement.cost)), "{}", seen.text);
    assert_eq!(seen.json()["data"][0]["results"][0]["team"], "Support");
    assert_eq!(get(&world, &format!("usage/embeddings?{range}")).await["data"][0]["results"], json!([]));
    for bad in ["", "start_time=1&group_by=colour", "start_time=1&bucket_width=2h", "start_time=1&page=x"] {
        let line = format!("GET /v1/organization/usage/completions?{bad}");
        assert_eq!(world.admin(&line, json!(null)).await.refusal().0, 400, "{bad}");
    }
    let foreign = format!("GET /v1/organization/costs?{range}&project_ids=proj_00000000000000000000000000");
    assert_eq!(world.admin(&foreign, json!(null)).await.refusal().0, 404);
}

#[tokio::test]
async fn single_records_are_newest_first_with_filters_and_cursor() {
    let world = World::new().await;
    let project =
        post(&world, "projects", json!({"name": "Support"})).await["id"].as_str().unwrap().to_owned();
    for n in 0..5 {
        call(&world, &project, n, n as i64).await;
    }
    let first = get(&world, "usage/records?limit=2").await;
    let cursor = first["last_id"].as_str().unwrap();
    let second = get(&world, &format!("usage/records?limit=5&after={cursor}")).await;
    assert_eq!((second["data"].as_array().unwrap().len(), &second["has_more"]), (3, &json!(false)));
    assert!(first["data"][0]["id"].as_str() > first["data"][1]["id"].as_str());
    assert_eq!(first["data"][0]["user"], "someone");
    assert_eq!(get(&world, "usage/records?user=nobody").await["data"], json!([]));
    let bad = world.admin("GET /v1/organization/usage/records?after=nonsense", json!(null)).await;
    assert_eq!(bad.refusal(), (400, "invalid_cursor".to_owned()));
    assert_eq!(store::verify::verify(&world.control.store).await.unwrap().difference_count, 0);
}

#[tokio::test]
async fn the_trail_is_read_in_both_shapes() {
    let world = World::new().await;
    let project =
        post(&world, "projects", json!({"name": "Support"})).await["id"].as_str().unwrap().to_owned();
    post(&world, &format!("projects/{project}"), json!({"name": "Support chat"})).await;
    world.admin(&format!("POST /v1/organization/projects/{project}/archive"), json!(null)).await;
    world.admin(&format!("POST /v1/organization/projects/{project}/restore"), json!(null)).await;
    let logs = get(&world, &format!("audit_logs?project_ids[]={project}")).await;
    let types: Vec<&str> =
        logs["data"].as_array().unwrap().iter().map(|log| log["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["project.archived", "project.updated", "project.created"]);
    let created = &logs["data"][2];
    assert_eq!(created["project.created"]["id"], json!(project));
    assert_eq!(created["project"]["name"], "Support chat");
    assert_eq!(created["actor"]["api_key"]["user"]["id"], json!(world.acme.user_id));
    let before = get(&world, &format!("audit_logs?before={}", created["id"].as_str().unwrap())).await;
    assert_eq!(before["data"][0]["type"], "project.archived");
    assert_eq!(before["data"].as_array().unwrap().len(), 2);
    let events = get(&world, &format!("audit_events?project_ids={project}&limit=1")).await;
    assert_eq!((&events["data"][0]["type"], &events["has_more"]), (&json!("project.restored"), &json!(true)));
    for (query, expected) in [("actor_emails[]=nobody@example.test", 0), ("event_types[]=project.created", 1)]
    {
        let logs = get(&world, &format!("audit_logs?{query}&project_ids={project}")).await;
        assert_eq!(logs["data"].as_array().unwrap().len(), expected, "{query}");
    }
    let now = world.control.now().unix_seconds();
    for (range, expected) in
        [(format!("gt]={now}"), 0), (format!("gte]={now}"), 3), (format!("lt]={now}"), 0)]
    {
        let logs = get(&world, &format!("audit_logs?project_ids={project}&effective_at[{range}")).await;
        assert_eq!(logs["data"].as_array().unwrap().len(), expected, "{range}");
    }
    let bad = world.admin("GET /v1/organization/audit_logs?after=nonsense", json!(null)).await;
    assert_eq!(bad.refusal().0, 400);
}

fn actor(
    world: &World,
    organization_role: OrganizationRole,
    project_roles: &[(ProjectId, ProjectRole)],
) -> Actor {
    let organization_id = world.acme.organization_id;
    let project_roles = project_roles.to_vec();
    Actor {
        user_id: world.acme.user_id,
        email: "somebody@example.test".to_owned(),
        credential: Credential::Session(SessionId::from_parts(world.control.now(), 1)),
        standing: Some(Standing::of_roles(organization_id, organization_role, &project_roles)),
        origin: Origin::default(),
    }
}

#[tokio::test]
async fn a_project_owner_limits_only_the_keys_of_their_project() {
    let world = World::new().await;
    let mut keys = Vec::new();
    for name in ["Mine", "Theirs"] {
        let project =
            post(&world, "projects", json!({"name": name})).await["id"].as_str().unwrap().to_owned();
        let key = post(&world, &format!("projects/{project}/api_keys"), json!({"name": "k"})).await;
        keys.push((project.parse::<ProjectId>().unwrap(), key["id"].as_str().unwrap().parse().unwrap()));
    }
    let owner = actor(&world, OrganizationRole::Member, &[(keys[0].0, ProjectRole::Owner)]);
    let target = Target::Organization(world.acme.organization_id);
    let grant = authorize(&owner, Permission::AllowanceManageKeys, target).unwrap();
    let limit = |level| NewAllowance {
        scope: Scope { level, model: None },
        unit: Unit::Requests,
        window: Window::Day,
        amount: 1,
        enforcement: Enforcement::Hard,
    };
    for (level, expected) in [
        (Level::ApiKey(keys[0].1), None),
        (Level::ApiKey(keys[1].1), Some(404)),
        (Level::Project(keys[0].0), Some(403)),
        (Level::Organization, Some(403)),
        (Level::User(world.acme.user_id), Some(403)),
    ] {
        let made = create_allowance(&world.control, &grant, limit(level)).await;
        assert_eq!(made.err().map(|failure| failure.status().as_u16()), expected, "{level:?}");
    }
    let whole =
        authorize(&actor(&world, OrganizationRole::Admin, &[]), Permission::AllowanceManage, target).unwrap();
    create_allowance(&world.control, &whole, limit(Level::Organization)).await.unwrap();
    let read = authorize(&owner, Permission::AllowanceRead, target).unwrap();
    let seen = store::allowances::allowances_of(&world.control.store, &read).await.unwrap();
    assert_eq!(seen.len(), 1, "the organization's allowance is not shown to a Project Owner");
}

#[tokio::test]
async fn finance_sees_costs_but_tells_no_keys_and_no_people_apart() {
    use store::usage::{Dimension, UsageQuery};
    let world = World::new().await;
    let finance = actor(&world, OrganizationRole::Finance, &[]);
    let target = Target::Organization(world.acme.organization_id);
    let grant = authorize(&finance, Permission::CostRead, target).unwrap();
    let by = |dimension| UsageQuery { group_by: vec![dimension], ..UsageQuery::default() };
    for (query, is_fine) in [
        (by(Dimension::Project), true),
        (by(Dimension::Model), true),
        (by(Dimension::ApiKey), false),
        (by(Dimension::User), false),
        (UsageQuery { api_key_ids: vec!["key".to_owned()], ..UsageQuery::default() }, false),
    ] {
        assert_eq!(control::usage::cost_grant(&finance, &grant, &query).is_ok(), is_fine, "{query:?}");
    }
}
