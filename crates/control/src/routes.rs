//! The table of the control plane: every row of the admin API and of the console, noun by noun.

use domain::routes::Route;

use crate::http::endpoint::Endpoint;

/// Every row with its handler. A route exists only here.
pub fn endpoints() -> Vec<Endpoint> {
    let nouns: Vec<Vec<Endpoint>> = vec![];
    nouns.into_iter().flatten().collect()
}

/// Every row without its handler, for documents and tests.
pub fn routes() -> Vec<Route> {
    endpoints().into_iter().map(|endpoint| endpoint.route).collect()
}
