//! Who has rights in a project and what a person has rights to: complete, in order, with names, and in few statements
//! however many they are.

use std::time::{Duration, Instant};

use domain::access::{
    CustomRole, OrganizationRole, Permission, Permissions, Principal, ProjectRole, Reason, RoleRef,
};
use domain::api_keys::KeyOwner;
use domain::audit::{AuditEntry, Verb};
use domain::groups::Group;
use domain::ids::{GroupId, ProjectId, RoleId, UserId};
use domain::members::User;
use domain::organizations::NewOrganization;
use domain::page::{Order, PageRequest};
use domain::time::TimeZone;
use store::{Error, Holder, Store};

use crate::api_keys::{hash, key};
use crate::engines::{both_engines, both_engines_at, noon, tamper};
use crate::people::add_user;
use crate::projects::{organization, person, project, user, whole};

fn place(n: i64) -> ProjectId {
    project(organization(1), n).id
}

fn group() -> Group {
    Group {
        id: GroupId::from_parts(noon(), 1),
        organization_id: organization(1),
        name: "Platform".to_owned(),
        people: 0,
        created_by: None,
        created_at: noon(),
    }
}

fn custom(n: u128, project_id: Option<ProjectId>, name: &str, permissions: &[Permission]) -> CustomRole {
    CustomRole {
        id: RoleId::from_parts(noon(), n),
        organization_id: organization(1),
        project_id,
        name: name.to_owned(),
        description: String::new(),
        permissions: Permissions::of(permissions),
        created_by: None,
        created_at: noon(),
        updated_at: noon(),
    }
}

/// What each of the people is. Projects are 1 and 2, all of it is about project 1.
const PEOPLE: [(&str, OrganizationRole); 10] = [
    ("admin", OrganizationRole::Admin),
    ("member", OrganizationRole::Member),
    ("finance", OrganizationRole::Finance),
    ("auditor", OrganizationRole::Auditor),
    ("owner", OrganizationRole::Member),
    ("elsewhere", OrganizationRole::Member),
    ("grouped", OrganizationRole::Member),
    ("custom here", OrganizationRole::Member),
    ("custom everywhere", OrganizationRole::Member),
    ("custom of members", OrganizationRole::Member),
];

fn id_of(name: &str) -> UserId {
    let place = PEOPLE.iter().position(|(known, _)| *known == name).unwrap();
    user(1 + place as u128)
}

async fn world(store: &Store) {
    for (name, _) in PEOPLE {
        add_user(store, id_of(name), &format!("{}@example.test", name.replace(' ', "."))).await;
    }
    let grant = whole(organization(1));
    let mut change = store.change(&grant, noon()).await.unwrap();
    let new = NewOrganization { name: "Acme".to_owned(), time_zone: TimeZone::utc() };
    change.insert_organization(organization(1), &new, id_of("admin"), "acme".to_owned()).await.unwrap();
    for (name, role) in PEOPLE.into_iter().skip(1) {
        change.insert_member(organization(1), id_of(name), role, Some(id_of("admin"))).await.unwrap();
    }
    for n in 1..=2 {
        change.insert_project(&project(organization(1), n)).await.unwrap();
    }
    change.set_project_role(&grant, place(1), id_of("owner"), ProjectRole::Owner).await.unwrap();
    change.set_project_role(&grant, place(2), id_of("elsewhere"), ProjectRole::Owner).await.unwrap();
    change.insert_group(&group()).await.unwrap();
    let locked = change.lock_group(&grant, group().id).await.unwrap();
    change.insert_group_member(&grant, &locked, id_of("grouped")).await.unwrap();
    let viewer = RoleRef::Project(ProjectRole::Viewer);
    change.give_role(&grant, Principal::Group(group().id), Some(place(1)), viewer).await.unwrap();
    for (role, to) in [
        (custom(1, Some(place(1)), "Cost watcher", &[Permission::CostRead]), "custom here"),
        (custom(2, None, "Key watcher", &[Permission::ApiKeyRead]), "custom everywhere"),
        (custom(3, None, "Member watcher", &[Permission::MemberRead]), "custom of members"),
    ] {
        change.insert_custom_role(&role).await.unwrap();
        let who = Principal::User(id_of(to));
        change.give_role(&grant, who, role.project_id, RoleRef::Custom(role.id)).await.unwrap();
    }
    let _ = change.commit(AuditEntry::new(Verb::OrganizationCreated, "x")).await.unwrap();
}

/// The whole list, in pages of so many.
async fn everybody(store: &Store, limit: i64) -> Vec<Holder> {
    let mut request = PageRequest::first(limit, Order::Ascending);
    let mut all: Vec<Holder> = Vec::new();
    loop {
        let grant = whole(organization(1));
        let page = store.people_of_project(&grant, place(1), (&request, noon())).await.unwrap();
        all.extend(page.items);
        request.after = all.last().map(|holder| holder.user.id.to_string());
        if !page.has_more {
            return all;
        }
    }
}

fn told(reasons: &[Reason]) -> Vec<String> {
    let one = |reason: &Reason| {
        let through = reason.group_name.as_ref().map(|name| format!(" through {name}")).unwrap_or_default();
        let place = reason.project_name.as_ref().map(|name| format!(" in {name}")).unwrap_or_default();
        format!("{}{place}{through}", reason.role_name)
    };
    reasons.iter().map(one).collect()
}

#[test]
fn whoever_has_any_right_in_a_project_is_listed_once_with_every_reason() {
    both_engines(|store| async move {
        world(&store).await;
        let expected: Vec<(UserId, Vec<String>)> = [
            ("admin", vec!["Admin"]),
            ("finance", vec!["Finance"]),
            ("auditor", vec!["Auditor"]),
            ("owner", vec!["Project Owner in project 1"]),
            ("grouped", vec!["Viewer in project 1 through Platform"]),
            ("custom here", vec!["Cost watcher in project 1"]),
            ("custom everywhere", vec!["Key watcher"]),
        ]
        .into_iter()
        .map(|(name, reasons)| (id_of(name), reasons.into_iter().map(str::to_owned).collect()))
        .collect();
        for limit in [1, 2, 3, 7, 100] {
            let found = everybody(&store, limit).await;
            let found: Vec<_> = found.iter().map(|one| (one.user.id, told(&one.reasons))).collect();
            assert_eq!(found, expected, "in pages of {limit}");
        }
        let given_by = &everybody(&store, 100).await[2].reasons[0];
        assert_eq!(given_by.given_by_name.as_deref(), Some("Lead"), "everybody here is called so");
        let foreign = whole(organization(2));
        let page = PageRequest::first(10, Order::Ascending);
        let none = store.people_of_project(&foreign, place(1), (&page, noon())).await.unwrap();
        assert_eq!(none.items, []);
        let owner_of_2 = [(place(2), ProjectRole::Owner)];
        let grant = person(organization(1), user(6), &owner_of_2, Permission::ProjectMemberRead);
        let none = store.people_of_project(&grant, place(1), (&page, noon())).await.unwrap();
        assert_eq!(none.items, [], "out of reach");
    });
}

#[test]
fn what_a_person_has_is_what_authorize_sums_up() {
    both_engines_at(|store, url| async move {
        world(&store).await;
        let grant = whole(organization(1));
        for (name, role) in PEOPLE {
            let rights = store.person_rights(&grant, id_of(name), noon()).await.unwrap();
            let standing = store.standing(id_of(name), organization(1), noon()).await.unwrap().unwrap();
            assert_eq!(rights.standing, standing, "{name}");
            assert_eq!(rights.member.role, role);
            let of_reasons: Vec<_> = rights.reasons.iter().map(|reason| reason.assignment.clone()).collect();
            assert_eq!(of_reasons, standing.assignments);
        }
        let ended = format!(
            "update role_assignments set ends_at = {} where principal_id = '{}'",
            noon().unix_micros(),
            group().id
        );
        tamper(&url, &ended).await;
        let rights = store.person_rights(&grant, id_of("grouped"), noon()).await.unwrap();
        assert_eq!(told(&rights.reasons), ["Member"], "what ended is gone");
        assert!(!everybody(&store, 100).await.iter().any(|one| one.user.id == id_of("grouped")));
        tamper(&url, &format!("update members set suspended_at = 1 where user_id = '{}'", id_of("owner")))
            .await;
        let rights = store.person_rights(&grant, id_of("owner"), noon()).await.unwrap();
        assert!(rights.member.suspended_at.is_some());
        assert_eq!(told(&rights.reasons), ["Member", "Project Owner in project 1"], "as they would be");
        assert!(!everybody(&store, 100).await.iter().any(|one| one.user.id == id_of("owner")));
        let unknown = store.person_rights(&grant, user(99), noon()).await;
        let foreign = store.person_rights(&whole(organization(2)), id_of("owner"), noon()).await;
        for refused in [unknown, foreign] {
            assert!(matches!(refused, Err(Error::NotFound { what: "user" })));
        }
    });
}

#[test]
fn working_keys_are_counted_for_those_who_own_them_here() {
    both_engines(|store| async move {
        world(&store).await;
        let mut change = store.change(&whole(organization(1)), noon()).await.unwrap();
        for (n, at) in [(1, 1), (2, 1), (3, 2)] {
            let mut key = key(organization(1), place(at), n, KeyOwner::User(id_of("owner")));
            key.disabled_at = (n == 2).then(noon);
            change.insert_key(&key, &hash(&key.name)).await.unwrap();
            change.write_key(&key).await.unwrap();
        }
        let _ = change.commit(AuditEntry::new(Verb::ApiKeyCreated, "x")).await.unwrap();
        let all = everybody(&store, 100).await;
        let counts: Vec<u64> = all.iter().map(|one| one.key_count).collect();
        let expected: Vec<u64> = all.iter().map(|one| u64::from(one.user.id == id_of("owner"))).collect();
        assert_eq!(counts, expected);
    });
}

#[test]
fn keys_accounts_and_addresses_are_found_within_reach_alone() {
    both_engines(|store| async move {
        world(&store).await;
        let mut change = store.change(&whole(organization(1)), noon()).await.unwrap();
        let of_owner = key(organization(1), place(1), 1, KeyOwner::User(id_of("owner")));
        change.insert_key(&of_owner, &hash(&of_owner.name)).await.unwrap();
        let _ = change.commit(AuditEntry::new(Verb::ApiKeyCreated, "x")).await.unwrap();
        let member_of_1 = [(place(1), ProjectRole::Member)];
        for (who, is_found) in [(id_of("owner"), true), (id_of("member"), false)] {
            let grant = person(organization(1), who, &member_of_1, Permission::ApiKeyRead);
            assert_eq!(store.any_key(&grant, of_owner.id).await.is_ok(), is_found, "one's own only");
        }
        let owner_of_2 = [(place(2), ProjectRole::Owner)];
        let elsewhere = person(organization(1), id_of("elsewhere"), &owner_of_2, Permission::ApiKeyRead);
        assert!(store.any_key(&elsewhere, of_owner.id).await.is_err());
        assert!(store.any_key(&whole(organization(2)), of_owner.id).await.is_err());
        let here = whole(organization(1));
        assert_eq!(store.any_key(&here, of_owner.id).await.unwrap().key.id, of_owner.id);
        assert_eq!(store.newest_secret_at(&here, of_owner.id).await.unwrap(), noon());
        let found = store.member_of_email(&here, "owner@example.test").await.unwrap();
        assert_eq!(found, id_of("owner"));
        assert!(store.member_of_email(&whole(organization(2)), "owner@example.test").await.is_err());
    });
}

/// The page of a thousand people has to come as fast as any list.
#[test]
fn a_thousand_people_are_listed_in_a_tenth_of_a_second() {
    const CROWD: u128 = 1_000;
    both_engines(|store| async move {
        world(&store).await;
        let grant = whole(organization(1));
        let mut change = store.change(&grant, noon()).await.unwrap();
        for n in 0..CROWD {
            let id = user(1_000 + n);
            let email = format!("crowd{n}@example.test");
            let who = User { id, email, name: format!("Person {n}"), created_at: noon() };
            change.insert_user(&who, "hash").await.unwrap();
            change.insert_member(organization(1), id, OrganizationRole::Member, None).await.unwrap();
            change.set_project_role(&grant, place(1), id, ProjectRole::Member).await.unwrap();
        }
        let _ = change.commit(AuditEntry::new(Verb::UserAdded, "x")).await.unwrap();
        let all = everybody(&store, 100).await;
        assert_eq!(all.len() as u128, CROWD + 7);
        assert!(all.windows(2).all(|pair| pair[0].user.id < pair[1].user.id), "in order, each once");
        let page =
            PageRequest { after: Some(user(1_500).to_string()), ..PageRequest::first(100, Order::Ascending) };
        let mut fastest = Duration::MAX;
        for _ in 0..5 {
            let began = Instant::now();
            store.people_of_project(&grant, place(1), (&page, noon())).await.unwrap();
            fastest = fastest.min(began.elapsed());
        }
        println!("a page of 100 among {CROWD} people: {fastest:?}");
        assert!(fastest < Duration::from_millis(100), "{fastest:?}");
    });
}
