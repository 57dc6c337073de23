//! The console's rows of the life of a membership: suspended, reactivated, ended, handed over; and links for members
//! who cannot sign in.

use domain::Error;
use domain::access::Permission;
use domain::audit::Verb;
use domain::ids::UserId;
use domain::page::{Order, PageRequest};
use domain::routes::{Access, Method};
use domain::text;

use super::console::{members_page_with, members_root};
use super::pages::ShownLink;
use super::{leave_organization, reactivate_member, remove_member, suspend_member};
use crate::accounts::{OfferedLink, offer_email_link, offer_password_reset};
use crate::handovers::{Transfer, transfer_ownership};
use crate::http::console;
use crate::{Answer, Call, Endpoint, Failure, page};

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    let form = |path, operation, summary, verb: Verb| {
        let manage = Access::Organization(Permission::MemberManage);
        page(Method::Post, path, operation, summary).needs(manage).audited(verb)
    };
    vec![
        form(
            "/o/{slug}/members/{user_id}/suspend",
            "suspend_member_form",
            "Suspend a member.",
            Verb::UserSuspended,
        )
        .to(suspend),
        form(
            "/o/{slug}/members/{user_id}/reactivate",
            "reactivate_member_form",
            "Let a suspended member act again.",
            Verb::UserReactivated,
        )
        .to(reactivate),
        form(
            "/o/{slug}/members/{user_id}/remove",
            "remove_member_form",
            "Remove a member.",
            Verb::UserRemoved,
        )
        .to(remove),
        form(
            "/o/{slug}/members/{user_id}/transfer",
            "transfer_ownership_form",
            "Give everything that a member owns to another one.",
            Verb::OwnershipTransferred,
        )
        .to(transfer),
        form(
            "/o/{slug}/members/{user_id}/password-reset",
            "offer_password_reset_form",
            "Make a link with which a member sets their password anew.",
            Verb::PasswordResetOffered,
        )
        .to(reset),
        form(
            "/o/{slug}/members/{user_id}/email-link",
            "offer_email_link_form",
            "Make the link that confirms a member's new address.",
            Verb::EmailChangeOffered,
        )
        .to(email),
        page(Method::Post, "/o/{slug}/leave", "leave_organization_form", "Leave the organization.")
            .needs(Access::Organization(Permission::OrganizationRead))
            .audited(Verb::UserLeft)
            .to(leave),
    ]
}

async fn suspend(call: Call) -> Result<Answer, Failure> {
    let (user, form) = (call.path::<UserId>("user_id")?, call.form());
    let is_for_good = form.one("for_good").is_some();
    let done = suspend_member(&call.control, &call.grant, user, is_for_good).await;
    console::back(&call, &members_root(&call), done.map(|_| "The member is suspended."))
}

async fn reactivate(call: Call) -> Result<Answer, Failure> {
    let done = reactivate_member(&call.control, &call.grant, call.path("user_id")?).await;
    console::back(&call, &members_root(&call), done.map(|_| "The member can act again."))
}

async fn remove(call: Call) -> Result<Answer, Failure> {
    let user = call.path("user_id")?;
    let done = remove_member(&call.control, &call.grant, user).await;
    console::back(&call, &members_root(&call), done.map(|()| "The member is removed."))
}

async fn transfer(call: Call) -> Result<Answer, Failure> {
    let user = call.path("user_id")?;
    let done = give_to(&call, user, call.form().text("to_email")).await;
    let told = done.map(|done| match done.kept.is_empty() {
        true => "Everything they owned has a new owner.",
        false => "It has a new owner, except for keys of projects in which the new owner does not work.",
    });
    console::back(&call, &members_root(&call), told)
}

async fn give_to(call: &Call, user: UserId, to_email: &str) -> Result<Transfer, Failure> {
    let email = text::email(to_email)?;
    let one = PageRequest::first(1, Order::Ascending);
    let found = call.control.store.members(&call.grant, vec![email], &one).await?.items;
    let nobody = || {
        let sentence = "Nobody with this address is a member here.";
        Error::invalid_param("no_such_member", "to_email", sentence)
    };
    let to = found.first().ok_or_else(nobody)?.user.id;
    transfer_ownership(&call.control, &call.grant, user, to).await
}

async fn reset(call: Call) -> Result<Answer, Failure> {
    let offered = offer_password_reset(&call.control, &call.grant, call.path("user_id")?).await;
    show(&call, offered, "Password link").await
}

async fn email(call: Call) -> Result<Answer, Failure> {
    let offered = offer_email_link(&call.control, &call.grant, call.path("user_id")?).await;
    show(&call, offered, "Address link").await
}

/// The page of members with a link that is shown only now, so that it goes into this very answer and nowhere else.
async fn show(
    call: &Call,
    offered: Result<OfferedLink, Failure>,
    label: &'static str,
) -> Result<Answer, Failure> {
    match offered {
        Ok(OfferedLink { url: Some(url), email, expires_at, .. }) => {
            let text = format!(
                "Pass it on to {email}, and to nobody else: whoever opens it acts for them. It works once, until \
                 {expires_at}. It is shown only now."
            );
            members_page_with(call, Some(ShownLink { label, text, url }), None).await
        }
        Ok(OfferedLink { url: None, email, .. }) => {
            Ok(console::done(call, &members_root(call), &format!("A link is on its way to {email}.")))
        }
        Err(failure) => console::back(call, &members_root(call), Err(failure)),
    }
}

async fn leave(call: Call) -> Result<Answer, Failure> {
    let left = leave_organization(&call.control, &call.grant).await;
    console::back(&call, "/account", left.map(|_| "You left the organization."))
}
