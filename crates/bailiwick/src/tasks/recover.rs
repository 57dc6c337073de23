//! After a crash: calls that were in flight are charged their hold, everything drains, old slices go back.

use domain::usage::{Opened, Settled};
use store::journal::Replay;

use super::drain::drain_all;
use crate::house::House;

/// Brings journal and store together before the doors open. Returns how many calls were recovered.
///
/// # Errors
/// When the store is away, or the journal holds what cannot be read.
pub async fn recover(house: &House, replay: Replay) -> store::Result<usize> {
    let now = house.ambient.now();
    let count = replay.open.len();
    for left in replay.open {
        let opened: Opened = serde_json::from_slice(&left.payload)
            .map_err(|error| store::Error::Corrupt(format!("open record {}: {error}", left.id)))?;
        let settled = Settled::recovered(opened, now);
        let payload =
            serde_json::to_vec(&settled).map_err(|error| store::Error::Corrupt(error.to_string()))?;
        let position = left.slot.settle(&payload);
        house.journal.synced(position).await.map_err(|error| store::Error::Unavailable(error.to_string()))?;
    }
    store::metering::register_replica(&house.store, house.replica_id, now).await?;
    drain_all(house).await?;
    store::metering::return_all_of_replica(&house.store, house.replica_id).await?;
    Ok(count)
}
