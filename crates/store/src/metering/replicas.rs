//! Which processes share this store.

use domain::ids::ReplicaId;
use domain::time::Timestamp;

use crate::error::Result;
use crate::{Store, args};

/// Says that this replica is alive; repeated every second or so.
///
/// # Errors
/// `Unavailable` when the database is away.
pub async fn register_replica(store: &Store, replica_id: ReplicaId, at: Timestamp) -> Result<()> {
    let mut tx = store.measure().await?;
    tx.run(
        "insert into replicas (id, registered_at, seen_at) values ($1, $2, $2) \
         on conflict (id) do update set seen_at = excluded.seen_at",
        args![replica_id, at],
    )
    .await?;
    tx.commit().await
}

/// The replicas seen since a moment, lowest id first: from them each computes its share of in-memory limits.
///
/// # Errors
/// `Unavailable` when the database is away.
pub async fn live_replicas(store: &Store, since: Timestamp) -> Result<Vec<ReplicaId>> {
    let rows = store.rows("select id from replicas where seen_at >= $1 order by id", args![since]).await?;
    rows.iter().map(|row| row.id("id")).collect()
}
