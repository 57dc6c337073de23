//! The console's rows of links about one's own account: a password set anew, a change of address.

use domain::accounts::LinkKind;
use domain::audit::Verb;
use domain::routes::{Access, Method};

use super::console::PASSWORD_LENGTH;
use super::pages::{ConfirmEmailPage, ForgotPasswordPage, ResetPasswordPage};
use super::{
    ask_email_change, confirm_email, mail_password_reset, offered_link, release_email, reset_password,
};
use crate::http::console;
use crate::{Answer, Call, Endpoint, Failure, page};

const RESET: &str = "/reset-password/{token}";
const FORGOT: &str = "/forgot-password";
const RELEASE: &str = "/account/email-release/{token}";
const CONFIRM: &str = "/account/email/{token}";

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        page(Method::Get, FORGOT, "forgot_password_page", "Asks for a link to set a password anew.")
            .needs(Access::Public)
            .to(forgot_page),
        page(Method::Post, FORGOT, "forgot_password_form", "Mail a link to set a password anew.")
            .needs(Access::Public)
            .audited(Verb::PasswordResetOffered)
            .to(forgot),
        page(Method::Get, RESET, "reset_password_page", "The page behind a link to set a password anew.")
            .needs(Access::Public)
            .to(reset_page),
        page(Method::Post, RESET, "reset_password_form", "Set a password anew.")
            .needs(Access::Public)
            .audited(Verb::PasswordReset)
            .to(reset),
        page(Method::Post, "/account/email", "ask_email_change_form", "Ask for another address.")
            .audited(Verb::EmailChangeOffered)
            .to(ask),
        page(Method::Get, RELEASE, "release_email_page", "The page behind the link to the present address.")
            .to(release_page),
        page(Method::Post, RELEASE, "release_email_form", "Let the present address go for a new one.")
            .audited(Verb::EmailChangeOffered)
            .to(release),
        page(Method::Get, CONFIRM, "confirm_email_page", "The page behind the link to a new address.")
            .to(confirm_page),
        page(Method::Post, CONFIRM, "confirm_email_form", "Confirm a new address.")
            .audited(Verb::EmailChanged)
            .to(confirm),
    ]
}

async fn forgot_page(call: Call) -> Result<Answer, Failure> {
    console::page(&forgot_with(&call, false))
}

fn forgot_with(call: &Call, is_sent: bool) -> ForgotPasswordPage {
    ForgotPasswordPage {
        bare: console::bare(call, "Forgotten password"),
        email: call.form().text("email").to_owned(),
        has_mail: call.control.settings.mail_is_on,
        is_sent,
    }
}

async fn forgot(call: Call) -> Result<Answer, Failure> {
    match mail_password_reset(&call.control, call.form().text("email"), &call.origin).await {
        Ok(()) => console::page(&forgot_with(&call, true)),
        Err(failure) => {
            let status = failure.status();
            let mut page = forgot_with(&call, false);
            page.bare.flashes.push(console::refusal(failure)?);
            Ok(console::page(&page)?.status(status))
        }
    }
}

async fn reset_page(call: Call) -> Result<Answer, Failure> {
    console::page(&reset_with(&call).await?)
}

async fn reset_with(call: &Call) -> Result<ResetPasswordPage, Failure> {
    let token = call.path_text("token");
    let link = offered_link(&call.control, LinkKind::PasswordReset, token).await?;
    Ok(ResetPasswordPage {
        bare: console::bare(call, "New password"),
        token: token.to_owned(),
        email: link.email,
        password_length: PASSWORD_LENGTH,
    })
}

async fn reset(call: Call) -> Result<Answer, Failure> {
    let (token, form) = (call.path_text("token"), call.form());
    match reset_password(&call.control, token, form.text("password"), &call.origin).await {
        Ok(()) => Ok(console::done(&call, "/sign-in", "The password is set. Sign in with it.")),
        // A link that is used up has no form to go back to.
        Err(failure) if failure.code() == "link_not_valid" => Err(failure),
        Err(failure) => {
            let status = failure.status();
            let mut page = reset_with(&call).await?;
            page.bare.flashes.push(console::refusal(failure)?);
            Ok(console::page(&page)?.status(status))
        }
    }
}

async fn ask(call: Call) -> Result<Answer, Failure> {
    let form = call.form();
    let (password, email) = (form.text("current_password"), form.text("email"));
    let asked = ask_email_change(&call.control, &call.grant, password, email).await;
    let told = asked.map(|is_mailed| match is_mailed {
        true => "A link is on its way to your present address. Open it in this browser; the new address is asked next.",
        false => "Asked for. An Admin can now make the link that confirms the new address.",
    });
    console::back(&call, "/account", told)
}

async fn release_page(call: Call) -> Result<Answer, Failure> {
    change_page(&call, LinkKind::EmailRelease, "/account/email-release").await
}

async fn release(call: Call) -> Result<Answer, Failure> {
    let released = release_email(&call.control, &call.grant, call.path_text("token")).await;
    let told = "A link is on its way to the new address. Open it in this browser too.";
    console::back(&call, "/account", released.map(|()| told))
}

async fn confirm_page(call: Call) -> Result<Answer, Failure> {
    change_page(&call, LinkKind::EmailChange, "/account/email").await
}

async fn change_page(call: &Call, kind: LinkKind, place: &str) -> Result<Answer, Failure> {
    let token = call.path_text("token");
    let link = offered_link(&call.control, kind, token).await?;
    let actor = call.actor()?;
    console::page(&ConfirmEmailPage {
        bare: console::bare(call, "New address"),
        action: format!("{place}/{token}"),
        is_last: kind == LinkKind::EmailChange,
        is_theirs: link.user_id == actor.user_id,
        before: actor.email.clone(),
        after: link.email,
    })
}

async fn confirm(call: Call) -> Result<Answer, Failure> {
    let confirmed = confirm_email(&call.control, &call.grant, call.path_text("token")).await;
    let told = "The new address holds from now on. Every other browser is signed out.";
    console::back(&call, "/account", confirmed.map(|()| told))
}
