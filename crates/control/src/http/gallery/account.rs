//! Set-up, sign-in, invites and the account in the gallery.

use super::Exhibit;
use super::sample::{at, bare, flash, organization, shell};
use crate::accounts::pages::{AccountPage, SessionRow, SetupPage, SignInPage};
use crate::http::figures::Count;
use crate::http::shell::{Bare, Section, Shell, Theme, Tone};
use crate::invites::pages::AcceptInvitePage;
use crate::organizations::pages::OrganizationRow;

pub fn exhibits() -> Vec<Exhibit> {
    vec![
        Exhibit::new("setup", setup),
        Exhibit::new("sign-in", sign_in),
        Exhibit::new("invite", invite),
        Exhibit::new("invite-known", |theme| AcceptInvitePage { has_account: true, ..invite(theme) }),
        Exhibit::new("account", account),
    ]
}

fn setup(theme: Theme) -> SetupPage {
    SetupPage {
        bare: bare(theme, "Set up"),
        token: "t0ken".to_owned(),
        organization: "Typed Organization".to_owned(),
        name: "Typed Name".to_owned(),
        email: "typed@example.test".to_owned(),
        password_length: 12,
    }
}

fn sign_in(theme: Theme) -> SignInPage {
    let flashes = flash(Tone::Bad, "Address or password is wrong.");
    SignInPage {
        bare: Bare { flashes, ..bare(theme, "Sign in") },
        email: "lead@example.test".to_owned(),
        return_to: "/o/northwind/usage".to_owned(),
    }
}

fn invite(theme: Theme) -> AcceptInvitePage {
    AcceptInvitePage {
        bare: bare(theme, "Invitation"),
        token: "t0ken".to_owned(),
        organization: "Northwind <b>bold</b> Trading".to_owned(),
        invited_by: "Platform Lead".to_owned(),
        role: "Member".to_owned(),
        projects: vec![("Support chat".to_owned(), "Project Owner".to_owned())],
        email: "support@example.test".to_owned(),
        name: String::new(),
        has_account: false,
        is_signed_in: false,
        password_length: 12,
    }
}

fn account(theme: Theme) -> AccountPage {
    let session = |id: &str, device: &str, is_this| SessionRow {
        id: id.to_owned(),
        device: device.to_owned(),
        address: "203.0.113.7".to_owned(),
        created_at: at(3, 0),
        last_seen_at: at(0, 4),
        is_this,
    };
    let place = organization();
    AccountPage {
        shell: Shell { organization: None, ..shell(theme, "My account", Section::Elsewhere) },
        password_length: 12,
        sessions: vec![
            session("sess_1", "Firefox on Linux", true),
            session("sess_2", "Safari on iPhone", false),
        ],
        organizations: vec![OrganizationRow {
            slug: place.slug,
            name: place.name,
            role: place.role,
            members: Count(18),
            projects: Count(6),
            standstill: None,
        }],
        asked_email: Some("lead@new.example.test".to_owned()),
        has_mail: false,
    }
}

#[test]
fn what_was_typed_stands_in_the_form_again() {
    let html = askama::Template::render(&setup(Theme::Auto)).unwrap();
    for (param, value) in
        [("organization", "Typed Organization"), ("name", "Typed Name"), ("email", "typed@example.test")]
    {
        let field = html.split(&format!("name=\"{param}\"")).nth(1).unwrap().split('>').next().unwrap();
        assert!(field.contains(&format!("value=\"{value}\"")), "{param}: {field}");
    }
}
