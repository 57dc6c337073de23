//! Takes settled records from the journal into the store, in batches, as long as the server runs.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use domain::usage::Settled;

use crate::house::House;

/// So many records go into one transaction.
const BATCH_MAX: usize = 500;
/// Records gather for so long before a batch goes.
const GATHER: Duration = Duration::from_millis(200);
/// After a failure the store is left alone for so long.
const REST: Duration = Duration::from_secs(1);

/// Drains until the journal is closed.
pub async fn run(house: Arc<House>) {
    while house.journal.wait_for_settled().await.is_ok() {
        tokio::time::sleep(GATHER).await;
        if let Err(error) = drain_batches(&house, BATCH_MAX).await {
            tracing::error!(%error, context = error.context(), "usage waits in the journal");
            tokio::time::sleep(REST).await;
        }
    }
}

/// Drains everything that is settled now.
///
/// # Errors
/// When the store does not take a batch; it is offered again.
pub async fn drain_all(house: &House) -> store::Result<()> {
    drain_batches(house, 1).await
}

/// Drains until a batch has fewer than `enough` records.
async fn drain_batches(house: &House, enough: usize) -> store::Result<()> {
    loop {
        let entries =
            house.journal.batch(BATCH_MAX).map_err(|error| store::Error::Corrupt(error.to_string()))?;
        let Some(last) = entries.last().map(|entry| entry.position) else { return Ok(()) };
        let batch = entries
            .iter()
            .map(|entry| {
                serde_json::from_slice(&entry.payload)
                    .map_err(|error| store::Error::Corrupt(format!("record {}: {error}", entry.id)))
            })
            .collect::<store::Result<Vec<Settled>>>()?;
        store::metering::drain(&house.store, house.replica_id, &batch).await?;
        for settled in &batch {
            let purse = house.purse(settled.record.call.attribution.organization_id);
            purse.lock().unwrap_or_else(PoisonError::into_inner).drained(&settled.charges);
        }
        house.journal.drained(last);
        if batch.len() < enough {
            return Ok(());
        }
    }
}
