//! Projects: rows of `projects`, with their owners from `project_members`.

use std::collections::HashMap;

use domain::access::Grant;
use domain::handovers::State;
use domain::ids::{OrganizationId, ProjectId, UserId};
use domain::page::{Order, Page, PageRequest};
use domain::projects::{Environment, Labels, Project, Risk, Workload};

use crate::reached::Reached;
use crate::{Change, Error, Result, Row, Store, args};

const WHAT: &str = "project";

impl Store {
    /// One project within the grant's reach.
    ///
    /// # Errors
    /// `NotFound` when there is none, or none within reach.
    pub async fn project(&self, grant: &Grant, id: ProjectId) -> Result<Project> {
        let to = Reached::of(grant);
        let row = self
            .row(
                "select * from projects where id = $1 and organization_id = $2 \
                 and ($3 or id in list($4) or id in list($5))",
                args![id, to.organization, to.all, to.whole, to.own],
            )
            .await?;
        row.as_ref().map_or(Err(Error::not_found(WHAT)), read)
    }

    /// A page of the projects within the grant's reach, by id.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn projects(
        &self,
        grant: &Grant,
        archived_too: bool,
        page: &PageRequest,
    ) -> Result<Page<Project>> {
        let to = Reached::of(grant);
        let sql = match page.order {
            Order::Ascending => {
                "select * from projects where organization_id = $1 and ($2 or id in list($3) or id in list($4)) \
                 and ($5 or archived_at is null) and id > $6 order by id limit $7"
            }
            Order::Descending => {
                "select * from projects where organization_id = $1 and ($2 or id in list($3) or id in list($4)) \
                 and ($5 or archived_at is null) and id < $6 order by id desc limit $7"
            }
        };
        let rows = self
            .rows(
                sql,
                args![
                    to.organization,
                    to.all,
                    to.whole,
                    to.own,
                    archived_too,
                    crate::reached::cursor(page),
                    page.limit + 1
                ],
            )
            .await?;
        Ok(Page::from_read(rows.iter().map(read).collect::<Result<_>>()?, page.limit))
    }

    /// Every project of one organization, archived ones too, for what calls read.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn projects_of(&self, grant: &Grant, organization: OrganizationId) -> Result<Vec<Project>> {
        let to = Reached::of(grant);
        let rows = self
            .rows(
                "select * from projects where organization_id = $1 and ($2 = '' or $2 = $1) \
                 and ($3 or id in list($4)) order by id",
                args![organization, to.organization, to.all, to.whole],
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// The owners of each of these projects, oldest first.
    ///
    /// # Errors
    /// `Unavailable` when the database is away.
    pub async fn project_owners(
        &self,
        grant: &Grant,
        projects: &[ProjectId],
    ) -> Result<HashMap<ProjectId, Vec<UserId>>> {
        let to = Reached::of(grant);
        let wanted: Vec<String> = projects.iter().map(ToString::to_string).collect();
        let rows = self
            .rows(
                "select project_id, user_id from project_members where organization_id = $1 \
                 and project_id in list($2) and ($3 or project_id in list($4) or project_id in list($5)) \
                 and role = 'owner' order by added_at, user_id",
                args![to.organization, wanted, to.all, to.whole, to.own],
            )
            .await?;
        let mut owners: HashMap<ProjectId, Vec<UserId>> = HashMap::new();
        for row in &rows {
            owners.entry(row.id("project_id")?).or_default().push(row.id("user_id")?);
        }
        Ok(owners)
    }
}

impl Change {
    /// One project within the grant's reach, locked until the change ends.
    ///
    /// # Errors
    /// `NotFound` when there is none, or none within reach.
    pub async fn lock_project(&mut self, grant: &Grant, id: ProjectId) -> Result<Project> {
        let to = Reached::of(grant);
        let row = self
            .row(
                "select * from projects where id = $1 and organization_id = $2 \
                 and ($3 or id in list($4) or id in list($5)) for update",
                args![id, to.organization, to.all, to.whole, to.own],
            )
            .await?;
        row.as_ref().map_or(Err(Error::not_found(WHAT)), read)
    }

    /// Adds a project.
    ///
    /// # Errors
    /// Conflict `project_name_taken` when an active project of the organization has the name.
    pub async fn insert_project(&mut self, project: &Project) -> Result<()> {
        let p = project;
        let inserted = self
            .run(
                "insert into projects (id, organization_id, name, description, environment, workload, risk, team, \
                 product_line, cost_center, client, tags, accountable_owner_id, created_at, archived_at) \
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
                args![
                    p.id,
                    p.organization_id,
                    &p.name,
                    &p.description,
                    p.environment.name(),
                    p.workload.name(),
                    p.risk.name(),
                    p.labels.team.as_ref(),
                    p.labels.product_line.as_ref(),
                    p.labels.cost_center.as_ref(),
                    p.labels.client.as_ref(),
                    tags_text(&p.tags)?,
                    p.accountable_owner_id,
                    p.created_at,
                    p.archived_at,
                ],
            )
            .await;
        inserted.map(drop).map_err(|error| name_taken(error, &p.name))
    }

    /// Writes every field of a project that can change, archiving and restoring included.
    ///
    /// # Errors
    /// Conflict `project_name_taken` when another active project of the organization has the name.
    pub async fn write_project(&mut self, project: &Project) -> Result<()> {
        let p = project;
        let written = self
            .run(
                "update projects set name = $2, description = $3, environment = $4, workload = $5, risk = $6, \
                 team = $7, product_line = $8, cost_center = $9, client = $10, tags = $11, \
                 accountable_owner_id = $12, archived_at = $13 where id = $1",
                args![
                    p.id,
                    &p.name,
                    &p.description,
                    p.environment.name(),
                    p.workload.name(),
                    p.risk.name(),
                    p.labels.team.as_ref(),
                    p.labels.product_line.as_ref(),
                    p.labels.cost_center.as_ref(),
                    p.labels.client.as_ref(),
                    tags_text(&p.tags)?,
                    p.accountable_owner_id,
                    p.archived_at,
                ],
            )
            .await;
        written.map_err(|error| name_taken(error, &p.name))?;
        let id = p.id.to_string();
        match (p.archived_at, p.accountable_owner_id) {
            (Some(_), _) => self.close_handover_of(&id, (State::Ended, None)).await,
            (None, Some(owner)) => self.close_handover_of(&id, (State::Resolved, Some(owner))).await,
            (None, None) => Ok(()),
        }
    }
}

pub(crate) fn tags_text(tags: &domain::text::Tags) -> Result<String> {
    serde_json::to_string(tags).map_err(|error| Error::Corrupt(error.to_string()))
}

fn name_taken(error: Error, name: &str) -> Error {
    if !error.is_conflict("already_exists") {
        return error;
    }
    let message = format!("An active project is already called {name}. Choose another name.");
    Error::Conflict { code: "project_name_taken", message }
}

fn read(row: &Row) -> Result<Project> {
    Ok(Project {
        id: row.id("id")?,
        organization_id: row.id("organization_id")?,
        name: row.text("name")?,
        description: row.text("description")?,
        environment: row.word("environment", |word| Environment::parse(word).ok())?,
        workload: row.word("workload", |word| Workload::parse(word).ok())?,
        risk: row.word("risk", |word| Risk::parse(word).ok())?,
        labels: Labels {
            team: row.opt_text("team")?,
            product_line: row.opt_text("product_line")?,
            cost_center: row.opt_text("cost_center")?,
            client: row.opt_text("client")?,
        },
        tags: row.json("tags")?,
        accountable_owner_id: row.opt_id("accountable_owner_id")?,
        created_at: row.time("created_at")?,
        archived_at: row.opt_time("archived_at")?,
    })
}
