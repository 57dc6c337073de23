//! API keys: rows of `api_keys`, read with the owner they belong to. Secrets are in `api_key_secrets.rs`.

use domain::access::{Grant, OrganizationRole, ProjectRole};
use domain::api_keys::{ApiKey, KeyKind, KeyOwner};
use domain::ids::{KeyId, ProjectId, ServiceAccountId};
use domain::models::ModelLists;
use domain::page::{Order, Page, PageRequest};
use domain::time::Timestamp;

use crate::reached::{Reached, cursor};
use crate::{Error, Result, Row, Store, args};

const WHAT: &str = "API key";

/// Whether the owner may still use the key: a service account that exists, or a member of the organization whose
/// lasting rights in the project hold keys of their own. What was given for a time carries no key.
macro_rules! owner_active {
    () => {
        "(case when k.owner_service_account_id is not null then s.id is not null and s.deleted_at is null \
         else m.user_id is not null and m.suspended_at is null and (k.project_id is null \
           or coalesce(pm.role, '') in ('owner', 'member') or m.role = 'admin' or exists (\
             select 1 from role_assignments ra left join roles r on r.id = ra.role \
             where ra.organization_id = k.organization_id and ra.project_id in ('', k.project_id) \
             and ra.ends_at is null and (coalesce(r.holds_keys, false) or ra.role in \
               ('role-api-organization-admin', 'role-api-project-owner', 'role-api-project-member')) \
             and (ra.principal_id = k.owner_user_id or ra.principal_id in (select gm.group_id from group_members gm \
               where gm.organization_id = k.organization_id and gm.user_id = k.owner_user_id)))) end)"
    };
}
pub(crate) use owner_active;

/// The start of a statement that reads keys with their owners.
macro_rules! select_keys {
    () => {
        concat!(
            "select k.*, coalesce(u.name, s.name, '') as owner_name, u.email as owner_email, \
             coalesce(u.created_at, s.created_at, 0) as owner_created_at, \
             coalesce(pm.role, s.role) as owner_role, m.role as owner_organization_role, ",
            owner_active!(),
            " as owner_active from api_keys k \
             left join users u on u.id = k.owner_user_id \
             left join service_accounts s on s.id = k.owner_service_account_id \
             left join members m on m.organization_id = k.organization_id and m.user_id = k.owner_user_id \
             left join project_members pm on pm.project_id = k.project_id and pm.user_id = k.owner_user_id "
        )
    };
}

/// A key with what people want to know of its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedKey {
    /// The key.
    pub key: ApiKey,
    /// The owner's name.
    pub owner_name: String,
    /// The owner's address, when a person.
    pub owner_email: Option<String>,
    /// Since when the owner exists.
    pub owner_created_at: Timestamp,
    /// The owner's role in the project.
    pub owner_role: Option<ProjectRole>,
    /// The owner's role in the organization, when a member of it.
    pub owner_organization_role: Option<OrganizationRole>,
    /// Whether the owner may still use it.
    pub owner_active: bool,
}

/// Which keys of a project are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyFilter {
    /// Only those whose owner may (`true`) or may not (`false`) use them any more; none for both.
    pub owner_active: Option<bool>,
    /// Revoked ones too.
    pub revoked_too: bool,
    /// Only those of this service account.
    pub service_account: Option<ServiceAccountId>,
}

impl Store {
    /// One key of a project within the grant's reach, revoked or not.
    ///
    /// # Errors
    /// `NotFound` when there is none, or none within reach.
    pub async fn project_key(&self, grant: &Grant, project: ProjectId, id: KeyId) -> Result<OwnedKey> {
        let to = Reached::of(grant);
        let row = self
            .row(
                concat!(
                    select_keys!(),
                    "where k.id = $1 and k.project_id = $2 and k.organization_id = $3 \
                     and ($4 or k.project_id in list($5) \
                     or (k.project_id in list($6) and k.owner_user_id = $7))"
                ),
                args![id, project, to.organization, to.all, to.whole, to.own, to.user],
            )
            .await?;
        row.as_ref().map_or(Err(Error::not_found(WHAT)), read_owned)
    }

    /// A key of any kind of the grant's organization within reach, revoked or not.
    ///
    /// # Errors
    /// `NotFound` when there is none, or none within reach.
    pub async fn any_key(&self, grant: &Grant, id: KeyId) -> Result<OwnedKey> {
        let to = Reached::of(grant);
        let row = self
            .row(
                concat!(
                    select_keys!(),
                    "where k.id = $1 and k.organization_id = $2 \
                     and ($3 or k.project_id in list($4) \
                     or (k.project_id in list($5) and k.owner_user_id = $6))"
                ),
                args![id, to.organization, to.all, to.whole, to.own, to.user],
            )
            .await?;
        row.as_ref().map_or(Err(Error::not_found(WHAT)), read_owned)
    }

    /// A page of the keys of a project within the grant's reach, oldest first.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn project_keys(
        &self,
        grant: &Grant,
        project: ProjectId,
        filter: KeyFilter,
        page: &PageRequest,
    ) -> Result<Page<OwnedKey>> {
        let to = Reached::of(grant);
        let any = filter.owner_active.is_none();
        let rows = self
            .rows(
                concat!(
                    select_keys!(),
                    "where k.project_id = $1 and k.organization_id = $2 \
                     and ($3 or k.project_id in list($4) \
                     or (k.project_id in list($5) and k.owner_user_id = $6)) \
                     and ($7 or k.revoked_at is null) and ($8 or ",
                    owner_active!(),
                    " = $9) and k.id > $10 and ($11 = '' or k.owner_service_account_id = $11) order by k.id limit $12"
                ),
                args![
                    project,
                    to.organization,
                    to.all,
                    to.whole,
                    to.own,
                    to.user,
                    filter.revoked_too,
                    any,
                    filter.owner_active.unwrap_or(true),
                    cursor(page),
                    filter.service_account.map(|id| id.to_string()).unwrap_or_default(),
                    page.limit + 1,
                ],
            )
            .await?;
        Ok(Page::from_read(rows.iter().map(read_owned).collect::<Result<_>>()?, page.limit))
    }

    /// One admin key of the grant's organization that is not revoked.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn admin_key(&self, grant: &Grant, id: KeyId) -> Result<OwnedKey> {
        let to = Reached::of(grant);
        let row = self
            .row(
                concat!(
                    select_keys!(),
                    "where k.id = $1 and k.kind = 'admin' and k.organization_id = $2 \
                     and ($3 or k.owner_user_id = $4) and k.revoked_at is null"
                ),
                args![id, to.organization, to.all, to.user],
            )
            .await?;
        row.as_ref().map_or(Err(Error::not_found("admin key")), read_owned)
    }

    /// A page of the admin keys of the grant's organization that are not revoked.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn admin_keys(&self, grant: &Grant, page: &PageRequest) -> Result<Page<OwnedKey>> {
        let to = Reached::of(grant);
        let sql = match page.order {
            Order::Ascending => concat!(
                select_keys!(),
                "where k.organization_id = $1 and k.kind = 'admin' and ($2 or k.owner_user_id = $3) \
                 and k.revoked_at is null and k.id > $4 order by k.id limit $5"
            ),
            Order::Descending => concat!(
                select_keys!(),
                "where k.organization_id = $1 and k.kind = 'admin' and ($2 or k.owner_user_id = $3) \
                 and k.revoked_at is null and k.id < $4 order by k.id desc limit $5"
            ),
        };
        let rows =
            self.rows(sql, args![to.organization, to.all, to.user, cursor(page), page.limit + 1]).await?;
        Ok(Page::from_read(rows.iter().map(read_owned).collect::<Result<_>>()?, page.limit))
    }
}

fn read_owned(row: &Row) -> Result<OwnedKey> {
    Ok(OwnedKey {
        key: read_key(row)?,
        owner_name: row.text("owner_name")?,
        owner_email: row.opt_text("owner_email")?,
        owner_created_at: row.time("owner_created_at")?,
        owner_role: row.opt_text("owner_role")?.as_deref().and_then(ProjectRole::parse),
        owner_organization_role: row
            .opt_text("owner_organization_role")?
            .as_deref()
            .and_then(OrganizationRole::parse),
        owner_active: row.flag("owner_active")?,
    })
}

pub(crate) fn read_key(row: &Row) -> Result<ApiKey> {
    Ok(ApiKey {
        id: row.id("id")?,
        organization_id: row.id("organization_id")?,
        project_id: row.opt_id("project_id")?,
        kind: row.word("kind", KeyKind::parse)?,
        name: row.text("name")?,
        description: row.text("description")?,
        tags: row.json("tags")?,
        owner: read_owner(row)?,
        created_by: row.id("created_by")?,
        created_at: row.time("created_at")?,
        expires_at: row.opt_time("expires_at")?,
        disabled_at: row.opt_time("disabled_at")?,
        revoked_at: row.opt_time("revoked_at")?,
        last_used_at: row.opt_time("last_used_at")?,
        redacted: row.text("redacted")?,
        models: read_models(row)?,
        scopes: row.json("scopes")?,
        secret_id: row.id("secret_id")?,
        secret_version: row.int("secret_version")?,
    })
}

fn read_models(row: &Row) -> Result<ModelLists> {
    let allowed: Option<Vec<String>> = row.opt_text("models")?.map(|_| row.json("models")).transpose()?;
    let denied: Vec<String> = row.json("denied_models")?;
    Ok(ModelLists::of_key(allowed.as_deref(), &denied)?)
}

fn read_owner(row: &Row) -> Result<KeyOwner> {
    match row.opt_id("owner_service_account_id")? {
        Some(account) => Ok(KeyOwner::ServiceAccount(account)),
        None => Ok(KeyOwner::User(row.id("owner_user_id")?)),
    }
}
