//! Policy, webhooks and mail in the gallery.

use super::Exhibit;
use super::project::head;
use super::sample::{at, choices, day, in_project, project, shell};
use crate::http::figures::Count;
use crate::http::shell::{Choice, PickLink, Section, Theme};
use crate::mails::pages::{MailRow, MailsPage, NoticeRow};
use crate::policy::pages::{
    Control, ExceptionForm, ExceptionRow, OwnRow, PolicyPage, Refused, SettingForm, SettingRow, SpotRow,
    TrialRow, Typed, WarningRow,
};
use crate::webhooks::pages::{
    AttemptRow, DeliveryPage, DeliveryRow, WebhookForm, WebhookPage, WebhookRow, WebhookSecretReveal,
    WebhooksPage,
};

pub fn exhibits() -> Vec<Exhibit> {
    vec![
        Exhibit::new("policy", policy),
        Exhibit::new("policy-empty", |theme| PolicyPage {
            exceptions: Vec::new(),
            warnings: Vec::new(),
            next_href: None,
            areas: vec![("Keys", vec![unset()])],
            ..policy(theme)
        }),
        Exhibit::new("policy-refused", |theme| PolicyPage {
            refused: Some(refused(
                "network.sign_in",
                Typed::Setting(networks().form.unwrap_or_else(|| form(days(""), None))),
            )),
            ..policy(theme)
        }),
        Exhibit::new("policy-exception-refused", |theme| PolicyPage {
            refused: Some(refused("key.narrow", Typed::Exception(exception_form()))),
            ..policy(theme)
        }),
        Exhibit::new("project-policy", project_policy),
        Exhibit::new("key-policy", |theme| PolicyPage {
            key: "Policy of widget <b>bold</b>".to_owned(),
            action: "/o/northwind/projects/proj_00/keys/key_1/policy".to_owned(),
            sees_warnings: false,
            warnings: Vec::new(),
            ..project_policy(theme)
        }),
        Exhibit::new("webhooks", webhooks),
        Exhibit::new("webhooks-empty", |theme| WebhooksPage {
            webhooks: Vec::new(),
            next_href: None,
            ..webhooks(theme)
        }),
        Exhibit::new("webhook", webhook),
        Exhibit::new("webhook-new", |theme| WebhookPage {
            reveal: Some(WebhookSecretReveal {
                secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned(),
                url: "https://ops.example.test/hooks".to_owned(),
            }),
            webhook: webhook_row(0),
            deliveries: Vec::new(),
            next_href: None,
            ..webhook(theme)
        }),
        Exhibit::new("delivery", delivery),
        Exhibit::new("mails", mails),
        Exhibit::new("mails-member", |theme| MailsPage {
            mails: None,
            next_href: None,
            can_test: false,
            is_configured: false,
            ..mails(theme)
        }),
    ]
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|&text| text.to_owned()).collect()
}

fn form(value: Control, floor: Option<Control>) -> SettingForm {
    SettingForm {
        value,
        modes: choices(&["enforce", "warn", "off"], "warn"),
        floor,
        is_locked: true,
        is_set: true,
        can_try: false,
        is_on_trial: false,
    }
}

fn exception_form() -> ExceptionForm {
    ExceptionForm {
        value: Control::Choices(Choice::list(&[("true", "yes"), ("false", "no")], "true")),
        level: "environment".to_owned(),
        level_id: "production".to_owned(),
        ends_on: "2026-08-31".to_owned(),
        reason: "The vendor rotates once a year <b>bold</b>.".to_owned(),
        return_to: "/o/northwind/policy?environment=production".to_owned(),
    }
}

fn refused(name: &'static str, typed: Typed) -> Refused {
    Refused {
        name,
        sentence: "The networks from which members may enter the console, and open a project there.",
        why: "This is wider than the level <b>organization</b> allows.".to_owned(),
        typed,
    }
}

/// Networks on trial.
fn networks() -> SettingRow {
    let lines = Control::Lines { value: "203.0.113.0/24".to_owned(), example: "203.0.113.0/24" };
    SettingRow {
        name: "network.sign_in",
        sentence: "The networks from which members may enter the console, and open a project there.",
        values: Some(texts(&["203.0.113.0/24"])),
        unset: "everywhere",
        level: "the organization".to_owned(),
        by: "Platform Lead".to_owned(),
        at: Some(day(0)),
        trial: Some(TrialRow { ends_at: at(0, 9), can_decide: true }),
        form: Some(SettingForm { can_try: true, is_on_trial: true, ..form(lines.clone(), Some(lines)) }),
        ..unset()
    }
}

fn days(value: &str) -> Control {
    Control::Number { value: value.to_owned(), unit: "days", least: 1, most: 3_650 }
}

fn unset() -> SettingRow {
    SettingRow {
        name: "key.maximum_age_days",
        sentence: "How many days a key works at most after it was made.",
        values: None,
        unset: "as long as the key says",
        warned: None,
        level: String::new(),
        by: String::new(),
        at: None,
        narrowed_by: String::new(),
        locked_by: String::new(),
        exception_ends_at: None,
        own: None,
        trial: None,
        warnings: Count(0),
        form: Some(form(days(""), Some(days("")))),
        exception: None,
    }
}

fn models() -> SettingRow {
    let lines = Control::Lines { value: "gpt-5*\nsim-small".to_owned(), example: "gpt-5*" };
    SettingRow {
        name: "model.allowed",
        sentence: "The models that may be called.",
        values: Some(texts(&["gpt-5*", "sim-small", "text-embedding-3-<b>bold</b>"])),
        warned: Some(texts(&["gpt-5*"])),
        level: "the organization".to_owned(),
        by: "Platform <b>bold</b> Lead".to_owned(),
        at: Some(day(40)),
        own: Some(OwnRow {
            values: texts(&["gpt-5*", "sim-small"]),
            mode: "warn",
            tone: "warn",
            is_locked: true,
            floor: texts(&["gpt-5-mini"]),
        }),
        warnings: Count(1_204),
        form: Some(form(lines.clone(), Some(lines))),
        ..unset()
    }
}

fn switch() -> SettingRow {
    SettingRow {
        name: "key.narrow",
        sentence: "A key names the scopes or models that it may use.",
        values: Some(texts(&["yes"])),
        level: "production".to_owned(),
        by: "Support Lead".to_owned(),
        at: Some(day(3)),
        narrowed_by: "the organization, production".to_owned(),
        locked_by: "the organization".to_owned(),
        exception_ends_at: Some(day(-30)),
        exception: Some(exception_form()),
        form: None,
        ..unset()
    }
}

fn in_the_project() -> SpotRow {
    SpotRow { project: Some(project(0)), what: String::new(), masked: String::new() }
}

fn a_key(index: usize) -> SpotRow {
    SpotRow {
        project: Some(project(index)),
        what: "widget <b>bold</b>".to_owned(),
        masked: "sk-proj-bw…x4Qz".to_owned(),
    }
}

fn policy(theme: Theme) -> PolicyPage {
    let link = |label, is_here| PickLink { href: "/o/northwind/policy".to_owned(), label, is_here };
    let exception = |id: &str, spot, is_standing| ExceptionRow {
        id: id.to_owned(),
        setting: "key.maximum_age_days",
        spot,
        values: texts(&["400 days"]),
        reason: "The vendor rotates once a year <b>bold</b>.".to_owned(),
        by: "Platform Lead".to_owned(),
        ends_at: day(if is_standing { -90 } else { 4 }),
        is_standing,
    };
    PolicyPage {
        shell: shell(theme, "Policy", Section::Policy),
        head: None,
        key: String::new(),
        places: vec![
            link("Organization", true),
            link("development", false),
            link("staging", false),
            link("production", false),
        ],
        action: "/o/northwind/policy".to_owned(),
        environment: String::new(),
        refused: None,
        areas: vec![
            ("Projects and people", vec![switch()]),
            ("Keys", vec![unset()]),
            ("Models and calls", vec![models()]),
            ("Networks", vec![networks()]),
        ],
        exceptions: vec![
            exception("exc_1", in_the_project(), true),
            exception("exc_2", a_key(5), true),
            exception(
                "exc_3",
                SpotRow { project: None, what: "staging".to_owned(), masked: String::new() },
                false,
            ),
        ],
        next_href: Some("/o/northwind/policy?after=exc_3#exceptions".to_owned()),
        can_except: true,
        sees_warnings: true,
        warnings: vec![WarningRow {
            setting: "model.allowed",
            spot: a_key(0),
            subject: "gpt-4-<b>bold</b>".to_owned(),
            count: Count(1_204),
            last_at: at(0, 9),
        }],
        warning_days: 30,
    }
}

fn project_policy(theme: Theme) -> PolicyPage {
    PolicyPage {
        shell: in_project(theme, "Policy", Section::ProjectPolicy),
        head: Some(head()),
        places: Vec::new(),
        action: "/o/northwind/projects/proj_00/policy".to_owned(),
        exceptions: Vec::new(),
        next_href: None,
        ..policy(theme)
    }
}

/// Of 0 and 1 the second is disabled.
fn webhook_row(index: usize) -> WebhookRow {
    WebhookRow {
        id: format!("hook_{index}"),
        url: [
            "https://ops.example.test/hooks",
            "https://<b>bold</b>.example.test/a/rather/long/path?token=ab",
        ][index]
            .to_owned(),
        description: ["Pages whoever is on call", ""][index].to_owned(),
        told: ["all events", "3 kinds of events"][index].to_owned(),
        is_enabled: index == 0,
        old_secret_ends_at: (index == 0).then(|| at(-1, 0)),
        created_at: day(30),
    }
}

fn webhook_form() -> WebhookForm {
    let choice = |value: &str, label: &str, is_selected| Choice {
        value: value.to_owned(),
        label: label.to_owned(),
        is_selected,
    };
    WebhookForm {
        url: "https://ops.example.test/hooks".to_owned(),
        description: "Pages whoever is <b>bold</b>".to_owned(),
        events: vec![
            ("approval".to_owned(), vec![choice("approval.given", "given", true)]),
            (
                "key".to_owned(),
                vec![choice("key.created", "created", false), choice("key.disabled", "disabled", true)],
            ),
        ],
    }
}

fn webhooks(theme: Theme) -> WebhooksPage {
    WebhooksPage {
        shell: shell(theme, "Webhooks", Section::Webhooks),
        webhooks: vec![webhook_row(0), webhook_row(1)],
        next_href: Some("/o/northwind/webhooks?after=hook_1".to_owned()),
        form: Some(WebhookForm { url: String::new(), ..webhook_form() }),
    }
}

fn delivery_row(state: &'static str, tone: &'static str, last: &str) -> DeliveryRow {
    DeliveryRow {
        id: format!("dlv_{tone}"),
        event_type: "key.disabled".to_owned(),
        event_id: "audit_01kc5rj0s8e9n".to_owned(),
        state,
        tone,
        attempts: 3,
        last: last.to_owned(),
        created_at: at(0, 40),
        next_at: (tone == "info").then(|| at(0, -20)),
    }
}

fn webhook(theme: Theme) -> WebhookPage {
    let link = |label, is_here| PickLink {
        href: "/o/northwind/webhooks/hook_1?status=failed".to_owned(),
        label,
        is_here,
    };
    WebhookPage {
        shell: shell(theme, "Webhook", Section::Webhooks),
        webhook: webhook_row(1),
        reveal: None,
        form: Some(webhook_form()),
        overlaps: choices(&["ends at once", "lives for a day"], "lives for a day"),
        shows: vec![
            link("All", true),
            link("Waiting", false),
            link("Delivered", false),
            link("Given up", false),
        ],
        deliveries: vec![
            delivery_row("waiting", "info", "The address answered 500."),
            delivery_row("delivered", "good", "204"),
            delivery_row("given up", "bad", "No connection could be made <b>bold</b>."),
        ],
        next_href: Some("/o/northwind/webhooks/hook_1?status=&after=dlv_bad".to_owned()),
    }
}

fn delivery(theme: Theme) -> DeliveryPage {
    let attempt = |number, status: &str, error: &str, answer: &str| AttemptRow {
        number,
        at: at(0, 40 - number),
        milliseconds: 31 * number,
        status: status.to_owned(),
        error: error.to_owned(),
        answer: answer.to_owned(),
    };
    DeliveryPage {
        shell: shell(theme, "key.disabled", Section::Webhooks),
        delivery: delivery_row("waiting", "info", "The address answered 500."),
        webhook_id: "hook_1".to_owned(),
        body: "{\n  \"type\": \"key.disabled\",\n  \"data\": {\n    \"id\": \"key_01k\"\n  }\n}".to_owned(),
        attempts: vec![
            attempt(1, "", "No connection could be made.", ""),
            attempt(2, "500", "The address answered 500.", "<b>bold</b> Internal Server Error"),
        ],
        can_manage: true,
    }
}

fn mails(theme: Theme) -> MailsPage {
    let notice = |name, sentence, is_on| NoticeRow {
        name,
        sentence,
        audience: "Admins, owners of the project".to_owned(),
        is_on,
    };
    let mail = |kind: &str, recipient: &str, (state, tone), error: &str| MailRow {
        kind: kind.to_owned(),
        recipient: recipient.to_owned(),
        state,
        tone,
        attempts: if error.is_empty() { 1 } else { 4 },
        error: error.to_owned(),
        created_at: at(0, 30),
        ended_at: (state == "sent").then(|| at(0, 29)),
    };
    MailsPage {
        shell: shell(theme, "Mail", Section::Mails),
        notices: vec![
            notice("approval_waits", "Something waits for your approval.", true),
            notice("policy_changed", "Policy was changed.", false),
        ],
        mails: Some(vec![
            mail("invitation", "finance@example.test", ("sent", "good"), ""),
            mail("notice", "sales-<b>bold</b>@example.test", ("waiting", "info"), "The server is busy."),
            mail("password reset", "jo@example.test", ("given up", "bad"), "550 no such user"),
        ]),
        next_href: Some("/o/northwind/mails?after=mail_3#outbox".to_owned()),
        can_test: true,
        is_configured: true,
    }
}
