//! The life of a membership: suspended, reactivated, ended by removal or by leaving. What loses its owner with it goes
//! into the queue of hand-overs.

use domain::Error;
use domain::access::Grant;
use domain::audit::{AuditEntry, Verb};
use domain::handovers::{Cause, Handover, State};
use domain::ids::{HandoverId, UserId};
use domain::members::Member;
use serde_json::{Value, json};
use store::{Change, Loss};

use crate::{Control, Failure};

/// Suspends a member: they lose the organization at once, with every key of their own here. For good, what they owned
/// goes into the queue of hand-overs; otherwise all of it waits for them. One who is suspended stays so.
///
/// # Errors
/// `not_found`; `higher_rank`; `last_admin`.
pub async fn suspend_member(
    control: &Control,
    grant: &Grant,
    user: UserId,
    for_good: bool,
) -> Result<Member, Failure> {
    let mut change = control.change(grant).await?;
    change.lock_memberships(grant).await?;
    grant.may_change(&change.rank(grant, user).await?, None)?;
    let opened = match for_good {
        true => change.open_handovers(grant, loss(user, Cause::Suspended)).await?,
        false => Vec::new(),
    };
    let before = change.suspend_member(grant, user).await?;
    if before.suspended_at.is_some() && opened.is_empty() {
        return Ok(before);
    }
    let suspended_at = before.suspended_at.or(Some(change.at()));
    let entry = AuditEntry::new(Verb::UserSuspended, user)
        .before(facts(&before))
        .after(json!({"email": before.user.email, "for_good": for_good, "handover_ids": ids(&opened)}));
    control.commit(change, entry).await?;
    Ok(Member { suspended_at, ..before })
}

/// Lets a suspended member act again, with the roles and keys that they had. What waits for another owner because they
/// were suspended is theirs again, and what expired meanwhile works again; what was revoked or given away does not come
/// back.
///
/// # Errors
/// `not_found`; `higher_rank`.
pub async fn reactivate_member(control: &Control, grant: &Grant, user: UserId) -> Result<Member, Failure> {
    let mut change = control.change(grant).await?;
    change.lock_memberships(grant).await?;
    grant.may_change(&change.rank(grant, user).await?, None)?;
    let before = change.reactivate_member(grant, user).await?;
    if before.suspended_at.is_none() {
        return Ok(before);
    }
    let returned = give_back(&mut change, grant, user).await?;
    let entry = AuditEntry::new(Verb::UserReactivated, user)
        .before(facts(&before))
        .after(json!({"email": before.user.email, "returned_handover_ids": returned}));
    control.commit(change, entry).await?;
    Ok(Member { suspended_at: None, ..before })
}

async fn give_back(change: &mut Change, grant: &Grant, user: UserId) -> Result<Vec<HandoverId>, Failure> {
    let mut returned = Vec::new();
    let waiting = change.handovers_from(grant, user).await?;
    for seen in waiting.iter().filter(|handover| handover.cause == Cause::Suspended) {
        change.lock_project(grant, seen.project_id).await?;
        let mut handover = change.lock_handover(grant, seen.id).await?;
        if handover.can_be_decided().is_err() {
            continue;
        }
        if handover.state == State::Expired {
            change.enable_keys_of(&handover).await?;
        }
        handover.state = State::Returned;
        handover.closed_by = grant.actor().map(|actor| actor.user_id);
        handover.closed_at = Some(change.at());
        change.write_handover(&handover).await?;
        returned.push(handover.id);
    }
    Ok(returned)
}

/// Ends a membership with all that hangs on it: project roles, the person's own keys here, and their sessions
/// when they are active in no organization any more. What production needs of theirs, service accounts and projects go
/// into the queue of hand-overs and go on until its deadline.
///
/// # Errors
/// `not_found`; `higher_rank`; `last_admin`.
pub async fn remove_member(control: &Control, grant: &Grant, user: UserId) -> Result<(), Failure> {
    let mut change = control.change(grant).await?;
    change.lock_memberships(grant).await?;
    grant.may_change(&change.rank(grant, user).await?, None)?;
    end(control, grant, change, (user, Cause::Removed, Verb::UserRemoved)).await
}

/// Ends the acting person's own membership, as a removal would.
///
/// # Errors
/// `last_admin`.
pub async fn leave_organization(control: &Control, grant: &Grant) -> Result<UserId, Failure> {
    let user = grant.actor().ok_or(Error::Hidden { what: "user" })?.user_id;
    let mut change = control.change(grant).await?;
    change.lock_memberships(grant).await?;
    end(control, grant, change, (user, Cause::Left, Verb::UserLeft)).await?;
    Ok(user)
}

async fn end(
    control: &Control,
    grant: &Grant,
    mut change: Change,
    (user, cause, verb): (UserId, Cause, Verb),
) -> Result<(), Failure> {
    let opened = change.open_handovers(grant, loss(user, cause)).await?;
    let before = change.remove_member(grant, user).await?;
    let entry =
        AuditEntry::new(verb, user).before(facts(&before)).after(json!({"handover_ids": ids(&opened)}));
    control.commit(change, entry).await
}

const fn loss(from: UserId, cause: Cause) -> Loss {
    Loss { from, project_id: None, cause }
}

fn ids(handovers: &[Handover]) -> Vec<HandoverId> {
    handovers.iter().map(|handover| handover.id).collect()
}

fn facts(member: &Member) -> Value {
    json!({"email": member.user.email, "role": member.role.name()})
}
