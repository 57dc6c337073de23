//! The first Admin: by the one-time link that `serve` prints, or headless by `bootstrap`.

use std::collections::BTreeMap;

use domain::Error;
use domain::access::{Grant, Task};
use domain::api_keys::{self, ApiKey, KeyKind, KeyOwner, Secret};
use domain::audit::{AuditActor, AuditEntry, Verb};
use domain::ids::{KeyId, OrganizationId, SecretId, UserId};
use domain::members::{self, User};
use domain::models::ModelLists;
use domain::organizations::{NewOrganization, Organization};
use domain::text;
use serde::Serialize;
use serde_json::json;

use crate::{Control, Failure};

/// The person who becomes the first Admin.
#[derive(Clone)]
pub struct FirstAdmin {
    /// Their name; the address when empty.
    pub name: String,
    /// Their address.
    pub email: String,
    /// Their password: a new one, or their present one when the address has an account.
    pub password: String,
}

/// What `bootstrap` prints.
#[derive(Clone, Debug, Serialize)]
pub struct Bootstrapped {
    /// The new organization.
    pub organization_id: OrganizationId,
    /// Its first Admin.
    pub user_id: UserId,
    /// An admin key of theirs, shown only now.
    pub admin_key: String,
}

/// A new set-up link's token, which replaces every earlier one; none once an Admin exists.
/// The link is `{public_url}/setup/{token}`.
///
/// # Errors
/// `store_unavailable`.
pub async fn issue_link(control: &Control) -> Result<Option<Secret>, Failure> {
    if control.store.has_admin().await? {
        return Ok(None);
    }
    let token = api_keys::opaque_token(control.ambient.as_ref());
    control.store.put_set_up_link(&control.secrets.pepper().hash(token.reveal()), control.now()).await?;
    Ok(Some(token))
}

/// Whether a set-up link works.
///
/// # Errors
/// `set_up_link_not_valid`.
pub async fn check_link(control: &Control, token: &str) -> Result<(), Failure> {
    let hash = control.secrets.pepper().hash(token);
    if control.store.is_set_up_link(&hash).await? { Ok(()) } else { Err(bad_link()) }
}

/// Creates the first organization and its Admin, and uses the link up.
///
/// # Errors
/// `set_up_link_not_valid`, `invalid_email`, `invalid_name`, `weak_password`, `wrong_password`.
pub async fn set_up(
    control: &Control,
    token: &str,
    new: NewOrganization,
    admin: FirstAdmin,
) -> Result<(Organization, UserId), Failure> {
    check_link(control, token).await?;
    let hash = control.secrets.pepper().hash(token);
    let person = Newcomer::of(control, admin).await?;
    let mut change = control.change(&Grant::system(Task::SetUp, None)).await?;
    if !change.take_set_up_link(&hash).await? {
        return Err(bad_link());
    }
    found(control, change, new, person).await
}

/// Creates an organization for a person, who is created too when the address is new, with an admin key.
///
/// # Errors
/// `invalid_email`, `invalid_name`, `weak_password`, `wrong_password`.
pub async fn bootstrap(
    control: &Control,
    organization: &str,
    email: &str,
    password: &str,
) -> Result<Bootstrapped, Failure> {
    let new = NewOrganization::checked(organization, None)?;
    let admin = FirstAdmin { name: String::new(), email: email.to_owned(), password: password.to_owned() };
    let person = Newcomer::of(control, admin).await?;
    let change = control.change(&Grant::system(Task::SetUp, None)).await?;
    let (organization, user_id) = found(control, change, new, person).await?;
    let admin_key = first_key(control, organization.id, user_id).await?;
    Ok(Bootstrapped { organization_id: organization.id, user_id, admin_key: admin_key.reveal().to_owned() })
}

/// A person who is there already, or is to be added.
pub(crate) struct Newcomer {
    pub(crate) user: User,
    /// The hash of the password they chose; none for who is there already and proved it.
    pub(crate) password_hash: Option<String>,
}

impl Newcomer {
    async fn of(control: &Control, admin: FirstAdmin) -> Result<Self, Failure> {
        let email = text::email(&admin.email)?;
        if let Some(account) = control.store.account_of_email(&email).await? {
            let kept = account.password_hash.as_deref();
            if !control.passwords().fits(&admin.password, kept).await? {
                return Err(wrong_password());
            }
            return Ok(Self { user: account.user, password_hash: None });
        }
        let name = if admin.name.trim().is_empty() { email.clone() } else { admin.name };
        Self::new(control, email, &name, &admin.password).await
    }

    /// A person to be added under an address that has no account.
    pub(crate) async fn new(
        control: &Control,
        email: String,
        name: &str,
        password: &str,
    ) -> Result<Self, Failure> {
        let name = text::name(name, "name")?;
        let password = members::password(password)?;
        let hash = control.passwords().hash(password, control.ambient.as_ref()).await?;
        let id = UserId::mint(control.ambient.as_ref());
        Ok(Self { user: User { id, email, name, created_at: control.now() }, password_hash: Some(hash) })
    }
}

pub(crate) fn wrong_password() -> Failure {
    Error::unauthenticated("wrong_password", "The address or the password is not right.").into()
}

fn bad_link() -> Failure {
    Error::invalid(
        "set_up_link_not_valid",
        "This set-up link is not valid any more. Start the server again for a new one, or sign in.",
    )
    .into()
}

async fn found(
    control: &Control,
    mut change: store::Change,
    new: NewOrganization,
    person: Newcomer,
) -> Result<(Organization, UserId), Failure> {
    let user = person.user;
    if let Some(hash) = &person.password_hash {
        change.insert_user(&user, hash).await?;
    }
    let id = OrganizationId::mint(control.ambient.as_ref());
    let slug = change.free_slug(&new.name).await?;
    let organization = change.insert_organization(id, &new, user.id, slug).await?;
    change.acted_by(task_of(&user));
    let after = json!({"name": organization.name, "slug": organization.slug, "admin": user.email});
    control.commit(change, AuditEntry::new(Verb::OrganizationCreated, id).after(after)).await?;
    Ok((organization, user.id))
}

async fn first_key(
    control: &Control,
    organization_id: OrganizationId,
    user_id: UserId,
) -> Result<Secret, Failure> {
    let ambient = control.ambient.as_ref();
    let secret = api_keys::generate(KeyKind::Admin, ambient);
    let key = ApiKey {
        id: KeyId::mint(ambient),
        organization_id,
        project_id: None,
        kind: KeyKind::Admin,
        name: "bootstrap".to_owned(),
        description: "Made when the organization was set up from the command line.".to_owned(),
        tags: BTreeMap::new(),
        owner: KeyOwner::User(user_id),
        created_by: user_id,
        created_at: control.now(),
        expires_at: None,
        disabled_at: None,
        revoked_at: None,
        last_used_at: None,
        redacted: api_keys::redact(&secret),
        models: ModelLists::default(),
        scopes: Vec::new(),
        secret_id: SecretId::mint(ambient),
        secret_version: 1,
    };
    let mut change = control.change(&Grant::system(Task::SetUp, Some(organization_id))).await?;
    change.insert_key(&key, &control.secrets.pepper().hash(secret.reveal())).await?;
    let after = json!({"name": key.name, "owner": user_id, "redacted": key.redacted});
    control.commit(change, AuditEntry::new(Verb::AdminKeyCreated, key.id).after(after)).await?;
    Ok(secret)
}

/// The trail names the person for whom the task acted.
fn task_of(user: &User) -> AuditActor {
    AuditActor {
        kind: "user".to_owned(),
        id: user.id.to_string(),
        email: Some(user.email.clone()),
        credential_kind: "task".to_owned(),
        credential_id: Some(Task::SetUp.name().to_owned()),
        ..AuditActor::default()
    }
}
