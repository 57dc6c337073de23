//! Refused attempts go into the audit trail: the first of an actor in a minute at once, the rest of that minute
//! as one record that says how many they were.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::access::{Grant, Task};
use domain::audit::{AuditActor, AuditEntry, Verb};
use domain::ids::OrganizationId;
use domain::routes::Route;
use domain::time::{MINUTE, Timestamp};
use serde_json::json;

use super::failure::Failure;
use crate::Control;

/// Beyond so many actors in a minute, counts are written early rather than kept.
const MOST_ACTORS: usize = 10_000;

/// Who was refused, as far as coalescing tells people apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Who {
    organization_id: Option<OrganizationId>,
    id: String,
    credential_id: Option<String>,
}

/// What was refused in the present minute after the first.
#[derive(Clone, Debug)]
struct Tally {
    minute: i64,
    count: i64,
    actor: AuditActor,
    entry: AuditEntry,
}

/// An attempt that was refused.
pub(crate) struct Refused {
    pub(crate) organization_id: Option<OrganizationId>,
    pub(crate) actor: AuditActor,
    pub(crate) entry: AuditEntry,
    pub(crate) at: Timestamp,
}

impl Refused {
    /// What the trail says of a refusal.
    pub(crate) fn entry_of(route: &Route, location: &str, failure: &Failure) -> AuditEntry {
        let after = json!({
            "method": route.method.name(), "path": location.split('?').next(), "code": failure.code(),
        });
        AuditEntry::new(Verb::AttemptRefused, route.operation).after(after)
    }
}

/// The tallies of the present minute.
#[derive(Default)]
pub(crate) struct Refusals(Mutex<HashMap<Who, Tally>>);

impl Refusals {
    /// Writes the attempt down, or counts it with those before it in the same minute.
    pub(crate) async fn note(&self, control: &Control, refused: Refused) {
        let minute = refused.at.unix_micros().div_euclid(MINUTE);
        let (is_first, due) = self.tally(&refused, minute);
        if is_first {
            let Refused { organization_id, actor, entry, .. } = refused;
            write_or_log(control, organization_id, actor, entry, 1).await;
        }
        for (who, tally) in due {
            write_or_log(control, who.organization_id, tally.actor, tally.entry, tally.count).await;
        }
    }

    /// Writes every count down, also those of the present minute.
    pub(crate) async fn flush(&self, control: &Control) -> Result<(), Failure> {
        let due: Vec<(Who, Tally)> = self.lock().drain().filter(|(_, tally)| tally.count > 0).collect();
        for (index, (who, tally)) in due.iter().enumerate() {
            let (actor, entry) = (tally.actor.clone(), tally.entry.clone());
            if let Err(failure) = write(control, who.organization_id, actor, entry, tally.count).await {
                self.lock().extend(due[index..].iter().cloned());
                return Err(failure);
            }
        }
        Ok(())
    }

    /// Counts; tells whether this is the first of its minute, and which counts of past minutes are due.
    fn tally(&self, refused: &Refused, minute: i64) -> (bool, Vec<(Who, Tally)>) {
        let who = Who {
            organization_id: refused.organization_id,
            id: refused.actor.id.clone(),
            credential_id: refused.actor.credential_id.clone(),
        };
        let mut tallies = self.lock();
        let crowded = tallies.len() >= MOST_ACTORS;
        let past = tallies.extract_if(|_, tally| tally.minute < minute || crowded);
        let due = past.filter(|(_, tally)| tally.count > 0).collect();
        if let Some(tally) = tallies.get_mut(&who) {
            tally.count += 1;
            tally.entry.clone_from(&refused.entry);
            return (false, due);
        }
        let (actor, entry) = (refused.actor.clone(), refused.entry.clone());
        tallies.insert(who, Tally { minute, count: 0, actor, entry });
        (true, due)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Who, Tally>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn write(
    control: &Control,
    organization_id: Option<OrganizationId>,
    actor: AuditActor,
    entry: AuditEntry,
    count: i64,
) -> Result<(), Failure> {
    let mut change = control.change(&Grant::system(Task::Refusals, organization_id)).await?;
    change.acted_by(actor);
    change.stands_for(count);
    control.commit(change, entry).await
}

/// The caller was refused either way, so a trail that cannot be written is told to the operator.
async fn write_or_log(
    control: &Control,
    organization_id: Option<OrganizationId>,
    actor: AuditActor,
    entry: AuditEntry,
    count: i64,
) {
    if let Err(failure) = write(control, organization_id, actor, entry, count).await {
        tracing::error!(%failure, "a refused attempt could not be written into the audit trail");
    }
}
