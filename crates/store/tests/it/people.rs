//! People: the last Admin, invitations, sessions, repeated requests. What must happen once is asked for at once.

use std::future::Future;

use domain::access::{OrganizationRole, ProjectRole, Standing};
use domain::api_keys::{KeyHash, Pepper};
use domain::audit::{AuditEntry, Verb};
use domain::ids::{InviteId, SessionId, UserId};
use domain::invites::{INVITE_LIFETIME, Invite};
use domain::members::User;
use domain::organizations::NewOrganization;
use domain::page::{Order, PageRequest};
use domain::time::{MINUTE, TimeZone};
use store::{Claimed, Error, Repeatable, Session, Store};

use crate::engines::{both_engines, noon};
use crate::projects::{organization, project, user, whole};

fn hash(text: &str) -> KeyHash {
    Pepper::new(&[3; 32]).hash(text)
}

pub async fn add_user(store: &Store, id: UserId, email: &str) -> User {
    let person = User { id, email: email.to_owned(), name: "Lead".to_owned(), created_at: noon() };
    let mut change = store.change(&whole(organization(1)), noon()).await.unwrap();
    change.insert_user(&person, "hash").await.unwrap();
    let _ = change.commit(AuditEntry::new(Verb::UserAdded, id)).await.unwrap();
    person
}

/// Organization 1 with so many Admins, who are users 1, 2, ….
async fn with_admins(store: &Store, admins: u128) {
    for n in 1..=admins {
        add_user(store, user(n), &format!("admin{n}@example.test")).await;
    }
    let mut change = store.change(&whole(organization(1)), noon()).await.unwrap();
    let new = NewOrganization { name: "Acme & Co".to_owned(), time_zone: TimeZone::utc() };
    let slug = change.free_slug(&new.name).await.unwrap();
    change.insert_organization(organization(1), &new, user(1), slug).await.unwrap();
    for n in 2..=admins {
        change.insert_member(organization(1), user(n), OrganizationRole::Admin, None).await.unwrap();
    }
    let _ = change.commit(AuditEntry::new(Verb::OrganizationCreated, organization(1))).await.unwrap();
}

/// How many of the attempts, all started at once, succeeded.
async fn succeeded<T: Future<Output = bool> + Send + 'static>(attempts: Vec<T>) -> usize {
    let tasks: Vec<_> = attempts.into_iter().map(tokio::spawn).collect();
    let mut count = 0;
    for task in tasks {
        count += usize::from(task.await.unwrap());
    }
    count
}

#[test]
fn the_last_admin_stays_whoever_is_removed_or_demoted_at_once() {
    both_engines(|store| async move {
        const ADMINS: u128 = 8;
        with_admins(&store, ADMINS).await;
        let attempts = (1..=ADMINS).map(|n| {
            let store = store.clone();
            async move {
                let grant = whole(organization(1));
                let mut change = store.change(&grant, noon()).await.unwrap();
                let done = match n % 2 {
                    0 => change.remove_member(&grant, user(n)).await,
                    _ => change.set_member_role(&grant, user(n), OrganizationRole::Member).await,
                };
                match done {
                    Ok(_) => change.commit(AuditEntry::new(Verb::UserUpdated, user(n))).await.is_ok(),
                    Err(Error::Domain(error)) => {
                        assert_eq!(error.code(), "last_admin");
                        false
                    }
                    Err(error) => panic!("{error} {}", error.context()),
                }
            }
        });
        assert_eq!(succeeded(attempts.collect()).await, 7);
        assert!(store.has_admin().await.unwrap());
    });
}

#[test]
fn removing_a_member_takes_their_standing_and_their_last_session() {
    both_engines(|store| async move {
        with_admins(&store, 2).await;
        let grant = whole(organization(1));
        let session = session(user(2));
        let mut change = store.change(&grant, noon()).await.unwrap();
        change.insert_session(&session, &hash("token")).await.unwrap();
        let _ = change.commit(AuditEntry::new(Verb::SignedIn, user(2))).await.unwrap();
        assert!(store.standing(user(2), organization(1), noon()).await.unwrap().is_some());
        let mut change = store.change(&grant, noon()).await.unwrap();
        change.remove_member(&grant, user(2)).await.unwrap();
        let _ = change.commit(AuditEntry::new(Verb::UserRemoved, user(2))).await.unwrap();
        assert!(store.standing(user(2), organization(1), noon()).await.unwrap().is_none());
        let idle_since = noon().plus_micros(-MINUTE);
        assert!(store.session_holder(&hash("token"), noon(), idle_since).await.unwrap().is_none());
        let foreign = whole(organization(2));
        assert!(matches!(store.member(&foreign, user(1)).await, Err(Error::NotFound { .. })));
    });
}

fn session(user_id: UserId) -> Session {
    Session {
        id: SessionId::from_parts(noon(), 5),
        user_id,
        address: None,
        user_agent: Some("browser".to_owned()),
        created_at: noon(),
        seen_at: noon(),
        ends_at: noon().plus_micros(60 * MINUTE),
    }
}

#[test]
fn sessions_end_when_idle_and_at_their_end() {
    both_engines(|store| async move {
        with_admins(&store, 1).await;
        let mut change = store.change(&whole(organization(1)), noon()).await.unwrap();
        change.insert_session(&session(user(1)), &hash("token")).await.unwrap();
        let _ = change.commit(AuditEntry::new(Verb::SignedIn, user(1))).await.unwrap();
        let seen = |minutes: i64| {
            let (store, at) = (store.clone(), noon().plus_micros(minutes * MINUTE));
            let idle_since = at.plus_micros(-10 * MINUTE);
            async move { store.session_holder(&hash("token"), at, idle_since).await.unwrap().is_some() }
        };
        assert!(seen(9).await, "not idle yet, and seen now");
        assert!(seen(18).await, "idle time runs from when it was last seen");
        assert!(!seen(29).await, "idle");
        assert!(
            store.session_holder(&hash("other"), noon(), noon().plus_micros(-1)).await.unwrap().is_none()
        );
        let (at, long_ago) = (noon().plus_micros(60 * MINUTE), noon().plus_micros(-MINUTE));
        assert!(store.session_holder(&hash("token"), at, long_ago).await.unwrap().is_none(), "its end");
    });
}

fn invite() -> Invite {
    Invite {
        id: InviteId::from_parts(noon(), 1),
        organization_id: organization(1),
        email: "new@example.test".to_owned(),
        role: OrganizationRole::Member,
        projects: vec![(project(organization(1), 1).id, ProjectRole::Owner)],
        invited_by: user(1),
        created_at: noon(),
        expires_at: noon().plus_micros(INVITE_LIFETIME),
        accepted_at: None,
        revoked_at: None,
    }
}

#[test]
fn an_invitation_is_accepted_once_however_many_try_at_once() {
    both_engines(|store| async move {
        with_admins(&store, 1).await;
        add_user(&store, user(9), "new@example.test").await;
        let grant = whole(organization(1));
        let mut change = store.change(&grant, noon()).await.unwrap();
        change.insert_project(&project(organization(1), 1)).await.unwrap();
        change.insert_invite(&invite(), &hash("link")).await.unwrap();
        let _ = change.commit(AuditEntry::new(Verb::InviteSent, invite().id)).await.unwrap();
        let offered = store.invite_of_token(&hash("link")).await.unwrap().unwrap();
        assert_eq!((offered.invite, offered.inviter.as_str()), (invite(), "Lead"));
        assert_eq!(offered.projects, [("project 1".to_owned(), ProjectRole::Owner)]);
        let attempts = (0..8).map(|_| {
            let store = store.clone();
            async move {
                let mut change = store.change(&whole(organization(1)), noon()).await.unwrap();
                if !change.take_invite(&invite(), &hash("link")).await.unwrap() {
                    return false;
                }
                change.insert_member(organization(1), user(9), OrganizationRole::Member, None).await.unwrap();
                change.give_invited_projects(invite().id, user(9)).await.unwrap();
                change.commit(AuditEntry::new(Verb::InviteAccepted, invite().id)).await.is_ok()
            }
        });
        assert_eq!(succeeded(attempts.collect()).await, 1);
        let standing = store.standing(user(9), organization(1), noon()).await.unwrap().unwrap();
        let expected = Standing::of_roles(
            organization(1),
            OrganizationRole::Member,
            &[(project(organization(1), 1).id, ProjectRole::Owner)],
        );
        assert_eq!(standing.rights_in(standing.projects()[0]), expected.rights_in(expected.projects()[0]));
        let page = store.invites(&grant, &PageRequest::first(5, Order::Ascending)).await.unwrap();
        assert_eq!((page.items.len(), page.items[0].projects.len()), (1, 1));
        let mut change = store.change(&grant, noon()).await.unwrap();
        assert!(change.revoke_invite(&grant, invite().id).await.unwrap_err().is_conflict("invite_accepted"));
    });
}

#[test]
fn invitations_reach_only_projects_of_their_organization() {
    both_engines(|store| async move {
        with_admins(&store, 1).await;
        let mut change = store.change(&whole(organization(2)), noon()).await.unwrap();
        change.insert_project(&project(organization(2), 1)).await.unwrap();
        let _ = change.commit(AuditEntry::new(Verb::ProjectCreated, "p")).await.unwrap();
        let mut change = store.change(&whole(organization(1)), noon()).await.unwrap();
        let refused = change.insert_invite(&invite(), &hash("link")).await;
        assert!(matches!(refused, Err(Error::NotFound { what: "project" })));
    });
}

#[test]
fn members_are_walked_by_pages_and_found_by_address() {
    both_engines(|store| async move {
        with_admins(&store, 5).await;
        let grant = whole(organization(1));
        let mut request = PageRequest::first(2, Order::Ascending);
        let mut seen = Vec::new();
        loop {
            let page = store.members(&grant, vec![], &request).await.unwrap();
            seen.extend(page.items.iter().map(|member| member.user.id));
            request.after = seen.last().map(ToString::to_string);
            if !page.has_more {
                break;
            }
        }
        assert_eq!(seen, (1..=5).map(user).collect::<Vec<_>>());
        let emails = vec!["admin4@example.test".to_owned(), "nobody@example.test".to_owned()];
        let found = store.members(&grant, emails, &PageRequest::first(9, Order::Descending)).await.unwrap();
        assert_eq!(found.items.len(), 1);
        assert!(store.members(&whole(organization(2)), vec![], &request).await.unwrap().items.is_empty());
    });
}

#[test]
fn organizations_of_one_name_get_words_of_their_own() {
    both_engines(|store| async move {
        with_admins(&store, 1).await;
        let mut slugs = Vec::new();
        for n in 2..=3 {
            let mut change = store.change(&whole(organization(n)), noon()).await.unwrap();
            let new = NewOrganization { name: "Acme & Co".to_owned(), time_zone: TimeZone::utc() };
            let slug = change.free_slug(&new.name).await.unwrap();
            slugs.push(change.insert_organization(organization(n), &new, user(1), slug).await.unwrap().slug);
            let entry = AuditEntry::new(Verb::OrganizationCreated, organization(n));
            let _ = change.commit(entry).await.unwrap();
        }
        assert_eq!(slugs, ["acme-co-2", "acme-co-3"]);
        assert_eq!(store.organizations_of(user(1)).await.unwrap().len(), 3);
        assert_eq!(store.organization_of_slug("acme-co-3").await.unwrap(), Some(organization(3)));
    });
}

#[test]
fn a_request_is_claimed_once_and_its_answer_found_again() {
    both_engines(|store| async move {
        let request = |claim: &str, body: &str, minutes: i64| Repeatable {
            key: "key".to_owned(),
            body_hash: body.to_owned(),
            claim: claim.to_owned(),
            at: noon().plus_micros(minutes * MINUTE),
            ends_at: noon().plus_micros((minutes + 10) * MINUTE),
            dead_before: noon().plus_micros((minutes - 1) * MINUTE),
            displaces: false,
        };
        let attempts = (0..8).map(|n| {
            let (store, request) = (store.clone(), request(&n.to_string(), "a", 0));
            async move { store.claim_request(&request).await.unwrap() == Claimed::First }
        });
        assert_eq!(succeeded(attempts.collect()).await, 1);
        assert_eq!(store.claim_request(&request("x", "b", 0)).await.unwrap(), Claimed::OtherBody);
        let second = request("second", "a", 3);
        assert_eq!(store.claim_request(&second).await.unwrap(), Claimed::First, "the first one died");
        store.keep_answer(&second, vec![7]).await.unwrap();
        let answered =
            Claimed::Answered { answer: vec![7], body_hash: "a".to_owned(), claim: "second".to_owned() };
        assert_eq!(store.claim_request(&request("third", "a", 12)).await.unwrap(), answered);
        assert_eq!(store.claim_request(&request("fourth", "a", 13)).await.unwrap(), Claimed::First);
    });
}

#[test]
fn attempts_are_counted_and_forgotten() {
    both_engines(|store| async move {
        for expected in 1..=3 {
            assert_eq!(store.count_attempt("a", noon()).await.unwrap(), expected);
        }
        store.forget_attempts("a", noon()).await.unwrap();
        assert_eq!(store.count_attempt("a", noon()).await.unwrap(), 1);
    });
}

#[test]
fn a_set_up_link_works_until_there_is_an_admin() {
    both_engines(|store| async move {
        store.put_set_up_link(&hash("old"), noon()).await.unwrap();
        store.put_set_up_link(&hash("new"), noon()).await.unwrap();
        assert!(!store.is_set_up_link(&hash("old")).await.unwrap());
        assert!(store.is_set_up_link(&hash("new")).await.unwrap());
        with_admins(&store, 1).await;
        assert!(!store.is_set_up_link(&hash("new")).await.unwrap());
        let mut change = store.change(&whole(organization(1)), noon()).await.unwrap();
        assert!(!change.take_set_up_link(&hash("new")).await.unwrap());
    });
}
