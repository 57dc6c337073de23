//! What is proposed: by hand for what reviewers meet, and at random for what must never be proposed.

use proptest::prelude::*;

use super::*;
use crate::access::ProjectRole;

fn at() -> Timestamp {
    Timestamp::from_unix_seconds(1_790_000_000)
}

fn days_ago(days: i64) -> Timestamp {
    at().plus_micros(-days * DAY)
}

fn project(n: u128) -> ProjectId {
    ProjectId::from_parts(at(), n)
}

fn right(source: Source, role: RoleRef, project_id: Option<ProjectId>) -> Right {
    Right {
        source,
        role,
        permissions: role.built_in_permissions().unwrap(),
        project_id,
        group_id: (source == Source::Group).then(|| GroupId::from_parts(at(), 1)),
        given_by: None,
        given_at: days_ago(400),
    }
}

fn member_as(role: OrganizationRole) -> Right {
    right(Source::Membership, RoleRef::Organization(role), None)
}

fn in_project(role: ProjectRole, n: u128) -> Right {
    right(Source::ProjectMembership, RoleRef::Project(role), Some(project(n)))
}

fn used(permission: Permission, project_id: Option<ProjectId>, days: i64) -> Use {
    Use { permission, project_id, day: days_ago(days) }
}

/// What is proposed about the first of the rights.
fn proposed(rights: &[Right], uses: &[Use], keys_in: &[ProjectId]) -> Proposal {
    let evidence = Evidence { rights, uses, keys_in, known_since: days_ago(400) };
    evidence.judge(&rights[0], at()).1
}

fn organization_role(role: OrganizationRole) -> Proposal {
    Proposal::Reduce(RoleRef::Organization(role))
}

#[test]
fn an_admin_who_used_nothing_becomes_member_and_one_who_looked_auditor() {
    let admin = [member_as(OrganizationRole::Admin)];
    assert_eq!(proposed(&admin, &[], &[]), organization_role(OrganizationRole::Member));
    let looked = [used(Permission::OrganizationRead, None, 1), used(Permission::MemberRead, None, 1)];
    assert_eq!(proposed(&admin, &looked, &[]), organization_role(OrganizationRole::Auditor));
    let cost = [used(Permission::CostRead, None, 1)];
    assert_eq!(proposed(&admin, &cost, &[]), organization_role(OrganizationRole::Finance));
    let managed = [used(Permission::MemberManage, None, 89)];
    assert_eq!(proposed(&admin, &managed, &[]), Proposal::Keep);
    let long_ago = [used(Permission::MemberManage, None, 91)];
    assert_eq!(proposed(&admin, &long_ago, &[]), organization_role(OrganizationRole::Member));
    let listed = [used(Permission::ProjectRead, None, 1)];
    assert_eq!(
        proposed(&admin, &listed, &[]),
        organization_role(OrganizationRole::Member),
        "members list too"
    );
}

#[test]
fn what_a_role_in_the_project_covers_does_not_speak_for_admin() {
    let worked = [used(Permission::ApiKeyManage, Some(project(1)), 1)];
    let admin = member_as(OrganizationRole::Admin);
    assert_eq!(proposed(std::slice::from_ref(&admin), &worked, &[]), Proposal::Keep);
    let owner = in_project(ProjectRole::Owner, 1);
    let both = [admin.clone(), owner.clone()];
    assert_eq!(proposed(&both, &worked, &[]), organization_role(OrganizationRole::Member));
    assert_eq!(proposed(&[owner, admin.clone()], &worked, &[]), Proposal::Keep, "the owner's role stays");
    let elsewhere = [admin, in_project(ProjectRole::Owner, 2)];
    assert_eq!(proposed(&elsewhere, &worked, &[]), Proposal::Keep);
}

#[test]
fn nothing_is_proposed_below_what_keys_need() {
    let keys = [project(1)];
    let owner = [in_project(ProjectRole::Owner, 1)];
    assert_eq!(proposed(&owner, &[], &keys), Proposal::Reduce(RoleRef::Project(ProjectRole::Member)));
    assert_eq!(proposed(&owner, &[], &[]), Proposal::Remove);
    assert_eq!(proposed(&[in_project(ProjectRole::Member, 1)], &[], &keys), Proposal::Keep);
    let admin = member_as(OrganizationRole::Admin);
    assert_eq!(proposed(std::slice::from_ref(&admin), &[], &keys), Proposal::Keep, "only Admin carries them");
    let both = [admin, in_project(ProjectRole::Member, 1)];
    assert_eq!(proposed(&both, &[], &keys), organization_role(OrganizationRole::Member));
}

#[test]
fn a_project_role_shrinks_to_what_was_used_and_never_sideways() {
    let looked = [used(Permission::UsageRead, Some(project(1)), 3)];
    let owner = [in_project(ProjectRole::Owner, 1)];
    assert_eq!(proposed(&owner, &looked, &[]), Proposal::Reduce(RoleRef::Project(ProjectRole::Viewer)));
    let member = [in_project(ProjectRole::Member, 1)];
    let read = [used(Permission::ProjectRead, Some(project(1)), 3)];
    assert_eq!(proposed(&member, &read, &[]), Proposal::Keep, "a Viewer sees what a Member does not");
    assert_eq!(
        proposed(&member, &[used(Permission::ProjectRead, Some(project(2)), 3)], &[]),
        Proposal::Remove
    );
}

#[test]
fn further_roles_and_groups_go_when_membership_covers_what_was_used() {
    let base = member_as(OrganizationRole::Member);
    let auditor = right(Source::Assignment, RoleRef::Organization(OrganizationRole::Auditor), None);
    let seen = [used(Permission::OrganizationRead, None, 1)];
    assert_eq!(proposed(&[auditor.clone(), base.clone()], &seen, &[]), Proposal::Remove);
    let prices = [used(Permission::PriceRead, None, 1)];
    assert_eq!(
        proposed(&[auditor, base.clone()], &prices, &[]),
        organization_role(OrganizationRole::Finance)
    );
    let group = right(Source::Group, RoleRef::Organization(OrganizationRole::Auditor), None);
    assert_eq!(proposed(&[group.clone(), base.clone()], &seen, &[]), Proposal::Remove);
    assert_eq!(proposed(&[group, base.clone()], &prices, &[]), Proposal::Keep, "the role is the group's");
    assert_eq!(proposed(&[base], &[], &[]), Proposal::Keep, "nothing is below Member");
}

#[test]
fn nothing_is_proposed_about_what_is_younger_than_90_days() {
    let admin = member_as(OrganizationRole::Admin);
    let rights = std::slice::from_ref(&admin);
    let judge = |known_since, right: &Right| {
        Evidence { rights, uses: &[], keys_in: &[], known_since }.judge(right, at()).1
    };
    assert_eq!(judge(days_ago(89), &admin), Proposal::TooNew);
    assert_eq!(judge(days_ago(90), &admin), organization_role(OrganizationRole::Member));
    let fresh = Right { given_at: days_ago(89), ..admin.clone() };
    assert_eq!(judge(days_ago(400), &fresh), Proposal::TooNew);
}

fn item(right: Right, proposal: Proposal) -> Item {
    let user_id = UserId::from_parts(at(), 1);
    Item {
        id: ReviewItemId::from_parts(at(), 1),
        review_id: ReviewId::from_parts(at(), 1),
        holder: Holder {
            user_id,
            name: "Lead".to_owned(),
            email: "lead@example.test".to_owned(),
            joined_at: at(),
        },
        right,
        names: Names::default(),
        uses: LastUses::default(),
        proposal,
        decided: None,
    }
}

#[test]
fn a_right_is_reduced_to_what_is_smaller_and_by_somebody_else() {
    let admin = item(member_as(OrganizationRole::Admin), organization_role(OrganizationRole::Member));
    let member = Some(RoleRef::Organization(OrganizationRole::Member));
    assert_eq!(admin.reduced_to(None).unwrap(), member);
    assert_eq!(admin.reduced_to(Some("role-api-organization-member")).unwrap(), member);
    assert_eq!(
        admin.reduced_to(Some("finance")).unwrap(),
        Some(RoleRef::Organization(OrganizationRole::Finance))
    );
    let code = |item: &Item, wanted| item.reduced_to(wanted).unwrap_err().code();
    assert_eq!(code(&admin, Some("none")), "membership_kept");
    assert_eq!(code(&admin, Some("admin")), "role_not_smaller");
    assert_eq!(code(&admin, Some("king")), "role_not_smaller");
    let kept = item(in_project(ProjectRole::Member, 1), Proposal::Keep);
    assert_eq!(code(&kept, None), "role_required");
    assert_eq!(code(&kept, Some("viewer")), "role_not_smaller");
    assert_eq!(code(&kept, Some("role-api-organization-member")), "role_not_smaller", "of another level");
    assert_eq!(kept.reduced_to(Some("none")).unwrap(), None);
    let group = right(Source::Group, RoleRef::Project(ProjectRole::Owner), Some(project(1)));
    assert_eq!(code(&item(group, Proposal::Remove), Some("member")), "role_not_smaller");
    assert_eq!(admin.decide(admin.holder.user_id).unwrap_err().code(), "own_rights");
    assert!(admin.decide(UserId::from_parts(at(), 2)).is_ok());
}

fn any_right() -> impl Strategy<Value = Right> {
    let organization = prop::sample::select(OrganizationRole::ALL.to_vec());
    let projects = (prop::sample::select(ProjectRole::ALL.to_vec()), 1..3u128);
    prop_oneof![
        organization.clone().prop_map(member_as),
        organization.prop_map(|role| right(Source::Assignment, RoleRef::Organization(role), None)),
        projects.clone().prop_map(|(role, n)| in_project(role, n)),
        projects.prop_map(|(role, n)| right(Source::Group, RoleRef::Project(role), Some(project(n)))),
    ]
}

fn any_use() -> impl Strategy<Value = Use> {
    (prop::sample::select(Permission::ALL.to_vec()), prop::option::of(1..3u128), 0..200i64)
        .prop_map(|(permission, place, days)| used(permission, place.map(project), days))
}

/// What a person may do in a place by the sum of some rights.
fn sum(rights: &[Right], place: Option<ProjectId>) -> Permissions {
    let here = |one: &&Right| one.project_id.is_none() || one.project_id == place;
    rights.iter().filter(here).fold(Permissions::NONE, |sum, one| sum.or(one.permissions))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if std::env::var_os("BAILIWICK_TEST_FULL").is_some() { 20_000 } else { 2_000 }))]

    /// One proposal after the other is followed, whatever came before: what was used lately can still be done, and
    /// keys still work.
    #[test]
    fn following_every_proposal_takes_nothing_that_was_used(
        mut rights in prop::collection::vec(any_right(), 0..5),
        uses in prop::collection::vec(any_use(), 0..12),
        keys in prop::collection::vec((1..3u128).prop_map(project), 0..2),
    ) {
        rights.retain(|one| one.source != Source::Membership);
        rights.insert(0, member_as(OrganizationRole::Admin));
        let evidence = Evidence { rights: &rights, uses: &uses, keys_in: &keys, known_since: days_ago(400) };
        let after: Vec<Right> = rights.iter().filter_map(|one| match evidence.judge(one, at()).1 {
            Proposal::Keep | Proposal::TooNew => Some(one.clone()),
            Proposal::Remove => None,
            Proposal::Reduce(role) => {
                Some(Right { role, permissions: role.built_in_permissions().unwrap(), ..one.clone() })
            }
        }).collect();
        for one in uses.iter().filter(|one| one.day >= days_ago(90)) {
            let could = sum(&rights, one.project_id).holds(one.permission);
            let is_list_of_own = one.project_id.is_none() && one.permission == Permission::ProjectRead;
            let can = sum(&after, one.project_id).holds(one.permission);
            prop_assert!(!could || can || is_list_of_own, "{one:?} of {rights:?} after {after:?}");
        }
        for project in &keys {
            prop_assert!(carries_keys(sum(&after, Some(*project))), "keys of {rights:?} after {after:?}");
        }
        prop_assert!(sum(&after, None).is_within(sum(&rights, None)), "wider than before");
    }
}
