//! The pages of groups.

use askama::Template;

use crate::http::figures::{Count, When};
use crate::http::shell::{Choice, Person, ProjectLink, Shell};

/// A group in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRow {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How many people are in it.
    pub people: Count,
    /// Since when it is there.
    pub created_at: When,
}

/// The groups of the organization.
#[derive(Template)]
#[template(path = "groups/list.html")]
pub struct GroupsPage {
    /// The frame.
    pub shell: Shell,
    /// The groups.
    pub groups: Vec<GroupRow>,
    /// Where the next page is, if there is one.
    pub next_href: Option<String>,
    /// Whether the viewer may make groups.
    pub can_create: bool,
}

/// Somebody in the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupPersonRow {
    /// The user's id.
    pub user_id: String,
    /// Who.
    pub person: Person,
    /// Since when.
    pub added_at: When,
}

/// A role that the group has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRoleRow {
    /// What ids of its dialogs start with.
    pub key: String,
    /// The role's name.
    pub role: String,
    /// The project; none for the organization.
    pub project: Option<ProjectLink>,
    /// Who gave it.
    pub given_by: String,
    /// When.
    pub given_at: When,
    /// Where taking it goes; none where the viewer may not.
    pub take_action: Option<String>,
}

/// One group.
#[derive(Template)]
#[template(path = "groups/show.html")]
pub struct GroupPage {
    /// The frame.
    pub shell: Shell,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Who is in it.
    pub people: Vec<GroupPersonRow>,
    /// Where the next page of people is, if there is one.
    pub next_href: Option<String>,
    /// Its roles, those of the organization first.
    pub roles: Vec<GroupRoleRow>,
    /// Members who are not in it yet, by user id.
    pub candidates: Vec<Choice>,
    /// The roles of the organization that the viewer may give it.
    pub organization_roles: Vec<Choice>,
    /// The projects in which the viewer may give it a role.
    pub projects: Vec<Choice>,
    /// The roles that it can be given in a project.
    pub project_roles: Vec<Choice>,
    /// Whether the viewer may rename and delete it, and change who is in it.
    pub can_manage: bool,
}
