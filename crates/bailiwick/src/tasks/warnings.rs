//! Counts what policy warned of, in memory first: the store is told once in a while, not by every call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::time::Timestamp;
use gateway::policy::Warned;
use store::policy::Warning;

use crate::house::House;

/// How often the store is told.
const EVERY: Duration = Duration::from_secs(5);
/// So many kinds of warnings are told apart between two writes; more of them are let go.
const KINDS_MAX: usize = 10_000;

/// What was warned of since the store was last told.
#[derive(Default)]
pub struct Warnings(Mutex<HashMap<Warned, (i64, Timestamp)>>);

impl Warnings {
    /// Counts one.
    pub fn note(&self, warned: Warned, at: Timestamp) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= KINDS_MAX && !counts.contains_key(&warned) {
            return;
        }
        let entry = counts.entry(warned).or_insert((0, at));
        *entry = (entry.0 + 1, at);
    }

    fn take(&self) -> HashMap<Warned, (i64, Timestamp)> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn put_back(&self, counts: HashMap<Warned, (i64, Timestamp)>) {
        let mut present = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (warned, (count, at)) in counts {
            let entry = present.entry(warned).or_insert((0, at));
            *entry = (entry.0 + count, entry.1.max(at));
        }
    }
}

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
    let counts = house.warnings.take();
    if counts.is_empty() {
        return Ok(());
    }
    let warnings: Vec<_> = counts.iter().map(|(warned, (count, at))| of(warned, *count, *at)).collect();
    let written = house.store.count_policy_warnings(&warnings).await;
    if written.is_err() {
        house.warnings.put_back(counts);
    }
    written
}

fn of(warned: &Warned, count: i64, at: Timestamp) -> (domain::ids::OrganizationId, Warning) {
    let warning = Warning {
        setting: warned.setting,
        project_id: warned.project_id.to_string(),
        key_id: warned.key_id.to_string(),
        subject: warned.subject.clone(),
        day: at,
        count,
        last_at: at,
    };
    (warned.organization_id, warning)
}
