//! Invitations: kept by the hash of their link's token, accepted once.

use domain::access::{Grant, OrganizationRole, ProjectRole};
use domain::api_keys::KeyHash;
use domain::ids::{InviteId, ProjectId, UserId};
use domain::invites::Invite;
use domain::page::{Order, Page, PageRequest};

use crate::change::Change;
use crate::dialect::Row;
use crate::error::{Error, Result};
use crate::reached::{Reached, cursor};
use crate::{Store, args};

/// What the holder of an invitation's link may see of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedInvite {
    /// The invitation.
    pub invite: Invite,
    /// The organization's name.
    pub organization: String,
    /// The word in its addresses.
    pub slug: String,
    /// The inviter's name.
    pub inviter: String,
    /// The names of the projects it gives, with the role in each.
    pub projects: Vec<(String, ProjectRole)>,
}

impl Store {
    /// An invitation of the grant's organization.
    ///
    /// # Errors
    /// `NotFound` when there is none, or it was revoked.
    pub async fn invite(&self, grant: &Grant, id: InviteId) -> Result<Invite> {
        let sql = "select * from invites where organization_id = $1 and id = $2 and revoked_at is null";
        let row = self.row(sql, args![grant.organization_id(), id]).await?;
        let mut invites = vec![invite_of(&row.ok_or(Error::not_found("invite"))?)?];
        self.add_projects(&mut invites).await?;
        invites.pop().ok_or(Error::not_found("invite"))
    }

    /// The invitations of the grant's organization that were not revoked.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn invites(&self, grant: &Grant, page: &PageRequest) -> Result<Page<Invite>> {
        let sql = match page.order {
            Order::Ascending => {
                "select * from invites where organization_id = $1 and revoked_at is null \
                 and ($2 = '' or id > $2) order by id limit $3"
            }
            Order::Descending => {
                "select * from invites where organization_id = $1 and revoked_at is null \
                 and ($2 = '' or id < $2) order by id desc limit $3"
            }
        };
        let after = page.after.clone().unwrap_or_default();
        let rows = self.rows(sql, args![grant.organization_id(), after, page.limit + 1]).await?;
        let mut invites = rows.iter().map(invite_of).collect::<Result<Vec<_>>>()?;
        self.add_projects(&mut invites).await?;
        Ok(Page::from_read(invites, page.limit))
    }

    /// The invitations into a project within the grant's reach that were not revoked, each with what it gives in this
    /// project alone.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn invites_of_project(
        &self,
        grant: &Grant,
        project: ProjectId,
        page: &PageRequest,
    ) -> Result<Page<Invite>> {
        let sql = match page.order {
            Order::Ascending => {
                "select i.*, ip.role as project_role from invites i join invite_projects ip on ip.invite_id = i.id \
                 where i.organization_id = $1 and ip.project_id = $2 and ($3 or ip.project_id in list($4)) \
                 and i.revoked_at is null and i.id > $5 order by i.id limit $6"
            }
            Order::Descending => {
                "select i.*, ip.role as project_role from invites i join invite_projects ip on ip.invite_id = i.id \
                 where i.organization_id = $1 and ip.project_id = $2 and ($3 or ip.project_id in list($4)) \
                 and i.revoked_at is null and i.id < $5 order by i.id desc limit $6"
            }
        };
        let to = Reached::of(grant);
        let args = args![to.organization, project, to.all, to.whole, cursor(page), page.limit + 1];
        let rows = self.rows(sql, args).await?;
        let read = |row: &Row| {
            let projects = vec![(project, row.word("project_role", ProjectRole::parse)?)];
            Ok(Invite { projects, ..invite_of(row)? })
        };
        Ok(Page::from_read(rows.iter().map(read).collect::<Result<_>>()?, page.limit))
    }

    /// The invitation behind a link. Whoever holds the token may see it.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn invite_of_token(&self, token: &KeyHash) -> Result<Option<OfferedInvite>> {
        let row = self
            .row(
                "select i.*, o.name as organization, o.slug, u.name as inviter from invites i \
                 join organizations o on o.id = i.organization_id join users u on u.id = i.invited_by \
                 where i.token_hash = $1",
                args![token.bytes().to_vec()],
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        let mut invite = invite_of(&row)?;
        let mut projects = Vec::new();
        let sql = "select ip.project_id, ip.role, p.name from invite_projects ip \
                   join projects p on p.id = ip.project_id where ip.invite_id = $1 order by ip.project_id";
        for row in self.rows(sql, args![invite.id]).await? {
            let role = row.word("role", ProjectRole::parse)?;
            invite.projects.push((row.id("project_id")?, role));
            projects.push((row.text("name")?, role));
        }
        let (organization, slug) = (row.text("organization")?, row.text("slug")?);
        Ok(Some(OfferedInvite { invite, organization, slug, inviter: row.text("inviter")?, projects }))
    }

    async fn add_projects(&self, invites: &mut [Invite]) -> Result<()> {
        let ids: Vec<String> = invites.iter().map(|invite| invite.id.to_string()).collect();
        let sql = "select invite_id, project_id, role from invite_projects where invite_id in list($1) \
                   order by invite_id, project_id";
        for row in self.rows(sql, args![ids]).await? {
            let id: InviteId = row.id("invite_id")?;
            let entry = (row.id("project_id")?, row.word("role", ProjectRole::parse)?);
            invites
                .iter_mut()
                .filter(|invite| invite.id == id)
                .for_each(|invite| invite.projects.push(entry));
        }
        Ok(())
    }
}

impl Change {
    /// Adds an invitation into the grant's organization and projects of it.
    ///
    /// # Errors
    /// `NotFound` when one of the projects is not there or is archived; `already_member`.
    pub async fn insert_invite(&mut self, invite: &Invite, token: &KeyHash) -> Result<()> {
        self.refuse_member(invite).await?;
        self.run(
            "insert into invites (id, organization_id, email, role, invited_by, token_hash, created_at, expires_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
            args![
                invite.id,
                invite.organization_id,
                &invite.email,
                invite.role.name(),
                invite.invited_by,
                token.bytes().to_vec(),
                invite.created_at,
                invite.expires_at
            ],
        )
        .await?;
        for (project, role) in &invite.projects {
            let done = self
                .run(
                    "insert into invite_projects (invite_id, project_id, role) select $1, id, $2 from projects \
                     where id = $3 and organization_id = $4 and archived_at is null",
                    args![invite.id, role.name(), *project, invite.organization_id],
                )
                .await?;
            if done == 0 {
                return Err(Error::not_found("project"));
            }
        }
        Ok(())
    }

    async fn refuse_member(&mut self, invite: &Invite) -> Result<()> {
        let sql = "select u.id from users u join members m on m.user_id = u.id \
                   where u.email = $1 and m.organization_id = $2";
        match self.row(sql, args![&invite.email, invite.organization_id]).await? {
            None => Ok(()),
            Some(_) => Err(Error::Conflict {
                code: "already_member",
                message: "This person is a member of the organization already.".to_owned(),
            }),
        }
    }

    /// Revokes an invitation that was not accepted.
    ///
    /// # Errors
    /// `NotFound`; `invite_accepted`.
    pub async fn revoke_invite(&mut self, grant: &Grant, id: InviteId) -> Result<()> {
        let sql = "update invites set revoked_at = $3 where id = $1 and organization_id = $2 \
                   and revoked_at is null and accepted_at is null";
        let at = self.at();
        if self.run(sql, args![id, grant.organization_id(), at]).await? > 0 {
            return Ok(());
        }
        self.refuse_accepted(grant, id).await
    }

    async fn refuse_accepted(&mut self, grant: &Grant, id: InviteId) -> Result<()> {
        let sql = "select id from invites where id = $1 and organization_id = $2 and revoked_at is null";
        match self.row(sql, args![id, grant.organization_id()]).await? {
            None => Err(Error::not_found("invite")),
            Some(_) => Err(Error::Conflict {
                code: "invite_accepted",
                message: "This invitation was accepted. Remove the member instead.".to_owned(),
            }),
        }
    }

    /// Gives an invitation that was not accepted another link, end and inviter; the link before is worthless.
    ///
    /// # Errors
    /// `NotFound`; `invite_accepted`, `already_member`.
    pub async fn renew_invite(&mut self, grant: &Grant, invite: &Invite, token: &KeyHash) -> Result<()> {
        let sql = "update invites set token_hash = $3, expires_at = $4, invited_by = $5 where id = $1 \
                   and organization_id = $2 and revoked_at is null and accepted_at is null";
        let token = token.bytes().to_vec();
        let args = args![invite.id, grant.organization_id(), token, invite.expires_at, invite.invited_by];
        match self.run(sql, args).await? {
            0 => self.refuse_accepted(grant, invite.id).await,
            _ => self.refuse_member(invite).await,
        }
    }

    /// Uses an invitation up with its link; whether nobody did before. Memberships of the organization stand still
    /// from here to the commit, so that the inviter's rights can be looked at.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn take_invite(&mut self, invite: &Invite, token: &KeyHash) -> Result<bool> {
        let lock = "select id from organizations where id = $1 for update";
        self.row(lock, args![invite.organization_id]).await?;
        let sql = "update invites set accepted_at = $2 where id = $1 and accepted_at is null \
                   and revoked_at is null and expires_at > $2 and token_hash = $3";
        Ok(self.run(sql, args![invite.id, self.at(), token.bytes().to_vec()]).await? > 0)
    }

    /// Gives the project roles of an invitation, in those of its projects that still work; roles that the person
    /// has are kept.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn give_invited_projects(&mut self, invite: InviteId, user: UserId) -> Result<()> {
        self.run(
            "insert into project_members (project_id, organization_id, user_id, role, added_at, given_by, given_at) \
             select p.id, p.organization_id, $2, i.role, $3, v.invited_by, $3 from invite_projects i \
             join invites v on v.id = i.invite_id \
             join projects p on p.id = i.project_id where i.invite_id = $1 and p.archived_at is null \
             on conflict (project_id, user_id) do nothing",
            args![invite, user, self.at()],
        )
        .await?;
        Ok(())
    }
}

fn invite_of(row: &Row) -> Result<Invite> {
    Ok(Invite {
        id: row.id("id")?,
        organization_id: row.id("organization_id")?,
        email: row.text("email")?,
        role: row.word("role", OrganizationRole::parse)?,
        projects: Vec::<(ProjectId, ProjectRole)>::new(),
        invited_by: row.id("invited_by")?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
        accepted_at: row.opt_time("accepted_at")?,
        revoked_at: row.opt_time("revoked_at")?,
    })
}
