//! The project's side of the gallery.

use domain::models::ModelLists;

use super::Exhibit;
use super::access::further;
use super::sample::{self, at, chart, choices, day, figure, in_project, person, project, shell, values};
use crate::api_keys::limits::LimitsForm;
use crate::api_keys::pages::{KeyRow, KeyState, ProjectKeyPage, ProjectKeysPage, SecretReveal};
use crate::http::charts::{Meter, Sparkline, Unit};
use crate::http::figures::{Count, Money};
use crate::http::shell::{Choice, Section, Shell, Theme, Tone};
use crate::members::pages::{InviteRow, InviteState};
use crate::projects::detail_pages::{
    MeterRow, ProjectGroupRow, ProjectGroups, ProjectHead, ProjectInvites, ProjectMemberRow,
    ProjectMembersPage, ProjectPage, ProjectSettingsPage,
};
use crate::projects::pages::{NewProjectPage, ProjectForm, ProjectRow, ProjectsPage};
use crate::roles::pages::HeldRole;
use crate::service_accounts::pages::{ServiceAccountPage, ServiceAccountRow, ServiceAccountsPage};

pub fn exhibits() -> Vec<Exhibit> {
    vec![
        Exhibit::new("projects", projects),
        Exhibit::new("project-ask", ask_for_project),
        Exhibit::new("projects-member", |theme| ProjectsPage {
            can_create: false,
            can_ask: true,
            ..projects(theme)
        }),
        Exhibit::new("projects-empty", |theme| ProjectsPage { projects: Vec::new(), ..projects(theme) }),
        Exhibit::new("project-new", new_project),
        Exhibit::new("project", overview),
        Exhibit::new("project-empty", |theme| ProjectPage {
            chart: None,
            models: Vec::new(),
            meters: Vec::new(),
            owners: Vec::new(),
            ..overview(theme)
        }),
        Exhibit::new("project-keys", project_keys),
        Exhibit::new("project-keys-empty", |theme| ProjectKeysPage {
            reveal: None,
            keys: Vec::new(),
            ..project_keys(theme)
        }),
        Exhibit::new("project-key", project_key),
        Exhibit::new("project-service-accounts", service_accounts),
        Exhibit::new("project-service-accounts-empty", |theme| ServiceAccountsPage {
            accounts: Vec::new(),
            ..service_accounts(theme)
        }),
        Exhibit::new("project-service-account", service_account),
        Exhibit::new("project-members", members),
        Exhibit::new("project-settings", settings),
        Exhibit::new("project-archived", |theme| ProjectSettingsPage {
            head: ProjectHead { is_archived: true, ..head() },
            ..settings(theme)
        }),
    ]
}

pub fn head() -> ProjectHead {
    ProjectHead {
        description: "Answers customers in the shop and the app, around the clock.".to_owned(),
        is_archived: false,
        is_high_risk: true,
    }
}

fn projects(theme: Theme) -> ProjectsPage {
    let row = |index: usize| ProjectRow {
        project: project(index),
        team: "Support".to_owned(),
        owner: if index == 4 { String::new() } else { "Support Lead".to_owned() },
        active_keys: 7 - index as u64,
        trend: Some(Sparkline::new("Cost per day over 30 days", &values(index, 30))),
        cost: Some(Money::from_nano(231_400_000_000 / (index as i64 + 1))),
        is_archived: index == 5,
    };
    ProjectsPage {
        shell: shell(theme, "Projects", Section::Projects),
        search: String::new(),
        environments: Choice::list(&[("", "All"), ("production", "Production"), ("staging", "Staging")], ""),
        states: Choice::list(&[("active", "Active"), ("archived", "Archived"), ("all", "All")], "active"),
        projects: (0..6).map(row).collect(),
        is_filtered: false,
        next_href: Some("/o/northwind/projects?after=proj_05".to_owned()),
        can_create: true,
        can_ask: false,
    }
}

fn form() -> ProjectForm {
    let owners = [
        ("user_1", "Support Lead"),
        ("user_2", "Platform Lead"),
        ("user_3", "Product Lead"),
        ("user_4", "Finance Lead"),
    ];
    ProjectForm {
        name: "Support chat".to_owned(),
        description: head().description,
        environments: choices(&["development", "staging", "production"], "production"),
        workloads: Choice::list(&[("chat", "Chat"), ("media_generation", "Media generation")], "chat"),
        risks: Choice::list(&[("standard", "Standard"), ("high", "High")], "high"),
        team: "Support".to_owned(),
        tags: "stage=2\nregion=eu".to_owned(),
        owners: Choice::list(&owners, "user_1"),
        accountable_owners: Choice::list(&owners, "user_1"),
        ..ProjectForm::default()
    }
}

fn new_project(theme: Theme) -> NewProjectPage {
    let flashes =
        sample::flash(Tone::Bad, "There is an active project of this name already. Choose another name.");
    NewProjectPage {
        shell: Shell { flashes, ..shell(theme, "New project", Section::Projects) },
        form: form(),
        reason: None,
    }
}

fn ask_for_project(theme: Theme) -> NewProjectPage {
    let shell = shell(theme, "Ask for a project", Section::Projects);
    NewProjectPage {
        shell,
        reason: Some("A pilot <b>bold</b> for two teams".to_owned()),
        ..new_project(theme)
    }
}

pub fn meters() -> Vec<MeterRow> {
    let row = |name: &str, unit, spent, held, amount, resets: &str| MeterRow {
        name: name.to_owned(),
        meter: Meter::new(unit, spent, held, amount),
        resets: resets.to_owned(),
    };
    vec![
        row(
            "Monthly spend of this project",
            Unit::NanoUsd,
            231_400_000_000,
            3_100_000_000,
            400_000_000_000,
            "Begins anew on 1 Dec 2026",
        ),
        row(
            "Monthly spend of the organization",
            Unit::NanoUsd,
            508_390_000_000,
            4_000_000_000,
            600_000_000_000,
            "Begins anew on 1 Dec 2026",
        ),
        row("Requests per minute", Unit::Count, 600, 0, 600, "Begins anew each minute"),
    ]
}

fn overview(theme: Theme) -> ProjectPage {
    ProjectPage {
        shell: in_project(theme, "Support chat", Section::ProjectOverview),
        head: head(),
        figures: vec![
            figure("Cost this month", "$231.40", "$264.11 in all of October"),
            figure("Calls this month", "48,210", "99.6 % succeeded"),
            figure("Tokens this month", "81M", "70M in, 11M out"),
            figure("Active keys", "7", "last used 2 minutes ago"),
        ],
        chart: Some(chart("Cost per day by key", &["checkout-backend", "widget", "mobile app"], 30)),
        chart_by: "key".to_owned(),
        models: super::organization::models(),
        meters: meters(),
        owners: vec![person("Support Lead"), person("Product Lead")],
        labels: [("Workload", "Chat"), ("Team", "Support"), ("Product line", "Shop"), ("Tag stage", "2")]
            .map(|(label, value)| (label.to_owned(), value.to_owned()))
            .into(),
        project_id: "proj_01kavz5q7m3c9t0x8d2r6w4y1e".to_owned(),
        can_create_key: true,
    }
}

pub fn keys() -> Vec<KeyRow> {
    let row = |id: &str, name: &str, state, is_service_account| KeyRow {
        id: id.to_owned(),
        name: name.to_owned(),
        masked: "sk-proj-bw…x4Qz".to_owned(),
        limits: if is_service_account {
            "scopes api.chat.request · models gpt-5*".to_owned()
        } else {
            String::new()
        },
        state,
        owner: if is_service_account { "checkout-worker".to_owned() } else { "Support Lead".to_owned() },
        is_service_account,
        last_used_at: (state == KeyState::Active).then(|| at(0, 2)),
        expires_at: (!is_service_account).then(|| day(-60)),
        created_at: day(40),
        can_manage: true,
    };
    vec![
        row("key_1", "checkout-backend", KeyState::Active, true),
        row("key_2", "widget <b>bold</b>", KeyState::Active, false),
        row("key_3", "load test", KeyState::Disabled, false),
        row("key_4", "trial", KeyState::Expired, false),
        row("key_5", "old backend", KeyState::Revoked, true),
    ]
}

pub fn project_keys(theme: Theme) -> ProjectKeysPage {
    let secret = "sk-proj-bw7Jq2mVx0c9Tt4LrPz8KdYw3NfHs6GbEa1Qz".to_owned();
    let curl = format!(
        "curl https://ai.example.test/v1/chat/completions \\\n  -H 'Authorization: Bearer {secret}' \\\n  -H 'Content-Type: application/json' \\\n  -d '{{\"model\": \"gpt-5-mini\", \"messages\": [{{\"role\": \"user\", \"content\": \"Hello\"}}]}}'"
    );
    ProjectKeysPage {
        asks_for_key: true,
        shell: in_project(theme, "Keys", Section::ProjectKeys),
        head: head(),
        reveal: Some(SecretReveal { name: "checkout-backend".to_owned(), secret, curl }),
        keys: keys(),
        owners: Choice::list(
            &[("user_1", "Me (Platform Lead)"), ("svc_1", "checkout-worker, service account")],
            "user_1",
        ),
        lifetimes: lifetimes(),
        limits: limits(),
        of_project: OF_PROJECT.to_owned(),
        can_create: true,
    }
}

const OF_PROJECT: &str = "The organization lets this project call only gpt-5*, text-embedding-3-small.";

fn lifetimes() -> Vec<Choice> {
    Choice::list(&[("90", "after 90 days"), ("365", "after a year"), ("", "never")], "90")
}

fn limits() -> LimitsForm {
    let models = ModelLists::of_key(Some(&["gpt-5*".to_owned()]), &["gpt-5-pro".to_owned()]).unwrap();
    LimitsForm::of(&["api.chat.request".to_owned()], &models)
}

fn project_key(theme: Theme) -> ProjectKeyPage {
    ProjectKeyPage {
        shell: in_project(theme, "checkout-backend", Section::ProjectKeys),
        head: head(),
        reveal: None,
        key: keys().remove(0),
        description: "The till's backend.".to_owned(),
        secret_version: 3,
        limits: limits(),
        of_project: OF_PROJECT.to_owned(),
        overlaps: Choice::list(&[("0", "ends at once"), ("86400", "lives for a day")], "86400"),
    }
}

fn account(id: &str, name: &str, key_owner_gone: &'static str) -> ServiceAccountRow {
    ServiceAccountRow {
        id: id.to_owned(),
        name: name.to_owned(),
        role: "member".to_owned(),
        key_owner: "Support Lead".to_owned(),
        key_owner_gone,
        active_keys: Count(2),
        created_at: day(12),
    }
}

fn key_owners() -> Vec<Choice> {
    Choice::list(&[("user_2", "You"), ("user_1", "Support Lead")], "user_1")
}

fn service_accounts(theme: Theme) -> ServiceAccountsPage {
    ServiceAccountsPage {
        shell: in_project(theme, "Service accounts", Section::ProjectServiceAccounts),
        head: head(),
        accounts: vec![account("svc_1", "checkout-worker", ""), account("svc_2", "nightly", "suspended")],
        key_owners: key_owners(),
        can_manage: true,
    }
}

fn service_account(theme: Theme) -> ServiceAccountPage {
    ServiceAccountPage {
        shell: in_project(theme, "nightly", Section::ProjectServiceAccounts),
        head: head(),
        reveal: None,
        account: account("svc_2", "nightly", "removed"),
        keys: keys().into_iter().filter(|key| key.is_service_account).collect(),
        key_owners: key_owners(),
        roles: Choice::list(&[("none", "None"), ("member", "Member")], "member"),
        lifetimes: lifetimes(),
        limits: limits(),
        of_project: String::new(),
        can_manage: true,
        can_create_keys: true,
    }
}

fn members(theme: Theme) -> ProjectMembersPage {
    let roles = |role: &str| {
        Choice::list(&[("owner", "Project Owner"), ("member", "Member"), ("viewer", "Viewer")], role)
    };
    let row = |id: &str, name: &str, role: &str, is_accountable| ProjectMemberRow {
        user_id: id.to_owned(),
        person: person(name),
        roles: roles(role),
        role: if role == "owner" { "Project Owner".to_owned() } else { "Member".to_owned() },
        further: if role == "member" { further().into_iter().take(1).collect() } else { Vec::new() },
        offered: Choice::list(&[("role_1", "Key keeper")], ""),
        is_accountable,
        added_at: Some(day(30)),
    };
    ProjectMembersPage {
        shell: in_project(theme, "Members", Section::ProjectMembers),
        head: head(),
        members: vec![
            row("user_1", "Support Lead", "owner", true),
            row("user_2", "Product Lead", "owner", false),
            row("user_3", "Finance <b>bold</b> Lead", "member", false),
        ],
        candidates: Choice::list(&[("user_9", "Sales Lead"), ("user_8", "Data Lead")], "user_9"),
        roles: roles("member"),
        groups: project_groups(),
        invites: project_invites(),
        can_manage_members: true,
    }
}

fn project_groups() -> ProjectGroups {
    let held =
        |role: &str| HeldRole { role: role.to_owned(), through: None, ends_at: None, take_action: None };
    ProjectGroups {
        rows: vec![ProjectGroupRow {
            id: "group_1".to_owned(),
            name: "Support <b>bold</b> engineers".to_owned(),
            href: Some("/o/northwind/groups/group_1".to_owned()),
            people: Count(9),
            roles: vec![held("Member"), held("Key keeper")],
            added_at: day(12),
        }],
        candidates: Choice::list(&[("group_1", "Support engineers"), ("group_2", "On call")], ""),
        roles: Choice::list(&[("1", "Project Owner"), ("2", "Member"), ("3", "Viewer")], "2"),
        can_add: true,
    }
}

fn project_invites() -> ProjectInvites {
    ProjectInvites {
        rows: vec![InviteRow {
            id: "inv_1".to_owned(),
            email: "finance@example.test".to_owned(),
            role: "Viewer".to_owned(),
            projects: Vec::new(),
            invited_by: "Support Lead".to_owned(),
            state: InviteState::Pending,
            expires_at: day(-7),
        }],
        link: Some("https://ai.example.test/invites/3kq9v2m8x0c7t4r6w1y5e2d".to_owned()),
        is_mailed: false,
        email: String::new(),
        roles: Choice::list(
            &[("owner", "Project Owner"), ("member", "Member"), ("viewer", "Viewer")],
            "member",
        ),
        can_invite: true,
        can_revoke: true,
    }
}

fn settings(theme: Theme) -> ProjectSettingsPage {
    ProjectSettingsPage {
        asks_to_loosen: true,
        shell: in_project(theme, "Settings", Section::ProjectSettings),
        head: head(),
        form: form(),
        active_keys: Count(7),
        model_modes: Choice::list(
            &[("allow_list", "Only these models"), ("deny_list", "Every model but these")],
            "allow_list",
        ),
        model_ids: "gpt-5*, text-embedding-3-small".to_owned(),
        models_in_words: OF_PROJECT.to_owned(),
        can_set_models: true,
        can_update: true,
        can_archive: true,
    }
}
