//! Roles and groups in the gallery.

use domain::access::{CustomRole, Level, Permission, Permissions, Role};
use domain::ids::{OrganizationId, RoleId};
use domain::time::Timestamp;

use super::Exhibit;
use super::project::head;
use super::sample::{day, in_project, person, project, shell};
use crate::groups::pages::{GroupPage, GroupPersonRow, GroupRoleRow, GroupRow, GroupsPage};
use crate::http::figures::Count;
use crate::http::shell::{Choice, Person, Section, Theme};
use crate::roles::matrix::RoleMatrix;
use crate::roles::pages::{
    HeldRole, HolderRow, NewRolePage, PermissionChoice, RoleForm, RolePage, RoleRow, RolesPage,
};

pub fn exhibits() -> Vec<Exhibit> {
    vec![
        Exhibit::new("roles", roles),
        Exhibit::new("project-roles", |theme| RolesPage {
            shell: in_project(theme, "Roles", Section::ProjectRoles),
            head: Some(head()),
            roles: rows(&Role::built_in(Level::Project)),
            matrix: RoleMatrix::of(&Role::built_in(Level::Project), Level::Project),
            of_projects: None,
            root: "/o/northwind/projects/proj_01".to_owned(),
            ..roles(theme)
        }),
        Exhibit::new("role", role),
        Exhibit::new("role-built-in", |theme| RolePage {
            role: row("Auditor", "Reads everything, changes nothing, sees no secret.", true),
            form: None,
            holders: Vec::new(),
            created_at: None,
            can_delete: false,
            ..role(theme)
        }),
        Exhibit::new("role-new", |theme| NewRolePage {
            shell: shell(theme, "New role", Section::Roles),
            head: None,
            root: "/o/northwind".to_owned(),
            form: form(),
        }),
        Exhibit::new("groups", groups),
        Exhibit::new("groups-empty", |theme| GroupsPage {
            groups: Vec::new(),
            next_href: None,
            ..groups(theme)
        }),
        Exhibit::new("group", group),
        Exhibit::new("group-empty", |theme| GroupPage {
            people: Vec::new(),
            roles: Vec::new(),
            ..group(theme)
        }),
    ]
}

fn custom(name: &str, permissions: &[Permission]) -> Role {
    let at = Timestamp::from_unix_seconds(1_790_000_000);
    Role::Custom(CustomRole {
        id: RoleId::from_parts(at, 1),
        organization_id: OrganizationId::from_parts(at, 1),
        project_id: None,
        name: name.to_owned(),
        description: "Reads usage for the monthly report.".to_owned(),
        permissions: Permissions::of(permissions),
        created_by: None,
        created_at: at,
        updated_at: at,
    })
}

fn row(name: &str, description: &str, is_built_in: bool) -> RoleRow {
    RoleRow {
        href: format!("/o/northwind/roles/{}", name.len()),
        name: name.to_owned(),
        description: description.to_owned(),
        is_built_in,
        permissions: Count(if is_built_in { 17 } else { 3 }),
        people: Count(if is_built_in { 12 } else { 2 }),
        groups: Count(1),
    }
}

fn rows(roles: &[Role]) -> Vec<RoleRow> {
    roles.iter().map(|role| row(role.name(), role.description(), role.custom().is_none())).collect()
}

fn roles(theme: Theme) -> RolesPage {
    let mut shown = Role::built_in(Level::Organization);
    shown.push(custom("Usage <b>bold</b> reader", &[Permission::UsageRead, Permission::CostRead]));
    RolesPage {
        shell: shell(theme, "Roles", Section::Roles),
        head: None,
        root: "/o/northwind".to_owned(),
        roles: rows(&shown),
        matrix: RoleMatrix::of(&shown, Level::Organization),
        of_projects: Some(RoleMatrix::of(&Role::built_in(Level::Project), Level::Project)),
        can_create: true,
    }
}

fn form() -> RoleForm {
    let choice = |permission: &Permission| PermissionChoice {
        name: permission.name(),
        sentence: permission.sentence(),
        is_chosen: permission.is_read(),
        is_offered: *permission != Permission::AuditRead,
    };
    let (of_people, of_projects) = Permission::ALL[3..12].split_at(5);
    RoleForm {
        action: "/o/northwind/roles".to_owned(),
        verb: "Save role",
        name: "Usage <b>bold</b> reader".to_owned(),
        description: "Reads usage for the monthly report.".to_owned(),
        areas: vec![
            ("Organization", Permission::ALL[..3].iter().map(choice).collect()),
            ("People and access", of_people.iter().map(choice).collect()),
            ("Projects", of_projects.iter().map(choice).collect()),
        ],
    }
}

fn role(theme: Theme) -> RolePage {
    let group = Person { name: "Support engineers".to_owned(), email: String::new() };
    let given = |permission: &Permission| (permission.sentence(), permission.name());
    RolePage {
        shell: shell(theme, "Usage reader", Section::Roles),
        head: None,
        root: "/o/northwind".to_owned(),
        role: row("Usage reader", "Reads usage for the monthly report.", false),
        gives: vec![("Organization", Permission::ALL[..3].iter().map(given).collect())],
        holders: vec![
            HolderRow { person: group, group_href: Some("/o/northwind/groups/group_1".to_owned()) },
            HolderRow { person: person("Sales <b>bold</b> Lead"), group_href: None },
        ],
        created_at: Some(day(20)),
        form: Some(form()),
        can_delete: true,
    }
}

fn groups(theme: Theme) -> GroupsPage {
    let row = |id: &str, name: &str, people| GroupRow {
        id: id.to_owned(),
        name: name.to_owned(),
        people: Count(people),
        created_at: day(30),
    };
    GroupsPage {
        shell: shell(theme, "Groups", Section::Groups),
        groups: vec![
            row("group_1", "Support engineers", 9),
            row("group_2", "Finance <b>bold</b> readers", 2),
            row("group_3", "On call", 0),
        ],
        next_href: Some("/o/northwind/groups?after=group_3".to_owned()),
        can_create: true,
    }
}

/// Roles beside the first one, as pages of people show them.
pub fn further() -> Vec<HeldRole> {
    let take = Some("/o/northwind/members/user_2/roles/role_1/take".to_owned());
    let held = |role: &str, through: Option<&str>| HeldRole {
        role: role.to_owned(),
        through: through.map(str::to_owned),
        ends_at: None,
        take_action: take.clone().filter(|_| through.is_none()),
    };
    let timed = HeldRole { ends_at: Some(day(-1)), ..held("Admin", None) };
    vec![held("Usage reader", None), held("Finance", Some("Finance readers")), timed]
}

fn group(theme: Theme) -> GroupPage {
    let person_row = |id: &str, name: &str| GroupPersonRow {
        user_id: id.to_owned(),
        person: person(name),
        added_at: day(12),
    };
    let role_row = |key: &str, role: &str, at: Option<usize>| GroupRoleRow {
        key: key.to_owned(),
        role: role.to_owned(),
        project: at.map(project),
        given_by: "Platform Lead".to_owned(),
        given_at: day(12),
        take_action: Some(format!("/o/northwind/groups/group_1/roles/{key}/take")),
    };
    GroupPage {
        shell: shell(theme, "Support engineers", Section::Groups),
        id: "group_1".to_owned(),
        name: "Support engineers".to_owned(),
        people: vec![person_row("user_2", "Support Lead"), person_row("user_3", "Sales <b>bold</b> Lead")],
        next_href: None,
        roles: vec![
            role_row("0", "Usage reader", None),
            role_row("1", "Member", Some(0)),
            role_row("2", "Viewer", Some(1)),
        ],
        candidates: Choice::list(&[("user_9", "Data Lead (jo@example.test)")], ""),
        organization_roles: Choice::list(&[("1", "Auditor"), ("2", "Finance"), ("3", "Usage reader")], ""),
        projects: Choice::list(&[("proj_0", "Support chat (production)")], ""),
        project_roles: Choice::list(&[("1", "Project Owner"), ("2", "Member"), ("3", "Viewer")], "2"),
        can_manage: true,
    }
}
