//! Who may decide what, when; and that an elevation gives nothing on.

use super::*;
use crate::access::{Assignment, RoleRef};

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
