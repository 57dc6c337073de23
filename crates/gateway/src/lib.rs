//! The metered door: every call to an upstream provider is identified, admitted, forwarded, settled and recorded here.

pub mod outbound;
mod policy;
pub mod ports;
pub mod routes;
pub mod snapshot;

mod admit;
mod call;
mod choose;
mod dialect;
mod error;
mod forward;
mod identify;
mod keys;
mod provider;
mod record;
mod settle;
mod stream;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use domain::ids::{KeyId, OrganizationId, UserId};
use domain::networks::Networks;

use crate::admit::Turns;
use crate::keys::Keys;
use crate::ports::Ports;
use crate::provider::client::{Allowed, Upstream};

/// What the operator decides about the gateway.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `host:port` pairs that providers may have although they are not on the public internet.
    pub allowed_upstreams: Vec<String>,
    /// The proxies whose word on where a call came from is believed.
    pub trusted_proxies: Networks,
    /// The largest request body.
    pub body_limit_bytes: usize,
    /// How many keys are kept in memory.
    pub key_cache_entries: u64,
    /// How long a provider may take until its answer begins; for an answer in one piece, until it ends.
    /// A stream on which nothing comes for about so long is ended.
    pub answer_timeout: Duration,
    /// How long the simulated provider thinks.
    pub simulated_latency: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            allowed_upstreams: Vec::new(),
            trusted_proxies: Networks::default(),
            body_limit_bytes: 32 << 20,
            key_cache_entries: 50_000,
            answer_timeout: Duration::from_secs(600),
            simulated_latency: Duration::ZERO,
        }
    }
}

/// The gateway. A clone is the same gateway.
#[derive(Clone)]
pub struct Gateway {
    inner: Arc<Inner>,
}

struct Inner {
    ports: Arc<dyn Ports>,
    settings: Settings,
    keys: Keys,
    upstream: Upstream,
    turns: Turns,
}

impl Gateway {
    /// A gateway that reaches the rest of the system through these ports.
    pub fn new(ports: Arc<dyn Ports>, settings: Settings) -> Self {
        let keys = Keys::new(settings.key_cache_entries);
        let upstream = Upstream::new(Allowed::new(&settings.allowed_upstreams), settings.answer_timeout);
        Self { inner: Arc::new(Inner { ports, settings, keys, upstream, turns: Turns::default() }) }
    }

    /// Serves the rows of [`routes::table`]. For client addresses, serve it with connect info.
    pub fn router(&self) -> axum::Router {
        routes::router(Arc::clone(&self.inner))
    }

    /// A key changed: its next call reads it anew. Effective when this returns.
    pub fn invalidate_key(&self, id: KeyId) {
        self.inner.keys.invalidate(id);
    }

    /// A key was revoked or disabled: as [`Gateway::invalidate_key`], and its open streams end at their next chunk.
    pub fn stop_key(&self, id: KeyId) {
        self.inner.keys.stop(id);
    }

    /// The keys of an organization that are cached or in use here: all of them, or a person's own.
    pub fn keys_of(&self, organization: OrganizationId, owner: Option<UserId>) -> Vec<KeyId> {
        self.inner.keys.of(organization, owner)
    }

    /// An organization was suspended, closed or purged: its keys are read anew, and their open streams end at their
    /// next chunk.
    pub fn suspend_organization(&self, id: OrganizationId) {
        self.inner.keys.suspend(id);
    }

    /// Changes may have been missed: every key is read anew.
    pub fn invalidate_all_keys(&self) {
        self.inner.keys.invalidate_all();
    }
}
