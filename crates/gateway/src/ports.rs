//! What the gateway needs from outside: keys, snapshots, the journal, the clock. `bailiwick` fulfils it.

use std::sync::Arc;

use domain::allowances::{Charge, Lease, Share, SliceWish};
use domain::api_keys::KeyHash;
use domain::ids::OrganizationId;
use domain::policy::Warned;
use domain::time::Ambient;
use domain::usage::{Opened, Settlement};
use futures_util::future::BoxFuture;

use crate::snapshot::{KeyView, OrganizationView};

/// Something outside did not answer. The context is for the log alone; callers are told to try again.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{context}")]
pub struct PortError {
    /// What failed, for the log.
    pub context: String,
}

impl PortError {
    /// A failure with its context.
    pub fn new(context: impl Into<String>) -> Self {
        Self { context: context.into() }
    }
}

/// Resolves when a settlement is on disk. The settlement is already made: dropping this loses nothing but the news.
pub type Synced = BoxFuture<'static, Result<(), PortError>>;

/// The place reserved in the journal for the settlement of one opened call. Dropped unsettled, the call stays
/// open and is recovered at the next start.
pub trait JournalSlot: Send + Sync {
    /// Appends the usage record, which is the opened call and its end, and what it takes off slices: neither waits
    /// nor fails, since the place was reserved.
    fn settle(self: Box<Self>, settlement: &Settlement, charges: &[Charge]) -> Synced;
}

/// Everything that a call needs and the gateway does not hold itself. Fast paths are plain functions.
pub trait Ports: Send + Sync + 'static {
    /// Clock and randomness.
    fn ambient(&self) -> &dyn Ambient;

    /// The keyed hash under which a secret is looked up.
    fn hash_key(&self, secret: &str) -> KeyHash;

    /// The key with this hash, whatever its status; none when there is none. Called on a miss of the cache only.
    ///
    /// # Errors
    /// When the store does not answer.
    fn find_key(&self, hash: KeyHash) -> BoxFuture<'_, Result<Option<KeyView>, PortError>>;

    /// The organization as loaded; none when it was not loaded yet.
    fn organization(&self, id: OrganizationId) -> Option<Arc<OrganizationView>>;

    /// Loads the organization that [`Ports::organization`] did not have; none when it does not exist.
    ///
    /// # Errors
    /// When the store does not answer.
    fn load_organization(
        &self,
        id: OrganizationId,
    ) -> BoxFuture<'_, Result<Option<Arc<OrganizationView>>, PortError>>;

    /// Which part of in-memory limits is this replica's.
    fn share(&self) -> Share;

    /// Asks the store to lend slices; the answer to each wish, in their order.
    /// The gateway runs this to its end whatever becomes of the call, and tells the purse.
    ///
    /// # Errors
    /// When the store does not answer; the wishes then count as refused.
    fn lease(
        &self,
        organization_id: OrganizationId,
        wishes: Vec<SliceWish>,
    ) -> BoxFuture<'static, Result<Vec<Lease>, PortError>>;

    /// Whether what is cached may still be served: false once the feed has been out of reach for the stated lease.
    fn is_current(&self) -> bool;

    /// Writes the *open* record and reserves the place of its settlement, before the call leaves.
    ///
    /// # Errors
    /// When the journal cannot take it: the call is refused.
    fn open(&self, opened: &Opened) -> Result<Box<dyn JournalSlot>, PortError>;

    /// Counts a refusal by its code.
    fn refused(&self, code: &'static str);

    /// Counts a call that a setting only warned of.
    fn warned(&self, warned: Warned);
}
