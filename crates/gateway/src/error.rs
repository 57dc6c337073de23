//! Why a call was refused, and how OpenAI's wire format says so.

use std::borrow::Cow;

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{HeaderName, StatusCode};
use serde_json::json;

use crate::ports::PortError;

/// The header that names a request in answers and logs.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// A refusal, complete: nothing was charged unless a usage record says so.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// OpenAI's family of the error.
    pub(crate) kind: &'static str,
    /// The distinct cause.
    pub(crate) code: &'static str,
    pub(crate) message: Cow<'static, str>,
    pub(crate) param: Option<&'static str>,
    pub(crate) retry_after_seconds: Option<i64>,
    /// Whether trying the same again is useless.
    pub(crate) is_final: bool,
}

impl Refusal {
    pub(crate) fn new(
        status: StatusCode,
        kind: &'static str,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        let message = message.into();
        Self { status, kind, code, message, param: None, retry_after_seconds: None, is_final: false }
    }

    /// A request that cannot be understood or accepted as it is.
    pub(crate) fn invalid(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", code, message)
    }

    /// A credential that does not stand.
    pub(crate) fn credential(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "authentication_error", code, message)
    }

    /// A credential that stands, but not for this.
    pub(crate) fn forbidden(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "permission_error", code, message)
    }

    /// The organization of the key stands still: `suspended` or `closed`, as far as that is known.
    pub(crate) fn organization_suspended(how: &str) -> Self {
        let message = format!("The organization of this API key is {how}. An Admin of it can reactivate it.");
        Self::forbidden("organization_suspended", message).finally()
    }

    /// Something of this system is away; the cause goes to the log.
    pub(crate) fn unavailable(code: &'static str, cause: &PortError) -> Self {
        tracing::error!(code, cause = %cause.context, "call refused");
        let message = "The gateway cannot meter calls at the moment, so it takes none. Try again shortly.";
        let refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, "server_error", code, message);
        Self { retry_after_seconds: Some(1), ..refusal }
    }

    /// The provider failed.
    pub(crate) fn upstream(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, "upstream_error", code, message)
    }

    pub(crate) fn unknown_model(model: &str) -> Self {
        let shown: String = model.chars().take(200).collect();
        let message = format!("The model `{shown}` does not exist or this key may not use it.");
        let refusal = Self::new(StatusCode::NOT_FOUND, "invalid_request_error", "model_not_found", message);
        refusal.about("model")
    }

    /// A model that `who` may not use, as a list of theirs says.
    pub(crate) fn model_not_allowed(model: &str, who: &str) -> Self {
        let shown: String = model.chars().take(200).collect();
        let message = format!("{who} may not use the model `{shown}`.");
        Self::forbidden("model_not_allowed", message).about("model").finally()
    }

    pub(crate) fn about(mut self, param: &'static str) -> Self {
        self.param = Some(param);
        self
    }

    pub(crate) fn finally(mut self) -> Self {
        self.is_final = true;
        self
    }

    /// The body of the wire format.
    pub(crate) fn json(&self) -> String {
        let error = json!({
            "message": self.message, "type": self.kind, "param": self.param, "code": self.code,
        });
        json!({ "error": error }).to_string()
    }

    /// The whole answer; the request id is added where all answers pass.
    pub(crate) fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.json()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        if self.is_final {
            headers.insert(X_SHOULD_RETRY, HeaderValue::from_static("false"));
        }
        response
    }
}
