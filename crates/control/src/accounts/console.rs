//! The console's rows of accounts: the way in by set-up link or password, the way out, and the start page.

use domain::audit::Verb;
use domain::organizations::NewOrganization;
use domain::routes::{Access, Method};

use super::pages::{SetupPage, SignInPage};
use super::set_up::{FirstAdmin, check_link, set_up};
use super::sign_in::{open_session, sign_in};
use super::{organizations, sign_out};
use crate::http::console;
use crate::{Answer, Call, Endpoint, Failure, page, session};

/// The least number of characters of a password, as `domain::members::password` has it.
pub(crate) const PASSWORD_LENGTH: usize = 12;

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        page(Method::Get, "/", "start_page", "On to the viewer's organization.")
            .needs(Access::Public)
            .to(start),
        page(Method::Get, "/setup/{token}", "set_up_page", "The page behind the one-time set-up link.")
            .needs(Access::Public)
            .to(set_up_page),
        page(Method::Post, "/setup/{token}", "set_up_form", "Create the first organization and its Admin.")
            .needs(Access::Public)
            .audited(Verb::OrganizationCreated)
            .to(set_up_now),
        page(Method::Get, "/sign-in", "sign_in_page", "The sign-in form.")
            .needs(Access::Public)
            .to(sign_in_page),
        page(Method::Post, "/sign-in", "sign_in_form", "Sign in.")
            .needs(Access::Public)
            .audited(Verb::SignedIn)
            .to(sign_in_now),
        page(Method::Post, "/sign-out", "sign_out_form", "Sign this browser out.")
            .audited(Verb::SignedOut)
            .to(sign_out_now),
    ]
}

async fn start(call: Call) -> Result<Answer, Failure> {
    let Ok(actor) = call.actor() else { return Ok(Answer::redirect("/sign-in")) };
    let mine = organizations(&call.control, actor).await?;
    Ok(match mine.first() {
        Some(first) => Answer::redirect(&format!("/o/{}", first.organization.slug)),
        None => Answer::redirect("/organizations"),
    })
}

async fn set_up_page(call: Call) -> Result<Answer, Failure> {
    check_link(&call.control, call.path_text("token")).await?;
    console::page(&filled(&call))
}

/// The set-up form with what was typed so far; never the password.
fn filled(call: &Call) -> SetupPage {
    let form = call.form();
    SetupPage {
        bare: console::bare(call, "Set up"),
        token: call.path_text("token").to_owned(),
        organization: form.text("organization").to_owned(),
        name: form.text("name").to_owned(),
        email: form.text("email").to_owned(),
        password_length: PASSWORD_LENGTH,
    }
}

async fn set_up_now(call: Call) -> Result<Answer, Failure> {
    let form = call.form();
    match set_up_and_enter(&call, &form).await {
        Ok(answer) => Ok(answer),
        // A link that is used up has no form to go back to.
        Err(failure) if failure.code() == "set_up_link_not_valid" => Err(failure),
        Err(failure) => {
            let status = failure.status();
            let mut page = filled(&call);
            page.bare.flashes.push(console::refusal(failure)?);
            Ok(console::page(&page)?.status(status))
        }
    }
}

async fn set_up_and_enter(call: &Call, form: &crate::Query) -> Result<Answer, Failure> {
    let new = NewOrganization::checked(form.text("organization"), None)?;
    let admin = FirstAdmin {
        name: form.text("name").to_owned(),
        email: form.text("email").to_owned(),
        password: form.text("password").to_owned(),
    };
    let (organization, user_id) = set_up(&call.control, call.path_text("token"), new, admin).await?;
    let account = call.control.store.account(user_id).await?;
    let user = account.ok_or(domain::Error::Hidden { what: "user" })?.user;
    let signed_in = open_session(&call.control, &user, &call.origin).await?;
    Ok(Answer::redirect(&format!("/o/{}", organization.slug)).cookie(&signed_in.cookie))
}

async fn sign_in_page(call: Call) -> Result<Answer, Failure> {
    let return_to = call.query.text("return_to").to_owned();
    if call.person.is_some() {
        return Ok(Answer::redirect(console::own_path(&return_to, "/")));
    }
    console::page(&SignInPage { bare: console::bare(&call, "Sign in"), email: String::new(), return_to })
}

async fn sign_in_now(call: Call) -> Result<Answer, Failure> {
    let form = call.form();
    let (email, return_to) = (form.text("email"), form.text("return_to"));
    match sign_in(&call.control, email, form.text("password"), &call.origin).await {
        Ok(signed_in) => Ok(Answer::redirect(console::own_path(return_to, "/")).cookie(&signed_in.cookie)),
        Err(failure) => {
            let status = failure.status();
            let mut bare = console::bare(&call, "Sign in");
            bare.flashes.push(console::refusal(failure)?);
            let page = SignInPage { bare, email: email.to_owned(), return_to: return_to.to_owned() };
            Ok(console::page(&page)?.status(status))
        }
    }
}

async fn sign_out_now(call: Call) -> Result<Answer, Failure> {
    sign_out(&call.control, &call.grant).await?;
    Ok(Answer::redirect("/sign-in").cookie(&session::cleared_cookie(call.control.settings.is_https)))
}
