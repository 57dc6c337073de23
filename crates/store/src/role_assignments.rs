//! Roles given to people and groups, in the organization or one project: what they have, and giving and taking.
//!
//! A person's first built-in role of a place is their membership's own (`members`, `project_members`): the widest one
//! that they were given there. Every other role is a row of `role_assignments`. A reader sees one list.

use domain::access::{
    Assignment, GivenRole, Grant, OrganizationRole, Principal, ProjectRole, Reach, Role, RoleRef, RoleSource,
};
use domain::groups::ProjectGroup;
use domain::ids::{GroupId, OrganizationId, ProjectId, RoleId, UserId};
use domain::page::{Order, Page, PageRequest};
use domain::time::Timestamp;

use crate::groups::{group_of, select_groups};
use crate::reached::cursor;
use crate::roles::place;
use crate::standings::assignment_of;
use crate::{Change, Error, Result, Row, Store, args};

/// Whose roles are asked for, where and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RolesOf {
    /// Of whom.
    pub principal: Principal,
    /// In which project; none for the organization.
    pub project_id: Option<ProjectId>,
    /// At which moment.
    pub at: Timestamp,
}

/// Everything that a group gives: `$1` organization, `$2` group, `$3` moment.
pub(crate) const OF_GROUP: &str = "select a.role, a.project_id, a.principal_id as group_id, a.given_by, a.given_at, a.ends_at, r.permissions \
     from role_assignments a left join roles r on r.id = a.role where a.organization_id = $1 \
     and a.principal_id = $2 and (a.ends_at is null or a.ends_at > $3) order by a.project_id, a.role";

/// Every role of a principal in one place, with its source: `$1` organization, `$2` principal, `$3` place, `$4` moment.
macro_rules! given {
    () => {
        "(select 'role-api-organization-' || m.role as role, m.user_id as principal_id, m.given_by, \
           coalesce(m.given_at, m.added_at) as given_at, cast(null as bigint) as ends_at \
           from members m where m.organization_id = $1 and m.user_id = $2 and $3 = '' \
         union all select 'role-api-project-' || p.role, p.user_id, p.given_by, \
           coalesce(p.given_at, p.added_at), cast(null as bigint) \
           from project_members p where p.organization_id = $1 and p.user_id = $2 and p.project_id = $3 \
         union all select a.role, a.principal_id, a.given_by, a.given_at, a.ends_at \
           from role_assignments a where a.organization_id = $1 and a.project_id = $3 \
           and (a.ends_at is null or a.ends_at > $4) \
           and (a.principal_id = $2 or a.principal_id in (select g.group_id from group_members g \
             where g.organization_id = $1 and g.user_id = $2))) x "
    };
}

/// Groups with a role in a project: `$1` organization, `$2` project, `$3` moment.
macro_rules! project_groups {
    () => {
        concat!(
            "select y.*, since.added_at from (",
            select_groups!(),
            ") y join (select principal_id, min(given_at) as added_at from role_assignments \
             where organization_id = $1 and project_id = $2 and (ends_at is null or ends_at > $3) \
             group by principal_id) since on since.principal_id = y.id "
        )
    };
}
impl Store {
    /// A page of the roles that somebody has in one place, by the roles' ids, each with where it comes from. What the
    /// organization's roles give in a project is not among those of the project.
    ///
    /// # Errors
    /// `NotFound` when the place is not within the grant's reach.
    pub async fn roles_given(
        &self,
        grant: &Grant,
        of: RolesOf,
        page: &PageRequest,
    ) -> Result<Page<GivenRole>> {
        let organization = organization_within(grant, of.project_id)?;
        let sql = match page.order {
            Order::Ascending => concat!(
                "select x.role from ",
                given!(),
                "where x.role > $5 group by x.role order by x.role limit $6"
            ),
            Order::Descending => concat!(
                "select x.role from ",
                given!(),
                "where x.role < $5 group by x.role order by x.role desc limit $6"
            ),
        };
        let (who, place) = (of.principal.to_string(), place(of.project_id));
        let args = args![organization, who, place, of.at, cursor(page), page.limit + 1];
        let rows = self.rows(sql, args).await?;
        let roles = rows.iter().map(|row| row.id("role")).collect::<Result<_>>()?;
        let roles = Page::<RoleRef>::from_read(roles, page.limit);
        let items = self.with_sources(grant, of, &roles.items).await?;
        Ok(Page { items, has_more: roles.has_more })
    }

    /// A role that somebody has in one place, with where it comes from.
    ///
    /// # Errors
    /// `NotFound` when they do not have it there, or the place is not within the grant's reach.
    pub async fn role_given(&self, grant: &Grant, of: RolesOf, role: RoleRef) -> Result<GivenRole> {
        organization_within(grant, of.project_id)?;
        self.with_sources(grant, of, &[role]).await?.pop().ok_or(Error::not_found("role"))
    }

    async fn with_sources(&self, grant: &Grant, of: RolesOf, roles: &[RoleRef]) -> Result<Vec<GivenRole>> {
        let names: Vec<String> = roles.iter().map(ToString::to_string).collect();
        let sql = concat!(
            "select x.* from ",
            given!(),
            "where x.role in list($5) order by x.role, x.given_at, x.principal_id"
        );
        let who = of.principal.to_string();
        let args = args![grant.organization_id(), who, place(of.project_id), of.at, names];
        let sources = self.rows(sql, args).await?;
        let custom: Vec<RoleId> = roles.iter().filter_map(|role| custom_id(*role)).collect();
        let custom = self.custom_roles_named(grant, &custom).await?;
        let mut given = Vec::new();
        for reference in roles {
            let mut of_role = Vec::new();
            for row in &sources {
                if row.id::<RoleRef>("role")? == *reference {
                    of_role.push(source_of(row)?);
                }
            }
            let role = match reference {
                RoleRef::Organization(role) => Some(Role::Organization(*role)),
                RoleRef::Project(role) => Some(Role::Project(*role)),
                RoleRef::Custom(id) => custom.iter().find(|role| role.id == *id).cloned().map(Role::Custom),
            };
            if let Some(role) = role.filter(|_| !of_role.is_empty()) {
                given.push(GivenRole { role, project_id: of.project_id, sources: of_role });
            }
        }
        Ok(given)
    }

    /// A page of the groups that have a role in a project within the grant's reach, by id.
    ///
    /// # Errors
    /// `NotFound` when the project is not within reach.
    pub async fn project_groups(
        &self,
        grant: &Grant,
        project: ProjectId,
        page: &PageRequest,
        at: Timestamp,
    ) -> Result<Page<ProjectGroup>> {
        let organization = organization_within(grant, Some(project))?;
        let sql = match page.order {
            Order::Ascending => concat!(
                project_groups!(),
                "where y.organization_id = $1 and y.id > $4 order by y.id limit $5"
            ),
            Order::Descending => concat!(
                project_groups!(),
                "where y.organization_id = $1 and y.id < $4 order by y.id desc limit $5"
            ),
        };
        let rows = self.rows(sql, args![organization, project, at, cursor(page), page.limit + 1]).await?;
        let groups = rows.iter().map(|row| project_group_of(row, project)).collect::<Result<_>>()?;
        Ok(Page::from_read(groups, page.limit))
    }

    /// A group that has a role in a project within the grant's reach.
    ///
    /// # Errors
    /// `NotFound` when it has none there, or the project is not within reach.
    pub async fn project_group(
        &self,
        grant: &Grant,
        project: ProjectId,
        group: GroupId,
        at: Timestamp,
    ) -> Result<ProjectGroup> {
        let organization = organization_within(grant, Some(project))?;
        let sql = concat!(project_groups!(), "where y.organization_id = $1 and y.id = $4");
        let row = self.row(sql, args![organization, project, at, group]).await?;
        row.as_ref().map_or(Err(Error::not_found("project group")), |row| project_group_of(row, project))
    }
}

impl Change {
    /// Keeps the memberships of the grant's organization still until the change ends. SQLite's writers take turns;
    /// PostgreSQL's queue at the organization's row.
    ///
    /// # Errors
    /// `NotFound` when there is no such organization.
    pub async fn lock_memberships(&mut self, grant: &Grant) -> Result<OrganizationId> {
        let sql = "select id from organizations where id = $1 for update";
        let row = self.row(sql, args![grant.organization_id()]).await?;
        row.map_or(Err(Error::not_found("organization")), |row| row.id("id"))
    }

    /// Everything that a group gives to whoever is in it.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn assignments_of_group(&mut self, grant: &Grant, group: GroupId) -> Result<Vec<Assignment>> {
        let rows = self.rows(OF_GROUP, args![grant.organization_id(), group, self.at()]).await?;
        rows.iter().map(assignment_of).collect()
    }

    /// Gives a role in one place for good; whether it was not given there before. A built-in role that holds all of
    /// a person's first one takes its place, and the former one stands beside it.
    ///
    /// # Errors
    /// `NotFound` when the person is not a member.
    pub async fn give_role(
        &mut self,
        grant: &Grant,
        principal: Principal,
        project: Option<ProjectId>,
        role: RoleRef,
    ) -> Result<bool> {
        match (principal, role, project) {
            (Principal::User(user), RoleRef::Organization(role), None) => {
                let first = self.member_role(grant, user).await?;
                if first == role {
                    return Ok(false);
                }
                if first.permissions().is_within(role.permissions()) {
                    self.keep_first_role(grant, user, None).await?;
                    self.write_member_role(grant, user, role).await?;
                    return Ok(true);
                }
            }
            (Principal::User(user), RoleRef::Project(role), Some(project)) => {
                let first = self.project_role(project, user).await?;
                if first == Some(role) {
                    return Ok(false);
                }
                if first.is_none_or(|first| first.permissions().is_within(role.permissions())) {
                    self.keep_first_role(grant, user, Some(project)).await?;
                    self.write_project_role(grant, project, user, role).await?;
                    return Ok(true);
                }
            }
            _ => {}
        }
        self.insert_assignment(grant, principal, project, role).await
    }

    /// Takes a role away in one place; whether it was given there. After a person's first role the widest of the
    /// others is the first: in the organization everybody is at least Member.
    ///
    /// # Errors
    /// `base_role`; `last_admin`; `NotFound` when the person is not a member.
    pub async fn take_role(
        &mut self,
        grant: &Grant,
        principal: Principal,
        project: Option<ProjectId>,
        role: RoleRef,
    ) -> Result<bool> {
        let organization = self.lock_memberships(grant).await?;
        let is_row = self.delete_assignment(grant, principal, project, role).await?;
        let is_first = match (principal, role, project) {
            (Principal::User(user), RoleRef::Organization(role), None) => {
                self.take_first_member_role(grant, user, role).await?
            }
            (Principal::User(user), RoleRef::Project(role), Some(project)) => {
                self.take_first_project_role(grant, project, user, role).await?
            }
            _ => false,
        };
        if project.is_none() {
            self.require_admin(organization).await?;
        }
        Ok(is_row || is_first)
    }

    async fn take_first_member_role(
        &mut self,
        grant: &Grant,
        user: UserId,
        role: OrganizationRole,
    ) -> Result<bool> {
        if self.member_role(grant, user).await? != role {
            return Ok(false);
        }
        if role == OrganizationRole::Member {
            return Err(base_role());
        }
        let next = match self.widest_other(grant, user, None).await? {
            Some(RoleRef::Organization(next)) => next,
            _ => OrganizationRole::Member,
        };
        self.delete_assignment(grant, Principal::User(user), None, RoleRef::Organization(next)).await?;
        self.write_member_role(grant, user, next).await?;
        Ok(true)
    }

    async fn take_first_project_role(
        &mut self,
        grant: &Grant,
        project: ProjectId,
        user: UserId,
        role: ProjectRole,
    ) -> Result<bool> {
        if self.project_role(project, user).await? != Some(role) {
            return Ok(false);
        }
        match self.widest_other(grant, user, Some(project)).await? {
            Some(RoleRef::Project(next)) => {
                let (who, next_role) = (Principal::User(user), RoleRef::Project(next));
                self.delete_assignment(grant, who, Some(project), next_role).await?;
                self.write_project_role(grant, project, user, next).await?;
            }
            _ => self.delete_first_project_role(project, user).await?,
        }
        Ok(true)
    }

    /// Takes every role that a group has in a project; which they were.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn take_group_out(
        &mut self,
        grant: &Grant,
        project: ProjectId,
        group: GroupId,
    ) -> Result<Vec<RoleRef>> {
        let sql = "delete from role_assignments where organization_id = $1 and principal_id = $2 \
                   and project_id = $3 returning role";
        let rows = self.rows(sql, args![grant.organization_id(), group, project]).await?;
        rows.iter().map(|row| row.id("role")).collect()
    }

    /// Takes the built-in roles that a person was given for good beside their first one, as when that is replaced.
    pub(crate) async fn take_other_built_in_roles(
        &mut self,
        grant: &Grant,
        user: UserId,
        project: Option<ProjectId>,
    ) -> Result<()> {
        let sql = "delete from role_assignments where organization_id = $1 and principal_id = $2 \
                   and project_id = $3 and ends_at is null and role like 'role-api-%'";
        self.run(sql, args![grant.organization_id(), user, place(project)]).await.map(drop)
    }

    /// Puts a person's first role of a place beside the one that takes its place. Member, which everybody is, needs
    /// no place beside another.
    async fn keep_first_role(
        &mut self,
        grant: &Grant,
        user: UserId,
        project: Option<ProjectId>,
    ) -> Result<()> {
        let sql = match project {
            None => {
                "insert into role_assignments \
                 (organization_id, principal_id, project_id, role, given_by, given_at, ends_at) \
                 select organization_id, user_id, $3, 'role-api-organization-' || role, given_by, \
                 coalesce(given_at, added_at), cast(null as bigint) from members \
                 where organization_id = $1 and user_id = $2 and role <> 'member' \
                 on conflict (organization_id, principal_id, project_id, role) do update set ends_at = null"
            }
            Some(_) => {
                "insert into role_assignments \
                 (organization_id, principal_id, project_id, role, given_by, given_at, ends_at) \
                 select organization_id, user_id, project_id, 'role-api-project-' || role, given_by, \
                 coalesce(given_at, added_at), cast(null as bigint) from project_members \
                 where organization_id = $1 and user_id = $2 and project_id = $3 \
                 on conflict (organization_id, principal_id, project_id, role) do update set ends_at = null"
            }
        };
        self.run(sql, args![grant.organization_id(), user, place(project)]).await.map(drop)
    }

    /// The widest of the built-in roles that a person was given for good beside their first one.
    async fn widest_other(
        &mut self,
        grant: &Grant,
        user: UserId,
        project: Option<ProjectId>,
    ) -> Result<Option<RoleRef>> {
        let sql = "select role from role_assignments where organization_id = $1 and principal_id = $2 \
                   and project_id = $3 and ends_at is null order by role";
        let rows = self.rows(sql, args![grant.organization_id(), user, place(project)]).await?;
        let roles: Vec<RoleRef> = rows.iter().map(|row| row.id("role")).collect::<Result<_>>()?;
        let built_in = roles.into_iter().filter_map(|role| Some((role, role.built_in_permissions()?)));
        Ok(built_in.max_by_key(|(_, permissions)| permissions.iter().count()).map(|(role, _)| role))
    }

    async fn insert_assignment(
        &mut self,
        grant: &Grant,
        principal: Principal,
        project: Option<ProjectId>,
        role: RoleRef,
    ) -> Result<bool> {
        let sql = "insert into role_assignments \
                   (organization_id, principal_id, project_id, role, given_by, given_at) \
                   values ($1, $2, $3, $4, $5, $6) \
                   on conflict (organization_id, principal_id, project_id, role) do update \
                   set ends_at = null, given_by = excluded.given_by, given_at = excluded.given_at \
                   where role_assignments.ends_at is not null";
        let given_by = grant.actor().map(|actor| actor.user_id);
        let (who, role) = (principal.to_string(), role.to_string());
        let args = args![grant.organization_id(), who, place(project), role, given_by, self.at()];
        Ok(self.run(sql, args).await? > 0)
    }

    async fn delete_assignment(
        &mut self,
        grant: &Grant,
        principal: Principal,
        project: Option<ProjectId>,
        role: RoleRef,
    ) -> Result<bool> {
        let sql = "delete from role_assignments where organization_id = $1 and principal_id = $2 \
                   and project_id = $3 and role = $4";
        let (who, role) = (principal.to_string(), role.to_string());
        Ok(self.run(sql, args![grant.organization_id(), who, place(project), role]).await? > 0)
    }
}

/// The grant's organization, where the place is within its reach.
pub(crate) fn organization_within(grant: &Grant, project: Option<ProjectId>) -> Result<OrganizationId> {
    let is_within = match project {
        Some(project) => grant.reaches(project, None),
        None => *grant.reach() == Reach::All,
    };
    grant.organization_id().filter(|_| is_within).ok_or(Error::not_found("role"))
}

fn custom_id(role: RoleRef) -> Option<RoleId> {
    match role {
        RoleRef::Custom(id) => Some(id),
        RoleRef::Organization(_) | RoleRef::Project(_) => None,
    }
}

fn base_role() -> Error {
    let message = "Everybody in the organization is at least Member. Remove the person instead.".to_owned();
    Error::Conflict { code: "base_role", message }
}

fn source_of(row: &Row) -> Result<RoleSource> {
    Ok(RoleSource {
        principal: row.id("principal_id")?,
        given_by: row.opt_id("given_by")?,
        given_at: row.time("given_at")?,
        ends_at: row.opt_time("ends_at")?,
    })
}

fn project_group_of(row: &Row, project_id: ProjectId) -> Result<ProjectGroup> {
    Ok(ProjectGroup { group: group_of(row)?, project_id, added_at: row.time("added_at")? })
}
