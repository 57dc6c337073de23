//! The life of a membership on the wire: suspending, reactivating, leaving, handing over what one owns, and links for
//! who cannot sign in.

use domain::access::Permission;
use domain::audit::Verb;
use domain::ids::UserId;
use domain::routes::{Access, Method};
use domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::api::{DeletedJson, MemberJson, told_alone};
use super::{leave_organization, reactivate_member, suspend_member};
use crate::accounts::{OfferedLink, offer_email_link, offer_password_reset};
use crate::handovers::{Transfer, transfer_ownership};
use crate::{Answer, Call, Endpoint, Failure, api};

/// How to suspend.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SuspensionJson {
    /// Whether they are not expected back: what production needs of theirs, service accounts and projects then go into
    /// the queue of hand-overs. False when absent: everything of theirs stops and waits for them.
    pub for_good: bool,
}

/// To whom everything goes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct TransferToJson {
    /// The id of an active member.
    pub to_user_id: String,
}

/// What went from one person to another.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TransferJson {
    /// Always `organization.user.transfer`.
    pub object: String,
    /// Who owned it.
    pub from_user_id: String,
    /// Who owns it now.
    pub to_user_id: String,
    /// Projects that the receiver owns now, or is accountable for.
    pub project_ids: Vec<String>,
    /// Service accounts whose key owner the receiver is now.
    pub service_account_ids: Vec<String>,
    /// Keys that are the receiver's own now.
    pub api_key_ids: Vec<String>,
    /// Keys and service accounts that stay, as the receiver does not work in their projects.
    pub kept_ids: Vec<String>,
}

impl TransferJson {
    fn of((from, to): (UserId, UserId), done: Transfer) -> Self {
        fn texts<T: ToString>(ids: &[T]) -> Vec<String> {
            ids.iter().map(ToString::to_string).collect()
        }
        Self {
            object: "organization.user.transfer".to_owned(),
            from_user_id: from.to_string(),
            to_user_id: to.to_string(),
            project_ids: texts(&done.projects),
            service_account_ids: texts(&done.accounts),
            api_key_ids: texts(&done.keys),
            kept_ids: done.kept,
        }
    }
}

/// A link that was made for a person.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AccountLinkJson {
    /// `organization.user.password_reset` or `organization.user.email_change`.
    pub object: String,
    /// Whose account it is about.
    pub user_id: String,
    /// The address to which it belongs.
    pub email: String,
    /// The link to pass on, shown only now; null where it went there by mail.
    pub url: Option<String>,
    /// Until when it works, in Unix seconds.
    pub expires_at: i64,
}

impl AccountLinkJson {
    fn of(what: &str, offered: OfferedLink) -> Self {
        Self {
            object: format!("organization.user.{what}"),
            user_id: offered.user_id.to_string(),
            email: offered.email,
            url: offered.url,
            expires_at: Timestamp::unix_seconds(offered.expires_at),
        }
    }
}

/// The rows of this noun.
pub fn endpoints() -> Vec<Endpoint> {
    let manage = Access::Organization(Permission::MemberManage);
    vec![
        api(
            Method::Post,
            "/v1/organization/users/{user_id}/suspend",
            "suspend_member",
            "Suspend a member: nothing of theirs works in the organization until they are reactivated.",
        )
        .needs(manage)
        .audited(Verb::UserSuspended)
        .body::<SuspensionJson>()
        .answer::<MemberJson>()
        .to(suspend),
        api(
            Method::Post,
            "/v1/organization/users/{user_id}/reactivate",
            "reactivate_member",
            "Let a suspended member act again, with the roles and keys that they had.",
        )
        .needs(manage)
        .audited(Verb::UserReactivated)
        .answer::<MemberJson>()
        .to(reactivate),
        api(
            Method::Post,
            "/v1/organization/users/{user_id}/transfer",
            "transfer_ownership",
            "Give everything that a member owns to another one.",
        )
        .needs(manage)
        .audited(Verb::OwnershipTransferred)
        .body::<TransferToJson>()
        .answer::<TransferJson>()
        .to(transfer),
        api(
            Method::Post,
            "/v1/organization/users/{user_id}/password_reset",
            "offer_password_reset",
            "Make a one-time link with which a member sets their password anew.",
        )
        .needs(manage)
        .audited(Verb::PasswordResetOffered)
        .answer::<AccountLinkJson>()
        .to(reset),
        api(
            Method::Post,
            "/v1/organization/users/{user_id}/email_change",
            "offer_email_link",
            "Make the one-time link that confirms the new address that a member asked for.",
        )
        .needs(manage)
        .audited(Verb::EmailChangeOffered)
        .answer::<AccountLinkJson>()
        .to(email),
        api(Method::Post, "/v1/organization/leave", "leave_organization", "Leave the organization.")
            .needs(Access::Organization(Permission::OrganizationRead))
            .audited(Verb::UserLeft)
            .answer::<DeletedJson>()
            .to(leave),
    ]
}

async fn suspend(call: Call) -> Result<Answer, Failure> {
    let user = call.path("user_id")?;
    let SuspensionJson { for_good } = call.json()?;
    let member = suspend_member(&call.control, &call.grant, user, for_good).await?;
    told_alone(&call, member).await
}

async fn reactivate(call: Call) -> Result<Answer, Failure> {
    let member = reactivate_member(&call.control, &call.grant, call.path("user_id")?).await?;
    told_alone(&call, member).await
}

async fn transfer(call: Call) -> Result<Answer, Failure> {
    let from = call.path("user_id")?;
    let body: TransferToJson = call.json()?;
    let to = body.to_user_id.parse().map_err(|_| domain::Error::Hidden { what: "user" })?;
    let done = transfer_ownership(&call.control, &call.grant, from, to).await?;
    Ok(Answer::json(TransferJson::of((from, to), done)))
}

async fn reset(call: Call) -> Result<Answer, Failure> {
    let offered = offer_password_reset(&call.control, &call.grant, call.path("user_id")?).await?;
    Ok(Answer::json(AccountLinkJson::of("password_reset", offered)))
}

async fn email(call: Call) -> Result<Answer, Failure> {
    let offered = offer_email_link(&call.control, &call.grant, call.path("user_id")?).await?;
    Ok(Answer::json(AccountLinkJson::of("email_change", offered)))
}

async fn leave(call: Call) -> Result<Answer, Failure> {
    let user = leave_organization(&call.control, &call.grant).await?;
    let object = "organization.user.deleted".to_owned();
    Ok(Answer::json(DeletedJson { object, id: user.to_string(), deleted: true }))
}
