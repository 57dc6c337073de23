//! What can be done with a member. The last Admin stays, whoever asks and however many at once.

use domain::access::{Grant, OrganizationRole};
use domain::audit::{AuditEntry, Verb};
use domain::ids::UserId;
use domain::members::Member;
use domain::page::{Page, PageRequest};
use serde_json::json;

use crate::{Control, Failure};

/// Members by id, all or those with one of the addresses.
///
/// # Errors
/// `store_unavailable`.
pub async fn list_members(
    control: &Control,
    grant: &Grant,
    emails: Vec<String>,
    page: &PageRequest,
) -> Result<Page<Member>, Failure> {
    let emails = emails.into_iter().map(|email| email.trim().to_lowercase()).collect();
    Ok(control.store.members(grant, emails, page).await?)
}

/// One member.
///
/// # Errors
/// `not_found`.
pub async fn read_member(control: &Control, grant: &Grant, user: UserId) -> Result<Member, Failure> {
    Ok(control.store.member(grant, user).await?)
}

/// Replaces the built-in roles of a member in the organization by one.
///
/// # Errors
/// `not_found`; `wider_than_giver`, `higher_rank`; `last_admin`.
pub async fn update_member(
    control: &Control,
    grant: &Grant,
    user: UserId,
    role: OrganizationRole,
) -> Result<Member, Failure> {
    let mut change = control.change(grant).await?;
    change.lock_memberships(grant).await?;
    grant.may_change(&change.rank(grant, user).await?, None)?;
    grant.may_give(role.permissions(), None)?;
    let before = change.set_member_role(grant, user, role).await?;
    let entry = AuditEntry::new(Verb::UserUpdated, user)
        .before(json!({"email": before.user.email, "role": before.role.name()}))
        .after(json!({"email": before.user.email, "role": role.name()}));
    control.commit(change, entry).await?;
    Ok(Member { role, ..before })
}
