//! Accepting an invitation: once, by its address, within what the inviter may give at that moment.

use domain::Error;
use domain::access::{Actor, Grant, Origin, Task};
use domain::audit::{AuditActor, AuditEntry, Verb};
use domain::invites::Invite;
use domain::members::User;
use domain::policy::{Mode, Setting};
use store::{Change, OfferedInvite};

use super::operations::shown;
use crate::accounts::set_up::{Newcomer, wrong_password};
use crate::accounts::sign_in;
use crate::{Control, Failure, policy};

/// How the holder of the link proves to be the person of the address.
#[derive(Clone, Copy)]
pub enum Accepting<'a> {
    /// Signed in here already.
    SignedIn(&'a Actor),
    /// With the password of the account that the address has.
    Password(&'a str),
    /// With a new account.
    New {
        /// The name people read.
        name: &'a str,
        /// The password chosen.
        password: &'a str,
    },
}

/// An accepted invitation; open a session with `accounts::sign_in::open_session` where none is open.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The new member.
    pub user: User,
    /// The word in the organization's addresses.
    pub slug: String,
}

/// The invitation behind a link, while it can be accepted.
///
/// # Errors
/// `invite_not_valid` for every cause alike.
pub async fn offered_invite(control: &Control, token: &str) -> Result<OfferedInvite, Failure> {
    let offered = control.store.invite_of_token(&control.secrets.pepper().hash(token)).await?;
    let offered = offered.ok_or_else(not_valid)?;
    offered.invite.accept(&offered.invite.email, control.now(), true)?;
    Ok(offered)
}

/// Whether the address of an invitation has an account, so that its password is asked for.
///
/// # Errors
/// `store_unavailable`.
pub async fn has_account(control: &Control, invite: &Invite) -> Result<bool, Failure> {
    Ok(control.store.account_of_email(&invite.email).await?.is_some())
}

/// Accepts the invitation behind a link.
///
/// # Errors
/// `invite_not_valid`; `wrong_password`; `account_exists` when a new account was asked for under an address that
/// has one; `weak_password`, `invalid_name`, `too_many_attempts`.
pub async fn accept_invite(
    control: &Control,
    token: &str,
    accepting: Accepting<'_>,
    origin: &Origin,
) -> Result<Accepted, Failure> {
    let offered = offered_invite(control, token).await?;
    let invite = &offered.invite;
    let person = person_of(control, invite, accepting, origin).await?;
    let grant = Grant::system(Task::AcceptInvite, Some(invite.organization_id));
    let mut change = control.change(&grant).await?;
    if !change.take_invite(invite, &control.secrets.pepper().hash(token)).await? {
        return Err(not_valid());
    }
    let inviter = change.standing(invite.invited_by, invite.organization_id).await?;
    let says =
        policy::in_organization(control, &grant, Setting::Invitations).await?.judge_owners_invitation();
    let owners_invite = says != Mode::Enforce;
    let inviter_may = inviter.is_some_and(|standing| invite.is_within(&standing, owners_invite));
    invite.accept(&person.user.email, control.now(), inviter_may)?;
    join(&mut change, invite, &person).await?;
    change.acted_by(actor_of(&person.user, accepting, origin));
    control.commit(change, AuditEntry::new(Verb::InviteAccepted, invite.id).after(shown(invite))).await?;
    Ok(Accepted { user: person.user, slug: offered.slug })
}

async fn person_of(
    control: &Control,
    invite: &Invite,
    accepting: Accepting<'_>,
    origin: &Origin,
) -> Result<Newcomer, Failure> {
    match accepting {
        Accepting::SignedIn(actor) => {
            let account = control.store.account(actor.user_id).await?;
            let user = account.map(|account| account.user).filter(|user| user.email == invite.email);
            Ok(Newcomer { user: user.ok_or_else(not_valid)?, password_hash: None })
        }
        Accepting::Password(password) => {
            let account = sign_in::prove(control, &invite.email, password, origin).await?;
            Ok(Newcomer { user: account.ok_or_else(wrong_password)?.user, password_hash: None })
        }
        Accepting::New { .. } if has_account(control, invite).await? => Err(account_exists()),
        Accepting::New { name, password } => {
            Newcomer::new(control, invite.email.clone(), name, password).await
        }
    }
}

async fn join(change: &mut Change, invite: &Invite, person: &Newcomer) -> Result<(), Failure> {
    if let Some(hash) = &person.password_hash {
        change.insert_user(&person.user, hash).await.map_err(|error| {
            if error.is_conflict("already_exists") { account_exists() } else { error.into() }
        })?;
    }
    change
        .insert_member(invite.organization_id, person.user.id, invite.role, Some(invite.invited_by))
        .await?;
    change.give_invited_projects(invite.id, person.user.id).await?;
    Ok(())
}

fn actor_of(user: &User, accepting: Accepting<'_>, origin: &Origin) -> AuditActor {
    match accepting {
        Accepting::SignedIn(actor) => store::actor_of(actor),
        Accepting::Password(_) | Accepting::New { .. } => AuditActor {
            kind: "user".to_owned(),
            id: user.id.to_string(),
            email: Some(user.email.clone()),
            credential_kind: "invite".to_owned(),
            address: origin.address.map(|address| address.to_string()),
            user_agent: origin.user_agent.clone(),
            request_id: origin.request_id.map(|id| id.to_string()),
            ..AuditActor::default()
        },
    }
}

fn not_valid() -> Failure {
    Error::invalid("invite_not_valid", "This invitation is no longer valid. Ask for a new one.").into()
}

fn account_exists() -> Failure {
    Error::conflict("account_exists", "This address has an account. Accept with its password.").into()
}
