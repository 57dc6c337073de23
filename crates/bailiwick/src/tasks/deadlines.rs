//! Ends what reached its end: elevations, raises and changes whose time ran out, requests and hand-overs that nobody
//! decided, closed organizations whose days are over, records that policy does not keep any longer. What an elevation gave
//! ended at that moment anyway; this writes it down.

use std::time::Duration;

use control::organizations::purge_closed_organizations;
use control::{Control, Failure, approvals, handovers, policy, retention};

/// How often.
const EVERY: Duration = Duration::from_secs(30);

/// Runs for ever.
pub async fn run(control: Control) {
    loop {
        told("what was approved for a time", approvals::end_due(&control).await);
        told("approvals", approvals::expire_due(&control).await);
        told("trials of policy", policy::undo_due(&control).await);
        told("handovers", handovers::expire_due(&control).await);
        told("records that are not kept any longer", retention::purge_old(&control).await);
        told("closed organizations", purge_closed_organizations(&control).await);
        tokio::time::sleep(EVERY).await;
    }
}

fn told(what: &'static str, done: Result<usize, Failure>) {
    match done {
        Ok(0) => {}
        Ok(count) => tracing::info!(what, count, "reached their end"),
        Err(failure) => tracing::warn!(what, %failure, "their end is not written down yet"),
    }
}
