//! What every page of the console shares: who is looking, where they are, and what they may see of the navigation.

use domain::projects::Environment;

use super::figures::When;

/// The colours that a person chose; kept in the cookie `theme`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// What the device says.
    #[default]
    Auto,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// Every theme, in the order of the switch.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Light, Self::Dark];

    /// The word in the cookie and in the page.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The word for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Auto => "System",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }

    /// The theme of a word; anything unknown follows the device.
    pub fn parse(word: &str) -> Self {
        Self::ALL.into_iter().find(|theme| theme.name() == word).unwrap_or_default()
    }
}

/// How a message at the head of a page is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// It worked.
    Good,
    /// It did not.
    Bad,
    /// Good to know.
    Info,
}

impl Tone {
    /// The class in the stylesheet.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Info => "info",
        }
    }

    /// The icon beside the words.
    pub const fn icon(self) -> &'static str {
        match self {
            Self::Good => "tick",
            Self::Bad => "warn",
            Self::Info => "info",
        }
    }
}

/// A message at the head of a page: what the last act did, or why it was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flash {
    /// How it is meant.
    pub tone: Tone,
    /// One or two sentences.
    pub text: String,
}

/// A person as pages name them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// The name people read.
    pub name: String,
    /// The address they sign in with.
    pub email: String,
}

impl Person {
    /// At most two letters for the round picture.
    pub fn initials(&self) -> String {
        initials(&self.name)
    }
}

/// The first letters of the first and last word, in capitals.
fn initials(name: &str) -> String {
    let mut words = name.split_whitespace();
    let first = words.next().and_then(|word| word.chars().next());
    let last = words.next_back().and_then(|word| word.chars().next());
    first.into_iter().chain(last).flat_map(char::to_uppercase).collect()
}

/// Why nothing can be changed in an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standstill {
    /// `suspended` or `closed`.
    pub state: &'static str,
    /// Since when, why, and until when, in a sentence or two.
    pub text: String,
}

/// An organization in the switcher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganizationLink {
    /// What its addresses carry.
    pub slug: String,
    /// The name people read.
    pub name: String,
    /// The viewer's role there, for people.
    pub role: String,
    /// Why nothing can be changed there; none where it is in use.
    pub standstill: Option<Standstill>,
}

impl OrganizationLink {
    /// At most two letters for the square picture.
    pub fn initials(&self) -> String {
        initials(&self.name)
    }
}

/// A project as pages name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectLink {
    /// Its id.
    pub id: String,
    /// The name people read.
    pub name: String,
    /// Its environment, shown as a badge beside the name.
    pub environment: Environment,
}

/// One value of a select box or a group of buttons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What people read.
    pub label: String,
    /// Whether it is the present one.
    pub is_selected: bool,
}

impl Choice {
    /// The choices of `(value, label)` pairs, of which `selected` is the present one.
    pub fn list<V: AsRef<str>, L: AsRef<str>>(pairs: &[(V, L)], selected: &str) -> Vec<Self> {
        let choice = |(value, label): &(V, L)| Self {
            value: value.as_ref().to_owned(),
            label: label.as_ref().to_owned(),
            is_selected: value.as_ref() == selected,
        };
        pairs.iter().map(choice).collect()
    }
}

/// A link of a group of which one is where the viewer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PickLink {
    /// Where it leads.
    pub href: String,
    /// Its words.
    pub label: &'static str,
    /// Whether it is chosen.
    pub is_here: bool,
}

/// The places of the side navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// No place of the navigation: account, organizations, errors.
    Elsewhere,
    /// The organization at a glance.
    Overview,
    /// Its projects.
    Projects,
    /// Its members and invites.
    Members,
    /// Its roles.
    Roles,
    /// Its groups.
    Groups,
    /// What in it lost its owner.
    Handovers,
    /// What waits for a second person.
    Approvals,
    /// Its access reviews.
    Reviews,
    /// Who may do what, and why.
    Access,
    /// What it used and cost.
    Usage,
    /// Its limits.
    Allowances,
    /// Its provider connections.
    Providers,
    /// Its prices.
    Prices,
    /// What policy it sets.
    Policy,
    /// Its webhooks.
    Webhooks,
    /// What it tells by mail.
    Mails,
    /// Its admin keys.
    AdminKeys,
    /// Its audit trail.
    Audit,
    /// Its settings.
    Settings,
    /// A project at a glance.
    ProjectOverview,
    /// A project's keys.
    ProjectKeys,
    /// A project's members.
    ProjectMembers,
    /// A project's roles.
    ProjectRoles,
    /// A project's service accounts.
    ProjectServiceAccounts,
    /// Who can see a project.
    ProjectAccess,
    /// What a project used and cost.
    ProjectUsage,
    /// What binds a project.
    ProjectAllowances,
    /// What policy holds in a project.
    ProjectPolicy,
    /// A project's settings.
    ProjectSettings,
}

type Row = (Section, &'static str, &'static str, &'static str);

/// Section, words, icon, and what follows `/o/{slug}`.
const ORGANIZATION: [Row; 19] = [
    (Section::Overview, "Overview", "overview", ""),
    (Section::Projects, "Projects", "projects", "/projects"),
    (Section::Members, "Members", "members", "/members"),
    (Section::Groups, "Groups", "groups", "/groups"),
    (Section::Roles, "Roles", "roles", "/roles"),
    (Section::Handovers, "Hand-overs", "handovers", "/handovers"),
    (Section::Approvals, "Approvals", "approvals", "/approvals"),
    (Section::Reviews, "Access reviews", "reviews", "/reviews"),
    (Section::Access, "Access", "access", "/access"),
    (Section::Usage, "Usage", "usage", "/usage"),
    (Section::Allowances, "Allowances", "allowances", "/allowances"),
    (Section::Providers, "Providers", "providers", "/providers"),
    (Section::Prices, "Prices", "prices", "/prices"),
    (Section::Policy, "Policy", "policy", "/policy"),
    (Section::Webhooks, "Webhooks", "webhooks", "/webhooks"),
    (Section::Mails, "Mail", "mail", "/mails"),
    (Section::AdminKeys, "Admin keys", "key", "/admin-keys"),
    (Section::Audit, "Audit", "audit", "/audit"),
    (Section::Settings, "Settings", "settings", "/settings"),
];

/// Section, words, icon, and what follows `/o/{slug}/projects/{project_id}`.
const PROJECT: [Row; 10] = [
    (Section::ProjectOverview, "Overview", "overview", ""),
    (Section::ProjectKeys, "Keys", "key", "/keys"),
    (Section::ProjectMembers, "Members", "members", "/members"),
    (Section::ProjectRoles, "Roles", "roles", "/roles"),
    (Section::ProjectServiceAccounts, "Service accounts", "robot", "/service-accounts"),
    (Section::ProjectAccess, "Who can see it", "access", "/access"),
    (Section::ProjectUsage, "Usage", "usage", "/usage"),
    (Section::ProjectAllowances, "Allowances", "allowances", "/allowances"),
    (Section::ProjectPolicy, "Policy", "policy", "/policy"),
    (Section::ProjectSettings, "Settings", "settings", "/settings"),
];

/// One link of the side navigation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NavLink {
    /// Where it leads.
    pub href: String,
    /// Its words.
    pub label: &'static str,
    /// Its icon.
    pub icon: &'static str,
    /// Whether the viewer is there.
    pub is_here: bool,
    /// How many things wait there.
    pub waiting: u64,
}

/// Rights of the viewer that end by themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElevationNotice {
    /// The role, for people.
    pub role: String,
    /// Until when.
    pub until: When,
    /// How long that is: `1 hour 12 minutes`.
    pub left: String,
    /// Where the form that ends it goes.
    pub end_action: String,
}

/// The frame around a page of somebody signed in.
#[derive(Clone, Debug)]
pub struct Shell {
    /// The title of the browser's tab.
    pub title: String,
    /// Path and query of this page, to come back to after an act in the frame.
    pub path: String,
    /// The chosen colours.
    pub theme: Theme,
    /// The proof that every form carries.
    pub csrf: String,
    /// Who is looking.
    pub person: Person,
    /// The organization that the page is about, where it is about one.
    pub organization: Option<OrganizationLink>,
    /// All organizations of the viewer.
    pub organizations: Vec<OrganizationLink>,
    /// The project that the page is about, where it is about one.
    pub project: Option<ProjectLink>,
    /// Where the page stands in the navigation.
    pub here: Section,
    /// Places that the viewer may not see, which the navigation leaves out.
    pub hidden: Vec<Section>,
    /// How many things wait for somebody, by place.
    pub waiting: Vec<(Section, u64)>,
    /// Messages at the head of the page.
    pub flashes: Vec<Flash>,
    /// What the viewer is for a while.
    pub elevation: Option<ElevationNotice>,
    /// The moment at which the page was made, in UTC: what a printed page says.
    pub made_at: When,
}

impl Shell {
    /// The start of every address of the organization: `/o/{slug}`.
    pub fn root(&self) -> String {
        let slug = self.organization.as_ref().map(|organization| organization.slug.as_str());
        format!("/o/{}", slug.unwrap_or_default())
    }

    /// The start of every address of the project: `/o/{slug}/projects/{project_id}`.
    pub fn project_root(&self) -> String {
        let id = self.project.as_ref().map(|project| project.id.as_str());
        format!("{}/projects/{}", self.root(), id.unwrap_or_default())
    }

    /// The links of the organization's side; none outside of an organization.
    pub fn organization_links(&self) -> Vec<NavLink> {
        if self.organization.is_none() { Vec::new() } else { self.links(&ORGANIZATION, &self.root()) }
    }

    /// The links of the project's side; none outside of a project.
    pub fn project_links(&self) -> Vec<NavLink> {
        if self.project.is_none() { Vec::new() } else { self.links(&PROJECT, &self.project_root()) }
    }

    fn links(&self, rows: &[Row], root: &str) -> Vec<NavLink> {
        let link = |(section, label, icon, rest): &Row| NavLink {
            href: format!("{root}{rest}"),
            label,
            icon,
            is_here: self.here == *section,
            waiting: self.waiting.iter().find(|(place, _)| place == section).map_or(0, |(_, count)| *count),
        };
        rows.iter().filter(|row| !self.hidden.contains(&row.0)).map(link).collect()
    }
}

/// The frame around a page without a session: set-up, sign-in, an invite.
#[derive(Clone, Debug, Default)]
pub struct Bare {
    /// The title of the browser's tab.
    pub title: String,
    /// The chosen colours.
    pub theme: Theme,
    /// The proof that every form carries.
    pub csrf: String,
    /// Messages at the head of the page.
    pub flashes: Vec<Flash>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_at_most_two_letters_of_any_script() {
        for (name, letters) in [("Alpha Beta Kappa", "AK"), ("alpha", "A"), ("", ""), ("  ß x ", "SSX")] {
            assert_eq!(initials(name), letters);
        }
    }

    #[test]
    fn an_unknown_theme_follows_the_device() {
        assert_eq!(Theme::parse("dark"), Theme::Dark);
        assert_eq!(Theme::parse("\"><script>"), Theme::Auto);
    }
}
