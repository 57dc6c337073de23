//! Hand-overs on the wire: `/v1/organization/handovers`.

use domain::Error;
use domain::access::Permission;
use domain::audit::Verb;
use domain::handovers::State;
use domain::ids::{HandoverId, ProjectId};
use domain::page::Order;
use domain::routes::{Access, Method};
use domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::{HandoverFilter, NamedHandover};

use super::{Decision, decide_handover, list_handovers, read_handover};
use crate::approvals::api::PersonJson;
use crate::{Answer, Call, Endpoint, Failure, ListJson, api};

/// Something that lost its owner.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct HandoverJson {
    /// Its id.
    pub id: String,
    /// Always `organization.handover`.
    pub object: String,
    /// What it is about: `service_account`, `api_key` or `project`.
    pub kind: String,
    /// The id of that.
    pub subject_id: String,
    /// Its name.
    pub subject_name: String,
    /// The project that it belongs to, or is.
    pub project_id: String,
    /// The project's name.
    pub project_name: String,
    /// Who owned it; null where they are not known any more.
    pub from_user: Option<PersonJson>,
    /// Why they do not any more: `left`, `removed`, `suspended` or `left_project`.
    pub cause: String,
    /// `open`, `resolved`, `ended`, `expired` or `returned`.
    pub state: String,
    /// Since when, in Unix seconds.
    pub opened_at: i64,
    /// Until when it goes on without an owner, in Unix seconds.
    pub due_at: i64,
    /// Who owns it now, once it is resolved.
    pub to_user: Option<PersonJson>,
    /// Who decided; null for what happened by itself.
    pub closed_by: Option<String>,
    /// When it was decided, or its deadline passed, in Unix seconds.
    pub closed_at: Option<i64>,
}

impl From<NamedHandover> for HandoverJson {
    fn from(named: NamedHandover) -> Self {
        let handover = named.handover;
        Self {
            id: handover.id.to_string(),
            object: "organization.handover".to_owned(),
            kind: handover.subject.kind().to_owned(),
            subject_id: handover.subject.id(),
            subject_name: named.subject_name,
            project_id: handover.project_id.to_string(),
            project_name: named.project_name,
            from_user: named.from.map(PersonJson::from),
            cause: handover.cause.name().to_owned(),
            state: handover.state.name().to_owned(),
            opened_at: handover.opened_at.unix_seconds(),
            due_at: handover.due_at.unix_seconds(),
            to_user: named.to.map(PersonJson::from),
            closed_by: handover.closed_by.map(|id| id.to_string()),
            closed_at: handover.closed_at.map(Timestamp::unix_seconds),
        }
    }
}

/// What becomes of it: name another owner, or end it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DecisionJson {
    /// The id of its new owner: for keys somebody who has keys in the project, for a project any member.
    pub owner_id: Option<String>,
    /// True ends it: keys are revoked, a service account is deleted, a project archived.
    pub end: Option<bool>,
}

impl DecisionJson {
    fn read(self) -> Result<Decision, Error> {
        match (self.owner_id, self.end) {
            (Some(id), None | Some(false)) => {
                Ok(Decision::GiveTo(id.parse().map_err(|_| Error::Hidden { what: "user" })?))
            }
            (None, Some(true)) => Ok(Decision::End),
            _ => {
                let sentence = "Give either the owner_id of its new owner, or end: true.";
                Err(Error::invalid_param("decision_required", "owner_id", sentence))
            }
        }
    }
}

/// Which hand-overs to list.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "the fields are read by name from the query; this is their schema")]
pub struct HandoversQuery {
    /// Of this project alone.
    project_id: Option<String>,
    /// `open`, `resolved`, `ended`, `expired` or `returned`.
    state: Option<String>,
    /// The cursor after which the page starts: the `last_id` of the page before.
    after: Option<String>,
    /// 1 to 100; 20 when absent.
    limit: Option<i64>,
    /// `asc` or `desc`; newest first when absent.
    order: Option<String>,
}

/// The filter that a query asks for.
pub(super) fn filter(call: &Call) -> Result<HandoverFilter, Failure> {
    let project_id = match call.query.one("project_id") {
        Some(text) => Some(text.parse::<ProjectId>().map_err(|_| Error::Hidden { what: "project" })?),
        None => None,
    };
    let unknown =
        || Error::invalid_param("invalid_state", "state", "Use open, resolved, ended, expired or returned.");
    let state = match call.query.one("state") {
        Some(word) => Some(State::parse(word).ok_or_else(unknown)?),
        None => None,
    };
    Ok(HandoverFilter { project_id, state })
}

/// The rows of this noun.
pub fn endpoints() -> Vec<Endpoint> {
    const LIST: &str = "/v1/organization/handovers";
    const ONE: &str = "/v1/organization/handovers/{handover_id}";
    const RESOLVE: &str = "/v1/organization/handovers/{handover_id}/resolve";
    vec![
        api(Method::Get, LIST, "list_handovers", "List what lost its owner, in the projects within reach.")
            .needs(Access::Organization(Permission::HandoverRead))
            .query::<HandoversQuery>()
            .answer::<ListJson<HandoverJson>>()
            .to(list),
        api(Method::Get, ONE, "read_handover", "Read one hand-over.")
            .needs(Access::Organization(Permission::HandoverRead))
            .answer::<HandoverJson>()
            .to(read),
        api(
            Method::Post,
            RESOLVE,
            "resolve_handover",
            "Give what lost its owner to somebody else, or end it.",
        )
        .needs(Access::Organization(Permission::HandoverResolve))
        .audited(Verb::HandoverResolved)
        .body::<DecisionJson>()
        .answer::<HandoverJson>()
        .to(resolve),
    ]
}

async fn list(call: Call) -> Result<Answer, Failure> {
    let page = call.query.page::<HandoverId>(20, 100, Order::Descending)?;
    let found = list_handovers(&call.control, &call.grant, filter(&call)?, &page).await?;
    Ok(Answer::json(ListJson::of(found.map(HandoverJson::from), |handover| &handover.id)))
}

async fn read(call: Call) -> Result<Answer, Failure> {
    let found = read_handover(&call.control, &call.grant, call.path("handover_id")?).await?;
    Ok(Answer::json(HandoverJson::from(found)))
}

async fn resolve(call: Call) -> Result<Answer, Failure> {
    let id: HandoverId = call.path("handover_id")?;
    let decision = call.json::<DecisionJson>()?.read()?;
    let decided = decide_handover(&call.control, &call.grant, id, decision).await?;
    Ok(Answer::json(HandoverJson::from(decided)))
}
