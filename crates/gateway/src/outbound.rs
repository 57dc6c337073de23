//! Calls to other addresses that tenants chose, such as webhooks: checked where the connection is made, like calls to
//! providers, and never redirected.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Request};
use http_body_util::Full;

use crate::provider::Failure;
use crate::provider::client::{Allowed, Upstream};

/// The most of an answer that is read, in bytes.
const ANSWER_MAX: usize = 4_096;

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// The start of the body, as text.
    pub text: String,
}

/// The client.
pub struct Outbound {
    upstream: Upstream,
    timeout: Duration,
}

impl Outbound {
    /// A client that reaches public addresses, and the `host:port` pairs that the operator listed. An answer has to
    /// be there within the timeout.
    pub fn new(allowed: &[String], timeout: Duration) -> Self {
        Self { upstream: Upstream::new(Allowed::new(allowed), timeout), timeout }
    }

    #[cfg(test)]
    pub(crate) fn through(upstream: Upstream, timeout: Duration) -> Self {
        Self { upstream, timeout }
    }

    /// Sends JSON and reads the start of the answer.
    ///
    /// # Errors
    /// One sentence for the log of who chose the address.
    pub async fn post(
        &self,
        url: &str,
        headers: &[(&'static str, String)],
        body: String,
    ) -> Result<Answered, String> {
        let mut request = Request::post(url).header(CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).map_err(|error| error.to_string())?;
            request = request.header(HeaderName::from_static(name), value);
        }
        let request = request.body(Full::new(Bytes::from(body))).map_err(|error| error.to_string())?;
        let answer = self.upstream.send(request).await.map_err(|failure| sentence(&failure))?;
        let status = answer.status.as_u16();
        let mut body = answer.body;
        let mut read = Vec::new();
        let reading = async {
            while let Some(Ok(chunk)) = body.chunk().await {
                read.extend_from_slice(&chunk);
                if read.len() >= ANSWER_MAX {
                    return;
                }
            }
        };
        // The status is what counts: the rest of a slow answer is not waited for.
        let _is_whole = tokio::time::timeout(self.timeout, reading).await.is_ok();
        read.truncate(ANSWER_MAX);
        Ok(Answered { status, text: String::from_utf8_lossy(&read).into_owned() })
    }
}

fn sentence(failure: &Failure) -> String {
    match failure {
        Failure::Blocked => "The address is not on the public internet.".to_owned(),
        Failure::Unreachable(_) => "No connection came about.".to_owned(),
        Failure::Closed(_) => "The connection was cut off.".to_owned(),
        Failure::TimedOut => "No answer came in time.".to_owned(),
    }
}
