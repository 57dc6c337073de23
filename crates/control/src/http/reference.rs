//! The readable reference at `/docs`: one page, without scripts, made from the tables.

use domain::routes::{Access, Route, Surface};
use schemars::SchemaGenerator;
use serde_json::Value;

use super::endpoint::{Endpoint, SchemaOf};
use super::failure::escape;
use super::openapi::permission;

const STYLE: &str = "body{font:16px/1.55 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;\
     color:#1b1f24;background:#fff}code{font:14px ui-monospace,monospace}h2{margin-top:2.5rem;font-size:1.05rem}\
     h2 b{display:inline-block;min-width:4.2rem}table{border-collapse:collapse;width:100%;font-size:.92rem}\
     td,th{text-align:left;padding:.3rem .6rem .3rem 0;border-bottom:1px solid #8884;vertical-align:top}\
     p.note{color:#57606a;font-size:.9rem;margin:.2rem 0}@media(prefers-color-scheme:dark){body{color:#e6edf3;\
     background:#0d1117}p.note{color:#9198a1}}";

const INTRODUCTION: &str = "<h1>Bailiwick API</h1><p>The admin API speaks the wire format of OpenAI's \
     Administration API under <code>/v1/organization</code>; send an admin key as <code>Authorization: Bearer \
     sk-admin-…</code>. Errors have the form <code>{\"error\":{\"message\",\"type\",\"param\",\"code\"}}</code>; every \
     answer carries <code>x-request-id</code>. A create with the same <code>Idempotency-Key</code> within a day has \
     one effect. Machine-readable: <a href=\"/openapi.json\">openapi.json</a>.</p>";

/// The whole page.
pub(super) fn page(endpoints: &[Endpoint], gateway: &[Route]) -> String {
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>Bailiwick API</title><style>{STYLE}</style></head><body>{INTRODUCTION}"
    );
    for endpoint in endpoints.iter().filter(|endpoint| endpoint.route.surface == Surface::Api) {
        html.push_str(&heading(&endpoint.route));
        html.push_str(&fields("Query", endpoint.query));
        html.push_str(&fields("Body", endpoint.body));
        html.push_str(&fields("Answer", endpoint.answer));
    }
    for route in gateway {
        html.push_str(&heading(route));
    }
    html.push_str("</body></html>");
    html
}

fn heading(route: &Route) -> String {
    let needs = match route.access {
        Access::Public => "Open to anyone.".to_owned(),
        Access::ProjectKey => "Needs a project key.".to_owned(),
        access => permission(access)
            .map_or("Needs someone signed in.".to_owned(), |name| format!("Needs <code>{name}</code>.")),
    };
    let audited =
        route.audit.map(|verb| format!(" Audited as <code>{}</code>.", verb.name())).unwrap_or_default();
    format!(
        "<h2 id=\"{operation}\"><b>{method}</b> <code>{path}</code></h2><p>{summary}</p><p class=\"note\">{needs}{audited}</p>",
        operation = route.operation,
        method = route.method.name(),
        path = escape(route.path),
        summary = escape(route.summary),
    )
}

fn fields(title: &str, schema: Option<SchemaOf>) -> String {
    let Some(schema) = schema else { return String::new() };
    let mut generator = SchemaGenerator::default();
    let reference = schema(&mut generator).to_value();
    let name = reference.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
    let resolved = name.and_then(|name| generator.definitions().get(name)).unwrap_or(&reference);
    let Some(properties) = resolved["properties"].as_object() else { return String::new() };
    let rows: String = properties.iter().map(|(name, schema)| row(name, schema)).collect();
    format!("<table><tr><th>{title}</th><th>Type</th><th>Meaning</th></tr>{rows}</table>")
}

fn row(name: &str, schema: &Value) -> String {
    let kind = match (&schema["type"], &schema["$ref"]) {
        (Value::String(kind), _) => kind.clone(),
        (Value::Array(kinds), _) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        (_, Value::String(path)) => path.rsplit('/').next().unwrap_or_default().to_owned(),
        _ => "object".to_owned(),
    };
    let description = schema["description"].as_str().unwrap_or_default();
    format!("<tr><td><code>{name}</code></td><td>{kind}</td><td>{}</td></tr>", escape(description))
}
