//! Room on the disk: empty segments made ahead of need, drained ones removed, and long-open records copied
//! onwards so that a few of them cannot keep old segments for ever.

use std::sync::{Arc, PoisonError};

use domain::ids::RecordId;

use super::error::JournalError;
use super::frame::{self, Kind, Scan, Step};
use super::segment::{self, FIRST_ENTRY, Segment};
use super::tail::Tail;
use super::{Shared, lock};

/// Full segments that may wait for their open records before these are copied onwards.
const CARRY_BEYOND_SEGMENTS: usize = 4;
/// Copied onwards only when at most one in this many of the segment's records is still open.
const CARRY_AT_MOST_ONE_IN: u64 = 8;

/// What the making of segments needs to remember.
pub(super) struct Room {
    pub next_sequence: u64,
    /// Bytes of all segment files that exist, doomed ones included.
    pub file_bytes: u64,
}

/// What the room keeper is asked to do.
#[derive(Default)]
pub(super) struct Errands {
    is_wanted: bool,
    stop: bool,
}

impl Shared {
    /// Makes one more segment unless `bytes` fit by now.
    ///
    /// # Errors
    /// `Full` at the limit, `Io` when the disk does not take it.
    pub(super) fn make_room(&self, bytes: u64) -> Result<(), JournalError> {
        let mut room = lock(&self.room);
        if lock(&self.tail).has_room(bytes, &self.options) {
            return Ok(());
        }
        let (length, limit_bytes) = (self.options.segment_bytes, self.options.total_max_bytes);
        if room.file_bytes + length > limit_bytes {
            return Err(JournalError::Full { limit_bytes });
        }
        let segment = Segment::prepare(&self.dir, room.next_sequence, length)?;
        room.next_sequence += 1;
        room.file_bytes += length;
        lock(&self.tail).spares.push_back(Arc::new(segment));
        Ok(())
    }

    /// Asks the room keeper to look, if room has become short.
    pub(super) fn ask_for_room(&self, tail: &mut Tail) {
        if !tail.room_asked && !tail.has_room(self.low_water_bytes(), &self.options) {
            tail.room_asked = true;
            self.send_room_keeper();
        }
    }

    fn low_water_bytes(&self) -> u64 {
        self.options.segment_bytes / 2
    }

    pub(super) fn send_room_keeper(&self) {
        lock(&self.errands).is_wanted = true;
        self.errand_wanted.notify_one();
    }

    pub(super) fn stop_room_keeper(&self) {
        lock(&self.errands).stop = true;
        self.errand_wanted.notify_one();
    }

    /// The room keeper's thread: sleeps until sent.
    pub(super) fn keep_room(&self) {
        loop {
            {
                let mut errands = lock(&self.errands);
                while !errands.is_wanted && !errands.stop {
                    errands = self.errand_wanted.wait(errands).unwrap_or_else(PoisonError::into_inner);
                }
                if errands.stop {
                    return;
                }
                errands.is_wanted = false;
            }
            self.run_errands();
        }
    }

    fn run_errands(&self) {
        let carried = self.carry_oldest();
        let removed = self.remove_doomed();
        let mut made = Ok(());
        while made.is_ok() && !lock(&self.tail).has_room(self.low_water_bytes(), &self.options) {
            made = self.make_room(self.low_water_bytes());
        }
        // The next call that needs the room tries itself, and is refused with the cause.
        lock(&self.tail).room_asked = false;
        for error in [carried, removed].into_iter().filter_map(Result::err) {
            tracing::warn!(%error, "the journal's folder could not be tended");
        }
    }

    fn remove_doomed(&self) -> Result<(), JournalError> {
        loop {
            let Some(doomed) = lock(&self.tail).doomed.pop_front() else { return Ok(()) };
            let mut room = lock(&self.room);
            if let Err(error) = segment::remove(&doomed) {
                // Later ones stay too: a gap would look like a loss at the next start.
                lock(&self.tail).doomed.push_front(doomed);
                return Err(error);
            }
            room.file_bytes -= doomed.length;
        }
    }

    /// Copies the open records of the oldest segment onwards, if nothing else keeps it.
    fn carry_oldest(&self) -> Result<(), JournalError> {
        let Some(oldest) = self.segment_to_carry() else { return Ok(()) };
        let mut scan = Scan::new(&oldest, FIRST_ENTRY, oldest.length);
        while let Step::Frame(entry) =
            scan.next().map_err(|source| JournalError::io("read", &oldest.path, source))?
        {
            if entry.kind == Kind::Open && !self.carry(&oldest, entry.id, entry.payload)? {
                return Ok(());
            }
        }
        self.sync_once(None);
        let synced = lock(&self.sync).synced;
        lock(&self.tail).release(synced);
        Ok(())
    }

    fn segment_to_carry(&self) -> Option<Arc<Segment>> {
        let tail = lock(&self.tail);
        let oldest = tail.older.front()?;
        let is_due = tail.older.len() > CARRY_BEYOND_SEGMENTS
            && tail.broken.is_none()
            && oldest.settled_through <= tail.drained.settled
            && oldest.open > 0
            && oldest.open <= oldest.opened / CARRY_AT_MOST_ONE_IN;
        is_due.then(|| Arc::clone(&oldest.segment))
    }

    /// Copies one record onwards if it is still open; false when there is no room that nobody was promised.
    fn carry(&self, oldest: &Segment, id: RecordId, payload: &[u8]) -> Result<bool, JournalError> {
        let mut tail = lock(&self.tail);
        if tail.open.get(&id) != Some(&oldest.sequence) {
            return Ok(true);
        }
        if !tail.has_room(frame::size_of(payload.len()), &self.options) {
            return Ok(false);
        }
        let position = tail.append_open(id, payload)?;
        tail.carried += 1;
        if let Some(held) = tail.older.front_mut() {
            held.carried = Some(position);
        }
        Ok(true)
    }
}
