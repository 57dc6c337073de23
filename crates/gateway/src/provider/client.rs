//! The HTTP client for providers. Addresses are checked where the connection is made, not where a name was typed.

use std::collections::HashSet;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use domain::providers::is_public;
use http::{Request, Uri};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;

use super::{Answer, AnswerBody, Failure};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
const IDLE_PER_HOST: usize = 256;

/// The `host:port` pairs that the operator listed: they may be private.
#[derive(Clone, Debug, Default)]
pub(crate) struct Allowed(Arc<HashSet<String>>);

impl Allowed {
    pub(crate) fn new(listed: &[String]) -> Self {
        Self(Arc::new(listed.iter().map(|pair| pair.trim().to_lowercase()).collect()))
    }

    fn has(&self, host: &str, port: u16) -> bool {
        self.0.contains(&format!("{}:{port}", host.to_lowercase()))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("address not allowed")]
struct Blocked;

/// The addresses that a name has at the moment.
pub(crate) type Found = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;
/// What looks names up.
pub(crate) type Resolver = Arc<dyn Fn(&str, u16) -> Found + Send + Sync>;

/// Asks the system.
fn system() -> Resolver {
    Arc::new(|host, port| {
        let host = host.to_owned();
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    })
}

/// Connects to a host that tenants chose, at addresses that they may reach.
#[derive(Clone)]
struct Connector {
    allowed: Allowed,
    resolver: Resolver,
}

impl tower_service::Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let timed_out = |_| io::Error::from(io::ErrorKind::TimedOut);
            tokio::time::timeout(CONNECT_TIMEOUT, connector.connect(&uri)).await.map_err(timed_out)?
        })
    }
}

impl Connector {
    async fn connect(&self, uri: &Uri) -> io::Result<TokioIo<TcpStream>> {
        let default_port = if uri.scheme_str() == Some("http") { 80 } else { 443 };
        let port = uri.port_u16().unwrap_or(default_port);
        let host = uri.host().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for address in self.reachable(host, port).await? {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(TokioIo::new(stream));
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// The addresses of a host that may be called.
    async fn reachable(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let found = match bare.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, port)],
            Err(_) => (self.resolver)(bare, port).await?,
        };
        if self.allowed.has(host, port) {
            return Ok(found);
        }
        // One forbidden address among public ones is enough to refuse: the name is not to be trusted.
        if found.iter().all(|address| is_public(address.ip())) {
            Ok(found)
        } else {
            Err(io::Error::new(io::ErrorKind::PermissionDenied, Blocked))
        }
    }
}

type Http = Client<HttpsConnector<Connector>, Full<Bytes>>;

/// The client, with its pool of connections. Certificates are read at the first call.
pub(crate) struct Upstream {
    connector: Connector,
    http: OnceLock<Option<Http>>,
    answer_timeout: Duration,
}

impl Upstream {
    pub(crate) fn new(allowed: Allowed, answer_timeout: Duration) -> Self {
        Self::resolving(allowed, system(), answer_timeout)
    }

    /// The same with something else to look names up.
    pub(crate) fn resolving(allowed: Allowed, resolver: Resolver, answer_timeout: Duration) -> Self {
        Self { connector: Connector { allowed, resolver }, http: OnceLock::new(), answer_timeout }
    }

    #[cfg(test)]
    pub(crate) async fn may_reach(&self, host: &str, port: u16) -> bool {
        self.connector.reachable(host, port).await.is_ok()
    }

    /// Sends a call and waits for the head of its answer.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Answer, Failure> {
        let http = self.http.get_or_init(|| build(self.connector.clone())).as_ref();
        let http = http.ok_or_else(|| Failure::Unreachable("no client could be made".to_owned()))?;
        match tokio::time::timeout(self.answer_timeout, http.request(request)).await {
            Err(_) => Err(Failure::TimedOut),
            Ok(Err(error)) => Err(failure(&error)),
            Ok(Ok(response)) => {
                let (head, body) = response.into_parts();
                Ok(Answer { status: head.status, headers: head.headers, body: AnswerBody::Network(body) })
            }
        }
    }
}

fn failure(error: &hyper_util::client::legacy::Error) -> Failure {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    let mut told = error.to_string();
    while let Some(inner) = cause {
        let is_blocked = inner
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            .is_some_and(|custom| custom.is::<Blocked>());
        if is_blocked || inner.is::<Blocked>() {
            return Failure::Blocked;
        }
        told = inner.to_string();
        cause = inner.source();
    }
    if error.is_connect() { Failure::Unreachable(told) } else { Failure::Closed(told) }
}

fn build(connector: Connector) -> Option<Http> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider));
    let schemes = HttpsConnectorBuilder::new().with_provider_and_native_roots(provider);
    let schemes = match schemes {
        Ok(schemes) => schemes,
        Err(error) => {
            tracing::warn!(%error, "no certificate authorities found: providers over https cannot be called");
            let versions = builder.with_safe_default_protocol_versions().ok()?;
            let config = versions.with_root_certificates(rustls::RootCertStore::empty());
            HttpsConnectorBuilder::new().with_tls_config(config.with_no_client_auth())
        }
    };
    let connector = schemes.https_or_http().enable_http1().enable_http2().wrap_connector(connector);
    let client = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .build(connector);
    Some(client)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_operator_lists_a_host_with_its_port() {
        let allowed = Allowed::new(&["LocalHost:8080".to_owned(), "127.0.0.1:9000".to_owned()]);
        let listed = Connector { allowed, resolver: system() };
        let reachable = async |host: &str, port| listed.reachable(host, port).await;
        assert!(reachable("localhost", 8080).await.is_ok());
        assert!(reachable("127.0.0.1", 9000).await.is_ok());
        assert!(reachable("127.0.0.1", 8080).await.is_err());
        assert!(reachable("localhost", 9000).await.is_err());
    }

    #[tokio::test]
    async fn a_refused_address_is_told_apart_from_an_unreachable_one() {
        let upstream = Upstream::new(Allowed::new(&["127.0.0.1:1".to_owned()]), Duration::from_secs(5));
        let call = |uri: &str| Request::post(uri).body(Full::new(Bytes::new())).unwrap();
        assert!(matches!(upstream.send(call("http://127.0.0.1:2/v1")).await, Err(Failure::Blocked)));
        assert!(matches!(upstream.send(call("http://127.0.0.1:1/v1")).await, Err(Failure::Unreachable(_))));
    }
}
