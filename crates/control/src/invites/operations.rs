//! What an inviter can do: send an invitation, see it, revoke it.

use domain::Error;
use domain::access::{Grant, OrganizationRole, ProjectRole};
use domain::api_keys;
use domain::audit::{AuditEntry, Verb};
use domain::ids::{InviteId, ProjectId};
use domain::invites::{INVITE_LIFETIME, Invite};
use domain::messages::Letter;
use domain::page::{Page, PageRequest};
use domain::policy::{Mode, Setting, Warned};
use domain::text;
use serde_json::{Value, json};
use store::Change;

use crate::{Control, Failure, policy};

/// What an invitation takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewInvite {
    /// The only address that can accept it.
    pub email: String,
    /// The role it gives in the organization.
    pub role: OrganizationRole,
    /// The project roles it gives.
    pub projects: Vec<(ProjectId, ProjectRole)>,
}

/// An invitation with its link, which is shown only now.
#[derive(Clone, Debug)]
pub struct SentInvite {
    /// The invitation.
    pub invite: Invite,
    /// The link to pass on.
    pub url: String,
}

/// Makes an invitation into the grant's organization, within what the inviter may give now; acceptance asks again.
///
/// # Errors
/// `invalid_email`, `already_member`; `wider_than_giver`, `owners_do_not_invite`; `not_found` for a project that is
/// not there.
pub async fn create_invite(control: &Control, grant: &Grant, new: NewInvite) -> Result<SentInvite, Failure> {
    let actor = grant.actor().ok_or(Error::Hidden { what: "user" })?;
    let organization_id = grant.organization_id().ok_or(Error::Hidden { what: "organization" })?;
    let mut projects = new.projects;
    projects.sort_unstable();
    projects.dedup_by_key(|(project, _)| *project);
    let at = control.now();
    let invite = Invite {
        id: InviteId::mint(control.ambient.as_ref()),
        organization_id,
        email: text::email(&new.email)?,
        role: new.role,
        projects,
        invited_by: actor.user_id,
        created_at: at,
        expires_at: at.plus_micros(INVITE_LIFETIME),
        accepted_at: None,
        revoked_at: None,
    };
    may_invite(control, grant, &invite).await?;
    let token = api_keys::opaque_token(control.ambient.as_ref());
    let mut change = control.change(grant).await?;
    change.insert_invite(&invite, &control.secrets.pepper().hash(token.reveal())).await?;
    let url = format!("{}/invites/{}", control.settings.public_url, token.reveal());
    if control.settings.mail_is_on {
        mail(control, &mut change, grant, (&invite, &url)).await?;
    }
    let entry = AuditEntry::new(Verb::InviteSent, invite.id).after(shown(&invite));
    control.commit(change, entry).await?;
    Ok(SentInvite { invite, url })
}

/// Sends an invitation again: with another link, which works as long as a new one, and as if the caller had invited.
/// The link before is worthless.
///
/// # Errors
/// `not_found`; `wider_than_giver`, `owners_do_not_invite`; `invite_accepted`, `already_member`.
pub async fn resend_invite(control: &Control, grant: &Grant, id: InviteId) -> Result<SentInvite, Failure> {
    let actor = grant.actor().ok_or(Error::Hidden { what: "user" })?;
    let before = control.store.invite(grant, id).await?;
    let expires_at = control.now().plus_micros(INVITE_LIFETIME);
    let invite = Invite { invited_by: actor.user_id, expires_at, ..before.clone() };
    may_invite(control, grant, &invite).await?;
    let token = api_keys::opaque_token(control.ambient.as_ref());
    let mut change = control.change(grant).await?;
    change.renew_invite(grant, &invite, &control.secrets.pepper().hash(token.reveal())).await?;
    let url = format!("{}/invites/{}", control.settings.public_url, token.reveal());
    if control.settings.mail_is_on {
        mail(control, &mut change, grant, (&invite, &url)).await?;
    }
    let until =
        |invite: &Invite| json!({"email": invite.email, "expires_at": invite.expires_at.unix_seconds()});
    let entry = AuditEntry::new(Verb::InviteResent, id).before(until(&before)).after(until(&invite));
    control.commit(change, entry).await?;
    Ok(SentInvite { invite, url })
}

/// Writes the mail that carries an invitation's link.
async fn mail(
    control: &Control,
    change: &mut Change,
    grant: &Grant,
    (invite, url): (&Invite, &str),
) -> Result<(), Failure> {
    let organization = control.store.organization(grant).await?;
    let letter = Letter::Invite {
        organization: organization.name,
        inviter: grant.actor().map(|actor| actor.email.clone()).unwrap_or_default(),
        link: url.to_owned(),
        expires: invite.expires_at.to_string(),
    };
    change.insert_mail(organization.id, &invite.email, &letter, &control.secrets).await?;
    Ok(())
}

/// Whether the caller may give what an invitation gives.
async fn may_invite(control: &Control, grant: &Grant, invite: &Invite) -> Result<(), Failure> {
    grant.may_give(invite.role.permissions(), None)?;
    for (project, role) in &invite.projects {
        grant.may_give(role.permissions(), Some(*project))?;
    }
    let standing = grant.actor().and_then(|actor| actor.standing.as_ref());
    let is_within =
        |owners_invite| standing.is_some_and(|standing| invite.is_within(standing, owners_invite));
    if is_within(false) {
        return Ok(());
    }
    let says = policy::in_organization(control, grant, Setting::Invitations).await?.judge_owners_invitation();
    if is_within(says != Mode::Enforce) {
        if says == Mode::Warn {
            control.warn(Warned {
                organization_id: invite.organization_id,
                setting: Setting::Invitations,
                project_id: invite.projects.first().map(|(project, _)| *project),
                key_id: None,
                subject: invite.email.clone(),
            });
        }
        return Ok(());
    }
    let sentence = "Here only who has invite.manage invites new people. An Admin can invite them, or let Project \
                    Owners invite into their projects.";
    Err(Error::forbidden("owners_do_not_invite", sentence).into())
}

/// Invitations that were not revoked.
///
/// # Errors
/// `store_unavailable`.
pub async fn list_invites(
    control: &Control,
    grant: &Grant,
    page: &PageRequest,
) -> Result<Page<Invite>, Failure> {
    Ok(control.store.invites(grant, page).await?)
}

/// One invitation.
///
/// # Errors
/// `not_found`.
pub async fn read_invite(control: &Control, grant: &Grant, id: InviteId) -> Result<Invite, Failure> {
    Ok(control.store.invite(grant, id).await?)
}

/// Makes an invitation's link worthless.
///
/// # Errors
/// `not_found`; `invite_accepted`.
pub async fn revoke_invite(control: &Control, grant: &Grant, id: InviteId) -> Result<(), Failure> {
    let before = control.store.invite(grant, id).await?;
    let mut change = control.change(grant).await?;
    change.revoke_invite(grant, id).await?;
    control.commit(change, AuditEntry::new(Verb::InviteRevoked, id).before(shown(&before))).await
}

/// What the trail keeps of an invitation.
pub(super) fn shown(invite: &Invite) -> Value {
    let projects: Vec<Value> =
        invite.projects.iter().map(|(id, role)| json!({"id": id, "role": role.name()})).collect();
    json!({"email": invite.email, "role": invite.role.name(), "projects": projects})
}
