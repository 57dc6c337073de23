//! Every way in which a call can fail, and how each looks on the wire and on a page.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::json;

use super::answer::Answer;

/// Why a call did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A rule refused.
    #[error(transparent)]
    Domain(#[from] domain::Error),
    /// The store refused or is away.
    #[error(transparent)]
    Store(store::Error),
    /// Too many attempts; waiting helps.
    #[error("{message}")]
    TooMany {
        /// Stable, machine-readable cause.
        code: &'static str,
        /// One sentence for the caller.
        message: &'static str,
        /// After how many seconds to try again.
        retry_after_seconds: i64,
    },
    /// The body is larger than is read.
    #[error("The body is larger than 1 MiB.")]
    TooLarge,
    /// There is such a path, but not for this method.
    #[error("This path does not answer this method.")]
    Method,
    /// No such path.
    #[error("There is nothing at this path. See /docs.")]
    Path,
    /// Something broke that should not; the context is for the log.
    #[error("Something went wrong here. The request's id helps to find out what.")]
    Broken(String),
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Domain(error) => Self::Domain(error),
            store::Error::NotFound { what } => Self::Domain(domain::Error::Hidden { what }),
            other => Self::Store(other),
        }
    }
}

impl Failure {
    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        use domain::Error as D;
        match self {
            Self::Domain(D::Invalid { .. }) => StatusCode::BAD_REQUEST,
            Self::Domain(D::Hidden { .. }) | Self::Path => StatusCode::NOT_FOUND,
            Self::Domain(D::Forbidden { .. }) => StatusCode::FORBIDDEN,
            Self::Domain(D::Unauthenticated { .. }) => StatusCode::UNAUTHORIZED,
            Self::Domain(D::Conflict { .. }) | Self::Store(store::Error::Conflict { .. }) => {
                StatusCode::CONFLICT
            }
            Self::Store(store::Error::Unavailable(_)) => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Store(_) | Self::Broken(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The stable cause.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Domain(error) => error.code(),
            Self::Store(store::Error::Conflict { code, .. }) => code,
            Self::Store(store::Error::Unavailable(_)) => "store_unavailable",
            Self::TooMany { code, .. } => code,
            Self::TooLarge => "body_too_large",
            Self::Method => "method_not_allowed",
            Self::Path => "unknown_path",
            Self::Store(_) | Self::Broken(_) => "internal_error",
        }
    }

    fn kind(&self) -> &'static str {
        match self.status() {
            StatusCode::UNAUTHORIZED => "authentication_error",
            StatusCode::FORBIDDEN => "permission_error",
            StatusCode::NOT_FOUND => "not_found_error",
            StatusCode::CONFLICT => "conflict_error",
            StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
            status if status.is_server_error() => "server_error",
            _ => "invalid_request_error",
        }
    }

    fn param(&self) -> Option<&str> {
        match self {
            Self::Domain(domain::Error::Invalid { param, .. }) => param.as_deref(),
            _ => None,
        }
    }

    /// The answer in the wire shape of the compatible API.
    pub fn json(&self) -> Answer {
        let error = json!({
            "message": self.to_string(), "type": self.kind(), "param": self.param(), "code": self.code(),
        });
        let mut answer = Answer::json(json!({ "error": error })).status(self.status());
        answer.headers.extend(self.headers());
        answer
    }

    /// The answer as a page.
    pub fn page(&self, page: String) -> Answer {
        let mut answer = Answer::of(self.status(), "text/html; charset=utf-8", Bytes::from(page));
        answer.headers.extend(self.headers());
        answer
    }

    /// Writes private context into the log.
    pub fn log(&self, request_id: &str) {
        let context = match self {
            Self::Store(error) => error.context(),
            Self::Broken(context) => context,
            _ => return,
        };
        if self.status().is_server_error() {
            tracing::error!(request_id, context, "a request failed");
        }
    }

    fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        let should_retry = match self {
            Self::TooMany { retry_after_seconds, .. } => {
                let name = header::RETRY_AFTER;
                return vec![(name, HeaderValue::from(*retry_after_seconds))];
            }
            _ if self.status().is_server_error() => "true",
            _ => "false",
        };
        let name = HeaderName::from_static("x-should-retry");
        vec![(name, HeaderValue::from_static(should_retry))]
    }
}

/// A page for a failure, until the console puts its own in place.
pub fn plain_page(failure: &Failure, request_id: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{code}</title><h1>{message}</h1>\
         <p>{code}, request {request_id}</p></html>",
        code = failure.code(),
        message = escape(&failure.to_string()),
    )
}

/// A text made safe for HTML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
