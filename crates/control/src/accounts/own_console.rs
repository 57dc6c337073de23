//! The console's rows of one's own account: password, sessions, colours.

use domain::audit::Verb;
use domain::routes::Method;
use domain::time::TimeZone;
use store::Session;

use super::console::PASSWORD_LENGTH;
use super::pages::{AccountPage, SessionRow};
use super::{asked_email, change_password, end_session, sessions, sign_out_everywhere};
use crate::http::console;
use crate::http::figures::When;
use crate::http::shell::{Section, Theme};
use crate::organizations::console::own_organizations;
use crate::{Answer, Call, Endpoint, Failure, page, session};

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        page(Method::Get, "/account", "account_page", "The viewer's own account.").to(account_page),
        page(Method::Post, "/account/password", "change_password_form", "Change the password.")
            .audited(Verb::PasswordChanged)
            .to(change_password_now),
        page(Method::Post, "/account/sessions/end-all", "end_sessions_form", "Sign out everywhere.")
            .audited(Verb::SignedOut)
            .to(end_all),
        page(Method::Post, "/account/sessions/{session_id}/end", "end_session_form", "Sign one browser out.")
            .audited(Verb::SignedOut)
            .to(end_one),
        page(
            Method::Post,
            "/account/theme",
            "choose_theme_form",
            "Choose light, dark or the device's colours.",
        )
        .to(choose_theme),
    ]
}

async fn account_page(call: Call) -> Result<Answer, Failure> {
    let shell = console::shell(&call, "My account", Section::Elsewhere).await?;
    let actor = call.actor()?;
    let found = sessions(&call.control, actor).await?;
    let sessions = found.into_iter().map(|session| row(&call, session)).collect();
    let organizations = own_organizations(&call).await?;
    let asked_email = asked_email(&call.control, actor).await?.map(|link| link.email);
    let has_mail = call.control.settings.mail_is_on;
    let password_length = PASSWORD_LENGTH;
    console::page(&AccountPage { shell, password_length, sessions, organizations, asked_email, has_mail })
}

fn row(call: &Call, session: Session) -> SessionRow {
    let credential = call.person.as_ref().map(|actor| actor.credential);
    let zone = TimeZone::utc();
    SessionRow {
        is_this: credential == Some(domain::access::Credential::Session(session.id)),
        id: session.id.to_string(),
        device: device(session.user_agent.as_deref().unwrap_or_default()),
        address: session.address.unwrap_or_default(),
        created_at: When::minute(session.created_at, &zone),
        last_seen_at: When::minute(session.seen_at, &zone),
    }
}

/// Browser and system in the words that people have for them, as far as the browser tells.
fn device(user_agent: &str) -> String {
    let named = |pairs: &[(&str, &'static str)]| {
        pairs.iter().find(|(part, _)| user_agent.contains(part)).map(|(_, name)| *name)
    };
    // The order matters: most browsers also name those that they descend from.
    let browser = named(&[
        ("Edg/", "Edge"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]);
    let system = named(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "Unknown browser".to_owned(),
    }
}

async fn change_password_now(call: Call) -> Result<Answer, Failure> {
    let form = call.form();
    let (old, new) = (form.text("current_password"), form.text("new_password"));
    let changed = change_password(&call.control, &call.grant, old, new).await;
    let told = "The password is changed. Every other browser is signed out.";
    console::back(&call, "/account", changed.map(|()| told))
}

async fn end_one(call: Call) -> Result<Answer, Failure> {
    end_session(&call.control, &call.grant, call.path("session_id")?).await?;
    Ok(console::done(&call, "/account", "That browser is signed out."))
}

async fn end_all(call: Call) -> Result<Answer, Failure> {
    sign_out_everywhere(&call.control, &call.grant).await?;
    Ok(Answer::redirect("/sign-in").cookie(&session::cleared_cookie(call.control.settings.is_https)))
}

async fn choose_theme(call: Call) -> Result<Answer, Failure> {
    let form = call.form();
    let to = console::own_path(form.text("return_to"), "/account");
    Ok(Answer::redirect(to).cookie(&console::theme_cookie(Theme::parse(form.text("theme")))))
}

#[cfg(test)]
mod tests {
    use super::device;

    #[test]
    fn a_browser_is_told_by_its_own_name() {
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36";
        assert_eq!(device(chrome), "Chrome on Linux");
        assert_eq!(device("curl/8.5.0"), "curl");
        assert_eq!(device(""), "Unknown browser");
    }
}
