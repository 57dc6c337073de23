//! Access reviews on the wire: `/v1/organization/reviews`.

use bytes::Bytes;
use domain::access::{Permission, RoleRef};
use domain::audit::Verb;
use domain::ids::{ReviewId, ReviewItemId};
use domain::organizations::Feature;
use domain::page::Order;
use domain::reviews::{Decided, Item, Proposal};
use domain::routes::{Access, Method};
use domain::time::Timestamp;
use http::{StatusCode, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{ItemFilter, OpenedReview};

use super::{
    ItemRef, close_review, export_review, keep, list_items, list_reviews, open_review, read_review, reduce,
};
use crate::approvals::api::{NoteJson, PersonJson};
use crate::http::list_query::OrderedListQuery;
use crate::{Answer, Call, Endpoint, Failure, ListJson, api};

/// A campaign that reviews everybody's rights.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ReviewJson {
    /// Its id.
    pub id: String,
    /// Always `organization.access_review`.
    pub object: String,
    /// The name people read.
    pub name: String,
    /// `open` or `closed`.
    pub state: String,
    /// Who opened it.
    pub opened_by: Option<PersonJson>,
    /// When it opened, in Unix seconds: the moment of which it is a picture.
    pub opened_at: i64,
    /// By when it is to be done, in Unix seconds.
    pub due_at: Option<i64>,
    /// Who closed it.
    pub closed_by: Option<PersonJson>,
    /// When, in Unix seconds.
    pub closed_at: Option<i64>,
    /// How many rights it holds.
    pub items: i64,
    /// About how many of them nothing is decided.
    pub undecided: i64,
    /// For how many of them something smaller was proposed.
    pub proposed: i64,
    /// How many were kept.
    pub kept: i64,
    /// How many were reduced.
    pub reduced: i64,
}

impl From<OpenedReview> for ReviewJson {
    fn from(OpenedReview { review, progress, opener, closer }: OpenedReview) -> Self {
        Self {
            id: review.id.to_string(),
            object: "organization.access_review".to_owned(),
            state: if review.closed_at.is_some() { "closed" } else { "open" }.to_owned(),
            name: review.name,
            opened_by: opener.map(PersonJson::from),
            opened_at: review.opened_at.unix_seconds(),
            due_at: review.due_at.map(Timestamp::unix_seconds),
            closed_by: closer.map(PersonJson::from),
            closed_at: review.closed_at.map(Timestamp::unix_seconds),
            items: progress.items,
            undecided: progress.undecided,
            proposed: progress.proposed,
            kept: progress.kept,
            reduced: progress.reduced,
        }
    }
}

/// A role, project or group by id and name.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct NamedJson {
    /// Its id.
    pub id: String,
    /// Its name when the campaign opened.
    pub name: String,
}

/// When a permission of a right was last used.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct UsedPermissionJson {
    /// The permission.
    pub permission: String,
    /// The start of the day on which it was last used, in Unix seconds; null when it never was.
    pub last_used_at: Option<i64>,
}

/// One right of one person in a campaign.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ReviewItemJson {
    /// Its id.
    pub id: String,
    /// Always `organization.access_review.item`.
    pub object: String,
    /// Whose right it is.
    pub user: PersonJson,
    /// Since when they are a member, in Unix seconds.
    pub joined_at: i64,
    /// The role.
    pub role: NamedJson,
    /// The project in which it holds; null for the organization.
    pub project: Option<NamedJson>,
    /// `membership`, `project_membership`, `assignment` or `group`.
    pub source: String,
    /// The group through which it is held.
    pub group: Option<NamedJson>,
    /// Who gave it, by id; null for the system.
    pub given_by: Option<String>,
    /// When, in Unix seconds.
    pub given_at: i64,
    /// Every permission of the role with its last use.
    pub permissions: Vec<UsedPermissionJson>,
    /// `keep`, `reduce`, `remove`, or `too_new` where there is nothing to go by yet.
    pub proposal: String,
    /// The id of the smaller role that is proposed.
    pub proposed_role: Option<String>,
    /// `kept` or `reduced`; null while nothing is decided.
    pub decision: Option<String>,
    /// The id of the smaller role that was given; null where the right stayed or went.
    pub decided_role: Option<String>,
    /// Who decided, by id.
    pub decided_by: Option<String>,
    /// When, in Unix seconds.
    pub decided_at: Option<i64>,
    /// What they said.
    pub note: String,
}

impl From<Item> for ReviewItemJson {
    fn from(item: Item) -> Self {
        let Item { holder, right, names, uses, proposal, decided, .. } = item;
        let of = |decided: &Option<Decided>, value: fn(&Decided) -> Option<String>| {
            decided.as_ref().and_then(value)
        };
        let proposed_role = match proposal {
            Proposal::Reduce(role) => Some(role.to_string()),
            _ => None,
        };
        let used = right.permissions.iter().map(|permission| UsedPermissionJson {
            permission: permission.name().to_owned(),
            last_used_at: uses.of(permission).map(Timestamp::unix_seconds),
        });
        Self {
            id: item.id.to_string(),
            object: "organization.access_review.item".to_owned(),
            user: PersonJson { id: holder.user_id.to_string(), name: holder.name, email: holder.email },
            joined_at: holder.joined_at.unix_seconds(),
            permissions: used.collect(),
            role: NamedJson { id: right.role.to_string(), name: names.role },
            project: right.project_id.map(|id| NamedJson { id: id.to_string(), name: names.project }),
            source: right.source.name().to_owned(),
            group: right.group_id.map(|id| NamedJson { id: id.to_string(), name: names.group }),
            given_by: right.given_by.map(|id| id.to_string()),
            given_at: right.given_at.unix_seconds(),
            proposal: proposal.name().to_owned(),
            proposed_role,
            decision: of(&decided, |one| Some(one.decision.name().to_owned())),
            decided_role: of(&decided, |one| one.role.map(|role: RoleRef| role.to_string())),
            decided_by: of(&decided, |one| Some(one.by.to_string())),
            decided_at: decided.as_ref().map(|one| one.at.unix_seconds()),
            note: decided.map(|one| one.note).unwrap_or_default(),
        }
    }
}

/// What opening a campaign takes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct NewReviewJson {
    /// The name people read.
    pub name: String,
    /// By when it is to be done, in Unix seconds.
    pub due_at: Option<i64>,
}

/// What reducing a right takes.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct ReductionJson {
    /// The smaller role, by id or exact word such as `member`; `none` takes the right away. What is proposed when absent.
    pub role: Option<String>,
    /// At most 2,000 characters.
    pub note: Option<String>,
}

/// Which rights of a campaign to list.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "the fields are read by name from the query; this is their schema")]
pub struct ItemsQuery {
    /// Only those about which nothing is decided.
    undecided: Option<bool>,
    /// Only those for which something smaller is proposed.
    proposed: Option<bool>,
    /// The cursor after which the page starts: the `last_id` of the page before.
    after: Option<String>,
    /// 1 to 100; 20 when absent.
    limit: Option<i64>,
}

/// The rows of this noun.
pub fn endpoints() -> Vec<Endpoint> {
    let read = Access::Organization(Permission::ReviewRead);
    let manage = Access::Organization(Permission::ReviewManage);
    const LIST: &str = "/v1/organization/reviews";
    let rows = [
        api(Method::Get, LIST, "list_reviews", "List access reviews.")
            .needs(read)
            .query::<OrderedListQuery>()
            .answer::<ListJson<ReviewJson>>()
            .part_of(Feature::AccessReviews)
            .to(list),
        api(Method::Post, LIST, "open_review", "Open an access review: a picture of everybody's rights.")
            .needs(manage)
            .audited(Verb::ReviewOpened)
            .body::<NewReviewJson>()
            .answer::<ReviewJson>()
            .part_of(Feature::AccessReviews)
            .to(open),
        api(
            Method::Get,
            "/v1/organization/reviews/{review_id}",
            "read_review",
            "Read how far an access review is.",
        )
        .needs(read)
        .answer::<ReviewJson>()
        .part_of(Feature::AccessReviews)
        .to(read_one),
        api(
            Method::Post,
            "/v1/organization/reviews/{review_id}/close",
            "close_review",
            "Close an access review; what is undecided stays so.",
        )
        .needs(manage)
        .audited(Verb::ReviewClosed)
        .answer::<ReviewJson>()
        .part_of(Feature::AccessReviews)
        .to(close),
        api(
            Method::Get,
            "/v1/organization/reviews/{review_id}/export",
            "export_review",
            "The whole review as comma-separated values.",
        )
        .needs(read)
        .part_of(Feature::AccessReviews)
        .to(export),
    ];
    rows.into_iter().chain(item_endpoints()).collect()
}

fn item_endpoints() -> [Endpoint; 3] {
    let manage = Access::Organization(Permission::ReviewManage);
    [
        api(
            Method::Get,
            "/v1/organization/reviews/{review_id}/items",
            "list_review_items",
            "List the rights of an access review, person by person.",
        )
        .needs(Access::Organization(Permission::ReviewRead))
        .query::<ItemsQuery>()
        .answer::<ListJson<ReviewItemJson>>()
        .part_of(Feature::AccessReviews)
        .to(items),
        api(
            Method::Post,
            "/v1/organization/reviews/{review_id}/items/{item_id}/keep",
            "keep_right",
            "Decide that somebody else's right stays.",
        )
        .needs(manage)
        .audited(Verb::ReviewDecided)
        .body::<NoteJson>()
        .answer::<ReviewItemJson>()
        .part_of(Feature::AccessReviews)
        .to(keep_one),
        api(
            Method::Post,
            "/v1/organization/reviews/{review_id}/items/{item_id}/reduce",
            "reduce_right",
            "Reduce somebody else's right, or take it away, then and there.",
        )
        .needs(manage)
        .audited(Verb::ReviewDecided)
        .body::<ReductionJson>()
        .answer::<ReviewItemJson>()
        .part_of(Feature::AccessReviews)
        .to(reduce_one),
    ]
}

async fn list(call: Call) -> Result<Answer, Failure> {
    let page = call.query.page::<ReviewId>(20, 100, Order::Descending)?;
    let found = list_reviews(&call.control, &call.grant, &page).await?;
    Ok(Answer::json(ListJson::of(found.map(ReviewJson::from), |review| &review.id)))
}

async fn open(call: Call) -> Result<Answer, Failure> {
    let body: NewReviewJson = call.json()?;
    let due_at = body.due_at.map(Timestamp::from_unix_seconds);
    let opened = open_review(&call.control, &call.grant, &body.name, due_at).await?;
    Ok(Answer::json(ReviewJson::from(opened)))
}

async fn read_one(call: Call) -> Result<Answer, Failure> {
    let found = read_review(&call.control, &call.grant, call.path("review_id")?).await?;
    Ok(Answer::json(ReviewJson::from(found)))
}

async fn close(call: Call) -> Result<Answer, Failure> {
    let closed = close_review(&call.control, &call.grant, call.path("review_id")?).await?;
    Ok(Answer::json(ReviewJson::from(closed)))
}

/// The file of a review.
///
/// # Errors
/// `not_found`.
pub(super) async fn export(call: Call) -> Result<Answer, Failure> {
    let id: ReviewId = call.path("review_id")?;
    let text = export_review(&call.control, &call.grant, id).await?;
    let name = format!("attachment; filename=\"access-review-{id}.csv\"");
    let answer = Answer::of(StatusCode::OK, "text/csv; charset=utf-8", Bytes::from(text));
    Ok(answer.header(header::CONTENT_DISPOSITION, &name))
}

async fn items(call: Call) -> Result<Answer, Failure> {
    let page = call.query.page::<ReviewItemId>(20, 100, Order::Ascending)?;
    let filter = ItemFilter {
        undecided: call.query.flag("undecided")?.unwrap_or_default(),
        proposed: call.query.flag("proposed")?.unwrap_or_default(),
    };
    let found = list_items(&call.control, &call.grant, call.path("review_id")?, filter, &page).await?;
    let found = found.map(|reviewed| ReviewItemJson::from(reviewed.item));
    Ok(Answer::json(ListJson::of(found, |item| &item.id)))
}

/// The right in the path.
///
/// # Errors
/// `not_found`.
pub(super) fn item_of(call: &Call) -> Result<ItemRef, Failure> {
    Ok(ItemRef { review_id: call.path("review_id")?, id: call.path("item_id")? })
}

async fn keep_one(call: Call) -> Result<Answer, Failure> {
    let body: NoteJson = call.json()?;
    let note = body.note.unwrap_or_default();
    let item = keep(&call.control, &call.grant, item_of(&call)?, &note).await?;
    Ok(Answer::json(ReviewItemJson::from(item)))
}

async fn reduce_one(call: Call) -> Result<Answer, Failure> {
    let body: ReductionJson = call.json()?;
    let note = body.note.unwrap_or_default();
    let item = reduce(&call.control, &call.grant, item_of(&call)?, body.role.as_deref(), &note).await?;
    Ok(Answer::json(ReviewItemJson::from(item)))
}
