//! Hand-overs: the queue of what lost its owner. Somebody gives each thing to another owner or ends it; what nobody
//! decides ends at its deadline, and can still be undone.

pub mod api;
pub(crate) mod console;
pub mod pages;
mod transfer;

use domain::Error;
use domain::access::{Grant, Permission, ProjectRole, Target, Task, authorize};
use domain::audit::{AuditEntry, Verb};
use domain::handovers::{Handover, State, Subject};
use domain::ids::{HandoverId, KeyId, OrganizationId, UserId};
use domain::page::{Page, PageRequest};
use domain::projects::Project;
use serde_json::{Value, json};
use store::{Change, HandoverFilter, NamedHandover};

use crate::projects::active;
use crate::{Control, Failure};

pub use transfer::{Transfer, transfer_ownership};

/// How many hand-overs whose deadline passed one round ends.
const AT_A_TIME: i64 = 500;

/// What becomes of something that lost its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Somebody else owns it.
    GiveTo(UserId),
    /// It ends: keys are revoked, a service account is deleted, a project archived.
    End,
}

/// Hand-overs within reach, by when they were opened.
///
/// # Errors
/// `store_unavailable`.
pub async fn list_handovers(
    control: &Control,
    grant: &Grant,
    filter: HandoverFilter,
    page: &PageRequest,
) -> Result<Page<NamedHandover>, Failure> {
    Ok(control.store.handovers(grant, filter, page).await?)
}

/// One hand-over.
///
/// # Errors
/// `Hidden` when there is none within reach.
pub async fn read_handover(
    control: &Control,
    grant: &Grant,
    id: HandoverId,
) -> Result<NamedHandover, Failure> {
    Ok(control.store.handover(grant, id).await?)
}

/// Gives what lost its owner to somebody else, or ends it. What expired meanwhile works again once it has an owner.
///
/// # Errors
/// `Hidden` when there is none within reach, or the new owner is no active member; `owner_not_in_project`;
/// `wider_than_giver` for a project; `missing_permission` to end a project; conflicts `handover_closed`,
/// `project_archived`.
pub async fn decide_handover(
    control: &Control,
    grant: &Grant,
    id: HandoverId,
    decision: Decision,
) -> Result<NamedHandover, Failure> {
    let seen = control.store.handover(grant, id).await?;
    let mut change = control.change(grant).await?;
    change.lock_memberships(grant).await?;
    let project = change.lock_project(grant, seen.handover.project_id).await?;
    let before = change.lock_handover(grant, id).await?;
    before.can_be_decided()?;
    let keys = match decision {
        Decision::GiveTo(user) => give(&mut change, grant, (&before, project), user).await?,
        Decision::End => end(&mut change, grant, (&before, project)).await?,
    };
    let (state, to) = match decision {
        Decision::GiveTo(user) => (State::Resolved, Some(user)),
        Decision::End => (State::Ended, None),
    };
    let closed_by = grant.actor().map(|actor| actor.user_id);
    let after = Handover { state, to, closed_by, closed_at: Some(change.at()), ..before.clone() };
    change.write_handover(&after).await?;
    let entry = AuditEntry::new(Verb::HandoverResolved, id)
        .in_project(before.project_id)
        .before(facts(&before, &seen.subject_name))
        .after(json!({"state": state.name(), "to_user_id": to, "key_ids": keys}));
    control.commit(change, entry).await?;
    Ok(control.store.handover(grant, id).await?)
}

/// Gives it to an active member; the keys that were enabled again with that.
async fn give(
    change: &mut Change,
    grant: &Grant,
    (handover, mut project): (&Handover, Project),
    user: UserId,
) -> Result<Vec<KeyId>, Failure> {
    active(&project)?;
    let standing = change.standing(user, handover.organization_id).await?;
    handover.may_go_to(&standing.ok_or(Error::Hidden { what: "user" })?)?;
    match handover.subject {
        Subject::ApiKey(key) => change.give_key(key, user).await?,
        Subject::ServiceAccount(account) => change.give_service_account(account, user).await?,
        Subject::Project(id) => {
            grant.may_give(ProjectRole::Owner.permissions(), Some(id))?;
            change.set_project_role(grant, id, user, ProjectRole::Owner).await?;
            if project.accountable_owner_id.is_none_or(|owner| owner == handover.from) {
                project.accountable_owner_id = Some(user);
                change.write_project(&project).await?;
            }
        }
    }
    Ok(if handover.state == State::Expired { change.enable_keys_of(handover).await? } else { Vec::new() })
}

/// Ends it; the keys that were revoked with that.
async fn end(
    change: &mut Change,
    grant: &Grant,
    (handover, mut project): (&Handover, Project),
) -> Result<Vec<KeyId>, Failure> {
    match handover.subject {
        Subject::ApiKey(id) => {
            let mut key = change.lock_project_key(grant, project.id, id).await?;
            key.revoked_at = Some(change.at());
            change.write_key(&key).await?;
            Ok(vec![id])
        }
        Subject::ServiceAccount(account) => {
            change.delete_service_account(account).await?;
            Ok(change.revoke_keys_of_account(account).await?)
        }
        Subject::Project(id) => {
            if let Some(actor) = grant.actor() {
                let target = Target::Project(handover.organization_id, id);
                authorize(actor, Permission::ProjectArchive, target)?;
            }
            project.archived_at = project.archived_at.or(Some(change.at()));
            change.write_project(&project).await?;
            Ok(Vec::new())
        }
    }
}

/// Ends what nobody decided by its deadline: keys are disabled, not revoked, so that it can be undone. Returns how many.
///
/// # Errors
/// `store_unavailable`.
pub async fn expire_due(control: &Control) -> Result<usize, Failure> {
    let everywhere = Grant::system(Task::Deadlines, None);
    let due = control.store.due_handovers(&everywhere, control.now(), AT_A_TIME).await?;
    let count = due.len();
    for (organization, id) in due {
        expire(control, organization, id).await?;
    }
    Ok(count)
}

async fn expire(control: &Control, organization: OrganizationId, id: HandoverId) -> Result<(), Failure> {
    let grant = Grant::system(Task::Deadlines, Some(organization));
    let seen = control.store.handover(&grant, id).await?;
    let mut change = control.change(&grant).await?;
    change.lock_memberships(&grant).await?;
    let project = change.lock_project(&grant, seen.handover.project_id).await?;
    let before = change.lock_handover(&grant, id).await?;
    // Somebody, or another replica, was first.
    if before.state != State::Open {
        return Ok(());
    }
    let (state, to, keys) = outcome(&mut change, &before, project).await?;
    let after = Handover { state, to, closed_at: Some(change.at()), ..before.clone() };
    change.write_handover(&after).await?;
    let entry = AuditEntry::new(Verb::HandoverExpired, id)
        .in_project(before.project_id)
        .before(facts(&before, &seen.subject_name))
        .after(json!({"state": state.name(), "to_user_id": to, "disabled_key_ids": keys}));
    control.commit(change, entry).await
}

/// What the deadline does. An owner who came back keeps it. A project goes dark for nobody: the longest of its other
/// owners becomes the accountable one, and one without any stays in the queue as expired.
async fn outcome(
    change: &mut Change,
    handover: &Handover,
    mut project: Project,
) -> Result<(State, Option<UserId>, Vec<KeyId>), Failure> {
    let standing = change.standing(handover.from, handover.organization_id).await?;
    let owners = change.owners_of_project(handover.project_id).await?;
    let is_back = match handover.subject {
        Subject::Project(_) => standing.is_some() && owners.contains(&handover.from),
        Subject::ApiKey(_) | Subject::ServiceAccount(_) => {
            standing.is_some_and(|standing| standing.holds_keys_in(handover.project_id))
        }
    };
    if is_back {
        return Ok((State::Returned, Some(handover.from), Vec::new()));
    }
    if !matches!(handover.subject, Subject::Project(_)) {
        return Ok((State::Expired, None, change.disable_keys_of(handover.subject).await?));
    }
    for owner in owners.into_iter().filter(|owner| *owner != handover.from) {
        if change.standing(owner, handover.organization_id).await?.is_some() {
            project.accountable_owner_id = Some(owner);
            change.write_project(&project).await?;
            return Ok((State::Resolved, Some(owner), Vec::new()));
        }
    }
    Ok((State::Expired, None, Vec::new()))
}

/// What the audit trail keeps of a hand-over.
fn facts(handover: &Handover, name: &str) -> Value {
    json!({
        "kind": handover.subject.kind(), "subject_id": handover.subject.id(), "name": name,
        "from_user_id": handover.from, "cause": handover.cause.name(), "state": handover.state.name(),
        "due_at": handover.due_at.unix_seconds(),
    })
}
