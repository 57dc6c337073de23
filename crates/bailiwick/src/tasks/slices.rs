//! Gives unused slices back to the store, and keeps this replica seen alive.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use domain::allowances::Share;
use domain::time::SECOND;

use crate::house::House;

/// How often.
const EVERY: Duration = Duration::from_secs(5);
/// A replica not seen for so long, in microseconds, does not count any more.
const SEEN_WITHIN: i64 = 20 * SECOND;

/// Runs for ever.
pub async fn run(house: Arc<House>) {
    loop {
        tokio::time::sleep(EVERY).await;
        give_back(&house, false).await;
        if let Err(error) = count_replicas(&house).await {
            tracing::warn!(%error, context = error.context(), "the last known number of replicas stands");
        }
    }
}

/// Gives back what lies idle, or everything that is free.
pub async fn give_back(house: &House, everything: bool) {
    let now = house.ambient.now();
    for (_, purse) in house.purses() {
        let returns = purse.lock().unwrap_or_else(PoisonError::into_inner).take_returns(now, everything);
        for returned in returns {
            if let Err(error) = store::metering::return_slice(&house.store, house.replica_id, returned).await
            {
                tracing::warn!(%error, context = error.context(), "a slice stays here for now");
                purse.lock().unwrap_or_else(PoisonError::into_inner).keep(&returned);
            }
        }
    }
}

async fn count_replicas(house: &House) -> store::Result<()> {
    if house.store.is_lone() {
        return Ok(());
    }
    let now = house.ambient.now();
    store::metering::register_replica(&house.store, house.replica_id, now).await?;
    let alive = store::metering::live_replicas(&house.store, now.plus_micros(-SEEN_WITHIN)).await?;
    let rank = alive.iter().position(|id| *id == house.replica_id).unwrap_or(alive.len());
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    house.set_share(Share { replicas: count(alive.len().max(1)), rank: count(rank), is_lone: false });
    Ok(())
}
