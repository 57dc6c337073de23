//! One's own account: who one is, password, sessions, organizations.

use domain::Error;
use domain::access::{Actor, Credential, Grant};
use domain::audit::{AuditEntry, Verb};
use domain::ids::SessionId;
use domain::members::{self, User};
use serde_json::json;
use store::{Belonging, Session};

use super::set_up::wrong_password;
use super::sign_in;
use crate::{Control, Failure};

/// The acting person.
///
/// # Errors
/// `not_found` when the account was removed meanwhile.
pub async fn whoami(control: &Control, actor: &Actor) -> Result<User, Failure> {
    let account = control.store.account(actor.user_id).await?;
    Ok(account.ok_or(Error::Hidden { what: "user" })?.user)
}

/// The organizations of the acting person with their role in each: the switcher.
///
/// # Errors
/// `store_unavailable`.
pub async fn organizations(control: &Control, actor: &Actor) -> Result<Vec<Belonging>, Failure> {
    Ok(control.store.organizations_of(actor.user_id).await?)
}

/// Where the acting person is signed in, newest first.
///
/// # Errors
/// `store_unavailable`.
pub async fn sessions(control: &Control, actor: &Actor) -> Result<Vec<Session>, Failure> {
    let at = control.now();
    let idle_since = at.plus_micros(-control.settings.session_idle_micros);
    Ok(control.store.sessions_of(actor.user_id, at, idle_since).await?)
}

/// Sets a new password and ends every other session.
///
/// # Errors
/// `wrong_password`, `weak_password`, `too_many_attempts`; `password_changed` when another change came first.
pub async fn change_password(control: &Control, grant: &Grant, old: &str, new: &str) -> Result<(), Failure> {
    let actor = grant.actor().ok_or(Error::Hidden { what: "user" })?;
    let new = members::password(new)?;
    let proved = sign_in::prove(control, &actor.email, old, &actor.origin).await?;
    let before = proved.and_then(|account| account.password_hash).ok_or_else(wrong_password)?;
    let after = control.passwords().hash(new, control.ambient.as_ref()).await?;
    let mut change = begin(control, grant, actor).await?;
    if !change.set_password_hash(actor.user_id, &before, &after).await? {
        return Err(Error::conflict("password_changed", "The password was changed meanwhile.").into());
    }
    let ended = change.end_sessions(actor.user_id, this_session(actor)).await?;
    let entry = AuditEntry::new(Verb::PasswordChanged, actor.user_id).after(json!({"sessions_ended": ended}));
    control.commit(change, entry).await
}

/// Ends the session of this browser.
///
/// # Errors
/// `store_unavailable`.
pub async fn sign_out(control: &Control, grant: &Grant) -> Result<(), Failure> {
    let actor = grant.actor().ok_or(Error::Hidden { what: "user" })?;
    match this_session(actor) {
        Some(session) => end_session(control, grant, session).await,
        None => Ok(()),
    }
}

/// Ends one of the acting person's sessions.
///
/// # Errors
/// `not_found`.
pub async fn end_session(control: &Control, grant: &Grant, session: SessionId) -> Result<(), Failure> {
    let actor = grant.actor().ok_or(Error::Hidden { what: "user" })?;
    let mut change = begin(control, grant, actor).await?;
    if !change.end_session(actor.user_id, session).await? {
        return Err(Error::Hidden { what: "session" }.into());
    }
    control.commit(change, AuditEntry::new(Verb::SignedOut, session)).await
}

/// Ends every session of the acting person, this one too.
///
/// # Errors
/// `store_unavailable`.
pub async fn sign_out_everywhere(control: &Control, grant: &Grant) -> Result<(), Failure> {
    let actor = grant.actor().ok_or(Error::Hidden { what: "user" })?;
    let mut change = begin(control, grant, actor).await?;
    let ended = change.end_sessions(actor.user_id, None).await?;
    let entry = AuditEntry::new(Verb::SignedOut, actor.user_id).after(json!({"sessions_ended": ended}));
    control.commit(change, entry).await
}

/// A change of one's account goes into the chain of the organization in which one stands, else of the first one.
pub(super) async fn begin(control: &Control, grant: &Grant, actor: &Actor) -> Result<store::Change, Failure> {
    let mut change = control.change(grant).await?;
    if let Some(standing) = &actor.standing {
        change.belongs_to(standing.organization_id);
    }
    Ok(change)
}

pub(super) fn this_session(actor: &Actor) -> Option<SessionId> {
    match actor.credential {
        Credential::Session(id) => Some(id),
        _ => None,
    }
}
