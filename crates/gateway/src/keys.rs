//! The bounded cache of keys: filled on a miss, emptied by the feed, and the signal that ends a stopped key's streams.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use domain::api_keys::{KeyHash, KeyOwner};
use domain::ids::{KeyId, OrganizationId, UserId};

use crate::error::Refusal;
use crate::ports::{PortError, Ports};
use crate::snapshot::KeyView;

const CURRENT: u8 = 0;
const STALE: u8 = 1;
const STOPPED: u8 = 2;
const SUSPENDED: u8 = 3;

/// An unknown key is remembered this long, so that a flood of them does not reach the store.
const UNKNOWN_FOR: Duration = Duration::from_secs(1);

/// A key in use: calls keep it, so that they learn when it is stopped.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) view: KeyView,
    state: AtomicU8,
    index: Weak<Index>,
}

impl Entry {
    /// Why streams of this key must end now; none while they may go on.
    pub(crate) fn stop(&self) -> Option<Refusal> {
        match self.state.load(Ordering::Relaxed) {
            STOPPED => Some(Refusal::credential("key_stopped", "This API key was disabled or revoked.")),
            SUSPENDED => Some(Refusal::organization_suspended("suspended or closed")),
            _ => None,
        }
    }

    fn is_current(&self) -> bool {
        self.state.load(Ordering::Acquire) == CURRENT
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let Some(index) = self.index.upgrade() else { return };
        let mut entries = index.lock();
        if let Some(list) = entries.get_mut(&self.view.id) {
            list.retain(|entry| entry.strong_count() > 0);
            if list.is_empty() {
                entries.remove(&self.view.id);
            }
        }
    }
}

/// Which entries are alive, by key: as many as are cached or in use, no more.
#[derive(Debug, Default)]
struct Index {
    entries: Mutex<HashMap<KeyId, Vec<Weak<Entry>>>>,
}

impl Index {
    fn lock(&self) -> MutexGuard<'_, HashMap<KeyId, Vec<Weak<Entry>>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn alive(&self, id: KeyId) -> Vec<Arc<Entry>> {
        self.lock().get(&id).map(|list| list.iter().filter_map(Weak::upgrade).collect()).unwrap_or_default()
    }

    fn all_alive(&self) -> Vec<Arc<Entry>> {
        self.lock().values().flatten().filter_map(Weak::upgrade).collect()
    }
}

/// The cache.
pub(crate) struct Keys {
    known: moka::sync::Cache<KeyHash, Arc<Entry>>,
    unknown: moka::sync::Cache<KeyHash, ()>,
    index: Arc<Index>,
    /// Counts changes: what was read from the store before a change is not kept after it.
    changes: AtomicU64,
}

impl Keys {
    /// A cache of at most so many keys.
    pub(crate) fn new(capacity: u64) -> Self {
        Self {
            known: moka::sync::Cache::builder().max_capacity(capacity).build(),
            unknown: moka::sync::Cache::builder().max_capacity(capacity).time_to_live(UNKNOWN_FOR).build(),
            index: Arc::default(),
            changes: AtomicU64::new(0),
        }
    }

    /// The key of a hash, from the cache or through the port.
    pub(crate) async fn find(
        &self,
        hash: KeyHash,
        ports: &dyn Ports,
    ) -> Result<Option<Arc<Entry>>, PortError> {
        if let Some(entry) = self.known.get(&hash).filter(|entry| entry.is_current()) {
            return Ok(Some(entry));
        }
        if self.unknown.contains_key(&hash) {
            return Ok(None);
        }
        loop {
            let before = self.changes.load(Ordering::Acquire);
            let entry = ports.find_key(hash).await?.map(|view| self.keep(hash, view));
            // Where a change passed while the store was read, it is read again.
            if self.changes.load(Ordering::Acquire) == before {
                if entry.is_none() {
                    self.unknown.insert(hash, ());
                }
                return Ok(entry);
            }
        }
    }

    fn keep(&self, hash: KeyHash, view: KeyView) -> Arc<Entry> {
        let id = view.id;
        let index = Arc::downgrade(&self.index);
        let entry = Arc::new(Entry { view, state: AtomicU8::new(CURRENT), index });
        self.index.lock().entry(id).or_default().push(Arc::downgrade(&entry));
        self.known.insert(hash, Arc::clone(&entry));
        entry
    }

    /// The next call of this key reads it anew.
    pub(crate) fn invalidate(&self, id: KeyId) {
        self.mark(id, STALE);
    }

    /// The next call of this key reads it anew, and its open streams end at their next chunk.
    pub(crate) fn stop(&self, id: KeyId) {
        self.mark(id, STOPPED);
    }

    fn mark(&self, id: KeyId, state: u8) {
        self.change();
        for entry in self.index.alive(id) {
            entry.state.fetch_max(state, Ordering::AcqRel);
        }
    }

    /// The next call of every key of this organization reads it anew, and its open streams end at their next chunk.
    pub(crate) fn suspend(&self, organization: OrganizationId) {
        self.change();
        let all = self.index.all_alive();
        for entry in all.iter().filter(|entry| entry.view.organization_id == organization) {
            entry.state.fetch_max(SUSPENDED, Ordering::AcqRel);
        }
    }

    /// The keys of an organization that are cached or in use: all of them, or a person's own.
    pub(crate) fn of(&self, organization: OrganizationId, owner: Option<UserId>) -> Vec<KeyId> {
        let all = self.index.all_alive();
        let theirs = all.iter().map(|entry| &entry.view).filter(|view| {
            let is_own = owner.is_none_or(|owner| view.owner == KeyOwner::User(owner));
            view.organization_id == organization && is_own
        });
        let mut ids: Vec<KeyId> = theirs.map(|view| view.id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Every next call reads its key anew.
    pub(crate) fn invalidate_all(&self) {
        self.change();
        for entry in self.index.all_alive() {
            entry.state.fetch_max(STALE, Ordering::AcqRel);
        }
        self.known.invalidate_all();
    }

    fn change(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
        self.unknown.invalidate_all();
    }
}
