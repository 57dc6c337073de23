//! A client of the admin API: what the commands of people and automation go through.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client as Http, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use super::{Failed, print, table};
use crate::config;

/// An answer has to be there within this time.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest answer that is read, in bytes.
const ANSWER_MOST: usize = 64 * 1024 * 1024;
/// How many items a page of a list is asked for.
const PAGE: usize = 100;

/// Which server, as whom, and how the answer is shown.
#[derive(clap::Args, Clone)]
pub struct Asking {
    /// The server's address; BAILIWICK_SERVER, else http://127.0.0.1:8400.
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// The admin key to ask with; BAILIWICK_ADMIN_KEY, where other users of this machine do not see it.
    #[arg(long, value_name = "KEY")]
    admin_key: Option<String>,
    /// Print the answer as JSON, for programs.
    #[arg(long)]
    json: bool,
}

/// A client of one server.
pub struct Client {
    http: Http<HttpsConnector<HttpConnector>, Full<Bytes>>,
    server: String,
    admin_key: String,
    is_json: bool,
}

impl Asking {
    /// The client for it.
    ///
    /// # Errors
    /// When the address or the key is missing, or certificates cannot be read.
    pub fn client(self) -> Result<Client, Failed> {
        let remote = config::remote(self.server, self.admin_key);
        let remote = remote.map_err(|mistakes| Failed(mistakes.join("\n")))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let connector = HttpsConnectorBuilder::new().with_provider_and_native_roots(provider)?;
        let connector = connector.https_or_http().enable_http1().build();
        let http = Http::builder(TokioExecutor::new()).build(connector);
        Ok(Client { http, server: remote.server, admin_key: remote.admin_key, is_json: self.json })
    }
}

impl Client {
    /// Asks for something.
    ///
    /// # Errors
    /// The server's sentence where it refused; why there is no answer.
    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Failed> {
        let query: Vec<_> = query.iter().filter(|(_, value)| !value.is_empty()).collect();
        let query = serde_urlencoded::to_string(query)?;
        let mark = if query.is_empty() { "" } else { "?" };
        self.call(Method::GET, &format!("{path}{mark}{query}"), None).await
    }

    /// Has something made or changed.
    ///
    /// # Errors
    /// As `get`.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, Failed> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Has something removed.
    ///
    /// # Errors
    /// As `get`.
    pub async fn delete(&self, path: &str) -> Result<Value, Failed> {
        self.call(Method::DELETE, path, None).await
    }

    /// The first `limit` items of a list, page by page; whether more follow is in `has_more`.
    ///
    /// # Errors
    /// As `get`.
    pub async fn list(&self, path: &str, query: &[(&str, &str)], limit: usize) -> Result<Value, Failed> {
        self.list_in(path, None, query, limit).await
    }

    /// The same of a list that is a field of the answer.
    ///
    /// # Errors
    /// As `get`.
    pub async fn list_in(
        &self,
        path: &str,
        field: Option<&str>,
        query: &[(&str, &str)],
        limit: usize,
    ) -> Result<Value, Failed> {
        let (mut items, mut after, mut has_more) = (Vec::new(), String::new(), true);
        while has_more && items.len() < limit {
            let size = (limit - items.len()).min(PAGE).to_string();
            let mut query = query.to_vec();
            query.extend([("limit", size.as_str()), ("after", after.as_str())]);
            let mut answer = self.get(path, &query).await?;
            let mut page = match field {
                Some(field) => answer[field].take(),
                None => answer,
            };
            has_more = page["has_more"] == true;
            let next = page["next"].as_str().or(page["last_id"].as_str()).unwrap_or_default().to_owned();
            match page["data"].take() {
                Value::Array(data) => items.extend(data),
                other => return Err(Failed(format!("the answer is no list: {other}"))),
            }
            has_more = has_more && !next.is_empty();
            after = next;
        }
        Ok(json!({"object": "list", "data": items, "has_more": has_more}))
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Failed> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.server))
            .header(AUTHORIZATION, format!("Bearer {}", self.admin_key))
            .header(CONTENT_TYPE, "application/json");
        let bytes = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        let request = request.body(Full::new(bytes))?;
        let answered = tokio::time::timeout(PATIENCE, async {
            let response = self.http.request(request).await.map_err(|error| self.away(&error))?;
            let (parts, body) = response.into_parts();
            let read = Limited::new(body, ANSWER_MOST).collect().await;
            let bytes = read.map_err(|error| Failed(format!("{}: {error}", self.server)))?.to_bytes();
            Ok::<_, Failed>((parts.status, bytes))
        });
        let too_slow = |_| Failed(format!("{}: no answer in {} s", self.server, PATIENCE.as_secs()));
        let (status, bytes) = answered.await.map_err(too_slow)??;
        understood(status, &bytes)
    }

    /// Why there was no answer: the last cause says most.
    fn away(&self, error: &hyper_util::client::legacy::Error) -> Failed {
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        Failed(format!("{} cannot be reached: {cause}", self.server))
    }

    /// Shows an answer: as JSON, or as `people` reads it.
    ///
    /// # Errors
    /// When standard output is gone.
    pub fn show(&self, answer: &Value, people: impl FnOnce(&Value) -> String) -> Result<(), Failed> {
        match self.is_json {
            true => print(&serde_json::to_string_pretty(answer)?),
            false => print(people(answer).trim_end()),
        }
    }

    /// Shows a list as a table of these fields.
    ///
    /// # Errors
    /// When standard output is gone.
    pub fn show_list(&self, list: &Value, columns: &[&str]) -> Result<(), Failed> {
        self.show(list, |list| table::of_list(list, columns))
    }

    /// Shows one thing, field by field.
    ///
    /// # Errors
    /// When standard output is gone.
    pub fn show_one(&self, thing: &Value) -> Result<(), Failed> {
        self.show(thing, table::of_one)
    }
}

fn understood(status: StatusCode, bytes: &[u8]) -> Result<Value, Failed> {
    let answer: Option<Value> = serde_json::from_slice(bytes).ok();
    if status.is_success() {
        return answer.ok_or_else(|| Failed("the answer is not JSON: is this a Bailiwick?".to_owned()));
    }
    let sentence = answer.as_ref().and_then(|answer| answer["error"]["message"].as_str());
    Err(Failed(sentence.map_or_else(|| format!("the server answered {status}"), str::to_owned)))
}

/// An id as part of a path: what no id can be is refused here, so that nothing else is asked for.
///
/// # Errors
/// When it is no id.
pub fn id(text: &str) -> Result<&str, Failed> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let fits = !text.is_empty() && text.chars().all(is_plain);
    fits.then_some(text).ok_or_else(|| Failed(format!("{text} is not an id")))
}
