//! The pages of one project: overview, members, settings.

use askama::Template;

use super::pages::ProjectForm;
use crate::http::charts::{Meter, StackedChart};
use crate::http::figures::{Count, When};
use crate::http::shell::{Choice, Person, Shell};
use crate::members::pages::InviteRow;
use crate::organizations::pages::{Figure, ModelCost};
use crate::roles::pages::HeldRole;

/// What the head of each of a project's pages says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectHead {
    /// What the project is for.
    pub description: String,
    /// Whether it is archived, so that its keys are stopped.
    pub is_archived: bool,
    /// Whether its risk is high.
    pub is_high_risk: bool,
}

/// A limit on an overview.
pub struct MeterRow {
    /// Which limit: `Monthly spend of this project`.
    pub name: String,
    /// Spent, held and left.
    pub meter: Meter,
    /// When it begins anew, in words, or nothing.
    pub resets: String,
}

/// A project at a glance.
#[derive(Template)]
#[template(path = "projects/overview.html")]
pub struct ProjectPage {
    /// The frame.
    pub shell: Shell,
    /// The head.
    pub head: ProjectHead,
    /// Cost this month, calls, tokens, active keys.
    pub figures: Vec<Figure>,
    /// Cost of 30 days; absent while there was no call or the viewer may not see it.
    pub chart: Option<StackedChart>,
    /// What the chart is stacked by: `key` or `model`.
    pub chart_by: String,
    /// Models used this month.
    pub models: Vec<ModelCost>,
    /// The limits that bind it.
    pub meters: Vec<MeterRow>,
    /// Its owners, the accountable one first.
    pub owners: Vec<Person>,
    /// Label and value of what cost is attributed by, tags included.
    pub labels: Vec<(String, String)>,
    /// Its id.
    pub project_id: String,
    /// Whether the viewer may create keys.
    pub can_create_key: bool,
}

/// Somebody who works in the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectMemberRow {
    /// The user's id.
    pub user_id: String,
    /// Who.
    pub person: Person,
    /// Built-in project roles, the present one selected.
    pub roles: Vec<Choice>,
    /// The present built-in role, for people; empty for who has other roles alone.
    pub role: String,
    /// The other roles of the project that they were given.
    pub further: Vec<HeldRole>,
    /// The roles of the project that the viewer may give besides.
    pub offered: Vec<Choice>,
    /// Whether the cost is attributed to them.
    pub is_accountable: bool,
    /// Since when they have the built-in role.
    pub added_at: Option<When>,
}

/// A group that has a role in the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectGroupRow {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where its page is; none where the viewer may not see it.
    pub href: Option<String>,
    /// How many people are in it.
    pub people: Count,
    /// What it has here.
    pub roles: Vec<HeldRole>,
    /// Since when.
    pub added_at: When,
}

/// The groups of the project's page of members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectGroups {
    /// Those that have a role here.
    pub rows: Vec<ProjectGroupRow>,
    /// Groups that can be given a role, by id; empty for who may not see groups, who types a name.
    pub candidates: Vec<Choice>,
    /// The roles of the project that the viewer may give.
    pub roles: Vec<Choice>,
    /// Whether the viewer may give groups a role here.
    pub can_add: bool,
}

/// The invitations of the project's page of members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectInvites {
    /// Those that wait.
    pub rows: Vec<InviteRow>,
    /// The link of the invitation made just now.
    pub link: Option<String>,
    /// Whether it was mailed too.
    pub is_mailed: bool,
    /// The address typed so far.
    pub email: String,
    /// The roles that can be given.
    pub roles: Vec<Choice>,
    /// Whether the viewer may invite.
    pub can_invite: bool,
    /// Whether the viewer may revoke those that wait.
    pub can_revoke: bool,
}

/// The project's people.
#[derive(Template)]
#[template(path = "projects/members.html")]
pub struct ProjectMembersPage {
    /// The frame.
    pub shell: Shell,
    /// The head.
    pub head: ProjectHead,
    /// Its people.
    pub members: Vec<ProjectMemberRow>,
    /// Members of the organization who are not in it yet, by user id.
    pub candidates: Vec<Choice>,
    /// The project roles that the viewer may give.
    pub roles: Vec<Choice>,
    /// The groups that have a role in it.
    pub groups: ProjectGroups,
    /// Invitations into it.
    pub invites: ProjectInvites,
    /// Whether the viewer may change its people.
    pub can_manage_members: bool,
}

/// The project's settings.
#[derive(Template)]
#[template(path = "projects/settings.html")]
pub struct ProjectSettingsPage {
    /// The frame.
    pub shell: Shell,
    /// The head.
    pub head: ProjectHead,
    /// What holds now.
    pub form: ProjectForm,
    /// How many working keys would stop with it.
    pub active_keys: Count,
    /// Whether a list of models allows or denies; empty where there is none.
    pub model_modes: Vec<Choice>,
    /// The names of that list, divided by commas.
    pub model_ids: String,
    /// Which models it may call, in words; empty for all.
    pub models_in_words: String,
    /// Whether the viewer may set which models it may call.
    pub can_set_models: bool,
    /// Whether lowering the risk or the environment needs a second person, whom the viewer may ask.
    pub asks_to_loosen: bool,
    /// Whether the viewer may change the settings.
    pub can_update: bool,
    /// Whether the viewer may archive and restore.
    pub can_archive: bool,
}
