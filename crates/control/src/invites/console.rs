//! The console's rows of invitations: accepting one, sending one, revoking one.

use std::str::FromStr as _;

use domain::Error;
use domain::access::{OrganizationRole, Permission, ProjectRole};
use domain::audit::Verb;
use domain::ids::ProjectId;
use domain::routes::{Access, Method};
use store::OfferedInvite;

use super::pages::AcceptInvitePage;
use super::{
    Accepting, NewInvite, SentInvite, accept_invite, create_invite, has_account, offered_invite,
    resend_invite, revoke_invite,
};
use crate::accounts::console::PASSWORD_LENGTH;
use crate::accounts::sign_in::open_session;
use crate::http::console;
use crate::members::console::members_page_with;
use crate::members::pages::ShownLink;
use crate::{Answer, Call, Endpoint, Failure, Query, page};

/// What the name of a project's select starts with.
const PROJECT_ROLE: &str = "project_role.";

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        page(Method::Get, "/invites/{token}", "accept_invite_page", "The page behind an invitation's link.")
            .needs(Access::Public)
            .to(accept_page),
        page(Method::Post, "/invites/{token}", "accept_invite_form", "Accept an invitation.")
            .needs(Access::Public)
            .audited(Verb::InviteAccepted)
            .to(accept),
        page(Method::Post, "/o/{slug}/invites", "create_invite_form", "Invite somebody.")
            .needs(Access::Organization(Permission::InviteManage))
            .audited(Verb::InviteSent)
            .to(create),
        page(
            Method::Post,
            "/o/{slug}/invites/{invite_id}/revoke",
            "revoke_invite_form",
            "Revoke an invitation.",
        )
        .needs(Access::Organization(Permission::InviteManage))
        .audited(Verb::InviteRevoked)
        .to(revoke),
        page(
            Method::Post,
            "/o/{slug}/invites/{invite_id}/resend",
            "resend_invite_form",
            "Send an invitation again, with another link.",
        )
        .needs(Access::Organization(Permission::InviteManage))
        .audited(Verb::InviteResent)
        .to(resend),
    ]
}

async fn accept_page(call: Call) -> Result<Answer, Failure> {
    let offered = offered_invite(&call.control, call.path_text("token")).await?;
    console::page(&filled(&call, offered).await?)
}

async fn filled(call: &Call, offered: OfferedInvite) -> Result<AcceptInvitePage, Failure> {
    let has_account = has_account(&call.control, &offered.invite).await?;
    let role = |(name, role): (String, ProjectRole)| (name, role.title().to_owned());
    Ok(AcceptInvitePage {
        bare: console::bare(call, "Invitation"),
        token: call.path_text("token").to_owned(),
        organization: offered.organization,
        invited_by: offered.inviter,
        role: offered.invite.role.title().to_owned(),
        projects: offered.projects.into_iter().map(role).collect(),
        is_signed_in: is_theirs(call, &offered.invite.email),
        email: offered.invite.email,
        name: call.form().text("name").to_owned(),
        has_account,
        password_length: PASSWORD_LENGTH,
    })
}

/// Whether the person of this address is signed in here.
fn is_theirs(call: &Call, email: &str) -> bool {
    call.person.as_ref().is_some_and(|actor| actor.email == email)
}

async fn accept(call: Call) -> Result<Answer, Failure> {
    let offered = offered_invite(&call.control, call.path_text("token")).await?;
    match accept_and_enter(&call, &offered).await {
        Ok(answer) => Ok(answer),
        Err(failure) if failure.code() == "invite_not_valid" => Err(failure),
        Err(failure) => {
            let status = failure.status();
            let flash = console::refusal(failure)?;
            let mut page = filled(&call, offered).await?;
            page.bare.flashes.push(flash);
            Ok(console::page(&page)?.status(status))
        }
    }
}

async fn accept_and_enter(call: &Call, offered: &OfferedInvite) -> Result<Answer, Failure> {
    let form = call.form();
    let (control, token) = (&call.control, call.path_text("token"));
    let signed_in = call.person.as_ref().filter(|actor| actor.email == offered.invite.email);
    let accepting = match signed_in {
        Some(actor) => Accepting::SignedIn(actor),
        None if has_account(control, &offered.invite).await? => Accepting::Password(form.text("password")),
        None => Accepting::New { name: form.text("name"), password: form.text("password") },
    };
    let accepted = accept_invite(control, token, accepting, &call.origin).await?;
    let answer = Answer::redirect(&format!("/o/{}", accepted.slug));
    if signed_in.is_some() {
        return Ok(answer);
    }
    let opened = open_session(control, &accepted.user, &call.origin).await?;
    Ok(answer.cookie(&opened.cookie))
}

async fn create(call: Call) -> Result<Answer, Failure> {
    let created = match asked(&call.form()) {
        Ok(new) => create_invite(&call.control, &call.grant, new).await,
        Err(error) => Err(error.into()),
    };
    show(&call, created).await
}

async fn resend(call: Call) -> Result<Answer, Failure> {
    let sent = resend_invite(&call.control, &call.grant, call.path("invite_id")?).await;
    show(&call, sent).await
}

/// The page of members with the link, which is shown only now: it goes into this very answer and nowhere else.
async fn show(call: &Call, sent: Result<SentInvite, Failure>) -> Result<Answer, Failure> {
    match sent {
        Ok(sent) => {
            let how = match call.control.settings.mail_is_on {
                true => "It is on its way by mail; you can also pass it on.",
                false => "No mail server is configured, so nothing was sent.",
            };
            let text =
                format!("{how} The link works once, only for the invited address. It is shown only now.");
            let link = ShownLink { label: "Invitation link", text, url: sent.url };
            members_page_with(call, Some(link), None).await
        }
        Err(failure) => {
            let status = failure.status();
            let flash = console::refusal(failure)?;
            Ok(members_page_with(call, None, Some(flash)).await?.status(status))
        }
    }
}

fn asked(form: &Query) -> Result<NewInvite, Error> {
    let bad_role =
        |name: &'static str| Error::invalid_param("invalid_role", name, "Choose one of the roles.");
    let role = OrganizationRole::parse(form.text("role")).ok_or_else(|| bad_role("role"))?;
    let mut projects = Vec::new();
    for (name, value) in form.with_prefix(PROJECT_ROLE) {
        let project = ProjectId::from_str(name).map_err(|_| Error::Hidden { what: "project" })?;
        projects.push((project, ProjectRole::parse(value).ok_or_else(|| bad_role("project_role"))?));
    }
    Ok(NewInvite { email: form.text("email").to_owned(), role, projects })
}

async fn revoke(call: Call) -> Result<Answer, Failure> {
    let revoked = revoke_invite(&call.control, &call.grant, call.path("invite_id")?).await;
    let to = format!("/o/{}/members", call.path_text("slug"));
    console::back(&call, &to, revoked.map(|()| "The invitation is revoked."))
}
