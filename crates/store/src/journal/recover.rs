//! What a start finds: walks every segment, cuts the torn end that a crash leaves, refuses damage.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::ids::RecordId;

use super::error::JournalError;
use super::frame::{self, FRAME_BYTES, Kind, Scan, Step};
use super::segment::{self, FIRST_ENTRY, Segment};
use super::tail::{Held, Tail};
use super::{Options, Position};

/// The end of a segment that a crash left unreadable, and that was cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The segment.
    pub file: PathBuf,
    /// Where the last whole entry ends.
    pub offset: u64,
    /// Bytes behind it that were not a whole entry, or stood behind one that was not.
    pub torn_bytes: u64,
}

/// The files as they were found and put in order.
pub(super) struct Recovered {
    pub tail: Tail,
    /// Payloads of the records that are open.
    pub open: Vec<(RecordId, Vec<u8>)>,
    pub cut: Vec<Cut>,
    pub next_sequence: u64,
}

/// Reads what is in `dir`, making a first segment when there is none.
///
/// # Errors
/// `Damaged` or `Missing` when more is unreadable than a crash explains, `Io` when the disk fails.
pub(super) fn recover(dir: &Path, options: &Options) -> Result<Recovered, JournalError> {
    let mut segments = load_all(dir)?;
    if segments.is_empty() {
        segments.push((Arc::new(Segment::prepare(dir, 1, options.segment_bytes)?), 0));
    }
    let mut next_sequence = segments.last().map_or(1, |(segment, _)| segment.sequence + 1);
    let mut last_used = segments.len() - 1;
    while last_used > 0 && segments[last_used].0.written_end(FIRST_ENTRY)? == FIRST_ENTRY {
        last_used -= 1;
    }
    let mut spares: VecDeque<_> = segments.split_off(last_used + 1).into_iter().collect();
    let mut walk = Walk::default();
    let mut tail: Option<Tail> = None;
    let mut is_full = false;
    for (index, (segment, synced_to)) in segments.into_iter().enumerate() {
        let mut next = start_segment(tail, segment, walk.settled);
        is_full = walk.segment(&mut next, synced_to)?;
        walk.put_in_order(&mut next, is_full, index == last_used)?;
        tail = Some(next);
    }
    if is_full {
        let fresh = match spares.pop_front() {
            Some((spare, _)) => spare,
            None => Arc::new(Segment::prepare(dir, next_sequence, options.segment_bytes)?),
        };
        next_sequence = next_sequence.max(fresh.sequence + 1);
        tail = Some(start_segment(tail, fresh, walk.settled));
    }
    let Some(mut tail) = tail else {
        return Err(JournalError::Missing { file: dir.join(segment::file_name(1)) });
    };
    tail.settled = walk.settled;
    tail.spares = spares.into_iter().map(|(segment, _)| segment).collect();
    tail.drained = Position { segment: first_sequence(&tail), offset: FIRST_ENTRY, settled: 0 };
    Ok(Recovered { tail, open: walk.open.into_iter().collect(), cut: walk.cut, next_sequence })
}

fn first_sequence(tail: &Tail) -> u64 {
    tail.older.front().map_or(tail.active.segment.sequence, |held| held.segment.sequence)
}

fn load_all(dir: &Path) -> Result<Vec<(Arc<Segment>, u64)>, JournalError> {
    let mut loaded: Vec<(Arc<Segment>, u64)> = Vec::new();
    for (sequence, path) in segment::list(dir)? {
        if let Some((before, _)) = loaded.last()
            && before.sequence + 1 != sequence
        {
            return Err(JournalError::Missing { file: dir.join(segment::file_name(before.sequence + 1)) });
        }
        let (segment, synced_to) = Segment::load(&path, sequence)?;
        loaded.push((Arc::new(segment), synced_to));
    }
    Ok(loaded)
}

/// Makes `segment` the active one, behind those already walked.
fn start_segment(tail: Option<Tail>, segment: Arc<Segment>, settled: u64) -> Tail {
    let held = Held::new(segment, settled);
    let Some(mut tail) = tail else { return Tail::new(held, FIRST_ENTRY) };
    tail.active.end = tail.offset;
    let full = std::mem::replace(&mut tail.active, held);
    tail.older.push_back(full);
    tail.offset = FIRST_ENTRY;
    tail
}

#[derive(Default)]
struct Walk {
    open: HashMap<RecordId, Vec<u8>>,
    settled: u64,
    cut: Vec<Cut>,
}

impl Walk {
    /// Walks the active segment of `tail`, counting what it holds; says whether it ends in its seal.
    fn segment(&mut self, tail: &mut Tail, synced_to: u64) -> Result<bool, JournalError> {
        let segment = Arc::clone(&tail.active.segment);
        let mut scan = Scan::new(&segment, FIRST_ENTRY, segment.length);
        let mut is_sealed = false;
        while !is_sealed
            && let Step::Frame(entry) =
                scan.next().map_err(|source| JournalError::io("read", &segment.path, source))?
        {
            match entry.kind {
                Kind::Open => {
                    self.open.insert(entry.id, entry.payload.to_vec());
                    tail.count_open(entry.id);
                }
                Kind::Settled => {
                    self.open.remove(&entry.id);
                    self.settled += 1;
                    tail.count_settled(entry.id);
                    tail.active.settled_through = self.settled;
                }
                Kind::Sealed => is_sealed = true,
            }
        }
        tail.offset = scan.offset;
        if tail.offset < synced_to {
            return Err(JournalError::Damaged { file: segment.path.clone(), offset: tail.offset });
        }
        Ok(is_sealed)
    }

    /// Cuts what a crash left behind the last whole entry. A segment that is not the last is sealed there;
    /// in the last one, the next entry will stand there.
    fn put_in_order(&mut self, tail: &mut Tail, is_sealed: bool, is_last: bool) -> Result<(), JournalError> {
        let segment = Arc::clone(&tail.active.segment);
        if !is_sealed {
            let written_end = segment.written_end(tail.offset)?;
            if written_end > tail.offset {
                let torn_bytes = written_end - tail.offset;
                self.cut.push(Cut { file: segment.path.clone(), offset: tail.offset, torn_bytes });
                segment.blank(tail.offset, written_end)?;
            }
            if !is_last {
                let mut seal = Vec::new();
                frame::encode(&mut seal, (segment.sequence, tail.offset), Kind::Sealed, None, &[]);
                segment.write(&seal, tail.offset)?;
                tail.offset += FRAME_BYTES;
            }
        }
        segment.sync()?;
        segment.write_mark(tail.offset)
    }
}
