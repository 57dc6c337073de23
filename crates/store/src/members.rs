//! Memberships: who belongs to an organization with which role. One of them is always an Admin.

use domain::access::{Grant, OrganizationRole};
use domain::ids::{OrganizationId, UserId};
use domain::members::{Member, User, keeps_an_admin};
use domain::page::{Order, Page, PageRequest};

use crate::change::Change;
use crate::dialect::Row;
use crate::error::{Error, Result};
use crate::{Store, args};

impl Store {
    /// A member of the grant's organization.
    ///
    /// # Errors
    /// `NotFound` when this person is none.
    pub async fn member(&self, grant: &Grant, user: UserId) -> Result<Member> {
        let row = self
            .row(
                "select u.id, u.email, u.name, u.created_at, m.organization_id, m.role, m.added_at, m.suspended_at \
                 from members m join users u on u.id = m.user_id where m.organization_id = $1 and m.user_id = $2",
                args![grant.organization_id(), user],
            )
            .await?;
        member_of(&row.ok_or(Error::not_found("user"))?)
    }

    /// Members of the grant's organization by id, all or those with one of the addresses.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn members(
        &self,
        grant: &Grant,
        emails: Vec<String>,
        page: &PageRequest,
    ) -> Result<Page<Member>> {
        let sql = match page.order {
            Order::Ascending => {
                "select u.id, u.email, u.name, u.created_at, m.organization_id, m.role, m.added_at, m.suspended_at \
                 from members m join users u on u.id = m.user_id where m.organization_id = $1 \
                 and ($2 = '' or m.user_id > $2) and ($3 or u.email in list($4)) order by m.user_id limit $5"
            }
            Order::Descending => {
                "select u.id, u.email, u.name, u.created_at, m.organization_id, m.role, m.added_at, m.suspended_at \
                 from members m join users u on u.id = m.user_id where m.organization_id = $1 \
                 and ($2 = '' or m.user_id < $2) and ($3 or u.email in list($4)) order by m.user_id desc limit $5"
            }
        };
        let (after, all) = (page.after.clone().unwrap_or_default(), emails.is_empty());
        let rows = self.rows(sql, args![grant.organization_id(), after, all, emails, page.limit + 1]).await?;
        let members = rows.iter().map(member_of).collect::<Result<_>>()?;
        Ok(Page::from_read(members, page.limit))
    }
}

impl Change {
    /// Adds a member, unless the person is one; whether they were added. A role they have is kept.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn insert_member(
        &mut self,
        organization: OrganizationId,
        user: UserId,
        role: OrganizationRole,
        given_by: Option<UserId>,
    ) -> Result<bool> {
        // Whoever is asked whether a person belongs to one organization alone waits for this, and this for them.
        self.row("select id from users where id = $1 for update", args![user]).await?;
        let sql = "insert into members (organization_id, user_id, role, added_at, given_by, given_at) \
                   values ($1, $2, $3, $4, $5, $4) on conflict (organization_id, user_id) do nothing";
        Ok(self.run(sql, args![organization, user, role.name(), self.at(), given_by]).await? > 0)
    }

    /// Replaces a member's built-in roles by this one and returns the member as they were.
    ///
    /// # Errors
    /// `NotFound`; `last_admin`.
    pub async fn set_member_role(
        &mut self,
        grant: &Grant,
        user: UserId,
        role: OrganizationRole,
    ) -> Result<Member> {
        let before = self.locked_member(grant, user).await?;
        self.write_member_role(grant, user, role).await?;
        self.take_other_built_in_roles(grant, user, None).await?;
        self.require_admin(before.organization_id).await?;
        Ok(before)
    }

    /// A member's first role, while no one else can change the organization's memberships.
    pub(crate) async fn member_role(&mut self, grant: &Grant, user: UserId) -> Result<OrganizationRole> {
        Ok(self.locked_member(grant, user).await?.role)
    }

    /// Writes a member's first role.
    pub(crate) async fn write_member_role(
        &mut self,
        grant: &Grant,
        user: UserId,
        role: OrganizationRole,
    ) -> Result<()> {
        let sql = "update members set role = $3, given_by = $4, given_at = $5 \
                   where organization_id = $1 and user_id = $2";
        let given_by = grant.actor().map(|actor| actor.user_id);
        self.run(sql, args![grant.organization_id(), user, role.name(), given_by, self.at()]).await.map(drop)
    }

    /// Suspends a member: nothing of theirs works here until they are reactivated, and their sessions end when they
    /// are active nowhere else. Returns the member as they were.
    ///
    /// # Errors
    /// `NotFound`; `last_admin`.
    pub async fn suspend_member(&mut self, grant: &Grant, user: UserId) -> Result<Member> {
        let before = self.locked_member(grant, user).await?;
        let sql = "update members set suspended_at = $3 where organization_id = $1 and user_id = $2 \
                   and suspended_at is null";
        self.run(sql, args![before.organization_id, user, self.at()]).await?;
        self.require_admin(before.organization_id).await?;
        self.end_homeless_sessions(user).await?;
        Ok(before)
    }

    /// Lets a suspended member act again, with every role that they had. Returns the member as they were.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn reactivate_member(&mut self, grant: &Grant, user: UserId) -> Result<Member> {
        let before = self.locked_member(grant, user).await?;
        let sql = "update members set suspended_at = null where organization_id = $1 and user_id = $2";
        self.run(sql, args![before.organization_id, user]).await?;
        Ok(before)
    }

    /// Ends a membership: project roles go, and so do the person's own keys there, except those that an open hand-over
    /// keeps going; their sessions end when they are active nowhere else. Returns the member as they were.
    ///
    /// # Errors
    /// `NotFound`; `last_admin`.
    pub async fn remove_member(&mut self, grant: &Grant, user: UserId) -> Result<Member> {
        let before = self.locked_member(grant, user).await?;
        let here = || args![before.organization_id, user];
        self.run("delete from members where organization_id = $1 and user_id = $2", here()).await?;
        self.require_admin(before.organization_id).await?;
        self.run("delete from project_members where organization_id = $1 and user_id = $2", here()).await?;
        self.run("delete from group_members where organization_id = $1 and user_id = $2", here()).await?;
        self.run("delete from role_assignments where organization_id = $1 and principal_id = $2", here())
            .await?;
        let revoke = "update api_keys set revoked_at = $3 where organization_id = $1 and owner_user_id = $2 \
                      and owner_service_account_id is null and revoked_at is null and not exists \
                      (select 1 from handovers h where h.subject_id = api_keys.id and h.state = 'open')";
        self.run(revoke, args![before.organization_id, user, self.at()]).await?;
        self.end_homeless_sessions(user).await?;
        Ok(before)
    }

    async fn end_homeless_sessions(&mut self, user: UserId) -> Result<()> {
        let sql = "delete from sessions where user_id = $1 and not exists \
                   (select 1 from members where members.user_id = $1 and members.suspended_at is null)";
        self.run(sql, args![user]).await.map(drop)
    }

    /// Reads a member while no one else can change the organization's memberships.
    async fn locked_member(&mut self, grant: &Grant, user: UserId) -> Result<Member> {
        let organization = grant.organization_id();
        // SQLite's writers take turns; PostgreSQL's queue at this row.
        let lock = "select id from organizations where id = $1 for update";
        self.row(lock, args![organization]).await?.ok_or(Error::not_found("user"))?;
        let row = self
            .row(
                "select u.id, u.email, u.name, u.created_at, m.organization_id, m.role, m.added_at, m.suspended_at \
                 from members m join users u on u.id = m.user_id where m.organization_id = $1 and m.user_id = $2",
                args![organization, user],
            )
            .await?;
        member_of(&row.ok_or(Error::not_found("user"))?)
    }

    /// Refuses to leave the organization without an Admin who can sign in. Only what lasts counts: a role given to
    /// the person, not one through a group, and not one that ends by itself.
    ///
    /// # Errors
    /// `last_admin`.
    pub async fn require_admin(&mut self, organization: OrganizationId) -> Result<()> {
        let sql = "select count(*) as admins from members m join users u on u.id = m.user_id \
                   where m.organization_id = $1 and m.suspended_at is null and u.password_hash is not null \
                   and (m.role = 'admin' or exists (select 1 from role_assignments a \
                     where a.organization_id = m.organization_id and a.principal_id = m.user_id \
                     and a.project_id = '' and a.role = 'role-api-organization-admin' and a.ends_at is null))";
        let row = self.row(sql, args![organization]).await?;
        let admins = row.map_or(Ok(0), |row| row.int("admins"))?;
        Ok(keeps_an_admin(admins)?)
    }
}

fn member_of(row: &Row) -> Result<Member> {
    let user = User {
        id: row.id("id")?,
        email: row.text("email")?,
        name: row.text("name")?,
        created_at: row.time("created_at")?,
    };
    Ok(Member {
        user,
        organization_id: row.id("organization_id")?,
        role: row.word("role", OrganizationRole::parse)?,
        added_at: row.time("added_at")?,
        suspended_at: row.opt_time("suspended_at")?,
    })
}
