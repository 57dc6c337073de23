//! Admin keys of an organization: create, read and revoke them.

pub mod api;
pub(crate) mod console;

use domain::Error;
use domain::access::{Actor, Credential, Grant};
use domain::api_keys::{ApiKey, KeyKind, KeyOwner, KeyStatus, expiry, redact};
use domain::audit::{AuditEntry, Verb};
use domain::ids::{KeyId, SecretId, UserId};
use domain::models::ModelLists;
use domain::page::{Page, PageRequest};
use domain::text::{self, Tags};
use serde_json::json;
use store::OwnedKey;

use crate::api_keys::{IssuedKey, draw, key_facts};
use crate::projects::organization_of;
use crate::{Control, Failure};

/// The longest life of an admin key that ends: one year, in seconds.
const LONGEST_LIFE: i64 = 31_536_000;

/// What creating an admin key takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewAdminKey {
    /// The name people read.
    pub name: String,
    /// How long it lives; for ever when absent.
    pub expires_in_seconds: Option<i64>,
    /// To whom it belongs; the caller when absent.
    pub owner_id: Option<UserId>,
}

/// Creates an admin key. It acts as its owner, within the owner's rights of each moment; so one for somebody else
/// takes all the rights that they have.
///
/// # Errors
/// Those of the fields; `higher_rank`; `Hidden` when the owner is not a member of the organization.
pub async fn create_admin_key(
    control: &Control,
    grant: &Grant,
    new: NewAdminKey,
) -> Result<IssuedKey, Failure> {
    if new.expires_in_seconds.is_some_and(|seconds| seconds > LONGEST_LIFE) {
        let sentence = "Use 1 to 31536000 seconds (one year), or leave it out.";
        return Err(Error::invalid_param("invalid_expiry", "expires_in_seconds", sentence).into());
    }
    let organization_id = organization_of(grant)?;
    let mut change = control.change(grant).await?;
    let owner = new.owner_id.or(grant.actor().map(|actor| actor.user_id));
    let owner = owner.ok_or_else(|| Error::invalid("owner_required", "Say to whom the key belongs."))?;
    grant.may_stand_for(&change.rank(grant, owner).await?)?;
    let (secret, hash) = draw(control, KeyKind::Admin);
    let key = ApiKey {
        id: KeyId::mint(control.ambient.as_ref()),
        organization_id,
        project_id: None,
        kind: KeyKind::Admin,
        name: text::name(&new.name, "name")?,
        description: String::new(),
        tags: Tags::new(),
        owner: KeyOwner::User(owner),
        created_by: maker(control, grant).await?.unwrap_or(owner),
        created_at: change.at(),
        expires_at: expiry(change.at(), new.expires_in_seconds)?,
        disabled_at: None,
        revoked_at: None,
        last_used_at: None,
        redacted: redact(&secret),
        models: ModelLists::default(),
        scopes: Vec::new(),
        secret_id: SecretId::mint(control.ambient.as_ref()),
        secret_version: 1,
    };
    change.insert_key(&key, &hash).await?;
    let entry = AuditEntry::new(Verb::AdminKeyCreated, key.id).after(key_facts(&key));
    control.commit(change, entry).await?;
    let owned = control.store.admin_key(grant, key.id).await?;
    Ok(IssuedKey { owned, secret })
}

/// Who answers for what is made now: the person who acts, or whoever made the key that acts as them. Otherwise a key
/// made by a key would outlive the bounds of its maker.
async fn maker(control: &Control, grant: &Grant) -> Result<Option<UserId>, Failure> {
    match grant.actor() {
        Some(Actor { credential: Credential::AdminKey(key), .. }) => {
            Ok(Some(control.store.admin_key(grant, *key).await?.key.created_by))
        }
        other => Ok(other.map(|actor| actor.user_id)),
    }
}

/// A page of the organization's admin keys.
///
/// # Errors
/// When the store is away.
pub async fn list_admin_keys(
    control: &Control,
    grant: &Grant,
    page: &PageRequest,
) -> Result<Page<OwnedKey>, Failure> {
    Ok(control.store.admin_keys(grant, page).await?)
}

/// One admin key that is not revoked.
///
/// # Errors
/// `Hidden` when there is none in the organization.
pub async fn retrieve_admin_key(control: &Control, grant: &Grant, id: KeyId) -> Result<OwnedKey, Failure> {
    Ok(control.store.admin_key(grant, id).await?)
}

/// Revokes an admin key for ever.
///
/// # Errors
/// `Hidden` when there is none in the organization, or it is revoked already.
pub async fn revoke_admin_key(control: &Control, grant: &Grant, id: KeyId) -> Result<(), Failure> {
    let mut change = control.change(grant).await?;
    let mut key = change.lock_admin_key(grant, id).await?;
    let before = key_facts(&key);
    key.revoked_at = Some(change.at());
    change.write_key(&key).await?;
    let entry = AuditEntry::new(Verb::AdminKeyRevoked, id)
        .before(before)
        .after(json!({"status": KeyStatus::Revoked.name()}));
    control.commit(change, entry).await?;
    Ok(())
}
