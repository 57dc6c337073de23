//! What the pages of projects share: the frame of a project's page, and sums of cost for it.

use domain::access::{Grant, Permission, Reach, Target, allows, authorize};
use domain::ids::ProjectId;
use domain::time::{DAY, TimeZone, Timestamp, Window, civil};

use super::detail_pages::ProjectHead;
use super::{OwnedProject, retrieve_project};
use crate::http::charts::Bucket;
use crate::http::console;
use crate::http::figures::{When, month_name};
use crate::http::shell::{ProjectLink, Section, Shell};
use crate::{Call, Failure};

/// How many days the charts of overviews show.
pub(crate) const CHART_DAYS: i64 = 30;

/// Places of the navigation of a project, and what it takes to see them.
const PLACES: [(Section, Permission); 7] = [
    (Section::ProjectKeys, Permission::ApiKeyRead),
    (Section::ProjectMembers, Permission::ProjectMemberRead),
    (Section::ProjectRoles, Permission::ProjectMemberRead),
    (Section::ProjectServiceAccounts, Permission::ServiceAccountRead),
    (Section::ProjectAccess, Permission::ProjectMemberRead),
    (Section::ProjectAllowances, Permission::AllowanceRead),
    (Section::ProjectPolicy, Permission::ProjectPolicyRead),
];

/// A project's page before its own content.
pub(crate) struct Frame {
    /// The frame.
    pub shell: Shell,
    /// The head.
    pub head: ProjectHead,
    /// The project.
    pub owned: OwnedProject,
    /// The calendar of the organization.
    pub zone: TimeZone,
}

/// The frame of a page of the project in the path. Without a title it is the project's name.
///
/// # Errors
/// `Hidden` when there is no such project within reach.
pub(crate) async fn frame(call: &Call, title: Option<&str>, section: Section) -> Result<Frame, Failure> {
    let id: ProjectId = call.path("project_id")?;
    let owned = retrieve_project(&call.control, &call.grant, id).await?;
    let project = &owned.project;
    let title = title.unwrap_or(&project.name);
    let mut shell = console::shell(call, title, section).await?;
    shell.project = Some(link(&owned));
    let unseen = PLACES.iter().filter(|(_, needed)| !may_here(call, *needed));
    shell.hidden.extend(unseen.map(|(place, _)| *place));
    let head = ProjectHead {
        description: project.description.clone(),
        is_archived: project.archived_at.is_some(),
        is_high_risk: project.risk == domain::projects::Risk::High,
    };
    Ok(Frame { shell, head, owned, zone: zone(call).await? })
}

/// A project as pages name it.
pub(crate) fn link(owned: &OwnedProject) -> ProjectLink {
    let project = &owned.project;
    ProjectLink { id: project.id.to_string(), name: project.name.clone(), environment: project.environment }
}

/// The calendar of the call's organization.
///
/// # Errors
/// When the store is away.
pub(crate) async fn zone(call: &Call) -> Result<TimeZone, Failure> {
    Ok(call.control.store.organization(&call.grant).await?.time_zone)
}

/// The start of the addresses of the organization in the path.
pub(crate) fn root(call: &Call) -> String {
    format!("/o/{}", call.path_text("slug"))
}

/// The start of the addresses of the project in the path.
pub(crate) fn project_root(call: &Call) -> String {
    format!("{}/projects/{}", root(call), call.path_text("project_id"))
}

/// Whether the viewer may do this in the organization.
pub(crate) fn may(call: &Call, permission: Permission) -> bool {
    granted(call, permission).is_some()
}

/// Whether there are projects that the viewer may open, not only know by name.
pub(crate) fn opens_projects(call: &Call) -> bool {
    let is_nothing =
        |reach: &Reach| matches!(reach, Reach::Some { whole, own, .. } if whole.is_empty() && own.is_empty());
    granted(call, Permission::ProjectRead).is_some_and(|grant| !is_nothing(grant.reach()))
}

/// Whether the viewer may do this in the project in the path.
pub(crate) fn may_here(call: &Call, permission: Permission) -> bool {
    let target = || {
        let project = call.path("project_id").ok()?;
        Some(Target::Project(call.organization_id().ok()?, project))
    };
    match (call.actor(), target()) {
        (Ok(actor), Some(target)) => allows(actor, permission, target),
        _ => false,
    }
}

/// The viewer's grant for something else of the organization, if they have it.
pub(crate) fn granted(call: &Call, permission: Permission) -> Option<Grant> {
    let target = Target::Organization(call.organization_id().ok()?);
    authorize(call.actor().ok()?, permission, target).ok()
}

/// The viewer's grant to learn which projects there are: those that they may read or, where that is more, those
/// whose costs they may read.
pub(crate) fn naming(call: &Call) -> Option<Grant> {
    let (reads, costs) = (granted(call, Permission::ProjectRead), granted(call, Permission::CostRead));
    let is_whole = |grant: &Grant| *grant.reach() == Reach::All;
    match reads {
        Some(reads) if is_whole(&reads) || !costs.as_ref().is_some_and(is_whole) => Some(reads),
        _ => costs,
    }
}

/// The viewer's grant for something else of the project in the path, if they have it.
pub(crate) fn granted_here(call: &Call, permission: Permission) -> Option<Grant> {
    let target = Target::Project(call.organization_id().ok()?, call.path("project_id").ok()?);
    authorize(call.actor().ok()?, permission, target).ok()
}

/// The last days up to now as whole UTC days, and the start of each.
pub(crate) fn last_days(at: Timestamp, days: i64) -> ((Timestamp, Timestamp), Vec<Timestamp>) {
    let today = at.unix_micros().div_euclid(DAY);
    let first = today - days + 1;
    let start = |day: i64| Timestamp::from_unix_micros(day * DAY);
    ((start(first), start(today + 1)), (first..=today).map(start).collect())
}

/// The buckets of a chart over UTC days.
pub(crate) fn buckets(days: &[Timestamp]) -> Vec<Bucket> {
    let utc = TimeZone::utc();
    let bucket = |day: &Timestamp| {
        let (_, month, date, _, _) = civil(*day, &utc);
        let name = When::day(*day, &utc).text().to_owned();
        Bucket { mark: format!("{date} {}", month_name(month)), name }
    };
    days.iter().map(bucket).collect()
}

/// The last second of a day of the organization's calendar, written `2026-11-24`; nothing for what is no day.
pub(crate) fn end_of_day(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let noon: jiff::Timestamp = format!("{text}T12:00:00Z").parse().ok()?;
    let day = Window::Day.span(Timestamp::from_unix_seconds(noon.as_second()), zone);
    Some(day.end.plus_seconds(-1))
}

/// The present month in the organization's calendar, up to and without the next.
pub(crate) fn month(at: Timestamp, zone: &TimeZone) -> (Timestamp, Timestamp) {
    let span = Window::Month.span(at, zone);
    (span.start, span.end)
}
