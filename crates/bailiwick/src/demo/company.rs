//! The sample company: members named by role, projects of three teams, a simulated provider, a few limits.

use control::api_keys::{NewKey, create_key};
use control::invites::{Accepting, NewInvite, accept_invite, create_invite};
use control::providers::{NewProvider, attach_provider};
use control::{Control, Failure, accounts, projects};
use domain::access::{
    Actor, Credential, Grant, OrganizationRole, Origin, Permission, Standing, Target, Task, authorize,
};
use domain::allowances::{Allowance, Enforcement, Level, Scope, Unit};
use domain::api_keys::Secret;
use domain::audit::{AuditEntry, Verb};
use domain::ids::{AllowanceId, OrganizationId, ProjectId, ReplicaId, UserId};
use domain::pricing::Catalogue;
use domain::projects::{Environment, Labels, NewProject, Workload};
use domain::providers::ProviderKind;
use domain::time::Window;

use super::history::{Source, records};

/// The Admin's address.
pub const ADMIN: &str = "platform-admin@example.test";
/// A Project Owner's address.
pub const OWNER: &str = "support-lead@example.test";
/// Everybody's password.
pub const PASSWORD: &str = "look-around-2026";

const ORGANIZATION: &str = "Northwind Support Cloud";
/// So many records go into one transaction.
const BATCH: usize = 1_000;

struct Sample {
    name: &'static str,
    description: &'static str,
    environment: Environment,
    workload: Workload,
    team: &'static str,
    product_line: &'static str,
    cost_center: &'static str,
    owner: &'static str,
    calls_per_day: u64,
}

const fn sample(
    (name, description): (&'static str, &'static str),
    (environment, workload): (Environment, Workload),
    (team, product_line, cost_center): (&'static str, &'static str, &'static str),
    owner: &'static str,
    calls_per_day: u64,
) -> Sample {
    Sample { name, description, environment, workload, team, product_line, cost_center, owner, calls_per_day }
}

const HELPDESK: (&str, &str, &str) = ("Support", "Helpdesk", "CC-100");
const INSIGHTS: (&str, &str, &str) = ("Data", "Insights", "CC-200");
const STOREFRONT: (&str, &str, &str) = ("Product", "Storefront", "CC-300");
const PRODUCT_LEAD: &str = "product-lead@example.test";
const DATA_LEAD: &str = "data-lead@example.test";

const PROJECTS: &[Sample] = &[
    sample(
        ("Support Assistant", "Answers customers in the help desk."),
        (Environment::Production, Workload::Chat),
        HELPDESK,
        OWNER,
        90,
    ),
    sample(
        ("Support Assistant Staging", "Rehearses the next release."),
        (Environment::Staging, Workload::Chat),
        HELPDESK,
        OWNER,
        25,
    ),
    sample(
        ("Support Assistant Development", "Experiments of the support team."),
        (Environment::Development, Workload::Chat),
        HELPDESK,
        OWNER,
        18,
    ),
    sample(
        ("Invoice Extraction", "Reads fields out of scanned invoices."),
        (Environment::Production, Workload::Extraction),
        INSIGHTS,
        DATA_LEAD,
        60,
    ),
    sample(
        ("Nightly Summaries", "Summarises the day's tickets at night."),
        (Environment::Production, Workload::Batch),
        INSIGHTS,
        DATA_LEAD,
        30,
    ),
    sample(
        ("Storefront Search", "Finds products by meaning."),
        (Environment::Production, Workload::Other),
        STOREFRONT,
        PRODUCT_LEAD,
        70,
    ),
    sample(
        ("Internal Tools", "Small helpers for everyone."),
        (Environment::Development, Workload::Other),
        ("Internal Tools", "Internal", "CC-900"),
        ADMIN,
        12,
    ),
];

/// Founds the company and writes its history. Returns a key of its first project.
///
/// # Errors
/// When the store is away.
pub async fn found(control: &Control) -> Result<Secret, Failure> {
    let made = accounts::set_up::bootstrap(control, ORGANIZATION, ADMIN, PASSWORD).await?;
    let admin = actor(made.user_id, made.organization_id);
    let organization = Target::Organization(made.organization_id);
    let mut people = vec![(ADMIN, made.user_id)];
    for (email, role) in [
        (OWNER, OrganizationRole::Member),
        (PRODUCT_LEAD, OrganizationRole::Member),
        (DATA_LEAD, OrganizationRole::Member),
        ("finance@example.test", OrganizationRole::Finance),
    ] {
        let grant = authorize(&admin, Permission::InviteManage, organization)?;
        people.push((email, join(control, &grant, email, role).await?));
    }
    let grant = authorize(&admin, Permission::ProviderManage, organization)?;
    let provider = attach_provider(control, &grant, simulated()).await?;
    let mut sources = Vec::new();
    let mut first_key = None;
    for sample in PROJECTS {
        let owner =
            people.iter().find(|(email, _)| *email == sample.owner).map_or(made.user_id, |(_, id)| *id);
        let grant = authorize(&admin, Permission::ProjectCreate, organization)?;
        let project = projects::create_project(control, &grant, new_project(sample, owner)).await?.project;
        let target = Target::Project(made.organization_id, project.id);
        let grant = authorize(&admin, Permission::ApiKeyManage, target)?;
        let new = NewKey { name: format!("{} backend", sample.team), ..NewKey::default() };
        let issued = create_key(control, &grant, project.id, new).await?;
        let key = &issued.owned.key;
        let (key_id, key_owner, secret_id) = (key.id, key.owner, key.secret_id);
        sources.push(Source { project, key_id, key_owner, secret_id, calls_per_day: sample.calls_per_day });
        first_key.get_or_insert(issued.secret);
    }
    let grant = authorize(&admin, Permission::AllowanceManage, organization)?;
    limits(control, &grant, made.organization_id, sources[0].project.id).await?;
    let records = records(&sources, provider.id, &Catalogue::default(), control.now());
    let replica = ReplicaId::mint(control.ambient.as_ref());
    for batch in records.chunks(BATCH) {
        store::metering::drain(&control.store, replica, batch).await?;
    }
    first_key.ok_or_else(|| domain::Error::invalid("no_project", "The sample has no project.").into())
}

fn actor(user_id: UserId, organization_id: OrganizationId) -> Actor {
    let standing = Standing::of_roles(organization_id, OrganizationRole::Admin, &[]);
    Actor {
        user_id,
        email: ADMIN.to_owned(),
        credential: Credential::Task(Task::Demo),
        standing: Some(standing),
        origin: Origin::default(),
    }
}

async fn join(
    control: &Control,
    grant: &Grant,
    email: &str,
    role: OrganizationRole,
) -> Result<UserId, Failure> {
    let invite = NewInvite { email: email.to_owned(), role, projects: Vec::new() };
    let sent = create_invite(control, grant, invite).await?;
    let token = sent.url.rsplit('/').next().unwrap_or_default();
    let name = email.split('@').next().unwrap_or_default().replace('-', " ");
    let accepting = Accepting::New { name: &name, password: PASSWORD };
    Ok(accept_invite(control, token, accepting, &Origin::default()).await?.user.id)
}

fn simulated() -> NewProvider {
    NewProvider {
        name: "simulated".to_owned(),
        kind: ProviderKind::Simulated,
        base_url: None,
        credential: None,
        models: None,
        project_ids: None,
        contract_owner: "Platform team".to_owned(),
    }
}

fn new_project(sample: &Sample, owner: UserId) -> NewProject {
    let label = |text: &str| Some(text.to_owned());
    NewProject {
        description: sample.description.to_owned(),
        environment: sample.environment,
        workload: sample.workload,
        labels: Labels {
            team: label(sample.team),
            product_line: label(sample.product_line),
            cost_center: label(sample.cost_center),
            client: None,
        },
        ..NewProject::named(sample.name, owner)
    }
}

/// A monthly budget for the organization and for its first project, and a rate for the latter.
async fn limits(
    control: &Control,
    grant: &Grant,
    organization_id: OrganizationId,
    project: ProjectId,
) -> Result<(), Failure> {
    let rows = [
        (Level::Organization, Unit::NanoUsd, Window::Month, 60_000_000_000),
        (Level::Project(project), Unit::NanoUsd, Window::Month, 20_000_000_000),
        (Level::Project(project), Unit::Requests, Window::Minute, 600),
    ];
    for (level, unit, window, amount) in rows {
        let allowance = Allowance {
            id: AllowanceId::mint(control.ambient.as_ref()),
            organization_id,
            scope: Scope { level, model: None },
            unit,
            window,
            amount,
            enforcement: Enforcement::Hard,
            created_at: control.now(),
        };
        let mut change = control.change(grant).await?;
        store::allowances::insert_allowance(&mut change, &allowance, false).await?;
        let after = serde_json::json!({"unit": unit.name(), "window": window.name(), "amount": amount});
        control.commit(change, AuditEntry::new(Verb::AllowanceCreated, allowance.id).after(after)).await?;
    }
    Ok(())
}
