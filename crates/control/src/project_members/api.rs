//! The wire of project users: `/v1/organization/projects/{project_id}/users`.

use domain::Error;
use domain::access::{Permission, ProjectRole, RoleRef};
use domain::audit::Verb;
use domain::ids::{ProjectId, UserId};
use domain::members::ProjectMember;
use domain::page::Order;
use domain::routes::{Access, Method};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Newcomer;
use crate::http::list_query::ListQuery;
use crate::{Answer, Call, Endpoint, Failure, ListJson, api};

/// A person of a project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectUserJson {
    /// The user's id.
    pub id: String,
    /// Always `organization.project.user`.
    pub object: String,
    /// When they came into the project, in Unix seconds.
    pub added_at: i64,
    /// `owner` or `member`.
    pub role: String,
    /// The exact role.
    pub bailiwick_role: String,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
}

impl From<ProjectMember> for ProjectUserJson {
    fn from(member: ProjectMember) -> Self {
        Self {
            id: member.user.id.to_string(),
            object: "organization.project.user".to_owned(),
            added_at: member.added_at.unix_seconds(),
            role: member.role.wire().to_owned(),
            bailiwick_role: member.role.name().to_owned(),
            name: member.user.name,
            email: member.user.email,
        }
    }
}

/// Whom to add, by `user_id` or by `email`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct NewProjectUserJson {
    /// The id of a member of the organization.
    pub user_id: Option<String>,
    /// The address of a member of the organization.
    pub email: Option<String>,
    /// `owner`, `member` or `viewer`.
    pub role: Option<String>,
    /// The exact role, instead of `role`.
    pub bailiwick_role: Option<String>,
}

/// The role to give.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ProjectUserChangesJson {
    /// `owner`, `member` or `viewer`.
    pub role: Option<String>,
    /// The exact role, instead of `role`.
    pub bailiwick_role: Option<String>,
}

/// A person who was removed from a project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectUserDeletedJson {
    /// The user's id.
    pub id: String,
    /// Always `organization.project.user.deleted`.
    pub object: String,
    /// Always true.
    pub deleted: bool,
}

/// What a role can be.
const WORDS: &str = "Give a role: owner, member or viewer.";

fn role_of(exact: Option<String>, wire: Option<String>) -> Result<Option<ProjectRole>, Error> {
    let Some(word) = exact.or(wire) else { return Ok(None) };
    let built_in = |id: &str| match RoleRef::of_wire(id) {
        Ok(RoleRef::Project(role)) => Some(role),
        _ => None,
    };
    let known = ProjectRole::parse(&word).or_else(|| built_in(&word));
    known.map(Some).ok_or_else(|| Error::invalid_param("invalid_role", "role", WORDS))
}

impl NewProjectUserJson {
    fn read(self) -> Result<(Newcomer, ProjectRole), Error> {
        let role = role_of(self.bailiwick_role, self.role)?
            .ok_or_else(|| Error::invalid_param("role_required", "role", WORDS))?;
        let newcomer = match (self.user_id, self.email) {
            (Some(id), _) => Newcomer::Id(id.parse().map_err(|_| Error::Hidden { what: "user" })?),
            (None, Some(email)) => Newcomer::Email(email),
            (None, None) => {
                let sentence = "Say whom to add: give user_id or email.";
                return Err(Error::invalid_param("user_required", "user_id", sentence));
            }
        };
        Ok((newcomer, role))
    }
}

async fn add_project_user(call: Call) -> Result<Answer, Failure> {
    let project = call.path::<ProjectId>("project_id")?;
    let (newcomer, role) = call.json::<NewProjectUserJson>()?.read()?;
    let member = super::add_project_member(&call.control, &call.grant, project, newcomer, role).await?;
    Ok(Answer::json(ProjectUserJson::from(member)))
}

async fn list_project_users(call: Call) -> Result<Answer, Failure> {
    let project = call.path::<ProjectId>("project_id")?;
    let page = call.query.page::<UserId>(20, 100, Order::Ascending)?;
    let members = super::list_project_members(&call.control, &call.grant, project, &page).await?;
    Ok(Answer::json(ListJson::of(members.map(ProjectUserJson::from), |member| &member.id)))
}

async fn retrieve_project_user(call: Call) -> Result<Answer, Failure> {
    let (project, user) = (call.path::<ProjectId>("project_id")?, call.path::<UserId>("user_id")?);
    let member = super::retrieve_project_member(&call.control, &call.grant, project, user).await?;
    Ok(Answer::json(ProjectUserJson::from(member)))
}

async fn update_project_user(call: Call) -> Result<Answer, Failure> {
    let (project, user) = (call.path::<ProjectId>("project_id")?, call.path::<UserId>("user_id")?);
    let changes = call.json::<ProjectUserChangesJson>()?;
    let role = role_of(changes.bailiwick_role, changes.role)?
        .ok_or_else(|| Error::invalid_param("role_required", "role", WORDS))?;
    let member = super::update_project_member(&call.control, &call.grant, project, user, role).await?;
    Ok(Answer::json(ProjectUserJson::from(member)))
}

async fn remove_project_user(call: Call) -> Result<Answer, Failure> {
    let (project, user) = (call.path::<ProjectId>("project_id")?, call.path::<UserId>("user_id")?);
    super::remove_project_member(&call.control, &call.grant, project, user).await?;
    Ok(Answer::json(ProjectUserDeletedJson {
        id: user.to_string(),
        object: "organization.project.user.deleted".to_owned(),
        deleted: true,
    }))
}

/// The rows of this noun.
pub fn endpoints() -> Vec<Endpoint> {
    use Access::Project;
    const ALL: &str = "/v1/organization/projects/{project_id}/users";
    const ONE: &str = "/v1/organization/projects/{project_id}/users/{user_id}";
    vec![
        api(Method::Post, ALL, "add_project_user", "Add a member of the organization to a project.")
            .needs(Project(Permission::ProjectMemberManage))
            .audited(Verb::ProjectMemberAdded)
            .body::<NewProjectUserJson>()
            .answer::<ProjectUserJson>()
            .to(add_project_user),
        api(Method::Get, ALL, "list_project_users", "List the people of a project.")
            .needs(Project(Permission::ProjectMemberRead))
            .query::<ListQuery>()
            .answer::<ListJson<ProjectUserJson>>()
            .to(list_project_users),
        api(Method::Get, ONE, "retrieve_project_user", "Read one person of a project.")
            .needs(Project(Permission::ProjectMemberRead))
            .answer::<ProjectUserJson>()
            .to(retrieve_project_user),
        api(Method::Post, ONE, "update_project_user", "Give a person of a project another role.")
            .needs(Project(Permission::ProjectMemberManage))
            .audited(Verb::ProjectMemberUpdated)
            .body::<ProjectUserChangesJson>()
            .answer::<ProjectUserJson>()
            .to(update_project_user),
        api(
            Method::Delete,
            ONE,
            "remove_project_user",
            "Remove a person; their keys in the project are revoked.",
        )
        .needs(Project(Permission::ProjectMemberManage))
        .audited(Verb::ProjectMemberRemoved)
        .answer::<ProjectUserDeletedJson>()
        .to(remove_project_user),
    ]
}
