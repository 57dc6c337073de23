//! Group commit: one thread syncs for everybody who waits, and the next group gathers meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use super::error::JournalError;
use super::segment::Segment;
use super::{Position, Shared, lock};

/// How far the active segment's mark may lag behind what is synced.
const MARK_EVERY_BYTES: u64 = 256 * 1024;

/// Those who wait for one sync.
#[derive(Default)]
pub(super) struct Group {
    done: AtomicBool,
    finished: Notify,
}

impl Group {
    fn finish(&self) {
        self.done.store(true, Ordering::Release);
        self.finished.notify_waiters();
    }
}

pub(super) struct SyncState {
    /// Everything up to here is on disk.
    pub synced: Position,
    /// The first failed sync. What it should have covered may be lost, so no later one is believed.
    pub failed: Option<String>,
    /// Up to where the segment of that sequence is marked.
    marked: (u64, u64),
    gathering: Arc<Group>,
    is_wanted: bool,
    /// What the sync under way will cover, and who waits for it.
    running: Option<(Position, Arc<Group>)>,
    stop: bool,
}

impl SyncState {
    pub(super) fn new(synced: Position) -> Self {
        Self {
            synced,
            failed: None,
            marked: (synced.segment, synced.offset),
            gathering: Arc::default(),
            is_wanted: false,
            running: None,
            stop: false,
        }
    }

    fn broken(&self) -> Option<JournalError> {
        self.failed.clone().map(|cause| JournalError::Broken { cause })
    }
}

impl Shared {
    /// Waits until everything up to `position` is on disk.
    pub(super) async fn synced(&self, position: Position) -> Result<(), JournalError> {
        let group = {
            let mut state = lock(&self.sync);
            if position <= state.synced {
                return Ok(());
            }
            if let Some(error) = state.broken() {
                return Err(error);
            }
            match &state.running {
                Some((target, group)) if position <= *target => Arc::clone(group),
                _ => {
                    if !state.is_wanted {
                        state.is_wanted = true;
                        self.sync_wanted.notify_one();
                    }
                    Arc::clone(&state.gathering)
                }
            }
        };
        let finished = group.finished.notified();
        if !group.done.load(Ordering::Acquire) {
            finished.await;
        }
        let state = lock(&self.sync);
        if position <= state.synced {
            return Ok(());
        }
        Err(state.broken().unwrap_or(JournalError::Closed))
    }

    /// The syncing thread: sleeps while nobody waits.
    pub(super) fn sync_for_waiters(&self) {
        loop {
            let group = {
                let mut state = lock(&self.sync);
                while !state.is_wanted && !state.stop {
                    state = self.sync_wanted.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner);
                }
                if !state.is_wanted {
                    return;
                }
                state.is_wanted = false;
                std::mem::take(&mut state.gathering)
            };
            self.sync_once(Some(&group));
            group.finish();
        }
    }

    /// Syncs all that has been written by now. After a failure nothing is believed any more.
    pub(super) fn sync_once(&self, group: Option<&Arc<Group>>) {
        let (from, marked) = {
            let state = lock(&self.sync);
            (state.synced, state.marked)
        };
        let (target, full, active) = {
            let tail = lock(&self.tail);
            let unsynced = tail
                .older
                .iter()
                .filter(|held| (held.segment.sequence, held.end) > (from.segment, from.offset));
            let full: Vec<_> = unsynced.map(|held| (Arc::clone(&held.segment), held.end)).collect();
            (tail.position(), full, Arc::clone(&tail.active.segment))
        };
        if let Some(group) = group {
            lock(&self.sync).running = Some((target, Arc::clone(group)));
        }
        let outcome = self.sync_segments(target, &full, &active, marked);
        if let Err(error) = &outcome {
            lock(&self.tail).broken.get_or_insert_with(|| error.to_string());
        }
        let mut state = lock(&self.sync);
        match outcome {
            Ok(marked) if state.failed.is_none() => {
                state.synced = state.synced.max(target);
                state.marked = state.marked.max(marked);
            }
            Ok(_) => {}
            Err(error) => {
                state.failed.get_or_insert_with(|| error.to_string());
            }
        }
        if group.is_some() {
            state.running = None;
        }
    }

    fn sync_segments(
        &self,
        target: Position,
        full: &[(Arc<Segment>, u64)],
        active: &Segment,
        mut marked: (u64, u64),
    ) -> Result<(u64, u64), JournalError> {
        for (segment, end) in full {
            segment.sync()?;
            segment.write_mark(*end)?;
            self.syncs.fetch_add(1, Ordering::Relaxed);
        }
        active.sync()?;
        self.syncs.fetch_add(1, Ordering::Relaxed);
        let lag = if marked.0 == target.segment { target.offset - marked.1 } else { target.offset };
        if lag >= MARK_EVERY_BYTES {
            active.write_mark(target.offset)?;
            marked = (target.segment, target.offset);
        }
        Ok(marked)
    }

    /// Lets the syncing thread end once nobody waits.
    pub(super) fn stop_syncing(&self) {
        lock(&self.sync).stop = true;
        self.sync_wanted.notify_one();
    }
}
