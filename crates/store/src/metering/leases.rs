//! Slices: what a replica may spend without asking again. The SQL mirrors `domain::allowances::Counter`.

use domain::allowances::{Counter, Lease, Return, SliceKey};
use domain::ids::{AllowanceId, ReplicaId};
use domain::time::Span;

use super::counters;
use crate::allowances::read_allowance;
use crate::error::Result;
use crate::measurement::Measurement;
use crate::{Store, args};

/// Lends a replica up to `wish` of what an allowance has left in a window, at least `need`; refuses when not even
/// that fits or the allowance is gone. That `settled + leased` stays within the amount is checked by the statement
/// that lends.
///
/// # Errors
/// `Unavailable` when the database is away.
pub async fn lease(
    store: &Store,
    replica_id: ReplicaId,
    allowance_id: AllowanceId,
    span: Span,
    (need, wish): (i64, i64),
) -> Result<Lease> {
    let mut tx = store.measure().await?;
    let row = tx.row(crate::allowances::ONE, args![allowance_id]).await?;
    let Some(allowance) = row.as_ref().map(read_allowance).transpose()? else {
        return Ok(Lease::Refused { settled: 0 });
    };
    let key = SliceKey { allowance_id, window_start: span.start };
    if counters::window_end(&mut tx, key).await? != Some(span.end) {
        counters::lock_organization(&mut tx, &allowance.organization_id.to_string(), 0).await?;
        counters::count_window(&mut tx, &allowance, span).await?;
    }
    let counter = locked(&mut tx, key).await?.unwrap_or_default();
    let lease = Counter::lease(&mut counter.clone(), allowance.amount, need.max(0), wish);
    let Lease::Granted(granted) = lease else {
        // A counter that was made on the way is worth keeping.
        tx.commit().await?;
        return Ok(lease);
    };
    let lent = tx
        .run(
            "update allowance_counters set leased = leased + $3 where allowance_id = $1 and window_start = $2 \
             and settled + leased + $3 <= (select amount from allowances where id = $1)",
            args![allowance_id, span.start, granted],
        )
        .await?;
    if lent == 0 {
        return Ok(Lease::Refused { settled: counter.settled });
    }
    tx.run(
        "insert into allowance_slices (allowance_id, window_start, replica_id, amount) values ($1, $2, $3, $4) \
         on conflict (allowance_id, window_start, replica_id) \
         do update set amount = allowance_slices.amount + excluded.amount",
        args![allowance_id, span.start, replica_id, granted],
    )
    .await?;
    tx.commit().await?;
    Ok(lease)
}

/// Takes back an unused part of a slice, never more than the slice has.
///
/// # Errors
/// `Unavailable` when the database is away; the part has to be kept then.
pub async fn return_slice(store: &Store, replica_id: ReplicaId, returned: Return) -> Result<()> {
    let mut tx = store.measure().await?;
    take_off(&mut tx, replica_id, returned.key, returned.amount).await?;
    tx.commit().await
}

/// Takes back every slice of a replica that starts anew: after its journal has drained it holds nothing.
///
/// # Errors
/// `Unavailable` when the database is away.
pub async fn return_all_of_replica(store: &Store, replica_id: ReplicaId) -> Result<()> {
    let mut tx = store.measure().await?;
    let rows = tx
        .rows(
            "select allowance_id, window_start, amount from allowance_slices where replica_id = $1 \
             order by allowance_id, window_start",
            args![replica_id],
        )
        .await?;
    for row in rows {
        let key = SliceKey { allowance_id: row.id("allowance_id")?, window_start: row.time("window_start")? };
        take_off(&mut tx, replica_id, key, i64::MAX).await?;
    }
    tx.commit().await
}

/// Takes at most `amount` off a replica's slice, and as much off what its allowance has lent.
pub(super) async fn take_off(
    tx: &mut Measurement,
    replica_id: ReplicaId,
    key: SliceKey,
    amount: i64,
) -> Result<()> {
    // The counter first: leases lock in the same order.
    if locked(tx, key).await?.is_none() {
        return Ok(());
    }
    let slice = tx
        .row(
            "select amount from allowance_slices \
             where allowance_id = $1 and window_start = $2 and replica_id = $3 for update",
            args![key.allowance_id, key.window_start, replica_id],
        )
        .await?;
    let Some(slice) = slice else { return Ok(()) };
    let taken = amount.min(slice.int("amount")?).max(0);
    tx.run(
        "update allowance_counters set leased = leased - $3 where allowance_id = $1 and window_start = $2",
        args![key.allowance_id, key.window_start, taken],
    )
    .await?;
    tx.run(
        "update allowance_slices set amount = amount - $4 \
         where allowance_id = $1 and window_start = $2 and replica_id = $3",
        args![key.allowance_id, key.window_start, replica_id, taken],
    )
    .await?;
    tx.run(
        "delete from allowance_slices where allowance_id = $1 and window_start = $2 and replica_id = $3 and amount = 0",
        args![key.allowance_id, key.window_start, replica_id],
    )
    .await?;
    Ok(())
}

async fn locked(tx: &mut Measurement, key: SliceKey) -> Result<Option<Counter>> {
    let row = tx
        .row(
            "select settled, leased from allowance_counters where allowance_id = $1 and window_start = $2 for update",
            args![key.allowance_id, key.window_start],
        )
        .await?;
    row.map(|row| Ok(Counter { settled: row.int("settled")?, leased: row.int("leased")? })).transpose()
}
