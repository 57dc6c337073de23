//! Makes a right smaller, or takes it away, under the rules of whoever gives and takes rights.

use domain::Error;
use domain::access::{Grant, Principal, RoleRef};
use domain::ids::GroupId;
use domain::reviews::Item;
use store::Change;

use crate::Failure;
use crate::project_members::keeps_owners;

/// Does it, in the change that records the decision.
///
/// # Errors
/// `wider_than_giver`, `higher_rank`; conflicts `right_changed`, `last_admin`, `last_owner`, `accountable_owner_kept`.
pub(super) async fn apply(
    change: &mut Change,
    grant: &Grant,
    item: &Item,
    smaller: Option<RoleRef>,
) -> Result<(), Failure> {
    let (user, place) = (item.holder.user_id, item.right.project_id);
    let rank = change.rank(grant, user).await.map_err(or_changed)?;
    grant.may_change(&rank, place)?;
    grant.may_take(item.right.permissions, place)?;
    if let Some(group) = item.right.group_id {
        return leave_group(change, grant, item, group).await;
    }
    if let (Some(project), RoleRef::Project(role)) = (place, item.right.role) {
        let locked = change.lock_project(grant, project).await?;
        keeps_owners(change, &locked, user, role).await?;
    }
    let who = Principal::User(user);
    if !change.take_role(grant, who, place, item.right.role).await? {
        return Err(right_changed().into());
    }
    if let Some(role) = smaller {
        grant.may_give(role.built_in_permissions().unwrap_or_default(), place)?;
        change.give_role(grant, who, place, role).await?;
    }
    Ok(())
}

async fn leave_group(change: &mut Change, grant: &Grant, item: &Item, group: GroupId) -> Result<(), Failure> {
    let group = change.lock_group(grant, group).await.map_err(or_changed)?;
    for one in change.assignments_of_group(grant, group.id).await? {
        grant.may_take(one.permissions, one.project_id)?;
    }
    if !change.delete_group_member(&group, item.holder.user_id).await? {
        return Err(right_changed().into());
    }
    Ok(())
}

/// Somebody or something that is gone has no right any more.
fn or_changed(error: store::Error) -> Failure {
    match error {
        store::Error::NotFound { .. } => right_changed().into(),
        other => other.into(),
    }
}

fn right_changed() -> Error {
    let sentence =
        "This right is not there any more as it was when the review opened. Look at it in a new review.";
    Error::conflict("right_changed", sentence)
}
