//! Custom roles: rows of `roles`. One of the organization has an empty `project_id`, since a name is unique there
//! too. Whether a role's holders may have keys of their own is written beside its permissions, for SQL to read.

use domain::access::{CustomRole, Grant, Permission, Permissions};
use domain::ids::{ProjectId, RoleId};
use domain::page::{Order, Page, PageRequest};

use crate::reached::{Reached, cursor};
use crate::standings::id_or_none;
use crate::{Change, Error, Result, Row, Store, args};

const WHAT: &str = "role";

impl Store {
    /// One custom role of the grant's organization, or of a project within its reach.
    ///
    /// # Errors
    /// `NotFound` when there is none there.
    pub async fn custom_role(
        &self,
        grant: &Grant,
        project: Option<ProjectId>,
        id: RoleId,
    ) -> Result<CustomRole> {
        let to = Reached::of(grant);
        let row = self
            .row(
                "select * from roles where id = $1 and organization_id = $2 and project_id = $3 \
                 and ($4 or project_id in list($5))",
                args![id, to.organization, place(project), to.all, to.whole],
            )
            .await?;
        row.as_ref().map_or(Err(Error::not_found(WHAT)), custom_role_of)
    }

    /// A page of the custom roles of the grant's organization, or of a project within its reach, by id.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn custom_roles(
        &self,
        grant: &Grant,
        project: Option<ProjectId>,
        page: &PageRequest,
    ) -> Result<Page<CustomRole>> {
        let sql = match page.order {
            Order::Ascending => {
                "select * from roles where organization_id = $1 and project_id = $2 \
                 and ($3 or project_id in list($4)) and id > $5 order by id limit $6"
            }
            Order::Descending => {
                "select * from roles where organization_id = $1 and project_id = $2 \
                 and ($3 or project_id in list($4)) and id < $5 order by id desc limit $6"
            }
        };
        let to = Reached::of(grant);
        let args = args![to.organization, place(project), to.all, to.whole, cursor(page), page.limit + 1];
        let rows = self.rows(sql, args).await?;
        Ok(Page::from_read(rows.iter().map(custom_role_of).collect::<Result<_>>()?, page.limit))
    }

    /// Those of some custom roles that the grant's organization has, by id.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn custom_roles_named(&self, grant: &Grant, ids: &[RoleId]) -> Result<Vec<CustomRole>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let sql = "select * from roles where organization_id = $1 and id in list($2) order by id";
        let rows = self.rows(sql, args![grant.organization_id(), ids]).await?;
        rows.iter().map(custom_role_of).collect()
    }
}

impl Change {
    /// One custom role of the organization or of just that project, locked until the change ends: nobody gives it,
    /// changes it or deletes it meanwhile.
    ///
    /// # Errors
    /// `NotFound` when there is none there.
    pub async fn lock_custom_role(
        &mut self,
        grant: &Grant,
        project: Option<ProjectId>,
        id: RoleId,
    ) -> Result<CustomRole> {
        let sql = "select * from roles where id = $1 and organization_id = $2 and project_id = $3 for update";
        let row = self.row(sql, args![id, grant.organization_id(), place(project)]).await?;
        row.as_ref().map_or(Err(Error::not_found(WHAT)), custom_role_of)
    }

    /// Adds a custom role.
    ///
    /// # Errors
    /// Conflict `role_name_taken`.
    pub async fn insert_custom_role(&mut self, role: &CustomRole) -> Result<()> {
        self.run(
            "insert into roles (id, organization_id, project_id, name, description, permissions, holds_keys, \
             created_by, created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            args![
                role.id,
                role.organization_id,
                place(role.project_id),
                &role.name,
                &role.description,
                &serde_json::json!(role.permissions),
                holds_keys(role.permissions),
                role.created_by,
                role.created_at,
                role.updated_at,
            ],
        )
        .await
        .map_err(name_taken)
        .map(drop)
    }

    /// Writes name, description and permissions of a custom role.
    ///
    /// # Errors
    /// Conflict `role_name_taken`.
    pub async fn write_custom_role(&mut self, role: &CustomRole) -> Result<()> {
        self.run(
            "update roles set name = $2, description = $3, permissions = $4, holds_keys = $5, updated_at = $6 \
             where id = $1",
            args![
                role.id,
                &role.name,
                &role.description,
                &serde_json::json!(role.permissions),
                holds_keys(role.permissions),
                role.updated_at,
            ],
        )
        .await
        .map_err(name_taken)
        .map(drop)
    }

    /// To how many people and groups a custom role is given.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn uses_of_role(&mut self, role: &CustomRole) -> Result<i64> {
        let sql = "select count(*) as uses from role_assignments where role = $1 and organization_id = $2";
        let row = self.row(sql, args![role.id, role.organization_id]).await?;
        row.map_or(Ok(0), |row| row.int("uses"))
    }

    /// Removes a custom role that nobody has.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn delete_custom_role(&mut self, role: RoleId) -> Result<()> {
        self.run("delete from roles where id = $1", args![role]).await.map(drop)
    }
}

/// A place as columns of a primary key hold it: empty for the organization.
pub(crate) fn place(project: Option<ProjectId>) -> String {
    project.map(|id| id.to_string()).unwrap_or_default()
}

fn holds_keys(permissions: Permissions) -> bool {
    permissions.holds(Permission::ApiKeyManageOwn)
}

fn name_taken(error: Error) -> Error {
    if !error.is_conflict("already_exists") {
        return error;
    }
    let message = "There is a role of this name here already. Choose another name.".to_owned();
    Error::Conflict { code: "role_name_taken", message }
}

fn custom_role_of(row: &Row) -> Result<CustomRole> {
    Ok(CustomRole {
        id: row.id("id")?,
        organization_id: row.id("organization_id")?,
        project_id: id_or_none(row, "project_id")?,
        name: row.text("name")?,
        description: row.text("description")?,
        permissions: row.json("permissions")?,
        created_by: row.opt_id("created_by")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}
