//! Members on the wire of the compatible API: `organization.user`.

use domain::Error;
use domain::access::{OrganizationRole, Permission};
use domain::audit::Verb;
use domain::ids::UserId;
use domain::members::Member;
use domain::page::{Order, Page};
use domain::routes::{Access, Method};
use domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::ProjectOfMember;

use super::{list_members, read_member, remove_member, update_member};
use crate::roles::organization_role_of;
use crate::{Answer, Call, Endpoint, Failure, ListJson, api};

/// A member of the organization.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MemberJson {
    /// The user's id.
    pub id: String,
    /// Always `organization.user`.
    pub object: String,
    /// When they joined, in Unix seconds.
    pub added_at: i64,
    /// The same moment, under its other name.
    pub created: i64,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// `owner` for an Admin, else `reader`.
    pub role: String,
    /// The exact role: `admin`, `member`, `finance` or `auditor`.
    pub bailiwick_role: String,
    /// Since when they are suspended, in Unix seconds; null while they are not.
    pub suspended_at: Option<i64>,
    /// Always false: nobody is a member by default.
    pub is_default: bool,
    /// Always false: service accounts belong to projects.
    pub is_service_account: bool,
    /// The person behind the membership.
    pub user: UserJson,
    /// The projects that they work in; left out where the caller asked about one project alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub projects: Option<MemberProjectsJson>,
}

/// The projects of a member.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MemberProjectsJson {
    /// Always `list`.
    pub object: String,
    /// Each project, by id.
    pub data: Vec<MemberProjectJson>,
}

/// A project of a member.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MemberProjectJson {
    /// The project's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `owner` or `member`.
    pub role: String,
    /// The exact role.
    pub bailiwick_role: String,
}

impl From<ProjectOfMember> for MemberProjectJson {
    fn from(project: ProjectOfMember) -> Self {
        Self {
            id: project.id.to_string(),
            name: project.name,
            role: project.role.wire().to_owned(),
            bailiwick_role: project.role.name().to_owned(),
        }
    }
}

/// A person.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct UserJson {
    /// Their id.
    pub id: String,
    /// Always `user`.
    pub object: String,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// Whether they can act here: false while they are suspended.
    pub enabled: bool,
    /// Whether they were shut out: true while they are suspended.
    pub banned: bool,
}

impl From<Member> for MemberJson {
    fn from(member: Member) -> Self {
        let (id, added_at) = (member.user.id.to_string(), member.added_at.unix_seconds());
        let is_suspended = member.suspended_at.is_some();
        Self {
            id: id.clone(),
            object: "organization.user".to_owned(),
            added_at,
            created: added_at,
            name: member.user.name.clone(),
            email: member.user.email.clone(),
            role: member.role.wire().to_owned(),
            bailiwick_role: member.role.name().to_owned(),
            suspended_at: member.suspended_at.map(Timestamp::unix_seconds),
            is_default: false,
            is_service_account: false,
            user: UserJson {
                id,
                object: "user".to_owned(),
                name: member.user.name,
                email: member.user.email,
                enabled: !is_suspended,
                banned: is_suspended,
            },
            projects: None,
        }
    }
}

/// Members as told to whoever may see all of them, with their projects.
async fn told(call: &Call, members: Vec<Member>) -> Result<Vec<MemberJson>, Failure> {
    let ids: Vec<UserId> = members.iter().map(|member| member.user.id).collect();
    let mut projects = call.control.store.projects_of_members(&call.grant, &ids).await?;
    let told = |member: Member| {
        let theirs = projects.remove(&member.user.id).unwrap_or_default();
        let data = theirs.into_iter().map(MemberProjectJson::from).collect();
        let projects = Some(MemberProjectsJson { object: "list".to_owned(), data });
        MemberJson { projects, ..MemberJson::from(member) }
    };
    Ok(members.into_iter().map(told).collect())
}

/// One member, told so.
pub(super) async fn told_alone(call: &Call, member: Member) -> Result<Answer, Failure> {
    Ok(Answer::json(told(call, vec![member]).await?.pop()))
}

/// A member's new role.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct MemberChangesJson {
    /// `owner` or `reader`; `reader` leaves whoever is no Admin as they are.
    pub role: Option<String>,
    /// The id of a built-in role, or a word of `role`; stands back behind `role`.
    pub role_id: Option<String>,
    /// The exact role: `admin`, `member`, `finance` or `auditor`. Wins over `role`.
    pub bailiwick_role: Option<String>,
}

/// Something that was removed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DeletedJson {
    /// What it was, with `.deleted`.
    pub object: String,
    /// Its id.
    pub id: String,
    /// Always true.
    pub deleted: bool,
}

/// Which members to list.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[allow(dead_code, reason = "describes the query; the values are read one by one")]
pub struct MembersQuery {
    /// The id after which the page starts.
    after: Option<String>,
    /// Only these addresses.
    emails: Option<Vec<String>>,
    /// 1 to 100; 20 when absent.
    limit: Option<i64>,
}

/// The role that wire words ask for: the exact word first; a word that fits the present role changes nothing.
///
/// # Errors
/// `invalid_role`.
pub fn wanted_role(
    exact: Option<&str>,
    wire: Option<&str>,
    present: Option<OrganizationRole>,
) -> Result<Option<OrganizationRole>, Error> {
    let unknown = |param| {
        Error::invalid_param(
            "invalid_role",
            param,
            "Use owner or reader; exactly: admin, member, finance, auditor.",
        )
    };
    if let Some(word) = exact {
        let exact = OrganizationRole::ALL.into_iter().find(|role| role.name() == word);
        return exact.map(Some).ok_or_else(|| unknown("bailiwick_role"));
    }
    let Some(word) = wire else { return Ok(None) };
    if let Some(present) = present.filter(|role| role.wire() == word) {
        return Ok(Some(present));
    }
    OrganizationRole::parse(word).map(Some).ok_or_else(|| unknown("role"))
}

/// The rows of this noun.
pub fn endpoints() -> Vec<Endpoint> {
    const LIST: &str = "/v1/organization/users";
    const ONE: &str = "/v1/organization/users/{user_id}";
    vec![
        api(Method::Get, LIST, "list_members", "List the members of the organization.")
            .needs(Access::Organization(Permission::MemberRead))
            .query::<MembersQuery>()
            .answer::<ListJson<MemberJson>>()
            .to(list),
        api(Method::Get, ONE, "read_member", "Read one member.")
            .needs(Access::Organization(Permission::MemberRead))
            .answer::<MemberJson>()
            .to(read),
        api(Method::Post, ONE, "update_member", "Give a member another role.")
            .needs(Access::Organization(Permission::MemberManage))
            .audited(Verb::UserUpdated)
            .body::<MemberChangesJson>()
            .answer::<MemberJson>()
            .to(update),
        api(Method::Delete, ONE, "remove_member", "Remove a member; their own keys stop at once.")
            .needs(Access::Organization(Permission::MemberManage))
            .audited(Verb::UserRemoved)
            .answer::<DeletedJson>()
            .to(remove),
    ]
}

async fn list(call: Call) -> Result<Answer, Failure> {
    let page = call.query.page::<UserId>(20, 100, Order::Ascending)?;
    let members = list_members(&call.control, &call.grant, call.query.many("emails"), &page).await?;
    let members = Page { items: told(&call, members.items).await?, has_more: members.has_more };
    Ok(Answer::json(ListJson::of(members, |member| &member.id)))
}

async fn read(call: Call) -> Result<Answer, Failure> {
    let member = read_member(&call.control, &call.grant, call.path("user_id")?).await?;
    told_alone(&call, member).await
}

async fn update(call: Call) -> Result<Answer, Failure> {
    let user: UserId = call.path("user_id")?;
    let body: MemberChangesJson = call.json()?;
    let present = read_member(&call.control, &call.grant, user).await?;
    let role = wanted_role(body.bailiwick_role.as_deref(), body.role.as_deref(), Some(present.role))?;
    let role = match (role, body.role_id) {
        (Some(role), _) => role,
        (None, Some(id)) => organization_role_of(&id, call.organization_id()?)?,
        (None, None) => present.role,
    };
    let member = update_member(&call.control, &call.grant, user, role).await?;
    told_alone(&call, member).await
}

async fn remove(call: Call) -> Result<Answer, Failure> {
    let user: UserId = call.path("user_id")?;
    remove_member(&call.control, &call.grant, user).await?;
    let object = "organization.user.deleted".to_owned();
    Ok(Answer::json(DeletedJson { object, id: user.to_string(), deleted: true }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_words_never_demote_by_rounding() {
        use OrganizationRole::{Admin, Finance, Member};
        assert_eq!(wanted_role(None, Some("reader"), Some(Finance)).unwrap(), Some(Finance));
        assert_eq!(wanted_role(None, Some("reader"), Some(Admin)).unwrap(), Some(Member));
        assert_eq!(wanted_role(Some("finance"), Some("owner"), Some(Member)).unwrap(), Some(Finance));
        assert_eq!(wanted_role(None, None, None).unwrap(), None);
        assert!(wanted_role(Some("owner"), None, None).is_err());
        assert!(wanted_role(None, Some("king"), None).is_err());
    }
}
