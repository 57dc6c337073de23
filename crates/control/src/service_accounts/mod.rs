//! Service accounts of a project: create, list, change and delete them, and give them keys.

pub mod api;
pub(crate) mod console;
pub mod pages;

use domain::access::{Grant, Permission, ProjectRole, Target, authorize};
use domain::api_keys::{ApiKey, KeyOwner, Secret};
use domain::audit::{AuditEntry, Verb};
use domain::ids::{OrganizationId, ProjectId, ServiceAccountId, UserId};
use domain::page::{Page, PageRequest};
use domain::service_accounts::ServiceAccount;
use domain::{Error, text};
use serde_json::{Value, json};
use store::{Change, OwnedAccount};

use crate::api_keys::{NewKey, issue_key, key_facts};
use crate::changes::with_approval;
use crate::projects::active;
use crate::{Control, Failure};

/// The name of a key that came without one.
pub(crate) const KEY_NAME: &str = "Secret key";

/// What creating a service account takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewServiceAccount {
    /// The name people read.
    pub name: String,
    /// Whether to leave out the role and the key.
    pub without_key: bool,
    /// How long its first key lives; for ever when absent.
    pub expires_in_seconds: Option<i64>,
    /// The person answerable for its keys; the caller when absent.
    pub key_owner_id: Option<UserId>,
}

/// What to change of a service account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceAccountChanges {
    /// Another name.
    pub name: Option<String>,
    /// Another role; `Some(None)` takes it away.
    pub role: Option<Option<ProjectRole>>,
    /// Another person answerable for its keys.
    pub key_owner_id: Option<UserId>,
}

/// Creates a service account, and its first key unless told not to.
///
/// # Errors
/// Those of the fields; `key_owner_not_member`; `wider_than_giver`, and `missing_permission` for its first key;
/// conflict `project_archived`.
pub async fn create_service_account(
    control: &Control,
    grant: &Grant,
    project: ProjectId,
    new: NewServiceAccount,
) -> Result<(OwnedAccount, Option<(ApiKey, Secret)>), Failure> {
    let mut change = control.change(grant).await?;
    let locked = change.lock_project(grant, project).await?;
    active(&locked)?;
    let caller = grant.actor().map(|actor| actor.user_id);
    let key_owner_id = new.key_owner_id.or(caller).ok_or_else(|| {
        Error::invalid_param("key_owner_required", "key_owner_id", "Name the person answerable for its keys.")
    })?;
    check_key_owner(&mut change, locked.organization_id, key_owner_id).await?;
    let account = ServiceAccount {
        id: ServiceAccountId::mint(control.ambient.as_ref()),
        project_id: project,
        name: text::name(&new.name, "name")?,
        role: (!new.without_key).then_some(ProjectRole::Member),
        key_owner_id,
        created_at: change.at(),
    };
    may_give(grant, &account)?;
    change.insert_service_account(locked.organization_id, &account).await?;
    let issued = if new.without_key {
        None
    } else {
        may_make_keys(grant, project)?;
        let new_key = NewKey {
            name: KEY_NAME.to_owned(),
            owner: Some(KeyOwner::ServiceAccount(account.id)),
            expires_in_seconds: new.expires_in_seconds,
            ..NewKey::default()
        };
        Some(issue_key(control, &mut change, grant, &locked, new_key).await?)
    };
    let key = issued
        .as_ref()
        .map(|(key, _, approval)| json!({"id": key.id, "facts": with_approval(key_facts(key), *approval)}));
    let entry = AuditEntry::new(Verb::ServiceAccountCreated, account.id)
        .in_project(project)
        .after(json!({"service_account": facts(&account), "api_key": key}));
    control.commit(change, entry).await?;
    let issued = issued.map(|(key, secret, _)| (key, secret));
    Ok((control.store.service_account(grant, project, account.id).await?, issued))
}

/// A page of the service accounts of a project.
///
/// # Errors
/// `Hidden` when there is no such project within reach.
pub async fn list_service_accounts(
    control: &Control,
    grant: &Grant,
    project: ProjectId,
    page: &PageRequest,
) -> Result<Page<OwnedAccount>, Failure> {
    // A project that is not there has no list, rather than an empty one.
    control.store.project(grant, project).await?;
    Ok(control.store.service_accounts(grant, project, page).await?)
}

/// One service account of a project.
///
/// # Errors
/// `Hidden` when there is none within reach.
pub async fn retrieve_service_account(
    control: &Control,
    grant: &Grant,
    project: ProjectId,
    id: ServiceAccountId,
) -> Result<OwnedAccount, Failure> {
    Ok(control.store.service_account(grant, project, id).await?)
}

/// Changes a service account.
///
/// # Errors
/// Those of the fields; `key_owner_not_member`; `wider_than_giver`; `Hidden`; conflict `project_archived`.
pub async fn update_service_account(
    control: &Control,
    grant: &Grant,
    project: ProjectId,
    id: ServiceAccountId,
    changes: ServiceAccountChanges,
) -> Result<OwnedAccount, Failure> {
    let mut change = control.change(grant).await?;
    let locked = change.lock_project(grant, project).await?;
    active(&locked)?;
    let before = change.lock_service_account(grant, project, id).await?;
    let mut account = before.clone();
    if let Some(name) = &changes.name {
        account.name = text::name(name, "name")?;
    }
    if let Some(role) = changes.role {
        account.role = role;
        may_give(grant, &account)?;
    }
    if let Some(user) = changes.key_owner_id {
        check_key_owner(&mut change, locked.organization_id, user).await?;
        account.key_owner_id = user;
    }
    change.write_service_account(&account).await?;
    let entry = AuditEntry::new(Verb::ServiceAccountUpdated, id)
        .in_project(project)
        .before(facts(&before))
        .after(facts(&account));
    control.commit(change, entry).await?;
    retrieve_service_account(control, grant, project, id).await
}

/// Deletes a service account and revokes its keys.
///
/// # Errors
/// `Hidden` when there is none within reach.
pub async fn delete_service_account(
    control: &Control,
    grant: &Grant,
    project: ProjectId,
    id: ServiceAccountId,
) -> Result<(), Failure> {
    let mut change = control.change(grant).await?;
    change.lock_project(grant, project).await?;
    let before = change.lock_service_account(grant, project, id).await?;
    change.delete_service_account(id).await?;
    let revoked = change.revoke_keys_of_account(id).await?;
    let entry = AuditEntry::new(Verb::ServiceAccountDeleted, id)
        .in_project(project)
        .before(facts(&before))
        .after(json!({"revoked_key_ids": revoked}));
    control.commit(change, entry).await?;
    Ok(())
}

fn may_give(grant: &Grant, account: &ServiceAccount) -> Result<(), Error> {
    account.role.map_or(Ok(()), |role| grant.may_give(role.permissions(), Some(account.project_id)))
}

/// Whether the caller may make a key of an account, for which managing accounts alone is not enough.
fn may_make_keys(grant: &Grant, project: ProjectId) -> Result<(), Error> {
    let Some((actor, organization)) = grant.actor().zip(grant.organization_id()) else { return Ok(()) };
    authorize(actor, Permission::ApiKeyManage, Target::Project(organization, project)).and_then(|granted| {
        let sentence =
            "Missing scopes: api_key.manage. Create the account alone, with create_service_account_only.";
        match granted.reaches(project, None) {
            true => Ok(()),
            false => Err(Error::forbidden("missing_permission", sentence)),
        }
    })
}

/// Whether a person may answer for keys: a member of the organization in good standing.
async fn check_key_owner(
    change: &mut Change,
    organization: OrganizationId,
    user: UserId,
) -> Result<(), Failure> {
    if change.standing(user, organization).await?.is_some() {
        return Ok(());
    }
    let sentence = "The key owner has to be a member of the organization who is not suspended.";
    Err(Error::invalid_param("key_owner_not_member", "key_owner_id", sentence).into())
}

fn facts(account: &ServiceAccount) -> Value {
    json!({"name": account.name, "role": account.role, "key_owner_id": account.key_owner_id})
}
