//! The place that an admitted call has in the journal for its settlement.

use std::fmt;
use std::sync::Arc;

use domain::ids::RecordId;

use super::error::JournalError;
use super::frame::Kind;
use super::tail::Tail;
use super::{Position, Shared, lock};

/// An open record whose settlement has its room. Dropping it unsettled is a mistake of the caller: the
/// record stays open, is counted as abandoned, and the next start finds it.
#[must_use = "an admitted call must be settled"]
pub struct Slot {
    shared: Arc<Shared>,
    id: RecordId,
    position: Position,
    is_settled: bool,
}

impl Slot {
    pub(super) fn new(shared: Arc<Shared>, id: RecordId, position: Position) -> Self {
        Self { shared, id, position, is_settled: false }
    }

    /// The record.
    pub fn id(&self) -> RecordId {
        self.id
    }

    /// The end of the *open* entry, for a policy that wants it synced before the upstream call.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Writes the settlement, without waiting for a sync. Cannot fail for want of room. If the write itself
    /// fails, or the payload passes `settled_max_bytes`, the record stays open, and `synced` says
    /// `NotRecorded` of the position given back.
    #[must_use = "the call's last byte waits for `synced` of this position"]
    pub fn settle(mut self, payload: &[u8]) -> Position {
        let mut tail = lock(&self.shared.tail);
        let written = self.write(&mut tail, payload);
        self.is_settled = written.is_ok();
        let must_wake = self.is_settled && std::mem::take(&mut tail.drain_waits);
        drop(tail);
        if must_wake {
            self.shared.drainable.notify_one();
        }
        written.unwrap_or_else(|error| {
            tracing::error!(%error, id = %self.id, "a settlement could not be written");
            Position::NEVER
        })
    }

    fn write(&self, tail: &mut Tail, payload: &[u8]) -> Result<Position, JournalError> {
        let options = &self.shared.options;
        if payload.len() > options.settled_max_bytes {
            let (size_bytes, limit_bytes) = (payload.len(), options.settled_max_bytes);
            return Err(JournalError::TooLarge { size_bytes, limit_bytes });
        }
        let position = tail.append(Kind::Settled, self.id, payload)?;
        tail.reserved -= options.settlement_bytes();
        tail.count_settled(self.id);
        self.shared.ask_for_room(tail);
        Ok(position)
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("id", &self.id).field("position", &self.position).finish()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if !self.is_settled {
            lock(&self.shared.tail).abandoned += 1;
        }
    }
}
