//! Policy: what every level sets, what holds at a place and why, exceptions, and what warnings were counted.

pub mod api;
pub(crate) mod console;
mod entrances;
pub mod pages;
mod spots;
mod trials;
mod view;
mod wire;

use domain::Error;
use domain::access::Grant;
use domain::audit::{AuditEntry, Verb};
use domain::ids::{ExceptionId, KeyId, ProjectId};
use domain::page::{Page, PageRequest};
use domain::policy::{
    Effective, Entry, Exception, Mode, Place, Policy, Setting, Spot, Trial, Value, check, check_exception,
};
use domain::projects::Environment;
use domain::text;
use domain::time::Timestamp;
use serde_json::{Value as Json, json};
use store::policy::Warning;

pub(crate) use entrances::enter;
pub use entrances::let_in;
pub use trials::{keep_policy, undo_due, undo_policy};

use crate::{Control, Failure};

/// What one setting is at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// What holds there.
    pub effective: Effective,
    /// What the place itself sets.
    pub own: Option<Entry>,
    /// When that is undone unless it is kept; none where it is not on trial.
    pub trial_ends_at: Option<Timestamp>,
}

/// What a spot is to set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEntry {
    /// The setting.
    pub setting: Setting,
    /// The value.
    pub value: Value,
    /// What is done with what it does not allow.
    pub mode: Mode,
    /// Whether levels below count no more.
    pub is_locked: bool,
    /// What levels below cannot narrow away.
    pub floor: Option<Value>,
    /// Whether it is undone by itself unless it is kept in time.
    pub is_on_trial: bool,
}

/// An exception to give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewException {
    /// The setting.
    pub setting: Setting,
    /// Where.
    pub spot: Spot,
    /// What holds there instead of what the levels above say.
    pub value: Value,
    /// Why.
    pub reason: String,
    /// When it ends.
    pub ends_at: Timestamp,
}

/// The place of the organization or of one of its environments.
pub const fn place_of_environment(environment: Option<Environment>) -> Place {
    Place { environment, ..Place::ORGANIZATION }
}

/// The place of a project or of one of its keys.
///
/// # Errors
/// `Hidden` when there is no such project or key within the grant's reach.
pub async fn place_of_project(
    control: &Control,
    grant: &Grant,
    project: ProjectId,
    key: Option<KeyId>,
) -> Result<Place, Failure> {
    let found = control.store.project(grant, project).await?;
    if let Some(key) = key {
        control.store.project_key(grant, project, key).await?;
    }
    Ok(Place { environment: Some(found.environment), project: Some(project), key })
}

/// The place of an admin key.
///
/// # Errors
/// `Hidden` when there is no such key in the organization.
pub async fn place_of_admin_key(control: &Control, grant: &Grant, key: KeyId) -> Result<Place, Failure> {
    control.store.admin_key(grant, key).await?;
    Ok(Place { key: Some(key), ..Place::ORGANIZATION })
}

/// Every setting that a place knows, in the order of the catalogue.
///
/// # Errors
/// When the store is away.
pub async fn policy_at(control: &Control, grant: &Grant, place: Place) -> Result<Vec<Held>, Failure> {
    let at = control.now();
    let policy = control.store.policy(grant, at).await?;
    let trials = control.store.policy_trials(grant).await?;
    let known = Setting::ALL.iter().filter(|setting| place.knows(**setting));
    Ok(known.map(|setting| held_in((&policy, &trials), place, *setting, at)).collect())
}

/// Lets a place set something, and returns what then holds there. What would shut out the address from which it comes
/// is only set on trial.
///
/// # Errors
/// Those of `domain::policy::check`; `level_not_allowed`; `trial_not_allowed` below the organization and its
/// environments; conflict `would_lock_out`.
pub async fn set_policy(
    control: &Control,
    grant: &Grant,
    place: Place,
    new: NewEntry,
) -> Result<Held, Failure> {
    let spot = spot_of(place);
    place.takes(new.setting)?;
    if new.is_on_trial {
        trials::can_be_at(spot)?;
    }
    let mut change = control.change(grant).await?;
    let policy = change.lock_policy(grant).await?;
    let entry = Entry {
        setting: new.setting,
        level: spot.level(),
        value: new.value,
        mode: new.mode,
        is_locked: new.is_locked,
        floor: new.floor,
        set_by: grant.actor().map(|actor| actor.user_id),
        set_at: change.at(),
    };
    check(&entry, &policy.entries(place))?;
    change.write_policy_entry(grant, spot, &entry).await?;
    let before = own_entry(&policy, place, new.setting);
    if new.is_on_trial {
        trials::begin(&mut change, grant, (spot, new.setting), before.clone()).await?;
    } else {
        entrances::guard(&mut change, grant, policy, place).await?;
        change.end_policy_trial(grant, spot, new.setting).await?;
    }
    let audited = in_place(AuditEntry::new(Verb::PolicySet, new.setting.name()), place)
        .before(before.as_ref().map_or(Json::Null, |entry| facts(spot, entry)))
        .after(on_trial(facts(spot, &entry), new.is_on_trial));
    control.commit(change, audited).await?;
    held(control, grant, place, new.setting).await
}

/// Takes away what a place set, and returns what then holds there.
///
/// # Errors
/// `not_found` when it set nothing; conflict `would_lock_out`.
pub async fn clear_policy(
    control: &Control,
    grant: &Grant,
    place: Place,
    setting: Setting,
) -> Result<Held, Failure> {
    let spot = spot_of(place);
    let mut change = control.change(grant).await?;
    let policy = change.lock_policy(grant).await?;
    let before = own_entry(&policy, place, setting).ok_or(Error::Hidden { what: "setting at this level" })?;
    change.delete_policy_entry(grant, spot, setting).await?;
    entrances::guard(&mut change, grant, policy, place).await?;
    change.end_policy_trial(grant, spot, setting).await?;
    let audited =
        in_place(AuditEntry::new(Verb::PolicyCleared, setting.name()), place).before(facts(spot, &before));
    control.commit(change, audited).await?;
    held(control, grant, place, setting).await
}

/// What holds in the organization itself.
///
/// # Errors
/// When the store is away.
pub(crate) async fn in_organization(
    control: &Control,
    grant: &Grant,
    setting: Setting,
) -> Result<Effective, Failure> {
    let at = control.now();
    Ok(control.store.policy(grant, at).await?.at(Place::ORGANIZATION, setting, at))
}

/// Gives an exception from what the levels above a spot say.
///
/// # Errors
/// Those of `domain::policy::check_exception`; `Hidden` when there is no such project or key; conflict
/// `would_lock_out`.
pub async fn give_exception(
    control: &Control,
    grant: &Grant,
    new: NewException,
) -> Result<(Spot, Exception), Failure> {
    let place = place_of_spot(control, grant, new.spot).await?;
    place.takes(new.setting)?;
    let mut change = control.change(grant).await?;
    let policy = change.lock_policy(grant).await?;
    let exception = Exception {
        id: ExceptionId::mint(control.ambient.as_ref()),
        setting: new.setting,
        level: new.spot.level(),
        value: new.value,
        reason: text::free(&new.reason, "reason")?,
        ends_at: new.ends_at,
        given_by: grant.actor().map(|actor| actor.user_id),
        given_at: change.at(),
    };
    check_exception(&exception, change.at())?;
    change.insert_policy_exception(grant, new.spot, &exception).await?;
    entrances::guard(&mut change, grant, policy, place).await?;
    let audited = AuditEntry::new(Verb::ExceptionGiven, exception.id).after(shown(new.spot, &exception));
    control.commit(change, audited).await?;
    Ok((new.spot, exception))
}

/// Ends an exception that stands.
///
/// # Errors
/// `not_found` when none of that id stands; conflict `would_lock_out`.
pub async fn end_exception(control: &Control, grant: &Grant, id: ExceptionId) -> Result<(), Failure> {
    let mut change = control.change(grant).await?;
    let policy = change.lock_policy(grant).await?;
    let (spot, exception) = change.end_policy_exception(grant, id).await?;
    entrances::guard(&mut change, grant, policy, Place::of(spot)).await?;
    let audited = AuditEntry::new(Verb::ExceptionEnded, id).before(shown(spot, &exception));
    control.commit(change, audited).await
}

/// Exceptions, ended ones too, newest first.
///
/// # Errors
/// When the store is away.
pub async fn list_exceptions(
    control: &Control,
    grant: &Grant,
    page: &PageRequest,
) -> Result<Page<(Spot, Exception)>, Failure> {
    Ok(control.store.policy_exceptions(grant, page).await?)
}

/// What warnings let pass since a moment, in one project or everywhere, the most frequent first.
///
/// # Errors
/// When the store is away.
pub async fn list_warnings(
    control: &Control,
    grant: &Grant,
    since: Timestamp,
    project: Option<ProjectId>,
) -> Result<Vec<Warning>, Failure> {
    control.flush_warnings().await?;
    Ok(control.store.policy_warnings(grant, since, project).await?)
}

/// The narrowest spot of a place: where it sets something itself.
fn spot_of(place: Place) -> Spot {
    place.spots().last().unwrap_or(Spot::Organization)
}

fn own_entry(policy: &Policy, place: Place, setting: Setting) -> Option<Entry> {
    let level = spot_of(place).level();
    policy.entries(place).into_iter().find(|entry| entry.setting == setting && entry.level == level)
}

/// The place of a spot that an exception can be given.
async fn place_of_spot(control: &Control, grant: &Grant, spot: Spot) -> Result<Place, Failure> {
    match spot {
        Spot::Organization => Ok(Place::ORGANIZATION),
        Spot::Environment(environment) => Ok(place_of_environment(Some(environment))),
        Spot::Project(project) => place_of_project(control, grant, project, None).await,
        Spot::Key(key) => match control.store.key_place(grant, key).await? {
            Some(project) => place_of_project(control, grant, project, Some(key)).await,
            None => place_of_admin_key(control, grant, key).await,
        },
    }
}

async fn held(control: &Control, grant: &Grant, place: Place, setting: Setting) -> Result<Held, Failure> {
    let at = control.now();
    let policy = control.store.policy(grant, at).await?;
    let trials = control.store.policy_trials(grant).await?;
    Ok(held_in((&policy, &trials), place, setting, at))
}

fn held_in((policy, trials): (&Policy, &[Trial]), place: Place, setting: Setting, at: Timestamp) -> Held {
    let spot = spot_of(place);
    let trial = trials.iter().find(|trial| trial.setting == setting && trial.spot == spot);
    Held {
        effective: policy.at(place, setting, at),
        own: own_entry(policy, place, setting),
        trial_ends_at: trial.map(|trial| trial.ends_at),
    }
}

fn in_place(entry: AuditEntry, place: Place) -> AuditEntry {
    match place.project {
        Some(project) => entry.in_project(project),
        None => entry,
    }
}

/// What the trail keeps of an entry.
fn facts(spot: Spot, entry: &Entry) -> Json {
    let kind = entry.setting.kind();
    json!({
        "level": spot.level().name(), "level_id": spot.id(), "value": kind.show(&entry.value),
        "mode": entry.mode.name(), "locked": entry.is_locked,
        "floor": entry.floor.as_ref().map(|floor| kind.show(floor)),
    })
}

fn on_trial(mut facts: Json, is_on_trial: bool) -> Json {
    if is_on_trial {
        facts["on_trial"] = json!(true);
    }
    facts
}

/// What the trail keeps of an exception.
fn shown(spot: Spot, exception: &Exception) -> Json {
    json!({
        "setting": exception.setting.name(), "level": spot.level().name(), "level_id": spot.id(),
        "value": exception.setting.kind().show(&exception.value), "reason": exception.reason,
        "ends_at": exception.ends_at.unix_seconds(),
    })
}
