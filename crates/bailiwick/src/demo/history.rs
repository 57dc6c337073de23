//! Ninety days of believable usage, the same on every machine: weekdays are busy, nights are quiet, work grows.

use std::sync::Arc;

use domain::api_keys::KeyOwner;
use domain::ids::{KeyId, ProviderId, RecordId, SecretId};
use domain::pricing::{Catalogue, Quantities};
use domain::projects::{Environment, Project};
use domain::providers::ProviderKind;
use domain::time::{DAY, HOUR, MINUTE, Timestamp};
use domain::usage::{Attribution, CallStatus, Endpoint, OpenCall, Settled, Settlement, UsageRecord};

/// How many days of history there are.
const DAYS: i64 = 90;

/// A project with the key that its history was made with.
pub struct Source {
    /// The project.
    pub project: Project,
    /// Its key.
    pub key_id: KeyId,
    /// The key's owner.
    pub key_owner: KeyOwner,
    /// The key's secret.
    pub secret_id: SecretId,
    /// Calls on a busy day.
    pub calls_per_day: u64,
}

/// A small fixed generator: the history is the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides.max(1)
    }

    fn id_bits(&mut self) -> u128 {
        (u128::from(self.roll(u64::MAX)) << 64) | u128::from(self.roll(u64::MAX))
    }
}

/// The records of all sources up to `now`, oldest first.
pub fn records(
    sources: &[Source],
    provider_id: ProviderId,
    catalogue: &Catalogue,
    now: Timestamp,
) -> Vec<Settled> {
    let mut dice = Dice(0x5eed_ba11_1c4b_0001);
    let today = now.unix_micros().div_euclid(DAY);
    let mut records = Vec::new();
    for day in today - DAYS..=today {
        for source in sources {
            let attribution = Arc::new(attribution(source));
            for _ in 0..calls_of(source, day, today, &mut dice) {
                let at = Timestamp::from_unix_micros(day * DAY + moment_of_day(&mut dice));
                if at < now {
                    records.extend(record(source, &attribution, provider_id, catalogue, (at, &mut dice)));
                }
            }
        }
    }
    records.sort_by_key(|settled| settled.record.call.admitted_at);
    records
}

fn calls_of(source: &Source, day: i64, today: i64, dice: &mut Dice) -> u64 {
    let is_weekend = matches!((day + 3).rem_euclid(7), 5 | 6);
    let growth = 60 + 40 * u64::try_from(DAYS - (today - day)).unwrap_or(0) / DAYS.unsigned_abs();
    let share = match (source.project.environment, is_weekend) {
        (Environment::Production, true) => 45,
        (_, true) => 4,
        (_, false) => 100,
    };
    source.calls_per_day * growth * share / 10_000 * (80 + dice.roll(40)) / 100
}

/// Most calls come between eight and eighteen o'clock.
fn moment_of_day(dice: &mut Dice) -> i64 {
    let hour = if dice.roll(5) == 0 { dice.roll(24) } else { 8 + dice.roll(10) };
    let within = dice.roll(HOUR.unsigned_abs());
    i64::try_from(hour).unwrap_or(0) * HOUR + i64::try_from(within).unwrap_or(0)
}

fn attribution(source: &Source) -> Attribution {
    Attribution {
        organization_id: source.project.organization_id,
        project_id: source.project.id,
        key_id: source.key_id,
        key_owner: source.key_owner,
        accountable_owner_id: source.project.accountable_owner_id,
        environment: source.project.environment,
        workload: source.project.workload,
        labels: source.project.labels.clone(),
    }
}

fn record(
    source: &Source,
    attribution: &Arc<Attribution>,
    provider_id: ProviderId,
    catalogue: &Catalogue,
    (at, dice): (Timestamp, &mut Dice),
) -> Option<Settled> {
    let (model, endpoint) = match dice.roll(10) {
        0..=5 => ("sim-small", Endpoint::ChatCompletions),
        6..=8 => ("sim-large", Endpoint::ChatCompletions),
        _ => ("sim-embedding", Endpoint::Embeddings),
    };
    let price = catalogue.price(ProviderKind::Simulated, model, at)?;
    let tokens =
        |dice: &mut Dice, least: u64, spread: u64| i64::try_from(least + dice.roll(spread)).unwrap_or(0);
    let quantities = Quantities {
        input: tokens(dice, 400, 9_000),
        cached_input: tokens(dice, 0, 2_000),
        output: if endpoint == Endpoint::Embeddings { 0 } else { tokens(dice, 80, 1_800) },
        requests: 1,
        ..Quantities::default()
    };
    let failed = dice.roll(120) == 0;
    let quantities = if failed { Quantities::default() } else { quantities };
    let cost = price.rates.cost(&quantities).ok()?;
    let call = OpenCall {
        id: RecordId::from_parts(at, dice.id_bits()),
        admitted_at: at,
        attribution: Arc::clone(attribution),
        endpoint,
        model: model.to_owned(),
        provider_id,
        is_stream: endpoint == Endpoint::ChatCompletions && dice.roll(2) == 0,
        price_id: price.id.clone(),
        held: cost,
        client_address: Some(std::net::IpAddr::from([
            10,
            20,
            (source.calls_per_day % 200) as u8,
            (dice.roll(4) + 10) as u8,
        ])),
        user_agent: Some("OpenAI/Python 3.54.0".to_owned()),
        end_user: (dice.roll(3) == 0).then(|| format!("customer-{}", dice.roll(40))),
        secret_id: source.secret_id,
    };
    let settlement = Settlement {
        settled_at: at.plus_micros(MINUTE / 60 + i64::try_from(dice.roll(4_000_000)).unwrap_or(0)),
        status: if failed { CallStatus::UpstreamError } else { CallStatus::Succeeded },
        quantities,
        cost,
        is_estimated: false,
        upstream_status: Some(if failed { 500 } else { 200 }),
    };
    Some(UsageRecord { call, settlement }.into())
}
