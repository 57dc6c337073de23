//! Usage records as tests need them, and a small random source whose seed is printed.

use std::sync::Arc;

use domain::access::{Grant, Task};
use domain::allowances::{Allowance, Charge, Enforcement, Level, Scope, Unit};
use domain::api_keys::KeyOwner;
use domain::audit::{AuditEntry, Verb};
use domain::ids::{
    AllowanceId, KeyId, OrganizationId, ProjectId, ProviderId, RecordId, ReplicaId, SecretId, UserId,
};
use domain::money::NanoUsd;
use domain::pricing::{Quantities, built_in};
use domain::projects::{Environment, Labels, Workload};
use domain::providers::ProviderKind;
use domain::time::{Timestamp, Window};
use domain::usage::{Attribution, CallStatus, Endpoint, OpenCall, Settled, Settlement, UsageRecord};
use store::Store;

use crate::engines::noon;

/// A random source with a seed.
#[derive(Clone)]
pub struct Dice(u64);

impl Dice {
    /// Takes the seed of `BAILIWICK_TEST_SEED` or draws one, and prints it, so that a failure can be repeated.
    pub fn new(test: &str) -> Self {
        let given = std::env::var("BAILIWICK_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
        let seed = given.unwrap_or_else(|| now() as u64);
        eprintln!("{test}: seed {seed} (BAILIWICK_TEST_SEED)");
        Self(seed | 1)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    /// Puts a list into another order.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for place in (1..list.len()).rev() {
            list.swap(place, self.below(place as u64 + 1) as usize);
        }
    }
}

pub fn organization() -> OrganizationId {
    OrganizationId::from_parts(noon(), 1)
}

pub fn project(n: u128) -> ProjectId {
    ProjectId::from_parts(noon(), n)
}

pub fn key(n: u128) -> KeyId {
    KeyId::from_parts(noon(), n)
}

pub fn user(n: u128) -> UserId {
    UserId::from_parts(noon(), n)
}

pub fn replica(n: u128) -> ReplicaId {
    ReplicaId::from_parts(noon(), n)
}

/// A grant that reaches all of the test's organization.
pub fn whole() -> Grant {
    Grant::system(Task::Snapshot, Some(organization()))
}

/// A call of key `n` of project `n % 2`, at a built-in price.
pub fn call(n: u128, key_number: u128, at: Timestamp) -> Settled {
    let mut prices: Vec<_> = built_in().values().flatten().collect();
    prices.retain(|price| price.kind == ProviderKind::Openai && price.rates.output > 0);
    let price = prices.into_iter().min_by(|one, other| one.model.cmp(&other.model)).unwrap();
    let price = built_in()[&(ProviderKind::Openai, price.model.clone())].first().unwrap();
    let quantities = Quantities { input: 1_000 + n as i64, output: 77, requests: 1, ..Quantities::default() };
    let attribution = Attribution {
        organization_id: organization(),
        project_id: project(key_number % 2),
        key_id: key(key_number),
        key_owner: KeyOwner::User(user(key_number)),
        accountable_owner_id: Some(user(9)),
        environment: Environment::Production,
        workload: Workload::Chat,
        labels: Labels { team: Some(format!("team {}", key_number % 2)), ..Labels::default() },
    };
    let record = UsageRecord {
        call: OpenCall {
            id: RecordId::from_parts(at, n),
            admitted_at: at,
            attribution: Arc::new(attribution),
            endpoint: Endpoint::ChatCompletions,
            model: price.model.clone(),
            provider_id: ProviderId::from_parts(noon(), 1),
            is_stream: false,
            price_id: price.id.clone(),
            held: NanoUsd::from_nano(50_000_000),
            client_address: Some("192.0.2.7".parse().unwrap()),
            user_agent: Some("tests".to_owned()),
            end_user: Some(format!("end user {}", n % 3)),
            secret_id: SecretId::from_parts(noon(), 1),
        },
        settlement: Settlement {
            settled_at: at.plus_seconds(1),
            status: CallStatus::Succeeded,
            quantities,
            cost: price.rates.cost(&quantities).unwrap(),
            is_estimated: false,
            upstream_status: Some(200),
        },
    };
    record.into()
}

/// The same record with a charge.
pub fn charging(
    mut settled: Settled,
    allowance: &Allowance,
    window_start: Timestamp,
    amount: i64,
) -> Settled {
    settled.charges.push(Charge { allowance_id: allowance.id, window_start, amount, excess: 0 });
    settled
}

/// Keeps an allowance.
pub async fn allow(
    store: &Store,
    n: u128,
    level: Level,
    unit: Unit,
    window: Window,
    amount: i64,
) -> Allowance {
    let allowance = Allowance {
        id: AllowanceId::from_parts(noon(), n),
        organization_id: organization(),
        scope: Scope { level, model: None },
        unit,
        window,
        amount,
        enforcement: Enforcement::Hard,
        created_at: noon(),
    };
    let mut change = store.change(&whole(), noon()).await.unwrap();
    store::allowances::insert_allowance(&mut change, &allowance, false).await.unwrap();
    let _ = change.commit(AuditEntry::new(Verb::AllowanceCreated, allowance.id)).await.unwrap();
    allowance
}
