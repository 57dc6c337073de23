//! The console's rows of organizations: one's own, a new one, settings.

use domain::access::{Permission, Target, allows, authorize};
use domain::audit::Verb;
use domain::organizations::{Feature, NewOrganization, OrganizationState, PURGED_AFTER_DAYS};
use domain::page::{Order, PageRequest};
use domain::routes::{Access, Method};

use super::pages::{FeatureSwitch, OrganizationRow, OrganizationsPage, SettingsPage};
use super::{OrganizationChanges, create_organization, read_organization, update_organization};
use crate::http::console;
use crate::http::figures::{Count, When};
use crate::http::shell::{Choice, Section};
use crate::projects::forms::title;
use crate::{Answer, Call, Endpoint, Failure, accounts, page};

/// Zones offered beside the present one; every other can be set over the API.
const ZONES: [&str; 18] = [
    "UTC",
    "Africa/Johannesburg",
    "Africa/Lagos",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Dubai",
    "Asia/Kolkata",
    "Asia/Shanghai",
    "Asia/Singapore",
    "Asia/Tokyo",
    "Australia/Sydney",
    "Europe/Berlin",
    "Europe/Istanbul",
    "Europe/London",
    "Europe/Paris",
];
/// Counts on the list of organizations stop here.
const MOST_COUNTED: i64 = 1_000;

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        page(Method::Get, "/organizations", "organizations_page", "The viewer's organizations.")
            .to(organizations_page),
        page(Method::Post, "/organizations", "create_organization_form", "Create an organization.")
            .audited(Verb::OrganizationCreated)
            .to(create),
        page(Method::Get, "/o/{slug}/settings", "organization_settings_page", "The organization's settings.")
            .needs(Access::Organization(Permission::OrganizationRead))
            .to(settings_page),
        page(Method::Post, "/o/{slug}/settings", "update_organization_form", "Change the organization.")
            .needs(Access::Organization(Permission::OrganizationUpdate))
            .audited(Verb::OrganizationUpdated)
            .to(update),
    ]
}

/// The viewer's organizations, as far as they may count what is in each.
pub(crate) async fn own_organizations(call: &Call) -> Result<Vec<OrganizationRow>, Failure> {
    let actor = call.actor()?;
    let mut rows = Vec::new();
    for belonging in accounts::organizations(&call.control, actor).await? {
        let organization = belonging.organization;
        let standing = call.control.store.standing(actor.user_id, organization.id, call.at).await?;
        let there = domain::access::Actor { standing, ..actor.clone() };
        let target = Target::Organization(organization.id);
        let all = PageRequest { after: None, limit: MOST_COUNTED, order: Order::Ascending };
        let members = match authorize(&there, Permission::MemberRead, target) {
            Ok(grant) => call.control.store.members(&grant, Vec::new(), &all).await?.items.len(),
            Err(_) => 0,
        };
        let projects = match authorize(&there, Permission::ProjectRead, target) {
            Ok(grant) => call.control.store.projects(&grant, false, &all).await?.items.len(),
            Err(_) => 0,
        };
        let state = organization.state();
        rows.push(OrganizationRow {
            standstill: (state != OrganizationState::Active).then_some(state.name()),
            slug: organization.slug,
            name: organization.name,
            role: belonging.role.title().to_owned(),
            members: Count(members as u64),
            projects: Count(projects as u64),
        });
    }
    Ok(rows)
}

async fn organizations_page(call: Call) -> Result<Answer, Failure> {
    console::page(&list(&call).await?)
}

async fn list(call: &Call) -> Result<OrganizationsPage, Failure> {
    let form = call.form();
    Ok(OrganizationsPage {
        shell: console::shell(call, "Organizations", Section::Elsewhere).await?,
        organizations: own_organizations(call).await?,
        can_create: call.control.settings.organizations_are_open,
        new_name: form.text("name").to_owned(),
        new_time_zone: form.one("time_zone").unwrap_or("UTC").to_owned(),
    })
}

async fn create(call: Call) -> Result<Answer, Failure> {
    let form = call.form();
    let created = match NewOrganization::checked(form.text("name"), form.one("time_zone")) {
        Ok(new) => create_organization(&call.control, &call.grant, new).await,
        Err(error) => Err(error.into()),
    };
    match created {
        Ok(organization) => {
            Ok(console::done(&call, &format!("/o/{}", organization.slug), "The organization is created."))
        }
        Err(failure) => {
            let status = failure.status();
            let flash = console::refusal(failure)?;
            let mut page = list(&call).await?;
            page.shell.flashes.push(flash);
            Ok(console::page(&page)?.status(status))
        }
    }
}

async fn settings_page(call: Call) -> Result<Answer, Failure> {
    let organization = read_organization(&call.control, &call.grant).await?;
    let shell = console::shell(&call, "Settings", Section::Settings).await?;
    let zone = organization.time_zone.name().to_owned();
    let mut zones: Vec<(&str, &str)> = ZONES.iter().map(|name| (*name, *name)).collect();
    if !ZONES.contains(&zone.as_str()) {
        zones.push((&zone, &zone));
    }
    let may = |permission| {
        Ok::<_, Failure>(allows(call.actor()?, permission, Target::Organization(organization.id)))
    };
    let switch = |feature: &Feature| FeatureSwitch {
        word: feature.name(),
        title: title(feature.name()),
        sentence: feature.sentence(),
        is_on: !organization.features_off.holds(*feature),
    };
    let page = SettingsPage {
        can_update: may(Permission::OrganizationUpdate)?,
        can_stop: may(Permission::OrganizationSuspend)?,
        features: Feature::ALL.iter().map(switch).collect(),
        is_stopped: organization.state() != OrganizationState::Active,
        is_closed: organization.state() == OrganizationState::Closed,
        purged_after_days: PURGED_AFTER_DAYS,
        shell,
        organization_id: organization.id.to_string(),
        created_at: When::day(organization.created_at, &organization.time_zone),
        name: organization.name,
        slug: organization.slug,
        time_zones: Choice::list(&zones, &zone),
    };
    console::page(&page)
}

async fn update(call: Call) -> Result<Answer, Failure> {
    let form = call.form();
    let text = |name: &str| Some(form.text(name).to_owned());
    let changes = OrganizationChanges {
        name: text("name"),
        time_zone: text("time_zone"),
        ..OrganizationChanges::default()
    };
    let updated = update_organization(&call.control, &call.grant, changes).await;
    back(&call, updated.map(|_| "The settings are saved."))
}

/// Back to the page of settings.
pub(super) fn back(call: &Call, done: Result<&str, Failure>) -> Result<Answer, Failure> {
    console::back(call, &format!("/o/{}/settings", call.path_text("slug")), done)
}
