//! What all parts of a running server share, and the gateway's ports fulfilled by it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use domain::access::{Grant, Task};
use domain::allowances::{Charge, Lease, Purse, Share, SliceWish};
use domain::api_keys::KeyHash;
use domain::ids::{OrganizationId, ReplicaId};
use domain::policy::Warned;
use domain::pricing::Catalogue;
use domain::time::{Ambient, MINUTE, Span, Timestamp};
use domain::usage::{Opened, Settlement};
use futures_util::future::BoxFuture;
use gateway::ports::{JournalSlot, PortError, Ports, Synced};
use gateway::snapshot::{KeyView, OrganizationView, ProviderView};
use store::journal::Journal;
use store::policy::Warnings;
use store::{Secrets, Store};

/// A replica that has not heard of changes for so long, in microseconds, refuses calls.
const STALE_AFTER: i64 = MINUTE;

/// The shared parts.
pub struct House {
    /// The database.
    pub store: Store,
    /// What is derived from the master key.
    pub secrets: Arc<Secrets>,
    /// Time and randomness.
    pub ambient: Arc<dyn Ambient>,
    /// The usage journal.
    pub journal: Arc<Journal>,
    /// This process's identity, which is its data folder's.
    pub replica_id: ReplicaId,
    share: RwLock<Share>,
    followed_at: AtomicI64,
    views: RwLock<HashMap<OrganizationId, Arc<OrganizationView>>>,
    purses: RwLock<HashMap<OrganizationId, Arc<Mutex<Purse>>>>,
    /// What policy warned of and is not written down yet.
    pub warnings: Warnings,
}

impl House {
    /// Puts the parts together.
    pub fn new(
        store: Store,
        secrets: Arc<Secrets>,
        ambient: Arc<dyn Ambient>,
        journal: Journal,
        replica_id: ReplicaId,
    ) -> Self {
        let share = RwLock::new(Share { is_lone: store.is_lone(), ..Share::LONE });
        let (views, purses) = (RwLock::default(), RwLock::default());
        let followed_at = AtomicI64::new(ambient.now().unix_micros());
        Self {
            store,
            secrets,
            ambient,
            journal: Arc::new(journal),
            replica_id,
            share,
            followed_at,
            views,
            purses,
            warnings: Warnings::default(),
        }
    }

    /// The counters of an organization on this replica; they outlive every view of it.
    pub fn purse(&self, organization: OrganizationId) -> Arc<Mutex<Purse>> {
        if let Some(purse) = self.purses.read().unwrap_or_else(PoisonError::into_inner).get(&organization) {
            return Arc::clone(purse);
        }
        Arc::clone(
            self.purses.write().unwrap_or_else(PoisonError::into_inner).entry(organization).or_default(),
        )
    }

    /// The counters of every organization that was called here.
    pub fn purses(&self) -> Vec<(OrganizationId, Arc<Mutex<Purse>>)> {
        let purses = self.purses.read().unwrap_or_else(PoisonError::into_inner);
        purses.iter().map(|(id, purse)| (*id, Arc::clone(purse))).collect()
    }

    /// Forgets the view of an organization, so that the next call loads it anew.
    pub fn forget_view(&self, organization: OrganizationId) {
        self.views.write().unwrap_or_else(PoisonError::into_inner).remove(&organization);
    }

    /// Notes that everything committed up to now is in effect here.
    pub fn followed(&self) {
        self.followed_at.store(self.ambient.now().unix_micros(), Ordering::Relaxed);
    }

    /// Sets which part of in-memory limits is this replica's.
    pub fn set_share(&self, share: Share) {
        *self.share.write().unwrap_or_else(PoisonError::into_inner) = share;
    }

    async fn load_view(&self, id: OrganizationId) -> store::Result<Option<Arc<OrganizationView>>> {
        let grant = Grant::system(Task::Snapshot, Some(id));
        let organization = match self.store.organization(&grant).await {
            Err(store::Error::NotFound { .. }) => return Ok(None),
            other => other?,
        };
        let projects = self.store.projects_of(&grant, id).await?;
        let providers = store::providers::providers_of(&self.store, &grant, &self.secrets).await?;
        let providers = providers
            .into_iter()
            .map(|(connection, credential)| Arc::new(ProviderView { connection, credential }))
            .collect();
        let view = OrganizationView {
            organization,
            projects: projects.into_iter().map(|project| (project.id, Arc::new(project))).collect(),
            model_lists: self.store.model_lists(&grant).await?,
            providers,
            policy: self.store.policy(&grant, self.ambient.now()).await?,
            catalogue: Catalogue::with_own(store::prices::prices_of(&self.store, &grant).await?),
            allowances: {
                let allowances = store::allowances::allowances_of(&self.store, &grant).await?;
                allowances.into_iter().map(Arc::new).collect()
            },
            purse: self.purse(id),
        };
        Ok(Some(Arc::new(view)))
    }

    async fn find(&self, hash: KeyHash) -> store::Result<Option<KeyView>> {
        let found = self.store.key_by_hash(&Grant::system(Task::Snapshot, None), &hash).await?;
        let Some(found) = found else { return Ok(None) };
        // A key whose owner has left is as dead as a revoked one.
        let gone = (!found.owner_active).then(|| self.ambient.now());
        Ok(Some(KeyView {
            id: found.key.id,
            organization_id: found.key.organization_id,
            project_id: found.key.project_id,
            kind: found.key.kind,
            owner: found.key.owner,
            secret_id: found.secret.id,
            secret_version: found.secret.version,
            secret_created_at: found.secret.created_at,
            secret_expires_at: found.secret.ends_at,
            created_at: found.key.created_at,
            expires_at: found.key.expires_at,
            disabled_at: found.key.disabled_at,
            revoked_at: found.key.revoked_at.or(gone),
            models: found.key.models,
            scopes: found.key.scopes,
        }))
    }
}

fn unavailable(error: &store::Error) -> PortError {
    PortError::new(format!("{error} {}", error.context()))
}

impl Ports for House {
    fn ambient(&self) -> &dyn Ambient {
        self.ambient.as_ref()
    }

    fn hash_key(&self, secret: &str) -> KeyHash {
        self.secrets.pepper().hash(secret)
    }

    fn find_key(&self, hash: KeyHash) -> BoxFuture<'_, Result<Option<KeyView>, PortError>> {
        Box::pin(async move { self.find(hash).await.map_err(|error| unavailable(&error)) })
    }

    fn organization(&self, id: OrganizationId) -> Option<Arc<OrganizationView>> {
        self.views.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    fn load_organization(
        &self,
        id: OrganizationId,
    ) -> BoxFuture<'_, Result<Option<Arc<OrganizationView>>, PortError>> {
        Box::pin(async move {
            let before = self.store.feed_position().await.map_err(|error| unavailable(&error))?;
            let view = self.load_view(id).await.map_err(|error| unavailable(&error))?;
            let after = self.store.feed_position().await.map_err(|error| unavailable(&error))?;
            // A view that a change may have overtaken serves this call and is not kept.
            if let Some(view) = view.as_ref().filter(|_| before == after) {
                self.views.write().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::clone(view));
            }
            Ok(view)
        })
    }

    fn share(&self) -> Share {
        *self.share.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn lease(
        &self,
        _: OrganizationId,
        wishes: Vec<SliceWish>,
    ) -> BoxFuture<'static, Result<Vec<Lease>, PortError>> {
        let (store, replica_id) = (self.store.clone(), self.replica_id);
        Box::pin(async move {
            let mut lent = Vec::with_capacity(wishes.len());
            for wish in wishes {
                let span = Span { start: wish.key.window_start, end: wish.window_end };
                let ask = (wish.need, wish.wish);
                let leased =
                    store::metering::lease(&store, replica_id, wish.key.allowance_id, span, ask).await;
                lent.push(leased.map_err(|error| unavailable(&error))?);
            }
            Ok(lent)
        })
    }

    fn is_current(&self) -> bool {
        let followed_at = Timestamp::from_unix_micros(self.followed_at.load(Ordering::Relaxed));
        self.store.is_lone() || self.ambient.now().micros_since(followed_at) < STALE_AFTER
    }

    fn open(&self, opened: &Opened) -> Result<Box<dyn JournalSlot>, PortError> {
        let (call_json, worst, holds) = (json(&opened.call), json(&opened.worst), json(&opened.holds));
        let parts: [&[u8]; 7] =
            [b"{\"call\":", &call_json, b",\"worst\":", &worst, b",\"holds\":", &holds, b"}"];
        let slot = self.journal.append_open(opened.call.id, &parts.concat());
        let slot = slot.map_err(|error| PortError::new(error.to_string()))?;
        Ok(Box::new(Reserved { slot, journal: Arc::clone(&self.journal), call_json }))
    }

    fn refused(&self, code: &'static str) {
        tracing::debug!(code, "a call was refused");
    }

    fn warned(&self, warned: Warned) {
        self.warnings.note(warned, self.ambient.now());
    }
}

struct Reserved {
    slot: store::journal::Slot,
    journal: Arc<Journal>,
    /// The call as the open entry has it: it is not written as JSON a second time.
    call_json: Vec<u8>,
}

/// Values of the journal always have a JSON form, and memory takes what is written.
fn json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

impl JournalSlot for Reserved {
    fn settle(self: Box<Self>, settlement: &Settlement, charges: &[Charge]) -> Synced {
        let Self { slot, journal, call_json } = *self;
        let (settlement, charges) = (json(settlement), json(&charges));
        let parts: [&[u8]; 7] = [
            b"{\"record\":{\"call\":",
            &call_json,
            b",\"settlement\":",
            &settlement,
            b"},\"charges\":",
            &charges,
            b"}",
        ];
        let position = slot.settle(&parts.concat());
        Box::pin(
            async move { journal.synced(position).await.map_err(|error| PortError::new(error.to_string())) },
        )
    }
}
