//! Groups of a project: `/v1/organization/projects/{project_id}/groups`. A group is in a project by the roles that it
//! has there.

use domain::Error;
use domain::access::{Grant, Permission, Principal, RoleRef};
use domain::audit::{AuditEntry, Verb};
use domain::groups::ProjectGroup;
use domain::ids::{GroupId, ProjectId};
use domain::organizations::Feature;
use domain::page::{Order, Page, PageRequest};
use domain::routes::{Access, Method};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::http::list_query::LongListQuery;
use crate::roles::{assignment_facts, give_role, project_role_of};
use crate::{Answer, Call, Control, Endpoint, Failure, ListJson, api};

/// A page of the groups that have a role in a project.
///
/// # Errors
/// `Hidden` when there is no such project within reach.
pub async fn list_project_groups(
    control: &Control,
    grant: &Grant,
    project: ProjectId,
    page: &PageRequest,
) -> Result<Page<ProjectGroup>, Failure> {
    control.store.project(grant, project).await?;
    Ok(control.store.project_groups(grant, project, page, control.now()).await?)
}

/// A group that has a role in a project.
///
/// # Errors
/// `Hidden` when it has none there.
pub async fn retrieve_project_group(
    control: &Control,
    grant: &Grant,
    project: ProjectId,
    group: GroupId,
) -> Result<ProjectGroup, Failure> {
    Ok(control.store.project_group(grant, project, group, control.now()).await?)
}

/// Gives a group a role in a project, beside those that it has there.
///
/// # Errors
/// Those of `give_role`.
pub async fn add_project_group(
    control: &Control,
    grant: &Grant,
    project: ProjectId,
    group: GroupId,
    role: RoleRef,
) -> Result<ProjectGroup, Failure> {
    give_role(control, grant, Principal::Group(group), Some(project), role).await?;
    retrieve_project_group(control, grant, project, group).await
}

/// Takes a group out of a project, with every role that it has there.
///
/// # Errors
/// `higher_rank`; `Hidden` when it has none there.
pub async fn remove_project_group(
    control: &Control,
    grant: &Grant,
    project: ProjectId,
    group: GroupId,
) -> Result<(), Failure> {
    let mut change = control.change(grant).await?;
    change.lock_memberships(grant).await?;
    change.lock_project(grant, project).await?;
    let locked = change.lock_group(grant, group).await?;
    let given = change.assignments_of_group(grant, group).await?;
    for one in given.iter().filter(|one| one.project_id == Some(project)) {
        grant.may_take(one.permissions, Some(project))?;
    }
    let taken = change.take_group_out(grant, project, group).await?;
    if taken.is_empty() {
        return Err(Error::Hidden { what: "project group" }.into());
    }
    let facts = assignment_facts(grant, (Principal::Group(group), &locked.name), Some(project), &taken)?;
    let entry = AuditEntry::new(Verb::RoleUnassigned, group).in_project(project).before(facts);
    control.commit(change, entry).await
}

/// A group of a project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectGroupJson {
    /// Always `project.group`.
    pub object: String,
    /// The project's id.
    pub project_id: String,
    /// The group's id.
    pub group_id: String,
    /// The group's name.
    pub group_name: String,
    /// Always `group`.
    pub group_type: String,
    /// Since when it has a role in the project, in Unix seconds.
    pub created_at: i64,
}

impl From<ProjectGroup> for ProjectGroupJson {
    fn from(one: ProjectGroup) -> Self {
        Self {
            object: "project.group".to_owned(),
            project_id: one.project_id.to_string(),
            group_id: one.group.id.to_string(),
            group_name: one.group.name,
            group_type: "group".to_owned(),
            created_at: one.added_at.unix_seconds(),
        }
    }
}

/// Which group to give which role in the project.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct NewProjectGroupJson {
    /// The group's id.
    pub group_id: String,
    /// The id of a role of the project; or `owner`, `member`, `viewer`.
    pub role: String,
}

/// A group that was taken out of a project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectGroupDeletedJson {
    /// Always `project.group.deleted`.
    pub object: String,
    /// Always true.
    pub deleted: bool,
}

async fn add(call: Call) -> Result<Answer, Failure> {
    let project = call.path::<ProjectId>("project_id")?;
    let body = call.json::<NewProjectGroupJson>()?;
    let group = body.group_id.parse::<GroupId>().map_err(|_| Error::Hidden { what: "group" })?;
    let role = project_role_of(&body.role, call.organization_id()?, project)?;
    let added = add_project_group(&call.control, &call.grant, project, group, role).await?;
    Ok(Answer::json(ProjectGroupJson::from(added)))
}

async fn list(call: Call) -> Result<Answer, Failure> {
    let project = call.path::<ProjectId>("project_id")?;
    let page = call.query.long_page::<GroupId>(20, 100, Order::Ascending)?;
    let groups = list_project_groups(&call.control, &call.grant, project, &page).await?;
    Ok(Answer::json(ListJson::of(groups.map(ProjectGroupJson::from), |group| &group.group_id)))
}

fn named(call: &Call) -> Result<(ProjectId, GroupId), Failure> {
    Ok((call.path::<ProjectId>("project_id")?, call.path::<GroupId>("group_id")?))
}

async fn retrieve(call: Call) -> Result<Answer, Failure> {
    let (project, group) = named(&call)?;
    let found = retrieve_project_group(&call.control, &call.grant, project, group).await?;
    Ok(Answer::json(ProjectGroupJson::from(found)))
}

async fn remove(call: Call) -> Result<Answer, Failure> {
    let (project, group) = named(&call)?;
    remove_project_group(&call.control, &call.grant, project, group).await?;
    Ok(Answer::json(ProjectGroupDeletedJson { object: "project.group.deleted".to_owned(), deleted: true }))
}

/// The rows of this noun.
pub fn endpoints() -> Vec<Endpoint> {
    const ALL: &str = "/v1/organization/projects/{project_id}/groups";
    const ONE: &str = "/v1/organization/projects/{project_id}/groups/{group_id}";
    let read = Access::Project(Permission::ProjectMemberRead);
    let manage = Access::Project(Permission::ProjectMemberManage);
    vec![
        api(Method::Post, ALL, "add_project_group", "Give a group a role in a project.")
            .needs(manage)
            .part_of(Feature::Groups)
            .audited(Verb::RoleAssigned)
            .body::<NewProjectGroupJson>()
            .answer::<ProjectGroupJson>()
            .to(add),
        api(Method::Get, ALL, "list_project_groups", "List the groups that have a role in a project.")
            .needs(read)
            .query::<LongListQuery>()
            .answer::<ListJson<ProjectGroupJson>>()
            .to(list),
        api(Method::Get, ONE, "retrieve_project_group", "Read one group of a project.")
            .needs(read)
            .answer::<ProjectGroupJson>()
            .to(retrieve),
        api(
            Method::Delete,
            ONE,
            "remove_project_group",
            "Take a group out of a project, with all its roles there.",
        )
        .needs(manage)
        .audited(Verb::RoleUnassigned)
        .answer::<ProjectGroupDeletedJson>()
        .to(remove),
    ]
}
