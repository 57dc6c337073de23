//! One row of the table: what it is, who may use it, what it takes and gives, and its handler.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use domain::audit::Verb;
use domain::organizations::Feature;
use domain::routes::{Access, Method, Route, Surface};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::answer::Answer;
use super::call::Call;
use super::failure::Failure;

/// What a handler returns.
pub type Answering = Pin<Box<dyn Future<Output = Result<Answer, Failure>> + Send>>;
/// A handler as the dispatcher calls it.
pub type Handler = Arc<dyn Fn(Call) -> Answering + Send + Sync>;
/// How a row's schema is made.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// One row with its handler.
#[derive(Clone)]
pub struct Endpoint {
    /// The row.
    pub route: Route,
    /// The schema of its JSON body.
    pub body: Option<SchemaOf>,
    /// The schema of its query string.
    pub query: Option<SchemaOf>,
    /// The schema of its answer.
    pub answer: Option<SchemaOf>,
    /// What runs.
    pub handler: Handler,
}

/// A row without its handler yet.
#[derive(Clone, Copy)]
pub struct Draft {
    route: Route,
    body: Option<SchemaOf>,
    query: Option<SchemaOf>,
    answer: Option<SchemaOf>,
}

/// A row of the JSON API; for anyone signed in until `needs` says otherwise.
pub fn api(method: Method, path: &'static str, operation: &'static str, summary: &'static str) -> Draft {
    draft(Surface::Api, method, path, operation, summary)
}

/// A row of the console: a page, or a form that changes something.
pub fn page(method: Method, path: &'static str, operation: &'static str, summary: &'static str) -> Draft {
    draft(Surface::Console, method, path, operation, summary)
}

fn draft(
    surface: Surface,
    method: Method,
    path: &'static str,
    operation: &'static str,
    summary: &'static str,
) -> Draft {
    let route = Route {
        method,
        path,
        operation,
        summary,
        surface,
        access: Access::Account,
        audit: None,
        feature: None,
    };
    Draft { route, body: None, query: None, answer: None }
}

fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

impl Draft {
    /// Who may come through.
    #[must_use]
    pub fn needs(mut self, access: Access) -> Self {
        self.route.access = access;
        self
    }

    /// What a success writes into the audit trail.
    #[must_use]
    pub fn audited(mut self, verb: Verb) -> Self {
        self.route.audit = Some(verb);
        self
    }

    /// The feature it belongs to.
    #[must_use]
    pub fn part_of(mut self, feature: Feature) -> Self {
        self.route.feature = Some(feature);
        self
    }

    /// The JSON body it takes.
    #[must_use]
    pub fn body<T: JsonSchema>(mut self) -> Self {
        self.body = Some(schema_of::<T>);
        self
    }

    /// The query string it takes.
    #[must_use]
    pub fn query<T: JsonSchema>(mut self) -> Self {
        self.query = Some(schema_of::<T>);
        self
    }

    /// The JSON it answers.
    #[must_use]
    pub fn answer<T: JsonSchema>(mut self) -> Self {
        self.answer = Some(schema_of::<T>);
        self
    }

    /// Completes the row with its handler.
    pub fn to<H, F>(self, handler: H) -> Endpoint
    where
        H: Fn(Call) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Answer, Failure>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |call| Box::pin(handler(call)));
        Endpoint { route: self.route, body: self.body, query: self.query, answer: self.answer, handler }
    }
}
