//! The way out: settled entries, oldest first, read back from the files until the store has them.

use domain::ids::RecordId;

use super::error::JournalError;
use super::frame::{Kind, Scan, Step};
use super::segment::{FIRST_ENTRY, Segment};
use super::{Journal, Position, lock};

/// A settlement that is on disk and waits for the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The record.
    pub id: RecordId,
    /// What was given to `settle`.
    pub payload: Vec<u8>,
    /// Where the entry ends; `Journal::drained` takes it.
    pub position: Position,
}

/// A walk over settlements up to what is synced.
struct Gather {
    until: Position,
    max: usize,
    settled: u64,
    entries: Vec<Entry>,
}

impl Journal {
    /// At most `max` settlements that are synced and have not drained, oldest first. Asking again without
    /// `drained` gives the same ones; after a restart, all that is still in the files is given once more.
    /// Reads files, mostly from the page cache.
    ///
    /// # Errors
    /// `Damaged` when an entry is no longer what was written, `Io` when the disk cannot be read.
    pub fn batch(&self, max: usize) -> Result<Vec<Entry>, JournalError> {
        let until = lock(&self.shared.sync).synced;
        let (from, segments) = {
            let tail = lock(&self.shared.tail);
            (tail.drained, tail.segments_from(tail.drained.segment))
        };
        let mut gather = Gather { until, max, settled: from.settled, entries: Vec::new() };
        for segment in &segments {
            let start = if segment.sequence == from.segment { from.offset } else { FIRST_ENTRY };
            if segment.sequence > until.segment || gather.is_done() {
                break;
            }
            gather.walk(segment, start)?;
        }
        Ok(gather.entries)
    }

    /// Notes that the store has every settlement up to and including the one that ends at `up_to`, and lets
    /// go of the segments that nobody needs any more.
    pub fn drained(&self, up_to: Position) {
        let synced = lock(&self.shared.sync).synced;
        {
            let mut tail = lock(&self.shared.tail);
            tail.drained = tail.drained.max(up_to.min(synced));
            tail.release(synced);
        }
        self.shared.send_room_keeper();
    }

    /// Waits until `batch` has something to give. Settlements that nobody waited to see synced are synced
    /// for this. Meant for one task; one that wants larger batches sleeps a little before it calls `batch`.
    ///
    /// # Errors
    /// `Closed` when the journal was shut down and nothing is left, `Broken` after a failed sync.
    pub async fn wait_for_settled(&self) -> Result<(), JournalError> {
        loop {
            let synced = lock(&self.shared.sync).synced;
            let unsynced = {
                let mut tail = lock(&self.shared.tail);
                if synced.settled > tail.drained.settled {
                    return Ok(());
                }
                if tail.settled == synced.settled && tail.closed {
                    return Err(JournalError::Closed);
                }
                tail.drain_waits = tail.settled == synced.settled;
                (!tail.drain_waits).then(|| tail.position())
            };
            match unsynced {
                Some(position) => self.synced(position).await?,
                None => self.shared.drainable.notified().await,
            }
        }
    }
}

impl Gather {
    fn is_done(&self) -> bool {
        self.entries.len() >= self.max
    }

    fn walk(&mut self, segment: &Segment, start: u64) -> Result<(), JournalError> {
        let is_last = segment.sequence == self.until.segment;
        let limit = if is_last { self.until.offset } else { segment.length };
        let mut scan = Scan::new(segment, start, limit);
        while !self.is_done() && scan.offset < limit {
            let offset = scan.offset;
            let step = scan.next().map_err(|source| JournalError::io("read", &segment.path, source))?;
            match step {
                Step::Frame(entry) if entry.kind == Kind::Settled => {
                    self.settled += 1;
                    let position =
                        Position { segment: segment.sequence, offset: entry.end, settled: self.settled };
                    self.entries.push(Entry { id: entry.id, payload: entry.payload.to_vec(), position });
                }
                Step::Frame(entry) if entry.kind == Kind::Sealed => return Ok(()),
                Step::Frame(_) => {}
                Step::Blank | Step::Torn => {
                    return Err(JournalError::Damaged { file: segment.path.clone(), offset });
                }
            }
        }
        Ok(())
    }
}
