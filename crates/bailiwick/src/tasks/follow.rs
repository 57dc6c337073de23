//! Follows the feed of changes, so that calls read what holds now.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

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
            events.iter().for_each(|event| self.apply(event));
            *position = last;
        }
    }

    fn apply(&self, event: &Event) {
        if let Some(organization) = event.organization_id {
            self.house.forget_view(organization);
            if STOPPING.contains(&event.verb.as_str()) {
                self.gateway.suspend_organization(organization);
            }
        }
        match event.target_id.parse() {
            Ok(key) if ENDING.contains(&event.verb.as_str()) => self.gateway.stop_key(key),
            Ok(key) => self.gateway.invalidate_key(key),
            // People, their roles and groups, accounts and projects decide over keys too.
            Err(_) if touches_keys(&event.verb) => self.gateway.invalidate_all_keys(),
            Err(_) => {}
        }
    }
}

fn touches_keys(verb: &str) -> bool {
    let nouns =
        ["user.", "project_member.", "service_account.", "project.", "role.", "group.", "group_member."];
    nouns.iter().any(|noun| verb.starts_with(noun))
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
