//! Service accounts: rows of `service_accounts`. A deleted one stays, so that its keys' history keeps its name.

use domain::access::{Grant, ProjectRole};
use domain::handovers::State;
use domain::ids::{OrganizationId, ProjectId, ServiceAccountId};
use domain::page::{Page, PageRequest};
use domain::service_accounts::{KeyOwnerStatus, ServiceAccount};

use crate::reached::{Reached, cursor};
use crate::{Change, Error, Result, Row, Store, args};

const WHAT: &str = "service account";

/// The start of a statement that reads accounts with who answers for their keys.
macro_rules! select_accounts {
    () => {
        "select s.*, u.name as key_owner_name, u.email as key_owner_email, m.user_id is not null as is_member, \
         m.suspended_at is not null as is_suspended from service_accounts s left join users u on u.id = s.key_owner_id \
         left join members m on m.organization_id = s.organization_id and m.user_id = s.key_owner_id "
    };
}

/// A service account with the person who answers for its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedAccount {
    /// The account.
    pub account: ServiceAccount,
    /// The person's name.
    pub key_owner_name: String,
    /// Their address.
    pub key_owner_email: String,
    /// How they stand in the organization.
    pub key_owner_status: KeyOwnerStatus,
}

impl Store {
    /// One service account of a project within the grant's reach.
    ///
    /// # Errors
    /// `NotFound` when there is none, or none within reach.
    pub async fn service_account(
        &self,
        grant: &Grant,
        project: ProjectId,
        id: ServiceAccountId,
    ) -> Result<OwnedAccount> {
        let to = Reached::of(grant);
        let row = self
            .row(
                concat!(
                    select_accounts!(),
                    "where s.id = $1 and s.project_id = $2 and s.organization_id = $3 \
                     and ($4 or s.project_id in list($5) or s.project_id in list($6)) and s.deleted_at is null"
                ),
                args![id, project, to.organization, to.all, to.whole, to.own],
            )
            .await?;
        row.as_ref().map_or(Err(Error::not_found(WHAT)), read_owned)
    }

    /// A service account of any project within the grant's reach.
    ///
    /// # Errors
    /// `NotFound` when there is none, or none within reach.
    pub async fn any_service_account(&self, grant: &Grant, id: ServiceAccountId) -> Result<ServiceAccount> {
        let to = Reached::of(grant);
        let row = self
            .row(
                "select * from service_accounts where id = $1 and organization_id = $2 \
                 and ($3 or project_id in list($4) or project_id in list($5)) and deleted_at is null",
                args![id, to.organization, to.all, to.whole, to.own],
            )
            .await?;
        row.as_ref().map_or(Err(Error::not_found(WHAT)), read)
    }

    /// A page of the service accounts of a project within the grant's reach, oldest first.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn service_accounts(
        &self,
        grant: &Grant,
        project: ProjectId,
        page: &PageRequest,
    ) -> Result<Page<OwnedAccount>> {
        let to = Reached::of(grant);
        let rows = self
            .rows(
                concat!(
                    select_accounts!(),
                    "where s.project_id = $1 and s.organization_id = $2 \
                     and ($3 or s.project_id in list($4) or s.project_id in list($5)) and s.deleted_at is null \
                     and s.id > $6 order by s.id limit $7"
                ),
                args![project, to.organization, to.all, to.whole, to.own, cursor(page), page.limit + 1],
            )
            .await?;
        Ok(Page::from_read(rows.iter().map(read_owned).collect::<Result<_>>()?, page.limit))
    }
}

impl Change {
    /// One service account of a project within the grant's reach, locked until the change ends.
    ///
    /// # Errors
    /// `NotFound` when there is none, or none within reach.
    pub async fn lock_service_account(
        &mut self,
        grant: &Grant,
        project: ProjectId,
        id: ServiceAccountId,
    ) -> Result<ServiceAccount> {
        let to = Reached::of(grant);
        let row = self
            .row(
                "select * from service_accounts where id = $1 and project_id = $2 and organization_id = $3 \
                 and ($4 or project_id in list($5)) and deleted_at is null for update",
                args![id, project, to.organization, to.all, to.whole],
            )
            .await?;
        row.as_ref().map_or(Err(Error::not_found(WHAT)), read)
    }

    /// Adds a service account.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn insert_service_account(
        &mut self,
        organization: OrganizationId,
        account: &ServiceAccount,
    ) -> Result<()> {
        self.run(
            "insert into service_accounts (id, organization_id, project_id, name, role, key_owner_id, created_at) \
             values ($1, $2, $3, $4, $5, $6, $7)",
            args![
                account.id,
                organization,
                account.project_id,
                &account.name,
                account.role.map(ProjectRole::name),
                account.key_owner_id,
                account.created_at,
            ],
        )
        .await
        .map(drop)
    }

    /// Writes the name, role and key owner of a service account.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn write_service_account(&mut self, account: &ServiceAccount) -> Result<()> {
        self.run(
            "update service_accounts set name = $2, role = $3, key_owner_id = $4 where id = $1",
            args![account.id, &account.name, account.role.map(ProjectRole::name), account.key_owner_id],
        )
        .await?;
        self.close_handover_of(&account.id.to_string(), (State::Resolved, Some(account.key_owner_id))).await
    }

    /// Marks a service account as deleted; its keys are another matter.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn delete_service_account(&mut self, id: ServiceAccountId) -> Result<()> {
        let at = self.at();
        self.run("update service_accounts set deleted_at = $2 where id = $1", args![id, at]).await?;
        self.close_handover_of(&id.to_string(), (State::Ended, None)).await
    }
}

fn read(row: &Row) -> Result<ServiceAccount> {
    Ok(ServiceAccount {
        id: row.id("id")?,
        project_id: row.id("project_id")?,
        name: row.text("name")?,
        role: row.opt_text("role")?.as_deref().and_then(ProjectRole::parse),
        key_owner_id: row.id("key_owner_id")?,
        created_at: row.time("created_at")?,
    })
}

fn read_owned(row: &Row) -> Result<OwnedAccount> {
    Ok(OwnedAccount {
        account: read(row)?,
        key_owner_name: row.opt_text("key_owner_name")?.unwrap_or_default(),
        key_owner_email: row.opt_text("key_owner_email")?.unwrap_or_default(),
        key_owner_status: match (row.flag("is_member")?, row.flag("is_suspended")?) {
            (true, false) => KeyOwnerStatus::Active,
            (true, true) => KeyOwnerStatus::Suspended,
            (false, _) => KeyOwnerStatus::Removed,
        },
    })
}
