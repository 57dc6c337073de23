//! The words of each letter: subject, text and HTML, from the templates beside this file.

use askama::Template;
use domain::messages::{Letter, Notice};

/// A letter in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// The subject line.
    pub subject: String,
    /// For readers of plain text.
    pub text: String,
    /// For readers of HTML.
    pub html: String,
}

/// What every letter is made of: sentences, and at most one thing to press.
struct Parts {
    subject: String,
    sentences: Vec<String>,
    button: Option<(&'static str, String)>,
    small: String,
}

#[derive(Template)]
#[template(path = "mail/letter.txt")]
struct Text<'a> {
    parts: &'a Parts,
}

#[derive(Template)]
#[template(path = "mail/letter.html")]
struct Html<'a> {
    parts: &'a Parts,
}

/// The words of a letter.
///
/// # Errors
/// When a template cannot be filled, which is found by the tests.
pub fn of(letter: &Letter) -> Result<Words, askama::Error> {
    let parts = parts(letter);
    let (text, html) = (Text { parts: &parts }.render()?, Html { parts: &parts }.render()?);
    Ok(Words { subject: parts.subject, text, html })
}

fn parts(letter: &Letter) -> Parts {
    match letter {
        Letter::Invite { organization, inviter, link, expires } => Parts {
            subject: format!("{inviter} invites you to {organization}"),
            sentences: vec![
                format!("{inviter} invites you to join {organization} on Bailiwick."),
                format!("The link works once, for this address alone, until {expires}."),
            ],
            button: Some(("Accept the invitation", link.clone())),
            small: "If you did not expect this, ignore it; nothing happens then.".to_owned(),
        },
        Letter::PasswordReset { link, expires } => Parts {
            subject: "Set a new password".to_owned(),
            sentences: vec![
                "Somebody asked for a link to set a new password for your account.".to_owned(),
                format!("The link works once, until {expires}. Every signed-in browser is then signed out."),
            ],
            button: Some(("Set a new password", link.clone())),
            small: "If it was not you, ignore this; your password stays as it is.".to_owned(),
        },
        Letter::EmailRelease { email, link, expires } => Parts {
            subject: "Your account is to get another address".to_owned(),
            sentences: vec![
                format!(
                    "Somebody asked that {email} take the place of this address, and gave your password."
                ),
                format!("The link works once, until {expires}; the new address is asked next."),
            ],
            button: Some(("Go on with the change", link.clone())),
            small: "If it was not you, set another password now; the address stays as it is.".to_owned(),
        },
        Letter::EmailChange { email, link, expires } => Parts {
            subject: "Confirm your new address".to_owned(),
            sentences: vec![
                format!("Confirm that {email} is to be the address of your account."),
                format!("The link works once, until {expires}."),
            ],
            button: Some(("Confirm the address", link.clone())),
            small: "If it was not you, ignore this; the address stays as it is.".to_owned(),
        },
        Letter::Notice { organization, verb, actor, target, at, link, notice } => Parts {
            subject: format!("{organization}: {}", told(verb, target)),
            sentences: vec![format!("{} by {actor}, {at}.", told(verb, target))],
            button: Some(("Open the console", link.clone())),
            small: small(notice),
        },
        Letter::Test { organization } => Parts {
            subject: format!("{organization}: mail arrives"),
            sentences: vec!["This mail was sent to see whether mail arrives. It does.".to_owned()],
            button: None,
            small: "You asked for it in the console.".to_owned(),
        },
    }
}

fn small(notice: &str) -> String {
    let sentence = Notice::parse(notice).map_or("Something happened that concerns you.", Notice::sentence);
    format!("You get this because: {sentence} You can switch it off in your account.")
}

/// A verb of the trail as people say it.
fn told(verb: &str, target: &str) -> String {
    let words = verb.replace(['.', '_'], " ");
    let mut letters = words.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}: {target}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters() -> Vec<Letter> {
        let link = || "https://bailiwick.example.test/o/acme".to_owned();
        let expires = || "2026-12-01 12:00 UTC".to_owned();
        vec![
            Letter::Invite {
                organization: "Acme <Labs>".to_owned(),
                inviter: "admin@example.test".to_owned(),
                link: link(),
                expires: expires(),
            },
            Letter::PasswordReset { link: link(), expires: expires() },
            Letter::EmailRelease { email: "new@example.test".to_owned(), link: link(), expires: expires() },
            Letter::EmailChange { email: "new@example.test".to_owned(), link: link(), expires: expires() },
            Letter::Notice {
                notice: "key_changed".to_owned(),
                organization: "Acme <Labs>".to_owned(),
                verb: "api_key.disabled".to_owned(),
                actor: "admin@example.test".to_owned(),
                target: "backend".to_owned(),
                at: "2026-11-24 12:00 UTC".to_owned(),
                link: link(),
            },
            Letter::Test { organization: "Acme <Labs>".to_owned() },
        ]
    }

    #[test]
    fn letters_read_as_kept() {
        let mut all = String::new();
        for letter in letters() {
            let words = of(&letter).unwrap();
            assert!(!words.html.contains("<Labs>"), "what people typed is escaped");
            all += &format!("== {}\n{}\n{}\n\n{}\n", letter.kind(), words.subject, words.text, words.html);
        }
        insta::with_settings!({snapshot_path => "."}, { insta::assert_snapshot!("letters", all) });
    }
}
