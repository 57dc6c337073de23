//! Approvals on the wire: `/v1/organization/approvals`.

use domain::Error;
use domain::access::Permission;
use domain::approvals::{Kind, State};
use domain::audit::Verb;
use domain::ids::ApprovalId;
use domain::members::User;
use domain::page::Order;
use domain::routes::{Access, Method};
use domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{ApprovalFilter, AskedApproval};

use super::{approve, list_approvals, person, read_approval, refuse, withdraw};
use crate::{Answer, Call, Endpoint, Failure, ListJson, api};

/// A person who did something.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PersonJson {
    /// The user's id.
    pub id: String,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
}

impl From<User> for PersonJson {
    fn from(user: User) -> Self {
        Self { id: user.id.to_string(), name: user.name, email: user.email }
    }
}

/// Who may decide: whoever holds a permission in a place.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DeciderJson {
    /// The permission.
    pub permission: String,
    /// The project in which it is to be held; null for the organization.
    pub project_id: Option<String>,
}

/// A request that needs a second person.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ApprovalJson {
    /// Its id.
    pub id: String,
    /// Always `organization.approval`.
    pub object: String,
    /// `elevation`, `project_creation`, `allowance_raise` or `change`.
    pub kind: String,
    /// `pending`, `approved`, `refused`, `withdrawn` or `expired`.
    pub state: String,
    /// What was asked for; its fields are those of the kind. For an elevation `role` and `duration_seconds`; for a
    /// project `project` and the `project_id` that it will have; for a raise `allowance_id`, `amount`, `ends_at`; for a
    /// change `change`, `project_id`, `environment`, `risk`.
    pub asked: Value,
    /// The same in words.
    pub summary: String,
    /// Why.
    pub reason: String,
    /// Who asked.
    pub requested_by: PersonJson,
    /// The id of what it is about: the person who gets a role, the allowance, the project to be changed; of a project
    /// that is asked for its name.
    pub subject_id: String,
    /// Who may decide.
    pub decider: DeciderJson,
    /// When it was asked for, in Unix seconds.
    pub created_at: i64,
    /// Until when it can be decided, in Unix seconds.
    pub expires_at: i64,
    /// Who decided; null while it waits.
    pub decided_by: Option<PersonJson>,
    /// When, in Unix seconds.
    pub decided_at: Option<i64>,
    /// What they said.
    pub note: String,
    /// When what was carried out ends by itself, in Unix seconds; null for what lasts.
    pub ends_at: Option<i64>,
    /// When it ended, early or by itself, in Unix seconds.
    pub ended_at: Option<i64>,
    /// Whether what was carried out is in force now.
    pub in_force: bool,
}

impl ApprovalJson {
    /// An approval as it is at a moment.
    pub fn of(asked: AskedApproval, at: Timestamp) -> Self {
        let AskedApproval { approval, requester, decider } = asked;
        Self {
            id: approval.id.to_string(),
            object: "organization.approval".to_owned(),
            kind: approval.asked.kind().name().to_owned(),
            state: approval.state_at(at).name().to_owned(),
            asked: approval.asked.payload(),
            summary: approval.asked.words(),
            in_force: approval.is_in_force(at),
            reason: approval.reason,
            requested_by: requester.into(),
            subject_id: approval.subject_id,
            decider: DeciderJson {
                permission: approval.decider.permission.name().to_owned(),
                project_id: approval.decider.project_id.map(|id| id.to_string()),
            },
            created_at: approval.created_at.unix_seconds(),
            expires_at: approval.expires_at.unix_seconds(),
            decided_by: decider.map(PersonJson::from),
            decided_at: approval.decided_at.map(Timestamp::unix_seconds),
            note: approval.note,
            ends_at: approval.ends_at.map(Timestamp::unix_seconds),
            ended_at: approval.ended_at.map(Timestamp::unix_seconds),
        }
    }
}

/// What somebody says when they decide.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct NoteJson {
    /// At most 2,000 characters.
    pub note: Option<String>,
}

/// Which requests to list.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "the fields are read by name from the query; this is their schema")]
pub struct ApprovalsQuery {
    /// `pending`, `approved`, `refused`, `withdrawn` or `expired`.
    state: Option<String>,
    /// `elevation`, `project_creation`, `allowance_raise` or `change`.
    kind: Option<String>,
    /// Only one's own.
    mine: Option<bool>,
    /// The cursor after which the page starts: the `last_id` of the page before.
    after: Option<String>,
    /// 1 to 100; 20 when absent.
    limit: Option<i64>,
    /// `asc` or `desc`; newest first when absent.
    order: Option<String>,
}

/// The rows of this noun.
pub fn endpoints() -> Vec<Endpoint> {
    const LIST: &str = "/v1/organization/approvals";
    const ONE: &str = "/v1/organization/approvals/{approval_id}";
    vec![
        api(
            Method::Get,
            LIST,
            "list_approvals",
            "List what waits, or waited, for a second person: one's own requests, with approval.read all.",
        )
        .needs(Access::Organization(Permission::OrganizationRead))
        .query::<ApprovalsQuery>()
        .answer::<ListJson<ApprovalJson>>()
        .to(list),
        api(Method::Get, ONE, "read_approval", "Read one request.")
            .needs(Access::Organization(Permission::OrganizationRead))
            .answer::<ApprovalJson>()
            .to(read),
        api(
            Method::Post,
            "/v1/organization/approvals/{approval_id}/approve",
            "approve",
            "Approve what somebody else asked for; it is carried out at once, within the rights of both.",
        )
        .needs(Access::Organization(Permission::ApprovalDecide))
        .audited(Verb::ApprovalGiven)
        .body::<NoteJson>()
        .answer::<ApprovalJson>()
        .to(approve_one),
        api(
            Method::Post,
            "/v1/organization/approvals/{approval_id}/refuse",
            "refuse",
            "Refuse what somebody else asked for.",
        )
        .needs(Access::Organization(Permission::ApprovalDecide))
        .audited(Verb::ApprovalRefused)
        .body::<NoteJson>()
        .answer::<ApprovalJson>()
        .to(refuse_one),
        api(
            Method::Post,
            "/v1/organization/approvals/{approval_id}/withdraw",
            "withdraw",
            "Take one's own request back.",
        )
        .needs(Access::Organization(Permission::ElevationRequest))
        .audited(Verb::ApprovalWithdrawn)
        .answer::<ApprovalJson>()
        .to(withdraw_one),
    ]
}

async fn list(call: Call) -> Result<Answer, Failure> {
    let page = call.query.page::<ApprovalId>(20, 100, Order::Descending)?;
    let is_mine = call.query.flag("mine")?.unwrap_or_default();
    let filter = ApprovalFilter {
        state: word(&call, "state", State::parse)?,
        kind: word(&call, "kind", Kind::parse)?,
        requested_by: if is_mine { Some(person(&call.grant)?.user_id) } else { None },
    };
    let found = list_approvals(&call.control, &call.grant, filter, &page).await?;
    let found = found.map(|asked| ApprovalJson::of(asked, call.at));
    Ok(Answer::json(ListJson::of(found, |approval| &approval.id)))
}

/// A word of the query out of a closed list.
fn word<T>(
    call: &Call,
    name: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, Error> {
    let Some(text) = call.query.one(name) else { return Ok(None) };
    let unknown = || Error::invalid_param("invalid_filter", name, "There is no such word to filter by.");
    parse(text).map(Some).ok_or_else(unknown)
}

async fn read(call: Call) -> Result<Answer, Failure> {
    let found = read_approval(&call.control, &call.grant, call.path("approval_id")?).await?;
    Ok(Answer::json(ApprovalJson::of(found, call.at)))
}

async fn approve_one(call: Call) -> Result<Answer, Failure> {
    let body: NoteJson = call.json()?;
    let note = body.note.unwrap_or_default();
    let done = approve(&call.control, &call.grant, call.path("approval_id")?, &note).await?;
    Ok(Answer::json(ApprovalJson::of(done, call.at)))
}

async fn refuse_one(call: Call) -> Result<Answer, Failure> {
    let body: NoteJson = call.json()?;
    let note = body.note.unwrap_or_default();
    let done = refuse(&call.control, &call.grant, call.path("approval_id")?, &note).await?;
    Ok(Answer::json(ApprovalJson::of(done, call.at)))
}

async fn withdraw_one(call: Call) -> Result<Answer, Failure> {
    let done = withdraw(&call.control, &call.grant, call.path("approval_id")?).await?;
    Ok(Answer::json(ApprovalJson::of(done, call.at)))
}
