//! Events on their way to webhooks: put there from the feed, tried in order, kept as a log.
//!
//! The feed is written with the change itself. A cursor moves along it in the same transaction in which the deliveries
//! of its events are made, so no event is lost or doubled by a restart; attempts are claimed for a while, so that
//! of many replicas one tries, and a killed one's claim runs out.

use domain::access::Grant;
use domain::audit::{AuditActor, Verb};
use domain::ids::{AuditId, DeliveryId, OrganizationId, WebhookId};
use domain::messages::{Attempt, Delivery, DeliveryState, EventType, Webhook};
use domain::page::{Page, PageRequest};
use domain::time::Timestamp;
use serde_json::{Value as Json, json};

use crate::change::Change;
use crate::dialect::Row;
use crate::error::{Error, Result};
use crate::mails::{Post, notify};
use crate::measurement::Measurement;
use crate::webhooks::webhook_of;
use crate::{Store, args};

const WHAT: &str = "delivery";
/// The most of an answer's text that is kept, in characters.
const ANSWER_MAX: usize = 500;

/// An event of the feed with what its audit record says.
#[derive(Clone, Debug)]
pub struct Happened {
    /// Its place in the feed.
    pub sequence: i64,
    /// The audit record, whose id is the event's id outside.
    pub id: AuditId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// What was done.
    pub verb: Verb,
    /// The id of what it was done to.
    pub target_id: String,
    /// The project.
    pub project_id: Option<String>,
    /// Who did it.
    pub actor: AuditActor,
    /// What held before.
    pub before: Json,
    /// What holds after.
    pub after: Json,
    /// When.
    pub at: Timestamp,
}

/// A delivery to try now.
#[derive(Clone, Debug)]
pub struct Due {
    /// The delivery.
    pub delivery: Delivery,
    /// Its organization.
    pub organization_id: OrganizationId,
}

/// Which deliveries are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeliveryFilter {
    /// Only those to this endpoint.
    pub webhook_id: Option<WebhookId>,
    /// Only those that stand so.
    pub state: Option<DeliveryState>,
}

impl Store {
    /// Puts the next events of the feed on their way, at most `limit`, with the notices
    /// that they cause where there is a post to take them; returns how many there were.
    ///
    /// # Errors
    /// `Unavailable` when the database is away; nothing has moved then.
    pub async fn fan_out(&self, limit: i64, now: Timestamp, post: Option<&Post<'_>>) -> Result<usize> {
        let newest = self.feed_position().await?;
        let cursor = self.row("select sequence from outbox_cursor where only_row = 1", args![]).await?;
        if cursor.map_or(Ok(0), |row| row.int("sequence"))? >= newest {
            return Ok(0);
        }
        let mut tx = self.measure().await?;
        let lock = "select sequence from outbox_cursor where only_row = 1 for update";
        let row = tx
            .row(lock, args![])
            .await?
            .ok_or_else(|| Error::Corrupt("the outbox has no cursor".to_owned()))?;
        let rows = tx
            .rows(
                "select e.sequence, r.id, r.organization_id, r.verb, r.target_id, r.project_id, r.actor, \
                 r.before_json, r.after_json, r.at from events e join audit_records r on r.id = e.audit_id \
                 where e.sequence > $1 order by e.sequence limit $2",
                args![row.int("sequence")?, limit],
            )
            .await?;
        let mut happened = Vec::new();
        for row in &rows {
            // What belongs to the instance and not to an organization is told to nobody outside.
            if let Some(event) = happened_of(row)? {
                put_on_way(&mut tx, &event, now).await?;
                happened.push(event);
            }
        }
        if let Some(last) = rows.last() {
            let sql = "update outbox_cursor set sequence = $1 where only_row = 1";
            tx.run(sql, args![last.int("sequence")?]).await?;
        }
        if let Some(post) = post {
            notify(&mut tx, &happened, post, now).await?;
        }
        tx.commit().await?;
        Ok(rows.len())
    }

    /// Claims what is due until a moment: of each endpoint only the oldest, so that order is kept.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn claim_deliveries(&self, limit: i64, now: Timestamp, until: Timestamp) -> Result<Vec<Due>> {
        const DUE: &str = "select * from deliveries d where d.state = 'pending' and d.next_at <= $1 \
             and d.claimed_until <= $1 and not exists (select 1 from deliveries e where e.webhook_id = d.webhook_id \
             and e.state = 'pending' and (e.sequence < d.sequence or (e.sequence = d.sequence and e.id < d.id))) \
             order by d.next_at limit $2";
        if self.row(DUE, args![now, 1]).await?.is_none() {
            return Ok(Vec::new());
        }
        let mut tx = self.measure().await?;
        let mut due = Vec::new();
        for row in tx.rows(DUE, args![now, limit]).await? {
            let delivery = delivery_of(&row)?;
            let sql = "update deliveries set claimed_until = $2 where id = $1 and claimed_until <= $3 \
                       and state = 'pending'";
            if tx.run(sql, args![delivery.id, until, now]).await? > 0 {
                due.push(Due { delivery, organization_id: row.id("organization_id")? });
            }
        }
        tx.commit().await?;
        Ok(due)
    }

    /// Frees every claim: what a lone process does at its start, for those of the process before it.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn free_claims(&self) -> Result<()> {
        let mut tx = self.measure().await?;
        tx.run("update deliveries set claimed_until = 0 where state = 'pending'", args![]).await?;
        tx.run("update mails set claimed_until = 0 where state = 'pending'", args![]).await?;
        tx.commit().await
    }

    /// Writes down an attempt: taken, to be tried again at `next_at`, or given up.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn record_attempt(
        &self,
        id: DeliveryId,
        attempt: &Attempt,
        next_at: Option<Timestamp>,
    ) -> Result<()> {
        let state = match (&attempt.error, next_at) {
            (None, _) => DeliveryState::Delivered,
            (Some(_), Some(_)) => DeliveryState::Pending,
            (Some(_), None) => DeliveryState::Failed,
        };
        let ended_at = (state != DeliveryState::Pending).then_some(attempt.at);
        let answer: String = attempt.answer.chars().take(ANSWER_MAX).collect();
        let mut tx = self.measure().await?;
        tx.run(
            "update deliveries set state = $2, attempts = $3, first_at = coalesce(first_at, $4), next_at = $5, \
             claimed_until = 0, ended_at = $6, last_status = $7, last_error = $8 where id = $1 and state = 'pending'",
            args![
                id,
                state.name(),
                attempt.number,
                attempt.at,
                next_at.unwrap_or(attempt.at),
                ended_at,
                attempt.status,
                attempt.error.clone()
            ],
        )
        .await?;
        tx.run(
            "insert into delivery_attempts (delivery_id, number, at, milliseconds, status, error, answer) \
             values ($1, $2, $3, $4, $5, $6, $7) on conflict (delivery_id, number) do nothing",
            args![
                id,
                attempt.number,
                attempt.at,
                attempt.milliseconds,
                attempt.status,
                attempt.error.clone(),
                answer
            ],
        )
        .await?;
        tx.commit().await
    }

    /// A page of deliveries of the grant's organization, newest first.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn deliveries(
        &self,
        grant: &Grant,
        filter: DeliveryFilter,
        page: &PageRequest,
    ) -> Result<Page<Delivery>> {
        let rows = self
            .rows(
                "select * from deliveries where organization_id = $1 and ($2 = '' or webhook_id = $2) \
                 and ($3 = '' or state = $3) and ($4 = '' or id < $4) order by id desc limit $5",
                args![
                    grant.organization_id(),
                    filter.webhook_id.map(|id| id.to_string()).unwrap_or_default(),
                    filter.state.map_or("", DeliveryState::name),
                    page.after.clone().unwrap_or_default(),
                    page.limit + 1
                ],
            )
            .await?;
        Ok(Page::from_read(rows.iter().map(delivery_of).collect::<Result<_>>()?, page.limit))
    }

    /// One delivery of the grant's organization with its attempts.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn delivery(&self, grant: &Grant, id: DeliveryId) -> Result<(Delivery, Vec<Attempt>)> {
        let sql = "select * from deliveries where id = $1 and organization_id = $2";
        let row = self.row(sql, args![id, grant.organization_id()]).await?.ok_or(Error::not_found(WHAT))?;
        let sql = "select * from delivery_attempts where delivery_id = $1 order by number";
        let attempts = self.rows(sql, args![id]).await?;
        Ok((delivery_of(&row)?, attempts.iter().map(attempt_of).collect::<Result<_>>()?))
    }
}

impl Change {
    /// Puts a delivery on its way once more, from its first attempt on, with the same event id.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn replay_delivery(&mut self, grant: &Grant, id: DeliveryId) -> Result<Delivery> {
        let sql = "update deliveries set state = 'pending', first_at = null, next_at = $3, claimed_until = 0, \
                   ended_at = null where id = $1 and organization_id = $2 returning *";
        let row = self.row(sql, args![id, grant.organization_id(), self.at()]).await?;
        row.as_ref().map_or(Err(Error::not_found(WHAT)), delivery_of)
    }
}

async fn put_on_way(tx: &mut Measurement, event: &Happened, now: Timestamp) -> Result<()> {
    let Some(kind) = EventType::of(event.verb) else { return Ok(()) };
    let sql =
        "select * from webhooks where organization_id = $1 and deleted_at is null and is_enabled order by id";
    let webhooks: Vec<Webhook> =
        tx.rows(sql, args![event.organization_id]).await?.iter().map(webhook_of).collect::<Result<_>>()?;
    // A test goes to the endpoint that is tested, whatever it is told of.
    let is_test = event.verb == Verb::WebhookTested;
    let is_told = |webhook: &&Webhook| match is_test {
        true => webhook.id.to_string() == event.target_id,
        false => webhook.wants(kind),
    };
    for webhook in webhooks.iter().filter(is_told) {
        tx.run(
            "insert into deliveries (id, organization_id, webhook_id, sequence, event_id, event_type, body, state, \
             attempts, created_at, next_at, claimed_until) \
             values ($1, $2, $3, $4, $5, $6, $7, 'pending', 0, $8, $8, 0)",
            args![
                DeliveryId::from_parts(now, crate::random_u128()?),
                event.organization_id,
                webhook.id,
                event.sequence,
                event.id,
                kind.name(),
                body(event, kind),
                now
            ],
        )
        .await?;
    }
    Ok(())
}

/// What is sent of an event: what the audit record says, which holds no secret.
fn body(event: &Happened, kind: EventType) -> String {
    json!({
        "id": event.id, "type": kind.name(), "timestamp": event.at.to_string(),
        "data": {
            "organization_id": event.organization_id, "project_id": event.project_id,
            "target_id": event.target_id, "verb": event.verb.name(),
            "actor": {"type": event.actor.kind, "id": event.actor.id, "email": event.actor.email},
            "before": event.before, "after": event.after,
        },
    })
    .to_string()
}

fn happened_of(row: &Row) -> Result<Option<Happened>> {
    let Ok(organization_id) = row.text("organization_id")?.parse() else { return Ok(None) };
    Ok(Some(Happened {
        sequence: row.int("sequence")?,
        id: row.id("id")?,
        organization_id,
        verb: row.word("verb", Verb::parse)?,
        target_id: row.text("target_id")?,
        project_id: row.opt_text("project_id")?,
        actor: row.json("actor")?,
        before: row.json("before_json")?,
        after: row.json("after_json")?,
        at: row.time("at")?,
    }))
}

fn delivery_of(row: &Row) -> Result<Delivery> {
    Ok(Delivery {
        id: row.id("id")?,
        webhook_id: row.id("webhook_id")?,
        event_id: row.id("event_id")?,
        event_type: row.text("event_type")?,
        body: row.text("body")?,
        state: row.word("state", DeliveryState::parse)?,
        attempts: row.int("attempts")?,
        created_at: row.time("created_at")?,
        first_at: row.opt_time("first_at")?,
        next_at: row.time("next_at")?,
        ended_at: row.opt_time("ended_at")?,
        last_status: row.opt_int("last_status")?,
        last_error: row.opt_text("last_error")?,
    })
}

fn attempt_of(row: &Row) -> Result<Attempt> {
    Ok(Attempt {
        number: row.int("number")?,
        at: row.time("at")?,
        milliseconds: row.int("milliseconds")?,
        status: row.opt_int("status")?,
        error: row.opt_text("error")?,
        answer: row.text("answer")?,
    })
}
