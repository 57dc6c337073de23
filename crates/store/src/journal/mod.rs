//! The durable usage journal: what a metered call did is in this file before the call's last byte goes out.
//!
//! Append-only segments, each made whole and synced before use. `append_open` writes before the upstream
//! call and reserves the room of the settlement, so that a call once admitted can always be recorded: when
//! the disk cannot take it, calls are refused, not unrecorded. `Slot::settle` writes without waiting;
//! `synced` waits for the group that the settlement belongs to. Settled entries drain, oldest first, into
//! the store, which knows them by their record id; a segment goes when all of it has drained and no record
//! in it is open. Payloads are bytes here; what they mean is the caller's.
//!
//! A write survives a killed process at once, a power cut once synced. One process per folder: the
//! executable holds a lock.

mod drain;
mod error;
mod frame;
mod recover;
mod room;
mod segment;
mod slot;
mod sync;
mod tail;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use domain::ids::RecordId;
use tokio::sync::Notify;

pub use drain::Entry;
pub use error::JournalError;
pub use recover::Cut;
pub use slot::Slot;

use frame::FRAME_BYTES;
use room::{Errands, Room};
use sync::SyncState;
use tail::Tail;

/// The largest segment: keeps a start quick and every offset small.
const SEGMENT_MOST_BYTES: u64 = 1 << 30;

/// Sizes, all in bytes.
#[derive(Clone, Debug)]
pub struct Options {
    /// One segment file.
    pub segment_bytes: u64,
    /// All segment files together; beyond it calls are refused.
    pub total_max_bytes: u64,
    /// The largest payload of an *open* entry.
    pub open_max_bytes: usize,
    /// The largest payload of a settlement; this much is reserved for each open record.
    pub settled_max_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 8 << 20,
            total_max_bytes: 1 << 30,
            open_max_bytes: 4 << 10,
            settled_max_bytes: 4 << 10,
        }
    }
}

impl Options {
    fn largest_entry_bytes(&self) -> u64 {
        FRAME_BYTES + self.open_max_bytes.max(self.settled_max_bytes) as u64
    }

    fn settlement_bytes(&self) -> u64 {
        frame::size_of(self.settled_max_bytes)
    }

    fn check(&self) -> Result<(), JournalError> {
        let least_bytes = segment::FIRST_ENTRY + 8 * self.largest_entry_bytes();
        if self.segment_bytes < least_bytes || self.segment_bytes > SEGMENT_MOST_BYTES {
            return Err(JournalError::SegmentSize { least_bytes, most_bytes: SEGMENT_MOST_BYTES });
        }
        Ok(())
    }
}

/// The end of an entry, in the order of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    segment: u64,
    offset: u64,
    /// Settlements up to here.
    settled: u64,
}

impl Position {
    const START: Self = Self { segment: 0, offset: 0, settled: 0 };
    /// Of a settlement that could not be written: never synced.
    const NEVER: Self = Self { segment: u64::MAX, offset: 0, settled: 0 };
}

/// What an earlier run left behind. Its settlements are not here: `Journal::batch` gives them first.
#[derive(Debug)]
pub struct Replay {
    /// Records without a settlement, oldest first. Each must be settled, or is found again at the next start.
    pub open: Vec<LeftOpen>,
    /// How many settlements `Journal::batch` will give again.
    pub settled: u64,
    /// Ends of segments that a crash had torn.
    pub cut: Vec<Cut>,
}

/// A record that was open when an earlier run ended.
#[derive(Debug)]
pub struct LeftOpen {
    /// The record.
    pub id: RecordId,
    /// What was given to `append_open`.
    pub payload: Vec<u8>,
    /// The place of its settlement, reserved.
    pub slot: Slot,
}

/// The journal's state in figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Records without a settlement.
    pub open: u64,
    /// Settlements that have not drained.
    pub undrained: u64,
    /// Slots dropped without a settlement, and settlements that could not be written.
    pub abandoned: u64,
    /// Open records copied onwards so that their segment could go.
    pub carried: u64,
    /// Segment files that exist.
    pub segments: u64,
    /// Bytes of these files.
    pub file_bytes: u64,
    /// Syncs of a segment since the start.
    pub syncs: u64,
}

/// All that the journal's handle, its slots and its two threads share.
struct Shared {
    dir: PathBuf,
    options: Options,
    tail: Mutex<Tail>,
    sync: Mutex<SyncState>,
    sync_wanted: Condvar,
    room: Mutex<Room>,
    errands: Mutex<Errands>,
    errand_wanted: Condvar,
    drainable: Notify,
    syncs: AtomicU64,
}

/// Nothing panics while it holds one of these locks, so a poisoned one still guards whole values.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The usage journal of one data folder.
pub struct Journal {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Journal {
    /// Opens the journal in `dir/journal`, making it when there is none, and tells what is left in it.
    ///
    /// # Errors
    /// `Damaged` or `Missing` when synced entries are gone, `Full` when the records left open do not fit
    /// their settlements, `SegmentSize` for impossible options, `Io` when the disk fails.
    pub fn open(dir: &Path, options: Options) -> Result<(Self, Replay), JournalError> {
        options.check()?;
        let dir = dir.join("journal");
        let recovered = recover::recover(&dir, &options)?;
        let mut tail = recovered.tail;
        tail.reserved = recovered.open.len() as u64 * options.settlement_bytes();
        let (settled, synced) = (tail.settled, tail.position());
        let room = Room { next_sequence: recovered.next_sequence, file_bytes: tail.file_bytes() };
        let shared = Arc::new(Shared {
            dir,
            options,
            tail: Mutex::new(tail),
            sync: Mutex::new(SyncState::new(synced)),
            sync_wanted: Condvar::new(),
            room: Mutex::new(room),
            errands: Mutex::default(),
            errand_wanted: Condvar::new(),
            drainable: Notify::new(),
            syncs: AtomicU64::new(0),
        });
        while !lock(&shared.tail).has_room(0, &shared.options) {
            shared.make_room(0)?;
        }
        let left_open = |(id, payload)| {
            let slot = Slot::new(Arc::clone(&shared), id, synced);
            LeftOpen { id, payload, slot }
        };
        let mut open: Vec<_> = recovered.open.into_iter().map(left_open).collect();
        open.sort_by_key(|left| left.id);
        let threads = vec![
            start_thread(&shared, "journal-sync", Shared::sync_for_waiters)?,
            start_thread(&shared, "journal-room", Shared::keep_room)?,
        ];
        shared.send_room_keeper();
        Ok((Self { shared, threads }, Replay { open, settled, cut: recovered.cut }))
    }

    /// Writes that a call was admitted, and reserves the room of its settlement. Returns after the write:
    /// the entry survives a killed process. A policy that asks for more waits for
    /// `synced(slot.position())`. Blocks longer only when a burst outruns the segments made ahead.
    ///
    /// # Errors
    /// The caller refuses the call. `TooLarge` above `open_max_bytes`, `AlreadyOpen` for an id twice,
    /// `Full` at the limit, `Broken` or `Io` when the disk has failed or is full, `Closed` after `shutdown`.
    pub fn append_open(&self, id: RecordId, payload: &[u8]) -> Result<Slot, JournalError> {
        let options = &self.shared.options;
        if payload.len() > options.open_max_bytes {
            let (size_bytes, limit_bytes) = (payload.len(), options.open_max_bytes);
            return Err(JournalError::TooLarge { size_bytes, limit_bytes });
        }
        let reserve = options.settlement_bytes();
        let needed = frame::size_of(payload.len()) + reserve;
        loop {
            {
                let mut tail = lock(&self.shared.tail);
                refuse_open(&tail, id)?;
                if tail.has_room(needed, options) {
                    let position = tail.append_open(id, payload)?;
                    tail.reserved += reserve;
                    self.shared.ask_for_room(&mut tail);
                    drop(tail);
                    return Ok(Slot::new(Arc::clone(&self.shared), id, position));
                }
            }
            self.shared.make_room(needed)?;
        }
    }

    /// Waits until everything up to `position` is on disk, together with whoever else waits.
    ///
    /// # Errors
    /// `NotRecorded` for a settlement that could not be written, `Broken` when a sync has failed: then it is
    /// unknown whether the entry would survive a power cut.
    pub async fn synced(&self, position: Position) -> Result<(), JournalError> {
        if position == Position::NEVER {
            return Err(JournalError::NotRecorded);
        }
        self.shared.synced(position).await
    }

    /// Takes no more calls and syncs what is written. Open slots may still settle; such settlements are
    /// on disk once `synced` says so. Blocks for the sync.
    ///
    /// # Errors
    /// `Broken` when this or an earlier sync or write has failed.
    pub fn shutdown(&self) -> Result<(), JournalError> {
        lock(&self.shared.tail).closed = true;
        self.shared.sync_once(None);
        self.shared.drainable.notify_one();
        let failed = lock(&self.shared.sync).failed.clone();
        match failed.or_else(|| lock(&self.shared.tail).broken.clone()) {
            Some(cause) => Err(JournalError::Broken { cause }),
            None => Ok(()),
        }
    }

    /// The state in figures, as of now.
    pub fn figures(&self) -> Figures {
        let tail = lock(&self.shared.tail);
        Figures {
            open: tail.open.len() as u64,
            undrained: tail.settled.saturating_sub(tail.drained.settled),
            abandoned: tail.abandoned,
            carried: tail.carried,
            segments: (tail.older.len() + tail.spares.len() + tail.doomed.len() + 1) as u64,
            file_bytes: tail.file_bytes() + tail.doomed.iter().map(|doomed| doomed.length).sum::<u64>(),
            syncs: self.shared.syncs.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.shared.stop_syncing();
        self.shared.stop_room_keeper();
        for thread in self.threads.drain(..) {
            // A panic there has been reported where it happened.
            let _ = thread.join();
        }
    }
}

fn refuse_open(tail: &Tail, id: RecordId) -> Result<(), JournalError> {
    if tail.closed {
        return Err(JournalError::Closed);
    }
    if let Some(cause) = tail.broken.clone() {
        return Err(JournalError::Broken { cause });
    }
    if tail.open.contains_key(&id) {
        return Err(JournalError::AlreadyOpen { id });
    }
    Ok(())
}

fn start_thread(shared: &Arc<Shared>, name: &str, work: fn(&Shared)) -> Result<JoinHandle<()>, JournalError> {
    let (dir, shared) = (shared.dir.clone(), Arc::clone(shared));
    let builder = std::thread::Builder::new().name(name.to_owned());
    builder.spawn(move || work(&shared)).map_err(|source| JournalError::io("serve", &dir, source))
}
