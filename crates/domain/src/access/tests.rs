//! The printed matrix, and the decision checked against a plain re-statement over every small world.

use super::*;
use crate::ids::{OrganizationId, ProjectId, SessionId, UserId};
use crate::time::Timestamp;

fn id(n: u128) -> (Timestamp, u128) {
    (Timestamp::from_unix_milliseconds(1_000), n)
}

fn organization(n: u128) -> OrganizationId {
    let (at, random) = id(n);
    OrganizationId::from_parts(at, random)
}

fn project(n: u128) -> ProjectId {
    let (at, random) = id(n);
    ProjectId::from_parts(at, random)
}

fn actor(role: OrganizationRole, project_roles: Vec<(ProjectId, ProjectRole)>) -> Actor {
    let (at, random) = id(9);
    Actor {
        user_id: UserId::from_parts(at, random),
        email: "someone@example.test".to_owned(),
        credential: Credential::Session(SessionId::from_parts(at, random)),
        standing: Some(Standing { organization_id: organization(1), organization_role: role, project_roles }),
        origin: Origin::default(),
    }
}

#[test]
fn matrix_is_as_printed() {
    let mut text = String::from(
        "What may role X do. Printed by the test `matrix_is_as_printed`; a change of policy is a diff here.\n\
         yes: everywhere the role reaches; own: only what one owns; -: no.\n\n",
    );
    text += &format!(
        "{:<26}{:>8}{:>8}{:>9} |{:>15}{:>16}\n",
        "permission", "Admin", "Member", "Finance", "Project Owner", "Project Member"
    );
    for permission in Permission::ALL {
        if Permission::ALL.iter().any(|wide| wide.own() == Some(*permission)) {
            continue;
        }
        let cell = |gives: &dyn Fn(Permission) -> bool| match (gives(*permission), permission.own()) {
            (true, _) => "yes",
            (false, Some(own)) if gives(own) => "own",
            (false, _) => "-",
        };
        let organization = OrganizationRole::ALL.map(|role| cell(&|p| role.gives(p)));
        let project = ProjectRole::ALL.map(|role| cell(&|p| role.gives(p)));
        text += &format!(
            "{:<26}{:>8}{:>8}{:>9} |{:>15}{:>16}\n",
            permission.name(),
            organization[0],
            organization[1],
            organization[2],
            project[0],
            project[1]
        );
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/access/matrix.txt");
    let printed = std::fs::read_to_string(path).unwrap_or_default();
    if printed != text {
        std::fs::write(path, &text).unwrap();
    }
    assert_eq!(printed, text, "the matrix changed: it was printed again, review its diff");
}

/// What the rules say, said again without sharing code with `authorize`.
fn expected(role: OrganizationRole, in_project: Option<ProjectRole>, permission: Permission) -> &'static str {
    let project_gives = |p: Permission| in_project.is_some_and(|r| r.gives(p));
    let knows = role.gives(Permission::ProjectRead) || project_gives(Permission::ProjectRead);
    let own = permission.own().is_some_and(project_gives);
    match () {
        () if role.gives(permission) || project_gives(permission) => "whole",
        () if own => "own",
        () if knows => "forbidden",
        () => "hidden",
    }
}

#[test]
fn every_role_and_permission_decides_as_restated() {
    for role in OrganizationRole::ALL {
        for in_project in [None, Some(ProjectRole::Owner), Some(ProjectRole::Member)] {
            let roles = in_project.map(|r| (project(1), r)).into_iter().collect();
            let actor = actor(role, roles);
            for permission in Permission::ALL.iter().copied() {
                let got = match authorize(&actor, permission, Target::Project(organization(1), project(1))) {
                    Ok(grant) if grant.reaches(project(1), None) => "whole",
                    Ok(grant) if grant.reaches(project(1), Some(actor.user_id)) => "own",
                    Ok(_) => "nothing",
                    Err(crate::Error::Forbidden { .. }) => "forbidden",
                    Err(_) => "hidden",
                };
                assert_eq!(
                    got,
                    expected(role, in_project, permission),
                    "{role:?} {in_project:?} {permission}"
                );
            }
        }
    }
}

#[test]
fn a_grant_for_one_project_never_reaches_another() {
    for role in OrganizationRole::ALL {
        let actor = actor(role, vec![(project(1), ProjectRole::Owner), (project(2), ProjectRole::Owner)]);
        for permission in Permission::ALL.iter().copied() {
            if let Ok(grant) = authorize(&actor, permission, Target::Project(organization(1), project(1))) {
                assert!(!grant.reaches(project(2), Some(actor.user_id)), "{role:?} {permission}");
            }
        }
    }
}

#[test]
fn a_list_reaches_just_the_projects_in_which_it_is_allowed() {
    for role in OrganizationRole::ALL {
        let actor = actor(role, vec![(project(1), ProjectRole::Owner), (project(2), ProjectRole::Member)]);
        for permission in Permission::ALL.iter().copied().filter(|p| p.level() == Level::Project) {
            let list = authorize(&actor, permission, Target::Organization(organization(1)));
            for candidate in [project(1), project(2), project(3)] {
                for owner in [None, Some(actor.user_id)] {
                    let single = authorize(&actor, permission, Target::Project(organization(1), candidate));
                    let in_list = list.as_ref().is_ok_and(|grant| grant.reaches(candidate, owner));
                    let alone = single.is_ok_and(|grant| grant.reaches(candidate, owner));
                    assert_eq!(in_list, alone, "{role:?} {permission} {candidate:?} {owner:?}");
                }
            }
        }
    }
}

#[test]
fn another_organization_is_hidden_whatever_the_role() {
    let actor = actor(OrganizationRole::Admin, vec![(project(1), ProjectRole::Owner)]);
    for permission in Permission::ALL.iter().copied() {
        for target in [Target::Organization(organization(2)), Target::Project(organization(2), project(1))] {
            assert!(matches!(authorize(&actor, permission, target), Err(crate::Error::Hidden { .. })));
        }
    }
}
