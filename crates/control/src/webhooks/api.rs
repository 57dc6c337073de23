//! The rows of webhooks: `/v1/organization/webhooks…`.

use domain::Error;
use domain::access::Permission;
use domain::audit::Verb;
use domain::ids::{DeliveryId, WebhookId};
use domain::messages::{DeliveryState, EventType};
use domain::page::{Order, Page};
use domain::routes::{Access, Method};
use schemars::JsonSchema;
use serde::Deserialize;
use store::deliveries::DeliveryFilter;

use super::wire::{
    AttemptJson, DeliveryJson, EventTypeJson, NewWebhookJson, RotateWebhookJson, WebhookChangesJson,
    WebhookDeletedJson, WebhookJson,
};
use super::{
    NewWebhook, WebhookChanges, create_webhook, delete_webhook, list_deliveries, list_webhooks,
    read_delivery, read_webhook, replay_delivery, rotate_webhook, test_webhook, update_webhook,
};
use crate::{Answer, Call, Endpoint, Failure, ListJson, api};

/// For how long both secrets are valid when a rotation does not say: a day, in seconds.
const OVERLAP: i64 = 86_400;

/// Which page is wanted.
#[derive(Deserialize, JsonSchema)]
#[allow(dead_code, reason = "describes the query; the values are read one by one")]
pub struct WebhooksQuery {
    /// The id after which the page starts.
    after: Option<String>,
    /// How many, 1 to 100; 20 when absent.
    limit: Option<i64>,
}

/// Which deliveries are wanted.
#[derive(Deserialize, JsonSchema)]
#[allow(dead_code, reason = "describes the query; the values are read one by one")]
pub struct DeliveriesQuery {
    /// Only those to this webhook.
    webhook_id: Option<String>,
    /// Only `pending`, `delivered` or `failed` ones.
    status: Option<String>,
    /// The id after which the page starts.
    after: Option<String>,
    /// How many, 1 to 100; 20 when absent.
    limit: Option<i64>,
}

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    let mut rows = rows_of_webhooks();
    rows.extend(rows_of_deliveries());
    rows
}

fn rows_of_webhooks() -> Vec<Endpoint> {
    const TYPES: &str = "/v1/organization/event_types";
    const ALL: &str = "/v1/organization/webhooks";
    const ONE: &str = "/v1/organization/webhooks/{webhook_id}";
    let read = Access::Organization(Permission::WebhookRead);
    let manage = Access::Organization(Permission::WebhookManage);
    vec![
        api(
            Method::Get,
            TYPES,
            "list_event_types",
            "List every kind of event that a webhook can be told of.",
        )
        .needs(Access::Organization(Permission::OrganizationRead))
        .answer::<ListJson<EventTypeJson>>()
        .to(types),
        api(Method::Get, ALL, "list_webhooks", "List the webhooks, oldest first.")
            .needs(read)
            .query::<WebhooksQuery>()
            .answer::<ListJson<WebhookJson>>()
            .to(list),
        api(Method::Post, ALL, "create_webhook", "Make a webhook; its secret is in this one answer.")
            .needs(manage)
            .audited(Verb::WebhookCreated)
            .body::<NewWebhookJson>()
            .answer::<WebhookJson>()
            .to(create),
        api(Method::Get, ONE, "read_webhook", "Read one webhook.")
            .needs(read)
            .answer::<WebhookJson>()
            .to(one),
        api(Method::Post, ONE, "update_webhook", "Change a webhook, or switch it off or on.")
            .needs(manage)
            .audited(Verb::WebhookUpdated)
            .body::<WebhookChangesJson>()
            .answer::<WebhookJson>()
            .to(update),
        api(Method::Delete, ONE, "delete_webhook", "Remove a webhook; what waits for it is given up.")
            .needs(manage)
            .audited(Verb::WebhookDeleted)
            .answer::<WebhookDeletedJson>()
            .to(delete),
        api(
            Method::Post,
            "/v1/organization/webhooks/{webhook_id}/rotate",
            "rotate_webhook",
            "Draw another secret; events are signed with both for a while.",
        )
        .needs(manage)
        .audited(Verb::WebhookRotated)
        .body::<RotateWebhookJson>()
        .answer::<WebhookJson>()
        .to(rotate),
        api(
            Method::Post,
            "/v1/organization/webhooks/{webhook_id}/test",
            "test_webhook",
            "Send the event webhook.test to a webhook.",
        )
        .needs(manage)
        .audited(Verb::WebhookTested)
        .answer::<WebhookJson>()
        .to(test),
    ]
}

fn rows_of_deliveries() -> Vec<Endpoint> {
    const ALL: &str = "/v1/organization/webhook_deliveries";
    const ONE: &str = "/v1/organization/webhook_deliveries/{delivery_id}";
    const REPLAY: &str = "/v1/organization/webhook_deliveries/{delivery_id}/replay";
    let read = Access::Organization(Permission::WebhookRead);
    vec![
        api(Method::Get, ALL, "list_deliveries", "List what was sent to webhooks, newest first.")
            .needs(read)
            .query::<DeliveriesQuery>()
            .answer::<ListJson<DeliveryJson>>()
            .to(deliveries),
        api(Method::Get, ONE, "read_delivery", "Read one delivery with its body and every attempt.")
            .needs(read)
            .answer::<DeliveryJson>()
            .to(delivery),
        api(Method::Post, REPLAY, "replay_delivery", "Send an event once more, with the same id.")
            .needs(Access::Organization(Permission::WebhookManage))
            .audited(Verb::WebhookReplayed)
            .answer::<DeliveryJson>()
            .to(replay),
    ]
}

async fn types(_: Call) -> Result<Answer, Failure> {
    let kind =
        |kind: &EventType| EventTypeJson { id: kind.name().to_owned(), object: "event_type".to_owned() };
    let page = Page { items: EventType::ALL.iter().map(kind).collect(), has_more: false };
    Ok(Answer::json(ListJson::of(page, |kind: &EventTypeJson| &kind.id)))
}

async fn list(call: Call) -> Result<Answer, Failure> {
    let page = call.query.page::<WebhookId>(20, 100, Order::Ascending)?;
    let webhooks = list_webhooks(&call.control, &call.grant, &page).await?;
    Ok(Answer::json(ListJson::of(webhooks.map(WebhookJson::from), |webhook| &webhook.id)))
}

async fn create(call: Call) -> Result<Answer, Failure> {
    let body: NewWebhookJson = call.json()?;
    let new = NewWebhook {
        url: body.url,
        description: body.description.unwrap_or_default(),
        event_types: body.event_types.unwrap_or_default(),
    };
    let (webhook, secret) = create_webhook(&call.control, &call.grant, new).await?;
    let secret = Some(secret.reveal().to_owned());
    Ok(Answer::json(WebhookJson { secret, ..WebhookJson::from(webhook) }))
}

async fn one(call: Call) -> Result<Answer, Failure> {
    let id: WebhookId = call.path("webhook_id")?;
    Ok(Answer::json(WebhookJson::from(read_webhook(&call.control, &call.grant, id).await?)))
}

async fn update(call: Call) -> Result<Answer, Failure> {
    let id: WebhookId = call.path("webhook_id")?;
    let body: WebhookChangesJson = call.json()?;
    let changes = WebhookChanges {
        url: body.url,
        description: body.description,
        event_types: body.event_types,
        is_enabled: body.enabled,
    };
    Ok(Answer::json(WebhookJson::from(update_webhook(&call.control, &call.grant, id, changes).await?)))
}

async fn delete(call: Call) -> Result<Answer, Failure> {
    let id: WebhookId = call.path("webhook_id")?;
    delete_webhook(&call.control, &call.grant, id).await?;
    let object = "organization.webhook.deleted".to_owned();
    Ok(Answer::json(WebhookDeletedJson { id: id.to_string(), object, deleted: true }))
}

async fn rotate(call: Call) -> Result<Answer, Failure> {
    let id: WebhookId = call.path("webhook_id")?;
    let body: RotateWebhookJson = call.json()?;
    let overlap = body.overlap_seconds.unwrap_or(OVERLAP);
    let (webhook, secret) = rotate_webhook(&call.control, &call.grant, id, overlap).await?;
    let secret = Some(secret.reveal().to_owned());
    Ok(Answer::json(WebhookJson { secret, ..WebhookJson::from(webhook) }))
}

async fn test(call: Call) -> Result<Answer, Failure> {
    let id: WebhookId = call.path("webhook_id")?;
    test_webhook(&call.control, &call.grant, id).await?;
    Ok(Answer::json(WebhookJson::from(read_webhook(&call.control, &call.grant, id).await?)))
}

async fn deliveries(call: Call) -> Result<Answer, Failure> {
    let page = call.query.page::<DeliveryId>(20, 100, Order::Descending)?;
    let state = call.query.one("status").map(|word| {
        DeliveryState::parse(word).ok_or_else(|| {
            Error::invalid_param("invalid_status", "status", "Use one of: pending delivered failed.")
        })
    });
    let webhook_id = call.query.one("webhook_id").map(|id| id.parse::<WebhookId>());
    let webhook_id = webhook_id.transpose().map_err(|_| Error::Hidden { what: "webhook" })?;
    let filter = DeliveryFilter { webhook_id, state: state.transpose()? };
    let list = list_deliveries(&call.control, &call.grant, filter, &page).await?;
    Ok(Answer::json(ListJson::of(list.map(DeliveryJson::from), |delivery| &delivery.id)))
}

async fn delivery(call: Call) -> Result<Answer, Failure> {
    let id: DeliveryId = call.path("delivery_id")?;
    let (delivery, attempts) = read_delivery(&call.control, &call.grant, id).await?;
    let body = Some(delivery.body.clone());
    let log = Some(attempts.into_iter().map(AttemptJson::from).collect());
    Ok(Answer::json(DeliveryJson { body, log, ..DeliveryJson::from(delivery) }))
}

async fn replay(call: Call) -> Result<Answer, Failure> {
    let id: DeliveryId = call.path("delivery_id")?;
    Ok(Answer::json(DeliveryJson::from(replay_delivery(&call.control, &call.grant, id).await?)))
}
