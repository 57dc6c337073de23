//! Who may enter from where: the networks of the console and of the admin API, held against each request, and kept from
//! shutting out whoever changes them.

use std::net::IpAddr;

use domain::Error;
use domain::access::{Actor, Credential, Grant};
use domain::ids::{KeyId, OrganizationId, ProjectId};
use domain::policy::{Entrance, Mode, Place, Policy, Setting, Spot, Warned, shut_out};
use domain::routes::Surface;
use domain::time::Timestamp;
use store::Change;

use super::{clear_policy, place_of_project};
use crate::{Control, Failure};

/// Lets a request about an organization in, or a project of it, where its networks allow the address it comes from.
///
/// # Errors
/// `network_not_allowed`.
pub(crate) async fn enter(
    control: &Control,
    grant: &Grant,
    (surface, project): (Surface, Option<ProjectId>),
    at: Timestamp,
) -> Result<(), Failure> {
    let (Some(actor), Some(organization)) = (grant.actor(), grant.organization_id()) else { return Ok(()) };
    let (entrance, key) = entrance_of(actor, surface);
    let policy = control.store.policy_of_entrances(grant, (project, key), at).await?;
    if policy.is_empty() {
        return Ok(());
    }
    let place = match project {
        Some(project) => place_of_project(control, grant, project, None).await?,
        None => Place::ORGANIZATION,
    };
    let address = actor.origin.address;
    for (setting, mode) in entrance.judge(&policy, Place { key, ..place }, (address, at)) {
        match mode {
            Mode::Off => {}
            Mode::Warn => control.warn(warned(organization, setting, (project, key), address)),
            Mode::Enforce => return Err(refused(setting, address).into()),
        }
    }
    Ok(())
}

fn entrance_of(actor: &Actor, surface: Surface) -> (Entrance, Option<KeyId>) {
    match (actor.credential, surface) {
        (Credential::AdminKey(key), _) => (Entrance::AdminApi, Some(key)),
        (_, Surface::Api) => (Entrance::ConsoleToAdminApi, None),
        _ => (Entrance::Console, None),
    }
}

fn refused(setting: Setting, address: Option<IpAddr>) -> Error {
    let what = if setting == Setting::AdminNetworks { "call the admin API about" } else { "open" };
    let sentence =
        format!("You cannot {what} this from {}: {} does not allow it.", shown(address), setting.name());
    Error::forbidden("network_not_allowed", sentence)
}

fn shown(address: Option<IpAddr>) -> String {
    address.map_or_else(|| "an unknown address".to_owned(), |address| address.to_string())
}

fn warned(
    organization_id: OrganizationId,
    setting: Setting,
    (project_id, key_id): (Option<ProjectId>, Option<KeyId>),
    address: Option<IpAddr>,
) -> Warned {
    Warned { organization_id, setting, project_id, key_id, subject: shown(address) }
}

/// Refuses a change of policy that shuts out the address it comes from. What is on trial does not count as what stood
/// before: else a second change would make it stay.
///
/// # Errors
/// Conflict `would_lock_out`.
pub(super) async fn guard(
    change: &mut Change,
    grant: &Grant,
    before: Policy,
    place: Place,
) -> Result<(), Failure> {
    let after = change.lock_policy(grant).await?;
    let trials = change.policy_trials(grant).await?;
    let before =
        trials.into_iter().fold(before, |policy, trial| policy.with(trial.spot, trial.setting, trial.before));
    compare(grant, (&before, &after), place, change.at())
}

/// Refuses to go from one policy to another where that shuts out whoever does it.
///
/// # Errors
/// Conflict `would_lock_out`.
pub(super) fn compare(
    grant: &Grant,
    policies: (&Policy, &Policy),
    place: Place,
    at: Timestamp,
) -> Result<(), Failure> {
    let Some(actor) = grant.actor() else { return Ok(()) };
    let own_key = match actor.credential {
        Credential::AdminKey(key) => Some(key),
        _ => None,
    };
    let places = [Place { key: own_key, ..Place::ORGANIZATION }, Place { key: own_key, ..place }];
    let address = actor.origin.address;
    let Some(setting) = shut_out(policies, &places, (address, at)) else { return Ok(()) };
    let sentence = format!(
        "With this, {} would shut out {}, from where you come. Set it with `on_trial` for the organization or an \
         environment: it is then undone after 10 minutes, unless somebody keeps it from an address that it allows.",
        setting.name(),
        shown(address)
    );
    Err(Error::conflict("would_lock_out", sentence).into())
}

/// Takes away the networks of an organization's console and admin API: the way back for Admins who are locked out, by
/// whoever can run commands on the server. Returns what was taken away.
///
/// # Errors
/// When the store is away.
pub async fn let_in(control: &Control, grant: &Grant) -> Result<Vec<Setting>, Failure> {
    let policy = control.store.policy(grant, control.now()).await?;
    let set = policy.entries(Place::ORGANIZATION).into_iter().map(|entry| entry.setting);
    let set: Vec<Setting> = set.filter(|one| Entrance::ConsoleToAdminApi.settings().contains(one)).collect();
    for setting in &set {
        clear_policy(control, grant, Place::of(Spot::Organization), *setting).await?;
    }
    Ok(set)
}
