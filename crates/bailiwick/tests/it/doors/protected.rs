//! No field that a row does not say it takes has an effect, whatever other rows take or tell under its name.
//!
//! Two companies live through the same calls; in one of them every body also carries every other field that any schema
//! or form knows. Their answers and everything that they keep have to stay alike.

use std::collections::{BTreeMap, BTreeSet};

use domain::routes::Surface;
use serde_json::{Map, Value, json};

use super::aims::{Aim, aims, filled};
use super::alike::{Alike, difference};
use super::company::{BESIDE, Company};
use super::things::Relation;
use crate::rows::Rows;

/// One of the two companies.
struct Twin {
    company: Company,
    rows: Rows,
    alike: Alike,
}

impl Twin {
    async fn new() -> Self {
        let company = Company::new().await;
        let rows = Rows::open(&company.world.database).await;
        Self { company, rows, alike: Alike::default() }
    }

    /// Makes a line's call with a body made from the line's own, and tells the answer.
    async fn call(&mut self, aim: &Aim, body: impl Fn(&Company, String) -> String) -> String {
        let caller = self.company.one(aim.route.surface, aim.by).await;
        let values = self.company.values(aim, &caller, |_| Relation::Own).await;
        let path = filled(&aim.path, |name| values[name].clone());
        let own = filled(&aim.body, |name| values[name].clone());
        let body = body(&self.company, own);
        let answer = self.company.present(aim, &caller, path, body).await;
        assert!(matches!(answer.status, 200 | 303), "{}: {}", aim.name(), answer.body);
        self.company.forget(aim, Relation::Own).await;
        self.company.bring_back(aim).await;
        let told = self.alike.answer(&answer);
        // What is on its way meanwhile tells how often it was tried.
        if aim.route.path.contains("deliver") { told.lines().take(1).collect() } else { told }
    }

    /// Everything kept, comparable.
    async fn kept(&mut self) -> String {
        let mut text = String::new();
        let otherwise = ["last_used_at", "seen_at", "password_hash"];
        for (table, rows) in self.rows.all_but(&BESIDE, &otherwise).await {
            for row in rows {
                text += &format!("{table} {row}\n");
            }
        }
        self.alike.plain(&text)
    }
}

/// Every field that any schema of the document knows, with its schema.
fn known_fields(document: &Value) -> BTreeMap<String, Value> {
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let fields = schemas.values().filter_map(|schema| schema["properties"].as_object()).flatten();
    fields.map(|(name, schema)| (name.clone(), schema.clone())).collect()
}

/// A value that somebody would try who wants more than they were given.
fn tempting(company: &Company, name: &str, schema: &Value) -> Value {
    let acme = &company.world.acme;
    match name {
        "organization_id" => return json!(company.world.other.organization_id),
        "id" | "project_id" => return json!(company.another),
        "project_ids" => return json!([company.another]),
        "role" | "bailiwick_role" => return json!("owner"),
        "status" => return json!("active"),
        name if name.ends_with("owner_id") || name.ends_with("user_id") => return json!(acme.user_id),
        name if name.ends_with("owner_ids") || name.ends_with("user_ids") => return json!([acme.user_id]),
        _ => {}
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds[0].as_str().unwrap_or_default(),
        kind => kind.as_str().unwrap_or("object"),
    };
    match kind {
        "integer" | "number" => json!(1),
        "boolean" => json!(true),
        "array" => json!(["tempting"]),
        "object" => json!({}),
        _ => json!("tempting"),
    }
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let reference = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    let schema = reference.and_then(|pointer| document.pointer(pointer)).unwrap_or(schema);
    // What may be null is one of two; the other one says what it is.
    let parts = schema["anyOf"].as_array().into_iter().flatten();
    parts.map(|part| resolved(document, part)).find(|part| part["properties"].is_object()).unwrap_or(schema)
}

/// Adds every field that the schema does not have, to the body and to each object in it that has a schema of its own.
fn tempted(document: &Value, schema: &Value, body: &mut Value, added: &BTreeMap<String, Value>) {
    let schema = resolved(document, schema);
    let items = resolved(document, &schema["items"]);
    match body {
        Value::Array(list) => list.iter_mut().for_each(|item| tempted(document, items, item, added)),
        Value::Object(fields) if schema["additionalProperties"].is_null() => {
            let none = Map::new();
            let own = schema["properties"].as_object().unwrap_or(&none);
            for (name, value) in fields.iter_mut().filter(|(name, _)| own.contains_key(*name)) {
                tempted(document, &own[name], value, added);
            }
            let others = added.iter().filter(|(name, _)| !own.contains_key(*name));
            fields.extend(others.map(|(name, value)| (name.clone(), value.clone())));
        }
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_that_a_row_of_the_admin_api_does_not_take_have_no_effect() {
    let document = control::openapi(&gateway::routes::table());
    let known = known_fields(&document);
    assert!(known.len() > 100, "{} fields are known", known.len());
    let (mut plain, mut injected) = tokio::join!(Twin::new(), Twin::new());
    for aim in aims(Surface::Api).iter().filter(|aim| aim.is_write()) {
        let operation = &document["paths"][aim.route.path][aim.route.method.name().to_lowercase()];
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let body = |company: &Company, own: String| {
            let fields = known.iter().map(|(name, schema)| (name.clone(), tempting(company, name, schema)));
            let mut body = serde_json::from_str(&own).unwrap_or_else(|_| json!({}));
            tempted(&document, schema, &mut body, &fields.collect());
            body.to_string()
        };
        compare(aim, (&mut plain, &mut injected), body).await;
    }
}

async fn compare(
    aim: &Aim,
    (plain, injected): (&mut Twin, &mut Twin),
    body: impl Fn(&Company, String) -> String,
) {
    let (one, two) = tokio::join!(plain.call(aim, |_, own| own), injected.call(aim, body));
    let told = difference(&one, &two);
    assert!(
        told.is_none(),
        "{} answers otherwise with fields that it does not take:{}",
        aim.name(),
        told.unwrap()
    );
    let (one, two) = tokio::join!(plain.kept(), injected.kept());
    let kept = difference(&one, &two);
    assert!(
        kept.is_none(),
        "{} keeps otherwise with fields that it does not take:{}",
        aim.name(),
        kept.unwrap()
    );
}

/// The fields of each form on the console's pages, by the path of its row.
async fn forms(company: &Company) -> BTreeMap<&'static str, BTreeSet<String>> {
    let admin = company.one(Surface::Console, "admin").await;
    let mut forms: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
    let rows: Vec<Aim> = aims(Surface::Console);
    for aim in &rows {
        forms.entry(aim.route.path).or_default().extend(names_of(&aim.body));
    }
    for page in rows.iter().filter(|aim| !aim.is_write()) {
        let answer = company.send(page, &admin, |_| Relation::Own).await;
        for form in answer.body.as_str().unwrap_or_default().split("<form ").skip(1) {
            let form = form.split("</form>").next().unwrap_or_default();
            let action = attributes(form, "action").next().unwrap_or_default();
            let row = rows.iter().find(|aim| aim.is_write() && leads_to(action, aim.route.path));
            if let Some(row) = row {
                let names = attributes(form, "name").map(str::to_owned);
                forms.entry(row.route.path).or_default().extend(names);
            }
        }
    }
    forms
}

fn attributes<'a>(html: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let start = format!("{name}=\"");
    let values: Vec<&str> =
        html.split(start.as_str()).skip(1).filter_map(|rest| rest.split('"').next()).collect();
    values.into_iter()
}

fn leads_to(action: &str, path: &str) -> bool {
    let (action, path): (Vec<&str>, Vec<&str>) = (action.split('/').collect(), path.split('/').collect());
    action.len() == path.len()
        && action.iter().zip(&path).all(|(word, part)| word == part || part.starts_with('{'))
}

fn names_of(body: &str) -> Vec<String> {
    let pairs = body.strip_prefix('?').unwrap_or_default().split('&');
    pairs.filter_map(|pair| Some(pair.split_once('=')?.0.to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_that_a_form_of_the_console_does_not_have_have_no_effect() {
    let known = known_fields(&control::openapi(&gateway::routes::table()));
    let (mut plain, mut injected) = tokio::join!(Twin::new(), Twin::new());
    let (forms, other) = tokio::join!(forms(&plain.company), forms(&injected.company));
    assert_eq!(forms.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    let named: BTreeSet<&String> = known.keys().chain(forms.values().flatten()).collect();
    let is_tried = |aim: &&Aim| aim.is_write() && !aim.ends_sessions();
    for aim in aims(Surface::Console).iter().filter(is_tried) {
        let own = &forms[aim.route.path];
        // The names of some fields end in an id.
        let is_own = |name: &String| own.contains(name) || name.contains('.') || name == "csrf";
        let body = |company: &Company, body: String| {
            let values = named.iter().filter(|name| !is_own(name)).map(|name| {
                let value = tempting(company, name, known.get(*name).unwrap_or(&json!({"type": "string"})));
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                format!("{name}={text}")
            });
            let start = if body.is_empty() { "?".to_owned() } else { format!("{body}&") };
            format!("{start}{}", values.collect::<Vec<_>>().join("&"))
        };
        compare(aim, (&mut plain, &mut injected), body).await;
    }
}
