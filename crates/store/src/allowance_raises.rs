//! Allowances that are raised for a time: at most one raise of each, with the amount to which it goes back.
//!
//! Rows are locked in one order, that of the approval first, so that ends, approvals and direct changes that come
//! together wait for each other and never in a circle.

use domain::access::Grant;
use domain::allowances::Allowance;
use domain::approvals::Approval;
use domain::ids::{AllowanceId, ApprovalId};

use crate::allowances::{ONE_LOCKED, read_allowance, update_allowance};
use crate::{Change, Error, Result, args};

/// An allowance of the grant's organization, locked until the change ends.
///
/// # Errors
/// `NotFound` when there is none.
pub async fn lock_allowance(change: &mut Change, grant: &Grant, id: AllowanceId) -> Result<Allowance> {
    let row = change.row(ONE_LOCKED, args![grant.organization_id(), id]).await?;
    row.as_ref().map_or(Err(Error::not_found("allowance")), read_allowance)
}

/// Refuses to raise what is raised for a time already.
///
/// # Errors
/// `raise_in_force`.
pub async fn no_raise_in_force(change: &mut Change, id: AllowanceId) -> Result<()> {
    let sql = "select approval_id from allowance_raises where allowance_id = $1 for update";
    match change.row(sql, args![id]).await? {
        Some(_) => Err(in_force()),
        None => Ok(()),
    }
}

/// Sets the amount of a locked allowance, and remembers the one before where an approval ends by itself.
///
/// # Errors
/// `raise_in_force`.
pub async fn raise_allowance(
    change: &mut Change,
    approval: &Approval,
    before: &Allowance,
    amount: i64,
) -> Result<()> {
    update_allowance(change, &Allowance { amount, ..before.clone() }).await?;
    if approval.ends_at.is_none() {
        return Ok(());
    }
    let sql = "insert into allowance_raises (allowance_id, organization_id, approval_id, amount_before, \
               amount_raised) values ($1, $2, $3, $4, $5)";
    let args = args![before.id, before.organization_id, approval.id, before.amount, amount];
    match change.run(sql, args).await {
        Err(error) if error.is_conflict("already_exists") => Err(in_force()),
        other => other.map(drop),
    }
}

/// Ends the raise of an approval: its allowance has the amount from before it, unless it was given another since.
/// Returns what it had and what it has; nothing where the raise is over.
///
/// # Errors
/// `Unavailable` when the database is away.
pub async fn end_raise(change: &mut Change, approval: &Approval) -> Result<Option<(i64, i64)>> {
    let sql = "delete from allowance_raises where approval_id = $1 \
               returning allowance_id, amount_before, amount_raised";
    let Some(row) = change.row(sql, args![approval.id]).await? else { return Ok(None) };
    let (raised, before) = (row.int("amount_raised")?, row.int("amount_before")?);
    let sql = "update allowances set amount = $3 where organization_id = $1 and id = $2 and amount = $4";
    let args = args![approval.organization_id, row.text("allowance_id")?, before, raised];
    Ok((change.run(sql, args).await? == 1).then_some((raised, before)))
}

/// Ends a raise for a time because somebody decides about the allowance itself, whose word lasts.
///
/// # Errors
/// `Unavailable` when the database is away.
pub async fn supersede_raise(change: &mut Change, id: AllowanceId) -> Result<()> {
    let sql = "select approval_id from allowance_raises where allowance_id = $1";
    let Some(row) = change.row(sql, args![id]).await? else { return Ok(()) };
    let approval: ApprovalId = row.id("approval_id")?;
    let at = change.at();
    let sql = "update approvals set ended_at = $2 where id = $1 and ended_at is null";
    change.run(sql, args![approval, at]).await?;
    change.run("delete from allowance_raises where allowance_id = $1", args![id]).await.map(drop)
}

fn in_force() -> Error {
    Error::Conflict {
        code: "raise_in_force",
        message: "This allowance is raised for a time already. Ask again when that has ended.".to_owned(),
    }
}
