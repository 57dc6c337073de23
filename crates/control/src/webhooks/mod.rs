//! Webhooks: endpoints that are told of events; what was sent to them, and sending it again.

pub mod api;
pub(crate) mod console;
pub mod pages;
mod wire;

use domain::Error;
use domain::access::Grant;
use domain::audit::{AuditEntry, Verb};
use domain::ids::{DeliveryId, WebhookId};
use domain::messages::{Attempt, Delivery, Webhook, WebhookSecret, event_types, webhook_url};
use domain::page::{Page, PageRequest};
use domain::text;
use serde_json::{Value, json};
use store::deliveries::DeliveryFilter;

use crate::projects::organization_of;
use crate::{Control, Failure};

/// The longest time for which two secrets of a webhook are valid side by side: 7 days, in seconds.
const LONGEST_OVERLAP: i64 = 7 * 24 * 3_600;

/// What making a webhook takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewWebhook {
    /// Where events are sent.
    pub url: String,
    /// What it is for.
    pub description: String,
    /// The names of the events that it is told of; empty for all.
    pub event_types: Vec<String>,
}

/// What to change of a webhook. `None` leaves a field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookChanges {
    /// Another address.
    pub url: Option<String>,
    /// Another description.
    pub description: Option<String>,
    /// Other events.
    pub event_types: Option<Vec<String>>,
    /// Whether it is told of anything.
    pub is_enabled: Option<bool>,
}

/// Makes a webhook; its secret is shown this once.
///
/// # Errors
/// `invalid_url`, `address_not_allowed`, `https_required`, `unknown_event_type`, `text_too_long`.
pub async fn create_webhook(
    control: &Control,
    grant: &Grant,
    new: NewWebhook,
) -> Result<(Webhook, WebhookSecret), Failure> {
    let mut change = control.change(grant).await?;
    let webhook = Webhook {
        id: WebhookId::mint(control.ambient.as_ref()),
        organization_id: organization_of(grant)?,
        url: webhook_url(&new.url, &control.settings.allowed_upstreams)?,
        description: text::free(&new.description, "description")?,
        event_types: event_types(&new.event_types)?,
        is_enabled: true,
        secret_version: 1,
        old_secret_ends_at: None,
        created_by: grant.actor().map(|actor| actor.user_id),
        created_at: change.at(),
    };
    let secret = WebhookSecret::draw(control.ambient.as_ref());
    change.insert_webhook(&webhook, &secret, &control.secrets).await?;
    control.commit(change, AuditEntry::new(Verb::WebhookCreated, webhook.id).after(facts(&webhook))).await?;
    Ok((webhook, secret))
}

/// A page of webhooks, oldest first.
///
/// # Errors
/// When the store is away.
pub async fn list_webhooks(
    control: &Control,
    grant: &Grant,
    page: &PageRequest,
) -> Result<Page<Webhook>, Failure> {
    Ok(control.store.webhooks(grant, page).await?)
}

/// One webhook.
///
/// # Errors
/// `not_found`.
pub async fn read_webhook(control: &Control, grant: &Grant, id: WebhookId) -> Result<Webhook, Failure> {
    Ok(control.store.webhook(grant, id).await?)
}

/// Changes a webhook. One that is switched off is told no more of what waits for it.
///
/// # Errors
/// Those of the fields; `not_found`.
pub async fn update_webhook(
    control: &Control,
    grant: &Grant,
    id: WebhookId,
    changes: WebhookChanges,
) -> Result<Webhook, Failure> {
    let mut change = control.change(grant).await?;
    let before = change.lock_webhook(grant, id).await?;
    let mut webhook = before.clone();
    if let Some(url) = &changes.url {
        webhook.url = webhook_url(url, &control.settings.allowed_upstreams)?;
    }
    if let Some(description) = &changes.description {
        webhook.description = text::free(description, "description")?;
    }
    if let Some(names) = &changes.event_types {
        webhook.event_types = event_types(names)?;
    }
    webhook.is_enabled = changes.is_enabled.unwrap_or(before.is_enabled);
    change.write_webhook(&webhook).await?;
    let entry = AuditEntry::new(Verb::WebhookUpdated, id).before(facts(&before)).after(facts(&webhook));
    control.commit(change, entry).await?;
    Ok(webhook)
}

/// Removes a webhook; what waits for it is given up.
///
/// # Errors
/// `not_found`.
pub async fn delete_webhook(control: &Control, grant: &Grant, id: WebhookId) -> Result<(), Failure> {
    let mut change = control.change(grant).await?;
    let before = change.lock_webhook(grant, id).await?;
    change.delete_webhook(id).await?;
    control.commit(change, AuditEntry::new(Verb::WebhookDeleted, id).before(facts(&before))).await
}

/// Draws another secret, shown this once. Events are signed with both for `overlap_seconds`.
///
/// # Errors
/// `invalid_overlap`; `not_found`.
pub async fn rotate_webhook(
    control: &Control,
    grant: &Grant,
    id: WebhookId,
    overlap_seconds: i64,
) -> Result<(Webhook, WebhookSecret), Failure> {
    if !(0..=LONGEST_OVERLAP).contains(&overlap_seconds) {
        let sentence = "Use an overlap of 0 to 604800 seconds (7 days).";
        return Err(Error::invalid_param("invalid_overlap", "overlap_seconds", sentence).into());
    }
    let mut change = control.change(grant).await?;
    let mut webhook = change.lock_webhook(grant, id).await?;
    let old_ends_at = change.at().plus_seconds(overlap_seconds);
    webhook.secret_version += 1;
    webhook.old_secret_ends_at = Some(old_ends_at);
    let secret = WebhookSecret::draw(control.ambient.as_ref());
    change.rotate_webhook(&webhook, &secret, &control.secrets, old_ends_at).await?;
    let entry = AuditEntry::new(Verb::WebhookRotated, id)
        .after(json!({"secret_version": webhook.secret_version, "overlap_seconds": overlap_seconds}));
    control.commit(change, entry).await?;
    Ok((webhook, secret))
}

/// Sends an event `webhook.test` to a webhook, which goes the way of every event.
///
/// # Errors
/// `not_found`; conflict `webhook_disabled`.
pub async fn test_webhook(control: &Control, grant: &Grant, id: WebhookId) -> Result<(), Failure> {
    let mut change = control.change(grant).await?;
    let webhook = change.lock_webhook(grant, id).await?;
    if !webhook.is_enabled {
        let sentence = "This webhook is disabled. Enable it first.";
        return Err(Error::conflict("webhook_disabled", sentence).into());
    }
    control.commit(change, AuditEntry::new(Verb::WebhookTested, id).after(json!({"url": webhook.url}))).await
}

/// A page of what was sent, newest first.
///
/// # Errors
/// When the store is away.
pub async fn list_deliveries(
    control: &Control,
    grant: &Grant,
    filter: DeliveryFilter,
    page: &PageRequest,
) -> Result<Page<Delivery>, Failure> {
    Ok(control.store.deliveries(grant, filter, page).await?)
}

/// One delivery with its attempts.
///
/// # Errors
/// `not_found`.
pub async fn read_delivery(
    control: &Control,
    grant: &Grant,
    id: DeliveryId,
) -> Result<(Delivery, Vec<Attempt>), Failure> {
    Ok(control.store.delivery(grant, id).await?)
}

/// Sends an event once more, with the same id.
///
/// # Errors
/// `not_found`; conflict `webhook_disabled` when its webhook is gone or disabled.
pub async fn replay_delivery(control: &Control, grant: &Grant, id: DeliveryId) -> Result<Delivery, Failure> {
    let mut change = control.change(grant).await?;
    let delivery = change.replay_delivery(grant, id).await?;
    let webhook = change.lock_webhook(grant, delivery.webhook_id).await;
    if !webhook.is_ok_and(|webhook| webhook.is_enabled) {
        let sentence = "The webhook of this delivery is disabled or gone.";
        return Err(Error::conflict("webhook_disabled", sentence).into());
    }
    let entry = AuditEntry::new(Verb::WebhookReplayed, id)
        .after(json!({"webhook_id": delivery.webhook_id, "event_id": delivery.event_id}));
    control.commit(change, entry).await?;
    Ok(delivery)
}

/// What the trail keeps of a webhook: never its secret.
fn facts(webhook: &Webhook) -> Value {
    let names: Vec<&str> = webhook.event_types.iter().map(|kind| kind.name()).collect();
    json!({
        "url": webhook.url, "description": webhook.description, "event_types": names,
        "is_enabled": webhook.is_enabled,
    })
}
