//! Links about one's own account: a password set anew, a change of address by proof of both addresses.
//!
//! A link goes to its address by mail; for a change of address first to the present one, then to the new one. Where
//! there is no mail server, or the present address is lost, somebody vouches who stands above the person and to whose
//! organization alone the person belongs; the operator does for anybody. Both rules are asked again when the link is used.

use std::time::Duration;

use domain::Error;
use domain::access::{Actor, Grant, Origin, Task};
use domain::accounts::{
    ASKED_LIFETIME, AccountLink, LinkKind, Voucher, belongs_here_alone, link_not_valid, still_vouches,
};
use domain::api_keys;
use domain::audit::{AuditEntry, Verb};
use domain::ids::{OrganizationId, UserId};
use domain::members;
use domain::messages::Letter;
use domain::text;
use domain::time::Timestamp;
use serde_json::json;
use store::Change;

use super::own::{begin, this_session};
use super::set_up::wrong_password;
use super::sign_in::{self, Tries};
use crate::projects::organization_of;
use crate::{Control, Failure};

/// How long asking for a link to set a password anew takes at least, which is more than making one takes.
const RESET_ANSWER_TIME: Duration = Duration::from_millis(250);

/// A link that was made for a person.
#[derive(Clone, Debug)]
pub struct OfferedLink {
    /// Whose account it is about.
    pub user_id: UserId,
    /// The address to which it belongs.
    pub email: String,
    /// The link to pass on, shown only now; none where it goes there by mail.
    pub url: Option<String>,
    /// Until when it works.
    pub expires_at: Timestamp,
}

/// Makes the link with which a member sets their password anew.
///
/// # Errors
/// `not_found`; `own_account`; `higher_rank`; `cannot_vouch`.
pub async fn offer_password_reset(
    control: &Control,
    grant: &Grant,
    user: UserId,
) -> Result<OfferedLink, Failure> {
    let organization = organization_of(grant)?;
    let mut change = control.change(grant).await?;
    let voucher = vouch(&mut change, grant, user, control.settings.mail_is_on).await?;
    let person = change.member_user(organization, user).await?;
    let link = new_link(LinkKind::PasswordReset, (user, person.email), voucher, change.at());
    let offered = offer(control, &mut change, &link, Some(organization)).await?;
    let entry = AuditEntry::new(Verb::PasswordResetOffered, user).after(facts(&offered));
    control.commit(change, entry).await?;
    Ok(offered)
}

/// Makes the link that confirms the new address for which a member asked, and vouches in place of the present one.
///
/// # Errors
/// `not_found`, also when they asked for none; `own_account`; `higher_rank`; `cannot_vouch`.
pub async fn offer_email_link(
    control: &Control,
    grant: &Grant,
    user: UserId,
) -> Result<OfferedLink, Failure> {
    let organization = organization_of(grant)?;
    let mut change = control.change(grant).await?;
    let voucher = vouch(&mut change, grant, user, false).await?;
    let asked = change.asked_email_change(user).await?.ok_or(Error::Hidden { what: "email change" })?;
    let link = new_link(LinkKind::EmailChange, (user, asked.email), voucher, change.at());
    let offered = offer(control, &mut change, &link, Some(organization)).await?;
    let entry = AuditEntry::new(Verb::EmailChangeOffered, user).after(facts(&offered));
    control.commit(change, entry).await?;
    Ok(offered)
}

/// Makes the link with which whoever has an address sets their password anew, on the operator's account. Returns it.
///
/// # Errors
/// `not_found` when the address has no account.
pub async fn offer_reset_by_operator(control: &Control, email: &str) -> Result<String, Failure> {
    let account = control.store.account_of_email(&text::email(email)?).await?;
    let user = account.ok_or(Error::Hidden { what: "user" })?.user;
    let organization = control.store.first_organization(user.id).await?;
    let mut change = control.change(&Grant::system(Task::Operator, organization)).await?;
    let link = new_link(LinkKind::PasswordReset, (user.id, user.email), None, change.at());
    let url = put(control, &mut change, &link).await?;
    let after = json!({"email": link.email, "expires_at": link.expires_at.unix_seconds()});
    let entry = AuditEntry::new(Verb::PasswordResetOffered, user.id).after(after);
    control.commit(change, entry).await?;
    Ok(url)
}

/// Mails the link with which a password is set anew to an address, if it has an account; neither the answer nor its
/// time tells whether it has.
///
/// # Errors
/// `no_mail_server`; `too_many_attempts`.
pub async fn mail_password_reset(control: &Control, email: &str, origin: &Origin) -> Result<(), Failure> {
    if !control.settings.mail_is_on {
        let sentence = "This server sends no mail. Ask an Admin of your organization for a link.";
        return Err(Error::conflict("no_mail_server", sentence).into());
    }
    let email = text::email(email)?;
    sign_in::count_try(control, Tries::Resets, &email, origin).await?;
    let (mailed, ()) =
        tokio::join!(mail_reset_link(control, email, origin), tokio::time::sleep(RESET_ANSWER_TIME));
    mailed
}

async fn mail_reset_link(control: &Control, email: String, origin: &Origin) -> Result<(), Failure> {
    let Some(account) = control.store.account_of_email(&email).await? else { return Ok(()) };
    let user = account.user;
    let Some(organization) = control.store.first_organization(user.id).await? else { return Ok(()) };
    let mut change = control.change(&Grant::system(Task::SignIn, Some(organization))).await?;
    let link = new_link(LinkKind::PasswordReset, (user.id, email), None, change.at());
    let offered = offer(control, &mut change, &link, Some(organization)).await?;
    change.acted_by(sign_in::actor_of(None, "none", origin));
    let entry = AuditEntry::new(Verb::PasswordResetOffered, user.id).after(facts(&offered));
    control.commit(change, entry).await
}

/// The link of a token, while it works.
///
/// # Errors
/// `link_not_valid` for every cause alike.
pub async fn offered_link(control: &Control, kind: LinkKind, token: &str) -> Result<AccountLink, Failure> {
    let hash = control.secrets.pepper().hash(token);
    let link = control.store.account_link(kind, &hash, control.now()).await?;
    Ok(link.ok_or_else(link_not_valid)?)
}

/// Sets the password anew by a link, and ends every session of the person.
///
/// # Errors
/// `link_not_valid`; `weak_password`.
pub async fn reset_password(
    control: &Control,
    token: &str,
    new: &str,
    origin: &Origin,
) -> Result<(), Failure> {
    let seen = offered_link(control, LinkKind::PasswordReset, token).await?;
    let hash = control.passwords().hash(members::password(new)?, control.ambient.as_ref()).await?;
    let account = control.store.account(seen.user_id).await?;
    let user = account.map(|account| account.user).filter(|user| user.email == seen.email);
    let user = user.ok_or_else(link_not_valid)?;
    let organization = match seen.voucher {
        Some(voucher) => Some(voucher.organization_id),
        None => control.store.first_organization(user.id).await?,
    };
    let mut change = control.change(&Grant::system(Task::SignIn, organization)).await?;
    take(control, &mut change, LinkKind::PasswordReset, (token, user.id)).await?;
    change.reset_password_hash(user.id, &hash).await?;
    // Who asked with the password before is asked nothing more.
    change.drop_account_links(user.id).await?;
    let ended = change.end_sessions(user.id, None).await?;
    change.acted_by(sign_in::actor_of(Some(&user), "password_reset", origin));
    let entry = AuditEntry::new(Verb::PasswordReset, user.id)
        .after(json!({"email": user.email, "sessions_ended": ended}));
    control.commit(change, entry).await
}

/// Asks for another address, with the present password: it holds once a link to the present address was opened, and
/// then one to the new address. Returns whether the first is on its way by mail.
///
/// # Errors
/// `invalid_email`, `same_email`; `wrong_password`, `too_many_attempts`.
pub async fn ask_email_change(
    control: &Control,
    grant: &Grant,
    password: &str,
    email: &str,
) -> Result<bool, Failure> {
    let actor = grant.actor().ok_or(Error::Hidden { what: "user" })?;
    let email = text::email(email)?;
    if email == actor.email {
        let sentence = "This is your address already.";
        return Err(Error::invalid_param("same_email", "email", sentence).into());
    }
    sign_in::prove(control, &actor.email, password, &actor.origin).await?.ok_or_else(wrong_password)?;
    let organization = control.store.first_organization(actor.user_id).await?;
    let mut change = begin(control, grant, actor).await?;
    let asked = new_link(LinkKind::EmailChange, (actor.user_id, email.clone()), None, change.at());
    let asked = AccountLink { expires_at: change.at().plus_micros(ASKED_LIFETIME), ..asked };
    change.put_account_link(&asked, None).await?;
    let is_mailed = control.settings.mail_is_on && organization.is_some();
    if is_mailed {
        let link = new_link(LinkKind::EmailRelease, (actor.user_id, email), None, change.at());
        offer(control, &mut change, &link, organization).await?;
    }
    let entry = AuditEntry::new(Verb::EmailChangeOffered, actor.user_id)
        .before(json!({"email": actor.email}))
        .after(json!({"email": asked.email, "by_mail": is_mailed}));
    control.commit(change, entry).await?;
    Ok(is_mailed)
}

/// Lets the acting person's present address go by the link that was mailed there, and mails the link that confirms
/// the new one.
///
/// # Errors
/// `link_not_valid`.
pub async fn release_email(control: &Control, grant: &Grant, token: &str) -> Result<(), Failure> {
    let actor = grant.actor().ok_or(Error::Hidden { what: "user" })?;
    let organization = control.store.first_organization(actor.user_id).await?;
    let mut change = begin(control, grant, actor).await?;
    let released = take(control, &mut change, LinkKind::EmailRelease, (token, actor.user_id)).await?;
    let link = new_link(LinkKind::EmailChange, (actor.user_id, released.email), None, change.at());
    let offered = offer(control, &mut change, &link, organization).await?;
    let entry = AuditEntry::new(Verb::EmailChangeOffered, actor.user_id)
        .before(json!({"email": actor.email}))
        .after(facts(&offered));
    control.commit(change, entry).await
}

/// The new address for which the acting person asked and which is not confirmed yet.
///
/// # Errors
/// `store_unavailable`.
pub async fn asked_email(control: &Control, actor: &Actor) -> Result<Option<AccountLink>, Failure> {
    Ok(control.store.asked_email_change(actor.user_id, control.now()).await?)
}

/// Confirms the acting person's new address by its link, and signs out every other browser.
///
/// # Errors
/// `link_not_valid`; conflict `email_taken` when the address has another account by now.
pub async fn confirm_email(control: &Control, grant: &Grant, token: &str) -> Result<(), Failure> {
    let actor = grant.actor().ok_or(Error::Hidden { what: "user" })?;
    let mut change = begin(control, grant, actor).await?;
    let link = take(control, &mut change, LinkKind::EmailChange, (token, actor.user_id)).await?;
    let written = change.set_email(actor.user_id, (&actor.email, &link.email)).await.map_err(|error| {
        let sentence = "This address has another account.";
        match error.is_conflict("already_exists") {
            true => Failure::from(Error::conflict("email_taken", sentence)),
            false => error.into(),
        }
    });
    if !written? {
        return Err(link_not_valid().into());
    }
    let ended = change.end_sessions(actor.user_id, this_session(actor)).await?;
    let entry = AuditEntry::new(Verb::EmailChanged, actor.user_id)
        .before(json!({"email": actor.email}))
        .after(json!({"email": link.email, "sessions_ended": ended}));
    control.commit(change, entry).await
}

/// Whether the caller may make a link for this member, and who vouches for it: nobody where an address does.
async fn vouch(
    change: &mut Change,
    grant: &Grant,
    user: UserId,
    is_proved: bool,
) -> Result<Option<Voucher>, Failure> {
    let organization_id = change.lock_memberships(grant).await?;
    let person = change.rank(grant, user).await?;
    let actor = grant.actor().ok_or(Error::Hidden { what: "user" })?;
    if actor.user_id == user {
        let sentence = "Your own password and address are changed in My account, with your present password.";
        return Err(Error::forbidden("own_account", sentence).into());
    }
    grant.may_stand_for(&person)?;
    if is_proved {
        return Ok(None);
    }
    belongs_here_alone(&change.memberships_of(user).await?, organization_id)?;
    Ok(Some(Voucher { organization_id, user_id: actor.user_id }))
}

fn new_link(
    kind: LinkKind,
    (user_id, email): (UserId, String),
    voucher: Option<Voucher>,
    at: Timestamp,
) -> AccountLink {
    let expires_at = at.plus_micros(kind.lifetime());
    AccountLink { user_id, kind, email, voucher, created_at: at, expires_at }
}

/// Keeps a link under a fresh token; its address.
async fn put(control: &Control, change: &mut Change, link: &AccountLink) -> Result<String, Failure> {
    let token = api_keys::opaque_token(control.ambient.as_ref());
    change.put_account_link(link, Some(&control.secrets.pepper().hash(token.reveal()))).await?;
    let path = match link.kind {
        LinkKind::PasswordReset => "reset-password",
        LinkKind::EmailRelease => "account/email-release",
        LinkKind::EmailChange => "account/email",
    };
    Ok(format!("{}/{path}/{}", control.settings.public_url, token.reveal()))
}

/// Keeps a link, and mails it where there is a mail server.
async fn offer(
    control: &Control,
    change: &mut Change,
    link: &AccountLink,
    organization: Option<OrganizationId>,
) -> Result<OfferedLink, Failure> {
    let url = put(control, change, link).await?;
    let (user_id, email, expires_at) = (link.user_id, link.email.clone(), link.expires_at);
    let Some(organization) = organization.filter(|_| control.settings.mail_is_on) else {
        return Ok(OfferedLink { user_id, email, url: Some(url), expires_at });
    };
    let (expires, new) = (expires_at.to_string(), email.clone());
    let (to, letter) = match link.kind {
        LinkKind::PasswordReset => (new, Letter::PasswordReset { link: url, expires }),
        LinkKind::EmailRelease => {
            let account = control.store.account(user_id).await?.ok_or(Error::Hidden { what: "user" })?;
            (account.user.email, Letter::EmailRelease { email: new, link: url, expires })
        }
        LinkKind::EmailChange => (new.clone(), Letter::EmailChange { email: new, link: url, expires }),
    };
    change.insert_mail(organization, &to, &letter, &control.secrets).await?;
    Ok(OfferedLink { user_id, email, url: None, expires_at })
}

/// Uses a person's link up, if it works and whoever vouched for it still may.
async fn take(
    control: &Control,
    change: &mut Change,
    kind: LinkKind,
    (token, user): (&str, UserId),
) -> Result<AccountLink, Failure> {
    let taken = change.take_account_link(kind, &control.secrets.pepper().hash(token)).await?;
    let link = taken.filter(|link| link.user_id == user).ok_or_else(link_not_valid)?;
    let Some(voucher) = link.voucher else { return Ok(link) };
    let organizations = change.memberships_of(user).await?;
    let here = Grant::system(Task::SignIn, Some(voucher.organization_id));
    let standing = change.standing(voucher.user_id, voucher.organization_id).await?;
    let person = match change.rank(&here, user).await {
        Err(store::Error::NotFound { .. }) => None,
        rank => Some(rank?),
    };
    match still_vouches(voucher, (standing.as_ref(), person.as_ref()), &organizations) {
        true => Ok(link),
        false => Err(link_not_valid().into()),
    }
}

fn facts(offered: &OfferedLink) -> serde_json::Value {
    json!({
        "email": offered.email, "by_mail": offered.url.is_none(),
        "expires_at": offered.expires_at.unix_seconds(),
    })
}
