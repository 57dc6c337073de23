//! Drawing secrets: a new key of a project, and the next secret of one that exists.

use domain::Error;
use domain::access::Grant;
use domain::api_keys::scopes;
use domain::api_keys::{ApiKey, KeyHash, KeyKind, KeyOwner, KeyStatus, Secret, expiry, generate, redact};
use domain::approvals::ChangeKind;
use domain::audit::{AuditEntry, Verb};
use domain::ids::{ApprovalId, KeyId, ProjectId, SecretId, UserId};
use domain::models::ModelLists;
use domain::projects::Project;
use domain::text::{self, Tags};
use store::Change;

use super::{IssuedKey, key_facts};
use crate::changes::{second_person, with_approval};
use crate::projects::active;
use crate::{Control, Failure};

/// The longest time for which two secrets of a key live side by side: 30 days, in seconds.
const LONGEST_OVERLAP: i64 = 30 * 24 * 3_600;

/// What creating a key of a project takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewKey {
    /// The name people read.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Free pairs.
    pub tags: Tags,
    /// To whom it belongs; the caller when absent.
    pub owner: Option<KeyOwner>,
    /// Names of scopes; empty means unrestricted.
    pub scopes: Vec<String>,
    /// The models it may use; none means whatever its project may.
    pub models: Option<Vec<String>>,
    /// Models that it may not use although its project may.
    pub denied_models: Vec<String>,
    /// How long it lives; for ever when absent.
    pub expires_in_seconds: Option<i64>,
}

/// Creates a key of a project.
///
/// # Errors
/// Those of the fields; `unknown_scope`; `models_outside_project`; `missing_permission` when it would belong to somebody for whom the caller may not act;
/// `approval_required` where a new key needs a second person; `owner_not_in_project`; conflicts `project_archived`,
/// `key_owner_gone`.
pub async fn create_key(
    control: &Control,
    grant: &Grant,
    project: ProjectId,
    new: NewKey,
) -> Result<IssuedKey, Failure> {
    let mut change = control.change(grant).await?;
    let locked = change.lock_project(grant, project).await?;
    let (key, secret, approval) = issue_key(control, &mut change, grant, &locked, new).await?;
    let facts = with_approval(key_facts(&key), approval);
    let entry = AuditEntry::new(Verb::ApiKeyCreated, key.id).in_project(project).after(facts);
    control.commit(change, entry).await?;
    let owned = control.store.project_key(grant, project, key.id).await?;
    Ok(IssuedKey { owned, secret })
}

/// Draws a new secret of a key. Those it has live on for `overlap_seconds`, and no longer.
///
/// # Errors
/// `invalid_overlap`; `Hidden` when there is no such key within reach; conflicts `project_archived`,
/// `key_expired`.
pub async fn rotate_key(
    control: &Control,
    grant: &Grant,
    project: ProjectId,
    id: KeyId,
    overlap_seconds: i64,
) -> Result<IssuedKey, Failure> {
    if !(0..=LONGEST_OVERLAP).contains(&overlap_seconds) {
        let sentence = "Use an overlap of 0 to 2592000 seconds (30 days).";
        return Err(Error::invalid_param("invalid_overlap", "overlap_seconds", sentence).into());
    }
    let mut change = control.change(grant).await?;
    active(&change.lock_project(grant, project).await?)?;
    let before = change.lock_project_key(grant, project, id).await?;
    if before.status(change.at()) == KeyStatus::Expired {
        let sentence = "This key has expired. Give it a new expires_in_seconds first, or create another.";
        return Err(Error::conflict("key_expired", sentence).into());
    }
    let (secret, hash) = draw(control, before.kind);
    let mut key = before.clone();
    key.secret_id = SecretId::mint(control.ambient.as_ref());
    key.secret_version += 1;
    key.redacted = redact(&secret);
    let old_end = change.at().plus_seconds(overlap_seconds);
    change.end_secrets(id, old_end).await?;
    change.insert_secret(&key, &hash).await?;
    change.write_key(&key).await?;
    let entry = AuditEntry::new(Verb::ApiKeyRotated, id)
        .in_project(project)
        .before(key_facts(&before))
        .after(key_facts(&key));
    control.commit(change, entry).await?;
    let owned = control.store.project_key(grant, project, id).await?;
    Ok(IssuedKey { owned, secret })
}

/// Adds a key to an open change; with the approval that it needed, where it needed one.
pub(crate) async fn issue_key(
    control: &Control,
    change: &mut Change,
    grant: &Grant,
    project: &Project,
    new: NewKey,
) -> Result<(ApiKey, Secret, Option<ApprovalId>), Failure> {
    active(project)?;
    let caller = grant.actor().map(|actor| actor.user_id);
    let owner = new
        .owner
        .or(caller.map(KeyOwner::User))
        .ok_or_else(|| Error::invalid_param("owner_required", "owner", "Say to whom the key belongs."))?;
    let answerable = check_owner(change, grant, project, owner).await?;
    let kind = match owner {
        KeyOwner::User(_) => KeyKind::Project,
        KeyOwner::ServiceAccount(_) => KeyKind::ServiceAccount,
    };
    let models = check_models(change, project.id, new.models.as_deref(), &new.denied_models).await?;
    let approval = second_person(control, change, grant, (ChangeKind::KeyCreation, project, project)).await?;
    let (secret, hash) = draw(control, kind);
    let key = ApiKey {
        id: KeyId::mint(control.ambient.as_ref()),
        organization_id: project.organization_id,
        project_id: Some(project.id),
        kind,
        name: text::name(&new.name, "name")?,
        description: text::free(&new.description, "description")?,
        tags: text::tags(new.tags)?,
        owner,
        created_by: caller.unwrap_or(answerable),
        created_at: change.at(),
        expires_at: expiry(change.at(), new.expires_in_seconds)?,
        disabled_at: None,
        revoked_at: None,
        last_used_at: None,
        redacted: redact(&secret),
        models,
        scopes: scopes::checked(&new.scopes)?,
        secret_id: SecretId::mint(control.ambient.as_ref()),
        secret_version: 1,
    };
    change.insert_key(&key, &hash).await?;
    Ok((key, secret, approval))
}

/// Draws a secret of a kind, with the hash that is kept of it.
pub(crate) fn draw(control: &Control, kind: KeyKind) -> (Secret, KeyHash) {
    let secret = generate(kind, control.ambient.as_ref());
    let hash = control.secrets.pepper().hash(secret.reveal());
    (secret, hash)
}

/// Whether the caller may make a key for this owner, and the owner may have one; the person answerable for it.
async fn check_owner(
    change: &mut Change,
    grant: &Grant,
    project: &Project,
    owner: KeyOwner,
) -> Result<UserId, Failure> {
    let user = match owner {
        KeyOwner::User(user) => Some(user),
        KeyOwner::ServiceAccount(_) => None,
    };
    if !grant.reaches(project.id, user) {
        let sentence = "Missing scopes: api_key.manage. With your role you may make keys of your own alone.";
        return Err(Error::forbidden("missing_permission", sentence).into());
    }
    match owner {
        KeyOwner::ServiceAccount(account) => {
            let key_owner = change.lock_service_account(grant, project.id, account).await?.key_owner_id;
            if change.standing(key_owner, project.organization_id).await?.is_some() {
                return Ok(key_owner);
            }
            let sentence = "The person who answers for the keys of this service account is suspended or has left. \
                            Name another key owner first.";
            Err(Error::conflict("key_owner_gone", sentence).into())
        }
        KeyOwner::User(user) => {
            let standing = change.standing(user, project.organization_id).await?;
            if standing.is_some_and(|standing| standing.holds_keys_in(project.id)) {
                return Ok(user);
            }
            let sentence = "The key's owner has to work in the project, in a role that has keys and does not end. \
                            Give them one first.";
            Err(Error::invalid_param("owner_not_in_project", "owner", sentence).into())
        }
    }
}

/// Lists of models as accepted for a key of a project: never wider than the project's own.
///
/// # Errors
/// `invalid_models`; `models_outside_project`.
pub(super) async fn check_models(
    change: &mut Change,
    project: ProjectId,
    allowed: Option<&[String]>,
    denied: &[String],
) -> Result<ModelLists, Failure> {
    let lists = ModelLists::of_key(allowed, denied)?;
    if let Some(permissions) = change.model_permissions(project).await? {
        lists.within_project(&permissions.lists()?)?;
    }
    Ok(lists)
}
