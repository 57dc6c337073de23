//! Roles in the shapes of the compatible API.

use domain::Error;
use domain::access::{
    GivenRole, Level, OrganizationRole, Permission, ProjectRole, Role, RoleRef, RoleSource,
};
use domain::ids::{OrganizationId, ProjectId};
use domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A role.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoleJson {
    /// Its id.
    pub id: String,
    /// Always `role`.
    pub object: String,
    /// The name people read.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What it gives, by the names of permissions.
    pub permissions: Vec<String>,
    /// `api.organization` or `api.project`.
    pub resource_type: String,
    /// Whether it is built in, and so the same for everybody.
    pub predefined_role: bool,
    /// When it was made, in Unix seconds; null for a built-in role.
    pub created_at: Option<i64>,
    /// When it was last changed, in Unix seconds.
    pub updated_at: Option<i64>,
    /// The id of the user who made it.
    pub created_by: Option<String>,
}

impl From<Role> for RoleJson {
    fn from(role: Role) -> Self {
        let custom = role.custom();
        Self {
            id: role.reference().to_string(),
            object: "role".to_owned(),
            name: role.name().to_owned(),
            description: Some(role.description()).filter(|text| !text.is_empty()).map(str::to_owned),
            permissions: role.permissions().plain_names().into_iter().map(str::to_owned).collect(),
            resource_type: resource_type(role.level()).to_owned(),
            predefined_role: custom.is_none(),
            created_at: custom.map(|role| role.created_at.unix_seconds()),
            updated_at: custom.map(|role| role.updated_at.unix_seconds()),
            created_by: custom.and_then(|role| role.created_by).map(|id| id.to_string()),
        }
    }
}

/// A role that somebody has, and where it comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GivenRoleJson {
    /// The role; here `object` is left out.
    pub id: String,
    /// The name people read.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// What it gives, by the names of permissions.
    pub permissions: Vec<String>,
    /// `api.organization` or `api.project`.
    pub resource_type: String,
    /// Whether it is built in.
    pub predefined_role: bool,
    /// When the role was made, in Unix seconds; null for a built-in role.
    pub created_at: Option<i64>,
    /// When it was last changed, in Unix seconds.
    pub updated_at: Option<i64>,
    /// The id of the user who made it.
    pub created_by: Option<String>,
    /// Always null here.
    pub created_by_user_obj: Option<std::collections::BTreeMap<String, String>>,
    /// Always null here.
    pub metadata: Option<std::collections::BTreeMap<String, String>>,
    /// To whom it was given: the user, or groups of theirs.
    pub assignment_sources: Vec<AssignmentSourceJson>,
}

/// One reason for which somebody has a role.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AssignmentSourceJson {
    /// The id of the user or the group to whom it was given.
    pub principal_id: String,
    /// `user` or `group`.
    pub principal_type: String,
    /// The id of the user who gave it.
    pub given_by: Option<String>,
    /// When, in Unix seconds.
    pub given_at: i64,
    /// When it ends by itself, in Unix seconds.
    pub ends_at: Option<i64>,
}

impl From<RoleSource> for AssignmentSourceJson {
    fn from(source: RoleSource) -> Self {
        Self {
            principal_id: source.principal.to_string(),
            principal_type: source.principal.kind().to_owned(),
            given_by: source.given_by.map(|id| id.to_string()),
            given_at: source.given_at.unix_seconds(),
            ends_at: source.ends_at.map(Timestamp::unix_seconds),
        }
    }
}

impl From<GivenRole> for GivenRoleJson {
    fn from(given: GivenRole) -> Self {
        let role = RoleJson::from(given.role);
        Self {
            id: role.id,
            name: role.name,
            description: role.description,
            permissions: role.permissions,
            resource_type: role.resource_type,
            predefined_role: role.predefined_role,
            created_at: role.created_at,
            updated_at: role.updated_at,
            created_by: role.created_by,
            created_by_user_obj: None,
            metadata: None,
            assignment_sources: given.sources.into_iter().map(AssignmentSourceJson::from).collect(),
        }
    }
}

/// A permission.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PermissionJson {
    /// Its name: `noun.verb`.
    pub id: String,
    /// Always `organization.permission`.
    pub object: String,
    /// The same name.
    pub name: String,
    /// What it allows, in one sentence.
    pub description: String,
    /// `api.organization` or `api.project`: the level at which a role can give it. Roles of the organization can give
    /// permissions of projects too, for all projects.
    pub resource_type: String,
    /// The permission that covers this one, where this is for what one owns alone.
    pub covered_by: Option<String>,
    /// The ids of the built-in roles that give it.
    pub predefined_roles: Vec<String>,
}

impl From<Permission> for PermissionJson {
    fn from(permission: Permission) -> Self {
        let levels = [Level::Organization, Level::Project];
        let giving =
            levels.into_iter().flat_map(Role::built_in).filter(|role| role.permissions().holds(permission));
        let covering = Permission::ALL.iter().find(|wide| wide.own() == Some(permission));
        Self {
            id: permission.name().to_owned(),
            object: "organization.permission".to_owned(),
            name: permission.name().to_owned(),
            description: permission.sentence().to_owned(),
            resource_type: resource_type(permission.level()).to_owned(),
            covered_by: covering.map(|wide| wide.name().to_owned()),
            predefined_roles: giving.map(|role| role.reference().to_string()).collect(),
        }
    }
}

/// What the compatible API calls a level.
pub(super) const fn resource_type(level: Level) -> &'static str {
    match level {
        Level::Organization => "api.organization",
        Level::Project => "api.project",
    }
}

/// The role of an id on the wire, in the short form or in the long one that names its place (`…__api-project__…`),
/// which has to be this place.
///
/// # Errors
/// `Hidden` for what is no role, or one of another place.
pub(crate) fn role_of(
    id: &str,
    organization: OrganizationId,
    project: Option<ProjectId>,
) -> Result<RoleRef, Error> {
    let is_here = |place: &str| match project {
        None => place == format!("api-organization__{organization}"),
        Some(project) => place == format!("api-project__{project}"),
    };
    match id.split_once("__") {
        Some((_, place)) if !is_here(place) => Err(Error::Hidden { what: "role" }),
        _ => RoleRef::of_wire(id),
    }
}

/// The project role that a word or an id asks for: `owner`, `member`, `viewer`, or any role's id.
///
/// # Errors
/// `invalid_role` for what is neither.
pub(crate) fn project_role_of(
    text: &str,
    organization: OrganizationId,
    project: ProjectId,
) -> Result<RoleRef, Error> {
    let of_word = ProjectRole::parse(text).map(RoleRef::Project);
    of_word.map_or_else(|| role_of(text, organization, Some(project)), Ok).map_err(|_| {
        let sentence = "Use owner, member or viewer, or the id of a role of the project.";
        Error::invalid_param("invalid_role", "role", sentence)
    })
}

/// The organization role that a word or an id asks for: `owner`, `reader`, an exact word, or a built-in role's id.
///
/// # Errors
/// `invalid_role` for what is neither; it says how custom roles are given.
pub(crate) fn organization_role_of(
    text: &str,
    organization: OrganizationId,
) -> Result<OrganizationRole, Error> {
    let bad = |sentence: &'static str| Error::invalid_param("invalid_role", "role_id", sentence);
    if let Some(role) = OrganizationRole::parse(text) {
        return Ok(role);
    }
    match role_of(text, organization, None) {
        Ok(RoleRef::Organization(role)) => Ok(role),
        Ok(RoleRef::Custom(_)) => Err(bad(
            "A custom role stands beside the built-in one: POST it to /v1/organization/users/{user_id}/roles.",
        )),
        _ => Err(bad("Use the id of a built-in role of the organization.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_built_in_roles_are_read_in_both_forms_and_only_of_this_place() {
        let at = Timestamp::from_unix_seconds(1);
        let organization = OrganizationId::from_parts(at, 1);
        let (here, there) = (ProjectId::from_parts(at, 1), ProjectId::from_parts(at, 2));
        let owner = RoleRef::Project(ProjectRole::Owner);
        let long = format!("role-api-project-owner__api-project__{here}");
        assert_eq!(role_of("role-api-project-owner", organization, Some(here)).unwrap(), owner);
        assert_eq!(role_of(&long, organization, Some(here)).unwrap(), owner);
        assert!(role_of(&long, organization, Some(there)).is_err());
        assert!(role_of(&long, organization, None).is_err());
        let reader = format!("role-api-organization-reader__api-organization__{organization}");
        let member = OrganizationRole::Member;
        assert_eq!(role_of(&reader, organization, None).unwrap(), RoleRef::Organization(member));
        assert_eq!(organization_role_of(&reader, organization).unwrap(), member);
        assert_eq!(organization_role_of("auditor", organization).unwrap(), OrganizationRole::Auditor);
        assert!(organization_role_of("role-api-project-owner", organization).is_err());
        assert_eq!(
            project_role_of("viewer", organization, here).unwrap(),
            RoleRef::Project(ProjectRole::Viewer)
        );
        assert_eq!(project_role_of("king", organization, here).unwrap_err().code(), "invalid_role");
    }
}
