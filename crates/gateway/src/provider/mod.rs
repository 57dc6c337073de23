//! Upstream providers: over the network, or simulated in process.

pub(crate) mod client;
#[cfg(test)]
mod corpus;
pub(crate) mod simulated;

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use http::{HeaderMap, StatusCode};
use http_body::Body;
use hyper::body::Incoming;

/// Why a provider gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The address is not on the public internet and the operator did not list it.
    #[error("the provider's address is not allowed")]
    Blocked,
    /// No connection came about: the call did not leave.
    #[error("no connection: {0}")]
    Unreachable(String),
    /// The call left, no whole answer came.
    #[error("cut off: {0}")]
    Closed(String),
    /// Nothing came in time.
    #[error("timed out")]
    TimedOut,
}

/// What a provider answered.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: AnswerBody,
}

/// The body of an answer, as it comes.
pub(crate) enum AnswerBody {
    Network(Incoming),
    Simulated(Pin<Box<dyn Stream<Item = Bytes> + Send>>),
}

impl AnswerBody {
    /// The next bytes; none at the end.
    pub(crate) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
        match self {
            Self::Simulated(stream) => stream.as_mut().poll_next(cx).map(|chunk| chunk.map(Ok)),
            Self::Network(incoming) => loop {
                match ready!(Pin::new(&mut *incoming).poll_frame(cx)) {
                    None => return Poll::Ready(None),
                    Some(Err(error)) => return Poll::Ready(Some(Err(Failure::Closed(error.to_string())))),
                    // Trailers are not passed on.
                    Some(Ok(frame)) => {
                        if let Ok(data) = frame.into_data() {
                            return Poll::Ready(Some(Ok(data)));
                        }
                    }
                }
            },
        }
    }

    /// Whether it is known that nothing more comes.
    pub(crate) fn is_at_end(&self) -> bool {
        match self {
            Self::Network(incoming) => incoming.is_end_stream(),
            Self::Simulated(_) => false,
        }
    }

    /// The next bytes; none at the end.
    pub(crate) async fn chunk(&mut self) -> Option<Result<Bytes, Failure>> {
        std::future::poll_fn(|cx| self.poll_chunk(cx)).await
    }
}
