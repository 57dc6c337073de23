//! From a presented admin key to the person behind it.

use domain::api_keys::KeyHash;
use domain::ids::{KeyId, OrganizationId, UserId};
use domain::time::Timestamp;

use crate::error::Result;
use crate::{Store, args};

/// The live admin key to which a presented secret belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminKeyHolder {
    /// The key.
    pub key_id: KeyId,
    /// The only organization in which it acts.
    pub organization_id: OrganizationId,
    /// Its owner.
    pub user_id: UserId,
    /// The owner's address.
    pub email: String,
    /// Who made it.
    pub created_by: UserId,
}

impl Store {
    /// The admin key of a secret, if key and secret work at this moment.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn admin_key_holder(&self, hash: &KeyHash, at: Timestamp) -> Result<Option<AdminKeyHolder>> {
        let row = self
            .row(
                "select k.id, k.organization_id, k.created_by, u.id as user_id, u.email from api_key_secrets s \
                 join api_keys k on k.id = s.key_id join users u on u.id = k.owner_user_id \
                 where s.hash = $1 and k.kind = 'admin' and k.revoked_at is null and k.disabled_at is null \
                 and (s.ends_at is null or s.ends_at > $2) and (k.expires_at is null or k.expires_at > $2)",
                args![hash.bytes().to_vec(), at],
            )
            .await?;
        row.map(|row| {
            Ok(AdminKeyHolder {
                key_id: row.id("id")?,
                organization_id: row.id("organization_id")?,
                user_id: row.id("user_id")?,
                email: row.text("email")?,
                created_by: row.id("created_by")?,
            })
        })
        .transpose()
    }

    /// Notes that an admin key was used, at most once a minute.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn touch_admin_key(&self, key_id: KeyId, at: Timestamp) -> Result<()> {
        let sql = "select id from api_keys where id = $1 and (last_used_at is null or last_used_at < $2)";
        let stale = at.plus_seconds(-60);
        if self.row(sql, args![key_id, stale]).await?.is_none() {
            return Ok(());
        }
        let mut tx = self.measure().await?;
        tx.run("update api_keys set last_used_at = $2 where id = $1", args![key_id, at]).await?;
        tx.commit().await
    }
}
