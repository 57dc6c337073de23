//! Starts the executable on a data folder, talks to it over HTTP, kills it, starts it again.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// The executable under test.
pub const BAILIWICK: &str = env!("CARGO_BIN_EXE_bailiwick");

/// What `bootstrap` told.
#[derive(Clone, Debug)]
pub struct Bootstrapped {
    /// The organization.
    pub organization_id: String,
    /// Its first Admin.
    pub user_id: String,
    /// An admin key of theirs.
    pub admin_key: String,
}

/// Makes an organization on a data folder without a running server.
pub async fn bootstrap(data: &Path, database: Option<&str>, organization: &str, email: &str) -> Bootstrapped {
    let mut command = Command::new(BAILIWICK);
    command.args(["bootstrap", "--data"]).arg(data).args(["--organization", organization, "--email", email]);
    command.arg("--password-stdin").args(database.iter().flat_map(|url| ["--database", url]));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"correct horse battery\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "bootstrap failed");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |name: &str| {
        told[name].as_str().unwrap_or_else(|| panic!("bootstrap told no {name}: {told}")).to_owned()
    };
    Bootstrapped {
        organization_id: text("organization_id"),
        user_id: text("user_id"),
        admin_key: text("admin_key"),
    }
}

/// A running server.
pub struct Server {
    child: Mutex<Child>,
    /// `http://…` without a trailing slash.
    pub url: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// How to start a server.
#[derive(Clone)]
pub struct Start {
    /// The data folder.
    pub data: PathBuf,
    /// The database's address; SQLite in the data folder when none.
    pub database: Option<String>,
    /// Upstream `host:port` that tenants may call although it is on loopback.
    pub allow_upstream: Vec<String>,
}

impl Start {
    /// Starts it on a free port and waits until it listens.
    pub async fn serve(&self) -> Server {
        self.serve_with(&[]).await
    }

    /// The same, with more on the command line.
    pub async fn serve_with(&self, more: &[&str]) -> Server {
        let mut command = Command::new(BAILIWICK);
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&self.data);
        command.args(self.database.iter().flat_map(|url| ["--database", url]));
        command.args(self.allow_upstream.iter().flat_map(|host| ["--allow-upstream", host])).args(more);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = loop {
            let line = lines.next().expect("the server ended before it listened").unwrap();
            if let Some(url) = line.strip_prefix("listening on ") {
                break url.trim().to_owned();
            }
        };
        std::thread::spawn(move || lines.for_each(drop));
        Server { child: Mutex::new(child), url, client: Client::builder(TokioExecutor::new()).build_http() }
    }
}

/// An answer: its status and its body, parsed where it is JSON.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: http::HeaderMap,
    /// The body; a JSON text when it is not JSON.
    pub body: Value,
}

impl Server {
    /// Sends one request.
    pub async fn call(&self, method: &str, path: &str, key: &str, body: Option<&Value>) -> Answer {
        self.try_call(method, path, key, body)
            .await
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// Sends one request; the error when no whole answer came.
    pub async fn try_call(
        &self,
        method: &str,
        path: &str,
        key: &str,
        body: Option<&Value>,
    ) -> Result<Answer, String> {
        let response = self.begin(method, path, key, body).await?;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
    }

    /// Sends one request and returns when the answer begins.
    pub async fn begin(
        &self,
        method: &str,
        path: &str,
        key: &str,
        body: Option<&Value>,
    ) -> Result<http::Response<hyper::body::Incoming>, String> {
        let mut request = http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        if !key.is_empty() {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let bytes = body.map(|value| Bytes::from(value.to_string())).unwrap_or_default();
        self.client.request(request.body(Full::new(bytes)).unwrap()).await.map_err(|error| error.to_string())
    }

    /// Sends one request with just these headers and this body; a redirect is an answer, it is not followed.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, String)], body: String) -> Answer {
        let mut request = http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let response = self.client.request(request.body(Full::new(Bytes::from(body))).unwrap()).await;
        let (parts, body) = response.unwrap_or_else(|error| panic!("{method} {path}: {error}")).into_parts();
        let bytes =
            body.collect().await.unwrap_or_else(|error| panic!("{method} {path}: {error}")).to_bytes();
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// Sends one request that has to succeed, and returns its JSON.
    pub async fn ok(&self, method: &str, path: &str, key: &str, body: Option<&Value>) -> Value {
        let answer = self.call(method, path, key, body).await;
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.body);
        answer.body
    }

    /// Kills the process as a power cut would, without a word.
    pub async fn kill(&self) {
        self.end();
    }

    fn end(&self) {
        let mut child = self.child.lock().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// Runs `bailiwick verify`: its report and whether it found no difference.
pub async fn verify(data: &Path, database: Option<&str>) -> (bool, Value) {
    let mut command = Command::new(BAILIWICK);
    command.args(["verify", "--data"]).arg(data).args(database.iter().flat_map(|url| ["--database", url]));
    let output = command.output().unwrap();
    let report = serde_json::from_slice(&output.stdout).expect("verify prints JSON");
    (output.status.success(), report)
}
