//! Reading a stream of server-sent events as it passes: usage, delivered text, the end; and hiding what the client
//! did not ask for. However the bytes are cut into chunks, what comes out and what is learned is the same.

use std::borrow::Cow;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use domain::pricing::Quantities;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{UsageJson, given, place};

/// An event longer than this is passed on unread: memory stays bounded whatever a provider sends.
const EVENT_MAX_BYTES: usize = 4 << 20;
/// Of delivered text so much is kept for counting.
const DELIVERED_MAX_BYTES: usize = 4 << 20;

/// What the stream has told so far.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) usage: Option<Quantities>,
    /// The generated text, for the estimate that stands in where no usage comes.
    pub(crate) delivered: String,
    /// The provider reported an error inside the stream.
    pub(crate) has_error: bool,
}

/// The reader of one stream.
#[derive(Debug)]
pub(crate) struct Scanner {
    hides_usage: bool,
    pending: BytesMut,
    /// Up to here `pending` holds no end of an event.
    searched: usize,
    /// From the end marker on: held until the record is on disk.
    tail: Option<BytesMut>,
    pub(crate) told: Told,
}

enum Verdict {
    Pass,
    Drop,
    Cut(Range<usize>),
    Done,
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, default)]
    choices: Vec<Choice<'a>>,
    #[serde(borrow, default, deserialize_with = "given")]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    delta: Option<Delta<'a>>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow)]
    content: Option<Cow<'a, str>>,
    #[serde(borrow)]
    reasoning_content: Option<Cow<'a, str>>,
    #[serde(borrow)]
    refusal: Option<Cow<'a, str>>,
    #[serde(borrow)]
    tool_calls: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ToolCall<'a> {
    #[serde(borrow)]
    function: Option<Function<'a>>,
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    arguments: Option<Cow<'a, str>>,
}

impl Scanner {
    pub(crate) fn new(hides_usage: bool) -> Self {
        Self { hides_usage, pending: BytesMut::new(), searched: 0, tail: None, told: Told::default() }
    }

    /// Takes the next bytes and gives those that may go to the client now; empty when none may.
    pub(crate) fn push(&mut self, chunk: Bytes) -> Bytes {
        if let Some(tail) = &mut self.tail {
            tail.extend_from_slice(&chunk[..chunk.len().min(EVENT_MAX_BYTES.saturating_sub(tail.len()))]);
            return Bytes::new();
        }
        let buffer = if self.pending.is_empty() {
            chunk
        } else {
            self.pending.extend_from_slice(&chunk);
            self.pending.split().freeze()
        };
        let passed = self.events(&buffer);
        if self.tail.is_none() && self.pending.len() > EVENT_MAX_BYTES {
            self.searched = 0;
            return join(passed, self.pending.split().freeze());
        }
        passed
    }

    /// Whether the end marker has come.
    pub(crate) const fn is_done(&self) -> bool {
        self.tail.is_some()
    }

    /// The rest: the held end marker, or an event that was not completed.
    pub(crate) fn finish(&mut self) -> Bytes {
        match self.tail.take() {
            Some(tail) => tail.freeze(),
            None => {
                let rest = self.pending.split().freeze();
                // Hidden usage must not slip out because its event was not closed.
                if !rest.is_empty() && matches!(self.event(&rest), Verdict::Drop) {
                    return Bytes::new();
                }
                rest
            }
        }
    }

    /// Counts the text of an answer in one piece, which told no usage.
    pub(crate) fn count_plain(&mut self, body: &[u8]) {
        #[derive(Deserialize)]
        struct Answer<'a> {
            #[serde(borrow, default)]
            choices: Vec<Said<'a>>,
        }
        #[derive(Deserialize)]
        struct Said<'a> {
            #[serde(borrow)]
            message: Option<Delta<'a>>,
        }
        let answer = serde_json::from_slice::<Answer<'_>>(body).ok();
        for message in answer.into_iter().flat_map(|answer| answer.choices).filter_map(|said| said.message) {
            self.deliver_all(&message);
        }
    }

    fn events(&mut self, buffer: &Bytes) -> Bytes {
        let (mut start, mut kept_from) = (0, 0);
        let mut out: Option<BytesMut> = None;
        let mut search = self.searched;
        while let Some(end) = event_end(buffer, search) {
            let cut = match self.event(&buffer[start..end]) {
                Verdict::Pass => None,
                Verdict::Drop => Some(start..end),
                Verdict::Cut(range) => Some(start + range.start..start + range.end),
                Verdict::Done => {
                    self.tail = Some(BytesMut::from(&buffer[start..]));
                    break;
                }
            };
            if let Some(cut) = cut {
                out.get_or_insert_with(BytesMut::new).extend_from_slice(&buffer[kept_from..cut.start]);
                kept_from = cut.end;
            }
            (start, search) = (end, end);
        }
        if self.tail.is_none() {
            self.pending.extend_from_slice(&buffer[start..]);
            self.searched = self.pending.len().saturating_sub(3);
        }
        match out {
            None => buffer.slice(..start),
            Some(mut out) => {
                out.extend_from_slice(&buffer[kept_from..start]);
                out.freeze()
            }
        }
    }

    fn event(&mut self, event: &[u8]) -> Verdict {
        let (data, is_one_line) = data_of(event);
        if data.is_empty() {
            return Verdict::Pass;
        }
        if data.trim_ascii() == b"[DONE]" {
            return Verdict::Done;
        }
        let Some(chunk) =
            std::str::from_utf8(&data).ok().and_then(|text| serde_json::from_str::<Chunk<'_>>(text).ok())
        else {
            self.deliver(&String::from_utf8_lossy(&data));
            return Verdict::Pass;
        };
        self.learn(&chunk);
        let Some(usage) = chunk.usage.filter(|_| self.hides_usage) else { return Verdict::Pass };
        if chunk.choices.is_empty() && usage.get() != "null" {
            return Verdict::Drop;
        }
        match is_one_line {
            true => field_around(event, place(event, usage.get())).map_or(Verdict::Pass, Verdict::Cut),
            false => Verdict::Pass,
        }
    }

    fn learn(&mut self, chunk: &Chunk<'_>) {
        self.told.has_error |= chunk.error.is_some();
        if let Some(usage) = chunk.usage {
            let usage = serde_json::from_str::<Option<UsageJson>>(usage.get()).ok().flatten();
            self.told.usage = usage.and_then(|usage| usage.quantities()).or(self.told.usage);
        }
        for delta in chunk.choices.iter().filter_map(|choice| choice.delta.as_ref()) {
            self.deliver_all(delta);
        }
    }

    fn deliver_all(&mut self, delta: &Delta<'_>) {
        let texts = [&delta.content, &delta.reasoning_content, &delta.refusal];
        texts.into_iter().flatten().for_each(|text| self.deliver(text));
        let Some(calls) = delta.tool_calls else { return };
        match serde_json::from_str::<Vec<ToolCall<'_>>>(calls.get()) {
            Ok(calls) => {
                let functions = calls.iter().filter_map(|call| call.function.as_ref());
                let texts = functions.flat_map(|function| [&function.name, &function.arguments]);
                texts.flatten().for_each(|text| self.deliver(text));
            }
            // Tools of a kind that is not known here: better too much than nothing.
            Err(_) => self.deliver(calls.get()),
        }
    }

    fn deliver(&mut self, text: &str) {
        if self.told.delivered.len() + text.len() <= DELIVERED_MAX_BYTES {
            self.told.delivered.push_str(text);
        }
    }
}

fn join(first: Bytes, second: Bytes) -> Bytes {
    if first.is_empty() {
        return second;
    }
    let mut both = BytesMut::from(first);
    both.extend_from_slice(&second);
    both.freeze()
}

/// The end of the event, blank line included; lines end in LF, CR LF or CR. None while it may still be cut.
fn event_end(buffer: &[u8], from: usize) -> Option<usize> {
    let is_inside = from > 0 && buffer.get(from) == Some(&b'\n') && buffer[from - 1] == b'\r';
    let mut at = if is_inside { from - 1 } else { from };
    while at < buffer.len() {
        if !matches!(buffer[at], b'\n' | b'\r') {
            at += 1;
            continue;
        }
        let next = at + line_end(buffer, at)?;
        if matches!(buffer.get(next)?, b'\n' | b'\r') {
            return Some(next + line_end(buffer, next)?);
        }
        at = next;
    }
    None
}

fn line_end(buffer: &[u8], at: usize) -> Option<usize> {
    match (buffer[at], buffer.get(at + 1)) {
        (b'\n', _) => Some(1),
        (_, Some(b'\n')) => Some(2),
        (_, Some(_)) => Some(1),
        (_, None) => None,
    }
}

/// The data of an event, and whether it stands in one line, so that places in it are places in the event.
fn data_of(event: &[u8]) -> (Cow<'_, [u8]>, bool) {
    let mut lines = event.split(|byte| matches!(byte, b'\n' | b'\r')).filter_map(|line| {
        let value = line.strip_prefix(b"data:")?;
        Some(value.strip_prefix(b" ").unwrap_or(value))
    });
    let first = lines.next().unwrap_or_default();
    let Some(second) = lines.next() else { return (Cow::Borrowed(first), true) };
    let mut all = first.to_vec();
    for line in std::iter::once(second).chain(lines) {
        all.push(b'\n');
        all.extend_from_slice(line);
    }
    (Cow::Owned(all), false)
}

/// The whole field `"usage":VALUE` around its value, with the comma that goes with it.
fn field_around(event: &[u8], value: Range<usize>) -> Option<Range<usize>> {
    let before = event.get(..value.start)?.trim_ascii_end().strip_suffix(b":")?;
    let before = before.trim_ascii_end().strip_suffix(b"\"usage\"")?.trim_ascii_end();
    if let Some(kept) = before.strip_suffix(b",") {
        return Some(kept.len()..value.end);
    }
    let after = event.get(value.end..)?;
    let gap = after.len() - after.trim_ascii_start().len();
    let comma = usize::from(after.get(gap) == Some(&b','));
    Some(before.len()..value.end + (gap + 1) * comma)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STREAM: &str = concat!(
        ": hello\n\n",
        "data: {\"id\":\"1\",\"choices\":[{\"delta\":{\"content\":\"Hi \\\"usage\\\":null\"}}],\"usage\":null}\n\n",
        "event: x\r\ndata: {\"usage\" : null , \"choices\":[{\"delta\":{\"content\":\"there\"}}]}\r\n\r\n",
        "data: not json\n\n",
        "data: {\"choices\":\rdata: []}\r\r",
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5,\"prompt_tokens_details\":{\"cached_tokens\":3}}}\n\n",
        "data: [DONE]\n\ntrailing",
    );

    fn run(stream: &[u8], cuts: &[usize], hides: bool) -> (Vec<u8>, Vec<u8>, Told) {
        let mut scanner = Scanner::new(hides);
        let (mut out, mut from) = (Vec::new(), 0);
        for cut in cuts.iter().copied().chain([stream.len()]) {
            out.extend_from_slice(&scanner.push(Bytes::copy_from_slice(&stream[from..cut])));
            from = cut;
        }
        let tail = scanner.finish().to_vec();
        (out, tail, scanner.told)
    }

    #[test]
    fn a_stream_passes_unchanged_and_is_understood() {
        let (out, tail, told) = run(STREAM.as_bytes(), &[], false);
        assert_eq!([out, tail.clone()].concat(), STREAM.as_bytes());
        assert_eq!(tail, b"data: [DONE]\n\ntrailing");
        let usage = told.usage.unwrap();
        assert_eq!((usage.input, usage.cached_input, usage.output), (4, 3, 5));
        assert_eq!(told.delivered, "Hi \"usage\":nulltherenot json");
    }

    #[test]
    fn usage_that_was_not_asked_for_is_hidden() {
        let (out, _, told) = run(STREAM.as_bytes(), &[], true);
        let out = String::from_utf8(out).unwrap();
        assert!(told.usage.is_some());
        assert!(out.contains("\"Hi \\\"usage\\\":null\"}}]}\n\n"), "{out}");
        assert!(out.contains("data: { \"choices\":[{\"delta\":{\"content\":\"there\"}}]}\r\n\r\n"), "{out}");
        assert!(!out.contains("prompt_tokens"));
    }

    proptest! {
        #[test]
        fn cutting_changes_nothing(mut cuts in prop::collection::vec(0..STREAM.len(), 0..40), hides: bool) {
            cuts.sort_unstable();
            prop_assert_eq!(run(STREAM.as_bytes(), &cuts, hides), run(STREAM.as_bytes(), &[], hides));
        }

        #[test]
        fn nonsense_passes_unchanged(
            parts in prop::collection::vec("(data: |\\{|\\}|\"usage\"|:|,|null|\n|\r|\r\n|\n\n|x|\u{e9}|\\[|\\])", 0..60),
            cut in 0usize..200,
        ) {
            let stream = parts.concat().into_bytes();
            let cut = cut.min(stream.len());
            let (out, tail, _) = run(&stream, &[cut], false);
            prop_assert_eq!([out, tail].concat(), stream);
        }
    }
}
