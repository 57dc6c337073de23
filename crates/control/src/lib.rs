//! The control plane: the admin API and the console, made from one table of rows (`routes.rs`).

pub mod access;
pub mod accounts;
pub mod admin_keys;
pub mod allowances;
pub mod api_keys;
pub mod approvals;
pub mod audit;
mod authn;
pub mod changes;
pub mod elevations;
pub mod groups;
pub mod handovers;
pub mod http;
pub mod invites;
pub mod mails;
pub mod members;
pub mod model_permissions;
pub mod organizations;
pub mod policy;
pub mod prices;
pub mod project_members;
pub mod project_requests;
pub mod projects;
pub mod providers;
pub mod raises;
pub mod retention;
pub mod reviews;
pub mod roles;
pub mod routes;
pub mod service_accounts;
pub mod usage;
pub mod webhooks;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use domain::access::Grant;
use domain::audit::AuditEntry;
use domain::networks::Networks;
use domain::time::{Ambient, DAY, HOUR, Timestamp};
use store::{Change, Secrets, Store};

pub use authn::{password, session};
pub use http::answer::{Answer, ListJson};
pub use http::call::Call;
pub use http::dispatch::router;
pub use http::endpoint::{Endpoint, api, page};
pub use http::failure::Failure;
pub use http::query::Query;

/// Makes committed changes effective on this replica; the executable fulfils it.
pub trait Feed: Send + Sync {
    /// Returns once everything up to `sequence` is in effect here.
    fn applied(&self, sequence: i64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// A feed that nobody follows, for commands that run without a gateway.
pub struct NoFollowers;

impl Feed for NoFollowers {
    fn applied(&self, _: i64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }
}

/// What an operator may set about the control plane.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where people reach the console, without a slash at the end; links in invitations start with it.
    pub public_url: String,
    /// Whether people reach it over TLS, here or at a proxy: cookies then carry `Secure` and `__Host-`.
    pub is_https: bool,
    /// Whether anyone signed in may create an organization.
    pub organizations_are_open: bool,
    /// `host:port` of the addresses off the public internet that providers may have.
    pub allowed_upstreams: Vec<String>,
    /// Whether there is a mail server: links are then mailed, not shown.
    pub mail_is_on: bool,
    /// The proxies whose word on where a request came from is believed.
    pub trusted_proxies: Networks,
    /// After how many microseconds without a request a session ends.
    pub session_idle_micros: i64,
    /// After how many microseconds a session ends in any case.
    pub session_length_micros: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            public_url: "http://127.0.0.1:8080".to_owned(),
            is_https: false,
            organizations_are_open: true,
            allowed_upstreams: Vec::new(),
            mail_is_on: false,
            trusted_proxies: Networks::default(),
            session_idle_micros: 12 * HOUR,
            session_length_micros: 30 * DAY,
        }
    }
}

/// The OpenAPI document of the admin API and of the gateway's rows.
pub fn openapi(gateway: &[domain::routes::Route]) -> serde_json::Value {
    http::openapi::document(&routes::endpoints(), gateway)
}

/// Turns a failure on a console page into a page; the console sets it.
pub type ErrorPage = fn(&Failure, &str) -> String;

/// The control plane's state. Cheap to clone.
#[derive(Clone)]
pub struct Control(Arc<Parts>);

/// What the control plane consists of.
pub struct Parts {
    /// The database.
    pub store: Store,
    /// Time and randomness.
    pub ambient: Arc<dyn Ambient>,
    /// What is derived from the master key.
    pub secrets: Arc<Secrets>,
    /// Makes changes effective here.
    pub feed: Arc<dyn Feed>,
    /// What the operator set.
    pub settings: Settings,
    /// How a failure looks on a console page: the failure and the request's id.
    pub error_page: ErrorPage,
    refusals: http::refusals::Refusals,
    uses: http::uses::Uses,
    warnings: store::policy::Warnings,
    passwords: authn::password::Passwords,
}

impl std::ops::Deref for Control {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Control {
    /// Puts the control plane together.
    ///
    /// # Errors
    /// `Unavailable` when password hashing cannot be prepared.
    pub fn new(
        store: Store,
        ambient: Arc<dyn Ambient>,
        secrets: Arc<Secrets>,
        feed: Arc<dyn Feed>,
        settings: Settings,
    ) -> Result<Self, Failure> {
        let passwords = authn::password::Passwords::new(ambient.as_ref())?;
        let parts = Parts {
            store,
            ambient,
            secrets,
            feed,
            settings,
            error_page: http::console::error_page,
            refusals: http::refusals::Refusals::default(),
            uses: http::uses::Uses::default(),
            warnings: store::policy::Warnings::default(),
            passwords,
        };
        Ok(Self(Arc::new(parts)))
    }

    pub(crate) fn passwords(&self) -> &authn::password::Passwords {
        &self.0.passwords
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.ambient.now()
    }

    /// Opens a change of this moment on the grant's account.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn change(&self, grant: &Grant) -> Result<Change, Failure> {
        Ok(self.store.change(grant, self.now()).await?)
    }

    /// Keeps a change and makes it effective on this replica before returning.
    ///
    /// # Errors
    /// When the change or its audit record cannot be written; it has not happened then.
    pub async fn commit(&self, change: Change, entry: AuditEntry) -> Result<(), Failure> {
        let committed = change.commit(entry).await?;
        self.feed.applied(committed.sequence).await;
        Ok(())
    }

    /// Writes down the refused attempts that were counted but not yet written. Call it each minute and at the end.
    ///
    /// # Errors
    /// `Unavailable` when the database is away; they are kept for the next try.
    pub async fn flush_refusals(&self) -> Result<(), Failure> {
        self.refusals.flush(self).await
    }

    /// Counts what a setting only warned of.
    pub(crate) fn warn(&self, warned: domain::policy::Warned) {
        self.warnings.note(warned, self.now());
    }

    /// Writes down what policy warned of since the last time. Call it each minute and at the end.
    ///
    /// # Errors
    /// `Unavailable` when the database is away; it is kept for the next try.
    pub async fn flush_warnings(&self) -> Result<(), Failure> {
        Ok(self.warnings.flush(&self.store).await?)
    }

    /// Writes down which permissions were used since the last time. Call it each minute and at the end.
    ///
    /// # Errors
    /// `Unavailable` when the database is away; they are kept for the next try.
    pub async fn flush_uses(&self) -> Result<(), Failure> {
        self.uses.flush(self).await
    }
}
