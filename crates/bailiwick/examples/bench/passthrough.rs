//! The yardstick: what the HTTP library costs when nothing is done but passing on.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::serve::ListenerExt as _;
use http::{StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;

use crate::Outcome;

#[derive(Clone)]
struct Upstream {
    client: Client<HttpConnector, Body>,
    address: String,
}

/// Serves until it is ended; the runtime is the gateway's.
pub fn run(upstream: String) -> Outcome<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("listening on http://{}", listener.local_addr()?);
        let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        let app = Router::new().fallback(pass).with_state(Upstream { client, address: upstream });
        Ok(axum::serve(listener, app).await?)
    })
}

async fn pass(State(upstream): State<Upstream>, mut request: Request) -> Result<Response, StatusCode> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let uri = Uri::try_from(["http://", &upstream.address, path].concat());
    *request.uri_mut() = uri.map_err(|_| StatusCode::BAD_REQUEST)?;
    let answer = upstream.client.request(request).await;
    answer.map(|answer| answer.map(Body::new)).map_err(|_| StatusCode::BAD_GATEWAY)
}
