//! Retention: what is older than policy keeps is purged, a bounded part at a time, each part with one audit record.

use domain::access::{Grant, Task};
use domain::policy::Setting;
use domain::time::{DAY, Timestamp};

use crate::policy::in_organization;
use crate::{Control, Failure};

/// How many records of one kind and organization one round purges.
const AT_A_TIME: i64 = 10_000;

/// Purges, in every organization that says how long, records of whole UTC days that are older. Returns how many went.
///
/// # Errors
/// `store_unavailable`; what fails in one organization keeps no other from its turn.
pub async fn purge_old(control: &Control) -> Result<usize, Failure> {
    let everywhere = Grant::system(Task::Retention, None);
    let (mut count, mut failed) = (0, None);
    for setting in [Setting::UsageRetention, Setting::AuditRetention] {
        for id in control.store.organizations_that_set(&everywhere, setting).await? {
            match purge(control, &Grant::system(Task::Retention, Some(id)), setting).await {
                Ok(purged) => count += purged,
                Err(failure) => failed = Some(failure),
            }
        }
    }
    failed.map_or_else(|| Ok(usize::try_from(count).unwrap_or(usize::MAX)), Err)
}

async fn purge(control: &Control, grant: &Grant, setting: Setting) -> Result<i64, Failure> {
    let held = in_organization(control, grant, setting).await?;
    let Some(days) = held.enforced.amount() else { return Ok(0) };
    let before = Timestamp::from_unix_micros((control.now().unix_micros() / DAY - days) * DAY);
    let is_usage = setting == Setting::UsageRetention;
    let is_due = match is_usage {
        true => control.store.has_usage_before(grant, before).await?,
        false => control.store.has_audit_before(grant, before).await?,
    };
    if !is_due {
        return Ok(0);
    }
    let mut change = control.change(grant).await?;
    let purged = match is_usage {
        true => change.purge_usage(grant, before, AT_A_TIME).await?,
        false => change.purge_audit(grant, before, AT_A_TIME).await?,
    };
    let Some((count, entry)) = purged else { return Ok(0) };
    control.commit(change, entry).await?;
    Ok(count)
}
