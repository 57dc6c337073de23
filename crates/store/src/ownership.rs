//! What a person owns in an organization, and giving each thing to somebody else.

use domain::access::Grant;
use domain::handovers::State;
use domain::ids::{KeyId, ProjectId, ServiceAccountId, UserId};

use crate::{Change, Result, args};

/// What a person owns in an organization.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owned {
    /// Projects of which they are an owner or the accountable one, archived ones too.
    pub projects: Vec<ProjectId>,
    /// Service accounts whose key owner they are, with the project of each.
    pub accounts: Vec<(ServiceAccountId, ProjectId)>,
    /// Their own keys of projects that are not revoked, with the project of each.
    pub keys: Vec<(KeyId, ProjectId)>,
}

impl Change {
    /// What a person owns in the grant's organization, each kind by id.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn owned_by(&mut self, grant: &Grant, user: UserId) -> Result<Owned> {
        const PROJECTS: &str = "select p.id from projects p where p.organization_id = $1 and (p.accountable_owner_id = $2 \
             or exists (select 1 from project_members x where x.project_id = p.id and x.user_id = $2 \
             and x.role = 'owner')) order by p.id";
        const ACCOUNTS: &str = "select id, project_id from service_accounts where organization_id = $1 \
             and key_owner_id = $2 and deleted_at is null order by id";
        const KEYS: &str = "select id, project_id from api_keys where organization_id = $1 and owner_user_id = $2 \
             and project_id is not null and revoked_at is null order by id";
        let of_person = || args![grant.organization_id(), user];
        let projects = self.rows(PROJECTS, of_person()).await?;
        let accounts = self.rows(ACCOUNTS, of_person()).await?;
        let keys = self.rows(KEYS, of_person()).await?;
        Ok(Owned {
            projects: projects.iter().map(|row| row.id("id")).collect::<Result<_>>()?,
            accounts: accounts
                .iter()
                .map(|row| Ok((row.id("id")?, row.id("project_id")?)))
                .collect::<Result<_>>()?,
            keys: keys.iter().map(|row| Ok((row.id("id")?, row.id("project_id")?))).collect::<Result<_>>()?,
        })
    }

    /// Gives a person's own key to somebody else; its hand-over is resolved with that.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn give_key(&mut self, key: KeyId, to: UserId) -> Result<()> {
        let sql = "update api_keys set owner_user_id = $2 where id = $1 and owner_service_account_id is null";
        self.run(sql, args![key, to]).await?;
        self.close_handover_of(&key.to_string(), (State::Resolved, Some(to))).await
    }

    /// Names another key owner of a service account; its hand-over is resolved with that.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn give_service_account(&mut self, account: ServiceAccountId, to: UserId) -> Result<()> {
        let sql = "update service_accounts set key_owner_id = $2 where id = $1";
        self.run(sql, args![account, to]).await?;
        self.close_handover_of(&account.to_string(), (State::Resolved, Some(to))).await
    }
}
