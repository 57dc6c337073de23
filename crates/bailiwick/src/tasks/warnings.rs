//! Tells the store what the gateway counted of what policy warned of.

use std::sync::Arc;
use std::time::Duration;

use crate::house::House;

/// How often the store is told.
const EVERY: Duration = Duration::from_secs(5);

/// Runs for ever.
pub async fn run(house: Arc<House>) {
    loop {
        tokio::time::sleep(EVERY).await;
        if let Err(error) = flush(&house).await {
            tracing::warn!(%error, context = error.context(), "warnings of policy are not written down yet");
        }
    }
}

/// Tells the store what was counted.
///
/// # Errors
/// When the store is away; the counts are kept for the next time.
pub async fn flush(house: &House) -> store::Result<()> {
    house.warnings.flush(&house.store).await
}
