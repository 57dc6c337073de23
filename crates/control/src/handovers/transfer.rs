//! Transfer of ownership: everything that a person owns goes to somebody else, in one change.

use std::collections::BTreeMap;

use domain::Error;
use domain::access::{Grant, Permission, Permissions, ProjectRole, Standing};
use domain::audit::{AuditEntry, Verb};
use domain::ids::{KeyId, ProjectId, ServiceAccountId, UserId};
use domain::projects::Project;
use serde_json::{Value, json};
use store::{Change, Owned};

use crate::projects::organization_of;
use crate::{Control, Failure};

/// What went from one person to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transfer {
    /// Projects that the receiver owns now, or is accountable for.
    pub projects: Vec<ProjectId>,
    /// Service accounts whose key owner the receiver is now.
    pub accounts: Vec<ServiceAccountId>,
    /// Keys that are the receiver's own now.
    pub keys: Vec<KeyId>,
    /// The ids of keys and service accounts that stay, as the receiver does not work in their projects.
    pub kept: Vec<String>,
}

/// Gives everything that a person owns in the organization to another member: the ownership of projects first, then
/// service accounts and own keys of projects in which the receiver works.
///
/// # Errors
/// `not_found` when the person, or the receiver as an active member, is not there; `same_person`; `higher_rank`;
/// `wider_than_giver` when the caller may not give something of it.
pub async fn transfer_ownership(
    control: &Control,
    grant: &Grant,
    from: UserId,
    to: UserId,
) -> Result<Transfer, Failure> {
    if from == to {
        let sentence = "Name somebody else.";
        return Err(Error::invalid_param("same_person", "to_user_id", sentence).into());
    }
    let organization = organization_of(grant)?;
    let mut change = control.change(grant).await?;
    change.lock_memberships(grant).await?;
    let rank = change.rank(grant, from).await?;
    grant.may_change(&rank, None)?;
    change.standing(to, organization).await?.ok_or(Error::Hidden { what: "user" })?;
    let owned = change.owned_by(grant, from).await?;
    let mut projects = locked(&mut change, grant, &owned).await?;
    let people = People { grant, from, to, rank };
    let mut done = Transfer::default();
    for id in &owned.projects {
        let Some(project) = projects.get_mut(id) else { continue };
        people.give_project(&mut change, project).await?;
        done.projects.push(*id);
    }
    let receiver = change.standing(to, organization).await?.ok_or(Error::Hidden { what: "user" })?;
    people.give_keys(&mut change, (&owned, &receiver), &mut done).await?;
    if done.projects.is_empty() && done.accounts.is_empty() && done.keys.is_empty() {
        return Ok(done);
    }
    let entry = AuditEntry::new(Verb::OwnershipTransferred, from)
        .before(json!({"owner_id": from}))
        .after(facts(to, &done));
    control.commit(change, entry).await?;
    Ok(done)
}

/// Every project of which something goes, locked in the order of their ids.
async fn locked(
    change: &mut Change,
    grant: &Grant,
    owned: &Owned,
) -> Result<BTreeMap<ProjectId, Project>, Failure> {
    let of_accounts = owned.accounts.iter().map(|(_, project)| *project);
    let of_keys = owned.keys.iter().map(|(_, project)| *project);
    let mut ids: Vec<ProjectId> = owned.projects.iter().copied().chain(of_accounts).chain(of_keys).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut projects = BTreeMap::new();
    for id in ids {
        projects.insert(id, change.lock_project(grant, id).await?);
    }
    Ok(projects)
}

/// Between whom, and on whose account.
struct People<'a> {
    grant: &'a Grant,
    from: UserId,
    to: UserId,
    rank: Standing,
}

impl People<'_> {
    /// Makes the receiver owner, and accountable where the other was; the other stays as a member of the project.
    async fn give_project(&self, change: &mut Change, project: &mut Project) -> Result<(), Failure> {
        let owner = ProjectRole::Owner;
        self.grant.may_change(&self.rank, Some(project.id))?;
        self.grant.may_give(owner.permissions(), Some(project.id))?;
        if change.project_role(project.id, self.to).await? != Some(owner) {
            change.set_project_role(self.grant, project.id, self.to, owner).await?;
        }
        if change.project_role(project.id, self.from).await? == Some(owner) {
            change.set_project_role(self.grant, project.id, self.from, ProjectRole::Member).await?;
        }
        if project.accountable_owner_id == Some(self.from) {
            project.accountable_owner_id = Some(self.to);
        }
        Ok(change.write_project(project).await?)
    }

    async fn give_keys(
        &self,
        change: &mut Change,
        (owned, receiver): (&Owned, &Standing),
        done: &mut Transfer,
    ) -> Result<(), Failure> {
        for (account, project) in &owned.accounts {
            if !receiver.holds_keys_in(*project) {
                done.kept.push(account.to_string());
                continue;
            }
            self.grant.may_give(Permissions::of(&[Permission::ServiceAccountManage]), Some(*project))?;
            change.give_service_account(*account, self.to).await?;
            done.accounts.push(*account);
        }
        for (key, project) in &owned.keys {
            if !receiver.holds_keys_in(*project) {
                done.kept.push(key.to_string());
                continue;
            }
            self.grant.may_give(Permissions::of(&[Permission::ApiKeyManage]), Some(*project))?;
            change.give_key(*key, self.to).await?;
            done.keys.push(*key);
        }
        Ok(())
    }
}

/// What the audit trail keeps of a transfer.
fn facts(to: UserId, done: &Transfer) -> Value {
    json!({
        "owner_id": to, "project_ids": done.projects, "service_account_ids": done.accounts, "key_ids": done.keys,
        "kept_ids": done.kept,
    })
}
