//! What is somebody else's and what never was are told alike, wherever an id can be put: path, query, body, header.

use std::collections::{BTreeMap, BTreeSet};

use domain::routes::Surface;
use serde_json::Value;

use super::aims::{Aim, aims, filled, things_in};
use super::alike::difference;
use super::callers::{Caller, sign};
use super::company::Company;
use super::things::{Relation, is_link, is_of_project, is_person, is_related, unknown};
use crate::server::Answer;

/// An answer as far as it may not tell one unknown thing from another: without the id that was sent, the request's
/// own id and the time.
fn told(answer: &Answer, id: &str) -> String {
    let mut headers: Vec<String> = answer
        .headers
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "x-request-id" | "date"))
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    headers.sort();
    let body = match &answer.body {
        Value::String(text) => text.clone(),
        json => json.to_string(),
    };
    let text = format!("{}\n{}\n{body}", answer.status, headers.join("\n")).replace(id, "THE-ID");
    let request_id = answer.headers.get("x-request-id").and_then(|value| value.to_str().ok());
    request_id.map_or(text.clone(), |request_id| text.replace(request_id, "THE-REQUEST"))
}

/// Ids that nobody was given: one made at the same moment as the real one, and one of long ago. To a list a cursor is a
/// place in the order of ids, so only the former stands in its query.
fn never_made(aim: &Aim, name: &str, real: &str) -> Vec<String> {
    let ancient = unknown(name);
    let last = if real.ends_with('0') { '1' } else { '0' };
    let twin = format!("{}{last}", &real[..real.len() - 1]);
    if !aim.is_write() && things_in(&aim.body).contains(&name.to_owned()) {
        return vec![twin];
    }
    if ancient.len() == real.len() && name != "slug" && name != "model" {
        vec![ancient, twin]
    } else {
        vec![twin]
    }
}

/// How often two answers are compared: a mail that leaves between them makes a list differ once, not every time.
const TRIES: usize = 3;

/// One thing of a line replaced by somebody else's, and by what never was.
async fn compare(company: &Company, aim: &Aim, caller: &Caller, name: &str, real: &str) -> Vec<String> {
    let own = company.values(aim, caller, |_| Relation::Own).await;
    let mut wrong = Vec::new();
    for body in bodies(aim, name) {
        let aim = Aim { body, ..aim.clone() };
        let ask = async |id: &str| {
            let mut values = own.clone();
            values.insert(name.to_owned(), id.to_owned());
            company.send_with(&aim, caller, &values).await
        };
        for id in never_made(&aim, name, real) {
            let mut found = None;
            for _ in 0..TRIES {
                let answer = ask(real).await;
                if aim.is_write() && sign(&aim, &answer) == '+' {
                    found = Some("took what is of somebody else".to_owned());
                    break;
                }
                found = difference(&told(&answer, real), &told(&ask(&id).await, &id));
                if found.is_none() {
                    break;
                }
            }
            let said = |what| format!("{} as {}, ${name} {real} and {id}: {what}", aim.name(), caller.name);
            wrong.extend(found.map(said));
        }
    }
    company.bring_back(aim).await;
    wrong
}

/// The body of the line and, for an id in the path, one that is wrong: it must not matter which is judged first.
fn bodies(aim: &Aim, name: &str) -> Vec<String> {
    let mut bodies = vec![aim.body.clone()];
    if aim.body.starts_with('{') && things_in(&aim.path).contains(&name.to_owned()) {
        bodies.push("[]".to_owned());
    }
    bodies
}

async fn compare_all(surface: Surface) {
    let company = Company::new().await;
    let callers = company.callers(surface).await;
    let mut wrong = Vec::new();
    let mut compared = 0;
    for aim in aims(surface).iter().filter(|aim| !aim.ends_sessions()) {
        for caller in
            callers.iter().filter(|caller| ["member", "owner", "auditor", "admin"].contains(&caller.name))
        {
            for name in aim.things().into_iter().filter(|name| is_related(name) && !is_link(name)) {
                // Another project of the organization is as foreign to those who work in one; but people who work in
                // it belong to the organization, so an owner may name them.
                let is_named = is_person(&name) && (aim.is_naming || things_in(&aim.body).contains(&name));
                let is_bounded =
                    is_of_project(&name) && !is_named && ["member", "owner"].contains(&caller.name);
                let strange = if is_bounded {
                    vec![Relation::Foreign, Relation::Another]
                } else {
                    vec![Relation::Foreign]
                };
                for relation in strange {
                    let relation = if name == "slug" { Relation::Away } else { relation };
                    let real = company.thing(&name, relation, caller).await;
                    if !real.is_empty() {
                        wrong.extend(compare(&company, aim, caller, &name, &real).await);
                        compared += 1;
                    }
                }
            }
        }
    }
    assert!(compared > 100, "only {compared} pairs were compared");
    assert!(wrong.is_empty(), "{} of {compared} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_admin_api_tells_foreign_and_unknown_ids_alike() {
    compare_all(Surface::Api).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_console_tells_foreign_and_unknown_ids_alike() {
    compare_all(Surface::Console).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gateway_tells_foreign_and_unknown_models_alike() {
    let company = Company::new().await;
    let callers = company.callers(Surface::Gateway).await;
    let mut wrong = Vec::new();
    for aim in aims(Surface::Gateway).iter().filter(|aim| aim.things().contains(&"model".to_owned())) {
        for caller in
            callers.iter().filter(|caller| ["member", "narrow-key", "account"].contains(&caller.name))
        {
            for model in ["foreign-model", "walled-model"] {
                wrong.extend(compare(&company, aim, caller, "model", model).await);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_header_that_names_a_foreign_organization_says_no_more_than_one_that_names_none() {
    let company = Company::new().await;
    let (acme, other) = (&company.world.acme, &company.world.other.organization_id);
    let browser = company.world.browser(&acme.user_id).await;
    let unknown = format!("{}{}", &other[..other.len() - 1], if other.ends_with('0') { '1' } else { '0' });
    for credential in [("authorization", format!("Bearer {}", acme.admin_key)), ("cookie", browser.cookie)] {
        let mut answers = Vec::new();
        for organization in [other, &unknown] {
            let headers = [credential.clone(), ("openai-organization", organization.clone())];
            let answer = company.world.server.send("GET", "/v1/organization", &headers, String::new()).await;
            assert!([401, 404].contains(&answer.status), "{}", answer.body);
            answers.push(told(&answer, organization));
        }
        assert_eq!(answers[0], answers[1]);
    }
}

/// Every id that a row takes in its body or its query stands on a line, so that the tests above put a foreign one there.
#[test]
fn every_id_in_a_body_or_a_query_is_aimed_at() {
    let document = control::openapi(&gateway::routes::table());
    let mut lines: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for aim in aims(Surface::Api) {
        let row = (aim.route.path.to_owned(), aim.route.method.name().to_lowercase());
        lines.entry(row).or_default().extend(set_fields(&aim));
    }
    let mut missing = Vec::new();
    for ((path, method), fields) in &lines {
        let operation = &document["paths"][path][method];
        let mut ids = BTreeSet::new();
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        ids_of(&document, body, "", &mut ids);
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let names =
            parameters.filter(|parameter| parameter["in"] == "query").map(|parameter| &parameter["name"]);
        let names = names.filter_map(Value::as_str);
        ids.extend(names.filter(|name| is_id(name) || ["after", "before"].contains(name)).map(str::to_owned));
        missing
            .extend(ids.difference(fields).map(|field| format!("{} {path}: {field}", method.to_uppercase())));
    }
    assert!(missing.is_empty(), "add lines to aims.txt in which these are set:\n{}", missing.join("\n"));
}

fn is_id(name: &str) -> bool {
    name == "id" || name.ends_with("_id") || name.ends_with("_ids")
}

/// The dotted names of what a line sets in its body or query.
fn set_fields(aim: &Aim) -> BTreeSet<String> {
    let mut fields = BTreeSet::new();
    if let Some(pairs) = aim.body.strip_prefix('?') {
        fields.extend(pairs.split('&').filter_map(|pair| Some(pair.split_once('=')?.0.to_owned())));
    } else if !aim.body.is_empty() {
        let body: Value = serde_json::from_str(&filled(&aim.body, |_| "0".to_owned()))
            .unwrap_or_else(|error| panic!("{}: {error}", aim.name()));
        names_in(&body, "", &mut fields);
    }
    fields
}

fn names_in(value: &Value, above: &str, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                names.insert(format!("{above}{name}"));
                names_in(value, &format!("{above}{name}."), names);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| names_in(item, above, names)),
        _ => {}
    }
}

/// The dotted names of the ids in a schema.
fn ids_of(document: &Value, schema: &Value, above: &str, ids: &mut BTreeSet<String>) {
    let reference = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    let schema = reference.and_then(|pointer| document.pointer(pointer)).unwrap_or(schema);
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if is_id(name) {
            ids.insert(format!("{above}{name}"));
        }
        ids_of(document, property, &format!("{above}{name}."), ids);
    }
    ids_of_parts(document, schema, above, ids);
}

fn ids_of_parts(document: &Value, schema: &Value, above: &str, ids: &mut BTreeSet<String>) {
    if schema["items"].is_object() {
        ids_of(document, &schema["items"], above, ids);
    }
    for part in schema["anyOf"].as_array().into_iter().flatten() {
        ids_of(document, part, above, ids);
    }
}
