//! The pages of roles, of the organization and of one project.

use askama::Template;

use super::matrix::{Cell, RoleMatrix};
use crate::http::figures::{Count, When};
use crate::http::shell::{Person, Shell};
use crate::projects::detail_pages::ProjectHead;

/// A role in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleRow {
    /// Where its page is.
    pub href: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether it is built in.
    pub is_built_in: bool,
    /// How many permissions it gives.
    pub permissions: Count,
    /// To how many people it was given.
    pub people: Count,
    /// To how many groups it was given.
    pub groups: Count,
}

/// A role that somebody has, on the page of members or of a project's members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldRole {
    /// Its name.
    pub role: String,
    /// Through which group; none where it was given to the person.
    pub through: Option<String>,
    /// When it ends by itself.
    pub ends_at: Option<When>,
    /// Where taking it goes; none where the viewer may not, or where it is a group's.
    pub take_action: Option<String>,
}

/// Roles and what each gives.
#[derive(Template)]
#[template(path = "roles/list.html")]
pub struct RolesPage {
    /// The frame.
    pub shell: Shell,
    /// The head of the project, on its page.
    pub head: Option<ProjectHead>,
    /// What the addresses of roles here start with.
    pub root: String,
    /// The roles, built-in ones first.
    pub roles: Vec<RoleRow>,
    /// What each gives.
    pub matrix: RoleMatrix,
    /// What the built-in roles of projects give, on the organization's page.
    pub of_projects: Option<RoleMatrix>,
    /// Whether the viewer may make roles here.
    pub can_create: bool,
}

/// A permission to choose for a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermissionChoice {
    /// Its name.
    pub name: &'static str,
    /// What it allows.
    pub sentence: &'static str,
    /// Whether the role gives it.
    pub is_chosen: bool,
    /// Whether the viewer has it, and so may give it.
    pub is_offered: bool,
}

/// The form of a custom role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleForm {
    /// Where it goes.
    pub action: String,
    /// What its button says.
    pub verb: &'static str,
    /// Its name, as it is or as typed.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The permissions, by what they are about.
    pub areas: Vec<(&'static str, Vec<PermissionChoice>)>,
}

/// A new custom role.
#[derive(Template)]
#[template(path = "roles/new.html")]
pub struct NewRolePage {
    /// The frame.
    pub shell: Shell,
    /// The head of the project, on its page.
    pub head: Option<ProjectHead>,
    /// What the addresses of roles here start with.
    pub root: String,
    /// The form.
    pub form: RoleForm,
}

/// Somebody who was given the role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HolderRow {
    /// The person; for a group its name alone.
    pub person: Person,
    /// Where the group's page is; none for a person.
    pub group_href: Option<String>,
}

/// One role.
#[derive(Template)]
#[template(path = "roles/show.html")]
pub struct RolePage {
    /// The frame.
    pub shell: Shell,
    /// The head of the project, on its page.
    pub head: Option<ProjectHead>,
    /// What the addresses of roles here start with.
    pub root: String,
    /// The role.
    pub role: RoleRow,
    /// What it gives, by what it is about: sentences with the permission's name, and whether for what one owns alone.
    pub gives: Vec<(&'static str, Vec<(&'static str, &'static str)>)>,
    /// Who has it: groups first.
    pub holders: Vec<HolderRow>,
    /// Since when it is there; none for a built-in role.
    pub created_at: Option<When>,
    /// To change it, where the viewer may.
    pub form: Option<RoleForm>,
    /// Whether the viewer may delete it.
    pub can_delete: bool,
}
