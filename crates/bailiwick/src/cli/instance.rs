//! Commands on an instance that need no running server: `bootstrap`, `let-in`, `reset-password` and `verify`.

use std::io::Read as _;
use std::sync::Arc;

use control::{Control, NoFollowers};
use domain::access::{Grant, Task};
use domain::ids::OrganizationId;

use super::serve::{control_settings, open, told};
use super::{Failed, print};
use crate::ambient::System;
use crate::config::Config;

/// What `bootstrap` is told.
#[derive(clap::Args, Clone)]
pub struct FirstAdmin {
    /// Name of the organization to create.
    #[arg(long, value_name = "NAME")]
    organization: String,
    /// Address of its first Admin.
    #[arg(long, value_name = "ADDRESS")]
    email: String,
    /// Read the Admin's password from standard input, the only way to give it.
    #[arg(long, required = true)]
    password_stdin: bool,
}

/// Whose password is to be set anew.
#[derive(clap::Args, Clone)]
pub struct Forgetful {
    /// Their address.
    #[arg(long, value_name = "ADDRESS")]
    email: String,
}

/// The control plane on the instance's database, without a server.
async fn control_of(config: &Config) -> Result<Control, Failed> {
    let opened = open(config).await?;
    let settings = control_settings(config, config.listen);
    Control::new(opened.store, Arc::new(System), opened.secrets, Arc::new(NoFollowers), settings)
        .map_err(refused)
}

/// Makes the one-time link with which whoever has an address sets their password anew, and prints it.
pub async fn reset_password(config: Config, who: Forgetful) -> Result<(), Failed> {
    let control = control_of(&config).await?;
    let link = control::accounts::offer_reset_by_operator(&control, &who.email).await.map_err(refused)?;
    control.store.close().await;
    print(&link)
}

/// Creates an organization and its first Admin, and prints their ids and an admin key as JSON.
pub async fn bootstrap(config: Config, admin: FirstAdmin) -> Result<(), Failed> {
    let mut password = String::new();
    std::io::stdin().read_to_string(&mut password)?;
    let password = password.strip_suffix('\n').unwrap_or(&password);
    let control = control_of(&config).await?;
    let made =
        control::accounts::set_up::bootstrap(&control, &admin.organization, &admin.email, password).await;
    let made = made.map_err(refused)?;
    control.store.close().await;
    print(&serde_json::to_string(&made)?)
}

/// Takes away the networks of an organization's console and admin API, and prints what was taken away.
pub async fn let_in(config: Config, organization: &str) -> Result<(), Failed> {
    let control = control_of(&config).await?;
    let id: Option<OrganizationId> = match organization.parse() {
        Ok(id) => Some(id),
        Err(_) => control.store.organization_of_slug(organization).await.map_err(told)?,
    };
    let id = id.ok_or_else(|| Failed(format!("there is no organization {organization}")))?;
    let grant = Grant::system(Task::Operator, Some(id));
    control.store.organization(&grant).await.map_err(told)?;
    let cleared = control::policy::let_in(&control, &grant).await.map_err(refused)?;
    control.store.close().await;
    let cleared: Vec<&str> = cleared.into_iter().map(domain::policy::Setting::name).collect();
    print(&serde_json::json!({"organization_id": id, "cleared": cleared}).to_string())
}

/// Recomputes ledger and audit chain and prints the report as JSON; an error when anything differs.
pub async fn verify(config: Config) -> Result<(), Failed> {
    let store = store::Store::open(&config.database).await.map_err(told)?;
    let report = store::verify::verify(&store).await.map_err(told)?;
    store.close().await;
    print(&serde_json::to_string(&report)?)?;
    if report.difference_count == 0 {
        return Ok(());
    }
    Err(Failed(format!("{} differences", report.difference_count)))
}

fn refused(failure: control::Failure) -> Failed {
    Failed(failure.to_string())
}
