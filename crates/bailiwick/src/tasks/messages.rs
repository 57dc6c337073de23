//! Sends what leaves: puts events on their way, and tries webhooks and mails until they are taken or given up.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::messages::{Attempt, headers, next_attempt};
use domain::time::{SECOND, Timestamp};
use futures_util::future::join_all;
use gateway::outbound::Outbound;
use store::deliveries::Due;
use store::mails::{DueMail, Post};

use crate::house::House;
use crate::mail::{Mailer, Refusal};

/// How often it is looked for something to send.
const EVERY: Duration = Duration::from_millis(250);
/// So many events are put on their way in one transaction.
const EVENTS_MAX: i64 = 200;
/// So many messages are tried side by side.
const AT_ONCE: i64 = 16;
/// A receiver has so long to answer.
const ANSWER_TIME: Duration = Duration::from_secs(10);
/// An attempt that was not written down after so long, in microseconds, is made again by whoever looks next.
const CLAIM: i64 = 30 * SECOND;

/// What sends.
pub struct Messages {
    house: Arc<House>,
    outbound: Outbound,
    mailer: Option<Mailer>,
    public_url: String,
}

impl Messages {
    /// With the operator's list of private addresses and, where there is a mail server, what speaks to it.
    pub fn new(house: Arc<House>, allowed: &[String], mailer: Option<Mailer>, public_url: String) -> Self {
        Self { house, outbound: Outbound::new(allowed, ANSWER_TIME), mailer, public_url }
    }

    /// Runs for ever. A lone process first frees what the one before it had claimed.
    pub async fn run(self) {
        if self.house.store.is_lone() {
            told(self.house.store.free_claims().await);
        }
        loop {
            let is_busy = match self.step().await {
                Ok(done) => done > 0,
                Err(error) => {
                    told(Err(error));
                    false
                }
            };
            if !is_busy {
                tokio::time::sleep(EVERY).await;
            }
        }
    }

    /// Does what is due now; how much that was.
    async fn step(&self) -> store::Result<usize> {
        let now = self.house.ambient.now();
        let post = Post { secrets: &self.house.secrets, public_url: &self.public_url };
        let post = self.mailer.as_ref().map(|_| &post);
        let moved = self.house.store.fan_out(EVENTS_MAX, now, post).await?;
        let until = now.plus_micros(CLAIM);
        let due = self.house.store.claim_deliveries(AT_ONCE, now, until).await?;
        let sent = join_all(due.iter().map(|due| self.deliver(due))).await;
        for outcome in sent {
            outcome?;
        }
        Ok(moved + due.len() + self.send_mails(now, until).await?)
    }

    async fn deliver(&self, due: &Due) -> store::Result<()> {
        let store = &self.house.store;
        let at = self.house.ambient.now();
        let delivery = &due.delivery;
        let Some((url, secrets)) = store.webhook_target(delivery.webhook_id, &self.house.secrets, at).await?
        else {
            return store.record_attempt(delivery.id, &gone(delivery.attempts + 1, at), None).await;
        };
        let signed = headers(&secrets, &delivery.event_id.to_string(), at, &delivery.body);
        let started = Instant::now();
        let answered = self.outbound.post(&url, &signed, delivery.body.clone()).await;
        let (status, error, answer) = match answered {
            Ok(answered) if (200..300).contains(&answered.status) => {
                (Some(answered.status), None, answered.text)
            }
            Ok(answered) => {
                let error = format!("The endpoint answered {}.", answered.status);
                (Some(answered.status), Some(error), answered.text)
            }
            Err(sentence) => (None, Some(sentence), String::new()),
        };
        let attempt = Attempt {
            number: delivery.attempts + 1,
            at: self.house.ambient.now(),
            milliseconds: i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX),
            status: status.map(i64::from),
            error,
            answer,
        };
        let first_at = delivery.first_at.unwrap_or(at);
        let next_at = next_attempt(attempt.number, first_at, attempt.at, self.spread());
        store.record_attempt(delivery.id, &attempt, next_at).await
    }

    async fn send_mails(&self, now: Timestamp, until: Timestamp) -> store::Result<usize> {
        let Some(mailer) = &self.mailer else { return Ok(0) };
        let due = self.house.store.claim_mails(&self.house.secrets, AT_ONCE, (now, until)).await?;
        let sent = join_all(due.iter().map(|due| self.send_mail(mailer, due))).await;
        for outcome in sent {
            outcome?;
        }
        Ok(due.len())
    }

    async fn send_mail(&self, mailer: &Mailer, due: &DueMail) -> store::Result<()> {
        let outcome = mailer.send(&due.mail, &due.letter).await;
        let now = self.house.ambient.now();
        let first_at = due.mail.first_at.unwrap_or(now);
        let (error, next_at) = match outcome {
            Ok(()) => (None, None),
            Err(Refusal::Final(sentence)) => (Some(sentence), None),
            Err(Refusal::Passing(sentence)) => {
                (Some(sentence), next_attempt(due.mail.attempts + 1, first_at, now, self.spread()))
            }
        };
        self.house.store.record_mail(&due.mail, error.as_deref(), next_at, now).await
    }

    fn spread(&self) -> u8 {
        let mut byte = [0];
        self.house.ambient.fill_random(&mut byte);
        byte[0]
    }
}

/// The webhook was switched off or removed after the event was put on its way.
fn gone(number: i64, at: Timestamp) -> Attempt {
    let error = Some("The webhook is disabled or gone.".to_owned());
    Attempt { number, at, milliseconds: 0, status: None, error, answer: String::new() }
}

fn told(outcome: store::Result<()>) {
    if let Err(error) = outcome {
        tracing::warn!(%error, context = error.context(), "messages wait");
    }
}
