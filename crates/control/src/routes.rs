//! The table of the control plane: every row of the admin API and of the console, noun by noun.

use domain::routes::Route;

use crate::http::endpoint::Endpoint;

/// Every row with its handler. A route exists only here.
pub fn endpoints() -> Vec<Endpoint> {
    let nouns: Vec<Vec<Endpoint>> = vec![
        crate::organizations::api::endpoints(),
        crate::access::api::endpoints(),
        crate::members::api::endpoints(),
        crate::members::life_api::endpoints(),
        crate::handovers::api::endpoints(),
        crate::invites::api::endpoints(),
        crate::invites::project_invites::endpoints(),
        crate::roles::api::endpoints(),
        crate::roles::assignments_api::endpoints(),
        crate::groups::api::endpoints(),
        crate::groups::project_groups::endpoints(),
        crate::projects::api::endpoints(),
        crate::project_members::api::endpoints(),
        crate::service_accounts::api::endpoints(),
        crate::api_keys::api::endpoints(),
        crate::model_permissions::api::endpoints(),
        crate::admin_keys::api::endpoints(),
        crate::providers::api::endpoints(),
        crate::prices::api::endpoints(),
        crate::policy::api::endpoints(),
        crate::webhooks::api::endpoints(),
        crate::mails::api::endpoints(),
        crate::usage::api::endpoints(),
        crate::allowances::api::endpoints(),
        crate::audit::api::endpoints(),
        crate::approvals::api::endpoints(),
        crate::elevations::api::endpoints(),
        crate::project_requests::api::endpoints(),
        crate::changes::api::endpoints(),
        crate::reviews::api::endpoints(),
        crate::projects::console::endpoints(),
        crate::projects::overview_console::endpoints(),
        crate::project_members::console::endpoints(),
        crate::project_members::roles_console::endpoints(),
        crate::api_keys::console::endpoints(),
        crate::model_permissions::console::endpoints(),
        crate::service_accounts::console::endpoints(),
        crate::admin_keys::console::endpoints(),
        crate::usage::console::endpoints(),
        crate::allowances::console::endpoints(),
        crate::providers::console::endpoints(),
        crate::prices::console::endpoints(),
        crate::accounts::console::endpoints(),
        crate::accounts::own_console::endpoints(),
        crate::accounts::links_console::endpoints(),
        crate::organizations::console::endpoints(),
        crate::organizations::life_console::endpoints(),
        crate::organizations::overview_console::endpoints(),
        crate::audit::console::endpoints(),
        crate::approvals::console::endpoints(),
        crate::policy::console::endpoints(),
        crate::webhooks::console::endpoints(),
        crate::mails::console::endpoints(),
        crate::elevations::console::endpoints(),
        crate::project_requests::console::endpoints(),
        crate::raises::console::endpoints(),
        crate::changes::console::endpoints(),
        crate::reviews::console::endpoints(),
        crate::invites::console::endpoints(),
        crate::members::console::endpoints(),
        crate::members::life_console::endpoints(),
        crate::handovers::console::endpoints(),
        crate::roles::console::endpoints(),
        crate::groups::console::endpoints(),
        crate::access::console::endpoints(),
    ];
    nouns.into_iter().flatten().collect()
}

/// Every row without its handler, for documents and tests.
pub fn routes() -> Vec<Route> {
    endpoints().into_iter().map(|endpoint| endpoint.route).collect()
}
