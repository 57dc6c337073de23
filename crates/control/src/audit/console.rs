//! The console's row of the audit trail.

use domain::access::Permission;
use domain::audit::{AuditRecord, Verb};
use domain::page::{Order, PageRequest};
use domain::routes::{Access, Method};
use domain::time::{TimeZone, Timestamp};
use serde_json::Value;
use store::audit::{AuditCursor, AuditFilter};

use super::pages::{AuditPage, AuditRow};
use super::{audit_records, name_in};
use crate::http::console;
use crate::http::figures::When;
use crate::http::shell::{Choice, Section};
use crate::{Answer, Call, Endpoint, Failure, page};

/// How many records a page shows.
const RECORDS_PER_PAGE: i64 = 50;
/// How many members the filter offers.
const MOST_ACTORS: i64 = 500;

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        page(Method::Get, "/o/{slug}/audit", "audit_page", "The audit trail.")
            .needs(Access::Organization(Permission::AuditRead))
            .to(audit_page),
    ]
}

async fn audit_page(call: Call) -> Result<Answer, Failure> {
    let shell = console::shell(&call, "Audit", Section::Audit).await?;
    let zone = call.control.store.organization(&call.grant).await?.time_zone;
    let text = |name: &str| call.query.text(name).to_owned();
    let (actor, verb, from, to, after) =
        (text("actor"), text("verb"), text("from"), text("to"), text("after"));
    let some = |word: &String| if word.is_empty() { Vec::new() } else { vec![word.clone()] };
    let filter = AuditFilter {
        verbs: some(&verb),
        actor_ids: some(&actor),
        from: day(&from),
        until: day(&to).map(|at| at.plus_micros(domain::time::DAY)),
        ..AuditFilter::default()
    };
    let cursor = if after.is_empty() { AuditCursor::Newest } else { AuditCursor::After(after) };
    let found = audit_records(&call.control, &call.grant, &filter, &cursor, RECORDS_PER_PAGE).await?;
    let last = found.items.last().filter(|_| found.has_more).map(|record| record.id.to_string());
    let next_href = last.map(|after| {
        let pairs = [("actor", &actor), ("verb", &verb), ("from", &from), ("to", &to), ("after", &after)];
        format!("{}/audit?{}", shell.root(), serde_urlencoded::to_string(pairs).unwrap_or_default())
    });
    let mut verbs = vec![("", "All")];
    verbs.extend(Verb::ALL.iter().map(|verb| (verb.name(), verb.name())));
    let page = AuditPage {
        actors: actors(&call, &actor).await?,
        verbs: Choice::list(&verbs, &verb),
        from,
        to,
        records: found.items.into_iter().map(|record| row(record, &zone)).collect(),
        next_href,
        shell,
    };
    console::page(&page)
}

/// The start of a day of UTC, written `2026-11-24`; nothing for what is no day.
fn day(text: &str) -> Option<Timestamp> {
    format!("{text}T00:00:00Z")
        .parse::<jiff::Timestamp>()
        .ok()
        .map(|at| Timestamp::from_unix_seconds(at.as_second()))
}

async fn actors(call: &Call, selected: &str) -> Result<Vec<Choice>, Failure> {
    let all = PageRequest { after: None, limit: MOST_ACTORS, order: Order::Ascending };
    let members = call.control.store.members(&call.grant, Vec::new(), &all).await?.items;
    let mut pairs = vec![(String::new(), "Everybody".to_owned())];
    pairs.extend(members.into_iter().map(|member| (member.user.id.to_string(), member.user.email)));
    Ok(Choice::list(&pairs, selected))
}

fn row(record: AuditRecord, zone: &TimeZone) -> AuditRow {
    let (actor, entry) = (record.actor, record.entry);
    let named = name_in(&entry.after).or_else(|| name_in(&entry.before)).map(str::to_owned);
    AuditRow {
        id: record.id.to_string(),
        at: When::minute(record.at, zone),
        actor: actor.email.unwrap_or(actor.id),
        credential: actor.credential_kind.replace('_', " "),
        verb: entry.verb.name().to_owned(),
        target: named.unwrap_or(entry.target_id),
        is_refused: matches!(entry.verb, Verb::AttemptRefused | Verb::SignInFailed),
        address: actor.address.unwrap_or_default(),
        request_id: actor.request_id.unwrap_or_default(),
        before: indented(&entry.before),
        after: indented(&entry.after),
    }
}

fn indented(value: &Value) -> String {
    if value.is_null() { String::new() } else { serde_json::to_string_pretty(value).unwrap_or_default() }
}
