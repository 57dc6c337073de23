//! One call as it passes the phases: what is known of it, typed.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::ConnectInfo;
use bytes::Bytes;
use domain::networks::{Networks, client_address};
use domain::pricing::Price;
use domain::projects::Project;
use domain::time::Timestamp;
use domain::usage::Endpoint;
use http::header::USER_AGENT;
use http::request::Parts;

use crate::dialect::Peek;
use crate::keys::Entry;
use crate::snapshot::{OrganizationView, ProviderView};

const USER_AGENT_MAX_CHARACTERS: usize = 256;

/// A request as received.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) at: Timestamp,
    pub(crate) endpoint: Endpoint,
    pub(crate) body: Bytes,
    pub(crate) peek: Peek,
    pub(crate) client: Client,
    /// The most tokens that policy lets it generate, where it does not say so itself.
    pub(crate) default_output: Option<i64>,
}

/// Where it came from.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) address: Option<IpAddr>,
    pub(crate) user_agent: Option<String>,
}

impl Client {
    pub(crate) fn of(parts: &Parts, trusted: &Networks) -> Self {
        let connected = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let forwarded = parts.headers.get_all("x-forwarded-for").iter();
        // A line that is no text is one that is no address.
        let forwarded = forwarded.map(|line| line.to_str().unwrap_or_default());
        let agent = parts.headers.get(USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
        Self {
            address: connected.map(|ConnectInfo(peer)| client_address(peer.ip(), forwarded, trusted)),
            user_agent: agent.map(|agent| agent.chars().take(USER_AGENT_MAX_CHARACTERS).collect()),
        }
    }
}

/// Who calls: a key that stands, in a project that is active.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) key: Arc<Entry>,
    pub(crate) organization: Arc<OrganizationView>,
    pub(crate) project: Arc<Project>,
}

/// Where the call goes and what it will be charged at.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) provider: Arc<ProviderView>,
    /// The model in the provider's words.
    pub(crate) model: String,
    pub(crate) price: Arc<Price>,
}
