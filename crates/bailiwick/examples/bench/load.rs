//! The load generator: one thread, connections kept alive, every answer checked.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use crate::Outcome;

/// So much of a stream's end is looked at.
const END_BYTES: usize = 32;

/// Where calls go and what they say.
#[derive(Clone)]
pub struct Target {
    address: SocketAddr,
    request: Rc<[u8]>,
    is_stream: bool,
}

/// What one call took, from its first byte sent.
#[derive(Clone, Copy)]
pub struct Taken {
    /// Until the first byte of the answer's body.
    pub first: Duration,
    /// Until the answer was whole.
    pub whole: Duration,
    /// The longest time between two pieces of the answer.
    pub longest_gap: Duration,
}

impl Target {
    /// A chat completion of about 300 bytes of text, as a client sends it.
    pub fn chat(address: SocketAddr, key: &str, is_stream: bool, is_paced: bool) -> Self {
        let manner = if is_paced { crate::mock::PACED } else { "plainly" };
        let text = format!("Tell {manner} what an organization is. {}", "It matters to me. ".repeat(10));
        let body = format!(
            r#"{{"model":"{}","messages":[{{"role":"system","content":"Answer briefly."}},{{"role":"user","content":"{text}"}}],"max_tokens":64,"stream":{is_stream}}}"#,
            crate::scene::MODEL
        );
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\naccept: application/json\r\nuser-agent: bench/1\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        Self { address, request: [head, body].concat().into_bytes().into(), is_stream }
    }

    async fn connect(&self) -> io::Result<Connection> {
        let socket = TcpStream::connect(self.address).await?;
        socket.set_nodelay(true)?;
        Ok(Connection { socket, buffer: vec![0; 64 << 10] })
    }
}

struct Connection {
    socket: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn call(&mut self, target: &Target) -> io::Result<Taken> {
        let sent = Instant::now();
        self.socket.write_all(&target.request).await?;
        let (mut filled, mut head, mut last) = (0, None, sent);
        let mut taken = Taken { first: Duration::ZERO, whole: Duration::ZERO, longest_gap: Duration::ZERO };
        loop {
            let read = self.socket.read(&mut self.buffer[filled..]).await?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            filled += read;
            let answer = &self.buffer[..filled];
            if head.is_none() {
                head = find(answer, b"\r\n\r\n").map(|end| end + 4);
            }
            let Some(body) = head.filter(|body| *body < filled) else { continue };
            let now = Instant::now();
            if taken.first.is_zero() {
                taken.first = now - sent;
            } else {
                taken.longest_gap = taken.longest_gap.max(now - last);
            }
            last = now;
            if is_whole(answer, body, target.is_stream)? {
                taken.whole = now - sent;
                return Ok(taken);
            }
        }
    }
}

/// Whether the answer has ended as it should.
fn is_whole(answer: &[u8], body: usize, is_stream: bool) -> io::Result<bool> {
    if !answer.starts_with(b"HTTP/1.1 200") {
        let told = String::from_utf8_lossy(answer).into_owned();
        return Err(io::Error::other(told));
    }
    if !is_stream {
        return Ok(content_length(&answer[..body]).is_some_and(|length| answer.len() >= body + length));
    }
    if !answer.ends_with(b"\r\n0\r\n\r\n") {
        return Ok(false);
    }
    let end = end_of_chunks(&answer[body..]).ok_or_else(|| io::Error::other("chunks that cannot be read"))?;
    let without = || io::Error::other(format!("a stream that ends so: {}", String::from_utf8_lossy(&end)));
    find(&end, b"data: [DONE]").map(|_| true).ok_or_else(without)
}

/// The last bytes of a chunked body: a proxy may cut chunks anew, and anywhere.
fn end_of_chunks(body: &[u8]) -> Option<Vec<u8>> {
    let (mut rest, mut end) = (body, Vec::new());
    loop {
        let line = find(rest, b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line]).ok()?, 16).ok()?;
        if size == 0 {
            return Some(end);
        }
        let data = rest.get(line + 2..line + 2 + size)?;
        end.extend_from_slice(&data[size.saturating_sub(END_BYTES)..]);
        end.drain(..end.len().saturating_sub(END_BYTES));
        rest = rest.get(line + 4 + size..)?;
    }
}

/// Where `part` begins in `whole`.
pub fn find(whole: &[u8], part: &[u8]) -> Option<usize> {
    whole.windows(part.len()).position(|window| window == part)
}

/// What a message's head says about its body.
pub fn content_length(head: &[u8]) -> Option<usize> {
    let mut lines = head.split(|byte| *byte == b'\n');
    let line =
        lines.find(|line| line.get(..15).is_some_and(|n| n.eq_ignore_ascii_case(b"content-length:")))?;
    std::str::from_utf8(&line[15..]).ok()?.trim().parse().ok()
}

/// Runs something on one thread.
fn alone<T>(work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, work)
}

/// As many calls as will go through, each connection sending the next as soon as the last was answered.
/// Gives the calls that ended within the time, and the time.
pub fn closed_loop(target: &Target, connections: usize, time: Duration) -> Outcome<(u64, Duration)> {
    alone(async {
        let mut opened = Vec::with_capacity(connections);
        for _ in 0..connections {
            opened.push(target.connect().await?);
        }
        let (started, count) = (Instant::now(), Rc::new(Cell::new(0)));
        let callers: Vec<_> = opened
            .into_iter()
            .map(|mut connection| {
                let (target, count) = (target.clone(), Rc::clone(&count));
                tokio::task::spawn_local(async move {
                    while started.elapsed() < time {
                        connection.call(&target).await?;
                        count.set(count.get() + 1);
                    }
                    Ok::<_, io::Error>(())
                })
            })
            .collect();
        for caller in callers {
            caller.await??;
        }
        Ok((count.get(), started.elapsed()))
    })
}

/// Calls at a constant rate, whether or not earlier ones were answered. Half a step after each, `between` runs; its
/// time is the second of each pair.
pub fn paced(
    target: &Target,
    per_second: u32,
    calls: u32,
    mut between: impl FnMut() -> Outcome<Duration>,
) -> Outcome<Vec<(Taken, Duration)>> {
    alone(async {
        let idle = Rc::new(RefCell::new(vec![target.connect().await?]));
        let step = Duration::from_secs(1) / per_second;
        let mut due = tokio::time::Instant::now() + step;
        let (mut started, mut betweens) = (Vec::new(), Vec::new());
        for _ in 0..calls {
            tokio::time::sleep_until(due).await;
            let (target, idle) = (target.clone(), Rc::clone(&idle));
            started.push(tokio::task::spawn_local(async move {
                let kept = idle.borrow_mut().pop();
                let mut connection = match kept {
                    Some(connection) => connection,
                    None => target.connect().await?,
                };
                let taken = connection.call(&target).await?;
                idle.borrow_mut().push(connection);
                Ok::<_, io::Error>(taken)
            }));
            tokio::time::sleep_until(due + step / 2).await;
            betweens.push(between()?);
            due += step;
        }
        let mut all = Vec::with_capacity(started.len());
        for (call, between) in started.into_iter().zip(betweens) {
            all.push((call.await??, between));
        }
        Ok(all)
    })
}
