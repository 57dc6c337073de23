//! The audit trail of one organization, from where it begins to its head.

use domain::audit::ChainWalk;

use super::{Report, STEP};
use crate::args;
use crate::audit::read_audit_record;
use crate::dialect::Tx;
use crate::error::{Error, Result};
use crate::retention::{ANCHOR, Anchor, Said, Sealed};

const BROKEN: &str = "an unbroken chain";

/// The trail is whole, from its first record, or from the last that was purged, to its head. What it says of the last
/// purges is what is there: else somebody could cut the trail, or change sums that no record proves any more.
pub(super) async fn chain(
    tx: &mut Tx,
    organization: &str,
    sealed: Sealed,
    report: &mut Report,
) -> Result<()> {
    let anchor = tx.rows(ANCHOR, &args![organization]).await?;
    let anchor = anchor.first().map(Anchor::read).transpose()?;
    let Some(said) = walk(tx, organization, anchor.as_ref(), report).await? else { return Ok(()) };
    if said.anchor != anchor {
        let told = |anchor: &Option<Anchor>| anchor.as_ref().map_or(0, |anchor| anchor.sequence);
        report.tell(organization, "audit_anchor", organization, (told(&said.anchor), told(&anchor)));
    }
    if said.sealed != sealed {
        let told = |sealed: Sealed| format!("{sealed:?}");
        report.tell(organization, "sealed_usage", organization, (told(said.sealed), told(sealed)));
    }
    Ok(())
}

/// Walks the chain; none where it is broken.
async fn walk(
    tx: &mut Tx,
    organization: &str,
    anchor: Option<&Anchor>,
    report: &mut Report,
) -> Result<Option<Said>> {
    let mut walk = anchor
        .map_or_else(ChainWalk::default, |anchor| ChainWalk::behind(anchor.sequence, anchor.hash.clone()));
    let (mut said, mut after) = (Said::default(), 0);
    loop {
        let rows = tx
            .rows(
                "select id, organization_id, sequence, at, actor, verb, target_id, project_id, before_json, \
                 after_json, count, previous_hash, hash from audit_records \
                 where organization_id = $1 and sequence > $2 order by sequence limit $3",
                &args![organization, after, STEP],
            )
            .await?;
        for row in &rows {
            after = row.int("sequence")?;
            let record = match read_audit_record(row) {
                Ok(record) => record,
                Err(Error::Corrupt(context)) => {
                    report.tell(organization, "audit_chain", after, ("a readable record", context));
                    return Ok(None);
                }
                Err(error) => return Err(error),
            };
            report.audit_records += 1;
            if let Err(broken) = walk.step(&record) {
                report.tell(organization, "audit_chain", broken.sequence, (BROKEN, broken.reason));
                return Ok(None);
            }
            said.hear(&record);
        }
        if rows.len() < usize::try_from(STEP).unwrap_or(usize::MAX) {
            break;
        }
    }
    let head = tx
        .rows("select sequence, hash from audit_heads where organization_id = $1", &args![organization])
        .await?;
    let (sequence, hash) = match head.first() {
        Some(row) => (row.int("sequence")?, row.text("hash")?),
        None => (0, String::new()),
    };
    // A trail of which there is nothing, not even a head.
    if after == 0 && head.is_empty() && anchor.is_none() {
        return Ok(Some(said));
    }
    if let Err(broken) = walk.finish(sequence, &hash) {
        report.tell(organization, "audit_chain", broken.sequence, (BROKEN, broken.reason));
        return Ok(None);
    }
    Ok(Some(said))
}
