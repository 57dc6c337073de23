//! A campaign as comma-separated values, for whoever has to show that it was done.

use domain::access::{Grant, RoleRef, role_title};
use domain::ids::ReviewId;
use domain::page::{Order, PageRequest};
use domain::reviews::Proposal;
use domain::time::Timestamp;
use store::{ItemFilter, Reviewed};

use crate::http::csv::Csv;
use crate::{Control, Failure};

/// How many rights are read at once.
const AT_A_TIME: i64 = 1_000;

const COLUMNS: [&str; 20] = [
    "name",
    "email",
    "joined_at",
    "role",
    "held_by",
    "project",
    "group",
    "given_at",
    "permissions",
    "used_permissions",
    "last_used_on",
    "used",
    "proposal",
    "proposed_role",
    "decision",
    "decided_role",
    "decided_by",
    "decided_at",
    "note",
    "item_id",
];

/// Every right of a campaign with its last use, what was proposed, and who decided what.
///
/// # Errors
/// `not_found`.
pub async fn export_review(control: &Control, grant: &Grant, id: ReviewId) -> Result<String, Failure> {
    control.store.review(grant, id).await?;
    let mut csv = Csv::with_head(&COLUMNS);
    let mut page = PageRequest::first(AT_A_TIME, Order::Ascending);
    loop {
        let found = control.store.review_items(grant, id, ItemFilter::default(), &page).await?;
        found.items.iter().for_each(|reviewed| csv.row(&row(reviewed)));
        page.after = found.items.last().map(|reviewed| reviewed.item.id.to_string());
        if !found.has_more {
            return Ok(csv.into_text());
        }
    }
}

fn row(Reviewed { item, decider }: &Reviewed) -> [String; 20] {
    let title = |role: RoleRef| role_title(role).to_owned();
    let used: Vec<_> =
        item.right.permissions.iter().filter(|permission| item.uses.of(*permission).is_some()).collect();
    let names: Vec<_> = used.iter().map(|permission| permission.name()).collect();
    let proposed = match item.proposal {
        Proposal::Reduce(role) => title(role),
        _ => String::new(),
    };
    let decided = item.decided.as_ref();
    [
        item.holder.name.clone(),
        item.holder.email.clone(),
        item.holder.joined_at.to_string(),
        item.names.role.clone(),
        item.right.source.name().to_owned(),
        item.names.project.clone(),
        item.names.group.clone(),
        item.right.given_at.to_string(),
        item.right.permissions.iter().count().to_string(),
        names.len().to_string(),
        item.uses.latest().map(day).unwrap_or_default(),
        names.join(" "),
        item.proposal.name().to_owned(),
        proposed,
        decided.map(|decided| decided.decision.name().to_owned()).unwrap_or_default(),
        decided.and_then(|decided| decided.role).map(title).unwrap_or_default(),
        decider.as_ref().map(|user| user.email.clone()).unwrap_or_default(),
        decided.map(|decided| decided.at.to_string()).unwrap_or_default(),
        decided.map(|decided| decided.note.clone()).unwrap_or_default(),
        item.id.to_string(),
    ]
}

/// The day alone: a use is noted no finer.
fn day(at: Timestamp) -> String {
    at.to_string().split('T').next().unwrap_or_default().to_owned()
}
