//! Members, usage, allowances, providers, prices and audit in the gallery.

use super::Exhibit;
use super::access::further;
use super::project::{head, meters};
use super::sample::{self, at, chart, choices, day, figure, in_project, person, project, shell};
use crate::allowances::pages::{AllowanceForm, AllowanceRow, AllowancesPage, ProjectAllowancesPage};
use crate::audit::pages::{AuditPage, AuditRow};
use crate::http::figures::{Count, Money};
use crate::http::shell::{Choice, Section, Theme};
use crate::members::pages::{InviteProject, InviteRow, InviteState, MemberRow, MembersPage, ShownLink};
use crate::prices::pages::{PriceForm, PriceRow, PricesPage};
use crate::providers::pages::{ProviderForm, ProviderRow, ProvidersPage};
use crate::roles::pages::HeldRole;
use crate::usage::pages::{ProjectUsagePage, UsagePage, UsageReport, UsageRow};

pub fn exhibits() -> Vec<Exhibit> {
    vec![
        Exhibit::new("members", members),
        Exhibit::new("usage", |theme| UsagePage {
            shell: shell(theme, "Usage", Section::Usage),
            report: report("Project", &sample::PROJECTS.map(|(name, _)| name), 90),
        }),
        Exhibit::new("project-usage", |theme| ProjectUsagePage {
            shell: in_project(theme, "Usage", Section::ProjectUsage),
            head: head(),
            report: report("Model", &["gpt-5.1", "gpt-5-mini", "text-embedding-3-small"], 14),
        }),
        Exhibit::new("usage-empty", |theme| UsagePage {
            shell: shell(theme, "Usage", Section::Usage),
            report: UsageReport { chart: None, rows: Vec::new(), ..report("Project", &[], 1) },
        }),
        Exhibit::new("allowances", allowances),
        Exhibit::new("project-allowances", |theme| ProjectAllowancesPage {
            shell: in_project(theme, "Allowances", Section::ProjectAllowances),
            head: head(),
            allowances: allowance_rows(),
            form: None,
        }),
        Exhibit::new("providers", providers),
        Exhibit::new("providers-empty", |theme| ProvidersPage { providers: Vec::new(), ..providers(theme) }),
        Exhibit::new("prices", prices),
        Exhibit::new("audit", audit),
    ]
}

fn members(theme: Theme) -> MembersPage {
    let roles =
        |role: &str| Choice::list(&[("admin", "Admin"), ("member", "Member"), ("finance", "Finance")], role);
    let row = |id: &str, name: &str, role: &str, count: usize| MemberRow {
        user_id: id.to_owned(),
        person: person(name),
        role: role.to_owned(),
        roles: roles(&role.to_lowercase()),
        further: if count > 0 { further() } else { Vec::new() },
        offered: Choice::list(
            &[("role-api-organization-finance", "Finance"), ("role_1", "Usage reader")],
            "",
        ),
        projects: (0..count).map(|index| (project(index), in_project_held(index))).collect(),
        joined_at: day(90),
        suspended_at: (id == "user_3").then(|| day(2)),
        asked_email: (id == "user_2").then(|| "support@new.example.test".to_owned()),
        is_self: id == "user_1",
        is_last_admin: id == "user_1",
    };
    let invite_roles =
        Choice::list(&[("", "No access"), ("member", "Member"), ("owner", "Project Owner")], "");
    MembersPage {
        shell: shell(theme, "Members", Section::Members),
        members: vec![
            row("user_1", "Platform Lead", "Admin", 0),
            row("user_2", "Support Lead", "Member", 2),
            row("user_3", "Sales <b>bold</b> Lead", "Finance", 0),
        ],
        search: String::new(),
        next_href: None,
        invites: vec![InviteRow {
            id: "inv_1".to_owned(),
            email: "finance@example.test".to_owned(),
            role: "Member".to_owned(),
            projects: vec![("Support chat".to_owned(), "Member".to_owned())],
            invited_by: "Platform Lead".to_owned(),
            state: InviteState::Pending,
            expires_at: day(-7),
        }],
        link: Some(ShownLink {
            label: "Invitation link",
            text: "Pass it on to finance@example.test. It works once, and is shown only now.".to_owned(),
            url: "https://ai.example.test/invites/3kq9v2m8x0c7t4r6w1y5e2d".to_owned(),
        }),
        heirs: vec!["support@example.test".to_owned(), "sales@example.test".to_owned()],
        invite_email: String::new(),
        invite_roles: roles("member"),
        invite_projects: (0..4)
            .map(|index| InviteProject { project: project(index), roles: invite_roles.clone() })
            .collect(),
        can_ask: true,
        can_manage: true,
        can_invite: true,
    }
}

fn in_project_held(index: usize) -> HeldRole {
    let through = (index > 0).then(|| "Support engineers".to_owned());
    HeldRole { role: "Project Owner".to_owned(), through, ends_at: None, take_action: None }
}

fn report(row_title: &str, names: &[&str], days: i64) -> UsageReport {
    let row = |(index, name): (usize, &&str)| UsageRow {
        name: (*name).to_owned(),
        href: (index < 3).then(|| "/o/northwind/projects/proj_01".to_owned()),
        calls: Count(48_210 / (index as u64 + 1)),
        input_tokens: Count(70_100_400 / (index as u64 + 1)),
        output_tokens: Count(11_020_300 / (index as u64 + 1)),
        cost: Money::from_nano(231_400_000_000 / (index as i64 + 1)),
        share: format!("{} %", 41 / (index + 1)),
    };
    let dimensions = ["Project", "Owner", "Team", "Product line", "Environment", "Workload", "Key", "Model"];
    UsageReport {
        group_by: choices(&dimensions, row_title),
        environments: choices(&["All", "production", "staging", "development"], "All"),
        from: "2026-08-27".to_owned(),
        to: "2026-11-24".to_owned(),
        row_title: row_title.to_owned(),
        figures: vec![
            figure("Cost", "$508.39", "in 90 days"),
            figure("Calls", "128,417", "1,031 refused"),
            figure("Tokens in", "171M", "12 % cached"),
            figure("Tokens out", "31M", ""),
        ],
        chart: Some(chart("Cost per day", names, days)),
        rows: names.iter().enumerate().map(row).collect(),
        total_cost: Money::from_nano(508_390_000_000),
        csv_href: "/o/northwind/usage.csv?group_by=project".to_owned(),
    }
}

fn allowance_rows() -> Vec<AllowanceRow> {
    let scopes = ["Project Support chat", "Organization", "Key widget"];
    let limits = ["$400.00 per month", "$600.00 per month", "600 requests per minute"];
    let row = |(index, row): (usize, crate::projects::detail_pages::MeterRow)| AllowanceRow {
        id: format!("alw_{index}"),
        scope: scopes[index].to_owned(),
        limit: limits[index].to_owned(),
        amount: "400".to_owned(),
        is_hard: index != 1,
        meter: row.meter,
        resets: row.resets,
        can_manage: index != 1,
        can_ask: index == 1,
    };
    meters().into_iter().enumerate().map(row).collect()
}

fn allowances(theme: Theme) -> AllowancesPage {
    AllowancesPage {
        shell: shell(theme, "Allowances", Section::Allowances),
        allowances: allowance_rows(),
        form: Some(AllowanceForm {
            scopes: Choice::list(
                &[("organization", "The organization"), ("project:proj_00", "Project Support chat")],
                "",
            ),
            units: Choice::list(&[("nano_usd", "Spend, in dollars"), ("requests", "Requests")], "nano_usd"),
            windows: choices(&["minute", "hour", "day", "week", "month", "lifetime"], "month"),
            enforcements: Choice::list(
                &[("hard", "Hard: refuse beyond it"), ("soft", "Soft: only tell")],
                "hard",
            ),
            ..AllowanceForm::default()
        }),
    }
}

fn providers(theme: Theme) -> ProvidersPage {
    let row = |id: &str, name: &str, kind: &str, url: &str, shared: &[&str]| ProviderRow {
        id: id.to_owned(),
        name: name.to_owned(),
        kind: kind.to_owned(),
        base_url: url.to_owned(),
        contract_owner: if shared.is_empty() { "Procurement".to_owned() } else { String::new() },
        shared_with: shared.iter().map(|&name| name.to_owned()).collect(),
        models: if shared.is_empty() {
            Vec::new()
        } else {
            vec!["sim-small".to_owned(), "sim-large".to_owned()]
        },
        created_at: day(100),
    };
    ProvidersPage {
        shell: shell(theme, "Providers", Section::Providers),
        providers: vec![
            row("prov_1", "openai-main", "OpenAI", "https://api.openai.com/v1", &[]),
            row(
                "prov_2",
                "simulated",
                "Simulated",
                "built in",
                &["Search experiments", "Support chat rehearsal"],
            ),
        ],
        form: Some(ProviderForm {
            kinds: Choice::list(&[("openai", "OpenAI"), ("simulated", "Simulated")], "openai"),
            projects: sample::PROJECTS
                .iter()
                .map(|(name, _)| Choice {
                    value: (*name).to_owned(),
                    label: (*name).to_owned(),
                    is_selected: false,
                })
                .collect(),
            ..ProviderForm::default()
        }),
    }
}

fn prices(theme: Theme) -> PricesPage {
    let row = |model: &str, is_own| PriceRow {
        model: model.to_owned(),
        kind: "OpenAI".to_owned(),
        rates: [("input", "$1.25"), ("cached input", "$0.13"), ("output", "$10.00")]
            .map(|(unit, rate)| (unit.to_owned(), rate.to_owned()))
            .into(),
        effective_from: day(50),
        is_own,
    };
    PricesPage {
        shell: shell(theme, "Prices", Section::Prices),
        search: String::new(),
        prices: vec![row("gpt-5.1", false), row("gpt-5-mini", true)],
        next_href: None,
        form: Some(PriceForm {
            kinds: Choice::list(&[("openai", "OpenAI")], "openai"),
            ..PriceForm::default()
        }),
    }
}

fn audit(theme: Theme) -> AuditPage {
    let row = |id: &str, actor: &str, verb: &str, target: &str, is_refused| AuditRow {
        id: id.to_owned(),
        at: at(0, 12),
        actor: actor.to_owned(),
        credential: "session".to_owned(),
        verb: verb.to_owned(),
        target: target.to_owned(),
        is_refused,
        address: "203.0.113.7".to_owned(),
        request_id: "req_01".to_owned(),
        before: if is_refused { String::new() } else { "{\n  \"team\": \"Shop\"\n}".to_owned() },
        after: if is_refused { String::new() } else { "{\n  \"team\": \"Support\"\n}".to_owned() },
    };
    AuditPage {
        shell: shell(theme, "Audit", Section::Audit),
        actors: choices(&["All", "Platform Lead", "Support Lead"], "All"),
        verbs: choices(&["All", "project.updated", "key.created"], "All"),
        from: String::new(),
        to: String::new(),
        records: vec![
            row("audit_1", "Platform Lead", "project.updated", "Project Support chat", false),
            row("audit_2", "Support Lead", "member.removed", "Platform Lead", true),
            row("audit_3", "terraform", "allowance.updated", "Project <b>bold idea</b>", false),
        ],
        next_href: Some("/o/northwind/audit?after=audit_3".to_owned()),
    }
}
