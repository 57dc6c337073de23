//! The tables of both planes, joined: for people, for documents, for tests.

use std::fmt::Write as _;

use domain::routes::{Access, Route};

/// Every row of both tables.
pub fn all() -> Vec<Route> {
    let control = control::routes::endpoints().into_iter().map(|endpoint| endpoint.route);
    control.chain(gateway::routes::table()).collect()
}

/// The table as text: method, path, who may, what is written down.
pub fn printed() -> String {
    let mut routes = all();
    routes.sort_by_key(|route| (route.path, route.method));
    let mut text = String::new();
    for route in routes {
        let access = match route.access {
            Access::Public => "public".to_owned(),
            Access::Account => "signed in".to_owned(),
            Access::Organization(permission) => format!("organization {permission}"),
            Access::Project(permission) => format!("project {permission}"),
            Access::ProjectKey => "project key".to_owned(),
        };
        let audit = route.audit.map_or("-", domain::audit::Verb::name);
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{:<7}{:<88} {access:<40} {audit}", route.method.name(), route.path);
    }
    text.trim_end().to_owned()
}

/// The OpenAPI document of both tables.
pub fn openapi() -> String {
    let document = control::openapi(&gateway::routes::table());
    serde_json::to_string_pretty(&document).unwrap_or_default()
}
