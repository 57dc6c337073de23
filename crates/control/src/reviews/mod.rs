//! Access reviews: open a campaign over everybody's rights, keep or reduce each, close it.

pub mod api;
//CONSOLE
mod export;
//PAGES
mod reduce;

use std::collections::HashMap;

use domain::Error;
use domain::access::Grant;
use domain::audit::{AuditEntry, Verb};
use domain::ids::{ProjectId, ReviewId, ReviewItemId, UserId};
use domain::page::{Page, PageRequest};
use domain::reviews::{Decided, Decision, Evidence, Holder, Item, Names, Review, Right, Use};
use domain::text;
use domain::time::Timestamp;
use serde_json::{Value, json};
use store::{Change, ItemFilter, OpenedReview, Reviewed};

use crate::approvals::person;
use crate::projects::organization_of;
use crate::{Control, Failure};

pub use export::export_review;

/// So many rights fit into one campaign.
const MOST_RIGHTS: usize = 50_000;

/// Opens a campaign: a picture of every right that lasts of every member, with its last uses and what is proposed.
///
/// # Errors
/// `invalid_name`, `invalid_due_date`; conflict `too_many_rights`.
pub async fn open_review(
    control: &Control,
    grant: &Grant,
    name: &str,
    due_at: Option<Timestamp>,
) -> Result<OpenedReview, Failure> {
    let at = control.now();
    let review = Review {
        id: ReviewId::mint(control.ambient.as_ref()),
        organization_id: organization_of(grant)?,
        name: Review::checked(name, due_at, at)?,
        opened_by: Some(person(grant)?.user_id),
        opened_at: at,
        due_at,
        closed_by: None,
        closed_at: None,
    };
    // What this replica noted a moment ago counts too.
    control.flush_uses().await?;
    let items = picture(control, grant, &review).await?;
    let mut change = control.change(grant).await?;
    change.insert_review(&review, &items).await?;
    let proposed = items.iter().filter(|item| item.proposal.is_change()).count();
    let entry = AuditEntry::new(Verb::ReviewOpened, review.id).after(json!({
        "name": review.name, "due_at": due_at.map(Timestamp::unix_seconds), "items": items.len(),
        "proposed": proposed,
    }));
    control.commit(change, entry).await?;
    Ok(control.store.review(grant, review.id).await?)
}

/// Every right as it is now, person by person, with what is proposed about it.
async fn picture(control: &Control, grant: &Grant, review: &Review) -> Result<Vec<Item>, Failure> {
    let rights = control.store.rights_of_everybody(grant).await?;
    if rights.len() > MOST_RIGHTS {
        let sentence = format!("A review holds at most {MOST_RIGHTS} rights; there are {}.", rights.len());
        return Err(Error::conflict("too_many_rights", sentence).into());
    }
    let at = review.opened_at;
    let mut uses: HashMap<UserId, Vec<Use>> = grouped(control.store.uses(grant).await?);
    let mut keys: HashMap<UserId, Vec<ProjectId>> =
        grouped(control.store.projects_of_own_keys(grant, at).await?);
    let noted_since = control.store.uses_noted_since().await?;
    // Ids in the order of the list, so that a walk along the ids goes person by person.
    let first = control.ambient.random_u128() >> 32 << 32;
    let mut items = Vec::with_capacity(rights.len());
    for of_one in rights.chunk_by(|(one, ..), (next, ..)| one.user_id == next.user_id) {
        let Some((holder, ..)) = of_one.first() else { continue };
        let theirs: Vec<Right> = of_one.iter().map(|(_, right, _)| right.clone()).collect();
        let evidence = Evidence {
            rights: &theirs,
            uses: &uses.remove(&holder.user_id).unwrap_or_default(),
            keys_in: &keys.remove(&holder.user_id).unwrap_or_default(),
            known_since: holder.joined_at.max(noted_since),
        };
        for (holder, right, names) in of_one {
            let id = ReviewItemId::from_parts(at, first + items.len() as u128);
            items.push(item(id, review, (holder, right, names), &evidence));
        }
    }
    Ok(items)
}

fn item(
    id: ReviewItemId,
    review: &Review,
    (holder, right, names): (&Holder, &Right, &Names),
    evidence: &Evidence<'_>,
) -> Item {
    let (uses, proposal) = evidence.judge(right, review.opened_at);
    let (holder, right, names) = (holder.clone(), right.clone(), names.clone());
    Item { id, review_id: review.id, holder, right, names, uses, proposal, decided: None }
}

fn grouped<T>(pairs: Vec<(UserId, T)>) -> HashMap<UserId, Vec<T>> {
    let mut groups: HashMap<UserId, Vec<T>> = HashMap::new();
    for (user, value) in pairs {
        groups.entry(user).or_default().push(value);
    }
    groups
}

/// Campaigns.
///
/// # Errors
/// `store_unavailable`.
pub async fn list_reviews(
    control: &Control,
    grant: &Grant,
    page: &PageRequest,
) -> Result<Page<OpenedReview>, Failure> {
    Ok(control.store.reviews(grant, page).await?)
}

/// One campaign with how far it is.
///
/// # Errors
/// `not_found`.
pub async fn read_review(control: &Control, grant: &Grant, id: ReviewId) -> Result<OpenedReview, Failure> {
    Ok(control.store.review(grant, id).await?)
}

/// Rights of a campaign, person by person.
///
/// # Errors
/// `not_found`.
pub async fn list_items(
    control: &Control,
    grant: &Grant,
    id: ReviewId,
    filter: ItemFilter,
    page: &PageRequest,
) -> Result<Page<Reviewed>, Failure> {
    control.store.review(grant, id).await?;
    Ok(control.store.review_items(grant, id, filter, page).await?)
}

/// A right of a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemRef {
    /// The campaign.
    pub review_id: ReviewId,
    /// The right in it.
    pub id: ReviewItemId,
}

/// Decides that a right stays.
///
/// # Errors
/// `not_found`; `own_rights`; conflicts `item_decided`, `review_closed`.
pub async fn keep(control: &Control, grant: &Grant, which: ItemRef, note: &str) -> Result<Item, Failure> {
    let note = text::free(note, "note")?;
    let mut change = control.change(grant).await?;
    let item = decidable(&mut change, grant, which).await?;
    let decided =
        Decided { decision: Decision::Kept, role: None, note, by: person(grant)?.user_id, at: change.at() };
    decide(control, change, item, decided).await
}

/// Reduces a right, then and there, in the change that records it: to the role that is wanted, to nothing for `none`,
/// or to what is proposed.
///
/// # Errors
/// `not_found`; `own_rights`; those of `Item::reduced_to`; `wider_than_giver`, `higher_rank`; conflicts
/// `item_decided`, `review_closed`, `right_changed`, `last_admin`, `last_owner`, `accountable_owner_kept`.
pub async fn reduce(
    control: &Control,
    grant: &Grant,
    which: ItemRef,
    wanted: Option<&str>,
    note: &str,
) -> Result<Item, Failure> {
    let note = text::free(note, "note")?;
    let mut change = control.change(grant).await?;
    let item = decidable(&mut change, grant, which).await?;
    let role = item.reduced_to(wanted)?;
    reduce::apply(&mut change, grant, &item, role).await?;
    let decided =
        Decided { decision: Decision::Reduced, role, note, by: person(grant)?.user_id, at: change.at() };
    decide(control, change, item, decided).await
}

/// A right about which the caller may decide now; rights of the organization stand still from here to the commit.
async fn decidable(change: &mut Change, grant: &Grant, which: ItemRef) -> Result<Item, Failure> {
    change.lock_memberships(grant).await?;
    let review = change.lock_review(grant, which.review_id).await?;
    let item = change.lock_review_item(grant, which.review_id, which.id).await?;
    item.decide(person(grant)?.user_id)?;
    review.is_open()?;
    Ok(item)
}

async fn decide(
    control: &Control,
    mut change: Change,
    item: Item,
    decided: Decided,
) -> Result<Item, Failure> {
    change.write_decision(item.id, &decided).await?;
    let entry = AuditEntry {
        project_id: item.right.project_id,
        ..AuditEntry::new(Verb::ReviewDecided, item.id).before(facts(&item)).after(json!({
            "decision": decided.decision.name(), "role": decided.role.map(|role| role.to_string()),
            "note": decided.note,
        }))
    };
    control.commit(change, entry).await?;
    Ok(Item { decided: Some(decided), ..item })
}

/// Closes a campaign; what is undecided stays so.
///
/// # Errors
/// `not_found`; conflict `review_closed`.
pub async fn close_review(control: &Control, grant: &Grant, id: ReviewId) -> Result<OpenedReview, Failure> {
    let mut change = control.change(grant).await?;
    change.lock_memberships(grant).await?;
    let review = change.lock_review(grant, id).await?;
    review.is_open()?;
    change.close_review(id, Some(person(grant)?.user_id)).await?;
    let progress = control.store.review(grant, id).await?.progress;
    let entry = AuditEntry::new(Verb::ReviewClosed, id).after(json!({
        "name": review.name, "kept": progress.kept, "reduced": progress.reduced,
        "undecided": progress.undecided,
    }));
    control.commit(change, entry).await?;
    Ok(control.store.review(grant, id).await?)
}

/// What the trail keeps of a right.
fn facts(item: &Item) -> Value {
    json!({
        "review_id": item.review_id, "user_id": item.holder.user_id, "email": item.holder.email,
        "source": item.right.source.name(), "role": item.right.role.to_string(),
        "group_id": item.right.group_id, "proposal": item.proposal.name(),
    })
}
