//! The wire of permissions and roles: `/v1/organization/permissions`, `/v1/organization/roles` and
//! `/v1/projects/{project_id}/roles`.

use domain::access::{Permission, Role, RoleRef};
use domain::audit::Verb;
use domain::ids::ProjectId;
use domain::organizations::Feature;
use domain::page::{Order, Page};
use domain::routes::{Access, Method};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::wire::{PermissionJson, RoleJson, role_of};
use super::{NewRole, RoleChanges};
use crate::http::list_query::LongListQuery;
use crate::http::partial::present;
use crate::{Answer, Call, Endpoint, Failure, ListJson, api};

/// A new custom role.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct NewRoleJson {
    /// The name people read; unique in its place.
    pub role_name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What it gives, by the names of permissions; `GET /v1/organization/permissions` lists them.
    pub permissions: Vec<String>,
}

/// What to change of a custom role: an absent field stays.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RoleChangesJson {
    /// Another name.
    pub role_name: Option<String>,
    /// What it is for; null clears it.
    #[serde(deserialize_with = "present")]
    pub description: Option<Option<String>>,
    /// All permissions anew.
    pub permissions: Option<Vec<String>>,
}

/// A role that was deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoleDeletedJson {
    /// Its id.
    pub id: String,
    /// Always `role.deleted`.
    pub object: String,
    /// Always true.
    pub deleted: bool,
}

/// The project in the path; none on paths of the organization.
pub(super) fn place(call: &Call) -> Result<Option<ProjectId>, Failure> {
    if call.path_text("project_id").is_empty() { Ok(None) } else { call.path("project_id").map(Some) }
}

/// The role in the path.
pub(super) fn role_in_path(call: &Call) -> Result<RoleRef, Failure> {
    Ok(role_of(call.path_text("role_id"), call.organization_id()?, place(call)?)?)
}

async fn list_permissions(_: Call) -> Result<Answer, Failure> {
    let items = Permission::ALL.iter().copied().map(PermissionJson::from).collect();
    let page = Page { items, has_more: false };
    Ok(Answer::json(ListJson::of(page, |permission| &permission.id)))
}

async fn create_role(call: Call) -> Result<Answer, Failure> {
    let body = call.json::<NewRoleJson>()?;
    let new = NewRole {
        name: body.role_name,
        description: body.description.unwrap_or_default(),
        permissions: body.permissions,
    };
    let role = super::create_role(&call.control, &call.grant, place(&call)?, new).await?;
    Ok(Answer::json(RoleJson::from(Role::Custom(role))))
}

async fn list_roles(call: Call) -> Result<Answer, Failure> {
    let page = call.query.long_page::<RoleRef>(1_000, 1_000, Order::Ascending)?;
    let roles = super::list_roles(&call.control, &call.grant, place(&call)?, &page).await?;
    Ok(Answer::json(ListJson::of(roles.map(RoleJson::from), |role| &role.id)))
}

async fn retrieve_role(call: Call) -> Result<Answer, Failure> {
    let role = super::retrieve_role(&call.control, &call.grant, place(&call)?, role_in_path(&call)?).await?;
    Ok(Answer::json(RoleJson::from(role)))
}

async fn update_role(call: Call) -> Result<Answer, Failure> {
    let body = call.json::<RoleChangesJson>()?;
    let changes = RoleChanges {
        name: body.role_name,
        description: body.description.map(Option::unwrap_or_default),
        permissions: body.permissions,
    };
    let (place, role) = (place(&call)?, role_in_path(&call)?);
    let role = super::update_role(&call.control, &call.grant, place, role, changes).await?;
    Ok(Answer::json(RoleJson::from(Role::Custom(role))))
}

async fn delete_role(call: Call) -> Result<Answer, Failure> {
    let role = role_in_path(&call)?;
    super::delete_role(&call.control, &call.grant, place(&call)?, role).await?;
    let object = "role.deleted".to_owned();
    Ok(Answer::json(RoleDeletedJson { id: role.to_string(), object, deleted: true }))
}

/// The rows of this noun.
pub fn endpoints() -> Vec<Endpoint> {
    const PERMISSIONS: &str = "/v1/organization/permissions";
    let organization = Place {
        all: "/v1/organization/roles",
        one: "/v1/organization/roles/{role_id}",
        words: [
            ("create_role", "Make a custom role of the organization out of listed permissions."),
            ("list_roles", "List the roles of the organization, built-in ones first."),
            ("retrieve_role", "Read one role of the organization."),
            ("update_role", "Change a custom role; whoever has it has its new rights at once."),
            ("delete_role", "Delete a custom role that nobody has."),
        ],
        read: Access::Organization(Permission::RoleRead),
        manage: Access::Organization(Permission::RoleManage),
    };
    let project = Place {
        all: "/v1/projects/{project_id}/roles",
        one: "/v1/projects/{project_id}/roles/{role_id}",
        words: [
            ("create_project_role", "Make a custom role of a project out of listed permissions."),
            ("list_project_roles", "List the roles of a project, built-in ones first."),
            ("retrieve_project_role", "Read one role of a project."),
            ("update_project_role", "Change a custom role of a project."),
            ("delete_project_role", "Delete a custom role of a project that nobody has."),
        ],
        read: Access::Project(Permission::ProjectMemberRead),
        manage: Access::Project(Permission::ProjectRoleManage),
    };
    let permissions = api(
        Method::Get,
        PERMISSIONS,
        "list_permissions",
        "List every permission, with what it allows and which built-in roles give it.",
    )
    .needs(Access::Organization(Permission::OrganizationRead))
    .answer::<ListJson<PermissionJson>>()
    .to(list_permissions);
    std::iter::once(permissions).chain(rows(&organization)).chain(rows(&project)).collect()
}

/// Where roles are made: the same five rows in the organization and in a project.
struct Place {
    all: &'static str,
    one: &'static str,
    /// Operation and summary, in the order create, list, retrieve, update, delete.
    words: [(&'static str, &'static str); 5],
    read: Access,
    manage: Access,
}

fn rows(place: &Place) -> Vec<Endpoint> {
    let [create, list, retrieve, update, delete] = place.words;
    vec![
        api(Method::Post, place.all, create.0, create.1)
            .needs(place.manage)
            .part_of(Feature::CustomRoles)
            .audited(Verb::RoleCreated)
            .body::<NewRoleJson>()
            .answer::<RoleJson>()
            .to(create_role),
        api(Method::Get, place.all, list.0, list.1)
            .needs(place.read)
            .query::<LongListQuery>()
            .answer::<ListJson<RoleJson>>()
            .to(list_roles),
        api(Method::Get, place.one, retrieve.0, retrieve.1)
            .needs(place.read)
            .answer::<RoleJson>()
            .to(retrieve_role),
        api(Method::Post, place.one, update.0, update.1)
            .needs(place.manage)
            .part_of(Feature::CustomRoles)
            .audited(Verb::RoleUpdated)
            .body::<RoleChangesJson>()
            .answer::<RoleJson>()
            .to(update_role),
        api(Method::Delete, place.one, delete.0, delete.1)
            .needs(place.manage)
            .audited(Verb::RoleDeleted)
            .answer::<RoleDeletedJson>()
            .to(delete_role),
    ]
}
