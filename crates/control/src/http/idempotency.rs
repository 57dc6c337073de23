//! A repeated create has one effect: an SDK's own retry within a minute, or the same `Idempotency-Key` within a day.

use std::sync::Arc;
use std::time::Duration;

use domain::Error;
use domain::access::Credential;
use domain::ids::RequestId;
use domain::routes::{Method, Surface};
use domain::time::{DAY, MINUTE};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use store::{Aad, Claimed, Repeatable};
use zeroize::Zeroizing;

use super::answer::{Answer, Content};
use super::call::Call;
use super::endpoint::Endpoint;
use super::failure::Failure;
use crate::Control;

/// A first call that has not answered after so long is dead: its process was.
const DEAD_AFTER_MICROS: i64 = MINUTE;
/// How long a twin waits for the first one's answer.
const WAIT_MS: u64 = 20_000;
const POLL_MS: u64 = 20;

/// An answer as kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    status: u16,
    body: String,
}

/// Runs the handler, or gives the answer of the first equal call.
pub(super) async fn run(endpoint: Arc<Endpoint>, call: Call) -> Result<Answer, Failure> {
    let Some(request) = repeatable(&call)? else { return (endpoint.handler)(call).await };
    let control = call.control.clone();
    let mut waited_ms = 0;
    loop {
        match control.store.claim_request(&request).await? {
            Claimed::First => break,
            Claimed::OtherBody => return Err(mismatch()),
            Claimed::Answered { body_hash, .. } if body_hash != request.body_hash => return Err(mismatch()),
            Claimed::Answered { answer, claim, .. } => {
                return reopen(&control, &request.key, &claim, &answer);
            }
            Claimed::Running if waited_ms >= WAIT_MS => return Err(still_running()),
            Claimed::Running => tokio::time::sleep(Duration::from_millis(POLL_MS)).await,
        }
        waited_ms += POLL_MS;
    }
    // Runs to its end also when the client hangs up: its retry then finds the answer.
    let work = tokio::spawn(async move {
        let answer = (endpoint.handler)(call).await;
        let kept = answer.as_ref().ok().and_then(kept_of);
        settle(&control, &request, kept).await;
        answer
    });
    work.await.map_err(|error| Failure::Broken(error.to_string()))?
}

/// What makes a call recognisable when it comes again; none for calls that do not ask for it.
fn repeatable(call: &Call) -> Result<Option<Repeatable>, Failure> {
    let route = call.route;
    if route.surface != Surface::Api || route.method != Method::Post || route.audit.is_none() {
        return Ok(None);
    }
    let header = |name: &str| call.headers.get(name).and_then(|value| value.to_str().ok());
    let named = header("idempotency-key").filter(|key| !key.is_empty());
    let retries = header("x-stainless-retry-count").and_then(|count| count.parse::<u32>().ok());
    if named.is_none() && retries.is_none() {
        return Ok(None);
    }
    if named.is_some_and(|key| key.len() > 255) {
        let message = "Use an Idempotency-Key of at most 255 characters.";
        return Err(Error::invalid("invalid_idempotency_key", message).into());
    }
    let credential = match call.person.as_ref().map(|actor| actor.credential) {
        Some(Credential::Session(id)) => id.to_string(),
        Some(Credential::AdminKey(id)) => id.to_string(),
        _ => return Ok(None),
    };
    let path = call.location.as_str();
    let organization = call.grant.organization_id().map(|id| id.to_string()).unwrap_or_default();
    let hash = |text: &str| -> String {
        let hash = call.control.secrets.pepper().hash(text);
        hash.bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let body_hash = hash(&format!("body\n{path}\n{}", String::from_utf8_lossy(&call.body)));
    let recognised_by = named.map_or(format!("retry\n{body_hash}"), |key| format!("key\n{key}"));
    let lifetime_micros = if named.is_some() { DAY } else { MINUTE };
    Ok(Some(Repeatable {
        key: hash(&format!("request\n{credential}\n{organization}\n{recognised_by}")),
        body_hash,
        claim: RequestId::mint(call.control.ambient.as_ref()).to_string(),
        at: call.at,
        ends_at: call.at.plus_micros(lifetime_micros),
        dead_before: call.at.plus_micros(-DEAD_AFTER_MICROS),
        displaces: named.is_none() && retries == Some(0),
    }))
}

/// What repetitions get of an answer; none for a stream, which runs anew.
fn kept_of(answer: &Answer) -> Option<Zeroizing<Vec<u8>>> {
    let Content::Whole(body) = &answer.body else { return None };
    let body = String::from_utf8_lossy(body).into_owned();
    serde_json::to_vec(&Kept { status: answer.status.as_u16(), body }).ok().map(Zeroizing::new)
}

/// Keeps a success for repetitions; a failure changed nothing and may be tried again.
async fn settle(control: &Control, request: &Repeatable, kept: Option<Zeroizing<Vec<u8>>>) {
    let kept = match kept {
        Some(text) => keep(control, request, &text).await,
        None => control.store.release_claim(request).await.map_err(Failure::from),
    };
    if let Err(failure) = kept {
        tracing::error!(%failure, "a repeated request will not find the first answer");
    }
}

async fn keep(control: &Control, request: &Repeatable, text: &[u8]) -> Result<(), Failure> {
    let sealed = control.secrets.seal(place(&request.key, &request.claim), text)?;
    Ok(control.store.keep_answer(request, sealed).await?)
}

fn reopen(control: &Control, key: &str, claim: &str, sealed: &[u8]) -> Result<Answer, Failure> {
    let text = control.secrets.open(place(key, claim), sealed)?;
    let kept: Kept = serde_json::from_slice(&text).map_err(|error| Failure::Broken(error.to_string()))?;
    let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
    Ok(Answer::of(status, "application/json", kept.body.into()))
}

fn place<'a>(key: &'a str, claim: &'a str) -> Aad<'a> {
    Aad { organization: claim, table: "idempotency", row: key, version: 1 }
}

fn mismatch() -> Failure {
    Error::conflict("idempotency_mismatch", "This Idempotency-Key was used for another request.").into()
}

fn still_running() -> Failure {
    Failure::TooMany {
        code: "request_in_progress",
        message: "The first of these equal requests has not ended yet.",
        retry_after_seconds: 2,
    }
}
