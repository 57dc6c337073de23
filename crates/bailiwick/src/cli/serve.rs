//! `serve`: everything in one process.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use control::Control;
use domain::time::{HOUR, MINUTE};
use gateway::Gateway;
use store::journal::{Journal, Options};
use store::{Secrets, Store};

use super::{Failed, print};
use crate::ambient::System;
use crate::config::Config;
use crate::data_folder::{self, DataFolder};
use crate::house::House;
use crate::listener::{Doors, Listener};
use crate::mail::Mailer;
use crate::tasks::follow::Follower;
use crate::tasks::messages::Messages;
use crate::tasks::{deadlines, drain, recover, slices, warnings};

/// Open calls get so long to end when the server is told to stop.
const DRAIN_TIME: Duration = Duration::from_secs(20);

/// What a command needs of the instance: its database, brought up to date, and its secrets.
pub struct Opened {
    /// The database.
    pub store: Store,
    /// What is derived from the master key.
    pub secrets: Arc<Secrets>,
}

/// Opens the instance's database and secrets.
///
/// # Errors
/// When the database is away, or the master key is not the one that the database was made with.
pub async fn open(config: &Config) -> Result<Opened, Failed> {
    data_folder::prepare(&config.data)?;
    let store = Store::open(&config.database).await.map_err(told)?;
    store.migrate(domain::time::Ambient::now(&System)).await.map_err(told)?;
    let master = data_folder::master_key(&config.master_key_file, true, &System)?;
    let secrets = Secrets::from_master(&master).map_err(told)?;
    let mark: String =
        secrets.pepper().hash("master key check").bytes().iter().map(|b| format!("{b:02x}")).collect();
    if store.instance_value_once("master_key_check", &mark).await.map_err(told)? != mark {
        let file = config.master_key_file.display();
        return Err(Failed(format!("master key {file}: this database was made with another master key")));
    }
    Ok(Opened { store, secrets: Arc::new(secrets) })
}

/// Serves until told to stop.
pub async fn serve(config: Config) -> Result<(), Failed> {
    log(&config);
    let folder = data_folder::hold(&config.data, &System)?;
    let opened = open(&config).await?;
    let listener = Listener::bind(config.listen, config.proxy_protocol.clone())
        .await
        .map_err(|error| Failed(format!("{}: {error}", config.listen)))?;
    let address = axum::serve::Listener::local_addr(&listener)?;
    let (house, app, control) = put_together(&config, &folder, opened, address).await?;
    crate::first_run::announce(&control, &config, address).await?;
    let messages = messages(&config, &house, address)?;
    let tasks = [
        tokio::spawn(messages.run()),
        tokio::spawn(drain::run(Arc::clone(&house))),
        tokio::spawn(slices::run(Arc::clone(&house))),
        tokio::spawn(warnings::run(Arc::clone(&house))),
        tokio::spawn(deadlines::run(control.clone())),
        tokio::spawn(write_down_each_minute(control.clone())),
    ];
    print(&format!("listening on http://{address}"))?;
    let serving = axum::serve(listener, Doors(app));
    tokio::select! {
        served = serving.with_graceful_shutdown(stop_signal()) => served?,
        () = async { stop_signal().await; tokio::time::sleep(DRAIN_TIME).await } => {}
    }
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    write_down(&control).await;
    close(&house).await
}

async fn put_together(
    config: &Config,
    folder: &DataFolder,
    opened: Opened,
    address: SocketAddr,
) -> Result<(Arc<House>, axum::Router, Control), Failed> {
    let (journal, replay) = Journal::open(&config.data, Options::default())?;
    let Opened { store, secrets } = opened;
    let ambient = Arc::new(System);
    let house = House::new(store.clone(), Arc::clone(&secrets), ambient.clone(), journal, folder.replica_id);
    let house = Arc::new(house);
    let recovered = recover::recover(&house, replay).await.map_err(told)?;
    if recovered > 0 {
        tracing::warn!(recovered, "calls that were in flight at the last end were charged what they held");
    }
    let settings = gateway::Settings {
        body_limit_bytes: config.limits.gateway_body_bytes,
        allowed_upstreams: config.allow_upstream.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
        simulated_latency: Duration::from_millis(config.simulated.latency_ms),
        ..gateway::Settings::default()
    };
    let gateway = Gateway::new(house.clone(), settings);
    let follower = Arc::new(Follower::new(Arc::clone(&house), gateway.clone()).await.map_err(told)?);
    if !store.is_lone() {
        tokio::spawn(Arc::clone(&follower).run());
    }
    let control = Control::new(store, ambient, secrets, follower, control_settings(config, address))
        .map_err(|failure| Failed(format!("{failure:?}")))?;
    let app = gateway.router().merge(control::router(control.clone(), gateway::routes::table()));
    Ok((house, app, control))
}

/// The control plane's part of the settings.
pub fn control_settings(config: &Config, address: SocketAddr) -> control::Settings {
    let public_url = config.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
    control::Settings {
        is_https: public_url.starts_with("https://"),
        public_url,
        organizations_are_open: config.anyone_creates_organizations,
        allowed_upstreams: config.allow_upstream.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
        mail_is_on: !config.mail.server.is_empty(),
        session_idle_micros: config.sessions.idle_minutes.saturating_mul(MINUTE),
        session_length_micros: config.sessions.absolute_hours.saturating_mul(HOUR),
    }
}

/// What sends webhooks and, where there is a mail server, mails.
fn messages(config: &Config, house: &Arc<House>, address: SocketAddr) -> Result<Messages, Failed> {
    let mail = &config.mail;
    let mailer = (!mail.server.is_empty()).then(|| Mailer::new(&mail.server, &mail.from));
    let public_url = control_settings(config, address).public_url;
    let mailer = mailer.transpose().map_err(Failed)?;
    Ok(Messages::new(Arc::clone(house), &config.allow_upstream, mailer, public_url))
}

async fn write_down_each_minute(control: Control) {
    loop {
        tokio::time::sleep(Duration::from_secs(60)).await;
        write_down(&control).await;
    }
}

/// Writes down what the control plane counted in memory.
async fn write_down(control: &Control) {
    if control.flush_refusals().await.is_err() {
        tracing::warn!("refused attempts could not be written down yet");
    }
    if control.flush_warnings().await.is_err() {
        tracing::warn!("warnings of policy could not be written down yet");
    }
    if control.flush_uses().await.is_err() {
        tracing::warn!("uses of permissions could not be written down yet");
    }
}

async fn close(house: &House) -> Result<(), Failed> {
    drain::drain_all(house).await.map_err(told)?;
    warnings::flush(house).await.map_err(told)?;
    slices::give_back(house, true).await;
    house.journal.shutdown()?;
    house.store.close().await;
    Ok(())
}

async fn stop_signal() {
    let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
    let Ok(mut terminate) = terminate else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

fn log(config: &Config) {
    let filter = tracing_subscriber::EnvFilter::new(&config.log.filter);
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second subscriber cannot be set; the first one stands.
    let _ = if config.log.format == "json" { builder.json().try_init() } else { builder.try_init() };
}

/// Brings the schema up to date.
pub async fn migrate(config: Config) -> Result<(), Failed> {
    open(&config).await?.store.close().await;
    print("the schema is up to date")
}

/// A store's error as an operator reads it.
pub fn told(error: store::Error) -> Failed {
    let context = error.context();
    Failed(if context.is_empty() { error.to_string() } else { format!("{error} ({context})") })
}
