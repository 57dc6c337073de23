//! The wire, printed: for every `NAME.in` below `tests/golden` the file `NAME.out` beside it says what went upstream,
//! what the client got and what was recorded.
//!
//! An input is the client's request, then `upstream STATUS`, the headers of the provider's answer and its body. A line
//! that begins with `> ` is one piece of the body as it leaves the provider, with `\n`, `\r` and `\\` for what no line
//! can show; a last line `cut` breaks the connection there. Lines that begin with `#` say what the case is about.
//! Where the printed text differs it is printed anew and the test fails: the diff is what a reviewer reads.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use domain::usage::UsageRecord;
use gateway::Settings;
use http::Request;
use http_body_util::BodyExt;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::fake::World;
use crate::{asking, send};

/// Between two pieces, so that each arrives alone.
const PAUSE: Duration = Duration::from_millis(10);

/// One input, read.
struct Case {
    method: String,
    path: String,
    body: String,
    upstream: Option<Upstream>,
}

/// What the provider answers.
#[derive(Clone, Default)]
struct Upstream {
    status: String,
    headers: Vec<String>,
    pieces: Vec<String>,
    is_cut: bool,
}

impl Case {
    fn read(text: &str) -> Self {
        let mut lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let (method, path) = lines.next().and_then(|line| line.split_once(' ')).expect("a method and a path");
        let mut rest = lines.peekable();
        let is_body = |line: &&str| !line.starts_with("upstream ");
        let body = rest.next_if(is_body).unwrap_or("").to_owned();
        let upstream = rest.next().map(|line| Upstream {
            status: line.strip_prefix("upstream ").expect("`upstream STATUS`").to_owned(),
            ..Upstream::default()
        });
        let mut case = Self { method: method.to_owned(), path: path.to_owned(), body, upstream };
        for line in rest {
            let upstream = case.upstream.as_mut().unwrap();
            match line.strip_prefix("> ") {
                Some(piece) => upstream.pieces.push(unescaped(piece)),
                None if line == "cut" => upstream.is_cut = true,
                None => upstream.headers.push(line.to_owned()),
            }
        }
        case
    }

    fn request(&self, world: &World) -> Request<Body> {
        let mut request = asking(world, &self.path, &self.body);
        *request.method_mut() = self.method.parse().unwrap();
        request
    }

    /// Plays the case and prints what can be seen of it.
    async fn play(self) -> String {
        let world = World::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        world.attach(&format!("http://{address}/base"), &["mock-model", "mock-chat", "unpriced"]);
        let upstream = self.upstream.clone().unwrap_or_default();
        let serving = tokio::spawn(async move { upstream.serve(listener.accept().await.unwrap().0).await });
        let settings = Settings { allowed_upstreams: vec![address.to_string()], ..Settings::default() };
        let answer = send(&world.gateway(settings).router(), self.request(&world)).await;
        let client = client_got(answer).await;
        let mut printed = String::new();
        if self.upstream.is_some() {
            printed += &serving.await.unwrap();
        } else {
            assert!(!serving.is_finished(), "a call left although the case has no upstream");
            serving.abort();
            printed += "nothing went upstream\n";
        }
        printed + "\n" + &client + "\n" + &recorded(&world)
    }
}

impl Upstream {
    /// Serves one request and prints it.
    async fn serve(self, socket: TcpStream) -> String {
        socket.set_nodelay(true).unwrap();
        let mut socket = BufReader::new(socket);
        let got = upstream_got(&mut socket).await;
        let Self { status, headers, pieces, is_cut } = self;
        let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        let head = format!("HTTP/1.1 {status} Status\r\n{headers}transfer-encoding: chunked\r\n\r\n");
        socket.write_all(head.as_bytes()).await.unwrap();
        for piece in pieces {
            tokio::time::sleep(PAUSE).await;
            let piece = format!("{:x}\r\n{piece}\r\n", piece.len());
            socket.write_all(piece.as_bytes()).await.unwrap();
        }
        tokio::time::sleep(PAUSE).await;
        if !is_cut {
            socket.write_all(b"0\r\n\r\n").await.unwrap();
        }
        got
    }
}

async fn upstream_got(socket: &mut BufReader<TcpStream>) -> String {
    let (mut line, mut headers, mut length) = (String::new(), BTreeSet::new(), 0);
    socket.read_line(&mut line).await.unwrap();
    let mut got = format!("upstream got {}", line.replace(" HTTP/1.1\r\n", "\n"));
    loop {
        line.clear();
        socket.read_line(&mut line).await.unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name {
            "host" => {}
            "content-length" => length = value.parse().unwrap(),
            _ => drop(headers.insert(format!("{name}: {value}\n"))),
        }
    }
    got.extend(headers);
    let mut body = vec![0; length];
    socket.read_exact(&mut body).await.unwrap();
    got + &escaped(&body)
}

async fn client_got(answer: Response) -> String {
    let mut got = format!("client got {}\n", answer.status().as_u16());
    let value = |(name, value): (&http::HeaderName, &http::HeaderValue)| match name.as_str() {
        // A new one for each answer.
        "x-request-id" => format!("{name}: {}…\n", &value.to_str().unwrap()[..4]),
        _ => format!("{name}: {}\n", value.to_str().unwrap()),
    };
    got.extend(answer.headers().iter().map(value).collect::<BTreeSet<_>>());
    got + &escaped(&answer.into_body().collect().await.unwrap().to_bytes())
}

fn recorded(world: &World) -> String {
    match world.records().as_slice() {
        [] => "nothing was recorded\n".to_owned(),
        [record] => print_record(record),
        more => panic!("{} records", more.len()),
    }
}

fn print_record(record: &UsageRecord) -> String {
    let (end, used) = (&record.settlement, &record.settlement.quantities);
    let mut text = format!("recorded {}", end.status.name());
    if let Some(status) = end.upstream_status {
        write!(text, ", upstream status {status}").unwrap();
    }
    let word = if end.is_estimated { "estimated" } else { "as the provider said" };
    writeln!(text, ", model {}, {word}", record.call.model).unwrap();
    let cached = format!("{} read anew, {} cached", used.input, used.cached_input);
    writeln!(text, "input {cached}; output {}, {} of it reasoning", used.output, used.reasoning).unwrap();
    writeln!(text, "cost {} of {} held, in nano-dollars", end.cost.nano(), record.call.held.nano()).unwrap();
    text
}

/// A body, a line for each run of line ends in it.
fn escaped(body: &[u8]) -> String {
    let text = String::from_utf8(body.to_vec()).unwrap();
    let (mut out, mut is_at_end) = (String::from("> "), false);
    for letter in text.chars() {
        let ends = matches!(letter, '\n' | '\r');
        if is_at_end && !ends {
            out += "\n> ";
        }
        is_at_end = ends;
        match letter {
            '\n' => out += "\\n",
            '\r' => out += "\\r",
            '\\' => out += "\\\\",
            other => out.push(other),
        }
    }
    out + "\n"
}

fn unescaped(line: &str) -> String {
    let (mut out, mut letters) = (String::new(), line.chars());
    while let Some(letter) = letters.next() {
        out.push(match (letter, letter == '\\') {
            (_, true) => match letters.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some('\\') => '\\',
                other => panic!("no escape: {other:?} in {line}"),
            },
            (plain, false) => plain,
        });
    }
    out
}

/// Every input below the folder; anything else there is an orphan.
fn inputs() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let entries = |folder: &Path| -> Vec<PathBuf> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    };
    let files: BTreeSet<PathBuf> = entries(&root).iter().flat_map(|folder| entries(folder)).collect();
    for file in &files {
        let is_of_a_case = match file.extension().and_then(|extension| extension.to_str()) {
            Some("in") => true,
            Some("out") => files.contains(&file.with_extension("in")),
            _ => false,
        };
        assert!(is_of_a_case, "{} belongs to no case", file.display());
    }
    files.into_iter().filter(|file| file.extension().is_some_and(|extension| extension == "in")).collect()
}

#[tokio::test]
async fn the_wire_is_handled_as_printed() {
    let inputs = inputs();
    assert!(inputs.len() > 20, "{} cases", inputs.len());
    let mut changed = Vec::new();
    for input in inputs {
        let case = Case::read(&fs::read_to_string(&input).unwrap());
        let played = tokio::time::timeout(Duration::from_secs(20), case.play()).await;
        let played = played.unwrap_or_else(|_| panic!("{} did not end", input.display()));
        let output = input.with_extension("out");
        if fs::read_to_string(&output).unwrap_or_default() != played {
            fs::write(&output, &played).unwrap();
            changed.push(output);
        }
    }
    assert!(changed.is_empty(), "printed anew, review the diff: {changed:#?}");
}
