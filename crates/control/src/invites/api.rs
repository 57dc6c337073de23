//! Invitations on the wire of the compatible API: `organization.invite`.

use domain::Error;
use domain::access::{OrganizationRole, Permission, ProjectRole};
use domain::audit::Verb;
use domain::ids::{InviteId, ProjectId};
use domain::invites::Invite;
use domain::page::Order;
use domain::routes::{Access, Method};
use domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::operations::{NewInvite, create_invite, list_invites, read_invite, resend_invite, revoke_invite};
use crate::members::api::{DeletedJson, wanted_role};
use crate::{Answer, Call, Endpoint, Failure, ListJson, api};

/// A role in one project.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct InviteProjectJson {
    /// The project's id.
    pub id: String,
    /// `owner` or `member`; `viewer` can be asked for too.
    pub role: String,
    /// The exact role; wins over `role`.
    pub bailiwick_role: Option<String>,
}

/// An invitation.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct InviteJson {
    /// Its id.
    pub id: String,
    /// Always `organization.invite`.
    pub object: String,
    /// The only address that can accept it.
    pub email: String,
    /// `owner` for an Admin, else `reader`.
    pub role: String,
    /// The exact role: `admin`, `member`, `finance` or `auditor`.
    pub bailiwick_role: String,
    /// `pending`, `accepted` or `expired`.
    pub status: String,
    /// When it was sent, in Unix seconds.
    pub created_at: i64,
    /// From when it cannot be accepted, in Unix seconds.
    pub expires_at: i64,
    /// When it was accepted, in Unix seconds.
    pub accepted_at: Option<i64>,
    /// The project roles that it gives.
    pub projects: Vec<InviteProjectJson>,
    /// The link to pass on; only in the answer that makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// What an invitation takes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct NewInviteJson {
    /// The only address that can accept it.
    pub email: String,
    /// `owner` or `reader`.
    pub role: Option<String>,
    /// The exact role: `admin`, `member`, `finance` or `auditor`. Wins over `role`.
    pub bailiwick_role: Option<String>,
    /// The project roles that it gives.
    pub projects: Option<Vec<InviteProjectJson>>,
}

/// Which invitations to list.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[allow(dead_code, reason = "describes the query; the values are read one by one")]
pub struct InvitesQuery {
    /// The id after which the page starts.
    after: Option<String>,
    /// 1 to 100; 20 when absent.
    limit: Option<i64>,
}

pub(super) fn shown(invite: Invite, at: Timestamp) -> InviteJson {
    let project = |(id, role): (ProjectId, ProjectRole)| InviteProjectJson {
        id: id.to_string(),
        role: role.wire().to_owned(),
        bailiwick_role: Some(role.name().to_owned()),
    };
    InviteJson {
        id: invite.id.to_string(),
        object: "organization.invite".to_owned(),
        status: invite.status(at).name().to_owned(),
        email: invite.email,
        role: invite.role.wire().to_owned(),
        bailiwick_role: invite.role.name().to_owned(),
        created_at: invite.created_at.unix_seconds(),
        expires_at: invite.expires_at.unix_seconds(),
        accepted_at: invite.accepted_at.map(Timestamp::unix_seconds),
        projects: invite.projects.into_iter().map(project).collect(),
        url: None,
    }
}

/// The rows of this noun.
pub fn endpoints() -> Vec<Endpoint> {
    const LIST: &str = "/v1/organization/invites";
    const ONE: &str = "/v1/organization/invites/{invite_id}";
    const RESEND: &str = "/v1/organization/invites/{invite_id}/resend";
    vec![
        api(Method::Get, LIST, "list_invites", "List invitations.")
            .needs(Access::Organization(Permission::InviteRead))
            .query::<InvitesQuery>()
            .answer::<ListJson<InviteJson>>()
            .to(list),
        api(Method::Post, LIST, "create_invite", "Invite a person to the organization and to projects.")
            .needs(Access::Organization(Permission::InviteManage))
            .audited(Verb::InviteSent)
            .body::<NewInviteJson>()
            .answer::<InviteJson>()
            .to(create),
        api(Method::Get, ONE, "read_invite", "Read one invitation.")
            .needs(Access::Organization(Permission::InviteRead))
            .answer::<InviteJson>()
            .to(read),
        api(Method::Delete, ONE, "revoke_invite", "Revoke an invitation that was not accepted.")
            .needs(Access::Organization(Permission::InviteManage))
            .audited(Verb::InviteRevoked)
            .answer::<DeletedJson>()
            .to(revoke),
        api(
            Method::Post,
            RESEND,
            "resend_invite",
            "Send an invitation again, with another link; the old one is dead.",
        )
        .needs(Access::Organization(Permission::InviteManage))
        .audited(Verb::InviteResent)
        .answer::<InviteJson>()
        .to(resend),
    ]
}

async fn list(call: Call) -> Result<Answer, Failure> {
    let page = call.query.page::<InviteId>(20, 100, Order::Ascending)?;
    let invites = list_invites(&call.control, &call.grant, &page).await?;
    let invites = invites.map(|invite| shown(invite, call.at));
    Ok(Answer::json(ListJson::of(invites, |invite| &invite.id)))
}

async fn read(call: Call) -> Result<Answer, Failure> {
    let invite = read_invite(&call.control, &call.grant, call.path("invite_id")?).await?;
    Ok(Answer::json(shown(invite, call.at)))
}

async fn create(call: Call) -> Result<Answer, Failure> {
    let body: NewInviteJson = call.json()?;
    let role = wanted_role(body.bailiwick_role.as_deref(), body.role.as_deref(), None)?;
    let projects = body.projects.unwrap_or_default().iter().map(project_role).collect::<Result<_, _>>()?;
    let new = NewInvite { email: body.email, role: role.unwrap_or(OrganizationRole::Member), projects };
    let sent = create_invite(&call.control, &call.grant, new).await?;
    Ok(Answer::json(InviteJson { url: Some(sent.url), ..shown(sent.invite, call.at) }))
}

async fn resend(call: Call) -> Result<Answer, Failure> {
    let sent = resend_invite(&call.control, &call.grant, call.path("invite_id")?).await?;
    Ok(Answer::json(InviteJson { url: Some(sent.url), ..shown(sent.invite, call.at) }))
}

async fn revoke(call: Call) -> Result<Answer, Failure> {
    let id: InviteId = call.path("invite_id")?;
    revoke_invite(&call.control, &call.grant, id).await?;
    let object = "organization.invite.deleted".to_owned();
    Ok(Answer::json(DeletedJson { object, id: id.to_string(), deleted: true }))
}

fn project_role(wanted: &InviteProjectJson) -> Result<(ProjectId, ProjectRole), Error> {
    let word = wanted.bailiwick_role.as_ref().unwrap_or(&wanted.role);
    let role = ProjectRole::parse(word)
        .ok_or_else(|| Error::invalid_param("invalid_role", "projects", "Use owner, member or viewer."))?;
    let project = wanted.id.parse().map_err(|_| Error::Hidden { what: "project" })?;
    Ok((project, role))
}
