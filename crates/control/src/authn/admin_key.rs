//! An admin key acts as its owner, within what the owner, and whoever made it, may do at that moment.

use domain::Error;
use domain::access::{Actor, Credential};
use domain::api_keys::{self, KeyKind};
use domain::ids::UserId;

use super::identify::Presented;
use crate::{Control, Failure};

/// The owner of a presented admin key, standing in the key's organization.
///
/// # Errors
/// `invalid_api_key` for whatever is not a live admin key of a present member.
pub(super) async fn actor(
    control: &Control,
    bearer: &str,
    presented: &Presented<'_>,
) -> Result<Actor, Failure> {
    if api_keys::parse(bearer)? != KeyKind::Admin {
        return Err(Error::unauthenticated(
            "admin_key_required",
            "This is a project key. The admin API takes an admin key, which starts with sk-admin-.",
        )
        .into());
    }
    let hash = control.secrets.pepper().hash(bearer);
    let holder = control.store.admin_key_holder(&hash, presented.at).await?.ok_or_else(refused)?;
    let standing_of = async |user: UserId| {
        let standing = control.store.standing(user, holder.organization_id, presented.at).await?;
        standing.ok_or_else(refused)
    };
    let mut standing = standing_of(holder.user_id).await?;
    if holder.created_by != holder.user_id {
        standing = standing.within(&standing_of(holder.created_by).await?);
    }
    control.store.touch_admin_key(holder.key_id, presented.at).await?;
    Ok(Actor {
        user_id: holder.user_id,
        email: holder.email,
        credential: Credential::AdminKey(holder.key_id),
        standing: Some(standing),
        origin: presented.origin.clone(),
    })
}

fn refused() -> Failure {
    Error::unauthenticated(
        "invalid_api_key",
        "Incorrect API key provided: it is unknown, expired, disabled or revoked.",
    )
    .into()
}
