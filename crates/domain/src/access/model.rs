//! The decision restated for the tests, from words alone: who is in which group, which role gives which permission
//! names where. It shares no code with `authorize` but the names of the permissions.

/// A place where a role is given: the organization, or one of its projects by number.
pub type Place = Option<usize>;

/// Facts of a small world. Users, organizations, projects and groups are numbers.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Project by number: its organization.
    pub projects: Vec<usize>,
    /// User, organization, role of the organization.
    pub members: Vec<(usize, usize, &'static str)>,
    /// Group by number: its organization and its people.
    pub groups: Vec<(usize, Vec<usize>)>,
    /// User, organization, role, place.
    pub to_users: Vec<(usize, usize, &'static str, Place)>,
    /// Group, role, place.
    pub to_groups: Vec<(usize, &'static str, Place)>,
    /// Users that are suspended in an organization.
    pub suspended: Vec<(usize, usize)>,
    /// Organizations that are suspended.
    pub stopped: Vec<usize>,
}

/// What the custom roles of the small world give.
pub const CUSTOM: [(&str, &[&str]); 2] = [
    ("custom-organization", &["member.read", "usage.read", "project.create"]),
    ("custom-project", &["project.read", "api_key.manage_own", "usage.read"]),
];

const EVERYONE: &[&str] = &["organization.read", "elevation.request", "approval.request"];
const FINANCE: &[&str] = &["cost.read", "price.read"];
const PROJECT_MEMBER: &[&str] = &[
    "project.read",
    "project_policy.read",
    "project_member.read",
    "service_account.read",
    "api_key.read_own",
    "api_key.manage_own",
    "usage.read_own",
];
const VIEWER: &[&str] =
    &["project.read", "project_policy.read", "project_member.read", "usage.read", "cost.read"];
const OF_PROJECTS: &[&str] = &[
    "project.",
    "project_invite.",
    "project_member.",
    "project_policy.",
    "project_role.",
    "service_account.",
    "api_key.",
    "handover.",
    "allowance.read",
    "allowance.manage_keys",
    "usage.",
    "cost.",
];

/// Whether a permission is of project level.
pub fn is_of_projects(name: &str) -> bool {
    name != "project.create" && OF_PROJECTS.iter().any(|start| name.starts_with(start))
}

/// The narrower permission that covers only what one owns.
fn own_of(name: &str) -> Option<&'static str> {
    ["api_key.read_own", "api_key.manage_own", "usage.read_own"]
        .into_iter()
        .find(|own| *own == format!("{name}_own"))
}

fn gives(role: &str, name: &str) -> bool {
    // Whoever may do a thing to all of a kind may do it to one's own.
    let wide = name.strip_suffix("_own").unwrap_or(name);
    let listed = |names: &[&str]| names.contains(&name) || names.contains(&wide);
    match role {
        "organization-admin" => true,
        "organization-member" => listed(EVERYONE),
        "organization-finance" => listed(EVERYONE) || listed(FINANCE),
        "organization-auditor" => listed(EVERYONE) || wide.ends_with(".read"),
        "project-owner" => is_of_projects(name) && name != "project.archive",
        "project-member" => listed(PROJECT_MEMBER),
        "project-viewer" => listed(VIEWER),
        custom => CUSTOM.iter().any(|(known, names)| *known == custom && listed(names)),
    }
}

impl Facts {
    fn is_member(&self, user: usize, organization: usize) -> bool {
        let is_here = self.members.iter().any(|one| one.0 == user && one.1 == organization);
        is_here && !self.suspended.contains(&(user, organization))
    }

    /// Whether some role gives the user a permission in a place; what is given in the organization holds in every
    /// project of it.
    fn has(&self, user: usize, organization: usize, place: Place, name: &str) -> bool {
        let fits = |given: Place| match (given, place) {
            (None, _) => true,
            (Some(there), Some(here)) => there == here && is_of_projects(name),
            (Some(_), None) => false,
        };
        let by_membership =
            self.members.iter().any(|one| one.0 == user && one.1 == organization && gives(one.2, name));
        let to_them = self
            .to_users
            .iter()
            .any(|one| one.0 == user && one.1 == organization && fits(one.3) && gives(one.2, name));
        let through_a_group = self.to_groups.iter().any(|(group, role, given)| {
            let (of, people) = &self.groups[*group];
            *of == organization && people.contains(&user) && fits(*given) && gives(role, name)
        });
        by_membership || to_them || through_a_group
    }

    /// What the answer is: `whole`, `own`, `forbidden` or `hidden`, for a thing in a project.
    pub fn in_project(&self, user: usize, (acting_in, project): (usize, usize), name: &str) -> &'static str {
        let organization = self.projects[project];
        if organization != acting_in || !self.is_member(user, organization) {
            return "hidden";
        }
        let has = |name: &str| self.has(user, organization, Some(project), name);
        let (is_whole, is_own) = (has(name), own_of(name).is_some_and(&has));
        if !is_whole && !is_own {
            return if has("project.read") { "forbidden" } else { "hidden" };
        }
        match () {
            () if self.is_stopped(organization, name) => "forbidden",
            () if is_whole => "whole",
            () => "own",
        }
    }

    /// The same for the organization itself or a list of it.
    pub fn in_organization(
        &self,
        user: usize,
        (acting_in, organization): (usize, usize),
        name: &str,
    ) -> &'static str {
        if organization != acting_in || !self.is_member(user, organization) {
            return "hidden";
        }
        let projects = (0..self.projects.len()).filter(|project| self.projects[*project] == organization);
        let in_some = |name: &str| {
            is_of_projects(name) && projects.clone().any(|p| self.has(user, organization, Some(p), name))
        };
        let is_whole = self.has(user, organization, None, name);
        let is_list = in_some(name) || own_of(name).is_some_and(in_some) || name == "project.read";
        match () {
            () if !is_whole && !is_list => "forbidden",
            () if self.is_stopped(organization, name) => "forbidden",
            () if is_whole => "whole",
            () => "list",
        }
    }

    fn is_stopped(&self, organization: usize, name: &str) -> bool {
        let looks = name.ends_with(".read") || name.ends_with(".read_own");
        self.stopped.contains(&organization) && !looks && name != "organization.suspend"
    }
}
