//! The drain: usage records reach the store once each, whatever is replayed, reordered or sent twice.

use std::collections::{BTreeMap, BTreeSet};

use domain::allowances::{Allowance, SliceKey, Subject};
use domain::api_keys::KeyOwner;
use domain::ids::{KeyId, OrganizationId, ReplicaId};
use domain::time::{Span, TimeZone, Timestamp};
use domain::usage::{Settled, UsageRecord};

use super::counters::{self, amount_of};
use super::leases;
use super::records::{self, Attributions};
use super::rollups::{Batch, Totals};
use crate::allowances::read_allowance;
use crate::error::Result;
use crate::measurement::Measurement;
use crate::{Store, args};

/// What a drain did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Records that were not there before.
    pub new: u64,
    /// Records that had come already.
    pub known: u64,
}

/// What an organization limits of the calls in a batch, and in which windows they count.
struct Limits(Vec<(Allowance, Vec<Span>)>);

/// What new records change besides rollups.
#[derive(Default)]
struct Bookings {
    settled: BTreeMap<SliceKey, i64>,
    charges: BTreeMap<SliceKey, i64>,
    last_used: BTreeMap<KeyId, Timestamp>,
    new: BTreeMap<OrganizationId, i64>,
}

/// Books usage records of one replica in one transaction: records, rollups, what allowances have settled, and what
/// the records took of the replica's slices. A record that is there already changes nothing.
///
/// # Errors
/// `Unavailable` when the database is away: nothing is booked then, and the same records may come again.
pub async fn drain(store: &Store, replica_id: ReplicaId, batch: &[Settled]) -> Result<Drained> {
    let mut tx = store.measure().await?;
    let limits = prepare(&mut tx, batch).await?;
    let new = records::unknown(&mut tx, batch).await?;
    let (mut attributions, mut rollups) = (Attributions::default(), Batch::default());
    let (mut bookings, mut rows) = (Bookings::default(), Vec::with_capacity(new.len()));
    for settled in &new {
        let record = &settled.record;
        let attribution_id = attributions.intern(&mut tx, &record.call.attribution).await?;
        rows.push(records::values(record, &attribution_id));
        rollups.add(record, &attribution_id);
        bookings.add(settled, limits.get(&record.call.attribution.organization_id));
    }
    tx.insert(records::INTO, rows).await?;
    let prices: BTreeSet<&str> = batch.iter().map(|settled| settled.record.call.price_id.as_str()).collect();
    for id in prices {
        records::keep_price(&mut tx, id).await?;
    }
    rollups.write(&mut tx).await?;
    bookings.write(&mut tx, replica_id).await?;
    tx.commit().await?;
    let new = new.len() as u64;
    Ok(Drained { new, known: batch.len() as u64 - new })
}

/// Locks the organizations of the batch and makes the counters that its records will be added to.
async fn prepare(tx: &mut Measurement, batch: &[Settled]) -> Result<BTreeMap<OrganizationId, Limits>> {
    let organizations: BTreeSet<OrganizationId> =
        batch.iter().map(|settled| settled.record.call.attribution.organization_id).collect();
    let mut limits = BTreeMap::new();
    for organization in organizations {
        counters::lock_organization(tx, &organization.to_string(), 0).await?;
        let records = batch.iter().map(|settled| &settled.record);
        let records = records.filter(|record| record.call.attribution.organization_id == organization);
        limits.insert(organization, limits_of(tx, organization, &records.collect::<Vec<_>>()).await?);
    }
    Ok(limits)
}

async fn limits_of(
    tx: &mut Measurement,
    organization: OrganizationId,
    records: &[&UsageRecord],
) -> Result<Limits> {
    let zone = tx.row("select time_zone from organizations where id = $1", args![organization]).await?;
    let zone = zone.map(|row| row.text("time_zone")).transpose()?;
    let zone = TimeZone::named(zone.as_deref().unwrap_or("UTC"))?;
    let mut limits = Vec::new();
    for row in tx.rows(crate::allowances::OF_ORGANIZATION, args![organization]).await? {
        let allowance = read_allowance(&row)?;
        let counted = records.iter().filter(|record| allowance.scope.matches(&subject(record)));
        let moments: BTreeSet<Timestamp> = counted.map(|record| record.call.admitted_at).collect();
        if allowance.window.is_durable() && !moments.is_empty() {
            let windows = counters::windows_of(tx, &allowance, &moments, &zone).await?;
            limits.push((allowance, windows));
        }
    }
    Ok(Limits(limits))
}

/// The record as scopes see it.
pub(crate) fn subject(record: &UsageRecord) -> Subject<'_> {
    let attribution = &record.call.attribution;
    let (user_id, service_account_id) = match attribution.key_owner {
        KeyOwner::User(id) => (Some(id), None),
        KeyOwner::ServiceAccount(id) => (None, Some(id)),
    };
    Subject {
        environment: attribution.environment,
        project_id: attribution.project_id,
        key_id: attribution.key_id,
        user_id,
        service_account_id,
        model: &record.call.model,
    }
}

impl Limits {
    fn matching<'a>(&'a self, record: &'a UsageRecord) -> impl Iterator<Item = (&'a Allowance, Span)> {
        let of = subject(record);
        let counts = self.0.iter().filter(move |(allowance, _)| allowance.scope.matches(&of));
        counts
            .flat_map(|(allowance, windows)| windows.iter().map(move |span| (allowance, *span)))
            .filter(|(_, span)| span.contains(record.call.admitted_at))
    }
}

impl Bookings {
    fn add(&mut self, settled: &Settled, limits: Option<&Limits>) {
        let record = &settled.record;
        let attribution = &record.call.attribution;
        *self.new.entry(attribution.organization_id).or_default() += 1;
        let used = self.last_used.entry(attribution.key_id).or_default();
        *used = (*used).max(record.call.admitted_at);
        let totals = Totals::of(record);
        for (allowance, span) in limits.into_iter().flat_map(|limits| limits.matching(record)) {
            let key = SliceKey { allowance_id: allowance.id, window_start: span.start };
            let sum = self.settled.entry(key).or_default();
            *sum = sum.saturating_add(amount_of(allowance.unit, &totals));
        }
        for charge in &settled.charges {
            let key = SliceKey { allowance_id: charge.allowance_id, window_start: charge.window_start };
            let sum = self.charges.entry(key).or_default();
            *sum = sum.saturating_add(charge.amount.max(0));
        }
    }

    async fn write(self, tx: &mut Measurement, replica_id: ReplicaId) -> Result<()> {
        let keys: BTreeSet<SliceKey> = self.settled.keys().chain(self.charges.keys()).copied().collect();
        for key in keys {
            if let Some(settled) = self.settled.get(&key) {
                tx.run(
                    "update allowance_counters set settled = settled + $3 \
                     where allowance_id = $1 and window_start = $2",
                    args![key.allowance_id, key.window_start, *settled],
                )
                .await?;
            }
            if let Some(charged) = self.charges.get(&key) {
                leases::take_off(tx, replica_id, key, *charged).await?;
            }
        }
        for (organization, new) in self.new {
            counters::lock_organization(tx, &organization.to_string(), new).await?;
        }
        for (key, used_at) in self.last_used {
            tx.touch_last_used(key, used_at).await?;
        }
        Ok(())
    }
}
