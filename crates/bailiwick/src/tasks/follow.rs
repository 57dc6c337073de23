//! Follows the feed of changes, so that calls read what holds now.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use domain::access::{Grant, Task};
use gateway::Gateway;
use store::Event;
use tokio::sync::Mutex;

use crate::house::House;

/// How often the feed is read even when nobody announced a change.
const POLL: Duration = Duration::from_millis(500);
/// Changes after which a key's open streams end.
const ENDING: [&str; 2] = ["api_key.deleted", "api_key.disabled"];
/// Changes after which all open streams of the organization end.
const STOPPING: [&str; 3] = ["organization.suspended", "organization.closed", "organization.purged"];
/// Changes that decide over keys too: of people, their roles and groups, accounts, projects, and what has which owner.
const DECIDING: [&str; 9] = [
    "user.",
    "project_member.",
    "service_account.",
    "project.",
    "role.",
    "group.",
    "group_member.",
    "handover.",
    "ownership.",
];
/// Those of them after which keys may not work any more, whose open streams end then.
const LOSING: [&str; 8] = [
    "user.",
    "project_member.",
    "service_account.",
    "project.archived",
    "role.",
    "group.",
    "group_member.",
    "handover.",
];
/// So many events are read at once.
const EVENTS_MAX: i64 = 500;

/// Applies changes in their order.
pub struct Follower {
    house: Arc<House>,
    gateway: Gateway,
    position: Mutex<i64>,
}

impl Follower {
    /// A follower from the present end of the feed: what is loaded later is newer.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn new(house: Arc<House>, gateway: Gateway) -> store::Result<Self> {
        let position = Mutex::new(house.store.feed_position().await?);
        Ok(Self { house, gateway, position })
    }

    /// Runs for ever; a lone process hears of its own changes at once and has nothing to poll for.
    pub async fn run(self: Arc<Self>) {
        loop {
            tokio::time::sleep(POLL).await;
            if let Err(error) = self.catch_up().await {
                tracing::warn!(%error, context = error.context(), "the feed cannot be followed");
            }
        }
    }

    async fn catch_up(&self) -> store::Result<i64> {
        let mut position = self.position.lock().await;
        loop {
            let events = self.house.store.feed_after(*position, EVENTS_MAX).await?;
            let Some(last) = events.last().map(|event| event.sequence) else {
                self.house.followed();
                return Ok(*position);
            };
            for event in &events {
                self.apply(event).await?;
            }
            *position = last;
        }
    }

    async fn apply(&self, event: &Event) -> store::Result<()> {
        if let Some(organization) = event.organization_id {
            self.house.forget_view(organization);
            if STOPPING.contains(&event.verb.as_str()) {
                self.gateway.suspend_organization(organization);
            }
        }
        match event.target_id.parse() {
            Ok(key) if ENDING.contains(&event.verb.as_str()) => self.gateway.stop_key(key),
            Ok(key) => self.gateway.invalidate_key(key),
            Err(_) if begins(&event.verb, &DECIDING) => {
                self.gateway.invalidate_all_keys();
                self.end_streams(event).await?;
            }
            Err(_) => {}
        }
        Ok(())
    }

    /// Ends the open streams of keys that do not work any more: a person's, where the change is about one.
    async fn end_streams(&self, event: &Event) -> store::Result<()> {
        let Some(organization) = event.organization_id.filter(|_| begins(&event.verb, &LOSING)) else {
            return Ok(());
        };
        let keys = self.gateway.keys_of(organization, event.target_id.parse().ok());
        if keys.is_empty() {
            return Ok(());
        }
        let everywhere = Grant::system(Task::Snapshot, None);
        let ended = self.house.store.keys_that_ended(&everywhere, &keys, self.house.ambient.now()).await?;
        ended.into_iter().for_each(|key| self.gateway.stop_key(key));
        Ok(())
    }
}

fn begins(verb: &str, words: &[&str]) -> bool {
    words.iter().any(|word| verb.starts_with(word))
}

impl control::Feed for Follower {
    fn applied(&self, _sequence: i64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            if let Err(error) = self.catch_up().await {
                tracing::warn!(%error, context = error.context(), "a change is kept but not yet in effect here");
                self.gateway.invalidate_all_keys();
            }
        })
    }
}
