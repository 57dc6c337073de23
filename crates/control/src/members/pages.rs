//! The members of the organization and the invitations that wait.

use askama::Template;

use crate::http::figures::When;
use crate::http::shell::{Choice, Person, ProjectLink, Shell};
use crate::roles::pages::HeldRole;

/// A member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRow {
    /// The user's id.
    pub user_id: String,
    /// Who.
    pub person: Person,
    /// The role, for people.
    pub role: String,
    /// The organization roles, the present one selected.
    pub roles: Vec<Choice>,
    /// The other roles of the organization that they have, and where each comes from.
    pub further: Vec<HeldRole>,
    /// The roles of the organization that the viewer may give besides.
    pub offered: Vec<Choice>,
    /// The projects they are in, with a role there.
    pub projects: Vec<(ProjectLink, HeldRole)>,
    /// Since when.
    pub joined_at: When,
    /// Since when they are suspended.
    pub suspended_at: Option<When>,
    /// The new address for which they asked and which is not confirmed yet.
    pub asked_email: Option<String>,
    /// Whether it is the viewer.
    pub is_self: bool,
    /// Whether it is the only Admin, who cannot be removed or demoted.
    pub is_last_admin: bool,
}

/// A link made just now, to pass on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownLink {
    /// What it is, in two words.
    pub label: &'static str,
    /// What to do with it.
    pub text: String,
    /// The link.
    pub url: String,
}

/// What an invitation has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InviteState {
    /// It can be accepted.
    Pending,
    /// Its time is over.
    Expired,
}

impl InviteState {
    /// The word for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Expired => "expired",
        }
    }

    /// The colour of its badge.
    pub const fn tone(self) -> &'static str {
        match self {
            Self::Pending => "info",
            Self::Expired => "warn",
        }
    }
}

/// An invitation that is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteRow {
    /// Its id.
    pub id: String,
    /// Whom it is for.
    pub email: String,
    /// The organization role it gives, for people.
    pub role: String,
    /// The names of the projects it gives, with the role there.
    pub projects: Vec<(String, String)>,
    /// Who invited.
    pub invited_by: String,
    /// Whether it can be accepted.
    pub state: InviteState,
    /// When it ends.
    pub expires_at: When,
}

/// One project of the invite form; its select is named `project_role.{id}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteProject {
    /// The project.
    pub project: ProjectLink,
    /// "No access", Viewer, Member, Project Owner.
    pub roles: Vec<Choice>,
}

/// Members and invitations.
#[derive(Template)]
#[template(path = "members/list.html")]
pub struct MembersPage {
    /// The frame.
    pub shell: Shell,
    /// Members found.
    pub members: Vec<MemberRow>,
    /// What is searched for.
    pub search: String,
    /// Where the next page is, if there is one.
    pub next_href: Option<String>,
    /// Invitations that wait.
    pub invites: Vec<InviteRow>,
    /// The link made just now, to pass on where no mail server sends it.
    pub link: Option<ShownLink>,
    /// The addresses of active members, to whom others' things can go.
    pub heirs: Vec<String>,
    /// The address typed so far.
    pub invite_email: String,
    /// The organization roles that the viewer may give.
    pub invite_roles: Vec<Choice>,
    /// The projects that the viewer may give.
    pub invite_projects: Vec<InviteProject>,
    /// Whether the viewer may see what each of them can see.
    pub can_ask: bool,
    /// Whether the viewer may change roles and remove members.
    pub can_manage: bool,
    /// Whether the viewer may invite.
    pub can_invite: bool,
}
