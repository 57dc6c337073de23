//! Webhooks in the console: the list, one with what was sent to it, one delivery with its attempts.

use askama::Template;

use crate::http::figures::When;
use crate::http::shell::{Choice, PickLink, Shell};

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookRow {
    /// Its id.
    pub id: String,
    /// Where events are sent.
    pub url: String,
    /// What it is for.
    pub description: String,
    /// Of what it is told: `all events`, `3 events`.
    pub told: String,
    /// Whether it is told of anything.
    pub is_enabled: bool,
    /// Until when events are also signed with the secret before.
    pub old_secret_ends_at: Option<When>,
    /// When it was made.
    pub created_at: When,
}

/// The moment in which a secret is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookSecretReveal {
    /// The secret.
    pub secret: String,
    /// The address that it belongs to.
    pub url: String,
}

/// What a form of a webhook shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookForm {
    /// The address.
    pub url: String,
    /// What it is for.
    pub description: String,
    /// Every event by its noun, chosen ones selected.
    pub events: Vec<(String, Vec<Choice>)>,
}

/// Webhooks.
#[derive(Template)]
#[template(path = "webhooks/list.html")]
pub struct WebhooksPage {
    /// The frame.
    pub shell: Shell,
    /// The webhooks.
    pub webhooks: Vec<WebhookRow>,
    /// Where further ones are.
    pub next_href: Option<String>,
    /// The form that makes one; none for who may not.
    pub form: Option<WebhookForm>,
}

/// An event on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRow {
    /// Its id.
    pub id: String,
    /// The event's kind.
    pub event_type: String,
    /// The event's id.
    pub event_id: String,
    /// `pending`, `delivered` or `failed`.
    pub state: &'static str,
    /// The colour of its badge.
    pub tone: &'static str,
    /// How often it was tried.
    pub attempts: i64,
    /// What the last attempt came to: `200`, `the connection was refused`; empty before the first.
    pub last: String,
    /// When it was put on its way.
    pub created_at: When,
    /// When it is tried next.
    pub next_at: Option<When>,
}

/// One webhook.
#[derive(Template)]
#[template(path = "webhooks/show.html")]
pub struct WebhookPage {
    /// The frame.
    pub shell: Shell,
    /// The webhook.
    pub webhook: WebhookRow,
    /// Its secret, in the answer that drew it.
    pub reveal: Option<WebhookSecretReveal>,
    /// The form that changes it; none for who may not.
    pub form: Option<WebhookForm>,
    /// For how long the old secret may live on.
    pub overlaps: Vec<Choice>,
    /// Which deliveries can be shown.
    pub shows: Vec<PickLink>,
    /// Deliveries, newest first.
    pub deliveries: Vec<DeliveryRow>,
    /// Where older ones are.
    pub next_href: Option<String>,
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptRow {
    /// Which one, from 1.
    pub number: i64,
    /// When.
    pub at: When,
    /// How long it took, in milliseconds.
    pub milliseconds: i64,
    /// The status of the answer; empty when none came.
    pub status: String,
    /// Why it failed; empty when it was taken.
    pub error: String,
    /// The start of the answer's text.
    pub answer: String,
}

/// One delivery.
#[derive(Template)]
#[template(path = "webhooks/delivery.html")]
pub struct DeliveryPage {
    /// The frame.
    pub shell: Shell,
    /// The delivery.
    pub delivery: DeliveryRow,
    /// The id of its webhook.
    pub webhook_id: String,
    /// What is sent, indented.
    pub body: String,
    /// Its attempts, the first one first.
    pub attempts: Vec<AttemptRow>,
    /// Whether the viewer may send it again.
    pub can_manage: bool,
}
