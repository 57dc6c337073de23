//! The commands that are clients of the admin API, through the executable.

use std::process::Output;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::server::BAILIWICK;
use crate::world::{World, text_of};

/// Runs a command against the world's server with an admin key.
async fn run(world: &World, key: &str, words: &[&str]) -> Output {
    let mut command = Command::new(BAILIWICK);
    command.args(words).env("BAILIWICK_SERVER", &world.server.url).env("BAILIWICK_ADMIN_KEY", key);
    command.output().await.unwrap()
}

/// What a command that has to succeed prints for people.
async fn said(world: &World, words: &[&str]) -> String {
    let output = run(world, &world.acme.admin_key, words).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{words:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// What it prints for programs.
async fn json_of(world: &World, words: &[&str]) -> Value {
    let words: Vec<&str> = words.iter().copied().chain(["--json"]).collect();
    serde_json::from_str(&said(world, &words).await).unwrap()
}

/// What a command that has to fail says, and that it says it on standard error alone.
async fn refused(world: &World, key: &str, words: &[&str]) -> String {
    let output = run(world, key, words).await;
    assert_eq!(output.status.code(), Some(1), "{words:?}");
    assert!(output.stdout.is_empty(), "{words:?}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn access_is_explained_on_the_command_line() {
    let world = World::new().await;
    let project = world.project("Support").await;
    let worker = world.person(&world.acme, "worker@acme.test", "member", Some((&project, "member"))).await;
    let explain =
        ["access", "explain", "--principal", "worker@acme.test", "--resource", &project, "--permission"];
    let ask = |permission: &'static str| explain.iter().copied().chain([permission]).collect::<Vec<_>>();
    let yes = said(&world, &ask("project.read")).await;
    let first = "Yes: in the project Support worker may see a project and its settings, as Member.\n";
    assert!(yes.starts_with(first), "{yes}");
    assert!(yes.contains("  Member in Support, given by admin@acme.test on 20"), "{yes}");
    let no = said(&world, &ask("project.update")).await;
    assert!(no.starts_with("No: "), "{no}");
    assert!(no.contains("  roles that give it: Admin (organization), Project Owner (project)\n"), "{no}");
    assert!(no.contains("  who can give them: admin@acme.test\n"), "{no}");
    let told = json_of(&world, &ask("project.update")).await;
    assert_eq!((&told["allowed"], &told["principal"]["id"]), (&json!(false), &json!(worker.user_id)));
    let who = said(&world, &["access", "project", &project]).await;
    let lines: Vec<&str> = who.lines().collect();
    assert!(lines[0].starts_with("NAME") && lines.len() == 3, "{who}");
    assert!(lines[2].contains("worker@acme.test") && lines[2].contains("manages own keys"), "{who}");
    let sight = said(&world, &["access", "member", &worker.user_id]).await;
    assert!(
        sight.starts_with("worker (worker@acme.test)\nin the organization: sees the organization\n"),
        "{sight}"
    );
    assert!(sight.contains("Support"), "{sight}");
    let mine = run(&world, &worker.admin_key, &["access", "member", "--json"]).await;
    let mine: Value = serde_json::from_slice(&mine.stdout).unwrap();
    assert_eq!(mine["projects"]["data"][0]["id"], project);
    let refusal = refused(&world, &worker.admin_key, &["access", "member", &world.acme.user_id]).await;
    assert!(refusal.contains("access.read"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_nouns_are_listed_shown_and_made_on_the_command_line() {
    let world = World::new().await;
    assert!(said(&world, &["org", "show"]).await.contains("Acme"));
    assert_eq!(json_of(&world, &["org", "rename", "Acme 2"]).await["name"], "Acme 2");
    assert_eq!(said(&world, &["project", "list"]).await, "nothing\n");
    let create = ["project", "create", "Support", "--environment", "staging", "--team", "Shop"];
    let project = text_of(&json_of(&world, &create).await, "id");
    for n in 0..120 {
        world.project(&format!("Project {n}")).await;
    }
    let list = json_of(&world, &["project", "list"]).await;
    assert_eq!(
        (list["data"].as_array().unwrap().len(), &list["has_more"]),
        (121, &json!(false)),
        "page by page"
    );
    let few = said(&world, &["project", "list", "--limit", "2"]).await;
    assert!(few.contains("staging") && few.ends_with("(more follow; raise --limit)\n"), "{few}");
    assert_eq!(json_of(&world, &["project", "archive", &project]).await["status"], "archived");
    assert_eq!(json_of(&world, &["project", "restore", &project]).await["status"], "active");
    assert!(said(&world, &["project", "show", &project]).await.contains("Shop"));
    let invite = json_of(&world, &["member", "invite", "new@acme.test", "--project", &project]).await;
    assert!(invite["url"].as_str().unwrap().contains("/invites/"), "{invite}");
    let person = world.person(&world.acme, "person@acme.test", "member", None).await;
    let role = json_of(&world, &["member", "role", &person.user_id, "finance"]).await;
    assert_eq!(role["bailiwick_role"], "finance");
    assert!(said(&world, &["member", "list"]).await.contains("person@acme.test"));
    assert!(said(&world, &["member", "show", &person.user_id]).await.contains("finance"));
    let key = json_of(&world, &["key", "create", &project, "app", "--model", "sim-small"]).await;
    let id = text_of(&key, "id");
    assert!(key["value"].as_str().unwrap().starts_with("sk-proj-bw"), "{key}");
    let listed = said(&world, &["key", "list", &project]).await;
    assert!(listed.contains(&id) && !listed.contains(key["value"].as_str().unwrap()), "{listed}");
    let rotated = json_of(&world, &["key", "rotate", &project, &id, "--overlap", "60"]).await;
    assert!(rotated["value"] != key["value"] && rotated["id"] == key["id"]);
    for (act, status) in [("disable", "disabled"), ("enable", "active")] {
        assert_eq!(json_of(&world, &["key", act, &project, &id]).await["status"], status);
    }
    assert_eq!(json_of(&world, &["key", "revoke", &project, &id]).await["deleted"], true);
    assert_eq!(json_of(&world, &["member", "remove", &person.user_id]).await["deleted"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn usage_is_told_on_the_command_line_to_the_nano_dollar() {
    let world = World::new().await;
    let project = world.project("Support").await;
    world.admin("POST", "/v1/organization/providers", json!({"name": "sim", "kind": "simulated"})).await;
    let key = json_of(&world, &["key", "create", &project, "app"]).await;
    let body =
        json!({"model": "sim-large", "max_tokens": 4, "messages": [{"role": "user", "content": "hi"}]});
    let secret = key["value"].as_str().unwrap();
    world.server.ok("POST", "/v1/chat/completions", secret, Some(&body)).await;
    let mut records = Value::Null;
    for _ in 0..50 {
        records = json_of(&world, &["usage", "records", "--project", &project]).await;
        if !records["data"].as_array().unwrap().is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let cost = records["data"][0]["cost_nano_usd"].as_i64().unwrap();
    assert!(cost > 0, "{records}");
    assert!(said(&world, &["usage", "records"]).await.contains("sim-large"));
    let costs = said(&world, &["usage", "costs", "--days", "2"]).await;
    let line = costs.lines().find(|line| line.starts_with(&project)).unwrap_or_else(|| panic!("{costs}"));
    let dollars = format!("0.{cost:09}");
    assert!(line.ends_with(dollars.trim_end_matches('0')), "{line} is not {dollars}");
    assert!(said(&world, &["usage", "costs", "--by", "line_item"]).await.contains("sim-large"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_done_is_said_on_standard_error() {
    let world = World::new().await;
    let none = refused(&world, "", &["org", "show"]).await;
    assert!(none.contains("BAILIWICK_ADMIN_KEY"), "{none}");
    let wrong = refused(&world, "sk-admin-bwnonsense", &["org", "show"]).await;
    assert!(wrong.contains("Incorrect API key"), "{wrong}");
    let absent =
        refused(&world, &world.acme.admin_key, &["project", "show", "proj_01jd0000000000000000000000"]).await;
    assert!(absent.contains("No such project."), "{absent}");
    let elsewhere = refused(&world, &world.acme.admin_key, &["project", "show", "../users"]).await;
    assert!(elsewhere.contains("not an id"), "{elsewhere}");
    let away = refused(&world, "sk-admin-x", &["org", "show", "--server", "http://127.0.0.1:9"]).await;
    assert!(away.contains("http://127.0.0.1:9 cannot be reached"), "{away}");
    let flags = ["org", "show", "--admin-key", &world.acme.admin_key, "--server", &world.server.url];
    assert!(run(&world, "sk-admin-wrong", &flags).await.status.success(), "flags win over the environment");
}
