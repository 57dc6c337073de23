//! Keys: who reaches which, what a secret finds, rotation, and what ends them.

use domain::access::{Permission, ProjectRole};
use domain::api_keys::{ApiKey, KeyHash, KeyKind, KeyOwner, Pepper};
use domain::audit::{AuditEntry, Verb};
use domain::ids::{KeyId, OrganizationId, ProjectId, SecretId, ServiceAccountId, UserId};
use domain::models::ModelLists;
use domain::page::{Order, PageRequest};
use domain::service_accounts::ServiceAccount;
use domain::text::Tags;
use store::{Change, KeyFilter, Store};

use crate::engines::{both_engines, noon};
use crate::projects::{insert, organization, person, project, user, whole};

pub fn hash(text: &str) -> KeyHash {
    Pepper::new(&[3; 32]).hash(text)
}

pub fn key(organization_id: OrganizationId, project: ProjectId, n: i64, owner: KeyOwner) -> ApiKey {
    ApiKey {
        id: KeyId::from_parts(noon().plus_seconds(n), 0),
        organization_id,
        project_id: Some(project),
        kind: KeyKind::Project,
        name: format!("key {n}"),
        description: "nightly".to_owned(),
        tags: Tags::new(),
        owner,
        created_by: user(1),
        created_at: noon(),
        expires_at: None,
        disabled_at: None,
        revoked_at: None,
        last_used_at: None,
        redacted: "sk-proj-bwAB…1234".to_owned(),
        models: ModelLists::of_key(Some(&["m*".to_owned()]), &["m2".to_owned()]).unwrap(),
        scopes: Vec::new(),
        secret_id: SecretId::from_parts(noon(), n.unsigned_abs().into()),
        secret_version: 1,
    }
}

async fn keep(change: Change, verb: Verb) {
    let _ = change.commit(AuditEntry::new(verb, "x")).await.unwrap();
}

async fn begin(store: &Store) -> Change {
    store.change(&whole(organization(1)), noon()).await.unwrap()
}

/// One project with a key of each of two people and one of a service account.
async fn furnished(store: &Store) -> (ProjectId, Vec<ApiKey>) {
    let here = organization(1);
    let place = project(here, 1);
    insert(store, &place).await.unwrap();
    let account = ServiceAccount {
        id: ServiceAccountId::from_parts(noon(), 1),
        project_id: place.id,
        name: "robot".to_owned(),
        role: None,
        key_owner_id: user(1),
        created_at: noon(),
    };
    let owners = [KeyOwner::User(user(1)), KeyOwner::User(user(2)), KeyOwner::ServiceAccount(account.id)];
    let keys: Vec<ApiKey> = (1..).zip(owners).map(|(n, owner)| key(here, place.id, n, owner)).collect();
    let mut change = begin(store).await;
    change.insert_service_account(here, &account).await.unwrap();
    for key in &keys {
        change.insert_key(key, &hash(&key.name)).await.unwrap();
    }
    keep(change, Verb::ApiKeyCreated).await;
    (place.id, keys)
}

fn ids(keys: &[&ApiKey]) -> Vec<KeyId> {
    keys.iter().map(|key| key.id).collect()
}

async fn listed(
    store: &Store,
    by: &domain::access::Grant,
    place: ProjectId,
    filter: KeyFilter,
) -> Vec<KeyId> {
    let page = PageRequest::first(10, Order::Ascending);
    let list = store.project_keys(by, place, filter, &page).await.unwrap();
    list.items.iter().map(|owned| owned.key.id).collect()
}

#[test]
fn a_member_reaches_only_keys_of_their_own() {
    both_engines(|store| async move {
        let (place, keys) = furnished(&store).await;
        let all = KeyFilter::default();
        let read = |who: UserId, role| person(organization(1), who, &[(place, role)], Permission::ApiKeyRead);
        let (owner, member) = (read(user(1), ProjectRole::Owner), read(user(2), ProjectRole::Member));
        assert_eq!(listed(&store, &owner, place, all).await, ids(&keys.iter().collect::<Vec<_>>()));
        assert_eq!(listed(&store, &member, place, all).await, ids(&[&keys[1]]));
        assert_eq!(store.project_key(&member, place, keys[1].id).await.unwrap().key, keys[1]);
        let foreign = store.project_key(&member, place, keys[0].id).await.unwrap_err();
        let unknown =
            store.project_key(&owner, place, key(organization(1), place, 9, keys[0].owner).id).await;
        assert_eq!(foreign.to_string(), unknown.unwrap_err().to_string());
        assert!(listed(&store, &whole(organization(2)), place, all).await.is_empty());
        let mut change = store.change(&member, noon()).await.unwrap();
        for (n, reached) in [(0, false), (1, true), (2, false)] {
            assert_eq!(change.lock_project_key(&member, place, keys[n].id).await.is_ok(), reached);
        }
    });
}

#[test]
fn owners_decide_whether_a_key_is_active() {
    both_engines(|store| async move {
        let (place, keys) = furnished(&store).await;
        let grant = whole(organization(1));
        let of = |owner_active| KeyFilter { owner_active: Some(owner_active), ..KeyFilter::default() };
        assert_eq!(listed(&store, &grant, place, of(true)).await, ids(&[&keys[2]]), "nobody is a member yet");
        let mut change = begin(&store).await;
        let KeyOwner::ServiceAccount(account) = keys[2].owner else { panic!() };
        change.delete_service_account(account).await.unwrap();
        assert_eq!(change.revoke_keys_of_account(account).await.unwrap(), ids(&[&keys[2]]));
        keep(change, Verb::ServiceAccountDeleted).await;
        assert!(listed(&store, &grant, place, of(true)).await.is_empty());
        assert_eq!(listed(&store, &grant, place, KeyFilter::default()).await, ids(&[&keys[0], &keys[1]]));
        let all = KeyFilter { revoked_too: true, ..KeyFilter::default() };
        assert_eq!(listed(&store, &grant, place, all).await.len(), 3);
        let page = PageRequest::first(10, Order::Ascending);
        assert!(store.service_accounts(&grant, place, &page).await.unwrap().items.is_empty());
    });
}

#[test]
fn a_rotation_keeps_two_secrets_for_the_overlap_alone() {
    both_engines(|store| async move {
        let (_, keys) = furnished(&store).await;
        let grant = whole(organization(1));
        let mut rotated = keys[0].clone();
        for (version, overlap) in [(2, 600), (3, 60)] {
            rotated.secret_id = SecretId::from_parts(noon(), 100 + u128::try_from(version).unwrap());
            rotated.secret_version = version;
            let mut change = begin(&store).await;
            change.end_secrets(rotated.id, noon().plus_seconds(overlap)).await.unwrap();
            change.insert_secret(&rotated, &hash(&format!("secret {version}"))).await.unwrap();
            change.write_key(&rotated).await.unwrap();
            keep(change, Verb::ApiKeyRotated).await;
        }
        let found = |text: String| {
            let (store, grant) = (store.clone(), grant.clone());
            async move { store.key_by_hash(&grant, &hash(&text)).await.unwrap().unwrap() }
        };
        let ends = [Some(60), Some(60), None];
        for (text, (version, end)) in ["key 1", "secret 2", "secret 3"].iter().zip((1..).zip(ends)) {
            let found = found((*text).to_owned()).await;
            assert_eq!(found.key, rotated, "the key is the same by each of its secrets");
            assert_eq!(found.secret.version, version);
            assert_eq!(found.secret.ends_at, end.map(|seconds| noon().plus_seconds(seconds)));
        }
        assert!(store.key_by_hash(&grant, &hash("secret 4")).await.unwrap().is_none());
        assert!(store.key_by_hash(&whole(organization(2)), &hash("key 1")).await.unwrap().is_none());
    });
}

#[test]
fn archiving_shows_in_the_look_up_and_restoring_leaves_revoked_keys_dead() {
    both_engines(|store| async move {
        let (place, keys) = furnished(&store).await;
        let grant = whole(organization(1));
        for archived_at in [Some(noon()), None] {
            let mut change = begin(&store).await;
            let mut project = change.lock_project(&grant, place).await.unwrap();
            project.archived_at = archived_at;
            change.write_project(&project).await.unwrap();
            change.revoke_keys_in_project(place, user(2)).await.unwrap();
            keep(change, Verb::ProjectArchived).await;
            for (n, revoked) in [(0, false), (1, true), (2, false)] {
                let found = store.key_by_hash(&grant, &hash(&keys[n].name)).await.unwrap().unwrap();
                assert_eq!(found.project_archived, archived_at.is_some());
                assert_eq!(found.key.revoked_at.is_some(), revoked);
            }
        }
    });
}
