//! What a user is in one organization: the assignments that give them rights, each with its reason.

use super::permission::Permission;
use super::permissions::Permissions;
use super::roles::{OrganizationRole, ProjectRole, RoleRef};
use crate::error::Error;
use crate::ids::{GroupId, OrganizationId, ProjectId, UserId};
use crate::organizations::{Feature, Features, OrganizationState};
use crate::time::Timestamp;

/// One reason for which a user has rights: a role, where, through whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The role.
    pub role: RoleRef,
    /// What it gives now.
    pub permissions: Permissions,
    /// The only project in which it gives that; none for the organization and all its projects.
    pub project_id: Option<ProjectId>,
    /// The group through which the user has it; none where it was given to the user.
    pub group_id: Option<GroupId>,
    /// Who gave it; none for what the system gave.
    pub given_by: Option<UserId>,
    /// When.
    pub given_at: Timestamp,
    /// When it ends by itself.
    pub ends_at: Option<Timestamp>,
}

impl Assignment {
    /// A built-in role without a history, for the system and for tests.
    pub fn built_in(role: RoleRef, project_id: Option<ProjectId>) -> Self {
        Self {
            role,
            permissions: role.built_in_permissions().unwrap_or_default(),
            project_id,
            group_id: None,
            given_by: None,
            given_at: Timestamp::from_unix_seconds(0),
            ends_at: None,
        }
    }

    /// What it gives in the organization itself.
    fn in_organization(&self) -> Permissions {
        if self.project_id.is_none() { self.permissions } else { Permissions::NONE }
    }

    /// What it gives in a project.
    fn in_project(&self, project: ProjectId) -> Permissions {
        match self.project_id {
            None => self.permissions.of_projects(),
            Some(id) if id == project => self.permissions.of_projects(),
            Some(_) => Permissions::NONE,
        }
    }
}

/// What a user is in one organization. Rights are additive: the sum of all assignments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The organization.
    pub organization_id: OrganizationId,
    /// How the organization stands; only an active one can be changed.
    pub state: OrganizationState,
    /// What is switched off in it.
    pub features_off: Features,
    /// Every assignment in force.
    pub assignments: Vec<Assignment>,
}

impl Standing {
    /// A standing in an active organization.
    pub fn new(organization_id: OrganizationId, assignments: Vec<Assignment>) -> Self {
        let (state, features_off) = (OrganizationState::Active, Features::default());
        Self { organization_id, state, features_off, assignments }
    }

    /// A standing of built-in roles alone, in an active organization.
    pub fn of_roles(
        organization_id: OrganizationId,
        role: OrganizationRole,
        projects: &[(ProjectId, ProjectRole)],
    ) -> Self {
        let of_projects = projects
            .iter()
            .map(|(project, role)| Assignment::built_in(RoleRef::Project(*role), Some(*project)));
        let first = Assignment::built_in(RoleRef::Organization(role), None);
        Self::new(organization_id, std::iter::once(first).chain(of_projects).collect())
    }

    /// The same without what ends by itself.
    #[must_use]
    pub fn lasting(&self) -> Self {
        let lasts = |one: &&Assignment| one.ends_at.is_none();
        let assignments = self.assignments.iter().filter(lasts).cloned().collect();
        Self { assignments, features_off: self.features_off.clone(), ..*self }
    }

    /// Until when the longest of the rights that end by themselves last; none where all rights last.
    pub fn elevated_until(&self) -> Option<Timestamp> {
        self.assignments.iter().filter_map(|one| one.ends_at).max()
    }

    /// The rights in the organization.
    pub fn rights(&self) -> Permissions {
        self.assignments.iter().fold(Permissions::NONE, |sum, one| sum.or(one.in_organization()))
    }

    /// The rights in a project.
    pub fn rights_in(&self, project: ProjectId) -> Permissions {
        self.assignments.iter().fold(Permissions::NONE, |sum, one| sum.or(one.in_project(project)))
    }

    /// Whether they may have keys of their own in a project. What was given for a time carries no key.
    pub fn holds_keys_in(&self, project: ProjectId) -> bool {
        let lasting = self.assignments.iter().filter(|one| one.ends_at.is_none());
        lasting.map(|one| one.in_project(project)).any(|rights| rights.holds(Permission::ApiKeyManageOwn))
    }

    /// Refuses what belongs to a feature that the organization has switched off.
    ///
    /// # Errors
    /// `feature_off`.
    pub fn allows_feature(&self, feature: Feature) -> Result<(), Error> {
        if !self.features_off.holds(feature) {
            return Ok(());
        }
        let sentence =
            format!("This organization has switched off {}. An Admin can switch it on.", feature.name());
        Err(Error::forbidden("feature_off", sentence))
    }

    /// The projects in which there is a role, each once, in the order of their ids.
    pub fn projects(&self) -> Vec<ProjectId> {
        let mut projects: Vec<_> = self.assignments.iter().filter_map(|one| one.project_id).collect();
        projects.sort_unstable();
        projects.dedup();
        projects
    }

    /// The assignments that count in a project, or, with none, in the organization itself.
    pub fn assignments_at(&self, project: Option<ProjectId>) -> impl Iterator<Item = &Assignment> {
        self.assignments.iter().filter(move |one| one.project_id.is_none() || one.project_id == project)
    }
}
