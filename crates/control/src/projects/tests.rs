//! The rules of projects, their people and their keys, by their operations.

use std::sync::Arc;

use domain::access::{
    Actor, Credential, Grant, OrganizationRole, Origin, Permission, ProjectRole, Standing, Target, Task,
    authorize,
};
use domain::api_keys::KeyOwner;
use domain::audit::{AuditEntry, Verb};
use domain::ids::{OrganizationId, ProjectId, SessionId, UserId};
use domain::members::User;
use domain::organizations::NewOrganization;
use domain::page::{Order, PageRequest};
use domain::projects::NewProject;
use domain::time::{Ambient, Timestamp};
use store::{KeyFilter, Secrets, Store};

use super::*;
use crate::api_keys::{NewKey, create_key, disable_key, list_keys, retrieve_key, revoke_key, rotate_key};
use crate::project_members::{
    Newcomer, add_project_member, remove_project_member, retrieve_project_member, update_project_member,
};
use crate::service_accounts::{NewServiceAccount, create_service_account, delete_service_account};
use crate::{NoFollowers, Settings};

struct Noon;

impl Ambient for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(1_790_000_000)
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        aws_lc_rs::rand::fill(buffer).unwrap();
    }
}

/// An organization with an Admin (person 0) and two more members.
struct Place {
    control: Control,
    organization: OrganizationId,
    people: Vec<UserId>,
}

impl Place {
    /// A person's grant of a permission in one project, or in the organization.
    fn grant(&self, person: usize, roles: &[(ProjectId, ProjectRole)], permission: Permission) -> Grant {
        let organization_role = match person {
            0 => OrganizationRole::Admin,
            _ => OrganizationRole::Member,
        };
        let actor = Actor {
            user_id: self.people[person],
            email: format!("person-{person}@example.test"),
            credential: Credential::Session(SessionId::mint(&Noon)),
            standing: Some(Standing::of_roles(self.organization, organization_role, roles)),
            origin: Origin::default(),
        };
        authorize(&actor, permission, Target::Organization(self.organization)).unwrap()
    }

    fn admin(&self) -> Grant {
        self.grant(0, &[], Permission::ProjectCreate)
    }

    async fn project(&self, name: &str) -> ProjectId {
        let new = NewProject::named(name, self.people[0]);
        create_project(&self.control, &self.admin(), new).await.unwrap().project.id
    }

    async fn add(&self, project: ProjectId, person: usize, role: ProjectRole) {
        let newcomer = Newcomer::Email(format!(" Person-{person}@Example.test"));
        add_project_member(&self.control, &self.admin(), project, newcomer, role).await.unwrap();
    }
}

async fn furnish(control: Control) -> Place {
    let grant = Grant::system(Task::Demo, None);
    let organization = OrganizationId::mint(&Noon);
    let mut change = control.change(&grant).await.unwrap();
    let mut people = Vec::new();
    for n in 0..3 {
        let id = UserId::mint(&Noon);
        let email = format!("person-{n}@example.test");
        let user = User { id, email, name: format!("Person {n}"), created_at: Noon.now() };
        change.insert_user(&user, "").await.unwrap();
        people.push(id);
    }
    let new = NewOrganization::checked("Sample", None).unwrap();
    change.insert_organization(organization, &new, people[0], "acme".to_owned()).await.unwrap();
    for person in &people {
        let role = if *person == people[0] { OrganizationRole::Admin } else { OrganizationRole::Member };
        change.insert_member(organization, *person, role, None).await.unwrap();
    }
    control.commit(change, AuditEntry::new(Verb::OrganizationCreated, organization)).await.unwrap();
    Place { control, organization, people }
}

fn in_place<F: Future<Output = ()>>(body: impl FnOnce(Place) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite://{}/test.db", folder.path().display())).await.unwrap();
        store.migrate(Noon.now()).await.unwrap();
        let secrets = Arc::new(Secrets::from_master(&[5; 32]).unwrap());
        let control =
            Control::new(store, Arc::new(Noon), secrets, Arc::new(NoFollowers), Settings::default()).unwrap();
        body(furnish(control).await).await;
    });
}

fn code<T: std::fmt::Debug>(result: Result<T, Failure>) -> &'static str {
    result.unwrap_err().code()
}

#[test]
fn a_name_alone_makes_a_development_project_owned_by_its_creator() {
    in_place(|place| async move {
        let (control, admin) = (&place.control, place.admin());
        let new = NewProject::named(" Support ", place.people[0]);
        let made = create_project(control, &admin, new.clone()).await.unwrap();
        assert_eq!(
            (made.project.name.as_str(), made.project.environment),
            ("Support", Environment::Development)
        );
        assert_eq!(made.owner_ids, [place.people[0]]);
        assert_eq!(made.project.accountable_owner_id, Some(place.people[0]));
        assert_eq!(retrieve_project(control, &admin, made.project.id).await.unwrap(), made);
        assert_eq!(code(create_project(control, &admin, new).await), "project_name_taken");
        let stranger = NewProject::named("Other", UserId::mint(&Noon));
        assert_eq!(code(create_project(control, &admin, stranger).await), "owner_not_member");
        let page = PageRequest::first(10, Order::Ascending);
        assert_eq!(list_projects(control, &admin, true, &page).await.unwrap().items, [made]);
    });
}

#[test]
fn an_update_is_partial_and_keeps_an_accountable_owner() {
    in_place(|place| async move {
        let (control, admin) = (&place.control, place.admin());
        let id = place.project("Search").await;
        let team = ProjectChanges { team: Some(Some(" core ".to_owned())), ..ProjectChanges::default() };
        let updated = update_project(control, &admin, id, team).await.unwrap().project;
        assert_eq!((updated.labels.team.as_deref(), updated.name.as_str()), (Some("core"), "Search"));
        let clear = ProjectChanges { team: Some(None), ..ProjectChanges::default() };
        assert_eq!(update_project(control, &admin, id, clear).await.unwrap().project.labels.team, None);
        let mut owners =
            ProjectChanges { owner_ids: Some(vec![place.people[1]]), ..ProjectChanges::default() };
        assert_eq!(
            code(update_project(control, &admin, id, owners.clone()).await),
            "accountable_owner_needed"
        );
        owners.accountable_owner_id = Some(place.people[1]);
        let handed = update_project(control, &admin, id, owners).await.unwrap();
        assert_eq!(handed.owner_ids, [place.people[1]]);
        let before = retrieve_project_member(control, &admin, id, place.people[0]).await.unwrap();
        assert_eq!(before.role, ProjectRole::Member);
        let none = ProjectChanges { owner_ids: Some(Vec::new()), ..ProjectChanges::default() };
        assert_eq!(code(update_project(control, &admin, id, none).await), "owner_required");
    });
}

#[test]
fn the_last_and_the_accountable_owner_stay() {
    in_place(|place| async move {
        let (control, admin) = (&place.control, place.admin());
        let id = place.project("Search").await;
        let first = place.people[0];
        assert_eq!(code(remove_project_member(control, &admin, id, first).await), "last_owner");
        place.add(id, 1, ProjectRole::Owner).await;
        assert_eq!(code(remove_project_member(control, &admin, id, first).await), "accountable_owner_kept");
        let demoted = update_project_member(control, &admin, id, first, ProjectRole::Member).await;
        assert_eq!(code(demoted), "accountable_owner_kept");
        let other =
            ProjectChanges { accountable_owner_id: Some(place.people[1]), ..ProjectChanges::default() };
        update_project(control, &admin, id, other).await.unwrap();
        remove_project_member(control, &admin, id, first).await.unwrap();
        assert_eq!(code(retrieve_project_member(control, &admin, id, first).await), "not_found");
        let stranger = Newcomer::Email("nobody@example.test".to_owned());
        let added = add_project_member(control, &admin, id, stranger, ProjectRole::Member).await;
        assert_eq!(code(added), "not_found");
        let again = Newcomer::Id(place.people[1]);
        let added = add_project_member(control, &admin, id, again, ProjectRole::Member).await;
        assert_eq!(code(added), "already_in_project");
    });
}

#[test]
fn a_member_makes_and_manages_keys_of_their_own_alone() {
    in_place(|place| async move {
        let (control, admin) = (&place.control, place.admin());
        let id = place.project("Search").await;
        place.add(id, 1, ProjectRole::Member).await;
        let member = place.grant(1, &[(id, ProjectRole::Member)], Permission::ApiKeyManage);
        let named = |owner| NewKey { name: "k".to_owned(), owner, ..NewKey::default() };
        let own = create_key(control, &member, id, named(None)).await.unwrap();
        assert_eq!(own.owned.key.owner, KeyOwner::User(place.people[1]));
        assert_eq!(own.owned.owner_email.as_deref(), Some("person-1@example.test"));
        assert!(own.owned.owner_active);
        let others = create_key(control, &admin, id, named(None)).await.unwrap().owned.key.id;
        let for_another = named(Some(KeyOwner::User(place.people[0])));
        assert_eq!(code(create_key(control, &member, id, for_another).await), "missing_permission");
        assert_eq!(code(revoke_key(control, &member, id, others).await), "not_found");
        assert_eq!(code(rotate_key(control, &member, id, others, 0).await), "not_found");
        let outsider = named(Some(KeyOwner::User(place.people[2])));
        assert_eq!(code(create_key(control, &admin, id, outsider).await), "owner_not_in_project");
        let page = PageRequest::first(10, Order::Ascending);
        let seen = list_keys(control, &member, id, KeyFilter::default(), &page).await.unwrap();
        assert_eq!(seen.items.iter().map(|owned| owned.key.id).collect::<Vec<_>>(), [own.owned.key.id]);
        remove_project_member(control, &admin, id, place.people[1]).await.unwrap();
        assert_eq!(code(retrieve_key(control, &admin, id, own.owned.key.id).await), "not_found");
    });
}

#[test]
fn a_rotated_key_keeps_its_id_and_its_older_secret_for_the_overlap() {
    in_place(|place| async move {
        let (control, admin) = (&place.control, place.admin());
        let id = place.project("Search").await;
        let new = NewKey { name: "k".to_owned(), ..NewKey::default() };
        let first = create_key(control, &admin, id, new).await.unwrap();
        let second = rotate_key(control, &admin, id, first.owned.key.id, 60).await.unwrap();
        assert_eq!(second.owned.key.id, first.owned.key.id);
        assert_ne!(second.secret.reveal(), first.secret.reveal());
        let find = |secret: &domain::api_keys::Secret| control.secrets.pepper().hash(secret.reveal());
        let system = Grant::system(Task::Snapshot, None);
        let old = control.store.key_by_hash(&system, &find(&first.secret)).await.unwrap().unwrap();
        assert_eq!(old.secret.ends_at, Some(Noon.now().plus_seconds(60)));
        let fresh = control.store.key_by_hash(&system, &find(&second.secret)).await.unwrap().unwrap();
        assert_eq!((fresh.secret.ends_at, fresh.secret.version), (None, 2));
        assert_eq!(code(rotate_key(control, &admin, id, old.key.id, -1).await), "invalid_overlap");
    });
}

#[test]
fn an_archived_project_makes_no_keys_and_revoked_ones_stay_dead() {
    in_place(|place| async move {
        let (control, admin) = (&place.control, place.admin());
        let id = place.project("Search").await;
        let new = || NewKey { name: "k".to_owned(), ..NewKey::default() };
        let kept = create_key(control, &admin, id, new()).await.unwrap().owned.key.id;
        let dead = create_key(control, &admin, id, new()).await.unwrap().owned.key.id;
        archive_project(control, &admin, id).await.unwrap();
        revoke_key(control, &admin, id, dead).await.unwrap();
        disable_key(control, &admin, id, kept).await.unwrap();
        assert_eq!(code(create_key(control, &admin, id, new()).await), "project_archived");
        assert_eq!(code(rotate_key(control, &admin, id, kept, 0).await), "project_archived");
        let changes = ProjectChanges::default();
        assert_eq!(code(update_project(control, &admin, id, changes).await), "project_archived");
        restore_project(control, &admin, id).await.unwrap();
        assert_eq!(code(retrieve_key(control, &admin, id, dead).await), "not_found");
        let enabled = crate::api_keys::enable_key(control, &admin, id, kept).await.unwrap();
        assert_eq!(enabled.key.disabled_at, None);
    });
}

#[test]
fn deleting_a_service_account_revokes_its_keys() {
    in_place(|place| async move {
        let (control, admin) = (&place.control, place.admin());
        let id = place.project("Search").await;
        let new = |without_key| NewServiceAccount {
            name: "robot".to_owned(),
            without_key,
            ..NewServiceAccount::default()
        };
        let (bare, none) = create_service_account(control, &admin, id, new(true)).await.unwrap();
        assert!(bare.account.role.is_none() && none.is_none());
        let (account, issued) = create_service_account(control, &admin, id, new(false)).await.unwrap();
        let (key, secret) = issued.unwrap();
        let account = account.account;
        assert!(secret.reveal().starts_with("sk-svc-bw"));
        assert_eq!(key.owner, KeyOwner::ServiceAccount(account.id));
        delete_service_account(control, &admin, id, account.id).await.unwrap();
        assert_eq!(code(retrieve_key(control, &admin, id, key.id).await), "not_found");
        assert_eq!(code(delete_service_account(control, &admin, id, account.id).await), "not_found");
    });
}
