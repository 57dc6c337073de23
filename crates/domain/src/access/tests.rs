//! The printed matrix, and the decision held against the restatement in `model.rs`: exhaustively over a small world
//! and at random.

use super::model::{CUSTOM, Facts, Place};
use super::*;
use crate::ids::{GroupId, OrganizationId, ProjectId, RoleId, SessionId, UserId};
use crate::organizations::OrganizationState;
use crate::time::Timestamp;

fn at() -> Timestamp {
    Timestamp::from_unix_milliseconds(1_000)
}

fn organization(n: usize) -> OrganizationId {
    OrganizationId::from_parts(at(), n as u128)
}

fn project(n: usize) -> ProjectId {
    ProjectId::from_parts(at(), n as u128)
}

fn user(n: usize) -> UserId {
    UserId::from_parts(at(), n as u128)
}

#[test]
fn matrix_is_as_printed() {
    let mut text = String::from(
        "What may role X do. Printed by the test `matrix_is_as_printed`; a change of policy is a diff here.\n\
         yes: everywhere the role reaches; own: only what one owns; -: no.\n\n",
    );
    text += &format!("{:<26}", "permission");
    for role in OrganizationRole::ALL {
        text += &format!("{:>9}", role.title());
    }
    text += " |";
    for role in ProjectRole::ALL {
        text += &format!("{:>15}", role.title());
    }
    text.push('\n');
    for permission in Permission::ALL.iter().copied() {
        if Permission::ALL.iter().any(|wide| wide.own() == Some(permission)) {
            continue;
        }
        let cell = |role: Permissions| match (role.holds(permission), permission.own()) {
            (true, _) => "yes",
            (false, Some(own)) if role.holds(own) => "own",
            (false, _) => "-",
        };
        text += &format!("{:<26}", permission.name());
        for role in OrganizationRole::ALL {
            text += &format!("{:>9}", cell(role.permissions()));
        }
        text += " |";
        for role in ProjectRole::ALL {
            text += &format!("{:>15}", cell(role.permissions()));
        }
        text.push('\n');
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/access/matrix.txt");
    let printed = std::fs::read_to_string(path).unwrap_or_default();
    if printed != text {
        std::fs::write(path, &text).unwrap();
    }
    assert_eq!(printed, text, "the matrix changed: it was printed again, review its diff");
}

const ORGANIZATION_ROLES: [&str; 5] = [
    "organization-admin",
    "organization-member",
    "organization-finance",
    "organization-auditor",
    "custom-organization",
];
const PROJECT_ROLES: [&str; 4] = ["project-owner", "project-member", "project-viewer", "custom-project"];

/// The real role of a model's word.
fn role(word: &str) -> (RoleRef, Permissions) {
    if let Some(place) = CUSTOM.iter().position(|(name, _)| *name == word) {
        let names: Vec<String> = CUSTOM[place].1.iter().map(|name| (*name).to_owned()).collect();
        let level = if word.ends_with("project") { Level::Project } else { Level::Organization };
        let id = RoleId::from_parts(at(), place as u128);
        return (RoleRef::Custom(id), custom_permissions(&names, level).unwrap());
    }
    let role = RoleRef::of_wire(&format!("role-api-{word}")).unwrap();
    (role, role.built_in_permissions().unwrap())
}

fn assignment(word: &str, place: Place, group: Option<usize>) -> Assignment {
    let (role, permissions) = role(word);
    Assignment {
        permissions,
        group_id: group.map(|n| GroupId::from_parts(at(), n as u128)),
        ..Assignment::built_in(role, place.map(project))
    }
}

/// The actor that the store would make of the same facts.
fn actor(facts: &Facts, who: usize, acting_in: usize) -> Actor {
    let member = facts.members.iter().find(|one| one.0 == who && one.1 == acting_in);
    let is_suspended = facts.suspended.contains(&(who, acting_in));
    let standing = member.filter(|_| !is_suspended).map(|(_, _, word)| {
        let mut assignments = vec![assignment(word, None, None)];
        for (to, of, word, place) in &facts.to_users {
            if *to == who && *of == acting_in {
                assignments.push(assignment(word, *place, None));
            }
        }
        for (group, word, place) in &facts.to_groups {
            let (of, people) = &facts.groups[*group];
            if *of == acting_in && people.contains(&who) {
                assignments.push(assignment(word, *place, Some(*group)));
            }
        }
        let state = match facts.stopped.contains(&acting_in) {
            true => OrganizationState::Suspended,
            false => OrganizationState::Active,
        };
        Standing { state, ..Standing::new(organization(acting_in), assignments) }
    });
    Actor {
        user_id: user(who),
        email: "someone@example.test".to_owned(),
        credential: Credential::Session(SessionId::from_parts(at(), 1)),
        standing,
        origin: Origin::default(),
    }
}

fn decided(actor: &Actor, permission: Permission, of: usize, in_project: usize) -> &'static str {
    match authorize(actor, permission, Target::Project(organization(of), project(in_project))) {
        Ok(grant) if grant.reaches(project(in_project), None) => "whole",
        Ok(grant) if grant.reaches(project(in_project), Some(actor.user_id)) => "own",
        Ok(_) => "nothing",
        Err(crate::Error::Forbidden { .. }) => "forbidden",
        Err(_) => "hidden",
    }
}

fn listed(actor: &Actor, permission: Permission, of: usize) -> &'static str {
    match authorize(actor, permission, Target::Organization(organization(of))) {
        Ok(grant) if *grant.reach() == Reach::All => "whole",
        Ok(_) => "list",
        Err(crate::Error::Forbidden { .. }) => "forbidden",
        Err(_) => "hidden",
    }
}

/// Compares every decision about one user; how many there were.
fn compare(facts: &Facts, who: usize, acting_in: usize) -> usize {
    let actor = actor(facts, who, acting_in);
    let mut compared = 0;
    for permission in Permission::ALL.iter().copied() {
        let name = permission.name();
        for (number, of) in facts.projects.iter().copied().enumerate() {
            let expected = facts.in_project(who, (acting_in, number), name);
            assert_eq!(
                decided(&actor, permission, of, number),
                expected,
                "{name} in {number}: {who} {facts:?}"
            );
            let target = Target::Project(organization(of), project(number));
            assert_eq!(
                explain(&actor, permission, target).decision.is_allowed(),
                matches!(expected, "whole" | "own"),
                "{name}"
            );
            compared += 1;
        }
        for of in 0..2 {
            let expected = facts.in_organization(who, (acting_in, of), name);
            assert_eq!(
                listed(&actor, permission, of),
                expected,
                "{name} in organization {of}: {who} {facts:?}"
            );
            list_is_the_filter_of_the_decision(&actor, facts, permission, of);
            compared += 1;
        }
    }
    compared
}

fn list_is_the_filter_of_the_decision(actor: &Actor, facts: &Facts, permission: Permission, of: usize) {
    if permission.level() == Level::Organization {
        return;
    }
    let list = authorize(actor, permission, Target::Organization(organization(of)));
    for number in (0..facts.projects.len()).filter(|number| facts.projects[*number] == of) {
        let single = authorize(actor, permission, Target::Project(organization(of), project(number)));
        for owner in [None, Some(actor.user_id)] {
            let in_list = list.as_ref().is_ok_and(|grant| grant.reaches(project(number), owner));
            let alone = single.as_ref().is_ok_and(|grant| grant.reaches(project(number), owner));
            assert_eq!(in_list, alone, "{permission} {number} {owner:?}");
        }
    }
}

/// Two organizations with two projects each, three users; the second is there for the first's isolation.
fn world() -> Facts {
    Facts {
        projects: vec![0, 0, 1, 1],
        members: vec![(1, 0, "organization-member"), (2, 1, "organization-admin")],
        groups: vec![(0, vec![0, 1]), (1, vec![0, 2])],
        ..Facts::default()
    }
}

#[test]
fn every_case_of_a_small_world_decides_as_restated() {
    let none_or = |words: &[&'static str]| -> Vec<Option<&'static str>> {
        std::iter::once(None).chain(words.iter().copied().map(Some)).collect()
    };
    let mut compared = 0;
    for organization_role in none_or(&ORGANIZATION_ROLES[..4]) {
        for own_role in none_or(&PROJECT_ROLES) {
            for group_role in none_or(&PROJECT_ROLES) {
                for extra in none_or(&ORGANIZATION_ROLES) {
                    for state in 0..4 {
                        let mut facts = world();
                        facts.members.extend(organization_role.map(|word| (0, 0, word)));
                        facts.to_users.extend(own_role.map(|word| (0, 0, word, Some(0))));
                        facts.to_groups.extend(group_role.map(|word| (0, word, Some(1))));
                        facts.to_groups.extend(extra.map(|word| (0, word, None)));
                        facts.to_groups.push((1, "organization-admin", None));
                        facts.suspended.extend((state == 1).then_some((0, 0)));
                        facts.stopped.extend((state == 2).then_some(0));
                        facts.members.extend((state == 3).then_some((0, 1, "organization-finance")));
                        for acting_in in 0..2 {
                            compared += compare(&facts, 0, acting_in);
                        }
                    }
                }
            }
        }
    }
    assert!(compared > 500_000, "{compared}");
}

/// How many random decisions are compared.
fn wanted() -> usize {
    if std::env::var_os("BAILIWICK_TEST_FULL").is_some() { 10_000_000 } else { 1_000_000 }
}

#[test]
fn random_worlds_decide_as_restated() {
    let mut dice = Dice::thrown();
    let mut compared = 0;
    while compared < wanted() {
        let facts = random_facts(&mut dice);
        for who in 0..3 {
            compared += compare(&facts, who, dice.below(2));
        }
    }
}

/// Numbers that look random, repeatable by their seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn thrown() -> Self {
        let given = std::env::var_os("BAILIWICK_TEST_SEED").and_then(|seed| seed.to_str()?.parse().ok());
        let fresh = || std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0);
        let seed = given.unwrap_or_else(fresh);
        println!("BAILIWICK_TEST_SEED={seed}");
        Self(seed)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap() % bound
    }
}

fn random_facts(dice: &mut Dice) -> Facts {
    let mut facts = Facts { projects: vec![0, 0, 1, 1], ..Facts::default() };
    for who in 0..3 {
        for of in 0..2 {
            if dice.below(3) > 0 {
                facts.members.push((who, of, ORGANIZATION_ROLES[dice.below(4)]));
            }
            if dice.below(12) == 0 {
                facts.suspended.push((who, of));
            }
        }
    }
    facts.stopped.extend((dice.below(6) == 0).then_some(0));
    for group in 0..3 {
        let people = (0..3).filter(|_| dice.below(2) == 0).collect();
        facts.groups.push((dice.below(2), people));
        for _ in 0..dice.below(3) {
            let (word, place) = random_role(dice, facts.groups[group].0);
            facts.to_groups.push((group, word, place));
        }
    }
    for _ in 0..dice.below(5) {
        let of = dice.below(2);
        let (word, place) = random_role(dice, of);
        facts.to_users.push((dice.below(3), of, word, place));
    }
    facts
}

fn random_role(dice: &mut Dice, of: usize) -> (&'static str, Place) {
    match dice.below(4) {
        0 => (ORGANIZATION_ROLES[dice.below(ORGANIZATION_ROLES.len())], None),
        _ => (PROJECT_ROLES[dice.below(PROJECT_ROLES.len())], Some(2 * of + dice.below(2))),
    }
}

fn grant_of(standing: &[(&'static str, Place)], permission: Permission, place: Place) -> Grant {
    let facts = Facts { projects: vec![0, 0], members: vec![(0, 0, standing[0].0)], ..Facts::default() };
    let mut actor = actor(&facts, 0, 0);
    let more = standing[1..].iter().map(|(word, place)| assignment(word, *place, None));
    actor.standing.as_mut().unwrap().assignments.extend(more);
    let target = match place {
        None => Target::Organization(organization(0)),
        Some(number) => Target::Project(organization(0), project(number)),
    };
    authorize(&actor, permission, target).unwrap()
}

fn standing_of(words: &[(&str, Place)]) -> Standing {
    let assignments = words.iter().map(|(word, place)| assignment(word, *place, None)).collect();
    Standing::new(organization(0), assignments)
}

#[test]
fn nobody_gives_more_than_they_have_where_they_give_it() {
    let owner = [("organization-member", None), ("project-owner", Some(0))];
    let grant = grant_of(&owner, Permission::ProjectMemberManage, Some(0));
    for role in ProjectRole::ALL {
        assert!(grant.may_give(role.permissions(), Some(project(0))).is_ok(), "{role:?}");
        assert!(grant.may_give(role.permissions(), Some(project(1))).is_err(), "{role:?} elsewhere");
        assert!(grant.may_give(role.permissions(), None).is_err(), "{role:?} everywhere");
    }
    assert!(grant.may_give(Permissions::of(&[Permission::ProjectArchive]), Some(project(0))).is_err());
    let admin = grant_of(&[("organization-admin", None)], Permission::MemberManage, None);
    assert!(admin.may_give(Permissions::all(), None).is_ok());
    assert!(Grant::system(Task::SetUp, None).may_give(Permissions::all(), None).is_ok());
}

#[test]
fn nobody_changes_somebody_of_higher_rank() {
    let owner = [("organization-member", None), ("project-owner", Some(0))];
    let grant = grant_of(&owner, Permission::ProjectMemberManage, Some(0));
    let here = Some(project(0));
    assert!(grant.may_change(&standing_of(&owner), here).is_ok(), "a co-owner is no higher");
    assert!(grant.may_change(&standing_of(&[("organization-auditor", None)]), here).is_ok());
    assert!(grant.may_change(&standing_of(&[("organization-admin", None)]), here).is_err());
    let admin = grant_of(&[("organization-admin", None)], Permission::MemberManage, None);
    assert!(admin.may_change(&standing_of(&[("organization-admin", None)]), None).is_ok());
    assert!(admin.may_stand_for(&standing_of(&owner)).is_ok());
    assert!(
        grant
            .may_stand_for(&standing_of(&[("organization-member", None), ("project-owner", Some(1))]))
            .is_err()
    );
}

#[test]
fn wire_ids_of_roles_round_trip() {
    for level in [Level::Organization, Level::Project] {
        for role in RoleRef::built_in(level) {
            assert_eq!(RoleRef::of_wire(&role.to_string()).unwrap(), role);
        }
    }
    let long = RoleRef::of_wire("role-api-project-owner__api-project__proj_1").unwrap();
    assert_eq!(long, RoleRef::Project(ProjectRole::Owner));
    let reader = RoleRef::of_wire("role-api-organization-reader__api-organization__org_1").unwrap();
    assert_eq!(reader, RoleRef::Organization(OrganizationRole::Member));
    assert!(RoleRef::of_wire("role-api-project-king").is_err() && RoleRef::of_wire("").is_err());
}

#[test]
fn custom_roles_take_what_fits_their_level() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert!(custom_permissions(&names(&["usage.read", "member.read"]), Level::Organization).is_ok());
    assert!(custom_permissions(&names(&["usage.read_own"]), Level::Organization).is_err());
    assert!(custom_permissions(&names(&["usage.read_own", "usage.read"]), Level::Organization).is_ok());
    assert!(custom_permissions(&names(&["member.read"]), Level::Project).is_err());
    assert!(custom_permissions(&names(&["usage.read_own"]), Level::Project).is_ok());
    assert!(custom_permissions(&names(&["king.be"]), Level::Project).is_err());
    assert!(custom_permissions(&[], Level::Project).is_err());
    assert!(
        custom_name("viewer", Level::Project).is_err() && custom_name("viewer", Level::Organization).is_ok()
    );
}
