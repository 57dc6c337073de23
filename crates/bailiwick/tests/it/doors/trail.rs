//! Whatever changes something is written down once, where it belongs; whatever is refused changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use domain::routes::Surface;
use serde_json::Value;

use super::aims::{Aim, aims, table};
use super::callers::{Caller, Credential, sign};
use super::company::{BESIDE, Company};
use super::things::Relation;
use crate::rows::Rows;
use crate::server::Answer;
use crate::world::Browser;

/// Writes that are not written down: they change nothing that is kept.
const UNRECORDED: [&str; 1] = ["/account/theme"];

/// What a refused call may write into: the trail and the feed of it.
const TRAIL: [&str; 4] = ["audit_records", "audit_heads", "events", "feed_head"];

/// A record, as far as it is compared.
#[derive(Clone, Debug, PartialEq)]
struct Record {
    verb: String,
    organization: String,
}

struct Trail {
    rows: Rows,
}

impl Trail {
    async fn length(&self) -> usize {
        self.rows.count("audit_records").await
    }

    /// The records that an answered call wrote, and the verbs of others that came meanwhile: those of refusals that
    /// were counted in a minute that has passed.
    async fn of(&self, length: usize, answer: &Answer) -> (Vec<Record>, BTreeSet<String>) {
        let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let request_id = answer.headers["x-request-id"].to_str().unwrap();
        let rows = self.rows.beyond("audit_records", length).await;
        let (of_call, others): (Vec<&Value>, Vec<&Value>) =
            rows.iter().partition(|row| text(row, "actor").contains(request_id));
        let record =
            |row: &Value| Record { verb: text(row, "verb"), organization: text(row, "organization_id") };
        (of_call.into_iter().map(record).collect(), others.into_iter().map(|row| text(row, "verb")).collect())
    }

    /// Everything that somebody decided.
    async fn state(&self) -> BTreeMap<String, Vec<String>> {
        let others: Vec<&str> = TRAIL.into_iter().chain(BESIDE).collect();
        self.rows.all_but(&others, &["last_used_at", "seen_at"]).await
    }
}

fn recorded(surface: Surface) -> impl Iterator<Item = Aim> {
    aims(surface)
        .into_iter()
        .filter(|aim| aim.route.audit.is_some() && !aim.route.path.starts_with("/setup/"))
}

/// The Admin, signed in anew, and an organization member without a project; each with a credential that was not used
/// yet, so that refusals of an earlier one are not counted with theirs.
async fn fresh(company: &Company, surface: Surface, name: &'static str) -> Caller {
    let acme = &company.world.acme;
    let user_id = if name == "admin" { &acme.user_id } else { &company.people[name].user_id };
    let credential = match surface {
        Surface::Console => Credential::Browser(company.world.browser(user_id).await),
        _ => Credential::Key(company.world.admin_key(acme, user_id).await),
    };
    Caller::new(name, user_id, credential)
}

/// In whose chain the record of a success belongs.
async fn chain_of(company: &Company, trail: &Trail, aim: &Aim) -> String {
    if aim.route.audit == Some(domain::audit::Verb::OrganizationCreated) {
        let organizations = trail.rows.of("organizations").await;
        return organizations.last().unwrap()["id"].as_str().unwrap().to_owned();
    }
    company.world.acme.organization_id.clone()
}

async fn success_is_written_down(company: &Company, trail: &Trail, aim: &Aim) -> Option<String> {
    let caller = fresh(company, aim.route.surface, aim.by).await;
    let values = company.values(aim, &caller, |_| Relation::Own).await;
    let length = trail.length().await;
    let answer = company.send_with(aim, &caller, &values).await;
    if sign(aim, &answer) != '+' {
        return Some(format!("{}: was not let through: {}", aim.name(), answer.body));
    }
    let (mut records, others) = trail.of(length, &answer).await;
    if aim.is_public() {
        // Whoever comes in by a link is signed in by it, which is a change of its own.
        records.pop_if(|record| record.verb == "login.succeeded" && record.verb != verb(aim));
    }
    let wanted = Record { verb: verb(aim), organization: chain_of(company, trail, aim).await };
    company.forget(aim, Relation::Own).await;
    company.bring_back(aim).await;
    let is_right = records == [wanted.clone()] && is_only_refusals(&others);
    (!is_right).then(|| format!("{}: wrote {records:?} and {others:?}, not {wanted:?}", aim.name()))
}

fn verb(aim: &Aim) -> String {
    aim.route.audit.map(|verb| verb.name().to_owned()).unwrap_or_default()
}

fn is_only_refusals(verbs: &BTreeSet<String>) -> bool {
    verbs.iter().all(|verb| verb == "attempt.refused")
}

/// Callers who may not, each with a fresh credential, and in which relation they try.
async fn intruders(company: &Company, surface: Surface) -> Vec<(Caller, Relation)> {
    let stranger = fresh(company, surface, "no-project").await;
    let admin = fresh(company, surface, "admin").await;
    let mut unproven = fresh(company, surface, "admin").await;
    if let Credential::Browser(browser) = &mut unproven.credential {
        *browser = Browser { csrf: String::new(), ..browser.clone() };
    }
    vec![(stranger, Relation::Own), (admin, Relation::Foreign), (unproven, Relation::Own)]
}

/// Two calls alike of each who may not: one record of the first, and nothing is changed by either. How often the second
/// was counted with the first rather than written down too, as it is when a minute begins in between.
async fn refusals_are_written_down(company: &Company, trail: &Trail, aim: &Aim) -> (Vec<String>, usize) {
    let mut tries = Vec::new();
    for (caller, relation) in intruders(company, aim.route.surface).await {
        let values = company.values(aim, &caller, |_| relation).await;
        tries.push((caller, values));
    }
    let (mut wrong, mut counted) = (Vec::new(), 0);
    let mut state = trail.state().await;
    for (caller, values) in tries {
        let length = trail.length().await;
        let answer = company.send_with(aim, &caller, &values).await;
        if !['3', '4'].contains(&sign(aim, &answer)) {
            state = trail.state().await;
            continue;
        }
        let organization = company.world.acme.organization_id.clone();
        let wanted = [Record { verb: "attempt.refused".to_owned(), organization }];
        let (first, others) = trail.of(length, &answer).await;
        let again = company.send_with(aim, &caller, &values).await;
        let (second, more) = trail.of(length, &again).await;
        let is_told = first == wanted && is_only_refusals(&others) && is_only_refusals(&more);
        if !is_told || !(second.is_empty() || second == wanted) {
            wrong.push(format!("{} as {}: wrote {first:?}, then {second:?}", aim.name(), caller.name));
        }
        counted += usize::from(second.is_empty());
    }
    if trail.state().await != state {
        wrong.push(format!("{}: refused, and yet something changed", aim.name()));
    }
    company.bring_back(aim).await;
    (wrong, counted)
}

/// A body that cannot be: nothing is written down and nothing changed. Whether it was refused.
async fn nonsense_is_forgotten(company: &Company, trail: &Trail, aim: &Aim) -> Result<bool, String> {
    let caller = fresh(company, aim.route.surface, "admin").await;
    let values = company.values(aim, &caller, |_| Relation::Own).await;
    let body = match aim.body.strip_prefix('?') {
        Some(pairs) => {
            let names = pairs.split('&').map(|pair| format!("{}=%01", pair.split('=').next().unwrap()));
            format!("?{}", names.collect::<Vec<_>>().join("&"))
        }
        None => "[\"nonsense\"]".to_owned(),
    };
    let aim = Aim { body, ..aim.clone() };
    let (length, state) = (trail.length().await, trail.state().await);
    let answer = company.send_with(&aim, &caller, &values).await;
    let (records, others) = trail.of(length, &answer).await;
    // A form's nonsense where an id should be is an id that never was: an attempt.
    let is_attempt = sign(&aim, &answer) == '4';
    if !is_attempt && sign(&aim, &answer) != '0' {
        return Ok(false);
    }
    let is_told =
        records.is_empty() || (is_attempt && records.len() == 1 && records[0].verb == "attempt.refused");
    match is_told && is_only_refusals(&others) && trail.state().await == state {
        true => Ok(true),
        false => {
            Err(format!("{}: a body that was refused wrote {records:?} or changed something", aim.name()))
        }
    }
}

async fn company_with_trail() -> (Company, Trail) {
    let company = Company::new().await;
    let rows = Rows::open(&company.world.database).await;
    (company, Trail { rows })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_success_writes_one_record_of_its_rows_verb_into_its_organizations_chain() {
    let (company, trail) = company_with_trail().await;
    let mut wrong = Vec::new();
    for aim in recorded(Surface::Api).chain(recorded(Surface::Console)) {
        wrong.extend(success_is_written_down(&company, &trail, &aim).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_changes_nothing_and_is_written_down_once() {
    let (company, trail) = company_with_trail().await;
    let (mut wrong, mut counted) = (Vec::new(), 0);
    for aim in recorded(Surface::Api).chain(recorded(Surface::Console)) {
        let (told, again) = refusals_are_written_down(&company, &trail, &aim).await;
        wrong.extend(told);
        counted += again;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(counted > 100, "only {counted} refusals were counted with the one before");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_refused_writes_nothing() {
    let (company, trail) = company_with_trail().await;
    let (mut wrong, mut refused, mut taken) = (Vec::new(), 0, Vec::new());
    // Signing in with nonsense is an attempt, which is written down.
    let is_tried = |aim: &Aim| !aim.body.is_empty() && aim.route.audit != Some(domain::audit::Verb::SignedIn);
    for aim in recorded(Surface::Api).chain(recorded(Surface::Console)).filter(is_tried) {
        match nonsense_is_forgotten(&company, &trail, &aim).await {
            Ok(true) => refused += 1,
            Ok(false) => taken.push(aim.name()),
            Err(told) => wrong.push(told),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(taken.is_empty(), "{refused} rows refused nonsense, but these took it: {taken:#?}");
}

#[test]
fn every_write_has_a_verb_for_the_trail() {
    let is_write = |method| method != domain::routes::Method::Get;
    let rows = table().into_iter().filter(|row| row.surface != Surface::Gateway && is_write(row.method));
    let silent: Vec<&str> = rows.filter(|row| row.audit.is_none()).map(|row| row.path).collect();
    assert_eq!(silent, UNRECORDED);
}
