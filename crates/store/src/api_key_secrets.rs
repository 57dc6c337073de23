//! Changes of API keys and their secrets, and the look-up by which a call finds its key.

use domain::access::Grant;
use domain::api_keys::{ApiKey, KeyHash, KeyOwner};
use domain::handovers::State;
use domain::ids::{KeyId, ProjectId, SecretId, ServiceAccountId, UserId};
use domain::time::Timestamp;

use crate::api_keys::{owner_active, read_key};
use crate::handovers::in_handover;
use crate::measurement::Measurement;
use crate::projects::tags_text;
use crate::reached::Reached;
use crate::{Change, Error, Result, Row, Store, args};

/// The secret with which a key was presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretInUse {
    /// Its id.
    pub id: SecretId,
    /// The how-manieth of its key it is, from 1.
    pub version: i64,
    /// When it was drawn.
    pub created_at: Timestamp,
    /// From when it stops, after a rotation.
    pub ends_at: Option<Timestamp>,
}

/// A key as found by one of its secrets. Whether it works is for the caller to decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundKey {
    /// The key.
    pub key: ApiKey,
    /// The secret that was presented.
    pub secret: SecretInUse,
    /// Whether its project is archived.
    pub project_archived: bool,
    /// Whether its owner may still use it, or an open hand-over keeps it going without one.
    pub owner_active: bool,
}

impl Store {
    /// When the newest secret of a key of the grant's organization was drawn.
    ///
    /// # Errors
    /// `NotFound` when there is no such key in it.
    pub async fn newest_secret_at(&self, grant: &Grant, key: KeyId) -> Result<Timestamp> {
        let sql = "select x.created_at from api_key_secrets x join api_keys k on k.id = x.key_id \
                   where k.id = $1 and k.organization_id = $2 order by x.version desc limit 1";
        let row = self.row(sql, args![key, grant.organization_id()]).await?;
        row.ok_or(Error::not_found("API key"))?.time("created_at")
    }

    /// The key of any kind that has this secret, ended or not, within the grant's organization or anywhere.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn key_by_hash(&self, grant: &Grant, hash: &KeyHash) -> Result<Option<FoundKey>> {
        let to = Reached::of(grant);
        let row = self
            .row(
                concat!(
                    "select k.*, x.id as used_id, x.version as used_version, \
                     x.created_at as used_created_at, x.ends_at as used_ends_at, \
                     p.archived_at is not null as project_archived, (",
                    owner_active!(),
                    " or ",
                    in_handover!(),
                    ") as owner_active from api_key_secrets x join api_keys k on k.id = x.key_id \
                     left join projects p on p.id = k.project_id \
                     left join service_accounts s on s.id = k.owner_service_account_id \
                     left join members m on m.organization_id = k.organization_id and m.user_id = k.owner_user_id \
                     left join project_members pm on pm.project_id = k.project_id \
                     and pm.user_id = k.owner_user_id \
                     where x.hash = $1 and $2 and ($3 = '' or k.organization_id = $3)"
                ),
                args![hash.bytes().to_vec(), to.all, to.organization],
            )
            .await?;
        row.as_ref().map(read_found).transpose()
    }
}

impl Measurement {
    /// Notes the moment of a call made with a key; an earlier moment than the noted one changes nothing.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub(crate) async fn touch_last_used(&mut self, key: KeyId, at: Timestamp) -> Result<()> {
        self.run(
            "update api_keys set last_used_at = $2 where id = $1 and (last_used_at is null or last_used_at < $2)",
            args![key, at],
        )
        .await
        .map(drop)
    }
}

impl Change {
    /// One project key that is not revoked, within the grant's reach, locked until the change ends.
    ///
    /// # Errors
    /// `NotFound` when there is none, or none within reach.
    pub async fn lock_project_key(&mut self, grant: &Grant, project: ProjectId, id: KeyId) -> Result<ApiKey> {
        let to = Reached::of(grant);
        let row = self
            .row(
                "select * from api_keys where id = $1 and project_id = $2 and organization_id = $3 \
                 and ($4 or project_id in list($5) or (project_id in list($6) and owner_user_id = $7)) \
                 and revoked_at is null for update",
                args![id, project, to.organization, to.all, to.whole, to.own, to.user],
            )
            .await?;
        row.as_ref().map_or(Err(Error::not_found("API key")), read_key)
    }

    /// One admin key that is not revoked, within the grant's organization, locked until the change ends.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn lock_admin_key(&mut self, grant: &Grant, id: KeyId) -> Result<ApiKey> {
        let to = Reached::of(grant);
        let row = self
            .row(
                "select * from api_keys where id = $1 and kind = 'admin' and organization_id = $2 \
                 and ($3 or owner_user_id = $4) and revoked_at is null for update",
                args![id, to.organization, to.all, to.user],
            )
            .await?;
        row.as_ref().map_or(Err(Error::not_found("admin key")), read_key)
    }

    /// Adds a key with its first secret.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn insert_key(&mut self, key: &ApiKey, hash: &KeyHash) -> Result<()> {
        let (user, account) = owner_columns(key.owner);
        self.run(
            "insert into api_keys (id, organization_id, project_id, kind, name, description, tags, owner_user_id, \
             owner_service_account_id, created_by, created_at, expires_at, redacted, models, denied_models, scopes, \
             secret_id, secret_version) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
            args![
                key.id,
                key.organization_id,
                key.project_id,
                key.kind.name(),
                &key.name,
                &key.description,
                tags_text(&key.tags)?,
                user,
                account,
                key.created_by,
                key.created_at,
                key.expires_at,
                &key.redacted,
                list_text(key.models.allowed().as_deref()),
                key.models.denied(),
                key.scopes.clone(),
                key.secret_id,
                key.secret_version,
            ],
        )
        .await?;
        self.insert_secret(key, hash).await
    }

    /// Adds the newest secret of a key, as the key names it.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn insert_secret(&mut self, key: &ApiKey, hash: &KeyHash) -> Result<()> {
        let at = self.at();
        self.run(
            "insert into api_key_secrets (id, key_id, hash, version, created_at) values ($1, $2, $3, $4, $5)",
            args![key.secret_id, key.id, hash.bytes().to_vec(), key.secret_version, at],
        )
        .await
        .map(drop)
    }

    /// Lets every secret of a key that would live longer end at that moment.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn end_secrets(&mut self, key: KeyId, ends_at: Timestamp) -> Result<()> {
        self.run(
            "update api_key_secrets set ends_at = $2 where key_id = $1 and (ends_at is null or ends_at > $2)",
            args![key, ends_at],
        )
        .await
        .map(drop)
    }

    /// Writes every field of a key that can change.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn write_key(&mut self, key: &ApiKey) -> Result<()> {
        self.run(
            "update api_keys set name = $2, description = $3, tags = $4, expires_at = $5, disabled_at = $6, \
             revoked_at = $7, redacted = $8, models = $9, denied_models = $10, scopes = $11, secret_id = $12, \
             secret_version = $13 where id = $1",
            args![
                key.id,
                &key.name,
                &key.description,
                tags_text(&key.tags)?,
                key.expires_at,
                key.disabled_at,
                key.revoked_at,
                &key.redacted,
                list_text(key.models.allowed().as_deref()),
                key.models.denied(),
                key.scopes.clone(),
                key.secret_id,
                key.secret_version,
            ],
        )
        .await?;
        if key.revoked_at.is_some() {
            self.close_handover_of(&key.id.to_string(), (State::Ended, None)).await?;
        }
        Ok(())
    }

    /// Revokes the keys of a person in one project, except those that an open hand-over keeps going, and returns them.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn revoke_keys_in_project(&mut self, project: ProjectId, user: UserId) -> Result<Vec<KeyId>> {
        let at = self.at();
        let rows = self
            .rows(
                "update api_keys set revoked_at = $3 where project_id = $1 and owner_user_id = $2 \
                 and revoked_at is null and not exists (select 1 from handovers h \
                 where h.subject_id = api_keys.id and h.state = 'open') returning id",
                args![project, user, at],
            )
            .await?;
        rows.iter().map(|row| row.id("id")).collect()
    }

    /// Revokes the keys of a service account, and returns them.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn revoke_keys_of_account(&mut self, account: ServiceAccountId) -> Result<Vec<KeyId>> {
        let at = self.at();
        let rows = self
            .rows(
                "update api_keys set revoked_at = $2 where owner_service_account_id = $1 \
                 and revoked_at is null returning id",
                args![account, at],
            )
            .await?;
        rows.iter().map(|row| row.id("id")).collect()
    }
}

fn owner_columns(owner: KeyOwner) -> (Option<UserId>, Option<ServiceAccountId>) {
    match owner {
        KeyOwner::User(user) => (Some(user), None),
        KeyOwner::ServiceAccount(account) => (None, Some(account)),
    }
}

fn list_text(list: Option<&[String]>) -> Option<String> {
    list.map(|list| serde_json::Value::from(list.to_vec()).to_string())
}

fn read_found(row: &Row) -> Result<FoundKey> {
    Ok(FoundKey {
        key: read_key(row)?,
        secret: SecretInUse {
            id: row.id("used_id")?,
            version: row.int("used_version")?,
            created_at: row.time("used_created_at")?,
            ends_at: row.opt_time("used_ends_at")?,
        },
        project_archived: row.flag("project_archived")?,
        owner_active: row.flag("owner_active")?,
    })
}
