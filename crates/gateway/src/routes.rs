//! The data plane's table, and the router made from it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use bytes::Bytes;
use domain::api_keys::scopes::Family;
use domain::ids::RequestId;
use domain::routes::{Access, Method, Route, Surface};
use domain::time::Timestamp;
use domain::usage::Endpoint;
use http::header::{CONTENT_LENGTH, HeaderValue};
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::Inner;
use crate::admit::admit;
use crate::call::{Call, Caller, Client};
use crate::choose::{choose, usable_models};
use crate::dialect::models::ModelsJson;
use crate::dialect::{Peek, embeddings, openai_chat};
use crate::error::{Refusal, X_REQUEST_ID};
use crate::forward::{Lingering, forward};
use crate::identify::{Purpose, identify};
use crate::policy::{check_key, check_model, check_tags, default_output, kept_end_user, note_provider};

/// How much of a refused request is read, and for how long.
const DISCARDED_BYTES_MOST: usize = 1 << 20;
const DISCARD_TIME: Duration = Duration::from_secs(2);

#[derive(Clone, Copy)]
enum Serves {
    Calls(Endpoint),
    ModelList,
    Model,
}

/// Each row at both of its paths.
const ROWS: [(&str, &str, Serves); 4] = [
    ("/v1/chat/completions", "/openai/v1/chat/completions", Serves::Calls(Endpoint::ChatCompletions)),
    ("/v1/embeddings", "/openai/v1/embeddings", Serves::Calls(Endpoint::Embeddings)),
    ("/v1/models", "/openai/v1/models", Serves::ModelList),
    ("/v1/models/{model}", "/openai/v1/models/{model}", Serves::Model),
];

/// Every row of the data plane.
pub fn table() -> Vec<Route> {
    ROWS.iter()
        .flat_map(|(path, prefixed, serves)| [route(path, *serves), route(prefixed, *serves)])
        .collect()
}

const fn route(path: &'static str, serves: Serves) -> Route {
    let (method, operation, summary) = match serves {
        Serves::Calls(Endpoint::ChatCompletions) => (
            Method::Post,
            "create_chat_completion",
            "Ask a model to continue a conversation, plain or streamed.",
        ),
        Serves::Calls(Endpoint::Embeddings) => (Method::Post, "create_embedding", "Turn text into vectors."),
        Serves::ModelList => (Method::Get, "list_models", "List the models that this key may use."),
        Serves::Model => (Method::Get, "get_model", "Read one model that this key may use."),
    };
    Route {
        method,
        path,
        operation,
        summary,
        surface: Surface::Gateway,
        access: Access::ProjectKey,
        audit: None,
        feature: None,
    }
}

/// The router of the table.
pub(crate) fn router(gateway: Arc<Inner>) -> Router {
    let mut router = Router::new();
    for (path, prefixed, serves) in ROWS {
        for path in [path, prefixed] {
            router = router.route(path, handler(serves).fallback(wrong_method));
        }
    }
    router.with_state(gateway)
}

fn handler(serves: Serves) -> MethodRouter<Arc<Inner>> {
    match serves {
        Serves::Calls(endpoint) => {
            post(move |State(gateway): State<Arc<Inner>>, request: Request| calls(gateway, endpoint, request))
        }
        Serves::ModelList => get(model_list),
        Serves::Model => get(model),
    }
}

async fn wrong_method(State(gateway): State<Arc<Inner>>) -> Response {
    let message = "This path does not take this method.";
    let status = StatusCode::METHOD_NOT_ALLOWED;
    let refusal = Refusal::new(status, "invalid_request_error", "method_not_allowed", message);
    answer(&gateway, Err(refusal))
}

/// What every answer carries, and the count of refusals.
fn answer(gateway: &Inner, result: Result<Response, Refusal>) -> Response {
    let mut response = result.unwrap_or_else(|refusal| {
        gateway.ports.refused(refusal.code);
        refusal.into_response()
    });
    let id = RequestId::mint(gateway.ports.ambient()).to_string();
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    response
}

async fn calls(gateway: Arc<Inner>, endpoint: Endpoint, request: Request) -> Response {
    let result = metered(&gateway, endpoint, request).await;
    answer(&gateway, result)
}

/// The phases in their order.
async fn metered(gateway: &Arc<Inner>, endpoint: Endpoint, request: Request) -> Result<Response, Refusal> {
    let at = gateway.ports.ambient().now();
    let (parts, body) = request.into_parts();
    let client = Client::of(&parts, &gateway.settings.trusted_proxies);
    let identified = identify(gateway, &parts.headers, Purpose::request(endpoint.family()), at).await;
    let allowed = identified.and_then(|caller| {
        check_key(gateway, &caller, client.address, at)?;
        Ok(caller)
    });
    let caller = match allowed {
        Ok(caller) => caller,
        Err(refusal) => {
            discard(body).await;
            return Err(refusal);
        }
    };
    let body = read(&parts.headers, body, gateway.settings.body_limit_bytes).await?;
    let peek = match endpoint {
        Endpoint::ChatCompletions => openai_chat::peek(&body)?,
        Endpoint::Embeddings => embeddings::peek(&body)?,
    };
    check_tags(gateway, &caller, &peek, at)?;
    let peek = Peek { end_user: kept_end_user(gateway, &caller, peek.end_user, at), ..peek };
    let default_output = default_output(&caller, endpoint, &peek, at);
    let call = Call { at, endpoint, body, peek, client, default_output };
    let choice = choose(&caller, &call.peek.model, at)?;
    check_model(gateway, &caller, &choice.model, at)?;
    note_provider(gateway, &caller, &choice.provider.connection.name, at);
    let admission = admit(gateway, &call, &caller, &choice).await?;
    let is_client_gone = admission.client_gone();
    let work = forward(Arc::clone(gateway), (call, caller, choice), parts.headers, admission);
    Lingering::new(is_client_gone, work).await
}

/// Reads a refused request to its end without keeping it: a connection that is answered with its request half read
/// has to be closed, and the client's next request on it would be lost. A long or slow one is not worth the wait.
async fn discard(body: Body) {
    let mut body = Limited::new(body, DISCARDED_BYTES_MOST);
    let rest = async { while let Some(Ok(_)) = body.frame().await {} };
    // Out of time: the connection closes, as it would have without the attempt.
    let _ = tokio::time::timeout(DISCARD_TIME, rest).await;
}

async fn read(headers: &HeaderMap, body: Body, limit_bytes: usize) -> Result<Bytes, Refusal> {
    let too_large = || {
        let message = format!("The body is larger than this gateway takes: {limit_bytes} bytes.");
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        Refusal::new(status, "invalid_request_error", "body_too_large", message).finally()
    };
    let stated = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if stated.is_some_and(|length| length > limit_bytes as u64) {
        return Err(too_large());
    }
    match Limited::new(body, limit_bytes).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => Err(Refusal::invalid("body_cut_off", "The body ended before it was whole.")),
    }
}

async fn model_list(State(gateway): State<Arc<Inner>>, request: Request) -> Response {
    let at = gateway.ports.ambient().now();
    let listed = reading(&gateway, request, at).await.map(|caller| {
        axum::Json(ModelsJson { object: "list", data: usable_models(&caller, at) }).into_response()
    });
    answer(&gateway, listed)
}

async fn model(State(gateway): State<Arc<Inner>>, Path(asked): Path<String>, request: Request) -> Response {
    let at = gateway.ports.ambient().now();
    let found = reading(&gateway, request, at).await.and_then(|caller| {
        let model = usable_models(&caller, at).into_iter().find(|model| model.id == asked);
        model.map(|model| axum::Json(model).into_response()).ok_or_else(|| Refusal::unknown_model(&asked))
    });
    answer(&gateway, found)
}

/// Who asks what there is.
async fn reading(gateway: &Inner, request: Request, at: Timestamp) -> Result<Caller, Refusal> {
    let (parts, _) = request.into_parts();
    let address = Client::of(&parts, &gateway.settings.trusted_proxies).address;
    let caller = identify(gateway, &parts.headers, Purpose::read(Family::Models), at).await?;
    check_key(gateway, &caller, address, at)?;
    Ok(caller)
}
