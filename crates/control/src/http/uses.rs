//! Which permissions people use: noted in memory as they are allowed, coalesced by day, and written once in a while.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::access::{Grant, Permission, Reach};
use domain::ids::ProjectId;
use domain::time::{DAY, Timestamp};
use store::NotedUse;

use crate::{Control, Failure};

/// So many different uses are kept at most; with none written for so many, further ones are lost and counted.
const MOST_USES: usize = 10_000;
/// So many are written in one transaction.
const BATCH: usize = 500;

/// The uses of the present day.
#[derive(Default)]
pub(crate) struct Uses(Mutex<Noted>);

#[derive(Default)]
struct Noted {
    day: Timestamp,
    written: HashSet<NotedUse>,
    waiting: HashSet<NotedUse>,
    lost: u64,
}

impl Uses {
    /// Notes that a permission was allowed, in a project or in the organization. Writes nothing, waits for nothing.
    pub(crate) fn note(&self, grant: &Grant, project_id: Option<ProjectId>, at: Timestamp) {
        let (Some(actor), Some(organization_id)) = (grant.actor(), grant.organization_id()) else { return };
        let Some(permission) = used(grant) else { return };
        let day = Timestamp::from_unix_micros(at.unix_micros().div_euclid(DAY) * DAY);
        self.lock().note(NotedUse { organization_id, user_id: actor.user_id, permission, project_id, day });
    }

    /// Writes what waits. What cannot be written waits on.
    pub(crate) async fn flush(&self, control: &Control) -> Result<(), Failure> {
        let (waiting, lost) = {
            let mut noted = self.lock();
            (std::mem::take(&mut noted.waiting), std::mem::take(&mut noted.lost))
        };
        if lost > 0 {
            tracing::warn!(lost, "more permissions were used at once than are kept in memory");
        }
        // In one order, so that replicas which write the same rows do not wait for each other in a circle.
        let mut waiting: Vec<NotedUse> = waiting.into_iter().collect();
        waiting.sort_unstable();
        for (index, batch) in waiting.chunks(BATCH).enumerate() {
            if let Err(error) = control.store.note_uses(batch).await {
                self.lock().waiting.extend(&waiting[index * BATCH..]);
                return Err(error.into());
            }
            self.lock().wrote(batch);
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Noted {
    fn note(&mut self, used: NotedUse) {
        if used.day != self.day {
            self.day = used.day;
            self.written.clear();
        }
        if self.written.contains(&used) || self.waiting.contains(&used) {
            return;
        }
        if self.written.len() + self.waiting.len() >= MOST_USES {
            // What is forgotten so is only written again.
            self.written.clear();
        }
        match self.waiting.len() < MOST_USES {
            true => drop(self.waiting.insert(used)),
            false => self.lost += 1,
        }
    }

    fn wrote(&mut self, batch: &[NotedUse]) {
        let room = MOST_USES.saturating_sub(self.written.len() + self.waiting.len());
        self.written.extend(batch.iter().filter(|used| used.day == self.day).take(room));
    }
}

/// What was used of a grant: the `own` form where it reaches only what the person owns.
fn used(grant: &Grant) -> Option<Permission> {
    let permission = grant.permission()?;
    match grant.reach() {
        Reach::Some { whole, own, .. } if whole.is_empty() && !own.is_empty() => permission.own(),
        Reach::All | Reach::Some { .. } => Some(permission),
    }
}

#[cfg(test)]
mod tests {
    use domain::ids::{OrganizationId, UserId};

    use super::*;

    fn of(user: u128, day: i64) -> NotedUse {
        let at = Timestamp::from_unix_micros(day * DAY);
        NotedUse {
            organization_id: OrganizationId::from_parts(at, 0),
            user_id: UserId::from_parts(Timestamp::default(), user),
            permission: Permission::MemberRead,
            project_id: None,
            day: at,
        }
    }

    #[test]
    fn a_use_waits_once_a_day_and_is_not_written_twice() {
        let mut noted = Noted::default();
        noted.note(of(1, 3));
        noted.note(of(1, 3));
        assert_eq!(noted.waiting.len(), 1);
        let batch: Vec<_> = noted.waiting.drain().collect();
        noted.wrote(&batch);
        noted.note(of(1, 3));
        assert!(noted.waiting.is_empty(), "it is written already");
        noted.note(of(1, 4));
        assert_eq!(noted.waiting.len(), 1, "another day");
    }

    #[test]
    fn memory_is_bounded_whatever_happens() {
        let mut noted = Noted::default();
        let most = MOST_USES as u128;
        let written: Vec<_> = (0..most).map(|user| of(user, 3)).collect();
        noted.day = of(0, 3).day;
        noted.wrote(&written);
        noted.wrote(&[of(most, 3)]);
        assert_eq!(noted.written.len(), MOST_USES);
        for user in most..2 * most + 5 {
            noted.note(of(user, 3));
        }
        assert_eq!((noted.waiting.len(), noted.written.len(), noted.lost), (MOST_USES, 0, 5));
    }
}
