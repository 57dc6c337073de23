//! One entry as it lies in a segment, and the walk from entry to entry.
//!
//! Layout, little-endian: payload length (4 bytes), CRC32 (4), kind (1), record id (16), payload.
//! The checksum also covers the segment's sequence and the entry's offset, so bytes that belong to
//! another place never pass for an entry.

use std::io;

use domain::ids::RecordId;

use super::segment::Segment;

/// Bytes of an entry before its payload.
pub(super) const FRAME_BYTES: u64 = 25;
const CHUNK_BYTES: u64 = 128 * 1024;

/// What an entry says about its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The call was admitted.
    Open = 1,
    /// What the call used and cost.
    Settled = 2,
    /// The segment ends here; the record id and payload are empty.
    Sealed = 3,
}

impl Kind {
    fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Open),
            2 => Some(Self::Settled),
            3 => Some(Self::Sealed),
            _ => None,
        }
    }
}

/// Bytes that an entry with this payload takes.
pub(super) fn size_of(payload_bytes: usize) -> u64 {
    FRAME_BYTES + payload_bytes as u64
}

/// Writes one entry into `buffer`, replacing what was there.
pub(super) fn encode(
    buffer: &mut Vec<u8>,
    place: (u64, u64),
    kind: Kind,
    id: Option<RecordId>,
    payload: &[u8],
) {
    buffer.clear();
    buffer.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    buffer.extend_from_slice(&[0; 4]);
    buffer.push(kind as u8);
    buffer.extend_from_slice(&id.map_or(0, RecordId::to_bits).to_le_bytes());
    buffer.extend_from_slice(payload);
    let sum = checksum(place, buffer);
    buffer[4..8].copy_from_slice(&sum.to_le_bytes());
}

fn checksum((sequence, offset): (u64, u64), bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&sequence.to_le_bytes());
    hasher.update(&offset.to_le_bytes());
    hasher.update(&bytes[..4]);
    hasher.update(&bytes[8..]);
    hasher.finalize()
}

/// One entry that was read and found whole.
pub(super) struct Frame<'a> {
    pub kind: Kind,
    pub id: RecordId,
    pub payload: &'a [u8],
    /// Where the next entry begins.
    pub end: u64,
}

/// What stands at the next offset.
pub(super) enum Step<'a> {
    Frame(Frame<'a>),
    /// Nothing was written here, or the limit of the walk is reached.
    Blank,
    /// Something was written here, and it is not a whole entry.
    Torn,
}

/// A walk over a segment's entries, reading a chunk at a time.
pub(super) struct Scan<'a> {
    segment: &'a Segment,
    /// Where the next entry begins.
    pub offset: u64,
    limit: u64,
    buffer: Vec<u8>,
    buffer_start: u64,
}

impl<'a> Scan<'a> {
    /// Walks from `offset` to before `limit`.
    pub(super) fn new(segment: &'a Segment, offset: u64, limit: u64) -> Self {
        let limit = limit.min(segment.length);
        Self { segment, offset, limit, buffer: Vec::new(), buffer_start: 0 }
    }

    /// The next entry, after which the walk stands at its end.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn next(&mut self) -> io::Result<Step<'_>> {
        let start = self.offset;
        if start + FRAME_BYTES > self.limit {
            return Ok(Step::Blank);
        }
        let head = self.window(start, FRAME_BYTES)?;
        if head.iter().all(|byte| *byte == 0) {
            return Ok(Step::Blank);
        }
        let size = FRAME_BYTES + u64::from(le_u32(head, 0));
        if start + size > self.limit {
            return Ok(Step::Torn);
        }
        let place = (self.segment.sequence, start);
        let bytes = self.window(start, size)?;
        let kind = Kind::from_byte(bytes[8]);
        let (Some(kind), true) = (kind, le_u32(bytes, 4) == checksum(place, bytes)) else {
            return Ok(Step::Torn);
        };
        self.offset = start + size;
        let bytes = self.window(start, size)?;
        let mut id = [0; 16];
        id.copy_from_slice(&bytes[9..25]);
        let id = RecordId::from_bits(u128::from_le_bytes(id));
        Ok(Step::Frame(Frame { kind, id, payload: &bytes[FRAME_BYTES as usize..], end: start + size }))
    }

    /// `size` bytes at `offset`; the caller has checked that the segment has them.
    fn window(&mut self, offset: u64, size: u64) -> io::Result<&[u8]> {
        let end = self.buffer_start + self.buffer.len() as u64;
        if offset < self.buffer_start || offset + size > end {
            let length = size.max(CHUNK_BYTES).min(self.limit - offset);
            self.buffer.resize(length as usize, 0);
            self.buffer_start = offset;
            self.segment.read(&mut self.buffer, offset)?;
        }
        let from = (offset - self.buffer_start) as usize;
        Ok(&self.buffer[from..from + size as usize])
    }
}

pub(super) fn le_u32(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

pub(super) fn le_u64(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}
