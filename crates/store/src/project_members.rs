//! People of projects: rows of `project_members`, joined with the people they are.

use std::collections::HashMap;

use domain::access::{Grant, ProjectRole};
use domain::ids::{OrganizationId, ProjectId, UserId};
use domain::members::{ProjectMember, User};
use domain::page::{Page, PageRequest};
use domain::time::Timestamp;

use crate::reached::{Reached, cursor};
use crate::{Change, Error, Result, Row, Store, args};

const WHAT: &str = "project user";
/// So many roles in projects are told of the members on one page at most.
const ROLES_AT_MOST: i64 = 10_000;

/// A role of a member in a project that is not archived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectOfMember {
    /// The project.
    pub id: ProjectId,
    /// Its name.
    pub name: String,
    /// The member's first role in it.
    pub role: ProjectRole,
}

impl Store {
    /// One person of a project within the grant's reach.
    ///
    /// # Errors
    /// `NotFound` when there is none, or none within reach.
    pub async fn project_member(
        &self,
        grant: &Grant,
        project: ProjectId,
        user: UserId,
    ) -> Result<ProjectMember> {
        let to = Reached::of(grant);
        let row = self
            .row(
                "select p.project_id, p.role, p.added_at, u.id, u.email, u.name, u.created_at \
                 from project_members p join users u on u.id = p.user_id \
                 where p.project_id = $1 and p.user_id = $2 and p.organization_id = $3 \
                 and ($4 or p.project_id in list($5) or p.project_id in list($6))",
                args![project, user, to.organization, to.all, to.whole, to.own],
            )
            .await?;
        row.as_ref().map_or(Err(Error::not_found(WHAT)), read)
    }

    /// A page of the people of a project within the grant's reach, by their id, oldest accounts first.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn project_members(
        &self,
        grant: &Grant,
        project: ProjectId,
        page: &PageRequest,
    ) -> Result<Page<ProjectMember>> {
        let to = Reached::of(grant);
        let rows = self
            .rows(
                "select p.project_id, p.role, p.added_at, u.id, u.email, u.name, u.created_at \
                 from project_members p join users u on u.id = p.user_id \
                 where p.project_id = $1 and p.organization_id = $2 \
                 and ($3 or p.project_id in list($4) or p.project_id in list($5)) \
                 and p.user_id > $6 order by p.user_id limit $7",
                args![project, to.organization, to.all, to.whole, to.own, cursor(page), page.limit + 1],
            )
            .await?;
        Ok(Page::from_read(rows.iter().map(read).collect::<Result<_>>()?, page.limit))
    }

    /// The projects of some members of the grant's organization, by project id; members without any are absent.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn projects_of_members(
        &self,
        grant: &Grant,
        users: &[UserId],
    ) -> Result<HashMap<UserId, Vec<ProjectOfMember>>> {
        let users: Vec<String> = users.iter().map(ToString::to_string).collect();
        let rows = self
            .rows(
                "select p.user_id, p.project_id, p.role, j.name from project_members p \
                 join projects j on j.id = p.project_id \
                 where p.organization_id = $1 and p.user_id in list($2) and j.archived_at is null \
                 order by p.user_id, p.project_id limit $3",
                args![grant.organization_id(), users, ROLES_AT_MOST],
            )
            .await?;
        let mut found: HashMap<UserId, Vec<ProjectOfMember>> = HashMap::new();
        for row in &rows {
            let (id, role) = (row.id("project_id")?, row.word("role", ProjectRole::parse)?);
            let project = ProjectOfMember { id, name: row.text("name")?, role };
            found.entry(row.id("user_id")?).or_default().push(project);
        }
        Ok(found)
    }
}

impl Change {
    /// The role of a person in a project, locked until the change ends.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn project_role(&mut self, project: ProjectId, user: UserId) -> Result<Option<ProjectRole>> {
        let row = self
            .row(
                "select role from project_members where project_id = $1 and user_id = $2 for update",
                args![project, user],
            )
            .await?;
        row.map(|row| row.word("role", ProjectRole::parse)).transpose()
    }

    /// The owners of a project, oldest first.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn owners_of_project(&mut self, project: ProjectId) -> Result<Vec<UserId>> {
        let rows = self
            .rows(
                "select user_id from project_members where project_id = $1 and role = 'owner' \
                 order by added_at, user_id",
                args![project],
            )
            .await?;
        rows.iter().map(|row| row.id("user_id")).collect()
    }

    /// A member of the organization by id.
    ///
    /// # Errors
    /// `NotFound` when this person is not a member of it.
    pub async fn member_user(&mut self, organization: OrganizationId, user: UserId) -> Result<User> {
        let row = self
            .row(
                "select u.id, u.email, u.name, u.created_at from members m join users u on u.id = m.user_id \
                 where m.organization_id = $1 and m.user_id = $2",
                args![organization, user],
            )
            .await?;
        row.as_ref().map_or(Err(Error::not_found("user")), read_user)
    }

    /// A member of the organization by address, in its one spelling.
    ///
    /// # Errors
    /// `NotFound` when nobody with this address is a member of it.
    pub async fn member_user_by_email(&mut self, organization: OrganizationId, email: &str) -> Result<User> {
        let row = self
            .row(
                "select u.id, u.email, u.name, u.created_at from members m join users u on u.id = m.user_id \
                 where m.organization_id = $1 and u.email = $2",
                args![organization, email],
            )
            .await?;
        row.as_ref().map_or(Err(Error::not_found("user")), read_user)
    }

    /// Gives a person a role in a project, in place of the built-in ones that they had there.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn set_project_role(
        &mut self,
        grant: &Grant,
        project: ProjectId,
        user: UserId,
        role: ProjectRole,
    ) -> Result<()> {
        self.write_project_role(grant, project, user, role).await?;
        self.take_other_built_in_roles(grant, user, Some(project)).await
    }

    /// Writes a person's first role in a project.
    pub(crate) async fn write_project_role(
        &mut self,
        grant: &Grant,
        project: ProjectId,
        user: UserId,
        role: ProjectRole,
    ) -> Result<()> {
        let at: Timestamp = self.at();
        let given_by = grant.actor().map(|actor| actor.user_id);
        self.run(
            "insert into project_members (project_id, organization_id, user_id, role, added_at, given_by, given_at) \
             values ($1, $2, $3, $4, $5, $6, $5) on conflict (project_id, user_id) do update \
             set role = excluded.role, given_by = excluded.given_by, given_at = excluded.given_at",
            args![project, grant.organization_id(), user, role.name(), at, given_by],
        )
        .await
        .map(drop)
    }

    /// Takes a person out of a project, with every role that they were given there; their keys are another matter.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn delete_project_member(&mut self, project: ProjectId, user: UserId) -> Result<()> {
        self.delete_first_project_role(project, user).await?;
        self.run(
            "delete from role_assignments where project_id = $1 and principal_id = $2",
            args![project, user],
        )
        .await
        .map(drop)
    }

    /// Takes a person's first role in a project.
    pub(crate) async fn delete_first_project_role(&mut self, project: ProjectId, user: UserId) -> Result<()> {
        self.run("delete from project_members where project_id = $1 and user_id = $2", args![project, user])
            .await
            .map(drop)
    }
}

fn read_user(row: &Row) -> Result<User> {
    Ok(User {
        id: row.id("id")?,
        email: row.text("email")?,
        name: row.text("name")?,
        created_at: row.time("created_at")?,
    })
}

fn read(row: &Row) -> Result<ProjectMember> {
    Ok(ProjectMember {
        user: read_user(row)?,
        project_id: row.id("project_id")?,
        role: row.word("role", ProjectRole::parse)?,
        added_at: row.time("added_at")?,
    })
}
