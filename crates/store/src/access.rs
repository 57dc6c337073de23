//! Who can see what: the members whose rights reach a project, and the names of what explanations speak of.

use std::collections::HashMap;

use domain::access::{Grant, OrganizationRole, Permission, RoleRef, Standing};
use domain::ids::{OrganizationId, ProjectId, UserId};
use domain::page::{Page, PageRequest};
use domain::time::Timestamp;

use crate::error::Result;
use crate::{Store, args};

impl Store {
    /// A page of the ids of the members who can see a project, in the order of their ids, each with what they are in
    /// the organization.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn project_viewers(
        &self,
        grant: &Grant,
        project: ProjectId,
        page: &PageRequest,
        at: Timestamp,
    ) -> Result<Page<(UserId, Standing)>> {
        // Every assignment that may give sight of the project: any role in it, and those roles of the organization
        // that see all projects.
        let sql = "select distinct x.user_id from (\
             select m.user_id from members m where m.organization_id = $1 and m.role in list($3) \
             union all select p.user_id from project_members p where p.organization_id = $1 and p.project_id = $2 \
             union all select a.principal_id from role_assignments a left join roles r on r.id = a.role \
               where a.organization_id = $1 and (a.project_id = $2 or (a.project_id = '' and \
               (a.role in list($4) or r.permissions like $5))) and (a.ends_at is null or a.ends_at > $6) \
             union all select g.user_id from group_members g join role_assignments a \
               on a.organization_id = g.organization_id and a.principal_id = g.group_id \
               left join roles r on r.id = a.role \
               where a.organization_id = $1 and (a.project_id = $2 or (a.project_id = '' and \
               (a.role in list($4) or r.permissions like $5))) and (a.ends_at is null or a.ends_at > $6)) x \
             join members m on m.organization_id = $1 and m.user_id = x.user_id and m.suspended_at is null \
             where x.user_id > $7 order by x.user_id limit $8";
        let seeing = OrganizationRole::ALL.into_iter().filter(|role| role.gives(Permission::ProjectRead));
        let (words, ids): (Vec<String>, Vec<String>) =
            seeing.map(|role| (role.name().to_owned(), RoleRef::Organization(role).to_string())).unzip();
        let organization = grant.organization_id();
        let custom = format!("%\"{}\"%", Permission::ProjectRead);
        let after = page.after.clone().unwrap_or_default();
        let args = args![organization, project, words, ids, custom, at, after, page.limit + 1];
        let rows = self.rows(sql, args).await?;
        let users: Vec<UserId> = rows.iter().map(|row| row.id("user_id")).collect::<Result<_>>()?;
        let users = Page::from_read(users, page.limit);
        let Some(organization) = organization else { return Ok(Page { items: Vec::new(), has_more: false }) };
        let mut standings = self.standings(&users.items, organization, at).await?;
        let stands = |user: UserId| standings.remove(&user).map(|standing| (user, standing));
        Ok(Page { items: users.items.into_iter().filter_map(stands).collect(), has_more: users.has_more })
    }

    /// The names of members (with their addresses), groups, custom roles and projects of an organization, by id.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn names_of(
        &self,
        organization: OrganizationId,
        ids: Vec<String>,
    ) -> Result<HashMap<String, String>> {
        let sql = "select u.id, u.name from users u join members m on m.user_id = u.id \
             where m.organization_id = $1 and u.id in list($2) \
             union all select id, name from groups where organization_id = $1 and id in list($2) \
             union all select id, name from roles where organization_id = $1 and id in list($2) \
             union all select id, name from projects where organization_id = $1 and id in list($2) \
             union all select id, name from service_accounts where organization_id = $1 and id in list($2) \
             union all select id, name from api_keys where organization_id = $1 and id in list($2)";
        let rows = self.rows(sql, args![organization, ids]).await?;
        rows.iter().map(|row| Ok((row.text("id")?, row.text("name")?))).collect()
    }

    /// The Admins of an organization who are in good standing, at most ten, the oldest first.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn admin_names(&self, organization: OrganizationId) -> Result<Vec<String>> {
        let sql = "select u.name from members m join users u on u.id = m.user_id \
             where m.organization_id = $1 and m.role = 'admin' and m.suspended_at is null \
             order by m.added_at, u.id limit 10";
        self.rows(sql, args![organization]).await?.iter().map(|row| row.text("name")).collect()
    }
}
