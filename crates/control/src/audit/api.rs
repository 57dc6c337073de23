//! The wire of the audit trail: `/v1/organization/audit_logs` and `/v1/organization/audit_events`.

use std::collections::BTreeMap;

use domain::Error;
use domain::access::Permission;
use domain::audit::{AuditActor, AuditRecord, Verb};
use domain::ids::AuditId;
use domain::page::{Order, Page, invalid_cursor};
use domain::routes::{Access, Method};
use domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::audit::{AuditCursor, AuditFilter};

use super::{audit_records, project_names};
use crate::{Answer, Call, Endpoint, Failure, ListJson, api};

/// An event that the compatible API has a name for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuditLogJson {
    /// Its id.
    pub id: String,
    /// Always `organization.audit_log`.
    pub object: String,
    /// What was done; the property of this name says more.
    #[serde(rename = "type")]
    pub kind: String,
    /// When, in Unix seconds.
    pub effective_at: i64,
    /// In which project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectNameJson>,
    /// Who: `session` or `api_key`; null for the system itself.
    pub actor: Option<Value>,
    /// One property named by the type.
    #[serde(flatten)]
    pub details: BTreeMap<String, Value>,
}

/// A project's id and name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectNameJson {
    /// Its id.
    pub id: String,
    /// The name people read.
    pub name: String,
}

/// One record of the trail, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuditEventJson {
    /// Its id.
    pub id: String,
    /// Always `organization.audit_event`.
    pub object: String,
    /// What was done: `noun.verb`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When, in Unix seconds.
    pub effective_at: i64,
    /// Its place in the organization's chain, from 1.
    pub sequence: i64,
    /// Who: kind, id, email, credential, address, user agent, request id.
    pub actor: Value,
    /// The id of what it was done to.
    pub target_id: String,
    /// In which project.
    pub project_id: Option<String>,
    /// What held before, without secrets.
    pub before: Value,
    /// What holds after, without secrets.
    pub after: Value,
    /// For how many alike attempts it stands.
    pub count: i64,
    /// The hash of the record before.
    pub previous_hash: String,
    /// The hash of this record.
    pub hash: String,
}

impl From<AuditRecord> for AuditEventJson {
    fn from(record: AuditRecord) -> Self {
        Self {
            id: record.id.to_string(),
            object: "organization.audit_event".to_owned(),
            kind: record.entry.verb.name().to_owned(),
            effective_at: record.at.unix_seconds(),
            sequence: record.sequence,
            actor: json!(record.actor),
            target_id: record.entry.target_id,
            project_id: record.entry.project_id.map(|id| id.to_string()),
            before: record.entry.before,
            after: record.entry.after,
            count: record.count,
            previous_hash: record.previous_hash,
            hash: record.hash,
        }
    }
}

/// Which records are wanted; lists may be repeated or bracketed.
#[derive(Deserialize, JsonSchema)]
pub struct AuditQuery {
    /// Of these types.
    pub event_types: Option<Vec<String>>,
    /// In these projects.
    pub project_ids: Option<Vec<String>>,
    /// By these users.
    pub actor_ids: Option<Vec<String>>,
    /// By users of these addresses.
    pub actor_emails: Option<Vec<String>>,
    /// About these things.
    pub resource_ids: Option<Vec<String>>,
    /// A range in Unix seconds: `effective_at[gt]`, `[gte]`, `[lt]`, `[lte]`.
    pub effective_at: Option<BTreeMap<String, i64>>,
    /// The id after which the page starts.
    pub after: Option<String>,
    /// The id before which the page ends.
    pub before: Option<String>,
    /// How many, 1 to 100; 20 when absent.
    pub limit: Option<i64>,
}

fn range(call: &Call) -> Result<(Option<Timestamp>, Option<Timestamp>), Error> {
    let second = |name| call.query.number(name);
    // Moments are kept to the microsecond and told in seconds: "after second n" begins with second n + 1.
    let next = |seconds: Option<i64>| seconds.map(|seconds| seconds.saturating_add(1));
    let from = second("effective_at[gte]")?.max(next(second("effective_at[gt]")?));
    let (below, up_to) = (second("effective_at[lt]")?, next(second("effective_at[lte]")?));
    let until = below.into_iter().chain(up_to).min();
    Ok((from.map(Timestamp::from_unix_seconds), until.map(Timestamp::from_unix_seconds)))
}

fn cursor(call: &Call) -> Result<AuditCursor, Error> {
    let id = |name: &'static str| {
        let Some(text) = call.query.one(name) else { return Ok(None) };
        text.parse::<AuditId>().map(|id| Some(id.to_string())).map_err(|_| invalid_cursor(name))
    };
    Ok(match (id("after")?, id("before")?) {
        (Some(after), _) => AuditCursor::After(after),
        (None, Some(before)) => AuditCursor::Before(before),
        (None, None) => AuditCursor::Newest,
    })
}

/// The verbs of these types, by the words of one of the two lists.
fn verbs(types: &[String], word: impl Fn(Verb) -> Option<&'static str>) -> Vec<String> {
    let is_wanted = |verb: &Verb| {
        word(*verb).is_some_and(|name| types.is_empty() || types.iter().any(|wanted| wanted == name))
    };
    let found: Vec<String> =
        Verb::ALL.iter().copied().filter(is_wanted).map(|verb| verb.name().to_owned()).collect();
    // An empty list would mean any.
    if found.is_empty() { vec!["none".to_owned()] } else { found }
}

async fn read(call: &Call, word: fn(Verb) -> Option<&'static str>) -> Result<Page<AuditRecord>, Failure> {
    let limit = call.query.page::<AuditId>(20, 100, Order::Descending)?.limit;
    let (from, until) = range(call)?;
    let filter = AuditFilter {
        verbs: verbs(&call.query.many("event_types"), word),
        project_ids: call.query.many("project_ids"),
        actor_ids: call.query.many("actor_ids"),
        actor_emails: call.query.many("actor_emails"),
        target_ids: call.query.many("resource_ids"),
        from,
        until,
    };
    audit_records(&call.control, &call.grant, &filter, &cursor(call)?, limit).await
}

async fn list_audit_events(call: Call) -> Result<Answer, Failure> {
    let page = read(&call, |verb| Some(verb.name())).await?;
    Ok(Answer::json(ListJson::of(page.map(AuditEventJson::from), |event| &event.id)))
}

async fn list_audit_logs(call: Call) -> Result<Answer, Failure> {
    let page = read(&call, Verb::openai).await?;
    let names = project_names(&call.control, &call.grant, &page.items).await?;
    let list = page.map(|record| {
        let kind = record.entry.verb.openai().unwrap_or(record.entry.verb.name()).to_owned();
        let project = record.entry.project_id.and_then(|id| {
            names.get(&id).map(|name| ProjectNameJson { id: id.to_string(), name: name.clone() })
        });
        AuditLogJson {
            id: record.id.to_string(),
            object: "organization.audit_log".to_owned(),
            effective_at: record.at.unix_seconds(),
            project,
            actor: actor(&record.actor),
            details: BTreeMap::from([(kind.clone(), details(&kind, &record))]),
            kind,
        }
    });
    Ok(Answer::json(ListJson::of(list, |log| &log.id)))
}

/// The actor in the compatible shape; none for the system itself.
fn actor(actor: &AuditActor) -> Option<Value> {
    let user = json!({ "id": actor.id, "email": actor.email.clone().unwrap_or_default() });
    match (actor.kind.as_str(), actor.credential_kind.as_str()) {
        ("user", "admin_key") => Some(json!({
            "type": "api_key",
            "api_key": { "id": actor.credential_id, "type": "user", "user": user },
        })),
        ("user", _) => Some(json!({
            "type": "session",
            "session": { "user": user, "ip_address": actor.address, "user_agent": actor.user_agent },
        })),
        _ => None,
    }
}

/// What the compatible API says of an event: created things with `data`, changed ones with `changes_requested`, and
/// roles flat.
fn details(kind: &str, record: &AuditRecord) -> Value {
    let mut details = Map::from_iter([("id".to_owned(), json!(record.entry.target_id))]);
    let entry = &record.entry;
    let (_, act) = kind.rsplit_once('.').unwrap_or(("", kind));
    match (kind, act) {
        ("role.created" | "role.assignment.created", _) => details.extend(fields(&entry.after, &FLAT)),
        ("role.assignment.deleted", _) => details.extend(fields(&entry.before, &FLAT)),
        (_, "created" | "added" | "sent") => {
            details.insert("data".to_owned(), told(kind, &entry.after));
        }
        (_, "updated") => {
            details.insert("changes_requested".to_owned(), told(kind, &entry.after));
        }
        (_, "failed") => {
            details.insert("error_code".to_owned(), json!("invalid_credentials"));
            details.insert("error_message".to_owned(), json!("The sign-in was refused."));
        }
        _ => {}
    }
    Value::Object(details)
}

/// What is told of roles, and of roles given and taken.
const FLAT: [&str; 8] = [
    "role_name",
    "permissions",
    "resource_id",
    "resource_type",
    "principal_id",
    "principal_type",
    "principal_name",
    "role_ids",
];

/// What is told of other things as it is kept.
const AS_KEPT: [&str; 8] = [
    "email",
    "group_name",
    "role_name",
    "description",
    "permissions_added",
    "permissions_removed",
    "resource_id",
    "resource_type",
];

fn fields(kept: &Value, names: &[&str]) -> Map<String, Value> {
    let field = |name: &&str| Some(((*name).to_owned(), kept.get(*name)?.clone()));
    names.iter().filter_map(field).collect()
}

/// The fields that the compatible API knows, in its words.
fn told(kind: &str, after: &Value) -> Value {
    let mut told = fields(after, &AS_KEPT);
    if let Some(name) = after.get("name").and_then(Value::as_str) {
        told.insert("name".to_owned(), json!(name));
        told.insert("title".to_owned(), json!(name));
    }
    if let Some(scopes) = after.get("scopes").filter(|scopes| scopes.is_array()) {
        told.insert("scopes".to_owned(), scopes.clone());
    }
    if let Some(role) = after.get("role").and_then(Value::as_str) {
        let is_owner = matches!(role, "admin" | "owner");
        let other = if kind.starts_with("service_account") { "member" } else { "reader" };
        told.insert("role".to_owned(), json!(if is_owner { "owner" } else { other }));
    }
    Value::Object(told)
}

/// The rows of this noun.
pub fn endpoints() -> Vec<Endpoint> {
    const LOGS: &str = "/v1/organization/audit_logs";
    const EVENTS: &str = "/v1/organization/audit_events";
    let read = Access::Organization(Permission::AuditRead);
    vec![
        api(
            Method::Get,
            LOGS,
            "list_audit_logs",
            "List the events that have a compatible name, newest first.",
        )
        .needs(read)
        .query::<AuditQuery>()
        .answer::<ListJson<AuditLogJson>>()
        .to(list_audit_logs),
        api(Method::Get, EVENTS, "list_audit_events", "List every record of the audit trail, newest first.")
            .needs(read)
            .query::<AuditQuery>()
            .answer::<ListJson<AuditEventJson>>()
            .to(list_audit_events),
    ]
}
