//! The life of an organization after its beginning: suspended, closed, brought back, purged; and its export.

use std::collections::BTreeMap;

use bytes::Bytes;
use domain::Error;
use domain::access::{Grant, Task};
use domain::audit::{AuditEntry, Verb};
use domain::organizations::{Organization, PURGED_AFTER_DAYS};
use domain::time::{DAY, Timestamp};
use futures_util::stream::{self, Stream};
use serde_json::{Value, json};
use store::ExportPlace;

use crate::{Control, Failure};

/// Suspends the organization of the grant: its keys are refused, and it can only be looked at. One that stands still
/// already stays as it is.
///
/// # Errors
/// `reason_required`; `invalid_label`.
pub async fn suspend_organization(
    control: &Control,
    grant: &Grant,
    reason: &str,
) -> Result<Organization, Failure> {
    turn(control, grant, Verb::OrganizationSuspended, |before, at| before.suspended(reason, at)).await
}

/// Closes the organization of the grant: as suspended, and purged after its days. One that is closed stays as it is.
///
/// # Errors
/// `confirmation_mismatch` unless `confirm` is its name.
pub async fn close_organization(
    control: &Control,
    grant: &Grant,
    confirm: &str,
) -> Result<Organization, Failure> {
    turn(control, grant, Verb::OrganizationClosed, |before, at| before.closed(confirm, at)).await
}

/// Brings the organization of the grant back, whatever stopped it. One that is in use stays as it is.
///
/// # Errors
/// `not_found` once it is purged.
pub async fn reactivate_organization(control: &Control, grant: &Grant) -> Result<Organization, Failure> {
    turn(control, grant, Verb::OrganizationReactivated, |before, _| Ok(before.reactivated())).await
}

async fn turn(
    control: &Control,
    grant: &Grant,
    verb: Verb,
    rule: impl FnOnce(&Organization, Timestamp) -> Result<Organization, Error>,
) -> Result<Organization, Failure> {
    let mut change = control.change(grant).await?;
    let before = change.lock_organization(grant).await?;
    let after = rule(&before, change.at())?;
    if after == before {
        return Ok(before);
    }
    change.update_organization(&after).await?;
    let entry = AuditEntry::new(verb, after.id).before(standing(&before)).after(standing(&after));
    control.commit(change, entry).await?;
    Ok(after)
}

/// What the trail keeps of how an organization stands.
fn standing(organization: &Organization) -> Value {
    json!({
        "name": organization.name, "state": organization.state().name(),
        "reason": organization.suspension.as_ref().map(|suspension| &suspension.reason),
        "purge_at": organization.purge_at().map(Timestamp::unix_seconds),
    })
}

/// Purges every organization that was closed for all its days; how many those were. What other replicas purged
/// meanwhile is left out.
///
/// # Errors
/// When the store is away; what was purged before stays so.
pub async fn purge_closed_organizations(control: &Control) -> Result<usize, Failure> {
    let closed_by = control.now().plus_micros(-PURGED_AFTER_DAYS * DAY);
    let mut purged = 0;
    for id in control.store.organizations_closed_by(closed_by).await? {
        let grant = Grant::system(Task::Deadlines, Some(id));
        let mut change = control.change(&grant).await?;
        let organization = match change.lock_organization(&grant).await {
            Err(store::Error::NotFound { .. }) => continue,
            found => found?,
        };
        if !organization.is_to_be_purged(change.at()) {
            continue;
        }
        let gone: BTreeMap<&str, u64> = change.purge_organization(id).await?.into_iter().collect();
        let closed_at = organization.closed_at.map(Timestamp::unix_seconds);
        let entry = AuditEntry::new(Verb::OrganizationPurged, id).before(json!({"closed_at": closed_at}));
        control.commit(change, entry.after(json!({"removed_rows": gone}))).await?;
        purged += 1;
    }
    Ok(purged)
}

/// Everything of the grant's organization without secrets, as JSON lines that are read while they are sent. The first
/// line says what the others are, the last one how many there were: without it the export is not whole. It is no
/// picture of one moment: what changes meanwhile may be in it or not.
///
/// # Errors
/// When it cannot be written down; then there is none.
pub async fn export_organization(
    control: &Control,
    grant: &Grant,
) -> Result<impl Stream<Item = Result<Bytes, Failure>> + Send + use<>, Failure> {
    let change = control.change(grant).await?;
    let id = grant.organization_id().ok_or(Error::Hidden { what: "organization" })?;
    let head = json!({
        "object": "organization.export", "id": id, "created_at": change.at().unix_micros(), "format": 1,
        "moments": "Unix microseconds", "money": "nano-dollars",
    });
    control.commit(change, AuditEntry::new(Verb::OrganizationExported, id)).await?;
    let export = Export {
        control: control.clone(),
        grant: grant.clone(),
        place: Some(ExportPlace::default()),
        lines: 0,
        text: format!("{head}\n"),
    };
    Ok(stream::try_unfold(export, Export::next))
}

/// An export on its way.
struct Export {
    control: Control,
    grant: Grant,
    /// Where the next lines are; none behind the last.
    place: Option<ExportPlace>,
    /// How many lines of the organization there were so far.
    lines: usize,
    /// What was read and not sent yet.
    text: String,
}

impl Export {
    /// Reads until there is something to send.
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, Failure> {
        while self.text.is_empty() {
            let Some(place) = self.place.take() else { return Ok(None) };
            let read = self.control.store.export(&self.grant, place).await;
            let (lines, next) = read.inspect_err(|error| {
                tracing::error!(%error, context = error.context(), "an export was cut off");
            })?;
            self.lines += lines.len();
            self.text.extend(lines.iter().map(|line| format!("{line}\n")));
            if next.is_none() {
                let end = json!({"object": "organization.export.end", "lines": self.lines});
                self.text.push_str(&format!("{end}\n"));
            }
            self.place = next;
        }
        let text = std::mem::take(&mut self.text);
        Ok(Some((Bytes::from(text), self)))
    }
}
