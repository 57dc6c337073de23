//! The one decision: may this actor do this here? It yields a `Grant`, or a refusal that reveals nothing.

use super::grant::{Actor, Grant, Reach};
use super::permission::{Level, Permission};
use super::standing::Standing;
use crate::error::Error;
use crate::ids::{OrganizationId, ProjectId};
use crate::organizations::OrganizationState;

/// What an act is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The actor's own account: their sessions, their organizations, a new organization.
    Account,
    /// An organization, or a list of things in it.
    Organization(OrganizationId),
    /// One project and what is in it.
    Project(OrganizationId, ProjectId),
}

/// Decides.
///
/// A permission held at organization level reaches every project. On an organization target a permission of
/// project level reaches just the projects in which it is held, so that a list is the filter of this decision.
/// Where only the `own` form of a permission is held, the grant reaches only what the actor owns. In an organization
/// that is suspended or closed only looking is allowed, and what ends that state.
///
/// # Errors
/// `Hidden` when the actor may not know of the target; `Forbidden` (codes `missing_permission`,
/// `organization_suspended`) when they may know of it but may not do this.
pub fn authorize(actor: &Actor, permission: Permission, target: Target) -> Result<Grant, Error> {
    match target {
        Target::Account => Ok(Grant::of_person(actor, None, None, nothing_of(actor))),
        Target::Organization(organization) => {
            let standing = standing_in(actor, organization)?;
            let reach = organization_reach(actor, standing, permission).ok_or_else(|| missing(permission))?;
            in_force(standing, permission)?;
            Ok(Grant::of_person(actor, Some(permission), Some(organization), reach))
        }
        Target::Project(organization, project) => {
            let standing = standing_in(actor, organization).map_err(|_| Error::Hidden { what: "project" })?;
            let reach =
                project_reach(actor, standing, permission, project).ok_or_else(|| {
                    match project_reach(actor, standing, Permission::ProjectRead, project) {
                        Some(_) => missing(permission),
                        None => Error::Hidden { what: "project" },
                    }
                })?;
            in_force(standing, permission)?;
            Ok(Grant::of_person(actor, Some(permission), Some(organization), reach))
        }
    }
}

/// Whether it would be allowed; for pages that leave out what would be refused.
pub fn allows(actor: &Actor, permission: Permission, target: Target) -> bool {
    authorize(actor, permission, target).is_ok()
}

fn standing_in(actor: &Actor, organization: OrganizationId) -> Result<&Standing, Error> {
    actor
        .standing
        .as_ref()
        .filter(|standing| standing.organization_id == organization)
        .ok_or(Error::Hidden { what: "organization" })
}

fn organization_reach(actor: &Actor, standing: &Standing, permission: Permission) -> Option<Reach> {
    if standing.rights().holds(permission) {
        return Some(Reach::All);
    }
    if permission.level() == Level::Organization {
        return None;
    }
    let projects = standing.projects();
    let holding = |wanted: Permission| {
        projects.iter().copied().filter(move |project| standing.rights_in(*project).holds(wanted))
    };
    let whole: Vec<ProjectId> = holding(permission).collect();
    let own: Vec<ProjectId> =
        permission.own().into_iter().flat_map(holding).filter(|project| !whole.contains(project)).collect();
    // Whoever belongs to the organization may list its projects: those they may see, were it none.
    let is_reached = !whole.is_empty() || !own.is_empty() || permission == Permission::ProjectRead;
    is_reached.then_some(Reach::Some { whole, own, user_id: actor.user_id })
}

fn project_reach(
    actor: &Actor,
    standing: &Standing,
    permission: Permission,
    project: ProjectId,
) -> Option<Reach> {
    let user_id = actor.user_id;
    let rights = standing.rights().or(standing.rights_in(project));
    if rights.holds(permission) {
        // A grant for one project reaches that project, also for those who could reach them all.
        return Some(Reach::Some { whole: vec![project], own: Vec::new(), user_id });
    }
    let own = permission.own().is_some_and(|own| rights.holds(own));
    own.then(|| Reach::Some { whole: Vec::new(), own: vec![project], user_id })
}

fn in_force(standing: &Standing, permission: Permission) -> Result<(), Error> {
    let is_allowed = permission.is_read() || permission == Permission::OrganizationSuspend;
    match standing.state {
        OrganizationState::Active => Ok(()),
        _ if is_allowed => Ok(()),
        state => {
            let sentence = format!("This organization is {}. An Admin can reactivate it.", state.name());
            Err(Error::forbidden("organization_suspended", sentence))
        }
    }
}

fn nothing_of(actor: &Actor) -> Reach {
    Reach::Some { whole: Vec::new(), own: Vec::new(), user_id: actor.user_id }
}

fn missing(permission: Permission) -> Error {
    Error::forbidden("missing_permission", format!("Missing scopes: {permission}. {}", permission.sentence()))
}
