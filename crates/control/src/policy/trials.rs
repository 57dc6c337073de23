//! Changes of policy on trial: kept from an address that they allow, undone by somebody, or undone when their
//! time is over.

use domain::Error;
use domain::access::{Grant, Task};
use domain::audit::{AuditEntry, Verb};
use domain::ids::OrganizationId;
use domain::policy::{Entry, Place, Policy, Setting, Spot, TRIAL_TIME, Trial};
use store::Change;

use super::{Held, entrances, facts, held, in_place, own_entry, spot_of};
use crate::{Control, Failure};

/// How many trials that are over one round undoes.
const AT_A_TIME: i64 = 500;

/// Refuses a trial where nobody could keep it from outside.
///
/// # Errors
/// `trial_not_allowed`.
pub(super) fn can_be_at(spot: Spot) -> Result<(), Error> {
    match spot {
        Spot::Organization | Spot::Environment(_) => Ok(()),
        Spot::Project(_) | Spot::Key(_) => {
            let sentence = "Only what the organization or an environment sets can be on trial.";
            Err(Error::invalid_param("trial_not_allowed", "on_trial", sentence))
        }
    }
}

/// Begins the trial of what was just set.
pub(super) async fn begin(
    change: &mut Change,
    grant: &Grant,
    (spot, setting): (Spot, Setting),
    before: Option<Entry>,
) -> Result<(), Failure> {
    let ends_at = change.at().plus_micros(TRIAL_TIME);
    Ok(change.begin_policy_trial(grant, &Trial { setting, spot, before, ends_at }).await?)
}

/// Keeps what a place set on trial.
///
/// # Errors
/// `not_found` when nothing is on trial there; conflict `would_lock_out` from an address that it does not allow.
pub async fn keep_policy(
    control: &Control,
    grant: &Grant,
    place: Place,
    setting: Setting,
) -> Result<Held, Failure> {
    let spot = spot_of(place);
    let mut change = control.change(grant).await?;
    let policy = change.lock_policy(grant).await?;
    let trial = change.end_policy_trial(grant, spot, setting).await?;
    let trial = trial.ok_or(Error::Hidden { what: "trial of this setting" })?;
    let before = policy.clone().with(spot, setting, trial.before);
    entrances::compare(grant, (&before, &policy), place, change.at())?;
    let kept = own_entry(&policy, place, setting).ok_or(Error::Hidden { what: "setting at this level" })?;
    let audited =
        in_place(AuditEntry::new(Verb::PolicyKept, setting.name()), place).after(facts(spot, &kept));
    control.commit(change, audited).await?;
    held(control, grant, place, setting).await
}

/// Undoes what a place set on trial, before its time is over: what stood there before stands again. It is never refused for
/// whom it shuts out, as it would come by itself.
///
/// # Errors
/// `not_found` when nothing is on trial there.
pub async fn undo_policy(
    control: &Control,
    grant: &Grant,
    place: Place,
    setting: Setting,
) -> Result<Held, Failure> {
    let mut change = control.change(grant).await?;
    let policy = change.lock_policy(grant).await?;
    let trial = change.end_policy_trial(grant, spot_of(place), setting).await?;
    let trial = trial.ok_or(Error::Hidden { what: "trial of this setting" })?;
    let audited = go_back(&mut change, grant, &policy, trial).await?;
    control.commit(change, audited).await?;
    held(control, grant, place, setting).await
}

/// Undoes trials that nobody kept in time. Returns how many.
///
/// # Errors
/// `store_unavailable`.
pub async fn undo_due(control: &Control) -> Result<usize, Failure> {
    let everywhere = Grant::system(Task::Deadlines, None);
    let due = control.store.overdue_policy_trials(&everywhere, control.now(), AT_A_TIME).await?;
    let count = due.len();
    for (organization, spot, setting) in due {
        undo(control, organization, (spot, setting)).await?;
    }
    Ok(count)
}

async fn undo(
    control: &Control,
    organization: OrganizationId,
    (spot, setting): (Spot, Setting),
) -> Result<(), Failure> {
    let grant = Grant::system(Task::Deadlines, Some(organization));
    let mut change = control.change(&grant).await?;
    let policy = change.lock_policy(&grant).await?;
    let trial = change.end_policy_trial(&grant, spot, setting).await?;
    // Kept, begun anew or undone by another replica meanwhile.
    let Some(trial) = trial.filter(|trial| trial.ends_at <= change.at()) else { return Ok(()) };
    let audited = go_back(&mut change, &grant, &policy, trial).await?;
    control.commit(change, audited).await
}

/// Puts back what stood before a trial that ended, and says so for the trail.
async fn go_back(
    change: &mut Change,
    grant: &Grant,
    policy: &Policy,
    trial: Trial,
) -> Result<AuditEntry, Failure> {
    let Trial { setting, spot, before, .. } = trial;
    match &before {
        Some(before) => change.write_policy_entry(grant, spot, before).await?,
        None => drop(change.delete_policy_entry(grant, spot, setting).await?),
    }
    let tried = own_entry(policy, Place::of(spot), setting).map(|entry| facts(spot, &entry));
    Ok(AuditEntry::new(Verb::PolicyUndone, setting.name())
        .before(tried.unwrap_or_default())
        .after(before.map(|before| facts(spot, &before)).unwrap_or_default()))
}
