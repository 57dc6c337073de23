//! Which models projects may call: rows of `model_permissions`, at most one a project.

use std::collections::HashMap;

use domain::access::Grant;
use domain::ids::ProjectId;
use domain::models::{ListMode, ModelLists, ModelPermissions};

use crate::reached::Reached;
use crate::{Change, Error, Result, Row, Store, args};

const WHAT: &str = "model permissions";

impl Store {
    /// Which models a project within the grant's reach may call, where that is set.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn model_permissions(
        &self,
        grant: &Grant,
        project: ProjectId,
    ) -> Result<Option<ModelPermissions>> {
        let to = Reached::of(grant);
        let row = self
            .row(
                "select * from model_permissions where project_id = $1 and organization_id = $2 \
                 and ($3 or project_id in list($4) or project_id in list($5))",
                args![project, to.organization, to.all, to.whole, to.own],
            )
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Which models the projects of the grant's organization may call, of those for which it is set.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn model_lists(&self, grant: &Grant) -> Result<HashMap<ProjectId, ModelLists>> {
        let sql = "select * from model_permissions where organization_id = $1";
        let rows = self.rows(sql, args![grant.organization_id()]).await?;
        rows.iter().map(|row| Ok((row.id("project_id")?, read(row)?.lists()?))).collect()
    }
}

impl Change {
    /// Which models a project may call, where that is set. The project is locked already.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn model_permissions(&mut self, project: ProjectId) -> Result<Option<ModelPermissions>> {
        let row = self.row("select * from model_permissions where project_id = $1", args![project]).await?;
        row.as_ref().map(read).transpose()
    }

    /// Sets which models a project of the grant's organization may call.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn write_model_permissions(
        &mut self,
        grant: &Grant,
        project: ProjectId,
        permissions: &ModelPermissions,
    ) -> Result<()> {
        self.run(
            "insert into model_permissions (project_id, organization_id, mode, model_ids, set_by, set_at) \
             values ($1, $2, $3, $4, $5, $6) on conflict (project_id) do update set mode = excluded.mode, \
             model_ids = excluded.model_ids, set_by = excluded.set_by, set_at = excluded.set_at",
            args![
                project,
                grant.organization_id(),
                permissions.mode.name(),
                permissions.models.clone(),
                permissions.set_by,
                permissions.set_at,
            ],
        )
        .await
        .map(drop)
    }

    /// Lets a project call every model again.
    ///
    /// # Errors
    /// `NotFound` when nothing was set.
    pub async fn delete_model_permissions(&mut self, project: ProjectId) -> Result<()> {
        let sql = "delete from model_permissions where project_id = $1";
        if self.run(sql, args![project]).await? == 0 { Err(Error::not_found(WHAT)) } else { Ok(()) }
    }
}

fn read(row: &Row) -> Result<ModelPermissions> {
    Ok(ModelPermissions {
        mode: row.word("mode", ListMode::parse)?,
        models: row.json("model_ids")?,
        set_by: row.opt_id("set_by")?,
        set_at: row.time("set_at")?,
    })
}
