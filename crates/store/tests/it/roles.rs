//! Roles, groups and what they sum up to: random worlds against a plain restatement of who was given what.

use std::collections::{BTreeMap, BTreeSet};

use domain::access::{
    CustomRole, OrganizationRole, Permission, Permissions, Principal, ProjectRole, RoleRef, Standing,
};
use domain::api_keys::KeyOwner;
use domain::audit::{AuditEntry, Verb};
use domain::groups::Group;
use domain::ids::{GroupId, ProjectId, RoleId, UserId};
use domain::organizations::NewOrganization;
use domain::page::{Order, PageRequest};
use domain::time::TimeZone;
use store::{Change, Error, KeyFilter, RolesOf, Store};

use crate::api_keys::{hash, key};
use crate::calls::Dice;
use crate::engines::{both_engines, noon};
use crate::people::add_user;
use crate::projects::{organization, project, user, whole};

const PEOPLE: u128 = 4;
const PROJECTS: i64 = 2;
const GROUPS: u128 = 2;

/// A place: the organization, or one of its projects.
type Place = Option<ProjectId>;

/// Who was given what, as plain sets.
#[derive(Default)]
struct Facts {
    given: BTreeSet<(Principal, Place, RoleRef)>,
    in_group: BTreeSet<(GroupId, UserId)>,
    custom: BTreeMap<RoleId, Permissions>,
}

impl Facts {
    fn permissions(&self, role: RoleRef) -> Permissions {
        match role {
            RoleRef::Custom(id) => self.custom[&id],
            built_in => built_in.built_in_permissions().unwrap(),
        }
    }

    /// Every role that counts for a person, with its place.
    fn roles(&self, of: UserId) -> Vec<(Place, RoleRef)> {
        let counts = |principal: &Principal| match principal {
            Principal::User(id) => *id == of,
            Principal::Group(id) => self.in_group.contains(&(*id, of)),
        };
        let given = self.given.iter().filter(|(who, _, _)| counts(who));
        let base = (None, RoleRef::Organization(OrganizationRole::Member));
        given.map(|(_, place, role)| (*place, *role)).chain([base]).collect()
    }

    /// What they may do in a place, by the names of permissions.
    fn may(&self, of: UserId, place: Place) -> BTreeSet<&'static str> {
        let mut names = BTreeSet::new();
        for (given_in, role) in self.roles(of) {
            let permissions = self.permissions(role);
            let counts = |permission: &Permission| match (given_in, place) {
                (None, None) => true,
                (None, Some(_)) => permission.level() == domain::access::Level::Project,
                (Some(there), here) => {
                    here == Some(there) && permission.level() == domain::access::Level::Project
                }
            };
            names.extend(permissions.iter().filter(counts).map(Permission::name));
        }
        names
    }

    fn replace_built_in(&mut self, of: UserId, place: Place, role: RoleRef) {
        let who = Principal::User(of);
        self.given.retain(|one| (one.0, one.1) != (who, place) || one.2.built_in_permissions().is_none());
        self.given.insert((who, place, role));
    }
}

fn group_id(n: u128) -> GroupId {
    GroupId::from_parts(noon(), n)
}

fn role_id(n: u128) -> RoleId {
    RoleId::from_parts(noon(), n)
}

fn place_of(n: u64) -> Place {
    (n > 0).then(|| project(organization(1), n.cast_signed()).id)
}

fn custom(id: RoleId, place: Place, permissions: Permissions) -> CustomRole {
    CustomRole {
        id,
        organization_id: organization(1),
        project_id: place,
        name: format!("role {id}"),
        description: String::new(),
        permissions,
        created_by: None,
        created_at: noon(),
        updated_at: noon(),
    }
}

fn random_permissions(dice: &mut Dice, place: Place) -> Permissions {
    let all = if place.is_some() { Permissions::all().of_projects() } else { Permissions::all() };
    let wanted: Permissions = all.iter().filter(|_| dice.below(6) == 0).collect();
    wanted
}

/// User 1 is the Admin, the others are members; there are projects, groups, a role of the organization and one of
/// each project.
async fn world(store: &Store) -> Facts {
    for n in 1..=PEOPLE {
        add_user(store, user(n), &format!("person{n}@example.test")).await;
    }
    let grant = whole(organization(1));
    let mut change = store.change(&grant, noon()).await.unwrap();
    let new = NewOrganization { name: "Acme".to_owned(), time_zone: TimeZone::utc() };
    change.insert_organization(organization(1), &new, user(1), "acme".to_owned()).await.unwrap();
    let mut facts = Facts::default();
    let admin = RoleRef::Organization(OrganizationRole::Admin);
    facts.given.insert((Principal::User(user(1)), None, admin));
    for n in 2..=PEOPLE {
        change.insert_member(organization(1), user(n), OrganizationRole::Member, None).await.unwrap();
    }
    for n in 1..=PROJECTS {
        change.insert_project(&project(organization(1), n)).await.unwrap();
    }
    for n in 1..=GROUPS {
        let (id, name) = (group_id(n), format!("group {n}"));
        let group = Group {
            id,
            organization_id: organization(1),
            name,
            people: 0,
            created_by: None,
            created_at: noon(),
        };
        change.insert_group(&group).await.unwrap();
    }
    for n in 0..=PROJECTS.unsigned_abs() {
        let role = custom(role_id(n.into()), place_of(n), Permissions::NONE);
        change.insert_custom_role(&role).await.unwrap();
        facts.custom.insert(role.id, role.permissions);
    }
    let _ = change.commit(AuditEntry::new(Verb::OrganizationCreated, "x")).await.unwrap();
    facts
}

fn random_role(dice: &mut Dice, at: u64) -> RoleRef {
    match (dice.below(3), at) {
        (0, _) => RoleRef::Custom(role_id(at.into())),
        (_, 0) => RoleRef::Organization(OrganizationRole::ALL[dice.below(4) as usize]),
        _ => RoleRef::Project(ProjectRole::ALL[dice.below(3) as usize]),
    }
}

fn random_principal(dice: &mut Dice) -> Principal {
    match dice.below(3) {
        0 => Principal::Group(group_id(1 + u128::from(dice.below(2)))),
        _ => Principal::User(user(2 + u128::from(dice.below(3)))),
    }
}

/// One random act, on the store and on the facts.
async fn act(dice: &mut Dice, change: &mut Change, facts: &mut Facts) {
    let grant = whole(organization(1));
    let at = dice.below(3);
    let (place, role, who) = (place_of(at), random_role(dice, at), random_principal(dice));
    let member = RoleRef::Organization(OrganizationRole::Member);
    match dice.below(8) {
        0..3 => {
            let is_new = change.give_role(&grant, who, place, role).await.unwrap();
            let was_missing = facts.given.insert((who, place, role));
            assert!(is_new == was_missing || role == member, "{who} {role} {place:?}");
        }
        3..5 if role != member => {
            let is_taken = change.take_role(&grant, who, place, role).await.unwrap();
            assert_eq!(is_taken, facts.given.remove(&(who, place, role)), "{who} {role} {place:?}");
        }
        5 => {
            let (group, person) =
                (group_id(1 + u128::from(dice.below(2))), user(2 + u128::from(dice.below(3))));
            let group = change.lock_group(&grant, group).await.unwrap();
            if dice.below(2) == 0 {
                let is_new = change.insert_group_member(&grant, &group, person).await.unwrap();
                assert_eq!(is_new, facts.in_group.insert((group.id, person)));
            } else {
                let was_in = change.delete_group_member(&group, person).await.unwrap();
                assert_eq!(was_in, facts.in_group.remove(&(group.id, person)));
            }
        }
        6 => {
            let id = role_id(at.into());
            let mut role = change.lock_custom_role(&grant, place, id).await.unwrap();
            role.permissions = random_permissions(dice, place);
            change.write_custom_role(&role).await.unwrap();
            facts.custom.insert(id, role.permissions);
        }
        _ => {
            let Principal::User(person) = who else { return };
            match role {
                RoleRef::Organization(role) => {
                    change.set_member_role(&grant, person, role).await.unwrap();
                }
                RoleRef::Project(role) => {
                    change.set_project_role(&grant, place.unwrap(), person, role).await.unwrap();
                }
                RoleRef::Custom(_) => return,
            }
            facts.replace_built_in(person, place, role);
        }
    }
}

fn names(standing: &Standing, place: Place) -> BTreeSet<&'static str> {
    let rights = match place {
        None => standing.rights(),
        Some(project) => standing.rights().of_projects().or(standing.rights_in(project)),
    };
    rights.names().into_iter().collect()
}

/// Holds everything that can be read against the facts.
async fn compare(store: &Store, facts: &Facts) {
    let grant = whole(organization(1));
    for n in 1..=PEOPLE {
        let standing = store.standing(user(n), organization(1), noon()).await.unwrap().unwrap();
        for at in 0..=PROJECTS.unsigned_abs() {
            let place = place_of(at);
            assert_eq!(names(&standing, place), facts.may(user(n), place), "user {n} in {place:?}");
            let of = RolesOf { principal: Principal::User(user(n)), project_id: place, at: noon() };
            let page = PageRequest::first(100, Order::Ascending);
            let listed = store.roles_given(&grant, of, &page).await.unwrap().items;
            let mut sources: Vec<_> = listed
                .iter()
                .flat_map(|given| {
                    given.sources.iter().map(|source| (given.role.reference(), source.principal))
                })
                .filter(|(role, _)| *role != RoleRef::Organization(OrganizationRole::Member))
                .collect();
            sources.sort_unstable();
            let counts = |who: &Principal| match who {
                Principal::User(id) => *id == user(n),
                Principal::Group(id) => facts.in_group.contains(&(*id, user(n))),
            };
            let mut expected: Vec<_> = facts
                .given
                .iter()
                .filter(|(who, given_in, _)| *given_in == place && counts(who))
                .map(|(who, _, role)| (*role, *who))
                .filter(|(role, _)| *role != RoleRef::Organization(OrganizationRole::Member))
                .collect();
            expected.sort_unstable();
            assert_eq!(sources, expected, "user {n} in {place:?}");
        }
        for at in 1..=PROJECTS.unsigned_abs() {
            let place = place_of(at).unwrap();
            let filter = KeyFilter { owner_active: Some(true), revoked_too: true, ..KeyFilter::default() };
            let page = PageRequest::first(100, Order::Ascending);
            let keys = store.project_keys(&grant, place, filter, &page).await.unwrap().items;
            let works = keys.iter().any(|owned| owned.key.owner == KeyOwner::User(user(n)));
            assert_eq!(
                works,
                facts.may(user(n), Some(place)).contains("api_key.manage_own"),
                "user {n} in {at}"
            );
            assert_eq!(works, standing.holds_keys_in(place));
        }
    }
}

/// A key of everybody in each project, so that it shows whose keys work.
async fn keys_of_everybody(store: &Store) {
    let mut change = store.change(&whole(organization(1)), noon()).await.unwrap();
    for at in 1..=PROJECTS {
        for n in 1..=PEOPLE {
            let number = at * 100 + i64::try_from(n).unwrap();
            let place = project(organization(1), at).id;
            let key = key(organization(1), place, number, KeyOwner::User(user(n)));
            change.insert_key(&key, &hash(&key.name)).await.unwrap();
        }
    }
    let _ = change.commit(AuditEntry::new(Verb::ApiKeyCreated, "x")).await.unwrap();
}

#[test]
fn random_worlds_sum_up_as_restated() {
    let changes = if std::env::var_os("BAILIWICK_TEST_FULL").is_some() { 5_000 } else { 150 };
    let dice = Dice::new("random worlds");
    both_engines(|store| {
        let mut dice = dice.clone();
        async move {
            let mut facts = world(&store).await;
            keys_of_everybody(&store).await;
            for _ in 0..changes {
                let mut change = store.change(&whole(organization(1)), noon()).await.unwrap();
                for _ in 0..1 + dice.below(10) {
                    act(&mut dice, &mut change, &mut facts).await;
                }
                let _ = change.commit(AuditEntry::new(Verb::RoleAssigned, "x")).await.unwrap();
                compare(&store, &facts).await;
            }
        }
    });
}

async fn begin(store: &Store) -> Change {
    store.change(&whole(organization(1)), noon()).await.unwrap()
}

#[test]
fn a_group_that_is_deleted_takes_with_it_what_it_gave() {
    both_engines(|store| async move {
        world(&store).await;
        keys_of_everybody(&store).await;
        let grant = whole(organization(1));
        let (place, owner) = (place_of(1), RoleRef::Project(ProjectRole::Owner));
        let group = Principal::Group(group_id(1));
        let mut change = begin(&store).await;
        change.give_role(&grant, group, place, owner).await.unwrap();
        let lasting = change.lock_group(&grant, group_id(1)).await.unwrap();
        change.insert_group_member(&grant, &lasting, user(2)).await.unwrap();
        let _ = change.commit(AuditEntry::new(Verb::RoleAssigned, "x")).await.unwrap();
        let rank = |at| store.standing(user(2), organization(1), at);
        assert!(rank(noon()).await.unwrap().unwrap().holds_keys_in(place.unwrap()));
        let mut change = begin(&store).await;
        change.delete_group(&lasting).await.unwrap();
        let _ = change.commit(AuditEntry::new(Verb::GroupDeleted, "x")).await.unwrap();
        let after = rank(noon()).await.unwrap().unwrap();
        assert!(after.projects().is_empty() && !after.holds_keys_in(place.unwrap()));
        assert!(matches!(store.group(&grant, group_id(1)).await, Err(Error::NotFound { .. })));
    });
}

#[test]
fn the_last_admin_stays_whoever_is_unassigned_at_once() {
    both_engines(|store| async move {
        world(&store).await;
        let grant = whole(organization(1));
        let admin = RoleRef::Organization(OrganizationRole::Admin);
        let mut change = begin(&store).await;
        for n in 2..=PEOPLE {
            change.give_role(&grant, Principal::User(user(n)), None, admin).await.unwrap();
        }
        let _ = change.commit(AuditEntry::new(Verb::RoleAssigned, "x")).await.unwrap();
        let attempts: Vec<_> = (1..=PEOPLE)
            .map(|n| {
                let store = store.clone();
                tokio::spawn(async move {
                    let grant = whole(organization(1));
                    let mut change = begin(&store).await;
                    match change.take_role(&grant, Principal::User(user(n)), None, admin).await {
                        Ok(is_taken) => {
                            assert!(is_taken);
                            change.commit(AuditEntry::new(Verb::RoleUnassigned, user(n))).await.is_ok()
                        }
                        Err(Error::Domain(error)) => {
                            assert_eq!(error.code(), "last_admin");
                            false
                        }
                        Err(error) => panic!("{error} {}", error.context()),
                    }
                })
            })
            .collect();
        let mut taken = 0;
        for attempt in attempts {
            taken += usize::from(attempt.await.unwrap());
        }
        assert_eq!(taken, 3);
    });
}

#[test]
fn a_role_tells_who_was_given_it() {
    both_engines(|store| async move {
        world(&store).await;
        let (grant, place) = (whole(organization(1)), place_of(1));
        let viewer = RoleRef::Project(ProjectRole::Viewer);
        let custom = RoleRef::Custom(role_id(1));
        let mut change = begin(&store).await;
        for who in [Principal::User(user(2)), Principal::Group(group_id(1))] {
            change.give_role(&grant, who, place, viewer).await.unwrap();
            change.give_role(&grant, who, place, custom).await.unwrap();
        }
        let _ = change.commit(AuditEntry::new(Verb::RoleAssigned, "x")).await.unwrap();
        let uses = store.role_uses(&grant, place, noon()).await.unwrap();
        for role in [viewer, custom] {
            assert_eq!((uses[&role].people, uses[&role].groups), (1, 1));
            let holders = store.role_holders(&grant, (place, role), noon(), 9).await.unwrap();
            let who: Vec<_> = holders.iter().map(|holder| holder.principal).collect();
            assert_eq!(who, [Principal::Group(group_id(1)), Principal::User(user(2))]);
        }
        let in_organization = store.role_uses(&grant, None, noon()).await.unwrap();
        let member = RoleRef::Organization(OrganizationRole::Member);
        assert_eq!(in_organization[&member].people, 3);
        let further = store.further_project_roles(&grant, place.unwrap(), noon(), 9).await.unwrap();
        assert_eq!(
            further.iter().map(|(who, role)| (who.id, *role)).collect::<Vec<_>>(),
            [(user(2), custom)]
        );
        let given = store.group_assignments(&grant, group_id(1), noon()).await.unwrap();
        assert_eq!(given.iter().map(|one| one.role).collect::<Vec<_>>(), [viewer, custom]);
    });
}

#[test]
fn names_of_roles_and_groups_are_given_once_in_each_place() {
    both_engines(|store| async move {
        world(&store).await;
        let mut change = begin(&store).await;
        let mut twin = custom(role_id(0), None, Permissions::NONE);
        twin.id = role_id(77);
        let refused = change.insert_custom_role(&twin).await.unwrap_err();
        assert!(refused.is_conflict("role_name_taken"));
        drop(change);
        let mut change = begin(&store).await;
        twin.project_id = place_of(1);
        change.insert_custom_role(&twin).await.unwrap();
        let refused = change.rename_group(group_id(1), "group 2").await.unwrap_err();
        assert!(refused.is_conflict("group_name_taken"));
    });
}

#[test]
fn a_role_is_found_only_where_it_belongs() {
    both_engines(|store| async move {
        world(&store).await;
        let (here, id) = (whole(organization(1)), role_id(1));
        assert!(store.custom_role(&here, place_of(1), id).await.is_ok());
        for place in [None, place_of(2)] {
            let missing = store.custom_role(&here, place, id).await;
            assert!(matches!(missing, Err(Error::NotFound { what: "role" })));
            let mut change = begin(&store).await;
            assert!(change.lock_custom_role(&here, place, id).await.is_err());
        }
        assert!(store.custom_role(&whole(organization(2)), place_of(1), id).await.is_err());
        let owner = crate::projects::person(
            organization(1),
            user(2),
            &[(place_of(1).unwrap(), ProjectRole::Owner)],
            Permission::ProjectMemberRead,
        );
        assert!(store.custom_role(&owner, place_of(1), id).await.is_ok());
        assert!(store.custom_role(&owner, place_of(2), role_id(2)).await.is_err());
        let of = |place| RolesOf { principal: Principal::User(user(1)), project_id: place, at: noon() };
        let page = PageRequest::first(9, Order::Ascending);
        assert!(store.roles_given(&owner, of(place_of(1)), &page).await.is_ok());
        for place in [None, place_of(2)] {
            assert!(store.roles_given(&owner, of(place), &page).await.is_err());
        }
    });
}

#[test]
fn groups_of_a_project_are_walked_by_pages_both_ways() {
    both_engines(|store| async move {
        world(&store).await;
        let grant = whole(organization(1));
        let (place, viewer) = (place_of(2), RoleRef::Project(ProjectRole::Viewer));
        let mut change = begin(&store).await;
        for n in 1..=GROUPS {
            change.give_role(&grant, Principal::Group(group_id(n)), place, viewer).await.unwrap();
        }
        let _ = change.commit(AuditEntry::new(Verb::RoleAssigned, "x")).await.unwrap();
        for order in [Order::Ascending, Order::Descending] {
            let mut page = PageRequest::first(1, order);
            let first = store.project_groups(&grant, place.unwrap(), &page, noon()).await.unwrap();
            page.after = Some(first.items[0].group.id.to_string());
            let second = store.project_groups(&grant, place.unwrap(), &page, noon()).await.unwrap();
            assert!(first.has_more && !second.has_more);
            assert_ne!(first.items[0].group.id, second.items[0].group.id);
        }
        let mut change = begin(&store).await;
        let taken = change.take_group_out(&grant, place.unwrap(), group_id(1)).await.unwrap();
        assert_eq!(taken, [viewer]);
        let _ = change.commit(AuditEntry::new(Verb::RoleUnassigned, "x")).await.unwrap();
        assert!(store.project_group(&grant, place.unwrap(), group_id(1), noon()).await.is_err());
        assert!(store.project_group(&grant, place.unwrap(), group_id(2), noon()).await.is_ok());
    });
}
