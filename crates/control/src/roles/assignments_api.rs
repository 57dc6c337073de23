//! The wire of roles given to users and groups, in the organization and in projects.

use domain::access::{Permission, Principal, RoleRef};
use domain::audit::Verb;
use domain::ids::{GroupId, UserId};
use domain::organizations::Feature;
use domain::page::Order;
use domain::routes::{Access, Method};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::api::{place, role_in_path};
use super::wire::role_of;
use super::{Assigned, Assignee, GivenRoleJson, RoleJson};
use crate::groups::GroupSummaryJson;
use crate::http::list_query::LongListQuery;
use crate::members::api::MemberJson;
use crate::{Answer, Call, Endpoint, Failure, ListJson, api};

/// Which role to give.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct RoleToGiveJson {
    /// The role's id.
    pub role_id: String,
}

/// A role as given to a user.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct UserRoleJson {
    /// Always `user.role`.
    pub object: String,
    /// To whom.
    pub user: MemberJson,
    /// The role.
    pub role: RoleJson,
}

/// A role as given to a group.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct GroupRoleJson {
    /// Always `group.role`.
    pub object: String,
    /// To which group.
    pub group: GroupSummaryJson,
    /// The role.
    pub role: RoleJson,
}

/// A role that was taken away.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoleTakenJson {
    /// `user.role.deleted` or `group.role.deleted`.
    pub object: String,
    /// Always true.
    pub deleted: bool,
}

/// The user or the group in the path.
fn principal(call: &Call) -> Result<Principal, Failure> {
    match call.path_text("group_id") {
        "" => Ok(Principal::User(call.path::<UserId>("user_id")?)),
        _ => Ok(Principal::Group(call.path::<GroupId>("group_id")?)),
    }
}

async fn give(call: Call) -> Result<Answer, Failure> {
    let (place, principal) = (place(&call)?, principal(&call)?);
    let body = call.json::<RoleToGiveJson>()?;
    let role = role_of(&body.role_id, call.organization_id()?, place)?;
    let Assigned { role, to } = super::give_role(&call.control, &call.grant, principal, place, role).await?;
    let role = RoleJson::from(role);
    Ok(match to {
        Assignee::User(member) => Answer::json(UserRoleJson {
            object: "user.role".to_owned(),
            user: MemberJson::from(*member),
            role,
        }),
        Assignee::Group(group) => Answer::json(GroupRoleJson {
            object: "group.role".to_owned(),
            group: GroupSummaryJson::from(group),
            role,
        }),
    })
}

async fn list(call: Call) -> Result<Answer, Failure> {
    let page = call.query.long_page::<RoleRef>(100, 1_000, Order::Ascending)?;
    let (place, principal) = (place(&call)?, principal(&call)?);
    let roles = super::list_given_roles(&call.control, &call.grant, principal, place, &page).await?;
    Ok(Answer::json(ListJson::of(roles.map(GivenRoleJson::from), |role| &role.id)))
}

async fn retrieve(call: Call) -> Result<Answer, Failure> {
    let (place, principal, role) = (place(&call)?, principal(&call)?, role_in_path(&call)?);
    let given = super::given_role(&call.control, &call.grant, principal, place, role).await?;
    Ok(Answer::json(GivenRoleJson::from(given)))
}

async fn take(call: Call) -> Result<Answer, Failure> {
    let (place, principal, role) = (place(&call)?, principal(&call)?, role_in_path(&call)?);
    super::take_role(&call.control, &call.grant, principal, place, role).await?;
    Ok(Answer::json(RoleTakenJson { object: format!("{}.role.deleted", principal.kind()), deleted: true }))
}

/// Whose roles, and where: the same four rows for users and groups, in the organization and in a project.
struct Holder {
    all: &'static str,
    one: &'static str,
    /// Operation and summary, in the order give, list, retrieve, take.
    words: [(&'static str, &'static str); 4],
    read: Access,
    manage: Access,
}

/// The rows of this noun.
pub fn endpoints() -> Vec<Endpoint> {
    let in_organization =
        (Access::Organization(Permission::RoleRead), Access::Organization(Permission::RoleManage));
    let in_project =
        (Access::Project(Permission::ProjectMemberRead), Access::Project(Permission::ProjectMemberManage));
    let user = Holder {
        all: "/v1/organization/users/{user_id}/roles",
        one: "/v1/organization/users/{user_id}/roles/{role_id}",
        words: [
            ("give_user_role", "Give a member a role of the organization beside those they have."),
            (
                "list_user_roles",
                "List a member's roles of the organization, with the groups they come through.",
            ),
            ("retrieve_user_role", "Read one role of a member."),
            ("take_user_role", "Take a role from a member who was given it."),
        ],
        read: in_organization.0,
        manage: in_organization.1,
    };
    let group = Holder {
        all: "/v1/organization/groups/{group_id}/roles",
        one: "/v1/organization/groups/{group_id}/roles/{role_id}",
        words: [
            ("give_group_role", "Give a group, and so whoever is in it, a role of the organization."),
            ("list_group_roles", "List a group's roles of the organization."),
            ("retrieve_group_role", "Read one role of a group."),
            ("take_group_role", "Take a role from a group."),
        ],
        read: in_organization.0,
        manage: in_organization.1,
    };
    let project_user = Holder {
        all: "/v1/projects/{project_id}/users/{user_id}/roles",
        one: "/v1/projects/{project_id}/users/{user_id}/roles/{role_id}",
        words: [
            ("give_project_user_role", "Give a member of the organization a role of the project."),
            (
                "list_project_user_roles",
                "List somebody's roles of the project, with the groups they come through.",
            ),
            ("retrieve_project_user_role", "Read one role of somebody in the project."),
            ("take_project_user_role", "Take a role of the project from somebody who was given it."),
        ],
        read: in_project.0,
        manage: in_project.1,
    };
    let project_group = Holder {
        all: "/v1/projects/{project_id}/groups/{group_id}/roles",
        one: "/v1/projects/{project_id}/groups/{group_id}/roles/{role_id}",
        words: [
            ("give_project_group_role", "Give a group a role of the project."),
            ("list_project_group_roles", "List a group's roles of the project."),
            ("retrieve_project_group_role", "Read one role of a group in the project."),
            ("take_project_group_role", "Take a role of the project from a group."),
        ],
        read: in_project.0,
        manage: in_project.1,
    };
    [user, group, project_user, project_group].iter().flat_map(rows).collect()
}

fn rows(holder: &Holder) -> Vec<Endpoint> {
    let [give_words, list_words, retrieve_words, take_words] = holder.words;
    let is_group = holder.all.contains("{group_id}");
    let give_row = api(Method::Post, holder.all, give_words.0, give_words.1)
        .needs(holder.manage)
        .audited(Verb::RoleAssigned)
        .body::<RoleToGiveJson>();
    let give_row = match is_group {
        true => give_row.part_of(Feature::Groups).answer::<GroupRoleJson>(),
        false => give_row.answer::<UserRoleJson>(),
    };
    vec![
        give_row.to(give),
        api(Method::Get, holder.all, list_words.0, list_words.1)
            .needs(holder.read)
            .query::<LongListQuery>()
            .answer::<ListJson<GivenRoleJson>>()
            .to(list),
        api(Method::Get, holder.one, retrieve_words.0, retrieve_words.1)
            .needs(holder.read)
            .answer::<GivenRoleJson>()
            .to(retrieve),
        api(Method::Delete, holder.one, take_words.0, take_words.1)
            .needs(holder.manage)
            .audited(Verb::RoleUnassigned)
            .answer::<RoleTakenJson>()
            .to(take),
    ]
}
