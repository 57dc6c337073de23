//! Whom a question is about, and whether the asker may ask about them.

use domain::Error;
use domain::access::{Grant, Permission, Reason, Standing, Target, allows};
use domain::api_keys::{KeyKind, KeyOwner};
use domain::ids::{KeyId, ProjectId, ServiceAccountId, UserId};
use domain::service_accounts::ServiceAccount;
use domain::text;
use store::{OwnedKey, PersonRights};

use super::{Asker, Resource};
use crate::{Control, Failure};

/// Whom a question is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// A member.
    Person(Box<PersonRights>),
    /// A key of a project or an admin key.
    Key {
        /// The key.
        owned: Box<OwnedKey>,
        /// The member to whom it belongs, for an admin key within what its maker may do; none for a service account's,
        /// and for one whose owner or maker is not a member.
        owner: Option<Box<PersonRights>>,
    },
    /// A service account.
    Account(ServiceAccount),
}

/// The principal of an id or address that the asker may ask about: themselves when it is empty.
///
/// # Errors
/// `Hidden` when there is none; `missing_permission` when it is not the asker's to ask, whether or not there is one.
pub(super) async fn find(
    control: &Control,
    asker: &Asker<'_>,
    named: &str,
    resource: &Resource,
) -> Result<Principal, Failure> {
    let me = asker.actor;
    let is_my_address = text::email(named).is_ok_and(|email| email == me.email);
    if named.is_empty() || is_my_address || named == me.user_id.to_string() {
        return Ok(Principal::Person(Box::new(rights(control, asker, me.user_id).await?)));
    }
    if let Some(key) = seen_key(control, asker, named).await? {
        return Ok(key);
    }
    let project = match (&asker.anyone, resource.target) {
        (Ok(_), _) => None,
        (Err(_), Target::Project(_, project))
            if allows(me, Permission::ProjectMemberManage, resource.target) =>
        {
            Some(project)
        }
        (Err(refusal), _) => return Err(refusal.clone().into()),
    };
    let found = anybody(control, asker, named).await?;
    match project {
        Some(project) if !is_within(&found, project) => Err(hidden().into()),
        _ => Ok(found),
    }
}

fn hidden() -> Error {
    Error::Hidden { what: "principal" }
}

fn told_alike<T>(found: Result<T, store::Error>) -> Result<T, Failure> {
    match found {
        Err(store::Error::NotFound { .. }) => Err(hidden().into()),
        other => Ok(other?),
    }
}

async fn rights(control: &Control, asker: &Asker<'_>, user: UserId) -> Result<PersonRights, Failure> {
    Ok(member(control, asker.grant, user).await?.ok_or_else(hidden)?)
}

/// A key that the asker sees, whoever owns it.
async fn seen_key(control: &Control, asker: &Asker<'_>, named: &str) -> Result<Option<Principal>, Failure> {
    let (Ok(id), Some(grant)) = (named.parse::<KeyId>(), asker.seeing(Permission::ApiKeyRead)) else {
        return Ok(None);
    };
    let owned = match control.store.any_key(&grant, id).await {
        Err(store::Error::NotFound { .. }) => return Ok(None),
        found => found?,
    };
    let owner = match owned.key.owner {
        KeyOwner::ServiceAccount(_) => None,
        KeyOwner::User(user) => owner(control, &grant, user, &owned).await?,
    };
    Ok(Some(Principal::Key { owned: Box::new(owned), owner: owner.map(Box::new) }))
}

/// The owner of a key as it acts: an admin key within what its maker may do, too.
async fn owner(
    control: &Control,
    grant: &Grant,
    user: UserId,
    owned: &OwnedKey,
) -> Result<Option<PersonRights>, Failure> {
    let Some(owner) = member(control, grant, user).await? else { return Ok(None) };
    let maker = owned.key.created_by;
    if owned.key.kind != KeyKind::Admin || maker == user {
        return Ok(Some(owner));
    }
    let maker = member(control, grant, maker).await?.filter(|maker| maker.member.suspended_at.is_none());
    Ok(maker.map(|maker| narrowed(owner, &maker.standing)))
}

async fn member(control: &Control, grant: &Grant, user: UserId) -> Result<Option<PersonRights>, Failure> {
    match control.store.person_rights(grant, user, control.now()).await {
        Err(store::Error::NotFound { .. }) => Ok(None),
        found => Ok(Some(found?)),
    }
}

fn narrowed(owner: PersonRights, maker: &Standing) -> PersonRights {
    let standing = owner.standing.within(maker);
    let pairs = owner.reasons.into_iter().zip(&standing.assignments);
    let reasons = pairs.map(|(reason, one)| Reason { assignment: one.clone(), ..reason }).collect();
    PersonRights { standing, reasons, ..owner }
}

/// A member, or a service account that the asker sees.
async fn anybody(control: &Control, asker: &Asker<'_>, named: &str) -> Result<Principal, Failure> {
    if let Ok(id) = named.parse::<ServiceAccountId>() {
        let grant = asker.seeing(Permission::ServiceAccountRead).ok_or_else(hidden)?;
        return Ok(Principal::Account(told_alike(control.store.any_service_account(&grant, id).await)?));
    }
    let user = match named.parse::<UserId>() {
        Ok(user) => user,
        Err(_) => {
            let email = text::email(named).map_err(|_| hidden())?;
            told_alike(control.store.member_of_email(asker.grant, &email).await)?
        }
    };
    Ok(Principal::Person(Box::new(rights(control, asker, user).await?)))
}

/// Whether a project's people include them, suspended or not.
fn is_within(principal: &Principal, project: ProjectId) -> bool {
    match principal {
        Principal::Person(rights) => !rights.standing.rights_at(Some(project)).of_projects().is_empty(),
        Principal::Key { owned, .. } => owned.key.project_id == Some(project),
        Principal::Account(account) => account.project_id == project,
    }
}
