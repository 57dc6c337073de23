//! Ends what has reached its end: closed organizations are purged when their days are over.

use std::time::Duration;

use control::Control;
use control::organizations::purge_closed_organizations;

/// How often.
const EVERY: Duration = Duration::from_secs(30);

/// Runs for ever.
pub async fn run(control: Control) {
    loop {
        match purge_closed_organizations(&control).await {
            Ok(0) => {}
            Ok(purged) => tracing::info!(purged, "closed organizations were purged"),
            Err(failure) => tracing::error!(?failure, "closed organizations wait to be purged"),
        }
        tokio::time::sleep(EVERY).await;
    }
}
