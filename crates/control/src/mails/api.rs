//! The rows of mails and notices: `/v1/organization/mails`, `/v1/organization/notices`.

use domain::Error;
use domain::access::Permission;
use domain::audit::Verb;
use domain::messages::{Mail, Notice};
use domain::page::{Order, Page};
use domain::routes::{Access, Method};
use domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Wanted, list_mails, list_notices, test_mail, want_notice};
use crate::{Answer, Call, Endpoint, Failure, ListJson, api};

/// A mail, without its words.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MailJson {
    /// Its id.
    pub id: String,
    /// Always `organization.mail`.
    pub object: String,
    /// `invite`, `password_reset`, `email_change`, `notice` or `test`.
    pub kind: String,
    /// To whom.
    pub recipient: String,
    /// `pending`, `delivered` (the mail server took it) or `failed`.
    pub status: String,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was written, in Unix seconds.
    pub created_at: i64,
    /// When it was taken or given up, in Unix seconds.
    pub ended_at: Option<i64>,
    /// What the mail server said at the last failed attempt.
    pub last_error: Option<String>,
}

impl From<Mail> for MailJson {
    fn from(mail: Mail) -> Self {
        Self {
            id: mail.id.to_string(),
            object: "organization.mail".to_owned(),
            kind: mail.kind,
            recipient: mail.recipient,
            status: mail.state.name().to_owned(),
            attempts: mail.attempts,
            created_at: mail.created_at.unix_seconds(),
            ended_at: mail.ended_at.map(Timestamp::unix_seconds),
            last_error: mail.last_error,
        }
    }
}

/// A mail that was put on its way.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MailTestJson {
    /// Always `organization.mail.test`.
    pub object: String,
    /// Always true.
    pub sent: bool,
}

/// A notice, and whether the caller wants it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct NoticeJson {
    /// Its name.
    pub id: String,
    /// Always `notice`.
    pub object: String,
    /// When it comes.
    pub description: String,
    /// Whether it is sent to the caller.
    pub on: bool,
}

impl From<Wanted> for NoticeJson {
    fn from(wanted: Wanted) -> Self {
        Self {
            id: wanted.notice.name().to_owned(),
            object: "notice".to_owned(),
            description: wanted.notice.sentence().to_owned(),
            on: wanted.is_on,
        }
    }
}

/// Whether a notice is wanted.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct NoticeChangeJson {
    /// Whether it is sent to the caller.
    pub on: bool,
}

/// Which page is wanted.
#[derive(Deserialize, JsonSchema)]
#[allow(dead_code, reason = "describes the query; the values are read one by one")]
pub struct MailsQuery {
    /// The id after which the page starts.
    after: Option<String>,
    /// How many, 1 to 100; 20 when absent.
    limit: Option<i64>,
}

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    const MAILS: &str = "/v1/organization/mails";
    const TEST: &str = "/v1/organization/mails/test";
    const NOTICES: &str = "/v1/organization/notices";
    const NOTICE: &str = "/v1/organization/notices/{notice}";
    let everyone = Access::Organization(Permission::OrganizationRead);
    vec![
        api(Method::Get, MAILS, "list_mails", "List which mails were sent to whom, newest first.")
            .needs(Access::Organization(Permission::MailRead))
            .query::<MailsQuery>()
            .answer::<ListJson<MailJson>>()
            .to(mails),
        api(Method::Post, TEST, "test_mail", "Send a mail to your own address, to see whether mail arrives.")
            .needs(Access::Organization(Permission::OrganizationUpdate))
            .audited(Verb::MailTested)
            .answer::<MailTestJson>()
            .to(test),
        api(Method::Get, NOTICES, "list_notices", "List the notices that you can get, and which you want.")
            .needs(everyone)
            .answer::<ListJson<NoticeJson>>()
            .to(notices),
        api(Method::Post, NOTICE, "want_notice", "Switch a notice on or off for yourself.")
            .needs(everyone)
            .audited(Verb::NoticeChanged)
            .body::<NoticeChangeJson>()
            .answer::<NoticeJson>()
            .to(notice),
    ]
}

async fn mails(call: Call) -> Result<Answer, Failure> {
    let page = call.query.page::<domain::ids::MailId>(20, 100, Order::Descending)?;
    let mails = list_mails(&call.control, &call.grant, &page).await?;
    Ok(Answer::json(ListJson::of(mails.map(MailJson::from), |mail| &mail.id)))
}

async fn test(call: Call) -> Result<Answer, Failure> {
    test_mail(&call.control, &call.grant).await?;
    Ok(Answer::json(MailTestJson { object: "organization.mail.test".to_owned(), sent: true }))
}

async fn notices(call: Call) -> Result<Answer, Failure> {
    let all = list_notices(&call.control, &call.grant).await?;
    let items: Vec<NoticeJson> = all.into_iter().map(NoticeJson::from).collect();
    Ok(Answer::json(ListJson::of(Page { items, has_more: false }, |notice| &notice.id)))
}

async fn notice(call: Call) -> Result<Answer, Failure> {
    let notice = Notice::parse(call.path_text("notice")).ok_or(Error::Hidden { what: "notice" })?;
    let body: NoticeChangeJson = call.json()?;
    let wanted = want_notice(&call.control, &call.grant, notice, body.on).await?;
    Ok(Answer::json(NoticeJson::from(wanted)))
}
