//! The upstream: fixed answers, as few system calls as possible.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::Outcome;
use crate::load::{content_length, find};

/// Content chunks of a stream.
pub const CHUNKS: usize = 50;
/// A request that holds this word gets its stream in steps of [`STEP`].
pub const PACED: &str = "slowly";
/// The pause between two chunks of a paced stream.
pub const STEP: Duration = Duration::from_millis(2);

/// Tokens that an answer says it read and generated.
pub const USED: (i64, i64) = (42, 50);

struct Answers {
    plain: Vec<u8>,
    /// Each element is one write.
    stream: Vec<Vec<u8>>,
    /// The stream of a client that asked for usage.
    stream_with_usage: Vec<Vec<u8>>,
}

impl Answers {
    fn new() -> Self {
        let content = "word ".repeat(CHUNKS);
        let (input, output) = USED;
        let usage = format!(
            r#"{{"prompt_tokens":{input},"completion_tokens":{output},"total_tokens":{},"prompt_tokens_details":{{"cached_tokens":0,"audio_tokens":0}}}}"#,
            input + output
        );
        let body = format!(
            r#"{{"id":"chatcmpl-00000000000000000000","object":"chat.completion","created":1790000000,"model":"bench","choices":[{{"index":0,"message":{{"role":"assistant","content":"{content}","refusal":null}},"logprobs":null,"finish_reason":"stop"}}],"usage":{usage},"service_tier":"default","system_fingerprint":"fp_0000000000"}}"#
        );
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        Self {
            plain: [head, body].concat().into_bytes(),
            stream: stream(None),
            stream_with_usage: stream(Some(&usage)),
        }
    }
}

fn stream(usage: Option<&str>) -> Vec<Vec<u8>> {
    let null = if usage.is_some() { r#","usage":null"# } else { "" };
    let event = |rest: &str| {
        format!(
            "data: {{\"id\":\"chatcmpl-00000000000000000000\",\"object\":\"chat.completion.chunk\",\"created\":1790000000,\
             \"model\":\"bench\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_0000000000\",{rest}}}\n\n"
        )
    };
    let content =
        r#""choices":[{"index":0,"delta":{"content":"word "},"logprobs":null,"finish_reason":null}]"#;
    let mut events = vec![event(&format!("{content}{null}")); CHUNKS];
    events.push(event(&format!(r#""choices":[{{"index":0,"delta":{{}},"finish_reason":"stop"}}]{null}"#)));
    events.extend(usage.map(|usage| event(&format!(r#""choices":[],"usage":{usage}"#))));
    events.push("data: [DONE]\n\n".to_owned());
    let mut writes: Vec<Vec<u8>> =
        events.iter().map(|event| format!("{:x}\r\n{event}\r\n", event.len()).into_bytes()).collect();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    writes[0].splice(0..0, head.bytes());
    writes.push(b"0\r\n\r\n".to_vec());
    writes
}

/// Serves until it is ended.
pub fn run() -> Outcome<()> {
    let answers: &'static Answers = Box::leak(Box::new(Answers::new()));
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("listening on http://{}", listener.local_addr()?);
        loop {
            let (socket, _) = listener.accept().await?;
            tokio::spawn(async move { drop(serve(socket, answers).await) });
        }
    })
}

async fn serve(mut socket: TcpStream, answers: &Answers) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let mut filled = 0;
        let length = loop {
            let read = socket.read(&mut buffer[filled..]).await?;
            if read == 0 {
                return Ok(());
            }
            filled += read;
            if let Some(head) = find(&buffer[..filled], b"\r\n\r\n") {
                let length = head + 4 + content_length(&buffer[..head]).unwrap_or(0);
                if filled >= length {
                    break length;
                }
            }
        };
        let request = &buffer[..length];
        if find(request, b"\"stream\":true").is_none() {
            socket.write_all(&answers.plain).await?;
            continue;
        }
        let has_usage = find(request, b"\"include_usage\":true").is_some();
        let is_paced = find(request, PACED.as_bytes()).is_some();
        for piece in if has_usage { &answers.stream_with_usage } else { &answers.stream } {
            socket.write_all(piece).await?;
            if is_paced {
                tokio::time::sleep(STEP).await;
            }
        }
    }
}
