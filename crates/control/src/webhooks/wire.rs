//! Webhooks and deliveries on the wire.

use domain::messages::{Attempt, Delivery, DeliveryState, Webhook};
use domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A kind of event.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct EventTypeJson {
    /// Its name.
    pub id: String,
    /// Always `event_type`.
    pub object: String,
}

/// A webhook.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct WebhookJson {
    /// Its id.
    pub id: String,
    /// Always `organization.webhook`.
    pub object: String,
    /// Where events are sent.
    pub url: String,
    /// What it is for.
    pub description: String,
    /// The events that it is told of; empty for all.
    pub event_types: Vec<String>,
    /// Whether it is told of anything.
    pub enabled: bool,
    /// The secret with which events are signed, `whsec_…`: in the answer that made or rotated it, only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Until when events are also signed with the secret before, in Unix seconds.
    pub old_secret_ends_at: Option<i64>,
    /// The id of who made it.
    pub created_by: Option<String>,
    /// When, in Unix seconds.
    pub created_at: i64,
}

impl From<Webhook> for WebhookJson {
    fn from(webhook: Webhook) -> Self {
        Self {
            id: webhook.id.to_string(),
            object: "organization.webhook".to_owned(),
            url: webhook.url,
            description: webhook.description,
            event_types: webhook.event_types.iter().map(|kind| kind.name().to_owned()).collect(),
            enabled: webhook.is_enabled,
            secret: None,
            old_secret_ends_at: webhook.old_secret_ends_at.map(Timestamp::unix_seconds),
            created_by: webhook.created_by.map(|user| user.to_string()),
            created_at: webhook.created_at.unix_seconds(),
        }
    }
}

/// A webhook to make.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct NewWebhookJson {
    /// Where events are sent, over https.
    pub url: String,
    /// What it is for.
    pub description: Option<String>,
    /// The events that it is told of; all when absent or empty.
    pub event_types: Option<Vec<String>>,
}

/// What to change of a webhook.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct WebhookChangesJson {
    /// Another address.
    pub url: Option<String>,
    /// Another description.
    pub description: Option<String>,
    /// Other events; empty for all.
    pub event_types: Option<Vec<String>>,
    /// Whether it is told of anything.
    pub enabled: Option<bool>,
}

/// How to rotate.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct RotateWebhookJson {
    /// For how long events are signed with both secrets; 86400 (a day) when absent.
    pub overlap_seconds: Option<i64>,
}

/// A removed webhook.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct WebhookDeletedJson {
    /// Its id.
    pub id: String,
    /// Always `organization.webhook.deleted`.
    pub object: String,
    /// Always true.
    pub deleted: bool,
}

/// One event on its way to one webhook.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DeliveryJson {
    /// Its id.
    pub id: String,
    /// Always `organization.webhook.delivery`.
    pub object: String,
    /// The webhook.
    pub webhook_id: String,
    /// The event's id, which the receiver sees as `webhook-id`.
    pub event_id: String,
    /// The event's kind.
    pub event_type: String,
    /// `pending`, `delivered` or `failed`.
    pub status: String,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was put on its way, in Unix seconds.
    pub created_at: i64,
    /// When it is tried next, in Unix seconds; null when it is not.
    pub next_at: Option<i64>,
    /// When it was taken or given up, in Unix seconds.
    pub ended_at: Option<i64>,
    /// The status of the last answer.
    pub last_status: Option<i64>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// What was sent; only where one delivery is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Each attempt; only where one delivery is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<Vec<AttemptJson>>,
}

/// One attempt.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AttemptJson {
    /// Which one, from 1.
    pub number: i64,
    /// When, in Unix seconds.
    pub at: i64,
    /// How long it took, in milliseconds.
    pub milliseconds: i64,
    /// The status of the answer.
    pub status: Option<i64>,
    /// Why it failed.
    pub error: Option<String>,
    /// The start of the answer's text.
    pub answer: String,
}

impl From<Delivery> for DeliveryJson {
    fn from(delivery: Delivery) -> Self {
        let waits = delivery.state == DeliveryState::Pending;
        Self {
            id: delivery.id.to_string(),
            object: "organization.webhook.delivery".to_owned(),
            webhook_id: delivery.webhook_id.to_string(),
            event_id: delivery.event_id.to_string(),
            event_type: delivery.event_type,
            status: delivery.state.name().to_owned(),
            attempts: delivery.attempts,
            created_at: delivery.created_at.unix_seconds(),
            next_at: waits.then(|| delivery.next_at.unix_seconds()),
            ended_at: delivery.ended_at.map(Timestamp::unix_seconds),
            last_status: delivery.last_status,
            last_error: delivery.last_error,
            body: None,
            log: None,
        }
    }
}

impl From<Attempt> for AttemptJson {
    fn from(attempt: Attempt) -> Self {
        Self {
            number: attempt.number,
            at: attempt.at.unix_seconds(),
            milliseconds: attempt.milliseconds,
            status: attempt.status,
            error: attempt.error,
            answer: attempt.answer,
        }
    }
}
