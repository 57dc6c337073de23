//! What the journal knows in memory: its segments, where the next entry goes, and how much room is spoken for.
//!
//! Everything here happens under one short lock; the only system call made under it is the write itself.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use domain::ids::RecordId;

use super::error::JournalError;
use super::frame::{self, FRAME_BYTES, Kind};
use super::segment::{FIRST_ENTRY, Segment};
use super::{Options, Position};

/// A segment that holds entries.
pub(super) struct Held {
    pub segment: Arc<Segment>,
    /// Records whose newest *open* entry lies here.
    pub open: u64,
    /// *Open* entries ever written here.
    pub opened: u64,
    /// Number of the last settlement at or before this segment's end.
    pub settled_through: u64,
    /// Where its last entry ends; while the segment is the active one, see `Tail::offset`.
    pub end: u64,
    /// Set when its open records were copied onwards: it may go once this is synced.
    pub carried: Option<Position>,
}

impl Held {
    pub(super) fn new(segment: Arc<Segment>, settled_through: u64) -> Self {
        Self { segment, open: 0, opened: 0, settled_through, end: FIRST_ENTRY, carried: None }
    }
}

pub(super) struct Tail {
    /// Full segments, oldest first; their sequences count up by one into the active one's.
    pub older: VecDeque<Held>,
    /// Where entries are appended.
    pub active: Held,
    /// Empty segments, the next one to use first.
    pub spares: VecDeque<Arc<Segment>>,
    /// Segments that nobody needs, waiting for their removal.
    pub doomed: VecDeque<Arc<Segment>>,
    /// Where the next entry goes in the active segment.
    pub offset: u64,
    /// Settlements in the files, counted since this process opened them.
    pub settled: u64,
    /// Up to where everything has drained.
    pub drained: Position,
    /// Which segment holds each open record.
    pub open: HashMap<RecordId, u64>,
    /// Bytes promised to settlements of open records.
    pub reserved: u64,
    /// Slots that were dropped without a settlement, or whose settlement could not be written.
    pub abandoned: u64,
    /// Open records copied onwards so that their segment could go.
    pub carried: u64,
    /// The first failed write.
    pub broken: Option<String>,
    pub closed: bool,
    /// Whether somebody waits for the next settlement.
    pub drain_waits: bool,
    /// Whether the room keeper has been asked to look already.
    pub room_asked: bool,
    buffer: Vec<u8>,
}

impl Tail {
    pub(super) fn new(active: Held, offset: u64) -> Self {
        Self {
            older: VecDeque::new(),
            active,
            spares: VecDeque::new(),
            doomed: VecDeque::new(),
            offset,
            settled: 0,
            drained: Position::START,
            open: HashMap::new(),
            reserved: 0,
            abandoned: 0,
            carried: 0,
            broken: None,
            closed: false,
            drain_waits: false,
            room_asked: false,
            buffer: Vec::new(),
        }
    }

    /// The end of what has been written.
    pub(super) fn position(&self) -> Position {
        Position { segment: self.active.segment.sequence, offset: self.offset, settled: self.settled }
    }

    /// Bytes of entries that surely still fit, whatever their sizes and order: each segment may waste
    /// almost one entry of the largest size at its end, and needs room for its seal.
    pub(super) fn usable_bytes(&self, options: &Options) -> u64 {
        let waste = FRAME_BYTES + options.largest_entry_bytes() - 1;
        let active = (self.active.segment.length - self.offset).saturating_sub(waste);
        let spares = self.spares.iter().map(|spare| (spare.length - FIRST_ENTRY).saturating_sub(waste));
        active + spares.sum::<u64>()
    }

    /// Whether `bytes` more fit beside everything promised.
    pub(super) fn has_room(&self, bytes: u64, options: &Options) -> bool {
        self.reserved + bytes <= self.usable_bytes(options)
    }

    /// Appends one entry, sealing the active segment and taking a spare when it does not fit.
    ///
    /// # Errors
    /// `Io` when a write fails: the journal is broken from then on, and the next entry goes over the failed
    /// one. `Full` without a spare, which promised room excludes.
    pub(super) fn append(
        &mut self,
        kind: Kind,
        id: RecordId,
        payload: &[u8],
    ) -> Result<Position, JournalError> {
        let size = frame::size_of(payload.len());
        if self.offset + size + FRAME_BYTES > self.active.segment.length {
            self.roll()?;
        }
        self.write(kind, Some(id), payload)?;
        Ok(self.position())
    }

    fn roll(&mut self) -> Result<(), JournalError> {
        let Some(next) = self.spares.pop_front() else {
            return Err(JournalError::Full { limit_bytes: self.active.segment.length });
        };
        if let Err(error) = self.write(Kind::Sealed, None, &[]) {
            self.spares.push_front(next);
            return Err(error);
        }
        self.active.end = self.offset;
        let full = std::mem::replace(&mut self.active, Held::new(next, self.settled));
        self.older.push_back(full);
        self.offset = FIRST_ENTRY;
        Ok(())
    }

    fn write(&mut self, kind: Kind, id: Option<RecordId>, payload: &[u8]) -> Result<(), JournalError> {
        let place = (self.active.segment.sequence, self.offset);
        frame::encode(&mut self.buffer, place, kind, id, payload);
        let written = self.active.segment.write(&self.buffer, self.offset);
        if let Err(error) = &written {
            self.broken.get_or_insert_with(|| error.to_string());
        }
        written?;
        self.offset += self.buffer.len() as u64;
        if kind == Kind::Settled {
            self.settled += 1;
            self.active.settled_through = self.settled;
        }
        Ok(())
    }

    /// Appends a record's *open* entry to the active segment, or moves it there.
    ///
    /// # Errors
    /// As `append`.
    pub(super) fn append_open(&mut self, id: RecordId, payload: &[u8]) -> Result<Position, JournalError> {
        let position = self.append(Kind::Open, id, payload)?;
        self.count_open(id);
        Ok(position)
    }

    /// Counts a record whose *open* entry stands in the active segment.
    pub(super) fn count_open(&mut self, id: RecordId) {
        let earlier = self.open.insert(id, self.active.segment.sequence);
        if let Some(held) = earlier.and_then(|sequence| self.held_mut(sequence)) {
            held.open = held.open.saturating_sub(1);
        }
        self.active.open += 1;
        self.active.opened += 1;
    }

    /// Counts a record as open no more.
    pub(super) fn count_settled(&mut self, id: RecordId) {
        let sequence = self.open.remove(&id);
        if let Some(held) = sequence.and_then(|sequence| self.held_mut(sequence)) {
            held.open = held.open.saturating_sub(1);
        }
    }

    fn held_mut(&mut self, sequence: u64) -> Option<&mut Held> {
        if sequence == self.active.segment.sequence {
            return Some(&mut self.active);
        }
        let first = self.older.front()?.segment.sequence;
        self.older.get_mut(usize::try_from(sequence.checked_sub(first)?).ok()?)
    }

    /// Segments from `sequence` on that hold entries, oldest first.
    pub(super) fn segments_from(&self, sequence: u64) -> Vec<Arc<Segment>> {
        let older = self.older.iter().filter(|held| held.segment.sequence >= sequence);
        older.chain([&self.active]).map(|held| Arc::clone(&held.segment)).collect()
    }

    /// Dooms the oldest segments that have drained and hold no open record. Always a run from the oldest on:
    /// a settlement never goes before the *open* entry that it answers.
    pub(super) fn release(&mut self, synced: Position) {
        let drained = self.drained.settled;
        let may_go = |held: &mut Held| {
            held.settled_through <= drained
                && held.open == 0
                && held.carried.is_none_or(|carried| carried <= synced)
        };
        while let Some(held) = self.older.pop_front_if(may_go) {
            self.doomed.push_back(held.segment);
        }
    }

    /// Bytes of all segment files, the doomed ones excepted.
    pub(super) fn file_bytes(&self) -> u64 {
        let older = self.older.iter().map(|held| held.segment.length);
        let spares = self.spares.iter().map(|spare| spare.length);
        older.chain(spares).sum::<u64>() + self.active.segment.length
    }
}
