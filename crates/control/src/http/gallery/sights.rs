//! Access in the gallery: an answer of each kind, who can see a project, what a person can see.

use super::Exhibit;
use super::project::head;
use super::sample::{at, choices, day, in_project, person, project, shell};
use crate::access::pages::{
    AccessPage, AnswerCard, MissingRow, ProjectAccessPage, ReasonRow, SeerRow, SightPage, SightRow, StepRow,
};
use crate::http::figures::Count;
use crate::http::shell::{Person, Section, Theme};

pub fn exhibits() -> Vec<Exhibit> {
    vec![
        Exhibit::new("access", |theme| ask(theme, None)),
        Exhibit::new("access-yes", |theme| ask(theme, Some(yes()))),
        Exhibit::new("access-no", |theme| ask(theme, Some(no()))),
        Exhibit::new("access-call", |theme| ask(theme, Some(call()))),
        Exhibit::new("project-access", seers),
        Exhibit::new("member-access", sight),
        Exhibit::new("my-access", |theme| SightPage { is_self: true, suspended_at: None, ..sight(theme) }),
    ]
}

fn reason(role: &str, project: &str, group: &str) -> ReasonRow {
    ReasonRow {
        role: role.to_owned(),
        project: project.to_owned(),
        group: group.to_owned(),
        given_by: "Platform Lead".to_owned(),
        given_at: day(40),
        ends_at: (group == "On call").then(|| at(-1, 0)),
    }
}

fn ask(theme: Theme, answer: Option<AnswerCard>) -> AccessPage {
    AccessPage {
        shell: shell(theme, "Access", Section::Access),
        principal: "support-lead@example.test".to_owned(),
        people: vec![person("Platform Lead"), person("Finance <b>bold</b> Lead")],
        permissions: choices(
            &["see who is a member of the organization", "change a project's settings and labels"],
            "change a project's settings and labels",
        ),
        model: String::new(),
        resources: choices(&["The organization", "Project Support chat"], "Project Support chat"),
        can_ask_about_anyone: true,
        answer,
    }
}

fn answer(is_allowed: bool, sentence: &str, code: &str) -> AnswerCard {
    AnswerCard {
        is_allowed,
        sentence: sentence.to_owned(),
        code: code.to_owned(),
        reasons: Vec::new(),
        steps: Vec::new(),
        missing: None,
    }
}

fn yes() -> AnswerCard {
    let sentence = "Yes: in the project Support chat Support Lead may change a project's settings and labels, as Project Owner \
                    and as Admin through the group On call.";
    let reasons = vec![reason("Project Owner", "Support chat", ""), reason("Admin", "", "On call")];
    AnswerCard { reasons, ..answer(true, sentence, "") }
}

fn no() -> AnswerCard {
    let sentence = "No: in the project Support chat Support Lead may not change a project's settings and labels, for no role of \
                    theirs gives it.";
    let missing = MissingRow {
        sentence: "change a project's settings and labels".to_owned(),
        roles: vec![
            ("Admin of the organization".to_owned(), false),
            ("Project Owner of a project".to_owned(), false),
            ("Member of a project".to_owned(), true),
        ],
        givers: vec![person("Platform Lead"), person("Finance <b>bold</b> Lead")],
    };
    AnswerCard { missing: Some(missing), ..answer(false, sentence, "missing_permission") }
}

fn call() -> AnswerCard {
    let step = |passes, sentence: &str| StepRow { passes, sentence: sentence.to_owned() };
    let steps = vec![
        step(true, "The key is active."),
        step(true, "Its owner checkout-worker may use keys of the project."),
        step(true, "The project Support chat is in use."),
        step(false, "No provider connection that the project may use offers it."),
        step(true, "The key has no list of models of its own."),
    ];
    let sentence = "No: the key checkout-backend may not call gpt-9 from the project Support chat. No provider connection that the \
                    project may use offers it.";
    AnswerCard { steps, ..answer(false, sentence, "model_not_found") }
}

fn seers(theme: Theme) -> ProjectAccessPage {
    let row = |name: &str, can: &str, keys: u64, reasons: Vec<ReasonRow>| SeerRow {
        who: person(name),
        is_service_account: false,
        can: can.to_owned(),
        active_keys: Count(keys),
        reasons,
        key_owner: String::new(),
        href: "/o/northwind/members/user_1/access".to_owned(),
    };
    let worker = SeerRow {
        who: Person { name: "checkout-worker".to_owned(), email: String::new() },
        is_service_account: true,
        key_owner: "Support Lead".to_owned(),
        href: String::new(),
        ..row("", "calls models with its keys", 2, Vec::new())
    };
    let owner = "manages the project, people, invitations, roles, service accounts, keys, limits, policy and hand-overs; sees usage \
                 and cost";
    ProjectAccessPage {
        shell: in_project(theme, "Who can see this project", Section::ProjectAccess),
        head: head(),
        seers: vec![
            row("Platform Lead", "manages everything", 0, vec![reason("Admin", "", "")]),
            row(
                "Support Lead",
                owner,
                1,
                vec![
                    reason("Project Owner", "Support chat", ""),
                    reason("Viewer", "Support chat", "On call"),
                ],
            ),
            row("Sales <b>bold</b> Lead", "sees cost", 0, vec![reason("Finance", "", "")]),
            worker,
        ],
        next_href: Some("/o/northwind/projects/proj_00/access?after=user_3".to_owned()),
        whole_href: Some("/o/northwind/projects/proj_00/access?whole=true".to_owned()),
    }
}

fn sight(theme: Theme) -> SightPage {
    let row = |index: usize, can: &str, role: &str| SightRow {
        project: project(index),
        is_archived: index == 3,
        can_open: index != 2,
        can: can.to_owned(),
        reasons: vec![reason(role, "Support chat", ""), reason("Viewer", "Support chat", "On call")],
    };
    SightPage {
        shell: shell(theme, "What a member can see", Section::Members),
        person: person("Sales <b>bold</b> Lead"),
        is_self: false,
        suspended_at: Some(day(3)),
        can: "sees the organization".to_owned(),
        reasons: vec![reason("Member", "", "")],
        rights: vec![(
            "organization.read".to_owned(),
            "See the organization's name and settings.".to_owned(),
        )],
        projects: vec![
            row(
                0,
                "manages own keys; sees the project, people, service accounts, policy and own usage",
                "Member",
            ),
            row(2, "sees the project, people, policy, usage and cost", "Viewer"),
            row(3, "manages everything", "Project Owner"),
            row(5, "sees cost", "Finance"),
        ],
        next_href: None,
        whole_href: None,
    }
}
