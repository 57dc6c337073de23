//! The console's rows of approvals: the inbox, the viewer's own requests, and what was decided.

use domain::access::{OrganizationRole, Permission, Standing, Target, allows};
use domain::approvals::{Approval, Asked, Kind, State, duration_words};
use domain::audit::Verb;
use domain::ids::ApprovalId;
use domain::members::User;
use domain::organizations::Feature;
use domain::page::{Order, PageRequest};
use domain::routes::{Access, Method};
use domain::time::{SECOND, TimeZone, Timestamp};
use store::{ApprovalFilter, AskedApproval};

use super::pages::{ApprovalsPage, AskForm, DecidedRow, RunningRow, WaitingRow};
use super::{approve, list_approvals, refuse, withdraw};
use crate::http::console;
use crate::http::figures::When;
use crate::http::shell::{Choice, ElevationNotice, Flash, Person, Section};
use crate::projects::frame::{may, root, zone};
use crate::{Answer, Call, Endpoint, Failure, page};

/// How many decided requests a page shows.
const DECIDED_PER_PAGE: i64 = 25;
/// How many waiting requests the page shows.
const MOST_WAITING: i64 = 100;
/// For how long one can ask, in seconds.
const DURATIONS: [i64; 6] = [900, 3_600, 7_200, 14_400, 28_800, 43_200];

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        page(Method::Get, "/o/{slug}/approvals", "approvals_page", "What waits for a second person.")
            .needs(Access::Organization(Permission::OrganizationRead))
            .to(approvals_page),
        page(
            Method::Post,
            "/o/{slug}/approvals/{approval_id}/approve",
            "approve_form",
            "Approve what somebody else asked for.",
        )
        .needs(Access::Organization(Permission::ApprovalDecide))
        .audited(Verb::ApprovalGiven)
        .to(approve_one),
        page(
            Method::Post,
            "/o/{slug}/approvals/{approval_id}/refuse",
            "refuse_form",
            "Refuse what somebody else asked for.",
        )
        .needs(Access::Organization(Permission::ApprovalDecide))
        .audited(Verb::ApprovalRefused)
        .to(refuse_one),
        page(
            Method::Post,
            "/o/{slug}/approvals/{approval_id}/withdraw",
            "withdraw_form",
            "Take one's own request back.",
        )
        .needs(Access::Organization(Permission::ElevationRequest))
        .audited(Verb::ApprovalWithdrawn)
        .to(withdraw_one),
    ]
}

/// What the frame of every page says: how many requests wait for the viewer, and what they are for a while.
///
/// # Errors
/// When the store is away.
pub(crate) async fn notices(call: &Call) -> Result<(u64, Option<ElevationNotice>), Failure> {
    let (actor, store) = (call.actor()?, &call.control.store);
    let Ok(organization) = call.organization_id() else { return Ok((0, None)) };
    let decides = allows(actor, Permission::ApprovalDecide, Target::Organization(organization));
    let waiting = match decides {
        true => store.waiting_approvals(&call.grant, actor.user_id, call.at).await?,
        false => 0,
    };
    let is_elevated = actor.standing.as_ref().and_then(Standing::elevated_until).is_some();
    let mut own = None;
    if is_elevated {
        let running = store.approvals_in_force(&call.grant, call.at).await?;
        own = running.into_iter().find(|asked| {
            asked.approval.requested_by == actor.user_id && asked.approval.asked.kind() == Kind::Elevation
        });
    }
    let notice = match own.and_then(|asked| Some((asked.approval.ends_at?, asked.approval))) {
        Some((ends_at, approval)) => notice(call, &approval, ends_at, &zone(call).await?),
        None => None,
    };
    Ok((u64::try_from(waiting).unwrap_or_default(), notice))
}

fn notice(call: &Call, approval: &Approval, ends_at: Timestamp, zone: &TimeZone) -> Option<ElevationNotice> {
    let Asked::Elevation(elevation) = &approval.asked else { return None };
    Some(ElevationNotice {
        role: elevation.role.title().to_owned(),
        until: When::minute(ends_at, zone),
        left: left(call.at, ends_at),
        end_action: format!("{}/elevations/{}/end", root(call), approval.id),
    })
}

/// What follows from approving, before somebody does.
const fn follows(kind: Kind) -> &'static str {
    match kind {
        Kind::Elevation => "They have it at once. It ends by itself, and you or they can end it before.",
        Kind::ProjectCreation => "The project is there at once, with the owners that they named.",
        Kind::AllowanceRaise => {
            "The new amount binds at once. What was asked for until a day goes back by itself, or with the next change \
             of the amount."
        }
        Kind::Change => "They may make this change once, within a day. A secret is shown to them alone.",
    }
}

fn left(at: Timestamp, ends_at: Timestamp) -> String {
    duration_words(ends_at.micros_since(at) / SECOND)
}

async fn approvals_page(call: Call) -> Result<Answer, Failure> {
    approvals_page_with(&call, None).await
}

/// The page, with why an act on it was refused.
///
/// # Errors
/// When the store is away.
pub(crate) async fn approvals_page_with(call: &Call, flash: Option<Flash>) -> Result<Answer, Failure> {
    let mut shell = console::shell(call, "Approvals", Section::Approvals).await?;
    shell.flashes.extend(flash);
    let (zone, actor) = (zone(call).await?, call.actor()?);
    let pending = ApprovalFilter { state: Some(State::Pending), ..ApprovalFilter::default() };
    let first = PageRequest::first(MOST_WAITING, Order::Ascending);
    let waiting = list_approvals(&call.control, &call.grant, pending, &first).await?.items;
    let (own, others): (Vec<_>, Vec<_>) =
        waiting.into_iter().partition(|asked| asked.approval.requested_by == actor.user_id);
    let sees_all = may(call, Permission::ApprovalRead);
    let can_decide = may(call, Permission::ApprovalDecide);
    let lasting = actor.standing.as_ref().map(Standing::lasting);
    let decides_for_good =
        lasting.is_some_and(|standing| standing.rights().holds(Permission::ApprovalDecide));
    let older = call.query.page::<ApprovalId>(DECIDED_PER_PAGE, DECIDED_PER_PAGE, Order::Descending)?;
    let (decided, next) = decided(call, &older, &zone).await?;
    let row = |asked: AskedApproval| waiting_row(asked, &zone);
    let page = ApprovalsPage {
        can_decide,
        is_elevated: can_decide && !decides_for_good,
        sees_all,
        ask: ask_form(call, own.iter().all(|asked| asked.approval.asked.kind() != Kind::Elevation)),
        running: running(call, sees_all, can_decide, &zone).await?,
        waiting: others.into_iter().map(row).collect(),
        own: own.into_iter().map(row).collect(),
        decided,
        next_href: next.map(|after| format!("{}/approvals?after={after}#decided", shell.root())),
        shell,
    };
    console::page(&page)
}

fn person(user: &User) -> Person {
    Person { name: user.name.clone(), email: user.email.clone() }
}

fn waiting_row(asked: AskedApproval, zone: &TimeZone) -> WaitingRow {
    WaitingRow {
        id: asked.approval.id.to_string(),
        person: person(&asked.requester),
        what: asked.approval.asked.words(),
        follows: follows(asked.approval.asked.kind()),
        reason: asked.approval.reason,
        asked_at: When::minute(asked.approval.created_at, zone),
        expires_at: When::day(asked.approval.expires_at, zone),
    }
}

/// What is given for a while: of everybody, or the viewer's own.
async fn running(
    call: &Call,
    sees_all: bool,
    can_decide: bool,
    zone: &TimeZone,
) -> Result<Vec<RunningRow>, Failure> {
    let viewer = call.actor()?.user_id;
    let found = call.control.store.approvals_in_force(&call.grant, call.at).await?;
    let seen = found.into_iter().filter(|asked| sees_all || asked.approval.requested_by == viewer);
    let row = |asked: AskedApproval| {
        let ends_at = asked.approval.ends_at?;
        Some(RunningRow {
            id: asked.approval.id.to_string(),
            person: person(&asked.requester),
            what: asked.approval.asked.words(),
            ends_at: When::minute(ends_at, zone),
            left: left(call.at, ends_at),
            approved_by: asked.decider.map(|user| user.name).unwrap_or_default(),
            can_end: asked.approval.asked.kind() == Kind::Elevation
                && (can_decide || asked.approval.requested_by == viewer),
        })
    };
    Ok(seen.filter_map(row).collect())
}

/// What does not wait any more, and from where older ones follow.
async fn decided(
    call: &Call,
    page: &PageRequest,
    zone: &TimeZone,
) -> Result<(Vec<DecidedRow>, Option<String>), Failure> {
    let found = list_approvals(&call.control, &call.grant, ApprovalFilter::default(), page).await?;
    let last = found.items.last().filter(|_| found.has_more).map(|asked| asked.approval.id.to_string());
    let is_over = |asked: &AskedApproval| asked.approval.state_at(call.at) != State::Pending;
    let rows = found.items.into_iter().filter(is_over).map(|asked| decided_row(asked, call.at, zone));
    Ok((rows.collect(), last))
}

fn decided_row(asked: AskedApproval, at: Timestamp, zone: &TimeZone) -> DecidedRow {
    let approval = &asked.approval;
    let (state, tone) = match approval.state_at(at) {
        State::Approved if approval.ends_at.is_none() => ("approved", "good"),
        State::Approved if approval.is_in_force(at) => ("in force", "good"),
        State::Approved if approval.asked.kind() == Kind::Change => {
            match approval.ended_at < approval.ends_at {
                true => ("made", "good"),
                false => ("not made in time", "warn"),
            }
        }
        State::Approved if approval.ended_at < approval.ends_at => ("ended early", "good"),
        State::Approved => ("approved", "good"),
        State::Refused => ("refused", "bad"),
        State::Withdrawn => ("withdrawn", ""),
        State::Expired => ("expired", "warn"),
        State::Pending => ("pending", "info"),
    };
    DecidedRow {
        person: person(&asked.requester),
        what: approval.asked.words(),
        state,
        tone,
        decided_by: asked.decider.as_ref().map(|user| user.name.clone()).unwrap_or_default(),
        decided_at: When::minute(approval.decided_at.unwrap_or(approval.expires_at), zone),
        reason: asked.approval.reason,
        note: asked.approval.note,
    }
}

/// The form, for who lacks the role for good and has neither it for a while nor a request that waits.
fn ask_form(call: &Call, no_elevation_waits: bool) -> Option<AskForm> {
    let standing = call.actor().ok()?.standing.as_ref()?;
    standing.allows_feature(Feature::Elevation).ok()?;
    let is_lacking = |role: &OrganizationRole| !role.permissions().is_within(standing.rights());
    let lacking: Vec<_> = OrganizationRole::ALL.into_iter().filter(is_lacking).collect();
    if !no_elevation_waits
        || !lacking.contains(&OrganizationRole::Admin)
        || !may(call, Permission::ElevationRequest)
    {
        return None;
    }
    let form = call.form();
    let roles: Vec<_> = lacking.iter().map(|role| (role.name(), role.title())).collect();
    let durations = DURATIONS.map(|seconds| (seconds.to_string(), duration_words(seconds)));
    let chosen = form.one("duration_seconds").unwrap_or("3600");
    Some(AskForm {
        roles: Choice::list(&roles, form.one("role").unwrap_or(OrganizationRole::Admin.name())),
        durations: Choice::list(&durations, chosen),
        reason: form.text("reason").to_owned(),
    })
}

/// The address of the page.
pub(crate) fn address(call: &Call) -> String {
    format!("{}/approvals", root(call))
}

async fn approve_one(call: Call) -> Result<Answer, Failure> {
    let form = call.form();
    let done = approve(&call.control, &call.grant, call.path("approval_id")?, form.text("note")).await;
    console::back(&call, &address(&call), done.map(|_| "Approved. It is in force now."))
}

async fn refuse_one(call: Call) -> Result<Answer, Failure> {
    let form = call.form();
    let done = refuse(&call.control, &call.grant, call.path("approval_id")?, form.text("note")).await;
    console::back(&call, &address(&call), done.map(|_| "Refused."))
}

async fn withdraw_one(call: Call) -> Result<Answer, Failure> {
    let done = withdraw(&call.control, &call.grant, call.path("approval_id")?).await;
    console::back(&call, &address(&call), done.map(|_| "Withdrawn."))
}
