//! The console's rows of mail: the viewer's notices, and the outbox for who may see it.

use domain::Error;
use domain::access::Permission;
use domain::audit::Verb;
use domain::ids::MailId;
use domain::messages::{Audience, DeliveryState, Mail, Notice};
use domain::page::Order;
use domain::routes::{Access, Method};
use domain::time::TimeZone;

use super::pages::{MailRow, MailsPage, NoticeRow};
use super::{Wanted, list_mails, list_notices, test_mail, want_notice};
use crate::http::console;
use crate::http::figures::When;
use crate::http::shell::Section;
use crate::projects::frame::{granted, may, root, zone};
use crate::{Answer, Call, Endpoint, Failure, page};

/// How many mails a page shows.
const MAILS_PER_PAGE: i64 = 50;

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    let everyone = Access::Organization(Permission::OrganizationRead);
    vec![
        page(Method::Get, "/o/{slug}/mails", "mails_page", "What one is told by mail, and what was sent.")
            .needs(everyone)
            .to(mails_page),
        page(Method::Post, "/o/{slug}/mails/test", "test_mail_form", "Send a mail to one's own address.")
            .needs(Access::Organization(Permission::OrganizationUpdate))
            .audited(Verb::MailTested)
            .to(test),
        page(
            Method::Post,
            "/o/{slug}/notices/{notice}",
            "want_notice_form",
            "Switch a notice on or off for oneself.",
        )
        .needs(everyone)
        .audited(Verb::NoticeChanged)
        .to(notice),
    ]
}

async fn mails_page(call: Call) -> Result<Answer, Failure> {
    let (shell, zone) = (console::shell(&call, "Mail", Section::Mails).await?, zone(&call).await?);
    let request = call.query.page::<MailId>(MAILS_PER_PAGE, MAILS_PER_PAGE, Order::Descending)?;
    let found = match granted(&call, Permission::MailRead) {
        Some(grant) => Some(list_mails(&call.control, &grant, &request).await?),
        None => None,
    };
    let last = found.as_ref().filter(|found| found.has_more).and_then(|found| found.items.last());
    let page = MailsPage {
        notices: list_notices(&call.control, &call.grant).await?.into_iter().map(notice_row).collect(),
        next_href: last.map(|mail| format!("{}/mails?after={}#outbox", shell.root(), mail.id)),
        mails: found.map(|found| found.items.into_iter().map(|mail| mail_row(mail, &zone)).collect()),
        can_test: may(&call, Permission::OrganizationUpdate),
        is_configured: call.control.settings.mail_is_on,
        shell,
    };
    console::page(&page)
}

fn notice_row(wanted: Wanted) -> NoticeRow {
    let words = |audience: &Audience| match audience {
        Audience::Admins => "Admins",
        Audience::ProjectOwners => "owners of the project",
        Audience::KeyOwner => "the key's owner",
        Audience::Person => "whom it is about",
        Audience::Requester => "who asked",
    };
    NoticeRow {
        name: wanted.notice.name(),
        sentence: wanted.notice.sentence(),
        audience: wanted.notice.audience().iter().map(words).collect::<Vec<_>>().join(", "),
        is_on: wanted.is_on,
    }
}

fn mail_row(mail: Mail, zone: &TimeZone) -> MailRow {
    let (state, tone) = match mail.state {
        DeliveryState::Pending => ("waiting", "info"),
        DeliveryState::Delivered => ("sent", "good"),
        DeliveryState::Failed => ("given up", "bad"),
    };
    let kind = match mail.kind.as_str() {
        "invite" => "invitation".to_owned(),
        "email_change" => "change of address".to_owned(),
        other => other.replace('_', " "),
    };
    MailRow {
        kind,
        recipient: mail.recipient,
        state,
        tone,
        attempts: mail.attempts,
        error: mail.last_error.unwrap_or_default(),
        created_at: When::minute(mail.created_at, zone),
        ended_at: mail.ended_at.map(|at| When::minute(at, zone)),
    }
}

fn address(call: &Call) -> String {
    format!("{}/mails", root(call))
}

async fn test(call: Call) -> Result<Answer, Failure> {
    let done = test_mail(&call.control, &call.grant).await;
    console::back(&call, &address(&call), done.map(|()| "On its way to your own address."))
}

async fn notice(call: Call) -> Result<Answer, Failure> {
    let notice = Notice::parse(call.path_text("notice")).ok_or(Error::Hidden { what: "notice" })?;
    let unsaid = || Error::invalid_param("invalid_flag", "on", "Say whether it is to come: true or false.");
    let is_on = call.form().flag("on")?.ok_or_else(unsaid)?;
    let done = want_notice(&call.control, &call.grant, notice, is_on).await;
    let text = if is_on { "You are told of it." } else { "You are told of it no more." };
    console::back(&call, &address(&call), done.map(|_| text))
}
