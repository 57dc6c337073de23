//! Mails that were sent, a mail that proves that mail arrives, and which notices a person wants.

pub mod api;
pub(crate) mod console;
pub mod pages;

use domain::Error;
use domain::access::{Actor, Grant};
use domain::audit::{AuditEntry, Verb};
use domain::messages::{Letter, Mail, Notice};
use domain::page::{Page, PageRequest};
use serde_json::json;

use crate::projects::organization_of;
use crate::{Control, Failure};

/// A notice, and whether the person wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The notice.
    pub notice: Notice,
    /// Whether it is sent to them.
    pub is_on: bool,
}

/// A page of the mails of the organization, newest first.
///
/// # Errors
/// When the store is away.
pub async fn list_mails(control: &Control, grant: &Grant, page: &PageRequest) -> Result<Page<Mail>, Failure> {
    Ok(control.store.mails(grant, page).await?)
}

/// Sends a mail to the caller's own address, to see whether mail arrives.
///
/// # Errors
/// Conflict `mail_not_configured`.
pub async fn test_mail(control: &Control, grant: &Grant) -> Result<(), Failure> {
    let actor = acting(grant)?;
    if !control.settings.mail_is_on {
        let sentence = "No mail server is configured. The operator sets mail.server.";
        return Err(Error::conflict("mail_not_configured", sentence).into());
    }
    let organization = control.store.organization(grant).await?;
    let mut change = control.change(grant).await?;
    let letter = Letter::Test { organization: organization.name };
    let id = change.insert_mail(organization.id, &actor.email, &letter, &control.secrets).await?;
    control
        .commit(change, AuditEntry::new(Verb::MailTested, id).after(json!({"recipient": actor.email})))
        .await
}

/// Every notice, and which of them the caller wants from the organization.
///
/// # Errors
/// When the store is away.
pub async fn list_notices(control: &Control, grant: &Grant) -> Result<Vec<Wanted>, Failure> {
    let off = control.store.notices_off(acting(grant)?.user_id, organization_of(grant)?).await?;
    let wanted = |notice: &Notice| Wanted { notice: *notice, is_on: !off.contains(notice) };
    Ok(Notice::ALL.iter().map(wanted).collect())
}

/// Switches a notice on or off for the caller.
///
/// # Errors
/// When the store is away.
pub async fn want_notice(
    control: &Control,
    grant: &Grant,
    notice: Notice,
    is_on: bool,
) -> Result<Wanted, Failure> {
    let user = acting(grant)?.user_id;
    let mut change = control.change(grant).await?;
    change.set_notice(user, organization_of(grant)?, notice, is_on).await?;
    let entry = AuditEntry::new(Verb::NoticeChanged, user).after(json!({notice.name(): is_on}));
    control.commit(change, entry).await?;
    Ok(Wanted { notice, is_on })
}

fn acting(grant: &Grant) -> Result<&Actor, Failure> {
    grant.actor().ok_or_else(|| Error::Hidden { what: "user" }.into())
}
