//! What a question is about: the organization, or a thing in it that the asker may know of.

use domain::Error;
use domain::access::{Permission, Target};
use domain::api_keys::KeyOwner;
use domain::ids::{GroupId, KeyId, OrganizationId, ProjectId, ServiceAccountId, UserId};
use domain::projects::Project;

use super::Asker;
use crate::{Control, Failure};

/// Where a question is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// `organization`, `project`, `api_key`, `service_account`, `group` or `user`.
    pub kind: &'static str,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What is decided about.
    pub target: Target,
    /// The organization, by id and name.
    pub organization: (OrganizationId, String),
    /// The name of the target, where that is not the thing itself.
    within: Option<String>,
    /// For a thing that can be one's own: who owns it, if a person does.
    pub(super) owner: Option<Option<UserId>>,
}

impl Resource {
    /// As sentences name it: `the project Support chat (key checkout)`.
    pub fn place(&self) -> String {
        let what = match self.target {
            Target::Project(..) => "the project",
            Target::Organization(_) | Target::Account => "the organization",
        };
        match &self.within {
            None => format!("{what} {}", self.name),
            Some(within) => {
                format!(
                    "{what} {within} ({} {})",
                    self.kind.rsplit('_').next().unwrap_or_default(),
                    self.name
                )
            }
        }
    }
}

/// The thing of an id that the asker may know of; the organization when it is empty.
///
/// # Errors
/// `Hidden` when there is none.
pub(super) async fn find(control: &Control, asker: &Asker<'_>, id: &str) -> Result<Resource, Failure> {
    let organization = control.store.organization(asker.grant).await?;
    let organization = (organization.id, organization.name);
    if id.is_empty() || id == organization.0.to_string() {
        return Ok(Resource {
            kind: "organization",
            id: organization.0.to_string(),
            name: organization.1.clone(),
            target: Target::Organization(organization.0),
            within: None,
            owner: None,
            organization,
        });
    }
    thing(control, asker, id, organization).await.map_err(|failure| match failure {
        Failure::Domain(Error::Hidden { .. }) => Error::Hidden { what: "resource" }.into(),
        other => other,
    })
}

async fn thing(
    control: &Control,
    asker: &Asker<'_>,
    id: &str,
    organization: (OrganizationId, String),
) -> Result<Resource, Failure> {
    let hidden = || Error::Hidden { what: "resource" };
    let see = |permission| asker.seeing(permission).ok_or_else(hidden);
    let thing = |kind, name| Thing { kind, id: id.to_owned(), name, owner: None };
    if let Ok(project) = id.parse::<ProjectId>() {
        let project = control.store.project(&see(Permission::ProjectRead)?, project).await?;
        return Ok(of_project(&project, organization));
    }
    if let Ok(account) = id.parse::<ServiceAccountId>() {
        let grant = see(Permission::ServiceAccountRead)?;
        let account = control.store.any_service_account(&grant, account).await?;
        let project = control.store.project(&grant, account.project_id).await?;
        return Ok(of_project(&project, organization).narrowed(thing("service_account", account.name)));
    }
    if let Ok(key) = id.parse::<KeyId>() {
        let grant = see(Permission::ApiKeyRead)?;
        let owned = control.store.any_key(&grant, key).await?;
        let owner = match owned.key.owner {
            KeyOwner::User(user) => Some(user),
            KeyOwner::ServiceAccount(_) => None,
        };
        let thing = Thing { owner, ..thing("api_key", owned.key.name) };
        return match owned.key.project_id {
            None => Ok(of_organization(thing, organization)),
            Some(project) => {
                let project = control.store.project(&grant, project).await?;
                Ok(of_project(&project, organization).narrowed(thing))
            }
        };
    }
    if let Ok(group) = id.parse::<GroupId>() {
        let group = control.store.group(&see(Permission::GroupRead)?, group).await?;
        return Ok(of_organization(thing("group", group.name), organization));
    }
    let user = id.parse::<UserId>().map_err(|_| hidden())?;
    let member = control.store.member(&see(Permission::MemberRead)?, user).await?;
    Ok(of_organization(thing("user", member.user.name), organization))
}

/// Something in the organization or in a project.
struct Thing {
    kind: &'static str,
    id: String,
    name: String,
    owner: Option<UserId>,
}

fn of_organization(thing: Thing, organization: (OrganizationId, String)) -> Resource {
    Resource {
        kind: thing.kind,
        id: thing.id,
        name: thing.name,
        target: Target::Organization(organization.0),
        within: Some(organization.1.clone()),
        owner: None,
        organization,
    }
}

/// A project of an organization.
pub(super) fn of_project(project: &Project, organization: (OrganizationId, String)) -> Resource {
    Resource {
        kind: "project",
        id: project.id.to_string(),
        name: project.name.clone(),
        target: Target::Project(project.organization_id, project.id),
        within: None,
        owner: None,
        organization,
    }
}

impl Resource {
    /// Something in this project.
    fn narrowed(self, thing: Thing) -> Self {
        Self {
            kind: thing.kind,
            id: thing.id,
            within: Some(self.name),
            name: thing.name,
            owner: Some(thing.owner),
            ..self
        }
    }
}
