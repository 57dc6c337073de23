//! The console's rows of hand-overs: the queue, and what becomes of each thing in it.

use std::collections::HashMap;

use domain::Error;
use domain::access::{Grant, Permission, Target, allows};
use domain::audit::Verb;
use domain::handovers::{Cause, State, Subject};
use domain::ids::{HandoverId, ProjectId};
use domain::page::{Order, PageRequest};
use domain::routes::{Access, Method};
use domain::time::TimeZone;
use store::{HandoverFilter, NamedHandover};

use super::pages::{HandoverRow, HandoversPage};
use super::{Decision, decide_handover, list_handovers};
use crate::http::console;
use crate::http::figures::When;
use crate::http::shell::{Choice, Person, Section};
use crate::projects::frame::{granted, root, zone};
use crate::{Answer, Call, Endpoint, Failure, page};

/// How many hand-overs a page shows.
const ON_A_PAGE: i64 = 50;
/// Shows every state.
const ALL: &str = "all";

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    let form = |path, operation, summary| {
        let resolve = Access::Organization(Permission::HandoverResolve);
        page(Method::Post, path, operation, summary).needs(resolve).audited(Verb::HandoverResolved)
    };
    vec![
        page(Method::Get, "/o/{slug}/handovers", "handovers_page", "What lost its owner.")
            .needs(Access::Organization(Permission::HandoverRead))
            .to(handovers_page),
        form(
            "/o/{slug}/handovers/{handover_id}/resolve",
            "resolve_handover_form",
            "Give what lost its owner to somebody else.",
        )
        .to(give),
        form("/o/{slug}/handovers/{handover_id}/end", "end_handover_form", "End what lost its owner.")
            .to(end),
    ]
}

async fn handovers_page(call: Call) -> Result<Answer, Failure> {
    let shell = console::shell(&call, "Hand-overs", Section::Handovers).await?;
    let wanted = Some(call.query.text("state")).filter(|word| !word.is_empty());
    let wanted = wanted.unwrap_or(State::Open.name());
    let filter = HandoverFilter { project_id: None, state: State::parse(wanted) };
    let after = Some(call.query.text("after").to_owned()).filter(|after| !after.is_empty());
    let request = PageRequest { after, ..PageRequest::first(ON_A_PAGE, Order::Descending) };
    let found = list_handovers(&call.control, &call.grant, filter, &request).await?;
    let last = found.items.last().filter(|_| found.has_more);
    let next_href =
        last.map(|last| format!("{}/handovers?state={wanted}&after={}", shell.root(), last.handover.id));
    let mut states: Vec<(&str, &str)> = State::ALL.map(|state| (state.name(), title(state).0)).to_vec();
    states.push((ALL, "All"));
    let (zone, mut heirs) = (zone(&call).await?, Heirs::of(&call));
    let mut handovers = Vec::new();
    for named in found.items {
        let choices = heirs.choices(&call, &named).await?;
        handovers.push(row(&call, named, choices, &zone)?);
    }
    let states = Choice::list(&states, wanted);
    console::page(&HandoversPage { shell, states, handovers, next_href })
}

/// Members to whom things can go, read once for each project.
struct Heirs {
    grant: Option<Grant>,
    by_project: HashMap<ProjectId, Vec<Choice>>,
}

impl Heirs {
    fn of(call: &Call) -> Self {
        Self { grant: granted(call, Permission::HandoverResolve), by_project: HashMap::new() }
    }

    async fn choices(&mut self, call: &Call, named: &NamedHandover) -> Result<Vec<Choice>, Failure> {
        let project = named.handover.project_id;
        let is_decided = named.handover.can_be_decided().is_err();
        let Some(grant) = self.grant.as_ref().filter(|grant| !is_decided && grant.reaches(project, None))
        else {
            return Ok(Vec::new());
        };
        if let Some(known) = self.by_project.get(&project) {
            return Ok(known.clone());
        }
        let people = call.control.store.heirs_in(grant, project).await?;
        let pair =
            |user: domain::members::User| (user.id.to_string(), format!("{} ({})", user.name, user.email));
        let pairs: Vec<(String, String)> = people.into_iter().map(pair).collect();
        let choices = Choice::list(&pairs, "");
        self.by_project.insert(project, choices.clone());
        Ok(choices)
    }
}

fn row(
    call: &Call,
    named: NamedHandover,
    heirs: Vec<Choice>,
    zone: &TimeZone,
) -> Result<HandoverRow, Failure> {
    let handover = named.handover;
    let place = format!("{}/projects/{}", root(call), handover.project_id);
    let project = Some(named.project_name);
    let (kind, href, project) = match handover.subject {
        Subject::ServiceAccount(_) => ("Service account", format!("{place}/members"), project),
        Subject::ApiKey(_) => ("API key", format!("{place}/keys"), project),
        Subject::Project(_) => ("Project", place, None),
    };
    let target = Target::Project(handover.organization_id, handover.project_id);
    let may_end = match handover.subject {
        Subject::Project(_) => allows(call.actor()?, Permission::ProjectArchive, target),
        Subject::ApiKey(_) | Subject::ServiceAccount(_) => true,
    };
    let (state, tone) = title(handover.state);
    Ok(HandoverRow {
        id: handover.id.to_string(),
        kind,
        name: named.subject_name,
        project,
        href,
        from: named.from.map(|user| Person { name: user.name, email: user.email }).unwrap_or_default(),
        cause: why(handover.cause),
        until: When::minute(handover.closed_at.unwrap_or(handover.due_at), zone),
        state,
        tone,
        to: named.to.map(|user| user.name),
        end: (may_end && !heirs.is_empty()).then(|| consequence(handover.subject)),
        heirs,
    })
}

const fn title(state: State) -> (&'static str, &'static str) {
    match state {
        State::Open => ("Waits", "warn"),
        State::Resolved => ("Given", "good"),
        State::Ended => ("Ended", ""),
        State::Expired => ("Expired", "bad"),
        State::Returned => ("Returned", "good"),
    }
}

const fn why(cause: Cause) -> &'static str {
    match cause {
        Cause::Left => "left the organization",
        Cause::Removed => "was removed",
        Cause::Suspended => "was suspended",
        Cause::LeftProject => "left the project",
    }
}

const fn consequence(subject: Subject) -> &'static str {
    match subject {
        Subject::ServiceAccount(_) => "The service account is deleted and its keys are revoked, for ever.",
        Subject::ApiKey(_) => "The key is revoked, for ever. What uses it stops working.",
        Subject::Project(_) => "The project is archived: its keys stop, and it can be restored.",
    }
}

async fn give(call: Call) -> Result<Answer, Failure> {
    let id: HandoverId = call.path("handover_id")?;
    let owner = call.form().text("owner_id").parse();
    let owner = owner.map_err(|_| Error::invalid_param("owner_required", "owner_id", "Choose an owner."))?;
    let given = decide_handover(&call.control, &call.grant, id, Decision::GiveTo(owner)).await;
    console::back(&call, &queue(&call), given.map(|_| "It has a new owner."))
}

async fn end(call: Call) -> Result<Answer, Failure> {
    let id: HandoverId = call.path("handover_id")?;
    let ended = decide_handover(&call.control, &call.grant, id, Decision::End).await;
    console::back(&call, &queue(&call), ended.map(|_| "It is ended."))
}

fn queue(call: &Call) -> String {
    format!("{}/handovers", root(call))
}
