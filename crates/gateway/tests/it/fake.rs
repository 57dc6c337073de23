//! What stands in for the rest of the system: one organization in memory, a journal that is a list, a store that is
//! a counter.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use domain::allowances::{Allowance, Charge, Counter, Lease, Purse, Share, SliceKey, SliceWish};
use domain::api_keys::{self, KeyHash, KeyKind, KeyOwner, Pepper, Secret};
use domain::ids::{KeyId, OrganizationId, ProjectId, ProviderId, SecretId, UserId};
use domain::models::ModelLists;
use domain::organizations::Organization;
use domain::policy::Policy;
use domain::policy::Warned;
use domain::pricing::{Catalogue, Price, Rates};
use domain::projects::{Environment, Labels, Project, Risk, Workload};
use domain::providers::{ProviderConnection, ProviderKind};
use domain::time::{Ambient, TimeZone, Timestamp};
use domain::usage::{OpenCall, Opened, Settled, Settlement, UsageRecord};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use gateway::ports::{JournalSlot, PortError, Ports, Synced};
use gateway::snapshot::{KeyView, OrganizationView, ProviderView};
use gateway::{Gateway, Settings};

const MICROS: i64 = 1_790_000_000_000_000;

struct Counted(AtomicU64);

impl Ambient for Counted {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_micros(MICROS)
    }
    fn fill_random(&self, buffer: &mut [u8]) {
        for byte in buffer {
            *byte = (self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as u8;
        }
    }
}

#[derive(Default)]
pub struct Journal {
    pub open: Mutex<Vec<Opened>>,
    pub settled: Mutex<Vec<Settled>>,
}

struct Slot(Arc<Journal>, OpenCall);

impl JournalSlot for Slot {
    fn settle(self: Box<Self>, settlement: &Settlement, charges: &[Charge]) -> Synced {
        let record = UsageRecord { call: self.1, settlement: settlement.clone() };
        self.0.settled.lock().unwrap().push(Settled { record, charges: charges.to_vec() });
        std::future::ready(Ok(())).boxed()
    }
}

pub struct World {
    ambient: Counted,
    pepper: Pepper,
    pub view: Mutex<Arc<OrganizationView>>,
    pub key: Mutex<KeyView>,
    pub secret: Secret,
    pub journal: Arc<Journal>,
    pub counters: Arc<Mutex<HashMap<SliceKey, Counter>>>,
    pub refused: Mutex<Vec<&'static str>>,
    pub warned: Mutex<Vec<Warned>>,
    pub lookups: AtomicI64,
    pub leases: AtomicI64,
}

impl World {
    pub fn new() -> Arc<Self> {
        let ambient = Counted(AtomicU64::new(1));
        let (organization_id, project_id) = (OrganizationId::mint(&ambient), ProjectId::mint(&ambient));
        let user = UserId::mint(&ambient);
        let key = KeyView {
            id: KeyId::mint(&ambient),
            organization_id,
            project_id: Some(project_id),
            kind: KeyKind::Project,
            owner: KeyOwner::User(user),
            expires_at: None,
            disabled_at: None,
            revoked_at: None,
            models: ModelLists::default(),
            scopes: Vec::new(),
            secret_id: SecretId::mint(&ambient),
            secret_version: 1,
            secret_created_at: ambient.now(),
            secret_expires_at: None,
            created_at: ambient.now(),
        };
        let view = OrganizationView {
            organization: Organization {
                id: organization_id,
                name: "Acme".into(),
                slug: "acme".into(),
                time_zone: TimeZone::utc(),
                suspension: None,
                closed_at: None,
                features_off: domain::organizations::Features::default(),
                created_at: ambient.now(),
            },
            projects: HashMap::from([(project_id, Arc::new(project(project_id, organization_id, user)))]),
            model_lists: HashMap::new(),
            providers: vec![provider(
                &ambient,
                organization_id,
                "sim",
                ProviderKind::Simulated,
                "simulated:",
            )],
            policy: Policy::default(),
            catalogue: Catalogue::with_own([price("mock-model"), price("mock-chat")]),
            allowances: Vec::new(),
            purse: Arc::default(),
        };
        let secret = api_keys::generate(KeyKind::Project, &ambient);
        Arc::new(Self {
            ambient,
            pepper: Pepper::new(&[7; 32]),
            view: Mutex::new(Arc::new(view)),
            key: Mutex::new(key),
            secret,
            journal: Arc::default(),
            counters: Arc::default(),
            refused: Mutex::default(),
            warned: Mutex::default(),
            lookups: AtomicI64::new(0),
            leases: AtomicI64::new(0),
        })
    }

    pub fn ambient(&self) -> &dyn Ambient {
        &self.ambient
    }

    /// Swaps the organization's view.
    pub fn change(&self, edit: impl FnOnce(&mut OrganizationView)) {
        let mut held = self.view.lock().unwrap();
        let old = &**held;
        let mut view = OrganizationView {
            organization: old.organization.clone(),
            projects: old.projects.clone(),
            model_lists: old.model_lists.clone(),
            providers: old.providers.clone(),
            policy: old.policy.clone(),
            catalogue: old.catalogue.clone(),
            allowances: old.allowances.clone(),
            purse: Arc::clone(&old.purse),
        };
        edit(&mut view);
        *held = Arc::new(view);
    }

    /// Attaches a provider at this address, first in rank for what it offers.
    pub fn attach(&self, base_url: &str, models: &[&str]) {
        let organization_id = self.key.lock().unwrap().organization_id;
        let project_id = self.key.lock().unwrap().project_id.unwrap();
        let made = provider(&self.ambient, organization_id, "mock", ProviderKind::Openai, base_url);
        let mut made = ProviderView::clone(&made);
        made.connection.models = Some(models.iter().map(|model| (*model).to_owned()).collect());
        made.connection.project_ids = Some(vec![project_id]);
        self.change(|view| view.providers.push(Arc::new(made)));
    }

    pub fn allow(&self, allowance: Allowance) {
        self.change(|view| view.allowances.push(Arc::new(allowance)));
    }

    pub fn gateway(self: &Arc<Self>, settings: Settings) -> Gateway {
        Gateway::new(Arc::clone(self) as Arc<dyn Ports>, settings)
    }

    pub fn records(&self) -> Vec<UsageRecord> {
        self.journal.settled.lock().unwrap().iter().map(|settled| settled.record.clone()).collect()
    }

    pub fn purse(&self) -> Arc<Mutex<Purse>> {
        Arc::clone(&self.view.lock().unwrap().purse)
    }
}

fn project(id: ProjectId, organization_id: OrganizationId, owner: UserId) -> Project {
    Project {
        id,
        organization_id,
        name: "Support".into(),
        description: String::new(),
        environment: Environment::Production,
        workload: Workload::Chat,
        risk: Risk::Standard,
        labels: Labels { team: Some("support".into()), ..Labels::default() },
        tags: Default::default(),
        accountable_owner_id: Some(owner),
        created_at: Timestamp::from_unix_micros(MICROS),
        archived_at: None,
    }
}

fn provider(
    ambient: &dyn Ambient,
    organization_id: OrganizationId,
    name: &str,
    kind: ProviderKind,
    base_url: &str,
) -> Arc<ProviderView> {
    let connection = ProviderConnection {
        id: ProviderId::mint(ambient),
        organization_id,
        name: name.into(),
        kind,
        base_url: base_url.into(),
        models: None,
        project_ids: None,
        contract_owner: "Acme".into(),
        created_at: ambient.now(),
        removed_at: None,
    };
    Arc::new(ProviderView { connection, credential: Some(Secret::new("provider-secret-abc".into())) })
}

fn price(model: &str) -> Price {
    Price {
        id: format!("own:{model}"),
        organization_id: None,
        model: model.into(),
        kind: ProviderKind::Openai,
        rates: Rates { input: 1_000_000, cached_input: 500_000, output: 2_000_000, ..Rates::default() },
        context_tokens: Some(100_000),
        max_output_tokens: (model == "mock-model").then_some(1_000),
        effective_from: Timestamp::from_unix_seconds(0),
        source: "test".into(),
    }
}

impl Ports for World {
    fn ambient(&self) -> &dyn Ambient {
        &self.ambient
    }
    fn hash_key(&self, secret: &str) -> KeyHash {
        self.pepper.hash(secret)
    }
    fn find_key(&self, hash: KeyHash) -> BoxFuture<'_, Result<Option<KeyView>, PortError>> {
        self.lookups.fetch_add(1, Ordering::Relaxed);
        let found =
            (hash == self.pepper.hash(self.secret.reveal())).then(|| self.key.lock().unwrap().clone());
        std::future::ready(Ok(found)).boxed()
    }
    fn organization(&self, _: OrganizationId) -> Option<Arc<OrganizationView>> {
        Some(Arc::clone(&self.view.lock().unwrap()))
    }
    fn load_organization(
        &self,
        _: OrganizationId,
    ) -> BoxFuture<'_, Result<Option<Arc<OrganizationView>>, PortError>> {
        std::future::ready(Ok(None)).boxed()
    }
    fn share(&self) -> Share {
        Share::LONE
    }
    fn lease(
        &self,
        _: OrganizationId,
        wishes: Vec<SliceWish>,
    ) -> BoxFuture<'static, Result<Vec<Lease>, PortError>> {
        self.leases.fetch_add(1, Ordering::Relaxed);
        let counters = Arc::clone(&self.counters);
        let amounts: HashMap<_, _> =
            self.view.lock().unwrap().allowances.iter().map(|a| (a.id, a.amount)).collect();
        async move {
            tokio::task::yield_now().await;
            let mut counters = counters.lock().unwrap();
            let lend = |wish: &SliceWish| {
                let amount = amounts[&wish.key.allowance_id];
                counters.entry(wish.key).or_default().lease(amount, wish.need, wish.wish)
            };
            Ok(wishes.iter().map(lend).collect())
        }
        .boxed()
    }
    fn is_current(&self) -> bool {
        true
    }
    fn open(&self, opened: &Opened) -> Result<Box<dyn JournalSlot>, PortError> {
        self.journal.open.lock().unwrap().push(opened.clone());
        Ok(Box::new(Slot(Arc::clone(&self.journal), opened.call.clone())))
    }
    fn warned(&self, warned: Warned) {
        self.warned.lock().unwrap().push(warned);
    }

    fn refused(&self, code: &'static str) {
        self.refused.lock().unwrap().push(code);
    }
}
