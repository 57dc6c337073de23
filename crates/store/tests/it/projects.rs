//! Projects: reach, names, archiving, and walks along a list that grows.

use domain::access::{
    Actor, Credential, Grant, OrganizationRole, Origin, Permission, ProjectRole, Standing, Target, Task,
    authorize,
};
use domain::audit::{AuditEntry, Verb};
use domain::ids::{OrganizationId, ProjectId, SessionId, UserId};
use domain::page::{Order, PageRequest};
use domain::projects::{Environment, Labels, Project, Risk, Workload};
use domain::text::Tags;
use store::{Error, Store};

use crate::engines::{both_engines, noon};

pub fn organization(n: u128) -> OrganizationId {
    OrganizationId::from_parts(noon(), n)
}

pub fn user(n: u128) -> UserId {
    UserId::from_parts(noon(), n)
}

/// The n-th project in order of creation.
pub fn project(organization_id: OrganizationId, n: i64) -> Project {
    Project {
        id: ProjectId::from_parts(noon().plus_seconds(n), 0),
        organization_id,
        name: format!("project {n}"),
        description: String::new(),
        environment: Environment::Staging,
        workload: Workload::Batch,
        risk: Risk::High,
        labels: Labels { team: Some("search".to_owned()), ..Labels::default() },
        tags: Tags::from([("a".to_owned(), "b".to_owned())]),
        accountable_owner_id: Some(user(1)),
        created_at: noon(),
        archived_at: None,
    }
}

pub fn whole(organization: OrganizationId) -> Grant {
    Grant::system(Task::Demo, Some(organization))
}

/// The grant of a person with one role in each of some projects.
pub fn person(
    organization_id: OrganizationId,
    user_id: UserId,
    roles: &[(ProjectId, ProjectRole)],
    permission: Permission,
) -> Grant {
    let actor = Actor {
        user_id,
        email: "somebody@example.test".to_owned(),
        credential: Credential::Session(SessionId::from_parts(noon(), 1)),
        standing: Some(Standing::of_roles(organization_id, OrganizationRole::Member, roles)),
        origin: Origin::default(),
    };
    authorize(&actor, permission, Target::Organization(organization_id)).unwrap()
}

pub async fn insert(store: &Store, project: &Project) -> Result<(), Error> {
    let mut change = store.change(&whole(project.organization_id), noon()).await?;
    change.insert_project(project).await?;
    let entry = AuditEntry::new(Verb::ProjectCreated, project.id).in_project(project.id);
    change.commit(entry).await.map(drop)
}

async fn write(store: &Store, project: &Project) -> Result<(), Error> {
    let mut change = store.change(&whole(project.organization_id), noon()).await?;
    change.write_project(project).await?;
    change.commit(AuditEntry::new(Verb::ProjectUpdated, project.id)).await.map(drop)
}

#[test]
fn unknown_and_foreign_projects_are_told_alike() {
    both_engines(|store| async move {
        let (here, there) = (organization(1), organization(2));
        let (mine, foreign) = (project(here, 1), project(there, 2));
        insert(&store, &mine).await.unwrap();
        insert(&store, &foreign).await.unwrap();
        assert_eq!(store.project(&whole(here), mine.id).await.unwrap(), mine);
        let unknown = store.project(&whole(here), project(here, 9).id).await.unwrap_err();
        let hidden = store.project(&whole(here), foreign.id).await.unwrap_err();
        assert_eq!(unknown.to_string(), hidden.to_string());
        assert!(matches!(hidden, Error::NotFound { .. }));
        let mut change = store.change(&whole(here), noon()).await.unwrap();
        assert!(change.lock_project(&whole(here), foreign.id).await.is_err());
    });
}

#[test]
fn a_list_holds_only_the_projects_within_reach() {
    both_engines(|store| async move {
        let here = organization(1);
        for n in 1..=3 {
            insert(&store, &project(here, n)).await.unwrap();
        }
        let second = project(here, 2).id;
        let grant = person(here, user(7), &[(second, ProjectRole::Member)], Permission::ProjectRead);
        let page = PageRequest::first(10, Order::Ascending);
        let list = store.projects(&grant, true, &page).await.unwrap();
        assert_eq!(list.items.iter().map(|project| project.id).collect::<Vec<_>>(), [second]);
        assert!(store.project(&grant, project(here, 1).id).await.is_err());
        assert_eq!(store.projects_of(&whole(here), here).await.unwrap().len(), 3);
        assert_eq!(store.projects_of(&Grant::system(Task::Snapshot, None), here).await.unwrap().len(), 3);
        assert!(store.projects_of(&whole(organization(2)), here).await.unwrap().is_empty());
    });
}

#[test]
fn an_active_name_is_unique_and_archiving_frees_it() {
    both_engines(|store| async move {
        let here = organization(1);
        let mut first = project(here, 1);
        insert(&store, &first).await.unwrap();
        let mut second = Project { name: first.name.clone(), ..project(here, 2) };
        assert!(insert(&store, &second).await.unwrap_err().is_conflict("project_name_taken"));
        let elsewhere = Project { name: first.name.clone(), ..project(organization(2), 3) };
        insert(&store, &elsewhere).await.unwrap();
        first.archived_at = Some(noon());
        write(&store, &first).await.unwrap();
        insert(&store, &second).await.unwrap();
        let listed = |too: bool| {
            let store = store.clone();
            async move {
                let page = PageRequest::first(10, Order::Ascending);
                store.projects(&whole(here), too, &page).await.unwrap().items.len()
            }
        };
        assert_eq!((listed(false).await, listed(true).await), (1, 2));
        first.archived_at = None;
        assert!(write(&store, &first).await.unwrap_err().is_conflict("project_name_taken"));
        second.name = "another".to_owned();
        write(&store, &second).await.unwrap();
        write(&store, &first).await.unwrap();
    });
}

#[test]
fn a_walk_sees_each_project_once_while_others_are_added() {
    both_engines(|store| async move {
        let here = organization(1);
        for n in 0..7 {
            insert(&store, &project(here, n)).await.unwrap();
        }
        let mut seen = Vec::new();
        let mut page = PageRequest::first(3, Order::Ascending);
        for added in [100, 101, 102] {
            insert(&store, &project(here, added)).await.unwrap();
            let list = store.projects(&whole(here), false, &page).await.unwrap();
            seen.extend(list.items.iter().map(|project| project.id));
            assert!(list.has_more);
            page.after = seen.last().map(ToString::to_string);
        }
        let rest = store.projects(&whole(here), false, &page).await.unwrap();
        seen.extend(rest.items.iter().map(|project| project.id));
        let expected: Vec<_> = (0..7).chain(100..103).map(|n| project(here, n).id).collect();
        assert_eq!((seen, rest.has_more), (expected, false));
        let newest =
            store.projects(&whole(here), false, &PageRequest::first(2, Order::Descending)).await.unwrap();
        assert_eq!(newest.items[0].id, project(here, 102).id);
    });
}
