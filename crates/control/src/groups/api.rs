//! The wire of groups and who is in them: `/v1/organization/groups`.

use domain::access::Permission;
use domain::audit::Verb;
use domain::groups::{Group, GroupMember};
use domain::ids::{GroupId, UserId};
use domain::organizations::Feature;
use domain::page::Order;
use domain::routes::{Access, Method};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::http::list_query::LongListQuery;
use crate::{Answer, Call, Endpoint, Failure, ListJson, api};

/// A group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GroupJson {
    /// Its id.
    pub id: String,
    /// The name people read.
    pub name: String,
    /// When it was made, in Unix seconds.
    pub created_at: i64,
    /// Whether a directory keeps it.
    pub is_scim_managed: bool,
    /// Always `group`; left out of the answer to an update.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_type: Option<String>,
    /// How many people are in it.
    pub people_count: i64,
}

impl From<Group> for GroupJson {
    fn from(group: Group) -> Self {
        Self {
            id: group.id.to_string(),
            name: group.name,
            created_at: group.created_at.unix_seconds(),
            is_scim_managed: false,
            group_type: Some("group".to_owned()),
            people_count: group.people,
        }
    }
}

/// A group as named beside a role that it was given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GroupSummaryJson {
    /// Always `group`.
    pub object: String,
    /// Its id.
    pub id: String,
    /// The name people read.
    pub name: String,
    /// When it was made, in Unix seconds.
    pub created_at: i64,
    /// Whether a directory keeps it.
    pub scim_managed: bool,
}

impl From<Group> for GroupSummaryJson {
    fn from(group: Group) -> Self {
        Self {
            object: "group".to_owned(),
            id: group.id.to_string(),
            name: group.name,
            created_at: group.created_at.unix_seconds(),
            scim_managed: false,
        }
    }
}

/// A group's name.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct GroupNameJson {
    /// The name people read, 1 to 255 characters; unique in the organization.
    pub name: String,
}

/// A group that was deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GroupDeletedJson {
    /// Its id.
    pub id: String,
    /// Always `group.deleted`.
    pub object: String,
    /// Always true.
    pub deleted: bool,
}

/// Somebody in a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GroupUserJson {
    /// The user's id.
    pub id: String,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// Always null here.
    pub picture: Option<String>,
    /// Always false: service accounts belong to projects.
    pub is_service_account: bool,
    /// Always `user`.
    pub user_type: String,
    /// Since when they are in it, in Unix seconds.
    pub added_at: i64,
}

impl From<GroupMember> for GroupUserJson {
    fn from(member: GroupMember) -> Self {
        Self {
            id: member.user.id.to_string(),
            name: member.user.name,
            email: member.user.email,
            picture: None,
            is_service_account: false,
            user_type: "user".to_owned(),
            added_at: member.added_at.unix_seconds(),
        }
    }
}

/// Whom to put into a group.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct NewGroupUserJson {
    /// The id of a member of the organization.
    pub user_id: String,
}

/// Somebody who was put into a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GroupUserAddedJson {
    /// Always `group.user`.
    pub object: String,
    /// The user's id.
    pub user_id: String,
    /// The group's id.
    pub group_id: String,
}

/// Somebody who was taken out of a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GroupUserRemovedJson {
    /// Always `group.user.deleted`.
    pub object: String,
    /// Always true.
    pub deleted: bool,
}

async fn create_group(call: Call) -> Result<Answer, Failure> {
    let body = call.json::<GroupNameJson>()?;
    let group = super::create_group(&call.control, &call.grant, &body.name).await?;
    Ok(Answer::json(GroupJson::from(group)))
}

async fn list_groups(call: Call) -> Result<Answer, Failure> {
    let page = call.query.long_page::<GroupId>(100, 1_000, Order::Ascending)?;
    let groups = super::list_groups(&call.control, &call.grant, &page).await?;
    Ok(Answer::json(ListJson::of(groups.map(GroupJson::from), |group| &group.id)))
}

async fn retrieve_group(call: Call) -> Result<Answer, Failure> {
    let group = super::retrieve_group(&call.control, &call.grant, call.path("group_id")?).await?;
    Ok(Answer::json(GroupJson::from(group)))
}

async fn update_group(call: Call) -> Result<Answer, Failure> {
    let id = call.path::<GroupId>("group_id")?;
    let body = call.json::<GroupNameJson>()?;
    let group = super::rename_group(&call.control, &call.grant, id, &body.name).await?;
    Ok(Answer::json(GroupJson { group_type: None, ..GroupJson::from(group) }))
}

async fn delete_group(call: Call) -> Result<Answer, Failure> {
    let id = call.path::<GroupId>("group_id")?;
    super::delete_group(&call.control, &call.grant, id).await?;
    let object = "group.deleted".to_owned();
    Ok(Answer::json(GroupDeletedJson { id: id.to_string(), object, deleted: true }))
}

async fn add_group_user(call: Call) -> Result<Answer, Failure> {
    let id = call.path::<GroupId>("group_id")?;
    let body = call.json::<NewGroupUserJson>()?;
    let user = body.user_id.parse::<UserId>().map_err(|_| domain::Error::Hidden { what: "user" })?;
    super::add_group_member(&call.control, &call.grant, id, user).await?;
    let object = "group.user".to_owned();
    Ok(Answer::json(GroupUserAddedJson { object, user_id: user.to_string(), group_id: id.to_string() }))
}

async fn list_group_users(call: Call) -> Result<Answer, Failure> {
    let id = call.path::<GroupId>("group_id")?;
    let page = call.query.long_page::<UserId>(100, 1_000, Order::Descending)?;
    let members = super::list_group_members(&call.control, &call.grant, id, &page).await?;
    Ok(Answer::json(ListJson::of(members.map(GroupUserJson::from), |member| &member.id)))
}

async fn retrieve_group_user(call: Call) -> Result<Answer, Failure> {
    let (id, user) = (call.path::<GroupId>("group_id")?, call.path::<UserId>("user_id")?);
    let member = super::retrieve_group_member(&call.control, &call.grant, id, user).await?;
    Ok(Answer::json(GroupUserJson::from(member)))
}

async fn remove_group_user(call: Call) -> Result<Answer, Failure> {
    let (id, user) = (call.path::<GroupId>("group_id")?, call.path::<UserId>("user_id")?);
    super::remove_group_member(&call.control, &call.grant, id, user).await?;
    Ok(Answer::json(GroupUserRemovedJson { object: "group.user.deleted".to_owned(), deleted: true }))
}

const ALL: &str = "/v1/organization/groups";
const ONE: &str = "/v1/organization/groups/{group_id}";
const USERS: &str = "/v1/organization/groups/{group_id}/users";
const USER: &str = "/v1/organization/groups/{group_id}/users/{user_id}";
const READ: Access = Access::Organization(Permission::GroupRead);
const MANAGE: Access = Access::Organization(Permission::GroupManage);

/// The rows of this noun.
pub fn endpoints() -> Vec<Endpoint> {
    let mut rows = vec![
        api(Method::Post, ALL, "create_group", "Make a group, to which roles can be given together.")
            .needs(MANAGE)
            .part_of(Feature::Groups)
            .audited(Verb::GroupCreated)
            .body::<GroupNameJson>()
            .answer::<GroupJson>()
            .to(create_group),
        api(Method::Get, ALL, "list_groups", "List the groups of the organization.")
            .needs(READ)
            .query::<LongListQuery>()
            .answer::<ListJson<GroupJson>>()
            .to(list_groups),
        api(Method::Get, ONE, "retrieve_group", "Read one group.")
            .needs(READ)
            .answer::<GroupJson>()
            .to(retrieve_group),
        api(Method::Post, ONE, "update_group", "Give a group another name.")
            .needs(MANAGE)
            .part_of(Feature::Groups)
            .audited(Verb::GroupUpdated)
            .body::<GroupNameJson>()
            .answer::<GroupJson>()
            .to(update_group),
        api(Method::Delete, ONE, "delete_group", "Delete a group; what it gave ends at once.")
            .needs(MANAGE)
            .audited(Verb::GroupDeleted)
            .answer::<GroupDeletedJson>()
            .to(delete_group),
    ];
    rows.extend(user_rows());
    rows
}

fn user_rows() -> Vec<Endpoint> {
    vec![
        api(Method::Post, USERS, "add_group_user", "Put a member into a group; they have its roles at once.")
            .needs(MANAGE)
            .part_of(Feature::Groups)
            .audited(Verb::GroupMemberAdded)
            .body::<NewGroupUserJson>()
            .answer::<GroupUserAddedJson>()
            .to(add_group_user),
        api(Method::Get, USERS, "list_group_users", "List the people in a group.")
            .needs(READ)
            .query::<LongListQuery>()
            .answer::<ListJson<GroupUserJson>>()
            .to(list_group_users),
        api(Method::Get, USER, "retrieve_group_user", "Read one person in a group.")
            .needs(READ)
            .answer::<GroupUserJson>()
            .to(retrieve_group_user),
        api(Method::Delete, USER, "remove_group_user", "Take somebody out of a group.")
            .needs(MANAGE)
            .audited(Verb::GroupMemberRemoved)
            .answer::<GroupUserRemovedJson>()
            .to(remove_group_user),
    ]
}
