//! The wire of projects: `/v1/organization/projects`.

use domain::Error;
use domain::access::Permission;
use domain::audit::Verb;
use domain::ids::{ProjectId, UserId};
use domain::page::Order;
use domain::projects::{Environment, Labels, NewProject, Risk, Workload};
use domain::routes::{Access, Method};
use domain::text::Tags;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::frame::naming;
use super::{OwnedProject, ProjectChanges};
use crate::http::partial::present;
use crate::{Answer, Call, Endpoint, Failure, ListJson, api};

/// A project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectJson {
    /// Its id.
    pub id: String,
    /// Always `organization.project`.
    pub object: String,
    /// When it was created, in Unix seconds.
    pub created_at: i64,
    /// The name people read.
    pub name: String,
    /// Since when it is archived, in Unix seconds.
    pub archived_at: Option<i64>,
    /// `active` or `archived`.
    pub status: String,
    /// Always null here.
    pub external_key_id: Option<String>,
    /// What it is for.
    pub description: String,
    /// `development`, `staging` or `production`.
    pub environment: String,
    /// `chat`, `extraction`, `media_generation`, `batch` or `other`.
    pub workload: String,
    /// The team to which its cost is attributed.
    pub team: Option<String>,
    /// The product line to which its cost is attributed.
    pub product_line: Option<String>,
    /// The cost center to which its cost is attributed.
    pub cost_center: Option<String>,
    /// The client to whom its cost is attributed.
    pub client: Option<String>,
    /// `standard` or `high`.
    pub risk: String,
    /// Free pairs.
    pub tags: Tags,
    /// Its owners, oldest first.
    pub owner_ids: Vec<String>,
    /// The one of its owners to whom its cost is attributed.
    pub accountable_owner_id: Option<String>,
}

impl From<OwnedProject> for ProjectJson {
    fn from(owned: OwnedProject) -> Self {
        let project = owned.project;
        let status = if project.archived_at.is_some() { "archived" } else { "active" };
        Self {
            id: project.id.to_string(),
            object: "organization.project".to_owned(),
            created_at: project.created_at.unix_seconds(),
            name: project.name,
            archived_at: project.archived_at.map(domain::time::Timestamp::unix_seconds),
            status: status.to_owned(),
            external_key_id: None,
            description: project.description,
            environment: project.environment.name().to_owned(),
            workload: project.workload.name().to_owned(),
            team: project.labels.team,
            product_line: project.labels.product_line,
            cost_center: project.labels.cost_center,
            client: project.labels.client,
            risk: project.risk.name().to_owned(),
            tags: project.tags,
            owner_ids: owned.owner_ids.iter().map(ToString::to_string).collect(),
            accountable_owner_id: project.accountable_owner_id.map(|id| id.to_string()),
        }
    }
}

/// A new project. With `name` alone: development, owned by the caller.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct NewProjectJson {
    /// The name people read; unique among the organization's active projects.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// `development` (the default), `staging` or `production`.
    pub environment: Option<String>,
    /// `chat`, `extraction`, `media_generation`, `batch` or `other` (the default).
    pub workload: Option<String>,
    /// The team to which its cost is attributed.
    pub team: Option<String>,
    /// The product line to which its cost is attributed.
    pub product_line: Option<String>,
    /// The cost center to which its cost is attributed.
    pub cost_center: Option<String>,
    /// The client to whom its cost is attributed.
    pub client: Option<String>,
    /// `standard` (the default) or `high`.
    pub risk: Option<String>,
    /// Free pairs.
    pub tags: Option<Tags>,
    /// Its owners, members of the organization; the caller when absent.
    pub owner_ids: Option<Vec<String>>,
    /// The one of its owners to whom its cost is attributed; the first when absent.
    pub accountable_owner_id: Option<String>,
}

/// What to change of a project: an absent field stays, null clears.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ProjectChangesJson {
    /// Another name.
    pub name: Option<String>,
    /// What it is for.
    #[serde(deserialize_with = "present")]
    pub description: Option<Option<String>>,
    /// `development`, `staging` or `production`.
    pub environment: Option<String>,
    /// `chat`, `extraction`, `media_generation`, `batch` or `other`.
    pub workload: Option<String>,
    /// The team to which its cost is attributed.
    #[serde(deserialize_with = "present")]
    pub team: Option<Option<String>>,
    /// The product line to which its cost is attributed.
    #[serde(deserialize_with = "present")]
    pub product_line: Option<Option<String>>,
    /// The cost center to which its cost is attributed.
    #[serde(deserialize_with = "present")]
    pub cost_center: Option<Option<String>>,
    /// The client to whom its cost is attributed.
    #[serde(deserialize_with = "present")]
    pub client: Option<Option<String>>,
    /// `standard` or `high`.
    pub risk: Option<String>,
    /// All tags anew.
    #[serde(deserialize_with = "present")]
    pub tags: Option<Option<Tags>>,
    /// All owners anew.
    pub owner_ids: Option<Vec<String>>,
    /// Another accountable owner.
    pub accountable_owner_id: Option<String>,
}

/// What to list.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "the fields are read by name from the query; this is their schema")]
pub struct ProjectsQuery {
    /// The id after which the page starts.
    after: Option<String>,
    /// 1 to 100; 20 when absent.
    limit: Option<i64>,
    /// Archived projects too.
    include_archived: Option<bool>,
}

fn user_id(text: &str, param: &'static str) -> Result<UserId, Error> {
    text.parse().map_err(|_| Error::invalid_param("invalid_id", param, "This is not an id of a user."))
}

fn user_ids(texts: &[String]) -> Result<Vec<UserId>, Error> {
    texts.iter().map(|text| user_id(text, "owner_ids")).collect()
}

impl NewProjectJson {
    /// What it says, with who owns the project where it names nobody.
    pub(crate) fn read(self, caller: Option<UserId>) -> Result<NewProject, Error> {
        let owner_ids = match &self.owner_ids {
            Some(ids) => user_ids(ids)?,
            None => caller.into_iter().collect(),
        };
        let accountable = self.accountable_owner_id.map(|id| user_id(&id, "accountable_owner_id"));
        Ok(NewProject {
            name: self.name,
            description: self.description.unwrap_or_default(),
            environment: Environment::parse(self.environment.as_deref().unwrap_or("development"))?,
            workload: Workload::parse(self.workload.as_deref().unwrap_or("other"))?,
            risk: Risk::parse(self.risk.as_deref().unwrap_or("standard"))?,
            labels: Labels {
                team: self.team,
                product_line: self.product_line,
                cost_center: self.cost_center,
                client: self.client,
            },
            tags: self.tags.unwrap_or_default(),
            owner_ids,
            accountable_owner_id: accountable.transpose()?,
        })
    }
}

impl ProjectChangesJson {
    fn read(self) -> Result<ProjectChanges, Error> {
        let accountable = self.accountable_owner_id.map(|id| user_id(&id, "accountable_owner_id"));
        Ok(ProjectChanges {
            name: self.name,
            description: self.description.map(Option::unwrap_or_default),
            environment: self.environment.as_deref().map(Environment::parse).transpose()?,
            workload: self.workload.as_deref().map(Workload::parse).transpose()?,
            risk: self.risk.as_deref().map(Risk::parse).transpose()?,
            team: self.team,
            product_line: self.product_line,
            cost_center: self.cost_center,
            client: self.client,
            tags: self.tags.map(Option::unwrap_or_default),
            owner_ids: self.owner_ids.as_deref().map(user_ids).transpose()?,
            accountable_owner_id: accountable.transpose()?,
        })
    }
}

async fn create_project(call: Call) -> Result<Answer, Failure> {
    let caller = call.grant.actor().map(|actor| actor.user_id);
    let new = call.json::<NewProjectJson>()?.read(caller)?;
    let created = super::create_project(&call.control, &call.grant, new).await?;
    Ok(Answer::json(ProjectJson::from(created)))
}

async fn list_projects(call: Call) -> Result<Answer, Failure> {
    let page = call.query.page::<ProjectId>(20, 100, Order::Ascending)?;
    let archived_too = call.query.flag("include_archived")?.unwrap_or(false);
    let grant = naming(&call).unwrap_or_else(|| call.grant.clone());
    let projects = super::list_projects(&call.control, &grant, archived_too, &page).await?;
    Ok(Answer::json(ListJson::of(projects.map(ProjectJson::from), |project| &project.id)))
}

async fn retrieve_project(call: Call) -> Result<Answer, Failure> {
    let id = call.path::<ProjectId>("project_id")?;
    let project = super::retrieve_project(&call.control, &call.grant, id).await?;
    Ok(Answer::json(ProjectJson::from(project)))
}

async fn update_project(call: Call) -> Result<Answer, Failure> {
    let id = call.path::<ProjectId>("project_id")?;
    let changes = call.json::<ProjectChangesJson>()?.read()?;
    let project = super::update_project(&call.control, &call.grant, id, changes).await?;
    Ok(Answer::json(ProjectJson::from(project)))
}

async fn archive_project(call: Call) -> Result<Answer, Failure> {
    let id = call.path::<ProjectId>("project_id")?;
    let project = super::archive_project(&call.control, &call.grant, id).await?;
    Ok(Answer::json(ProjectJson::from(project)))
}

async fn restore_project(call: Call) -> Result<Answer, Failure> {
    let id = call.path::<ProjectId>("project_id")?;
    let project = super::restore_project(&call.control, &call.grant, id).await?;
    Ok(Answer::json(ProjectJson::from(project)))
}

/// The rows of this noun.
pub fn endpoints() -> Vec<Endpoint> {
    use Access::{Organization, Project};
    const ALL: &str = "/v1/organization/projects";
    const ONE: &str = "/v1/organization/projects/{project_id}";
    const ARCHIVE: &str = "/v1/organization/projects/{project_id}/archive";
    const RESTORE: &str = "/v1/organization/projects/{project_id}/restore";
    vec![
        api(Method::Post, ALL, "create_project", "Create a project.")
            .needs(Organization(Permission::ProjectCreate))
            .audited(Verb::ProjectCreated)
            .body::<NewProjectJson>()
            .answer::<ProjectJson>()
            .to(create_project),
        api(Method::Get, ALL, "list_projects", "List the projects that you may see, oldest first.")
            .needs(Organization(Permission::ProjectRead))
            .query::<ProjectsQuery>()
            .answer::<ListJson<ProjectJson>>()
            .to(list_projects),
        api(Method::Get, ONE, "retrieve_project", "Read one project.")
            .needs(Project(Permission::ProjectRead))
            .answer::<ProjectJson>()
            .to(retrieve_project),
        api(Method::Post, ONE, "update_project", "Change a project: absent fields stay, null clears.")
            .needs(Project(Permission::ProjectUpdate))
            .audited(Verb::ProjectUpdated)
            .body::<ProjectChangesJson>()
            .answer::<ProjectJson>()
            .to(update_project),
        api(Method::Post, ARCHIVE, "archive_project", "Archive a project: its keys stop.")
            .needs(Project(Permission::ProjectArchive))
            .audited(Verb::ProjectArchived)
            .answer::<ProjectJson>()
            .to(archive_project),
        api(Method::Post, RESTORE, "restore_project", "Restore an archived project; revoked keys stay dead.")
            .needs(Project(Permission::ProjectArchive))
            .audited(Verb::ProjectRestored)
            .answer::<ProjectJson>()
            .to(restore_project),
    ]
}
