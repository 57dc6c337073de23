//! Settings: one struct per concern, read once at start. `config.default.toml` is their manual and their default.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use domain::networks::Networks;
use serde::Deserialize;

/// The manual and the defaults.
pub const DEFAULTS: &str = include_str!("config.default.toml");

/// Where `serve` listens unless told otherwise.
const LOCAL_SERVER: &str = "http://127.0.0.1:8400";

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Config {
    /// The data folder.
    pub data: PathBuf,
    /// The database's address.
    pub database: String,
    /// Where to listen.
    pub listen: SocketAddr,
    /// How people reach this server; none means by the listening address.
    pub public_url: Option<String>,
    /// The master key's file.
    pub master_key_file: PathBuf,
    /// Upstream `host:port` on addresses that are not public.
    pub allow_upstream: Vec<String>,
    /// The proxies whose word on where a request came from is believed.
    pub trusted_proxies: Networks,
    /// The proxies whose connections begin with a PROXY protocol header.
    pub proxy_protocol: Networks,
    /// Whether anyone signed in may create organizations.
    pub anyone_creates_organizations: bool,
    /// Bounds of the gateway.
    pub limits: Limits,
    /// How long sessions live.
    pub sessions: Sessions,
    /// How mail is sent.
    pub mail: Mail,
    /// The simulated provider.
    pub simulated: Simulated,
    /// What is logged and how.
    pub log: Log,
}

/// Bounds of the gateway.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Largest request body, in bytes.
    pub gateway_body_bytes: usize,
}

/// How long sessions live.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    /// Without a request, in minutes.
    pub idle_minutes: i64,
    /// In any case, in hours.
    pub absolute_hours: i64,
}

/// How mail is sent.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// The mail server's address; none is sent while it is empty.
    pub server: String,
    /// The sender.
    pub from: String,
}

/// The simulated provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Simulated {
    /// How long it takes to begin an answer, in milliseconds.
    pub latency_ms: u64,
}

/// What is logged and how.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// In the syntax of tracing's filter.
    pub filter: String,
    /// `text` or `json`.
    pub format: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    data: String,
    database: String,
    listen: String,
    public_url: String,
    master_key_file: String,
    allow_upstream: Vec<String>,
    trusted_proxies: Vec<String>,
    proxy_protocol: Vec<String>,
    create_organizations: String,
    limits: Limits,
    sessions: Sessions,
    mail: Mail,
    simulated: Simulated,
    log: Log,
}

/// What the command line says, which wins over the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--config`.
    pub file: Option<PathBuf>,
    /// `--data`.
    pub data: Option<PathBuf>,
    /// `--database`.
    pub database: Option<String>,
    /// `--listen`.
    pub listen: Option<String>,
    /// `--allow-upstream`, added to the file's.
    pub allow_upstream: Vec<String>,
}

/// Where a command finds the admin API, and as whom it asks.
#[derive(Clone, Debug)]
pub struct Remote {
    /// `http://…` or `https://…`, without a slash at the end.
    pub server: String,
    /// The admin key.
    pub admin_key: String,
}

/// Where the admin API is and as whom to ask: what the command line says, else `BAILIWICK_SERVER` and
/// `BAILIWICK_ADMIN_KEY`, else the server on this machine.
///
/// # Errors
/// One line for each thing that is missing or wrong.
pub fn remote(server: Option<String>, admin_key: Option<String>) -> Result<Remote, Vec<String>> {
    let given = |flag: Option<String>, name: &str| flag.or_else(|| environment(name)).unwrap_or_default();
    let server = given(server, "BAILIWICK_SERVER");
    let server = if server.is_empty() { LOCAL_SERVER.to_owned() } else { server };
    let server = server.trim_end_matches('/').to_owned();
    let admin_key = given(admin_key, "BAILIWICK_ADMIN_KEY");
    let mut mistakes = Vec::new();
    if !["http://", "https://"].iter().any(|start| server.starts_with(start)) {
        mistakes.push(format!("--server: {server} does not start with http:// or https://"));
    }
    if admin_key.is_empty() {
        mistakes.push("give an admin key: set BAILIWICK_ADMIN_KEY, or use --admin-key".to_owned());
    }
    if mistakes.is_empty() { Ok(Remote { server, admin_key }) } else { Err(mistakes) }
}

#[allow(clippy::disallowed_methods, reason = "this file is the only reader of the environment")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Reads the file over the defaults and the command line over both.
///
/// # Errors
/// Every mistake at once, each with the name of its key.
pub fn load(overrides: &Overrides) -> Result<Config, Vec<String>> {
    let mut table: toml::Table = toml::from_str(DEFAULTS).map_err(|error| vec![error.to_string()])?;
    let mut mistakes = Vec::new();
    if let Some(path) = &overrides.file {
        match read_table(path) {
            Ok(own) => overlay("", &mut table, own, &mut mistakes),
            Err(mistake) => mistakes.push(mistake),
        }
    }
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let file: File =
        toml::Value::Table(table).try_into().map_err(|error: toml::de::Error| vec![error.to_string()])?;
    check(file, overrides)
}

fn read_table(path: &Path) -> Result<toml::Table, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Lays one table over another; only known names, each with a value of the default's type.
fn overlay(prefix: &str, base: &mut toml::Table, own: toml::Table, mistakes: &mut Vec<String>) {
    for (name, value) in own {
        let path = format!("{prefix}{name}");
        match (base.get_mut(&name), value) {
            (None, _) => mistakes.push(format!("{path}: there is no such setting")),
            (Some(toml::Value::Table(inner)), toml::Value::Table(own)) => {
                overlay(&format!("{path}."), inner, own, mistakes);
            }
            (Some(slot), value) if slot.same_type(&value) => *slot = value,
            (Some(slot), _) => {
                mistakes.push(format!("{path}: this takes a value of type {}", slot.type_str()))
            }
        }
    }
}

fn networks(name: &str, texts: &[String], mistakes: &mut Vec<String>) -> Networks {
    let parsed = Networks::parse(texts);
    mistakes.extend(parsed.as_ref().err().map(|error| format!("{name}: {error}")));
    parsed.unwrap_or_default()
}

fn check(file: File, overrides: &Overrides) -> Result<Config, Vec<String>> {
    let mut mistakes = Vec::new();
    let data = overrides.data.clone().unwrap_or_else(|| PathBuf::from(&file.data));
    let listen = overrides.listen.clone().unwrap_or(file.listen);
    let address = listen.parse::<SocketAddr>();
    if address.is_err() {
        mistakes.push(format!("listen: {listen} is not an address and port such as 127.0.0.1:8400"));
    }
    let url_ok = ["", "http://", "https://"].iter().any(|start| {
        if start.is_empty() { file.public_url.is_empty() } else { file.public_url.starts_with(start) }
    });
    if !url_ok || file.public_url.ends_with('/') {
        mistakes
            .push("public_url: write http:// or https:// and a host, without a slash at the end".to_owned());
    }
    let allow_upstream: Vec<String> =
        file.allow_upstream.iter().chain(&overrides.allow_upstream).cloned().collect();
    for host in &allow_upstream {
        let port = host
            .rsplit_once(':')
            .and_then(|(name, port)| port.parse::<u16>().ok().filter(|_| !name.is_empty()));
        if port.is_none() {
            mistakes.push(format!("allow_upstream: {host} is not host:port"));
        }
    }
    let trusted_proxies = networks("trusted_proxies", &file.trusted_proxies, &mut mistakes);
    let proxy_protocol = networks("proxy_protocol", &file.proxy_protocol, &mut mistakes);
    if !["anyone", "nobody"].contains(&file.create_organizations.as_str()) {
        mistakes.push("create_organizations: use \"anyone\" or \"nobody\"".to_owned());
    }
    let positive = [
        ("limits.gateway_body_bytes", file.limits.gateway_body_bytes > 0),
        ("sessions.idle_minutes", file.sessions.idle_minutes > 0),
        ("sessions.absolute_hours", file.sessions.absolute_hours > 0),
    ];
    mistakes.extend(
        positive.iter().filter(|(_, ok)| !ok).map(|(name, _)| format!("{name}: use a number above 0")),
    );
    if !["text", "json"].contains(&file.log.format.as_str()) {
        mistakes.push("log.format: use \"text\" or \"json\"".to_owned());
    }
    if !file.mail.server.is_empty() {
        mistakes.extend(crate::mail::check(&file.mail.server, &file.mail.from).err());
    }
    let Ok(listen) = address else { return Err(mistakes) };
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let database = overrides.database.clone().unwrap_or(file.database);
    let own_database = format!("sqlite://{}", data.join("bailiwick.db").display());
    let own_key = data.join("master.key");
    Ok(Config {
        database: if database.is_empty() { own_database } else { database },
        master_key_file: if file.master_key_file.is_empty() { own_key } else { file.master_key_file.into() },
        data,
        listen,
        public_url: (!file.public_url.is_empty()).then_some(file.public_url),
        allow_upstream,
        trusted_proxies,
        proxy_protocol,
        anyone_creates_organizations: file.create_organizations == "anyone",
        limits: file.limits,
        sessions: file.sessions,
        mail: file.mail,
        simulated: file.simulated,
        log: file.log,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_file(text: &str) -> Result<Config, Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bailiwick.toml");
        std::fs::write(&path, text).unwrap();
        load(&Overrides { file: Some(path), ..Overrides::default() })
    }

    #[test]
    fn the_defaults_stand_and_a_file_changes_single_settings() {
        let config = load(&Overrides::default()).unwrap();
        assert_eq!(config.listen.port(), 8400);
        let config = with_file("listen = \"127.0.0.1:1\"\n[log]\nformat = \"json\"").unwrap();
        assert_eq!((config.listen.port(), config.log.format.as_str()), (1, "json"));
    }

    #[test]
    fn a_command_names_what_it_lacks_to_reach_a_server() {
        let given = |server: &str, key: &str| remote(Some(server.to_owned()), Some(key.to_owned()));
        let reached = given("https://ai.example.test/", "sk-admin-x").unwrap();
        assert_eq!(reached.server, "https://ai.example.test");
        assert_eq!(given("ai.example.test", "").unwrap_err().len(), 2);
        assert_eq!(given("", "sk-admin-x").unwrap().server, LOCAL_SERVER);
    }

    #[test]
    fn all_mistakes_are_told_at_once_with_their_names() {
        let mistakes = with_file("listn = 1\ndata = 2\n[limits]\nx = 1").unwrap_err();
        assert_eq!(mistakes.len(), 3, "{mistakes:?}");
        let mistakes =
            with_file("listen = \"x\"\npublic_url = \"ftp://x\"\n[sessions]\nidle_minutes = 0").unwrap_err();
        assert_eq!(mistakes.len(), 3, "{mistakes:?}");
        assert!(mistakes.iter().any(|mistake| mistake.starts_with("sessions.idle_minutes")));
    }
}
