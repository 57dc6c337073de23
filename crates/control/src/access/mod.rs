//! Who may do what, and why: the decision for one person, key or service account, and printable lists of who can see a
//! project and what a person can see.

pub mod api;
mod calls;
mod wire;

use std::collections::HashMap;

use domain::Error;
use domain::access::{
    Actor, Credential, Decision, Explanation, Grant, OrganizationRole, Permission, ProjectRole, Standing,
    Target, Task, allows, explain,
};
use domain::api_keys::{KeyKind, KeyOwner};
use domain::ids::{KeyId, OrganizationId, ProjectId, UserId};
use domain::page::{Page, PageRequest};
use store::OwnedKey;

use crate::projects::organization_of;
use crate::{Control, Failure};

pub use calls::{CallExplanation, Step};

/// Whom a question is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// A person.
    Person {
        /// Their id.
        user_id: UserId,
        /// Their name.
        name: String,
        /// Their address.
        email: String,
    },
    /// An API key or an admin key.
    Key(Box<OwnedKey>),
}

/// Where a question is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// `organization` or `project`.
    pub kind: &'static str,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    target: Target,
}

/// An answer with everything that its words need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Whom it is about.
    pub principal: Principal,
    /// What they would do.
    pub permission: Permission,
    /// Where.
    pub resource: Resource,
    /// The decision and its reasons.
    pub explanation: Explanation,
    /// The person as whom an admin key acts.
    pub acts_as: Option<String>,
    /// Names of what the reasons speak of, by id.
    pub names: HashMap<String, String>,
    /// Who could give what is missing.
    pub givers: Vec<String>,
}

/// What one person is in the organization, with the names of what that speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Who.
    pub user_id: UserId,
    /// What they are.
    pub standing: Standing,
    /// Names, by id.
    pub names: HashMap<String, String>,
}

/// Whether somebody may do something somewhere, and why.
///
/// # Errors
/// `Hidden` for a principal or resource that is not there or not the asker's to ask about.
pub async fn explain_access(
    control: &Control,
    grant: &Grant,
    (principal, permission, resource): (&str, Permission, &str),
) -> Result<Answered, Failure> {
    let resource = resource_of(control, grant, resource).await?;
    let principal = principal_of(control, grant, principal).await?;
    may_ask(grant, &principal, &resource)?;
    let organization = organization_of(grant)?;
    let (actor, acts_as) = actor_of(control, &principal, organization).await?;
    let explanation = match &actor {
        Some(actor) => explain(actor, permission, resource.target),
        None => {
            Explanation { decision: Decision::Hidden, code: Some("key_not_for_this"), because: Vec::new() }
        }
    };
    let names = names(control, organization, &explanation.because).await?;
    let givers = match explanation.decision.is_allowed() {
        true => Vec::new(),
        false => control.store.admin_names(organization).await?,
    };
    Ok(Answered { principal, permission, resource, explanation, acts_as, names, givers })
}

/// Whether a key may call a model, step by step.
///
/// # Errors
/// `Hidden` for a key that is not there or not the asker's to ask about; `invalid_principal` for what is no key of a
/// project.
pub async fn explain_call(
    control: &Control,
    grant: &Grant,
    principal: &str,
    model: &str,
) -> Result<CallExplanation, Failure> {
    let found = principal_of(control, grant, principal).await?;
    let Principal::Key(owned) = &found else {
        let sentence = "Name the id of an API key: people do not call models themselves.";
        return Err(Error::invalid_param("invalid_principal", "principal", sentence).into());
    };
    let project = owned.key.project_id.ok_or_else(|| {
        let sentence = "This is an admin key, which cannot call models.";
        Error::invalid_param("invalid_principal", "principal", sentence)
    })?;
    let resource = resource_of(control, grant, &project.to_string()).await?;
    may_ask(grant, &found, &resource)?;
    calls::explain(control, grant, owned, project, model).await
}

/// A page of who can see a project, in the order of their ids.
///
/// # Errors
/// `Hidden` when there is no such project within reach.
pub async fn who_sees_project(
    control: &Control,
    grant: &Grant,
    project: ProjectId,
    page: &PageRequest,
) -> Result<Page<Seen>, Failure> {
    control.store.project(grant, project).await?;
    let organization = organization_of(grant)?;
    let viewers = control.store.project_viewers(grant, project, page, control.now()).await?;
    let assignments: Vec<_> = viewers.items.iter().flat_map(|(_, one)| one.assignments.clone()).collect();
    let mut all = names(control, organization, &assignments).await?;
    let people = viewers.items.iter().map(|(user, _)| user.to_string()).collect();
    all.extend(control.store.names_of(organization, people).await?);
    Ok(viewers.map(|(user_id, standing)| Seen { user_id, standing, names: all.clone() }))
}

/// What a person can see and do, in the organization and in each project.
///
/// # Errors
/// `Hidden` when there is no such member, or they are suspended.
pub async fn what_person_sees(control: &Control, grant: &Grant, user_id: UserId) -> Result<Seen, Failure> {
    let organization = organization_of(grant)?;
    let standing = control.store.standing(user_id, organization, control.now()).await?;
    let standing = standing.ok_or(Error::Hidden { what: "user" })?;
    let mut names = names(control, organization, &standing.assignments).await?;
    let projects = standing.projects();
    let ids = projects.iter().map(ToString::to_string).chain([user_id.to_string()]).collect();
    names.extend(control.store.names_of(organization, ids).await?);
    Ok(Seen { user_id, standing, names })
}

/// Which built-in roles give a permission, at either level.
pub fn roles_that_give(permission: Permission) -> Vec<&'static str> {
    let organization = OrganizationRole::ALL.into_iter().filter(|role| role.gives(permission));
    let projects = ProjectRole::ALL.into_iter().filter(|role| role.gives(permission));
    organization.map(OrganizationRole::title).chain(projects.map(ProjectRole::title)).collect()
}

async fn resource_of(control: &Control, grant: &Grant, id: &str) -> Result<Resource, Failure> {
    let organization = control.store.organization(grant).await?;
    if id.is_empty() || id == organization.id.to_string() {
        let target = Target::Organization(organization.id);
        return Ok(Resource {
            kind: "organization",
            id: organization.id.to_string(),
            name: organization.name,
            target,
        });
    }
    let hidden = || Error::Hidden { what: "resource" };
    // Whether the asker may ask about it is decided with the whole question.
    let system = Grant::system(Task::Snapshot, Some(organization.id));
    let project: ProjectId = match id.parse::<KeyId>() {
        Ok(key) => control.store.key_place(&system, key).await.map_err(|_| hidden())?,
        Err(_) => id.parse().map_err(|_| hidden())?,
    };
    let project = control.store.project(&system, project).await.map_err(|_| hidden())?;
    let target = Target::Project(organization.id, project.id);
    Ok(Resource { kind: "project", id: project.id.to_string(), name: project.name, target })
}

async fn principal_of(control: &Control, grant: &Grant, named: &str) -> Result<Principal, Failure> {
    let hidden = || Error::Hidden { what: "principal" };
    let organization = organization_of(grant)?;
    let system = Grant::system(Task::Snapshot, Some(organization));
    if let Ok(key) = named.parse::<KeyId>() {
        let owned = match control.store.key_place(&system, key).await {
            Ok(project) => control.store.project_key(&system, project, key).await,
            Err(_) => control.store.admin_key(&system, key).await,
        };
        return Ok(Principal::Key(Box::new(owned.map_err(|_| hidden())?)));
    }
    let page = PageRequest::first(1, domain::page::Order::Ascending);
    let member = match named.parse::<UserId>() {
        Ok(user) => control.store.member(&system, user).await.map_err(|_| hidden())?,
        Err(_) => {
            let emails = vec![named.trim().to_lowercase()];
            let found = control.store.members(&system, emails, &page).await?;
            found.items.into_iter().next().ok_or_else(hidden)?
        }
    };
    let user = member.user;
    Ok(Principal::Person { user_id: user.id, name: user.name, email: user.email })
}

/// Everybody may ask about themselves, where they know what is there; who sees a project's people may ask about it;
/// the rest needs `access.read`.
fn may_ask(grant: &Grant, principal: &Principal, resource: &Resource) -> Result<(), Error> {
    let Some(actor) = grant.actor() else { return Ok(()) };
    let organization = Target::Organization(organization_of(grant)?);
    let asks_of_anyone = allows(actor, Permission::AccessRead, organization);
    let is_project = matches!(resource.target, Target::Project(..));
    if is_project && !asks_of_anyone && !allows(actor, Permission::ProjectRead, resource.target) {
        return Err(Error::Hidden { what: "resource" });
    }
    let is_self = match principal {
        Principal::Person { user_id, .. } => *user_id == actor.user_id,
        Principal::Key(owned) => owned.key.owner == KeyOwner::User(actor.user_id),
    };
    let knows_its_people = is_project && allows(actor, Permission::ProjectMemberRead, resource.target);
    if is_self || knows_its_people || asks_of_anyone {
        return Ok(());
    }
    Err(Error::Hidden { what: "principal" })
}

/// Who would act, and, for an admin key, as whom; nobody for a key of a project, which opens nothing here.
async fn actor_of(
    control: &Control,
    principal: &Principal,
    organization: OrganizationId,
) -> Result<(Option<Actor>, Option<String>), Failure> {
    let (user_id, email, acts_as) = match principal {
        Principal::Person { user_id, email, .. } => (*user_id, email.clone(), None),
        Principal::Key(owned) if owned.key.kind == KeyKind::Admin => match owned.key.owner {
            KeyOwner::User(user) => {
                (user, owned.owner_email.clone().unwrap_or_default(), Some(owned.owner_name.clone()))
            }
            KeyOwner::ServiceAccount(_) => return Ok((None, None)),
        },
        Principal::Key(_) => return Ok((None, None)),
    };
    let at = control.now();
    let is_live = match principal {
        Principal::Key(owned) => owned.key.status(at) == domain::api_keys::KeyStatus::Active,
        Principal::Person { .. } => true,
    };
    let standing = match is_live {
        true => control.store.standing(user_id, organization, at).await?,
        false => None,
    };
    let credential = Credential::Task(Task::Snapshot);
    Ok((Some(Actor { user_id, email, credential, standing, origin: Default::default() }), acts_as))
}

async fn names(
    control: &Control,
    organization: OrganizationId,
    assignments: &[domain::access::Assignment],
) -> Result<HashMap<String, String>, Failure> {
    let mut ids: Vec<String> = Vec::new();
    for one in assignments {
        ids.push(one.role.to_string());
        ids.extend(one.project_id.map(|id| id.to_string()));
        ids.extend(one.group_id.map(|id| id.to_string()));
        ids.extend(one.given_by.map(|id| id.to_string()));
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(control.store.names_of(organization, ids).await?)
}
