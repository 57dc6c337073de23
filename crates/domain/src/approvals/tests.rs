//! Who may decide what, when; and that an elevation gives nothing on.

use super::*;
use crate::access::{Assignment, OrganizationRole, Permissions, RoleRef};
use crate::allowances::{Allowance, Enforcement, Level, Scope, Unit};
use crate::ids::AllowanceId;
use crate::organizations::Feature;
use crate::projects::{Environment, Labels, NewProject, Project, Risk, Workload};
use crate::time::Window;

fn at() -> Timestamp {
    Timestamp::from_unix_seconds(1_790_000_000)
}

fn user(n: u128) -> UserId {
    UserId::from_parts(at(), n)
}

fn organization() -> OrganizationId {
    OrganizationId::from_parts(at(), 1)
}

fn standing(role: OrganizationRole) -> Standing {
    Standing::of_roles(organization(), role, &[])
}

/// A Member who is Admin for another hour.
fn elevated() -> Standing {
    let mut standing = standing(OrganizationRole::Member);
    let ends_at = Some(at().plus_micros(HOUR));
    let admin = RoleRef::Organization(OrganizationRole::Admin);
    standing.assignments.push(Assignment { ends_at, ..Assignment::built_in(admin, None) });
    standing
}

fn request(by: UserId) -> Approval {
    let elevation = Elevation { role: OrganizationRole::Admin, duration_seconds: 3_600 };
    Approval {
        id: ApprovalId::from_parts(at(), 1),
        organization_id: organization(),
        asked: Asked::Elevation(elevation),
        reason: "an incident".to_owned(),
        requested_by: by,
        subject_id: by.to_string(),
        decider: Decider::OF_ORGANIZATION,
        created_at: at(),
        expires_at: at().plus_micros(APPROVAL_LIFETIME),
        state: State::Pending,
        decided_by: None,
        decided_at: None,
        note: String::new(),
        ends_at: None,
        ended_at: None,
    }
}

fn approve(by: (u128, Option<&Standing>), requester: Option<&Standing>) -> Result<(), &'static str> {
    let by = Party { user_id: user(by.0), standing: by.1 };
    request(user(1)).approve(by, requester, at()).map(drop).map_err(|error| error.code())
}

#[test]
fn a_second_person_with_lasting_rights_approves() {
    let (admin, member) = (standing(OrganizationRole::Admin), standing(OrganizationRole::Member));
    assert_eq!(approve((2, Some(&admin)), Some(&member)), Ok(()));
    assert_eq!(approve((2, Some(&member)), Some(&member)), Err("missing_permission"));
    assert_eq!(approve((2, None), Some(&member)), Err("missing_permission"), "a removed Admin");
    assert_eq!(approve((2, Some(&elevated())), Some(&member)), Err("lasting_rights_required"));
    assert_eq!(approve((2, Some(&admin)), None), Err("requester_gone"));
}

#[test]
fn nobody_decides_about_their_own_request_whatever_their_rights() {
    let admin = standing(OrganizationRole::Admin);
    assert_eq!(approve((1, Some(&admin)), Some(&admin)), Err("self_approval"));
    assert_eq!(approve((1, Some(&elevated())), Some(&elevated())), Err("self_approval"));
    let about_me = Approval { requested_by: user(3), ..request(user(1)) };
    let me = Party { user_id: user(1), standing: Some(&admin) };
    assert_eq!(about_me.decide(me, at()).unwrap_err().code(), "self_approval", "asked for by somebody else");
    let decided = Approval { state: State::Approved, ..request(user(1)) };
    assert_eq!(decided.decide(me, at()).unwrap_err().code(), "self_approval", "decided or not");
}

#[test]
fn an_approver_gives_no_more_than_they_have() {
    let decider = Permissions::of(&[Permission::ApprovalDecide, Permission::OrganizationRead]);
    let custom = Assignment {
        permissions: decider,
        ..Assignment::built_in(RoleRef::Organization(OrganizationRole::Member), None)
    };
    let narrow = Standing::new(organization(), vec![custom]);
    let member = standing(OrganizationRole::Member);
    assert_eq!(approve((2, Some(&narrow)), Some(&member)), Err("wider_than_giver"));
}

#[test]
fn a_stopped_organization_and_a_feature_switched_off_approve_nothing() {
    let admin = standing(OrganizationRole::Admin);
    let mut member = standing(OrganizationRole::Member);
    member.state = OrganizationState::Suspended;
    assert_eq!(approve((2, Some(&admin)), Some(&member)), Err("organization_suspended"));
    member.state = OrganizationState::Active;
    member.features_off = [Feature::Elevation].into_iter().collect();
    assert_eq!(approve((2, Some(&admin)), Some(&member)), Err("feature_off"));
}

#[test]
fn what_is_decided_or_too_old_stays_as_it_is() {
    let admin = standing(OrganizationRole::Admin);
    let by = Party { user_id: user(2), standing: Some(&admin) };
    for state in State::ALL.iter().copied().filter(|state| *state != State::Pending) {
        let request = Approval { state, ..request(user(1)) };
        assert_eq!(request.decide(by, at()).unwrap_err().code(), "approval_decided", "{state:?}");
        assert_eq!(request.withdraw(user(1), at()).unwrap_err().code(), "approval_decided", "{state:?}");
    }
    let request = request(user(1));
    let last = request.expires_at.plus_micros(-1);
    assert_eq!(request.state_at(last), State::Pending);
    assert_eq!(request.state_at(request.expires_at), State::Expired);
    assert!(request.decide(by, last).is_ok() && request.decide(by, request.expires_at).is_err());
    assert_eq!(request.withdraw(user(2), at()).unwrap_err().code(), "not_requester");
    assert!(request.withdraw(user(1), at()).is_ok());
}

#[test]
fn an_elevation_is_asked_for_by_whoever_lacks_it_for_15_minutes_to_12_hours() {
    let ask = |seconds, standing: &Standing| {
        Elevation::checked(OrganizationRole::Admin, seconds, standing).map_err(|error| error.code())
    };
    let member = standing(OrganizationRole::Member);
    for (seconds, fits) in [(899, false), (900, true), (43_200, true), (43_201, false), (-900, false)] {
        assert_eq!(ask(seconds, &member).is_ok(), fits, "{seconds}");
    }
    assert_eq!(ask(900, &standing(OrganizationRole::Admin)), Err("already_held"));
    assert_eq!(ask(900, &elevated()), Err("already_elevated"));
    assert!(reason("  ").is_err() && reason(&"x".repeat(2_001)).is_err() && reason(" why ").is_ok());
}

#[test]
fn every_kind_round_trips_and_is_told_in_words() {
    let asked = request(user(1)).asked;
    assert_eq!(Asked::read(asked.kind(), asked.payload()).unwrap(), asked);
    assert_eq!(asked.words(), "Admin for 1 hour");
    assert!(Asked::read(Kind::Elevation, serde_json::json!({"role": "king"})).is_err());
    for (seconds, words) in
        [(0, "1 minute"), (900, "15 minutes"), (9_000, "2 hours 30 minutes"), (43_200, "12 hours")]
    {
        assert_eq!(duration_words(seconds), words);
    }
    assert!(Kind::ALL.iter().all(|kind| Kind::parse(kind.name()) == Some(*kind)));
    assert!(State::ALL.iter().all(|state| State::parse(state.name()) == Some(*state)));
}

#[test]
fn what_was_given_is_in_force_until_it_ends() {
    let given =
        Approval { state: State::Approved, ends_at: Some(at().plus_micros(HOUR)), ..request(user(1)) };
    assert!(given.is_in_force(at()) && !given.is_in_force(at().plus_micros(HOUR)));
    assert!(!Approval { ended_at: Some(at()), ..given }.is_in_force(at()));
    assert!(!request(user(1)).is_in_force(at()));
    assert_eq!(elevated().elevated_until(), Some(at().plus_micros(HOUR)));
    assert_eq!(elevated().lasting(), standing(OrganizationRole::Member));
}

fn project(environment: Environment, risk: Risk) -> Project {
    Project {
        id: ProjectId::from_parts(at(), 1),
        organization_id: organization(),
        name: "Pilot".to_owned(),
        description: String::new(),
        environment,
        workload: Workload::Other,
        risk,
        labels: Labels::default(),
        tags: Default::default(),
        accountable_owner_id: None,
        created_at: at(),
        archived_at: None,
    }
}

fn allowance(amount: i64) -> Allowance {
    Allowance {
        id: AllowanceId::from_parts(at(), 1),
        organization_id: organization(),
        scope: Scope { level: Level::Organization, model: None },
        unit: Unit::NanoUsd,
        window: Window::Month,
        amount,
        enforcement: Enforcement::Hard,
        created_at: at(),
    }
}

fn raise(amount: i64, ends_at: Option<i64>) -> AllowanceRaise {
    AllowanceRaise {
        allowance_id: AllowanceId::from_parts(at(), 1),
        project_id: None,
        scope_type: "organization".to_owned(),
        scope_name: "The organization".to_owned(),
        unit: Unit::NanoUsd,
        window: "month".to_owned(),
        amount,
        ends_at,
    }
}

#[test]
fn each_kind_gives_what_doing_it_oneself_needs_and_ends_as_it_says() {
    let production = project(Environment::Production, Risk::High);
    let change = |kind, risk| GuardedChange::checked(&production, kind, (None, risk)).unwrap();
    let creation = ProjectCreation {
        project_id: production.id,
        project: NewProject { environment: Environment::Staging, ..NewProject::named("Pilot", user(1)) },
    };
    let of_key = AllowanceRaise { scope_type: "api_key".to_owned(), ..raise(2, None) };
    let end = at().plus_seconds(60);
    for (asked, words, needed, ends_at) in [
        (
            Asked::ProjectCreation(Box::new(creation)),
            "The project Pilot in staging",
            Permission::ProjectCreate,
            None,
        ),
        (
            Asked::AllowanceRaise(raise(2_500_000_000, None)),
            "The organization: $2.50 per month",
            Permission::AllowanceManage,
            None,
        ),
        (
            Asked::AllowanceRaise(AllowanceRaise { ends_at: Some(end.unix_seconds()), ..of_key }),
            "The organization: $0.000000002 per month until 2026-09-21T14:14:20Z",
            Permission::AllowanceManageKeys,
            Some(end),
        ),
        (
            Asked::Change(change(ChangeKind::KeyCreation, None)),
            "A new key in Pilot",
            Permission::ApiKeyManage,
            Some(at().plus_seconds(CHANGE_TIME)),
        ),
        (
            Asked::Change(change(ChangeKind::Loosening, Some(Risk::Standard))),
            "Pilot becomes risk standard",
            Permission::ProjectUpdate,
            Some(at().plus_seconds(CHANGE_TIME)),
        ),
    ] {
        assert_eq!(Asked::read(asked.kind(), asked.payload()).unwrap(), asked);
        assert_eq!(asked.words(), words);
        assert_eq!(asked.gives(), Permissions::NONE.with(needed), "{words}");
        assert_eq!(asked.ends_at(at()), ends_at, "{words}");
    }
}

#[test]
fn a_raise_is_more_and_ends_within_a_year() {
    let ask = |amount, ends_in: Option<i64>| {
        let end = ends_in.map(|seconds| at().plus_seconds(seconds).unix_seconds());
        raise(amount, end).checked(&allowance(100), at()).map(drop).map_err(|error| error.code())
    };
    assert_eq!(ask(101, None), Ok(()));
    assert_eq!(ask(100, None), Err("not_a_raise"));
    assert_eq!(ask(-1, None), Err("invalid_amount"));
    assert_eq!((ask(101, Some(0)), ask(101, Some(1))), (Err("invalid_end"), Ok(())));
    assert_eq!(
        (ask(101, Some(LONGEST_RAISE)), ask(101, Some(LONGEST_RAISE + 1))),
        (Ok(()), Err("invalid_end"))
    );
    let over = raise(101, Some(at().unix_seconds())).fits(&allowance(100), at());
    assert_eq!(over.unwrap_err().code(), "raise_over");
}

#[test]
fn a_loosening_permits_what_was_stated_and_nothing_less_careful() {
    use Environment::{Development, Production, Staging};
    let before = project(Production, Risk::High);
    let given = GuardedChange::checked(&before, ChangeKind::Loosening, (Some(Staging), None)).unwrap();
    let permits =
        |environment, risk| given.permits(ChangeKind::Loosening, &before, &project(environment, risk));
    assert!(permits(Staging, Risk::High) && permits(Production, Risk::High));
    assert!(!permits(Development, Risk::High) && !permits(Staging, Risk::Standard));
    assert!(!given.permits(ChangeKind::KeyCreation, &before, &before), "for that alone");
    let elsewhere = Project { id: ProjectId::from_parts(at(), 2), ..before.clone() };
    assert!(!given.permits(ChangeKind::Loosening, &elsewhere, &project(Staging, Risk::High)));
    for nothing in [(None, None), (Some(Production), Some(Risk::High))] {
        let refused = GuardedChange::checked(&before, ChangeKind::Loosening, nothing).unwrap_err();
        assert_eq!(refused.code(), "nothing_loosened");
    }
    assert!(before.is_guarded() && project(Development, Risk::High).is_guarded());
    assert!(!project(Staging, Risk::Standard).is_guarded());
    assert!(before.is_loosened_by(&project(Staging, Risk::High)) && !before.is_loosened_by(&before));
}
