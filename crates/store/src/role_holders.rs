//! Who has a role, read from the role's side: for pages that show roles, groups and the people of a project.

use std::collections::HashMap;

use domain::access::{Assignment, Grant, Principal, RoleRef};
use domain::ids::{GroupId, ProjectId};
use domain::members::User;
use domain::time::Timestamp;

use crate::role_assignments::{OF_GROUP, organization_within};
use crate::roles::place;
use crate::standings::assignment_of;
use crate::users::user_of;
use crate::{Result, Row, Store, args};

/// To how many people and groups a role is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoleUses {
    /// People who were given it themselves.
    pub people: u64,
    /// Groups.
    pub groups: u64,
}

/// Somebody who was given a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleHolder {
    /// The person or the group.
    pub principal: Principal,
    /// The name people read.
    pub name: String,
    /// A person's address; empty for a group.
    pub email: String,
}

/// Every role given in one place and to whom: `$1` organization, `$2` place, `$3` moment.
macro_rules! held {
    () => {
        "(select 'role-api-organization-' || m.role as role, m.user_id as principal_id \
           from members m where m.organization_id = $1 and $2 = '' \
         union select 'role-api-project-' || p.role, p.user_id \
           from project_members p where p.organization_id = $1 and p.project_id = $2 \
         union select a.role, a.principal_id from role_assignments a \
           where a.organization_id = $1 and a.project_id = $2 and (a.ends_at is null or a.ends_at > $3)) x "
    };
}

impl Store {
    /// To how many people and groups each role of a place is given; roles that nobody has are absent.
    ///
    /// # Errors
    /// `NotFound` when the place is not within the grant's reach.
    pub async fn role_uses(
        &self,
        grant: &Grant,
        project: Option<ProjectId>,
        at: Timestamp,
    ) -> Result<HashMap<RoleRef, RoleUses>> {
        let organization = organization_within(grant, project)?;
        let sql = concat!(
            "select x.role, count(case when x.principal_id like 'user%' then 1 end) as people, \
             count(case when x.principal_id like 'group%' then 1 end) as groups_count from ",
            held!(),
            "group by x.role"
        );
        let rows = self.rows(sql, args![organization, place(project), at]).await?;
        let count = |row: &Row, column: &str| -> Result<u64> {
            Ok(u64::try_from(row.int(column)?).unwrap_or_default())
        };
        rows.iter()
            .map(|row| {
                let (people, groups) = (count(row, "people")?, count(row, "groups_count")?);
                Ok((row.id("role")?, RoleUses { people, groups }))
            })
            .collect()
    }

    /// The first of those who were given a role in a place: groups before people, by name.
    ///
    /// # Errors
    /// `NotFound` when the place is not within the grant's reach.
    pub async fn role_holders(
        &self,
        grant: &Grant,
        (project, role): (Option<ProjectId>, RoleRef),
        at: Timestamp,
        limit: i64,
    ) -> Result<Vec<RoleHolder>> {
        let organization = organization_within(grant, project)?;
        let sql = concat!(
            "select x.principal_id, coalesce(g.name, u.name, '') as name, coalesce(u.email, '') as email from ",
            held!(),
            "left join users u on u.id = x.principal_id left join groups g on g.id = x.principal_id \
             where x.role = $4 order by u.id is not null, name, x.principal_id limit $5"
        );
        let rows = self.rows(sql, args![organization, place(project), at, role.to_string(), limit]).await?;
        rows.iter()
            .map(|row| {
                let (name, email) = (row.text("name")?, row.text("email")?);
                Ok(RoleHolder { principal: row.id("principal_id")?, name, email })
            })
            .collect()
    }

    /// Roles that people were given in a project beside their first one there, by person.
    ///
    /// # Errors
    /// `NotFound` when the project is not within the grant's reach.
    pub async fn further_project_roles(
        &self,
        grant: &Grant,
        project: ProjectId,
        at: Timestamp,
        limit: i64,
    ) -> Result<Vec<(User, RoleRef)>> {
        let organization = organization_within(grant, Some(project))?;
        let sql = "select u.id, u.email, u.name, u.created_at, a.role from role_assignments a \
                   join users u on u.id = a.principal_id \
                   where a.organization_id = $1 and a.project_id = $2 and (a.ends_at is null or a.ends_at > $3) \
                   order by u.id, a.role limit $4";
        let rows = self.rows(sql, args![organization, project, at, limit]).await?;
        rows.iter().map(|row| Ok((user_of(row)?, row.id("role")?))).collect()
    }

    /// Everything that a group of the grant's organization gives, the organization's roles first.
    ///
    /// # Errors
    /// `NotFound` when the organization is not within the grant's reach.
    pub async fn group_assignments(
        &self,
        grant: &Grant,
        group: GroupId,
        at: Timestamp,
    ) -> Result<Vec<Assignment>> {
        let organization = organization_within(grant, None)?;
        let rows = self.rows(OF_GROUP, args![organization, group, at]).await?;
        rows.iter().map(assignment_of).collect()
    }
}
