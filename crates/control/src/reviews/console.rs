//! The console's rows of access reviews.

use domain::access::{Permission, role_title};
use domain::audit::Verb;
use domain::ids::{ReviewId, ReviewItemId};
use domain::organizations::Feature;
use domain::page::Order;
use domain::reviews::{Decision, Item, Proposal, Source, smaller_roles};
use domain::routes::{Access, Method};
use domain::time::{TimeZone, Timestamp, civil};
use store::{ItemFilter, OpenedReview, Reviewed};

use super::api::{export, item_of};
use super::pages::{DecisionRow, ItemRow, ProgressBar, ReviewPage, ReviewRow, ReviewsPage, UseRow};
use super::{close_review, keep, list_items, list_reviews, open_review, read_review, reduce};
use crate::http::console;
use crate::http::figures::{Count, When, month_name};
use crate::http::shell::{Choice, Flash, Person, PickLink, Section};
use crate::projects::frame::{end_of_day, may, root, zone};
use crate::{Answer, Call, Endpoint, Failure, page};

/// How many campaigns a page shows.
const REVIEWS_PER_PAGE: i64 = 20;
/// How many rights a page shows.
const ITEMS_PER_PAGE: i64 = 50;
/// How many rights the whole of a campaign has at most, on one page for printing.
const ITEMS_MOST: i64 = 5_000;

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    let read = Access::Organization(Permission::ReviewRead);
    let manage = Access::Organization(Permission::ReviewManage);
    let one = "/o/{slug}/reviews/{review_id}";
    vec![
        page(Method::Get, "/o/{slug}/reviews", "reviews_page", "Access reviews.")
            .needs(read)
            .part_of(Feature::AccessReviews)
            .to(reviews_page),
        page(Method::Post, "/o/{slug}/reviews", "open_review_form", "Open an access review.")
            .needs(manage)
            .part_of(Feature::AccessReviews)
            .audited(Verb::ReviewOpened)
            .to(open),
        page(Method::Get, one, "review_page", "An access review with its rights.")
            .needs(read)
            .part_of(Feature::AccessReviews)
            .to(review_page),
        page(
            Method::Get,
            "/o/{slug}/reviews/{review_id}/export",
            "export_review_file",
            "The whole review as comma-separated values.",
        )
        .needs(read)
        .part_of(Feature::AccessReviews)
        .to(export),
        page(
            Method::Post,
            "/o/{slug}/reviews/{review_id}/close",
            "close_review_form",
            "Close an access review.",
        )
        .needs(manage)
        .part_of(Feature::AccessReviews)
        .audited(Verb::ReviewClosed)
        .to(close),
        page(
            Method::Post,
            "/o/{slug}/reviews/{review_id}/items/{item_id}/keep",
            "keep_right_form",
            "Decide that somebody else's right stays.",
        )
        .needs(manage)
        .part_of(Feature::AccessReviews)
        .audited(Verb::ReviewDecided)
        .to(keep_one),
        page(
            Method::Post,
            "/o/{slug}/reviews/{review_id}/items/{item_id}/reduce",
            "reduce_right_form",
            "Reduce somebody else's right.",
        )
        .needs(manage)
        .part_of(Feature::AccessReviews)
        .audited(Verb::ReviewDecided)
        .to(reduce_one),
    ]
}

async fn reviews_page(call: Call) -> Result<Answer, Failure> {
    reviews_page_with(&call, None).await
}

async fn reviews_page_with(call: &Call, flash: Option<Flash>) -> Result<Answer, Failure> {
    let mut shell = console::shell(call, "Access reviews", Section::Reviews).await?;
    shell.flashes.extend(flash);
    let zone = zone(call).await?;
    let older = call.query.page::<ReviewId>(REVIEWS_PER_PAGE, REVIEWS_PER_PAGE, Order::Descending)?;
    let found = list_reviews(&call.control, &call.grant, &older).await?;
    let last = found.items.last().filter(|_| found.has_more).map(|one| one.review.id.to_string());
    let form = call.form();
    let (year, month, ..) = civil(call.at, &zone);
    let page = ReviewsPage {
        reviews: found.items.into_iter().map(|one| review_row(one, call.at, &zone)).collect(),
        next_href: last.map(|after| format!("{}/reviews?after={after}", shell.root())),
        can_manage: may(call, Permission::ReviewManage),
        name: form.one("name").map_or(format!("Access in {} {year}", month_name(month)), str::to_owned),
        due_on: form.text("due_on").to_owned(),
        shell,
    };
    console::page(&page)
}

fn review_row(opened: OpenedReview, at: Timestamp, zone: &TimeZone) -> ReviewRow {
    let OpenedReview { review, progress, opener, closer } = opened;
    let count = |number: i64| u64::try_from(number).unwrap_or_default();
    ReviewRow {
        id: review.id.to_string(),
        opener: opener.map(|user| user.name).unwrap_or_default(),
        opened_at: When::day(review.opened_at, zone),
        due_at: review.due_at.map(|at| When::day(at, zone)),
        is_overdue: review.closed_at.is_none() && review.due_at.is_some_and(|due_at| due_at < at),
        closed_at: review.closed_at.map(|at| When::day(at, zone)),
        closer: closer.map(|user| user.name).unwrap_or_default(),
        progress: ProgressBar {
            items: count(progress.items),
            kept: count(progress.kept),
            reduced: count(progress.reduced),
        },
        proposed: Count(count(progress.proposed)),
        name: review.name,
    }
}

async fn open(call: Call) -> Result<Answer, Failure> {
    let (form, zone) = (call.form(), zone(&call).await?);
    let due_at = end_of_day(form.text("due_on"), &zone);
    match open_review(&call.control, &call.grant, form.text("name"), due_at).await {
        Ok(opened) => {
            let to = format!("{}/reviews/{}", root(&call), opened.review.id);
            Ok(console::done(&call, &to, "Opened. Nothing changes until somebody decides."))
        }
        Err(failure) => reviews_page_with(&call, Some(console::refusal(failure)?)).await,
    }
}

/// What can be shown of a campaign: the word in the address, the words for people, the filter.
const SHOWS: [(&str, &str, ItemFilter); 3] = [
    ("", "To decide", ItemFilter { undecided: true, proposed: false }),
    ("proposed", "Proposed, to decide", ItemFilter { undecided: true, proposed: true }),
    ("all", "All", ItemFilter { undecided: false, proposed: false }),
];

async fn review_page(call: Call) -> Result<Answer, Failure> {
    let id: ReviewId = call.path("review_id")?;
    let opened = read_review(&call.control, &call.grant, id).await?;
    let shell = console::shell(&call, &opened.review.name, Section::Reviews).await?;
    let zone = zone(&call).await?;
    let is_closed = opened.review.closed_at.is_some();
    let word = call.query.one("show").unwrap_or(if is_closed { "all" } else { "" });
    let show = SHOWS.iter().find(|(name, ..)| *name == word).unwrap_or(&SHOWS[0]);
    let rows = if call.query.flag("whole")?.unwrap_or(false) { ITEMS_MOST } else { ITEMS_PER_PAGE };
    let next = call.query.page::<ReviewItemId>(rows, rows, Order::Ascending)?;
    let found = list_items(&call.control, &call.grant, id, show.2, &next).await?;
    let is_part = found.has_more || next.after.is_some();
    let last = found.items.last().filter(|_| found.has_more).map(|one| one.item.id.to_string());
    let address = format!("{}/reviews/{id}", shell.root());
    let shown = |name: &str| format!("{address}?show={name}");
    let viewer = call.actor()?.user_id;
    let page = ReviewPage {
        review: review_row(opened, call.at, &zone),
        shows: SHOWS
            .iter()
            .map(|(name, label, _)| PickLink { href: shown(name), label, is_here: *name == show.0 })
            .collect(),
        items: found
            .items
            .into_iter()
            .map(|one| ItemRow { is_own: one.item.holder.user_id == viewer, ..item_row(one, &zone) })
            .collect(),
        next_href: last.map(|after| format!("{}&after={after}", shown(show.0))),
        whole_href: is_part.then(|| format!("{}&whole=true", shown(show.0))),
        can_manage: may(&call, Permission::ReviewManage),
        shell,
    };
    console::page(&page)
}

fn item_row(reviewed: Reviewed, zone: &TimeZone) -> ItemRow {
    let Reviewed { item, decider } = reviewed;
    let (proposal, tone) = match item.proposal {
        Proposal::Keep => ("keep".to_owned(), "good"),
        Proposal::Reduce(role) => (format!("make {}", role_title(role)), "warn"),
        Proposal::Remove => ("take away".to_owned(), "warn"),
        Proposal::TooNew => ("too new to tell".to_owned(), ""),
    };
    let uses = use_rows(&item);
    let decided = item.decided.as_ref().map(|decided| {
        let (what, tone) = match (decided.decision, decided.role) {
            (Decision::Kept, _) => ("kept".to_owned(), "good"),
            (Decision::Reduced, Some(role)) => (format!("now {}", role_title(role)), "info"),
            (Decision::Reduced, None) => ("taken away".to_owned(), "info"),
        };
        let by = decider.map(|user| user.name).unwrap_or_default();
        DecisionRow { what, tone, by, at: When::minute(decided.at, zone), note: decided.note.clone() }
    });
    ItemRow {
        id: item.id.to_string(),
        given_at: When::day(item.right.given_at, zone),
        used: uses.iter().filter(|row| row.used_on.is_some()).count(),
        given: uses.len(),
        last_used_on: item.uses.latest().map(|at| When::day(at, &TimeZone::utc())),
        smaller: smaller(&item),
        person: Person { name: item.holder.name, email: item.holder.email },
        role: item.names.role,
        project: item.names.project,
        group: item.names.group,
        uses,
        proposal,
        tone,
        decided,
        is_own: false,
    }
}

/// Used permissions first, newest first; days are noted in UTC.
fn use_rows(item: &Item) -> Vec<UseRow> {
    let mut uses: Vec<_> =
        item.right.permissions.iter().map(|permission| (item.uses.of(permission), permission)).collect();
    uses.sort_by_key(|(day, _)| std::cmp::Reverse(*day));
    let utc = TimeZone::utc();
    uses.into_iter()
        .map(|(day, permission)| UseRow {
            permission: permission.name(),
            used_on: day.map(|at| When::day(at, &utc)),
        })
        .collect()
}

/// What a right can be reduced to.
fn smaller(item: &Item) -> Vec<Choice> {
    let selected = match item.proposal {
        Proposal::Reduce(role) => role.to_string(),
        _ => "none".to_owned(),
    };
    let roles = smaller_roles(&item.right).into_iter().rev();
    let mut pairs: Vec<_> = roles.map(|(role, _)| (role.to_string(), role_title(role).to_owned())).collect();
    if item.right.source != Source::Membership {
        pairs.push(("none".to_owned(), "nothing: take it away".to_owned()));
    }
    Choice::list(&pairs, &selected)
}

/// Back to where the form was, which says what was done or why not.
fn back(call: &Call, done: Result<&str, Failure>) -> Result<Answer, Failure> {
    let address = format!("{}/reviews/{}", root(call), call.path_text("review_id"));
    let form = call.form();
    console::back(call, console::own_path(form.text("return_to"), &address), done)
}

async fn keep_one(call: Call) -> Result<Answer, Failure> {
    let form = call.form();
    let done = keep(&call.control, &call.grant, item_of(&call)?, form.text("note")).await;
    back(&call, done.map(|_| "Kept."))
}

async fn reduce_one(call: Call) -> Result<Answer, Failure> {
    let form = call.form();
    let done = reduce(&call.control, &call.grant, item_of(&call)?, form.one("role"), form.text("note")).await;
    back(&call, done.map(|_| "Reduced. It is in effect."))
}

async fn close(call: Call) -> Result<Answer, Failure> {
    let done = close_review(&call.control, &call.grant, call.path("review_id")?).await;
    back(&call, done.map(|_| "Closed."))
}
