//! The console's rows of webhooks and of what was sent to them.

use domain::access::Permission;
use domain::audit::Verb;
use domain::ids::{DeliveryId, WebhookId};
use domain::messages::{Attempt, Delivery, DeliveryState, EventType, Webhook};
use domain::page::Order;
use domain::routes::{Access, Method};
use domain::time::{TimeZone, Timestamp};
use store::deliveries::DeliveryFilter;

use super::pages::{
    AttemptRow, DeliveryPage, DeliveryRow, WebhookForm, WebhookPage, WebhookRow, WebhookSecretReveal,
    WebhooksPage,
};
use super::{
    NewWebhook, WebhookChanges, create_webhook, delete_webhook, list_deliveries, list_webhooks,
    read_delivery, read_webhook, replay_delivery, rotate_webhook, test_webhook, update_webhook,
};
use crate::http::console;
use crate::http::figures::When;
use crate::http::shell::{Choice, Flash, PickLink, Section};
use crate::projects::frame::{granted, may, root, zone};
use crate::{Answer, Call, Endpoint, Failure, page};

const ALL: &str = "/o/{slug}/webhooks";
const ONE: &str = "/o/{slug}/webhooks/{webhook_id}";
const ROTATE: &str = "/o/{slug}/webhooks/{webhook_id}/rotate";
const TEST: &str = "/o/{slug}/webhooks/{webhook_id}/test";
const ENABLE: &str = "/o/{slug}/webhooks/{webhook_id}/enable";
const DISABLE: &str = "/o/{slug}/webhooks/{webhook_id}/disable";
const REMOVE: &str = "/o/{slug}/webhooks/{webhook_id}/remove";
const DELIVERY: &str = "/o/{slug}/webhook-deliveries/{delivery_id}";
const REPLAY: &str = "/o/{slug}/webhook-deliveries/{delivery_id}/replay";

/// How many webhooks a page shows.
const WEBHOOKS_PER_PAGE: i64 = 50;
/// How many deliveries a page shows.
const DELIVERIES_PER_PAGE: i64 = 25;

/// For how long an old secret may live on, in seconds.
const OVERLAPS: [(&str, &str); 4] = [
    ("0", "ends at once"),
    ("3600", "lives for an hour"),
    ("86400", "lives for a day"),
    ("604800", "lives for a week"),
];

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    let read = Access::Organization(Permission::WebhookRead);
    let manage = Access::Organization(Permission::WebhookManage);
    let form = |path, operation, summary, verb| {
        page(Method::Post, path, operation, summary).needs(manage).audited(verb)
    };
    vec![
        page(Method::Get, ALL, "webhooks_page", "Webhooks.").needs(read).to(webhooks_page),
        form(ALL, "create_webhook_form", "Add a webhook and show its secret once.", Verb::WebhookCreated)
            .to(create),
        page(Method::Get, ONE, "webhook_page", "A webhook and what was sent to it.")
            .needs(read)
            .to(webhook_page),
        form(ONE, "update_webhook_form", "Change a webhook.", Verb::WebhookUpdated).to(update),
        form(ROTATE, "rotate_webhook_form", "Draw another secret and show it once.", Verb::WebhookRotated)
            .to(rotate),
        form(TEST, "test_webhook_form", "Send a test event.", Verb::WebhookTested).to(test),
        form(ENABLE, "enable_webhook_form", "Tell a webhook of events again.", Verb::WebhookUpdated)
            .to(enable),
        form(DISABLE, "disable_webhook_form", "Tell a webhook of nothing.", Verb::WebhookUpdated).to(disable),
        form(REMOVE, "remove_webhook_form", "Remove a webhook.", Verb::WebhookDeleted).to(remove),
        page(Method::Get, DELIVERY, "delivery_page", "What was sent, and each attempt.")
            .needs(read)
            .to(delivery_page),
        form(REPLAY, "replay_delivery_form", "Send an event once more.", Verb::WebhookReplayed).to(replay),
    ]
}

async fn webhooks_page(call: Call) -> Result<Answer, Failure> {
    webhooks(&call, None).await
}

/// The list, with why a form on it was refused and what was typed into it.
async fn webhooks(call: &Call, flash: Option<Flash>) -> Result<Answer, Failure> {
    let mut shell = console::shell(call, "Webhooks", Section::Webhooks).await?;
    let typed = flash.is_some();
    shell.flashes.extend(flash);
    let zone = zone(call).await?;
    let page = call.query.page::<WebhookId>(WEBHOOKS_PER_PAGE, WEBHOOKS_PER_PAGE, Order::Ascending)?;
    let found = list_webhooks(&call.control, &call.grant, &page).await?;
    let last = found.items.last().filter(|_| found.has_more).map(|one| one.id);
    let blank = if typed { form_typed(call) } else { WebhookForm::of("", "", &[]) };
    let page = WebhooksPage {
        webhooks: found.items.into_iter().map(|one| webhook_row(one, call.at, &zone)).collect(),
        next_href: last.map(|after| format!("{}/webhooks?after={after}", shell.root())),
        form: may(call, Permission::WebhookManage).then_some(blank),
        shell,
    };
    console::page(&page)
}

impl WebhookForm {
    /// The form of a webhook with these fields.
    fn of(url: &str, description: &str, chosen: &[String]) -> Self {
        let mut events: Vec<(String, Vec<Choice>)> = Vec::new();
        for kind in EventType::ALL {
            let (noun, what) = kind.name().split_once('.').unwrap_or((kind.name(), ""));
            let choice = Choice {
                value: kind.name().to_owned(),
                label: what.replace('_', " "),
                is_selected: chosen.iter().any(|name| name == kind.name()),
            };
            match events.last_mut().filter(|(last, _)| last == noun) {
                Some((_, choices)) => choices.push(choice),
                None => events.push((noun.to_owned(), vec![choice])),
            }
        }
        Self { url: url.to_owned(), description: description.to_owned(), events }
    }

    /// Whether some events are chosen.
    pub(super) fn is_narrow(&self) -> bool {
        self.events.iter().flat_map(|(_, choices)| choices).any(|choice| choice.is_selected)
    }
}

fn form_typed(call: &Call) -> WebhookForm {
    let form = call.form();
    WebhookForm::of(form.text("url"), form.text("description"), &form.many("event_types"))
}

fn webhook_row(webhook: Webhook, at: Timestamp, zone: &TimeZone) -> WebhookRow {
    WebhookRow {
        id: webhook.id.to_string(),
        told: match webhook.event_types.len() {
            0 => "all events".to_owned(),
            1 => "1 kind of event".to_owned(),
            count => format!("{count} kinds of events"),
        },
        is_enabled: webhook.is_enabled,
        old_secret_ends_at: webhook
            .old_secret_ends_at
            .filter(|ends_at| at < *ends_at)
            .map(|ends_at| When::minute(ends_at, zone)),
        created_at: When::day(webhook.created_at, zone),
        url: webhook.url,
        description: webhook.description,
    }
}

async fn create(call: Call) -> Result<Answer, Failure> {
    let form = call.form();
    let new = NewWebhook {
        url: form.text("url").to_owned(),
        description: form.text("description").to_owned(),
        event_types: form.many("event_types"),
    };
    match create_webhook(&call.control, &call.grant, new).await {
        Ok((webhook, secret)) => {
            let reveal = WebhookSecretReveal { secret: secret.reveal().to_owned(), url: webhook.url.clone() };
            show(&call, webhook, (Some(reveal), None)).await
        }
        Err(failure) => webhooks(&call, Some(console::refusal(failure)?)).await,
    }
}

async fn webhook_page(call: Call) -> Result<Answer, Failure> {
    let webhook = read_webhook(&call.control, &call.grant, call.path("webhook_id")?).await?;
    show(&call, webhook, (None, None)).await
}

/// What can be shown of the deliveries: the word in the address, the words for people, the state.
const SHOWS: [(&str, &str, Option<DeliveryState>); 4] = [
    ("", "All", None),
    ("pending", "Waiting", Some(DeliveryState::Pending)),
    ("delivered", "Delivered", Some(DeliveryState::Delivered)),
    ("failed", "Given up", Some(DeliveryState::Failed)),
];

/// One webhook, with its secret where it was just drawn, or with why a form was refused and what was typed.
async fn show(
    call: &Call,
    webhook: Webhook,
    (reveal, refused): (Option<WebhookSecretReveal>, Option<Flash>),
) -> Result<Answer, Failure> {
    let mut shell = console::shell(call, "Webhook", Section::Webhooks).await?;
    let form = match &refused {
        Some(_) => form_typed(call),
        None => {
            let names: Vec<String> = webhook.event_types.iter().map(|kind| kind.name().to_owned()).collect();
            WebhookForm::of(&webhook.url, &webhook.description, &names)
        }
    };
    shell.flashes.extend(refused);
    let zone = zone(call).await?;
    let word = call.query.one("status").unwrap_or_default();
    let chosen = SHOWS.iter().find(|(name, ..)| *name == word).unwrap_or(&SHOWS[0]);
    let filter = DeliveryFilter { webhook_id: Some(webhook.id), state: chosen.2 };
    let page = call.query.page::<DeliveryId>(DELIVERIES_PER_PAGE, DELIVERIES_PER_PAGE, Order::Descending)?;
    // Who may add a webhook may read its deliveries; the permission of the row is about the form.
    let grant = granted(call, Permission::WebhookRead).ok_or(domain::Error::Hidden { what: "webhook" })?;
    let found = list_deliveries(&call.control, &grant, filter, &page).await?;
    let last = found.items.last().filter(|_| found.has_more).map(|one| one.id);
    let here = format!("{}/webhooks/{}", root(call), webhook.id);
    let shown = |name: &str| if name.is_empty() { here.clone() } else { format!("{here}?status={name}") };
    let page = WebhookPage {
        shows: SHOWS
            .iter()
            .map(|(name, label, _)| PickLink { href: shown(name), label, is_here: *name == chosen.0 })
            .collect(),
        deliveries: found.items.into_iter().map(|one| delivery_row(one, &zone)).collect(),
        next_href: last.map(|after| format!("{here}?status={}&after={after}", chosen.0)),
        form: may(call, Permission::WebhookManage).then_some(form),
        overlaps: Choice::list(&OVERLAPS, "86400"),
        webhook: webhook_row(webhook, call.at, &zone),
        reveal,
        shell,
    };
    console::page(&page)
}

fn delivery_row(delivery: Delivery, zone: &TimeZone) -> DeliveryRow {
    let waits = delivery.state == DeliveryState::Pending;
    let (state, tone) = match delivery.state {
        DeliveryState::Pending => ("waiting", "info"),
        DeliveryState::Delivered => ("delivered", "good"),
        DeliveryState::Failed => ("given up", "bad"),
    };
    let status = delivery.last_status.map(|status| status.to_string());
    DeliveryRow {
        id: delivery.id.to_string(),
        event_id: delivery.event_id.to_string(),
        state,
        tone,
        attempts: delivery.attempts,
        last: delivery.last_error.or(status).unwrap_or_default(),
        created_at: When::minute(delivery.created_at, zone),
        next_at: waits.then(|| When::minute(delivery.next_at, zone)),
        event_type: delivery.event_type,
    }
}

fn back(call: &Call, done: Result<&str, Failure>) -> Result<Answer, Failure> {
    console::back(call, &format!("{}/webhooks/{}", root(call), call.path_text("webhook_id")), done)
}

async fn update(call: Call) -> Result<Answer, Failure> {
    let (id, form): (WebhookId, _) = (call.path("webhook_id")?, call.form());
    let changes = WebhookChanges {
        url: form.one("url").map(str::to_owned),
        description: form.one("description").map(str::to_owned),
        event_types: Some(form.many("event_types")),
        is_enabled: None,
    };
    match update_webhook(&call.control, &call.grant, id, changes).await {
        Ok(_) => back(&call, Ok("Saved.")),
        Err(failure) => {
            let flash = console::refusal(failure)?;
            let webhook = read_webhook(&call.control, &call.grant, id).await?;
            show(&call, webhook, (None, Some(flash))).await
        }
    }
}

async fn rotate(call: Call) -> Result<Answer, Failure> {
    let overlap = call.form().number("overlap_seconds")?.unwrap_or_default();
    match rotate_webhook(&call.control, &call.grant, call.path("webhook_id")?, overlap).await {
        Ok((webhook, secret)) => {
            let reveal = WebhookSecretReveal { secret: secret.reveal().to_owned(), url: webhook.url.clone() };
            show(&call, webhook, (Some(reveal), None)).await
        }
        Err(failure) => back(&call, Err(failure)),
    }
}

async fn test(call: Call) -> Result<Answer, Failure> {
    let done = test_webhook(&call.control, &call.grant, call.path("webhook_id")?).await;
    back(&call, done.map(|()| "On its way. Load the page again in a few seconds to see whether it arrived."))
}

async fn enable(call: Call) -> Result<Answer, Failure> {
    let done = switch(&call, true).await;
    back(&call, done.map(|()| "Enabled. It is told of what happens from now on."))
}

async fn disable(call: Call) -> Result<Answer, Failure> {
    let done = switch(&call, false).await;
    back(&call, done.map(|()| "Disabled. It is told of nothing."))
}

async fn switch(call: &Call, is_enabled: bool) -> Result<(), Failure> {
    let changes = WebhookChanges { is_enabled: Some(is_enabled), ..WebhookChanges::default() };
    update_webhook(&call.control, &call.grant, call.path("webhook_id")?, changes).await.map(drop)
}

async fn remove(call: Call) -> Result<Answer, Failure> {
    let done = delete_webhook(&call.control, &call.grant, call.path("webhook_id")?).await;
    console::back(&call, &format!("{}/webhooks", root(&call)), done.map(|()| "Removed."))
}

async fn delivery_page(call: Call) -> Result<Answer, Failure> {
    let (delivery, attempts) = read_delivery(&call.control, &call.grant, call.path("delivery_id")?).await?;
    let (shell, zone) =
        (console::shell(&call, &delivery.event_type, Section::Webhooks).await?, zone(&call).await?);
    let indented = serde_json::from_str::<serde_json::Value>(&delivery.body)
        .and_then(|value| serde_json::to_string_pretty(&value));
    let page = DeliveryPage {
        webhook_id: delivery.webhook_id.to_string(),
        body: indented.unwrap_or_else(|_| delivery.body.clone()),
        attempts: attempts.into_iter().map(|one| attempt_row(one, &zone)).collect(),
        delivery: delivery_row(delivery, &zone),
        can_manage: may(&call, Permission::WebhookManage),
        shell,
    };
    console::page(&page)
}

fn attempt_row(attempt: Attempt, zone: &TimeZone) -> AttemptRow {
    AttemptRow {
        number: attempt.number,
        at: When::minute(attempt.at, zone),
        milliseconds: attempt.milliseconds,
        status: attempt.status.map(|status| status.to_string()).unwrap_or_default(),
        error: attempt.error.unwrap_or_default(),
        answer: attempt.answer,
    }
}

async fn replay(call: Call) -> Result<Answer, Failure> {
    let id: DeliveryId = call.path("delivery_id")?;
    let done = replay_delivery(&call.control, &call.grant, id).await;
    console::back(
        &call,
        &format!("{}/webhook-deliveries/{id}", root(&call)),
        done.map(|_| "On its way again."),
    )
}
