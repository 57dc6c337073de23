//! Approvals, elevations and access reviews in the gallery.

use super::Exhibit;
use super::sample::{at, choices, day, person, shell};
use crate::approvals::pages::{ApprovalsPage, AskForm, DecidedRow, RunningRow, WaitingRow};
use crate::http::figures::Count;
use crate::http::shell::{Choice, ElevationNotice, PickLink, Section, Shell, Theme};
use crate::reviews::pages::{DecisionRow, ItemRow, ProgressBar, ReviewPage, ReviewRow, ReviewsPage, UseRow};

pub fn exhibits() -> Vec<Exhibit> {
    vec![
        Exhibit::new("approvals", approvals),
        Exhibit::new("approvals-elevated", |theme| ApprovalsPage {
            is_elevated: true,
            ask: None,
            own: Vec::new(),
            shell: elevated(approvals(theme).shell),
            ..approvals(theme)
        }),
        Exhibit::new("approvals-member", |theme| ApprovalsPage {
            can_decide: false,
            sees_all: false,
            waiting: Vec::new(),
            running: Vec::new(),
            decided: Vec::new(),
            next_href: None,
            ..approvals(theme)
        }),
        Exhibit::new("approvals-empty", |theme| ApprovalsPage {
            waiting: Vec::new(),
            own: Vec::new(),
            running: Vec::new(),
            ask: None,
            decided: Vec::new(),
            next_href: None,
            ..approvals(theme)
        }),
        Exhibit::new("reviews", reviews),
        Exhibit::new("reviews-empty", |theme| ReviewsPage { reviews: Vec::new(), ..reviews(theme) }),
        Exhibit::new("review", review),
        Exhibit::new("review-closed", |theme| ReviewPage {
            review: review_row(2),
            items: Vec::new(),
            next_href: None,
            whole_href: None,
            ..review(theme)
        }),
    ]
}

fn elevated(shell: Shell) -> Shell {
    let notice = ElevationNotice {
        role: "Admin".to_owned(),
        until: at(-1, 0),
        left: "1 hour 12 minutes".to_owned(),
        end_action: "/o/northwind/elevations/appr_9/end".to_owned(),
    };
    Shell { elevation: Some(notice), ..shell }
}

fn waiting(id: &str, name: &str, reason: &str) -> WaitingRow {
    WaitingRow {
        id: id.to_owned(),
        person: person(name),
        what: "Admin for 1 hour".to_owned(),
        follows: "They have it at once. It ends by itself, and you or they can end it before.",
        reason: reason.to_owned(),
        asked_at: at(0, 25),
        expires_at: day(-7),
    }
}

fn decided(name: &str, state: &'static str, tone: &'static str, note: &str) -> DecidedRow {
    DecidedRow {
        person: person(name),
        what: "Finance for 2 hours".to_owned(),
        reason: "Close the month while Sales is away".to_owned(),
        state,
        tone,
        decided_by: if state == "expired" { String::new() } else { "Platform Lead".to_owned() },
        decided_at: at(3, 0),
        note: note.to_owned(),
    }
}

fn approvals(theme: Theme) -> ApprovalsPage {
    ApprovalsPage {
        shell: shell(theme, "Approvals", Section::Approvals),
        can_decide: true,
        is_elevated: false,
        sees_all: true,
        waiting: vec![
            waiting("appr_1", "Support Lead", "The provider's credential leaked; it has to be replaced now."),
            waiting(
                "appr_2",
                "Sales <b>bold</b> Lead",
                "Rename projects for the audit.\nTwo of them, both mine.",
            ),
        ],
        own: vec![waiting("appr_3", "Platform Lead", "An incident in production.")],
        running: vec![RunningRow {
            id: "appr_4".to_owned(),
            person: person("Finance Lead"),
            what: "Admin for 4 hours".to_owned(),
            ends_at: at(-1, 0),
            left: "1 hour 12 minutes".to_owned(),
            approved_by: "Platform Lead".to_owned(),
            can_end: true,
        }],
        ask: Some(AskForm {
            roles: choices(&["Admin", "Finance", "Auditor"], "Admin"),
            durations: choices(&["15 minutes", "1 hour", "4 hours"], "1 hour"),
            reason: String::new(),
        }),
        decided: vec![
            decided("Finance Lead", "in force", "good", ""),
            decided("Support Lead", "refused", "bad", "Ask Sales <b>bold</b> first."),
            decided("Support Lead", "expired", "warn", ""),
        ],
        next_href: Some("/o/northwind/approvals?after=appr_5#decided".to_owned()),
    }
}

/// Of 0 and 1 the first is overdue; 2 is closed.
fn review_row(index: usize) -> ReviewRow {
    ReviewRow {
        id: format!("rev_{index}"),
        name: ["Access in <b>bold</b> November 2026", "Access in August 2026", "Access in May 2026"][index]
            .to_owned(),
        opener: "Platform Lead".to_owned(),
        opened_at: day(20 + 90 * index as i64),
        due_at: Some(day(if index == 0 { 2 } else { -12 })),
        is_overdue: index == 0,
        closed_at: (index == 2).then(|| day(180)),
        closer: if index == 2 { "Support Lead".to_owned() } else { String::new() },
        progress: ProgressBar { items: 42, kept: [17, 0, 35][index], reduced: [5, 0, 7][index] },
        proposed: Count(9),
    }
}

fn reviews(theme: Theme) -> ReviewsPage {
    ReviewsPage {
        shell: shell(theme, "Access reviews", Section::Reviews),
        reviews: vec![review_row(0), review_row(1), review_row(2)],
        next_href: Some("/o/northwind/reviews?after=rev_2".to_owned()),
        can_manage: true,
        name: "Access in November 2026".to_owned(),
        due_on: String::new(),
    }
}

fn item(id: &str, name: &str, (proposal, tone): (&str, &'static str)) -> ItemRow {
    let used = |permission, used_on| UseRow { permission, used_on };
    ItemRow {
        id: id.to_owned(),
        person: person(name),
        role: "Project Owner".to_owned(),
        project: "Support chat".to_owned(),
        group: String::new(),
        given_at: day(200),
        used: 2,
        given: 3,
        last_used_on: Some(day(4)),
        uses: vec![
            used("project.read", Some(day(4))),
            used("usage.read", Some(day(40))),
            used("project.archive", None),
        ],
        proposal: proposal.to_owned(),
        tone,
        smaller: Choice::list(&[("member", "Member"), ("none", "nothing: take it away")], "member"),
        decided: None,
        is_own: false,
    }
}

fn decision(what: &str, tone: &'static str, note: &str) -> Option<DecisionRow> {
    let (what, by, note) = (what.to_owned(), "Support Lead".to_owned(), note.to_owned());
    Some(DecisionRow { what, tone, by, at: at(1, 0), note })
}

fn review(theme: Theme) -> ReviewPage {
    let link = |word: &str, label, is_here| PickLink {
        href: format!("/o/northwind/reviews/rev_0?show={word}"),
        label,
        is_here,
    };
    let of_organization = |row: ItemRow| ItemRow {
        role: "Admin".to_owned(),
        project: String::new(),
        used: 0,
        last_used_on: None,
        uses: vec![UseRow { permission: "organization.update", used_on: None }],
        ..row
    };
    ReviewPage {
        shell: shell(theme, "Access in November 2026", Section::Reviews),
        review: review_row(0),
        shows: vec![
            link("", "To decide", false),
            link("proposed", "Proposed, to decide", false),
            link("all", "All", true),
        ],
        items: vec![
            ItemRow { is_own: true, ..of_organization(item("item_1", "Platform Lead", ("keep", "good"))) },
            of_organization(item("item_2", "Support Lead", ("make Member", "warn"))),
            ItemRow {
                group: "Support <b>bold</b> engineers".to_owned(),
                ..item("item_3", "Finance Lead", ("take away", "warn"))
            },
            ItemRow {
                decided: decision("kept", "good", "She is on call <b>bold</b> next month."),
                ..item("item_4", "Sales <b>bold</b> Lead", ("make Member", "warn"))
            },
            ItemRow {
                decided: decision("now Member", "info", ""),
                ..item("item_5", "Data Lead", ("too new to tell", ""))
            },
        ],
        next_href: Some("/o/northwind/reviews/rev_0?show=all&after=item_5".to_owned()),
        whole_href: Some("/o/northwind/reviews/rev_0?show=all&whole=true".to_owned()),
        can_manage: true,
    }
}
