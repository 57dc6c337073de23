//! What is measured: an organization with a provider, a price, a project, a key and five allowances; and the two
//! yardsticks in front of the same upstream.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::load::{Target, closed_loop};
use crate::process::{MEASURED_CORE, OTHER_CORE, Process, pinned};
use crate::{Outcome, admin};

/// The model that everybody asks for.
pub const MODEL: &str = "bench";
/// Never reached, and checked on every call.
const AMPLE: i64 = 1 << 50;

/// Everything that runs beside the gateway, and how to start that.
pub struct Scene {
    bailiwick: PathBuf,
    folder: PathBuf,
    /// The upstream.
    pub mock: Process,
    /// The bare pass-through.
    pub passthrough: Process,
    /// nginx, its answers buffered, and the address where streams are not.
    pub nginx: Process,
    /// Where nginx passes streams on unbuffered.
    pub nginx_streams: SocketAddr,
    admin_key: String,
    /// The project's key.
    pub key: String,
}

impl Scene {
    /// Starts the upstream and the yardsticks, and makes the organization.
    pub fn set(bailiwick: &Path, folder: &Path) -> Outcome<Self> {
        let own = std::env::current_exe()?;
        let mock = Process::listening(OTHER_CORE, &own, &["mock"])?;
        let upstream = mock.address.to_string();
        let passthrough = Process::listening(MEASURED_CORE, &own, &["passthrough", &upstream])?;
        let (plain, nginx_streams) = (free_address()?, free_address()?);
        let nginx = start_nginx(folder, mock.address, plain, nginx_streams)?;
        let admin_key = bootstrap(bailiwick, &folder.join("data"))?;
        let (bailiwick, folder) = (bailiwick.to_owned(), folder.to_owned());
        let mut scene = Self {
            bailiwick,
            folder,
            mock,
            passthrough,
            nginx,
            nginx_streams,
            admin_key,
            key: String::new(),
        };
        scene.key = scene.furnish()?;
        Ok(scene)
    }

    /// The gateway on its data folder; with the time from its start to its first answer.
    pub fn gateway(&self) -> Outcome<(Process, Duration)> {
        self.serve(&self.folder.join("data"), &[])
    }

    /// The gateway on a folder that does not exist yet.
    pub fn gateway_on_new_folder(&self, name: &str) -> Outcome<(Process, Duration)> {
        self.serve(&self.folder.join(name), &[])
    }

    /// The gateway with other settings or another program around it.
    fn serve(&self, data: &Path, around: &[&str]) -> Outcome<(Process, Duration)> {
        let (bailiwick, data) = (self.bailiwick.display().to_string(), data.display().to_string());
        let upstream = self.mock.address.to_string();
        let own = ["serve", "--listen", "127.0.0.1:0", "--data", &data, "--allow-upstream", &upstream];
        let all: Vec<&str> = around.iter().copied().chain([bailiwick.as_str()]).chain(own).collect();
        let started = Instant::now();
        let process = Process::listening(MEASURED_CORE, Path::new(all[0]), &all[1..])?;
        // Any answer will do: on a new folder there is no key yet.
        admin::call(process.address, ("GET", "/v1/models"), &self.key, None)?;
        Ok((process, started.elapsed()))
    }

    /// On how many of the two sides of a call the gateway switched Nagle's algorithm off, and how many calls that took.
    pub fn no_delay_sides(&self) -> Outcome<(u32, u64)> {
        let trace = self.folder.join("trace");
        let path = trace.display().to_string();
        // Its tracer runs beside the gateway (-D), so that the process of ours is the gateway.
        let around = ["strace", "-D", "-f", "-qq", "-e", "trace=accept4,connect,setsockopt", "-o", &path];
        let (mut process, _) = self.serve(&self.folder.join("data"), &around)?;
        let target = Target::chat(process.address, &self.key, false, false);
        let (calls, _) = closed_loop(&target, 1, Duration::from_millis(100))?;
        process.stop()?;
        std::thread::sleep(Duration::from_millis(500));
        let text = std::fs::read_to_string(trace)?;
        let is_set = |socket: &str| {
            let set = format!("setsockopt({socket}, SOL_TCP, TCP_NODELAY, [1]");
            text.lines().any(|line| line.contains(&set))
        };
        let upstream = format!("sin_port=htons({})", self.mock.address.port());
        let connected = text.lines().filter(|line| line.contains(&upstream));
        let to_upstream = connected.filter_map(|line| line.split_once("connect(")?.1.split(',').next());
        let accepted = text.lines().filter(|line| line.contains("accept4(") && line.contains("sin_port"));
        let from_client = accepted.filter_map(|line| Some(line.rsplit_once("= ")?.1.trim()));
        let holds = |mut sockets: Vec<&str>| {
            sockets.dedup();
            u32::from(!sockets.is_empty() && sockets.into_iter().all(is_set))
        };
        Ok((holds(to_upstream.collect()) + holds(from_client.collect()), calls))
    }

    /// Calls that the ledger knows, and in how many places it does not add up.
    pub fn verified(&self) -> Outcome<(u64, u64)> {
        let data = self.folder.join("data");
        let output = Command::new(&self.bailiwick).arg("verify").arg("--data").arg(data).output()?;
        let report: Value = serde_json::from_slice(&output.stdout)?;
        let figure = |name: &str| report[name].as_u64().ok_or_else(|| format!("no {name} in {report}"));
        Ok((figure("records")?, figure("difference_count")?))
    }

    fn furnish(&self) -> Outcome<String> {
        let (server, _) = self.gateway()?;
        let post = |path: &str, body: Value| {
            let path = format!("/v1/organization{path}");
            admin::ok(server.address, ("POST", &path), &self.admin_key, Some(&body))
        };
        let project = text(&post("/projects", json!({"name": "Bench", "team": "Platform"}))?, "id")?;
        post(
            "/providers",
            json!({"name": "mock", "kind": "openai", "base_url": format!("http://{}/v1", self.mock.address),
                "credential": "sk-upstream", "models": [MODEL], "contract_owner": "Procurement"}),
        )?;
        post(
            "/prices",
            json!({"model": MODEL, "kind": "openai", "context_tokens": 8000, "max_output_tokens": 4000,
                "rates": {"input": 3_000_000_000_i64, "output": 7_000_000_000_i64}, "source": "the benchmark"}),
        )?;
        let key = post(&format!("/projects/{project}/api_keys"), json!({"name": "load", "models": [MODEL]}))?;
        let (key_id, secret) = (text(&key, "id")?, text(&key, "value")?);
        for (kind, id, unit, window) in [
            ("organization", None, "nano_usd", "month"),
            ("project", Some(&project), "nano_usd", "month"),
            ("api_key", Some(&key_id), "nano_usd", "month"),
            ("project", Some(&project), "requests", "minute"),
            ("api_key", Some(&key_id), "requests", "lifetime"),
        ] {
            let scope = json!({"type": kind, "id": id, "model": null});
            post("/allowances", json!({"scope": scope, "unit": unit, "window": window, "amount": AMPLE}))?;
        }
        Ok(secret)
    }
}

fn text(value: &Value, name: &str) -> Outcome<String> {
    Ok(value[name].as_str().ok_or_else(|| format!("no {name} in {value}"))?.to_owned())
}

fn bootstrap(bailiwick: &Path, data: &Path) -> Outcome<String> {
    let mut command = pinned(MEASURED_CORE, bailiwick);
    command.args([
        "bootstrap",
        "--organization",
        "Bench",
        "--email",
        "admin@example.test",
        "--password-stdin",
    ]);
    let command = command.arg("--data").arg(data).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(b"correct horse battery\n")?;
    }
    let output = child.wait_with_output()?;
    text(&serde_json::from_slice(&output.stdout)?, "admin_key")
}

fn free_address() -> Outcome<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn start_nginx(
    folder: &Path,
    upstream: SocketAddr,
    plain: SocketAddr,
    streams: SocketAddr,
) -> Outcome<Process> {
    let home = folder.join("nginx");
    std::fs::create_dir(&home)?;
    let own = home.display();
    let server = |listen: SocketAddr, buffering: &str| {
        format!(
            "server {{ listen {listen}; location / {{ proxy_pass http://mock; proxy_http_version 1.1; \
             proxy_set_header Connection \"\"; proxy_buffering {buffering}; }} }}"
        )
    };
    // As nginx's own manual has it for a proxy with kept connections; no log, no disk.
    let settings = format!(
        "worker_processes 1; daemon off; pid {own}/pid; error_log {own}/errors warn;\n\
         events {{ worker_connections 2048; }}\n\
         http {{ access_log off; keepalive_requests 100000000; client_body_temp_path {own}/a; proxy_temp_path {own}/b;\n\
         fastcgi_temp_path {own}/c; uwsgi_temp_path {own}/d; scgi_temp_path {own}/e;\n\
         upstream mock {{ server {upstream}; keepalive 256; keepalive_requests 100000000; }}\n\
         {}\n{}\n}}\n",
        server(plain, "on"),
        server(streams, "off")
    );
    let file = home.join("nginx.conf");
    std::fs::write(&file, settings)?;
    let (file, errors) = (file.display().to_string(), home.join("errors").display().to_string());
    Process::at(MEASURED_CORE, Path::new("nginx"), &["-c", &file, "-e", &errors], plain)
}
