//! The organization's side of the gallery.

use domain::organizations::Feature;

use super::Exhibit;
use super::sample::{self, at, bare, chart, day, figure, project, shell};
use crate::api_keys::pages::AdminKeysPage;
use crate::http::errors::ErrorPage;
use crate::http::figures::{Count, Money};
use crate::http::shell::{Choice, OrganizationLink, Section, Shell, Standstill, Theme, Tone};
use crate::organizations::pages::{
    Event, FeatureSwitch, ModelCost, OrganizationRow, OrganizationsPage, OverviewPage, ProjectCost,
    SettingsPage, Step,
};

pub fn exhibits() -> Vec<Exhibit> {
    vec![
        Exhibit::new("overview", overview),
        Exhibit::new("overview-empty", overview_empty),
        Exhibit::new("organizations", organizations),
        Exhibit::new("organization-settings", settings),
        Exhibit::new("organization-settings-closed", settings_closed),
        Exhibit::new("admin-keys", admin_keys),
        Exhibit::new("error-404", |theme| {
            ErrorPage::not_found(bare(theme, "Not found"), "req_01".to_owned())
        }),
        Exhibit::new("error-403", |theme| {
            ErrorPage::forbidden(bare(theme, "Forbidden"), "project.archive", "req_01".to_owned())
        }),
        Exhibit::new("error-500", |theme| ErrorPage::internal(bare(theme, "Error"), "req_01".to_owned())),
    ]
}

pub fn models() -> Vec<ModelCost> {
    [
        ("gpt-5.1", 412_040_000_000, 61_200_000),
        ("gpt-5-mini", 96_310_000_000, 140_530_000),
        ("text-embedding-3-small", 4_200_000, 910_000),
    ]
    .map(|(model, nano, tokens)| ModelCost {
        model: model.to_owned(),
        cost: Money::from_nano(nano),
        tokens: Count(tokens),
    })
    .into()
}

fn overview(theme: Theme) -> OverviewPage {
    let cost = |index: usize, nano: i64| ProjectCost {
        project: project(index),
        owner: "Support Lead".to_owned(),
        cost: Money::from_nano(nano),
        calls: Count(48_210 / (index as u64 + 1)),
    };
    let event = |actor: &str, sentence: &str, minutes| Event {
        actor: actor.to_owned(),
        sentence: sentence.to_owned(),
        at: at(0, minutes),
    };
    OverviewPage {
        shell: shell(theme, "Overview", Section::Overview),
        figures: vec![
            figure("Cost this month", "$508.39", "$611.02 in all of October"),
            figure("Calls this month", "128,417", "99.2 % succeeded"),
            figure("Tokens this month", "202M", "171M in, 31M out"),
            figure("Active projects", "6", "2 in production"),
        ],
        chart: Some(chart("Cost per day by project", &sample::PROJECTS.map(|(name, _)| name), 30)),
        top_projects: (0..6).map(|index| cost(index, 231_400_000_000 / (index as i64 + 1))).collect(),
        top_models: models(),
        events: vec![
            event("Platform Lead", "invited finance@example.test as Finance", 12),
            event("Support Lead", "created the key checkout-backend in Support chat", 55),
            event("terraform (admin key)", "raised the monthly spend of Catalogue images to $400", 190),
        ],
        steps: Vec::new(),
        opens_projects: true,
        can_create_project: true,
    }
}

fn overview_empty(theme: Theme) -> OverviewPage {
    let step = |title: &str, text: &str, is_done| Step {
        title: title.to_owned(),
        text: text.to_owned(),
        href: "/o/northwind/providers".to_owned(),
        is_done,
    };
    OverviewPage {
        figures: vec![
            figure("Cost this month", "$0.00", "No call yet"),
            figure("Calls this month", "0", "No call yet"),
            figure("Tokens this month", "0", "No call yet"),
            figure("Active projects", "0", "None yet"),
        ],
        chart: None,
        top_projects: Vec::new(),
        top_models: Vec::new(),
        events: Vec::new(),
        steps: vec![
            step("Create the organization", "", true),
            step(
                "Connect a provider",
                "OpenAI, anything that speaks its API, or the built-in simulated one that costs nothing.",
                false,
            ),
            step("Create a project", "One per environment is a good beginning.", false),
            step("Issue a key", "In the project; its secret is shown once.", false),
            step("Make the first call", "Point any OpenAI client at this server.", false),
        ],
        ..overview(theme)
    }
}

fn organizations(theme: Theme) -> OrganizationsPage {
    let row = |slug: &str, name: &str, role: &str| OrganizationRow {
        slug: slug.to_owned(),
        name: name.to_owned(),
        role: role.to_owned(),
        members: Count(18),
        projects: Count(6),
        standstill: (slug == "lab").then_some("suspended"),
    };
    OrganizationsPage {
        shell: Shell { organization: None, ..shell(theme, "Organizations", Section::Elsewhere) },
        organizations: vec![
            row("northwind", "Northwind Trading", "Admin"),
            row("lab", "Research Lab", "Member"),
        ],
        can_create: true,
        new_name: String::new(),
        new_time_zone: "Europe/Berlin".to_owned(),
    }
}

fn settings(theme: Theme) -> SettingsPage {
    SettingsPage {
        shell: Shell {
            flashes: sample::flash(Tone::Good, "Saved."),
            ..shell(theme, "Settings", Section::Settings)
        },
        organization_id: "org_01".to_owned(),
        name: "Northwind Trading".to_owned(),
        slug: "northwind".to_owned(),
        time_zones: sample::choices(&["UTC", "Europe/Berlin", "America/New_York"], "Europe/Berlin"),
        created_at: day(200),
        features: Feature::ALL.iter().map(switch).collect(),
        is_stopped: false,
        is_closed: false,
        purged_after_days: 30,
        can_update: true,
        can_stop: true,
    }
}

fn switch(feature: &Feature) -> FeatureSwitch {
    FeatureSwitch {
        word: feature.name(),
        title: feature.name().replace('_', " "),
        sentence: feature.sentence(),
        is_on: *feature != Feature::Elevation,
    }
}

/// As an Admin finds the settings of an organization that was closed.
fn settings_closed(theme: Theme) -> SettingsPage {
    let mut page = settings(theme);
    let text = "Northwind Trading is closed since 3 Nov 2026. Its keys are refused and nothing can be changed. It is \
                purged on 3 Dec 2026, unless an Admin reactivates it before.";
    let standstill = Some(Standstill { state: "closed", text: text.to_owned() });
    page.shell.organization = Some(OrganizationLink { standstill, ..sample::organization() });
    page.shell.flashes.clear();
    SettingsPage { is_stopped: true, is_closed: true, can_update: false, ..page }
}

fn admin_keys(theme: Theme) -> AdminKeysPage {
    AdminKeysPage {
        shell: shell(theme, "Admin keys", Section::AdminKeys),
        reveal: None,
        keys: super::project::keys().into_iter().take(2).collect(),
        lifetimes: Choice::list(&[("90", "after 90 days"), ("365", "after a year"), ("", "never")], "90"),
        can_manage: true,
    }
}
