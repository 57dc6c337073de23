//! The OpenAPI 3.1 document, made from the tables.

use domain::routes::{Access, Method, Route, Surface};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::endpoint::Endpoint;

/// The document of the admin API's rows and of the gateway's.
pub fn document(endpoints: &[Endpoint], gateway: &[Route]) -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    let mut generator = settings.into_generator();
    let mut paths = Map::new();
    for endpoint in endpoints.iter().filter(|endpoint| endpoint.route.surface == Surface::Api) {
        let operation = operation(endpoint, &mut generator);
        insert(&mut paths, &endpoint.route, operation);
    }
    for route in gateway {
        insert(&mut paths, route, bare(route));
    }
    let mut schemas = generator.take_definitions(true);
    schemas.insert("Error".to_owned(), error_schema());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Bailiwick", "version": env!("CARGO_PKG_VERSION"),
            "description": "Who may use which models, with whose key, up to what amount, and which team the money belongs to.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "adminKey": {"type": "http", "scheme": "bearer", "description": "An admin key: sk-admin-…"},
                "projectKey": {"type": "http", "scheme": "bearer", "description": "A project key: sk-proj-… or sk-svc-…"},
            },
        },
    })
}

fn insert(paths: &mut Map<String, Value>, route: &Route, operation: Value) {
    let path = paths.entry(route.path).or_insert_with(|| json!({}));
    if let Some(methods) = path.as_object_mut() {
        methods.insert(route.method.name().to_lowercase(), operation);
    }
}

/// What every row says of itself.
fn bare(route: &Route) -> Value {
    let mut operation = json!({
        "operationId": route.operation,
        "summary": route.summary,
        "parameters": path_parameters(route.path),
        "responses": {
            "200": {"description": "Done."},
            "default": {
                "description": "Refused or failed.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            },
        },
        "security": security(route.access),
    });
    if let Some(permission) = permission(route.access) {
        operation["x-permission"] = json!(permission);
    }
    if let Some(verb) = route.audit {
        operation["x-audit-event"] = json!(verb.name());
    }
    operation
}

fn operation(endpoint: &Endpoint, generator: &mut SchemaGenerator) -> Value {
    let mut operation = bare(&endpoint.route);
    if let Some(schema) = endpoint.answer {
        operation["responses"]["200"]["content"] = json!({"application/json": {"schema": schema(generator)}});
    }
    if let Some(schema) = endpoint.body {
        operation["requestBody"] = json!({
            "required": endpoint.route.method == Method::Post,
            "content": {"application/json": {"schema": schema(generator)}},
        });
    }
    if let Some(schema) = endpoint.query {
        let schema = schema(generator).to_value();
        let parameters = query_parameters(&resolved(&schema, generator));
        if let Some(list) = operation["parameters"].as_array_mut() {
            list.extend(parameters);
        }
    }
    operation
}

/// Follows a reference to the definition that it names.
fn resolved(schema: &Value, generator: &SchemaGenerator) -> Value {
    let name = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
    name.and_then(|name| generator.definitions().get(name)).unwrap_or(schema).clone()
}

fn query_parameters(schema: &Value) -> Vec<Value> {
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties
        .map(|(name, schema)| {
            let is_required = required.contains(&name.as_str());
            let description = schema.get("description").cloned().unwrap_or_default();
            json!({"name": name, "in": "query", "required": is_required, "description": description, "schema": schema})
        })
        .collect()
}

fn path_parameters(path: &str) -> Vec<Value> {
    let names = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    names
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect()
}

fn security(access: Access) -> Value {
    match access {
        Access::Public => json!([]),
        Access::ProjectKey => json!([{"projectKey": []}]),
        Access::Account | Access::Organization(_) | Access::Project(_) => json!([{"adminKey": []}]),
    }
}

/// The name of the permission that a row asks for.
pub(super) fn permission(access: Access) -> Option<&'static str> {
    match access {
        Access::Organization(permission) | Access::Project(permission) => Some(permission.name()),
        Access::Public | Access::Account | Access::ProjectKey => None,
    }
}

fn error_schema() -> Value {
    json!({
        "type": "object", "required": ["error"],
        "properties": {"error": {
            "type": "object", "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string", "description": "One sentence that says what to do."},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"], "description": "The field it is about."},
                "code": {"type": ["string", "null"], "description": "The stable cause."},
            },
        }},
    })
}
