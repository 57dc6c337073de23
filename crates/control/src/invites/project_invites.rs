//! Invitations into one project: `/v1/organization/projects/{project_id}/invites`. Project Owners send them where the
//! organization lets them; they give the role of Member in the organization and a role in the project.

use domain::Error;
use domain::access::{Grant, OrganizationRole, Permission, ProjectRole};
use domain::audit::Verb;
use domain::ids::{InviteId, ProjectId};
use domain::invites::Invite;
use domain::page::{Order, Page, PageRequest};
use domain::routes::{Access, Method};
use schemars::JsonSchema;
use serde::Deserialize;

use super::api::{InviteJson, shown};
use super::operations::{NewInvite, SentInvite, create_invite, read_invite, revoke_invite};
use crate::http::list_query::OrderedListQuery;
use crate::members::api::DeletedJson;
use crate::{Answer, Call, Control, Endpoint, Failure, ListJson, api};

/// Invites somebody into the organization as Member, and into a project.
///
/// # Errors
/// Those of `create_invite`.
pub async fn create_project_invite(
    control: &Control,
    grant: &Grant,
    project: ProjectId,
    email: String,
    role: ProjectRole,
) -> Result<SentInvite, Failure> {
    let new = NewInvite { email, role: OrganizationRole::Member, projects: vec![(project, role)] };
    create_invite(control, grant, new).await
}

/// A page of the invitations into a project that were not revoked, each with what it gives there alone.
///
/// # Errors
/// `Hidden` when there is no such project within reach.
pub async fn list_project_invites(
    control: &Control,
    grant: &Grant,
    project: ProjectId,
    page: &PageRequest,
) -> Result<Page<Invite>, Failure> {
    control.store.project(grant, project).await?;
    Ok(control.store.invites_of_project(grant, project, page).await?)
}

/// Makes an invitation into just this project worthless.
///
/// # Errors
/// `invite_gives_more` when it gives something outside of the project; `Hidden`; conflict `invite_accepted`.
pub async fn revoke_project_invite(
    control: &Control,
    grant: &Grant,
    project: ProjectId,
    id: InviteId,
) -> Result<(), Failure> {
    let invite = read_invite(control, grant, id).await?;
    let is_into = |wanted: bool| invite.projects.iter().any(|(id, _)| (*id == project) == wanted);
    if !is_into(true) {
        return Err(Error::Hidden { what: "invite" }.into());
    }
    if is_into(false) || invite.role != OrganizationRole::Member {
        let sentence = "This invitation gives more than a role in this project. Ask an Admin to revoke it.";
        return Err(Error::forbidden("invite_gives_more", sentence).into());
    }
    revoke_invite(control, grant, id).await
}

/// Whom to invite into the project.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct NewProjectInviteJson {
    /// The only address that can accept it.
    pub email: String,
    /// `owner`, `member` (the default) or `viewer`.
    pub role: Option<String>,
}

async fn create(call: Call) -> Result<Answer, Failure> {
    let project = call.path::<ProjectId>("project_id")?;
    let body = call.json::<NewProjectInviteJson>()?;
    let role = ProjectRole::parse(body.role.as_deref().unwrap_or("member"))
        .ok_or_else(|| Error::invalid_param("invalid_role", "role", "Use owner, member or viewer."))?;
    let sent = create_project_invite(&call.control, &call.grant, project, body.email, role).await?;
    Ok(Answer::json(InviteJson { url: Some(sent.url), ..shown(sent.invite, call.at) }))
}

async fn list(call: Call) -> Result<Answer, Failure> {
    let project = call.path::<ProjectId>("project_id")?;
    let page = call.query.page::<InviteId>(20, 100, Order::Ascending)?;
    let invites = list_project_invites(&call.control, &call.grant, project, &page).await?;
    Ok(Answer::json(ListJson::of(invites.map(|invite| shown(invite, call.at)), |invite| &invite.id)))
}

async fn revoke(call: Call) -> Result<Answer, Failure> {
    let (project, id) = (call.path::<ProjectId>("project_id")?, call.path::<InviteId>("invite_id")?);
    revoke_project_invite(&call.control, &call.grant, project, id).await?;
    let object = "organization.invite.deleted".to_owned();
    Ok(Answer::json(DeletedJson { object, id: id.to_string(), deleted: true }))
}

/// The rows of this noun.
pub fn endpoints() -> Vec<Endpoint> {
    const ALL: &str = "/v1/organization/projects/{project_id}/invites";
    const ONE: &str = "/v1/organization/projects/{project_id}/invites/{invite_id}";
    let needed = Access::Project(Permission::ProjectInvite);
    vec![
        api(
            Method::Post,
            ALL,
            "create_project_invite",
            "Invite somebody new into a project, as Member of the organization.",
        )
        .needs(needed)
        .audited(Verb::InviteSent)
        .body::<NewProjectInviteJson>()
        .answer::<InviteJson>()
        .to(create),
        api(Method::Get, ALL, "list_project_invites", "List the invitations into a project.")
            .needs(Access::Project(Permission::ProjectInviteRead))
            .query::<OrderedListQuery>()
            .answer::<ListJson<InviteJson>>()
            .to(list),
        api(
            Method::Delete,
            ONE,
            "revoke_project_invite",
            "Revoke an invitation that gives a role in this project alone.",
        )
        .needs(needed)
        .audited(Verb::InviteRevoked)
        .answer::<DeletedJson>()
        .to(revoke),
    ]
}
