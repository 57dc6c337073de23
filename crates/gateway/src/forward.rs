//! Fifth phase: the admitted call goes to its provider, and its answer comes back. Headers pass by allow-list both
//! ways: the client's credential never leaves, the provider's never returns.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use domain::providers::ProviderKind;
use domain::usage::{CallStatus, Endpoint};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::Full;

use crate::Inner;
use crate::call::{Call, Caller, Choice};
use crate::dialect::splice::{Splice, apply};
use crate::dialect::sse::Scanner;
use crate::dialect::usage_of;
use crate::error::Refusal;
use crate::provider::{Answer, AnswerBody, Failure, simulated};
use crate::settle::Admission;
use crate::stream::MeteredStream;

/// For so long a provider is read on after the client hung up, for its usage.
pub(crate) const LINGER: Duration = Duration::from_secs(2);
const ANSWER_MAX_BYTES: usize = 64 << 20;
const SENT: [HeaderName; 2] = [ACCEPT, HeaderName::from_static("openai-beta")];
const RETURNED: [HeaderName; 5] = [
    CONTENT_TYPE,
    RETRY_AFTER,
    HeaderName::from_static("retry-after-ms"),
    HeaderName::from_static("x-should-retry"),
    HeaderName::from_static("openai-processing-ms"),
];

/// Sends the call and brings its answer; the record is written whatever happens.
pub(crate) async fn forward(
    gateway: Arc<Inner>,
    (call, caller, choice): (Call, Caller, Choice),
    headers: HeaderMap,
    mut admission: Admission,
) -> Result<Response, Refusal> {
    let body = edited(&call, &choice);
    admission.facts.is_sent = true;
    let sent = match choice.provider.connection.kind {
        ProviderKind::Simulated => {
            Ok(simulated::answer(call.endpoint, &body, gateway.settings.simulated_latency).await)
        }
        ProviderKind::Openai => match request(&choice, call.endpoint, &headers, body) {
            Ok(request) => gateway.upstream.send(request).await,
            Err(_) => Err(Failure::Unreachable("the base URL or the credential cannot be sent".to_owned())),
        },
    };
    let answer = match sent {
        Ok(answer) => answer,
        Err(failure) => return Err(failed(failure, admission)),
    };
    admission.facts.upstream_status = Some(answer.status.as_u16());
    if !answer.status.is_success() {
        return refused(answer, &choice, admission).await;
    }
    if call.peek.is_stream && is_event_stream(&answer.headers) {
        admission.facts.scanner = Some(Scanner::new(call.peek.ask_usage.is_some()));
        let head = returned(&answer.headers);
        let stream = MeteredStream::new(answer.body, admission, caller.key, gateway.settings.answer_timeout);
        return Ok(response(answer.status, head, Body::new(stream)));
    }
    plain(answer, admission, gateway.settings.answer_timeout).await
}

fn edited(call: &Call, choice: &Choice) -> Bytes {
    let mut edits: Vec<Splice> = call.peek.ask_usage.iter().cloned().collect();
    if let Some(most) = call.default_output {
        let at = call.body.iter().position(|byte| *byte == b'{').unwrap_or(0) + 1;
        let most = most / call.peek.choices.max(1);
        edits.push(Splice { at: at..at, with: format!("\"max_completion_tokens\":{most},") });
    }
    if choice.model != call.peek.model {
        let with = serde_json::Value::from(choice.model.as_str()).to_string();
        edits.push(Splice { at: call.peek.model_at.clone(), with });
    }
    apply(&call.body, edits)
}

fn request(
    choice: &Choice,
    endpoint: Endpoint,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Request<Full<Bytes>>, http::Error> {
    let path = match endpoint {
        Endpoint::ChatCompletions => "/chat/completions",
        Endpoint::Embeddings => "/embeddings",
    };
    let uri = [choice.provider.connection.base_url.as_str(), path].concat();
    let mut request = Request::post(uri).body(Full::new(body))?;
    let sent = request.headers_mut();
    for name in &SENT {
        if let Some(value) = headers.get(name) {
            sent.insert(name, value.clone());
        }
    }
    sent.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    sent.insert(USER_AGENT, HeaderValue::from_static("bailiwick"));
    if let Some(credential) = &choice.provider.credential {
        let mut value = HeaderValue::try_from(["Bearer ", credential.reveal()].concat())?;
        value.set_sensitive(true);
        sent.insert(AUTHORIZATION, value);
    }
    Ok(request)
}

fn failed(failure: Failure, mut admission: Admission) -> Refusal {
    tracing::warn!(%failure, "provider not reached");
    let refusal = match failure {
        Failure::Blocked => {
            let message =
                "The provider's address is not on the public internet and the operator did not list it.";
            Refusal::upstream("upstream_address_not_allowed", message).finally()
        }
        Failure::Unreachable(_) => {
            Refusal::upstream("upstream_unreachable", "The provider cannot be reached.")
        }
        Failure::Closed(_) => Refusal::upstream("upstream_closed", "The provider hung up."),
        Failure::TimedOut => {
            let refusal = Refusal::upstream("upstream_timeout", "The provider did not answer in time.");
            Refusal { status: StatusCode::GATEWAY_TIMEOUT, ..refusal }
        }
    };
    if matches!(refusal.code, "upstream_address_not_allowed" | "upstream_unreachable") {
        admission.facts.is_sent = false;
    }
    drop(admission.settle(CallStatus::UpstreamClosed));
    refusal
}

/// An answer in one piece: its record is on disk before it goes out.
async fn plain(
    mut answer: Answer,
    mut admission: Admission,
    answer_timeout: Duration,
) -> Result<Response, Refusal> {
    let read = tokio::time::timeout(answer_timeout, collect(&mut answer.body, ANSWER_MAX_BYTES)).await;
    let body = match read.unwrap_or(Err(Failure::TimedOut)) {
        Ok(body) => body,
        Err(failure) => return Err(failed(failure, admission)),
    };
    admission.facts.usage = usage_of(&body);
    if admission.facts.usage.is_none() {
        // Without the provider's word the answer is counted as a stream's text would be.
        let mut scanner = Scanner::new(false);
        scanner.count_plain(&body);
        admission.facts.scanner = Some(scanner);
    }
    let synced = admission.settle(CallStatus::Succeeded).await;
    synced.map_err(|error| Refusal::unavailable("usage_not_recorded", &error))?;
    Ok(response(answer.status, returned(&answer.headers), Body::from(body)))
}

/// An error of the provider: passed on where it is OpenAI's shape and tells no secret.
async fn refused(mut answer: Answer, choice: &Choice, mut admission: Admission) -> Result<Response, Refusal> {
    let read = tokio::time::timeout(LINGER, collect(&mut answer.body, 1 << 20)).await;
    let body = read.ok().and_then(Result::ok).unwrap_or_default();
    admission.facts.usage = usage_of(&body);
    let synced = admission.settle(CallStatus::UpstreamError).await;
    synced.map_err(|error| Refusal::unavailable("usage_not_recorded", &error))?;
    if matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        let message = "The provider does not accept the organization's credential. An Admin can renew it.";
        return Err(Refusal::upstream("upstream_credential_rejected", message).finally());
    }
    let is_error = answer.status.is_client_error() || answer.status.is_server_error();
    if is_error && is_shareable(&body, choice) {
        return Ok(response(answer.status, returned(&answer.headers), Body::from(body)));
    }
    let status = if is_error { answer.status } else { StatusCode::BAD_GATEWAY };
    let message = format!("The provider answered with status {}.", answer.status.as_u16());
    Err(Refusal { status, ..Refusal::upstream("upstream_error", message) })
}

fn is_shareable(body: &[u8], choice: &Choice) -> bool {
    let Ok(text) = std::str::from_utf8(body) else { return false };
    let has_secret =
        choice.provider.credential.as_ref().is_some_and(|credential| text.contains(credential.reveal()));
    let parsed = serde_json::from_str::<serde_json::Value>(text);
    !has_secret && parsed.is_ok_and(|value| value.get("error").is_some_and(|error| !error.is_null()))
}

async fn collect(body: &mut AnswerBody, max_bytes: usize) -> Result<Bytes, Failure> {
    let Some(first) = body.chunk().await.transpose()? else { return Ok(Bytes::new()) };
    if body.is_at_end() {
        return Ok(first);
    }
    let Some(second) = body.chunk().await.transpose()? else { return Ok(first) };
    let mut all = BytesMut::from(first);
    all.extend_from_slice(&second);
    while let Some(chunk) = body.chunk().await.transpose()? {
        if all.len() + chunk.len() > max_bytes {
            return Err(Failure::Closed("the answer is too large".to_owned()));
        }
        all.extend_from_slice(&chunk);
    }
    Ok(all.freeze())
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    kind.get(..17).is_some_and(|start| start.eq_ignore_ascii_case(b"text/event-stream"))
}

fn returned(headers: &HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::with_capacity(RETURNED.len() + 1);
    for name in &RETURNED {
        if let Some(value) = headers.get(name) {
            kept.insert(name, value.clone());
        }
    }
    kept
}

fn response(status: StatusCode, headers: HeaderMap, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// Work that outlives its caller for a moment: dropped before its end, it runs on for at most [`LINGER`].
pub(crate) struct Lingering<T: Send + 'static> {
    work: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
    is_client_gone: Arc<AtomicBool>,
}

impl<T: Send + 'static> Lingering<T> {
    pub(crate) fn new(
        is_client_gone: Arc<AtomicBool>,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Self {
        Self { work: Some(Box::pin(work)), is_client_gone }
    }
}

impl<T: Send + 'static> Future for Lingering<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let Some(work) = &mut self.work else { return Poll::Pending };
        let polled = work.as_mut().poll(cx);
        if polled.is_ready() {
            self.work = None;
        }
        polled
    }
}

impl<T: Send + 'static> Drop for Lingering<T> {
    fn drop(&mut self) {
        let Some(work) = self.work.take() else { return };
        self.is_client_gone.store(true, Ordering::Release);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { drop(tokio::time::timeout(LINGER, work).await) });
        }
    }
}
