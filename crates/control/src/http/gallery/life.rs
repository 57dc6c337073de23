//! The queue of hand-overs, and links about one's own account, in the gallery.

use super::Exhibit;
use super::sample::{at, bare, person, shell};
use crate::accounts::pages::{ConfirmEmailPage, ForgotPasswordPage, ResetPasswordPage};
use crate::handovers::pages::{HandoverRow, HandoversPage};
use crate::http::shell::{Choice, Section, Theme};

pub fn exhibits() -> Vec<Exhibit> {
    vec![
        Exhibit::new("handovers", handovers),
        Exhibit::new("handovers-empty", |theme| HandoversPage {
            handovers: Vec::new(),
            next_href: None,
            ..handovers(theme)
        }),
        Exhibit::new("forgot-password", |theme| forgot(theme, true, false)),
        Exhibit::new("forgot-password-sent", |theme| forgot(theme, true, true)),
        Exhibit::new("forgot-password-without-mail", |theme| forgot(theme, false, false)),
        Exhibit::new("reset-password", |theme| ResetPasswordPage {
            bare: bare(theme, "New password"),
            token: "t0ken".to_owned(),
            email: "lead@example.test".to_owned(),
            password_length: 12,
        }),
        Exhibit::new("release-email", |theme| confirm(theme, false, true)),
        Exhibit::new("confirm-email", |theme| confirm(theme, true, true)),
        Exhibit::new("confirm-email-of-another", |theme| confirm(theme, true, false)),
    ]
}

fn handovers(theme: Theme) -> HandoversPage {
    let heirs = || Choice::list(&[("user_2", "Support Lead (support@example.test)")], "");
    let row = |id: &str, kind, name: &str, project: Option<&str>| HandoverRow {
        id: id.to_owned(),
        kind,
        name: name.to_owned(),
        project: project.map(str::to_owned),
        href: "/o/northwind/projects/proj_01".to_owned(),
        from: person("Sales <b>bold</b> Lead"),
        cause: "was removed",
        until: at(-5, 0),
        state: "Waits",
        tone: "warn",
        to: None,
        heirs: heirs(),
        end: Some("The key is revoked, for ever. What uses it stops working."),
    };
    HandoversPage {
        shell: shell(theme, "Hand-overs", Section::Handovers),
        states: Choice::list(&[("open", "Waits"), ("expired", "Expired"), ("all", "All")], "all"),
        handovers: vec![
            row("hand_1", "API key", "nightly-extraction", Some("Contract extraction in production")),
            row("hand_2", "Service account", "batch-runner", Some("Support chat")),
            HandoverRow {
                cause: "left the organization",
                state: "Given",
                tone: "good",
                to: Some("Support Lead".to_owned()),
                heirs: Vec::new(),
                end: None,
                ..row("hand_3", "Project", "Support chat", None)
            },
            HandoverRow { state: "Expired", tone: "bad", ..row("hand_4", "API key", "old", Some("Search")) },
        ],
        next_href: Some("/o/northwind/handovers?state=all&after=hand_4".to_owned()),
    }
}

fn forgot(theme: Theme, has_mail: bool, is_sent: bool) -> ForgotPasswordPage {
    let email = "lead@example.test".to_owned();
    ForgotPasswordPage { bare: bare(theme, "Forgotten password"), email, has_mail, is_sent }
}

fn confirm(theme: Theme, is_last: bool, is_theirs: bool) -> ConfirmEmailPage {
    ConfirmEmailPage {
        bare: bare(theme, "New address"),
        action: "/account/email/t0ken".to_owned(),
        is_last,
        is_theirs,
        before: "lead@example.test".to_owned(),
        after: "lead@new.example.test".to_owned(),
    }
}
