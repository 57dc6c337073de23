//! Approvals: what waits for a second person, and what is carried out when that person says yes.
//!
//! A kind adds an operation that asks (`elevations::request_elevation`) and an arm of `carry_out`.

pub mod api;
pub(crate) mod console;
pub mod pages;

use domain::Error;
use domain::access::{Actor, Grant, Permission, Standing, Target, Task, allows};
use domain::approvals::{APPROVAL_LIFETIME, Approval, Asked, Decider, Party, State, reason};
use domain::audit::{AuditEntry, Verb};
use domain::ids::{ApprovalId, OrganizationId, ProjectId};
use domain::page::{Page, PageRequest};
use domain::text;
use serde_json::{Value, json};
use store::{ApprovalFilter, AskedApproval, Change};

use crate::projects::organization_of;
use crate::{Control, Failure, changes, elevations, project_requests, raises};

/// How many overdue requests one round expires, and how many that ran out it ends.
const AT_A_TIME: i64 = 500;

/// What somebody asks for.
pub(crate) struct Ask<'a> {
    pub(crate) asked: Asked,
    /// The id of what it is about.
    pub(crate) subject_id: String,
    pub(crate) reason: &'a str,
    pub(crate) decider: Decider,
}

/// Who is acting.
///
/// # Errors
/// `not_found` for the system itself, which neither asks nor decides.
pub(crate) fn person(grant: &Grant) -> Result<&Actor, Failure> {
    grant.actor().ok_or_else(|| Error::Hidden { what: "user" }.into())
}

/// Keeps the request, in the change in which it was found that it can be made.
///
/// # Errors
/// `reason_required`, `text_too_long`, `invalid_text`; conflicts `already_requested`, `too_many_requests_waiting`.
pub(crate) async fn ask(
    control: &Control,
    grant: &Grant,
    mut change: Change,
    ask: Ask<'_>,
) -> Result<AskedApproval, Failure> {
    let actor = person(grant)?;
    let approval = Approval {
        id: ApprovalId::mint(control.ambient.as_ref()),
        organization_id: organization_of(grant)?,
        reason: reason(ask.reason)?,
        asked: ask.asked,
        requested_by: actor.user_id,
        subject_id: ask.subject_id,
        decider: ask.decider,
        created_at: change.at(),
        expires_at: change.at().plus_micros(APPROVAL_LIFETIME),
        state: State::Pending,
        decided_by: None,
        decided_at: None,
        note: String::new(),
        ends_at: None,
        ended_at: None,
    };
    change.insert_approval(&approval).await?;
    let mut entry =
        AuditEntry::new(approval.asked.kind().asked(), approval.id).after(facts(&approval, &actor.email));
    entry.project_id = project_of(&approval);
    control.commit(change, entry).await?;
    Ok(control.store.approval(grant, approval.id).await?)
}

/// Requests, by when they were made: all of them for who may see every one, else the caller's own.
///
/// # Errors
/// `store_unavailable`.
pub async fn list_approvals(
    control: &Control,
    grant: &Grant,
    filter: ApprovalFilter,
    page: &PageRequest,
) -> Result<Page<AskedApproval>, Failure> {
    let own = Some(person(grant)?.user_id).filter(|_| !sees_all(grant));
    let requested_by = own.or(filter.requested_by);
    let filter = ApprovalFilter { requested_by, ..filter };
    Ok(control.store.approvals(grant, filter, control.now(), page).await?)
}

/// One request.
///
/// # Errors
/// `not_found`, also for somebody else's where the caller may not see every one.
pub async fn read_approval(
    control: &Control,
    grant: &Grant,
    id: ApprovalId,
) -> Result<AskedApproval, Failure> {
    let found = control.store.approval(grant, id).await?;
    let is_seen = sees_all(grant) || found.approval.requested_by == person(grant)?.user_id;
    if is_seen { Ok(found) } else { Err(Error::Hidden { what: "approval" }.into()) }
}

/// Approves a request, and carries out what was asked for in the same change.
///
/// # Errors
/// `not_found`; those of `Approval::approve`; those of what is carried out.
pub async fn approve(
    control: &Control,
    grant: &Grant,
    id: ApprovalId,
    note: &str,
) -> Result<AskedApproval, Failure> {
    let (by, organization) = (person(grant)?, organization_of(grant)?);
    let note = text::free(note, "note")?;
    let mut change = control.change(grant).await?;
    change.lock_memberships(grant).await?;
    let mut approval = change.lock_approval(grant, id).await?;
    let theirs = change.standing(by.user_id, organization).await?;
    let requester = change.standing(approval.requested_by, organization).await?;
    let party = Party { user_id: by.user_id, standing: theirs.as_ref() };
    let requester = approval.approve(party, requester.as_ref(), change.at())?;
    settle(&mut approval, State::Approved, by, note, &change);
    approval.ends_at = approval.asked.ends_at(change.at());
    let done = carry_out(control, grant, &mut change, (&approval, requester)).await?;
    decide(control, grant, change, (approval, Verb::ApprovalGiven), done).await
}

/// Refuses a request.
///
/// # Errors
/// `not_found`; those of `Approval::decide`.
pub async fn refuse(
    control: &Control,
    grant: &Grant,
    id: ApprovalId,
    note: &str,
) -> Result<AskedApproval, Failure> {
    let (by, organization) = (person(grant)?, organization_of(grant)?);
    let note = text::free(note, "note")?;
    let mut change = control.change(grant).await?;
    change.lock_memberships(grant).await?;
    let mut approval = change.lock_approval(grant, id).await?;
    let theirs = change.standing(by.user_id, organization).await?;
    approval.decide(Party { user_id: by.user_id, standing: theirs.as_ref() }, change.at())?;
    settle(&mut approval, State::Refused, by, note, &change);
    decide(control, grant, change, (approval, Verb::ApprovalRefused), Value::Null).await
}

/// Takes one's own request back.
///
/// # Errors
/// `not_found`, `not_requester`; conflict `approval_decided`.
pub async fn withdraw(control: &Control, grant: &Grant, id: ApprovalId) -> Result<AskedApproval, Failure> {
    let by = person(grant)?;
    read_approval(control, grant, id).await?;
    let mut change = control.change(grant).await?;
    change.lock_memberships(grant).await?;
    let mut approval = change.lock_approval(grant, id).await?;
    approval.withdraw(by.user_id, change.at())?;
    settle(&mut approval, State::Withdrawn, by, String::new(), &change);
    decide(control, grant, change, (approval, Verb::ApprovalWithdrawn), Value::Null).await
}

/// Writes down that requests expired which nobody decided in time. Returns how many.
///
/// # Errors
/// `store_unavailable`.
pub async fn expire_due(control: &Control) -> Result<usize, Failure> {
    let everywhere = Grant::system(Task::Deadlines, None);
    let due = control.store.overdue_approvals(&everywhere, control.now(), AT_A_TIME).await?;
    let count = due.len();
    for (organization, id) in due {
        expire(control, organization, id).await?;
    }
    Ok(count)
}

async fn expire(control: &Control, organization: OrganizationId, id: ApprovalId) -> Result<(), Failure> {
    let grant = Grant::system(Task::Deadlines, Some(organization));
    let mut change = control.change(&grant).await?;
    change.lock_memberships(&grant).await?;
    let mut approval = change.lock_approval(&grant, id).await?;
    // Another replica was first.
    if approval.state != State::Pending {
        return Ok(());
    }
    approval.state = State::Expired;
    approval.decided_at = Some(approval.expires_at);
    change.write_approval(&approval).await?;
    let mut entry = AuditEntry::new(Verb::ApprovalExpired, id)
        .before(json!({"state": State::Pending.name()}))
        .after(facts(&approval, &requester_of(control, &approval).await?));
    entry.project_id = project_of(&approval);
    control.commit(change, entry).await
}

/// Ends what was carried out for a time that is over. Elevations and changes give nothing any more from that moment on
/// anyway; a raise of an allowance goes back now. Returns how many.
///
/// # Errors
/// `store_unavailable`.
pub async fn end_due(control: &Control) -> Result<usize, Failure> {
    let everywhere = Grant::system(Task::Deadlines, None);
    let due = control.store.run_out_approvals(&everywhere, control.now(), AT_A_TIME).await?;
    let count = due.len();
    for (organization, id) in due {
        end_one(control, organization, id).await?;
    }
    Ok(count)
}

async fn end_one(control: &Control, organization: OrganizationId, id: ApprovalId) -> Result<(), Failure> {
    let grant = Grant::system(Task::Deadlines, Some(organization));
    let mut change = control.change(&grant).await?;
    change.lock_memberships(&grant).await?;
    let approval = change.lock_approval(&grant, id).await?;
    // Another replica was first.
    if approval.ended_at.is_some() {
        return Ok(());
    }
    let approval = Approval { ended_at: approval.ends_at, ..approval };
    let email = requester_of(control, &approval).await?;
    let mut entry = match &approval.asked {
        Asked::Elevation(elevation) => elevations::end(&mut change, &approval, *elevation, &email).await?,
        Asked::AllowanceRaise(raise) => raises::end(&mut change, &approval, raise).await?,
        Asked::ProjectCreation(_) | Asked::Change(_) => {
            AuditEntry::new(Verb::ChangeLapsed, id).before(facts(&approval, &email))
        }
    };
    entry.project_id = project_of(&approval);
    change.write_approval(&approval).await?;
    control.commit(change, entry).await
}

fn settle(approval: &mut Approval, state: State, by: &Actor, note: String, change: &Change) {
    approval.state = state;
    approval.note = note;
    approval.decided_by = Some(by.user_id);
    approval.decided_at = Some(change.at());
}

/// Keeps a decision with all that follows from it.
async fn decide(
    control: &Control,
    grant: &Grant,
    mut change: Change,
    (approval, verb): (Approval, Verb),
    done: Value,
) -> Result<AskedApproval, Failure> {
    change.write_approval(&approval).await?;
    let mut after = facts(&approval, &requester_of(control, &approval).await?);
    if !done.is_null() {
        after["carried_out"] = done;
    }
    let mut entry =
        AuditEntry::new(verb, approval.id).before(json!({"state": State::Pending.name()})).after(after);
    entry.project_id = project_of(&approval);
    control.commit(change, entry).await?;
    Ok(control.store.approval(grant, approval.id).await?)
}

/// Does what was asked for. Returns what the trail keeps of it beyond what was asked.
async fn carry_out(
    control: &Control,
    grant: &Grant,
    change: &mut Change,
    (approval, requester): (&Approval, &Standing),
) -> Result<Value, Failure> {
    match &approval.asked {
        Asked::Elevation(elevation) => {
            elevations::carry_out(change, approval, *elevation, requester).await?;
            Ok(Value::Null)
        }
        Asked::ProjectCreation(creation) => project_requests::carry_out(change, grant, creation).await,
        Asked::AllowanceRaise(raise) => {
            raises::carry_out(control, grant, change, (approval, raise, requester)).await
        }
        Asked::Change(wanted) => {
            changes::carry_out(control, grant, wanted, requester).await?;
            Ok(Value::Null)
        }
    }
}

/// The project that a request is about, where it is there.
fn project_of(approval: &Approval) -> Option<ProjectId> {
    match &approval.asked {
        Asked::ProjectCreation(creation) if approval.state == State::Approved => Some(creation.project_id),
        asked => asked.project_id(),
    }
}

fn sees_all(grant: &Grant) -> bool {
    let target = grant.organization_id().map(Target::Organization);
    match (grant.actor(), target) {
        (Some(actor), Some(target)) => allows(actor, Permission::ApprovalRead, target),
        _ => false,
    }
}

async fn requester_of(control: &Control, approval: &Approval) -> Result<String, Failure> {
    let account = control.store.account(approval.requested_by).await?;
    Ok(account.map(|account| account.user.email).unwrap_or_default())
}

/// What the trail keeps of a request.
pub(crate) fn facts(approval: &Approval, email: &str) -> Value {
    json!({
        "kind": approval.asked.kind().name(), "asked": approval.asked.payload(), "reason": approval.reason,
        "requested_by": approval.requested_by, "email": email, "subject_id": approval.subject_id,
        "state": approval.state.name(), "note": approval.note,
        "ends_at": approval.ends_at.map(domain::time::Timestamp::unix_seconds),
    })
}
