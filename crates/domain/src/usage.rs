//! What a metered call used and cost, with the attribution that held at that moment.

use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::allowances::Charge;
use crate::api_keys::KeyOwner;
use crate::api_keys::scopes::Family;
use crate::ids::{KeyId, OrganizationId, ProjectId, ProviderId, RecordId, SecretId, UserId};
use crate::money::NanoUsd;
use crate::pricing::Quantities;
use crate::projects::{Environment, Labels, Workload};
use crate::time::Timestamp;

/// Which route of the data plane was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// Chat completions.
    ChatCompletions,
    /// Embeddings.
    Embeddings,
}

impl Endpoint {
    /// Every metered route.
    pub const ALL: [Self; 2] = [Self::ChatCompletions, Self::Embeddings];

    /// The word in the database and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ChatCompletions => "chat_completions",
            Self::Embeddings => "embeddings",
        }
    }

    /// The route of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|endpoint| endpoint.name() == word)
    }

    /// The family by which key scopes name it.
    pub const fn family(self) -> Family {
        match self {
            Self::ChatCompletions => Family::Chat,
            Self::Embeddings => Family::Embeddings,
        }
    }
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallStatus {
    /// The answer went out whole.
    Succeeded,
    /// The client hung up before the end.
    ClientClosed,
    /// The provider answered with an error.
    UpstreamError,
    /// The provider could not be reached, or hung up midway.
    UpstreamClosed,
    /// The key was disabled or revoked while the answer streamed.
    KeyStopped,
    /// The process died while the call was in flight; charged its full hold.
    Recovered,
}

impl CallStatus {
    /// Every end.
    pub const ALL: [Self; 6] = [
        Self::Succeeded,
        Self::ClientClosed,
        Self::UpstreamError,
        Self::UpstreamClosed,
        Self::KeyStopped,
        Self::Recovered,
    ];

    /// The word in the database and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::ClientClosed => "client_closed",
            Self::UpstreamError => "upstream_error",
            Self::UpstreamClosed => "upstream_closed",
            Self::KeyStopped => "key_stopped",
            Self::Recovered => "recovered",
        }
    }

    /// The end of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == word)
    }
}

/// To whom and what a call's cost belongs, as it stood when the call was admitted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Attribution {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The project.
    pub project_id: ProjectId,
    /// The key.
    pub key_id: KeyId,
    /// Its owner.
    pub key_owner: KeyOwner,
    /// The project's accountable owner.
    pub accountable_owner_id: Option<UserId>,
    /// The project's environment.
    pub environment: Environment,
    /// The project's workload.
    pub workload: Workload,
    /// The project's labels.
    pub labels: Labels,
}

/// What is known of a call when it is admitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenCall {
    /// The record's id.
    pub id: RecordId,
    /// When it was admitted: the window in which it counts.
    pub admitted_at: Timestamp,
    /// To whom and what it belongs.
    pub attribution: Arc<Attribution>,
    /// The route.
    pub endpoint: Endpoint,
    /// The model that was asked for.
    pub model: String,
    /// The connection that was chosen.
    pub provider_id: ProviderId,
    /// Whether the answer is a stream.
    pub is_stream: bool,
    /// The price's version: its rates reproduce the cost.
    pub price_id: String,
    /// The most that it could cost.
    pub held: NanoUsd,
    /// The client's address.
    pub client_address: Option<IpAddr>,
    /// The client's `user-agent`, cut to 256 characters.
    pub user_agent: Option<String>,
    /// The end user that the request named.
    pub end_user: Option<String>,
    /// Which secret of the key was used.
    pub secret_id: SecretId,
}

/// What is known when it ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settlement {
    /// When it ended.
    pub settled_at: Timestamp,
    /// How it ended.
    pub status: CallStatus,
    /// What it used.
    pub quantities: Quantities,
    /// What that cost.
    pub cost: NanoUsd,
    /// Whether the quantities are our count rather than the provider's word.
    pub is_estimated: bool,
    /// The provider's status code, where it answered.
    pub upstream_status: Option<u16>,
}

/// One metered call, whole: what is stored and never changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UsageRecord {
    /// What was known when it was admitted.
    pub call: OpenCall,
    /// What was known when it ended.
    pub settlement: Settlement,
}

/// The journal's *open* entry: what a call is charged should it never settle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// The call.
    pub call: OpenCall,
    /// The most that it could use, per unit of price.
    pub worst: Quantities,
    /// What it holds of this replica's slice of each allowance.
    pub holds: Vec<Charge>,
}

/// The journal's *settled* entry: the record, and what only this replica's slices need to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settled {
    /// What is stored.
    pub record: UsageRecord,
    /// What it takes off this replica's slice of each allowance.
    pub charges: Vec<Charge>,
}

impl Settled {
    /// The end of a call that was in flight when the process died: charged its full hold.
    pub fn recovered(opened: Opened, at: Timestamp) -> Self {
        let settlement = Settlement {
            settled_at: at,
            status: CallStatus::Recovered,
            quantities: opened.worst,
            cost: opened.call.held,
            is_estimated: true,
            upstream_status: None,
        };
        Self { record: UsageRecord { call: opened.call, settlement }, charges: opened.holds }
    }
}

/// A call that held nothing of any slice.
impl From<UsageRecord> for Settled {
    fn from(record: UsageRecord) -> Self {
        Self { record, charges: Vec::new() }
    }
}
