//! A streamed answer on its way to the client: nothing waits for more to come, and what came together goes out
//! together. It is read as it passes. The end marker waits until the record is on disk.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use domain::usage::CallStatus;
use http_body::{Body, Frame};

use crate::error::Refusal;
use crate::forward::LINGER;
use crate::keys::Entry;
use crate::ports::Synced;
use crate::provider::{AnswerBody, Failure};
use crate::settle::Admission;

/// For so long the end of a finished answer is awaited, so that its connection can be used again.
const TRAILER_WAIT: Duration = Duration::from_secs(1);

/// What came together is not gathered beyond so much.
const GATHERED_MOST_BYTES: usize = 16 << 10;

/// The body of a streamed answer.
pub(crate) struct MeteredStream {
    state: State,
}

enum State {
    Live(Box<Live>),
    /// Settled; what is left to send waits for the disk.
    Syncing(Synced, Bytes),
    Ended,
}

struct Live {
    body: AnswerBody,
    admission: Admission,
    key: Arc<Entry>,
    patience: Patience,
    gathered: Gathered,
}

/// What may go out now. A connection hands over one chunk at a time, although many may have come with one packet;
/// each written for itself would cost a system call. So whoever else is ready runs once, and what that brings
/// goes out too.
#[derive(Default)]
struct Gathered {
    bytes: BytesMut,
    has_yielded: bool,
}

impl Gathered {
    fn add(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.has_yielded = false;
    }

    fn take(&mut self) -> Bytes {
        self.bytes.split().freeze()
    }

    fn take_if_much(&mut self) -> Bytes {
        if self.bytes.len() < GATHERED_MOST_BYTES { Bytes::new() } else { self.take() }
    }

    /// Whether others should run before this goes out: once after each chunk.
    fn wants_to_yield(&mut self) -> bool {
        !std::mem::replace(&mut self.has_yielded, true)
    }
}

/// Ends a stream on which nothing comes: after its time without a chunk, at the latest after twice that. The timer
/// is not touched for each chunk.
struct Patience {
    timer: Pin<Box<tokio::time::Sleep>>,
    time: Duration,
    has_come: bool,
}

impl Patience {
    fn new(time: Duration) -> Self {
        Self { timer: Box::pin(tokio::time::sleep(time)), time, has_come: true }
    }

    fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.timer.as_mut().poll(cx).is_ready() {
            if !std::mem::take(&mut self.has_come) {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(tokio::time::Instant::now() + self.time);
        }
        Poll::Pending
    }
}

impl MeteredStream {
    /// A stream that ends when nothing comes for about so long.
    pub(crate) fn new(body: AnswerBody, admission: Admission, key: Arc<Entry>, silence: Duration) -> Self {
        let (patience, gathered) = (Patience::new(silence), Gathered::default());
        Self { state: State::Live(Box::new(Live { body, admission, key, patience, gathered })) }
    }

    /// Settles; gives what may go out before `last`, which waits for the disk.
    fn conclude(&mut self, end: CallStatus, last: Bytes) -> Bytes {
        let State::Live(live) = std::mem::replace(&mut self.state, State::Ended) else { return Bytes::new() };
        let Live { body, admission, mut gathered, .. } = *live;
        self.state = State::Syncing(admission.settle(end), last);
        // What a stopped key is still being answered is cancelled: nobody would be charged for more of it.
        if end != CallStatus::KeyStopped {
            release(body);
        }
        gathered.take()
    }

    /// The next bytes of a live stream; none of them when its state has changed or there is more to read.
    fn advance(&mut self, cx: &mut Context<'_>) -> Poll<Bytes> {
        let State::Live(live) = &mut self.state else { return Poll::Ready(Bytes::new()) };
        if let Some(refusal) = live.key.stop() {
            return Poll::Ready(self.conclude(CallStatus::KeyStopped, error_event(&refusal)));
        }
        let chunk = match live.body.poll_chunk(cx) {
            Poll::Ready(chunk) => chunk,
            Poll::Pending if live.gathered.bytes.is_empty() => {
                ready!(live.patience.poll_over(cx));
                Some(Err(Failure::TimedOut))
            }
            Poll::Pending if live.gathered.wants_to_yield() => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Pending => return Poll::Ready(live.gathered.take()),
        };
        live.patience.has_come = true;
        let Some(scanner) = &mut live.admission.facts.scanner else { return Poll::Ready(Bytes::new()) };
        let (end, last) = match chunk {
            Some(Ok(chunk)) => {
                live.gathered.add(&scanner.push(chunk));
                if !scanner.is_done() {
                    return Poll::Ready(live.gathered.take_if_much());
                }
                (end_of(scanner.told.has_error), scanner.finish())
            }
            Some(Err(failure)) => {
                tracing::warn!(%failure, "provider hung up within a stream");
                let refusal = Refusal::upstream("upstream_closed", "The provider hung up within its answer.");
                (CallStatus::UpstreamClosed, error_event(&refusal))
            }
            None => {
                let last = scanner.finish();
                // Without end marker and usage nobody can tell a whole answer from a cut one.
                let is_whole = scanner.told.usage.is_some() || scanner.told.has_error;
                (if is_whole { end_of(scanner.told.has_error) } else { CallStatus::UpstreamClosed }, last)
            }
        };
        Poll::Ready(self.conclude(end, last))
    }
}

const fn end_of(has_error: bool) -> CallStatus {
    if has_error { CallStatus::UpstreamError } else { CallStatus::Succeeded }
}

/// Reads the end of an answer, so that its connection goes back to the pool.
fn release(mut body: AnswerBody) {
    let mut cx = Context::from_waker(std::task::Waker::noop());
    if let Poll::Ready(None | Some(Err(_))) = body.poll_chunk(&mut cx) {
        return;
    }
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        let rest = async move { while let Some(Ok(_)) = body.chunk().await {} };
        runtime.spawn(async move { drop(tokio::time::timeout(TRAILER_WAIT, rest).await) });
    }
}

fn error_event(refusal: &Refusal) -> Bytes {
    let json = refusal.json();
    let mut event = BytesMut::with_capacity(json.len() + 8);
    event.put_slice(b"data: ");
    event.put_slice(json.as_bytes());
    event.put_slice(b"\n\n");
    event.freeze()
}

impl Body for MeteredStream {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        loop {
            match &mut self.state {
                State::Ended => return Poll::Ready(None),
                State::Live(_) => {
                    let out = ready!(self.advance(cx));
                    if !out.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(out))));
                    }
                }
                State::Syncing(synced, last) => {
                    let last = match ready!(synced.as_mut().poll(cx)) {
                        Ok(()) => std::mem::take(last),
                        Err(error) => error_event(&Refusal::unavailable("usage_not_recorded", &error)),
                    };
                    self.state = State::Ended;
                    if !last.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(last))));
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.state, State::Ended)
    }
}

impl Drop for MeteredStream {
    fn drop(&mut self) {
        let State::Live(live) = std::mem::replace(&mut self.state, State::Ended) else { return };
        live.admission.client_gone().store(true, Ordering::Release);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(read_out(*live));
        }
    }
}

/// Reads on after the client hung up, for the usage, then settles by what is known.
async fn read_out(live: Live) {
    let Live { mut body, mut admission, .. } = live;
    let facts = &mut admission.facts;
    let reading = async {
        while let Some(Ok(chunk)) = body.chunk().await {
            let Some(scanner) = &mut facts.scanner else { return };
            drop(scanner.push(chunk));
            if scanner.is_done() {
                return;
            }
        }
    };
    drop(tokio::time::timeout(LINGER, reading).await);
    drop(admission.settle(CallStatus::ClientClosed));
}
