//! Printable lists: who has rights in a project, and what a person has rights to.

use domain::Error;
use domain::access::{Actor, Grant, Level, Permission, Permissions, Reason, Target, authorize, glance};
use domain::ids::{ProjectId, ServiceAccountId, UserId};
use domain::page::{Order, Page, PageRequest};
use domain::service_accounts::ServiceAccount;
use store::{Holder, PersonRights, SeenProject};

use crate::projects::organization_of;
use crate::{Control, Failure};

/// Somebody or something that has rights in a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seer {
    /// A member.
    Person {
        /// Who, what gives them their rights, and how many keys of their own work here.
        holder: Holder,
        /// What they may do in the project.
        rights: Permissions,
    },
    /// A service account, which acts through its keys alone.
    Account {
        /// Which.
        account: ServiceAccount,
        /// How many of its keys work.
        key_count: u64,
        /// The name of the person who answers for its keys.
        key_owner: String,
    },
}

impl Seer {
    /// Their id: the cursor of the list.
    pub fn id(&self) -> String {
        match self {
            Self::Person { holder, .. } => holder.user.id.to_string(),
            Self::Account { account, .. } => account.id.to_string(),
        }
    }

    /// What they can do, in a few words.
    pub fn glance(&self) -> String {
        match self {
            Self::Person { rights, .. } => glance(*rights, Level::Project),
            Self::Account { .. } => "calls models with its keys".to_owned(),
        }
    }
}

/// What a person has rights to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// Who, and what they have in the organization.
    pub person: PersonRights,
    /// What they may do in the organization itself; nothing while they are suspended.
    pub rights: Permissions,
    /// A page of the projects in which they have any right.
    pub projects: Page<ProjectRights>,
}

impl Sight {
    /// The reasons for what they have in the organization.
    pub fn reasons(&self) -> impl Iterator<Item = &Reason> {
        self.person.reasons.iter().filter(|reason| reason.assignment.project_id.is_none())
    }
}

/// What a person may do in one project, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectRights {
    /// The project.
    pub project: SeenProject,
    /// What they may do in it.
    pub rights: Permissions,
    /// What gives them that.
    pub reasons: Vec<Reason>,
}

/// A page of who has rights in a project: people by their ids, then service accounts by theirs, for those who may see
/// service accounts.
///
/// # Errors
/// `Hidden` when there is no such project within reach.
pub async fn who_sees_project(
    control: &Control,
    grant: &Grant,
    project: ProjectId,
    page: &PageRequest,
) -> Result<Page<Seer>, Failure> {
    control.store.project(grant, project).await?;
    let after_people = page.after.as_deref().is_some_and(|after| after.parse::<ServiceAccountId>().is_ok());
    if after_people {
        return accounts(control, grant, project, page).await;
    }
    let people = control.store.people_of_project(grant, project, (page, control.now())).await?;
    let mut seers = people.map(|holder| {
        let sum = |rights: Permissions, reason: &Reason| rights.or(reason.assignment.permissions);
        let rights = holder.reasons.iter().fold(Permissions::NONE, sum).of_projects();
        Seer::Person { holder, rights }
    });
    let left = page.limit - i64::try_from(seers.items.len()).unwrap_or(page.limit);
    if !seers.has_more {
        // Also with no room left, to tell whether anything follows.
        let rest = PageRequest::first(left.max(1), Order::Ascending);
        let accounts = accounts(control, grant, project, &rest).await?;
        seers.has_more = accounts.has_more || (left == 0 && !accounts.items.is_empty());
        seers.items.extend(accounts.items.into_iter().take(usize::try_from(left).unwrap_or_default()));
    }
    Ok(seers)
}

async fn accounts(
    control: &Control,
    grant: &Grant,
    project: ProjectId,
    page: &PageRequest,
) -> Result<Page<Seer>, Failure> {
    let target = Target::Project(organization_of(grant)?, project);
    let sees = |actor: &Actor| authorize(actor, Permission::ServiceAccountRead, target).ok();
    let Some(grant) = grant.actor().and_then(sees) else {
        return Ok(Page { items: Vec::new(), has_more: false });
    };
    let accounts = control.store.service_accounts(&grant, project, page).await?;
    let keys = control.store.account_key_counts(&grant, project, control.now()).await?;
    Ok(accounts.map(|owned| Seer::Account {
        key_count: keys.get(&owned.account.id).copied().unwrap_or_default(),
        key_owner: owned.key_owner_name,
        account: owned.account,
    }))
}

/// What a member has rights to, in the organization and in a page of its projects by their ids.
///
/// # Errors
/// `Hidden` when they are not a member.
pub async fn what_person_sees(
    control: &Control,
    grant: &Grant,
    user: UserId,
    page: &PageRequest,
) -> Result<Sight, Failure> {
    let person = control.store.person_rights(grant, user, control.now()).await?;
    let is_suspended = person.member.suspended_at.is_some();
    let standing = &person.standing;
    let within = |project: Option<ProjectId>| match is_suspended {
        true => Permissions::NONE,
        false => standing.rights_at(project),
    };
    let has_any = |project: &ProjectId| !within(Some(*project)).of_projects().is_empty();
    let only: Vec<ProjectId> = standing.projects().into_iter().filter(has_any).collect();
    let sees_all = !within(None).of_projects().is_empty();
    let only = if sees_all { None } else { Some(only.as_slice()) };
    let projects = control.store.seen_projects(grant, only, page).await?;
    let projects = projects.map(|project| {
        let counts = |reason: &&Reason| {
            let place = reason.assignment.project_id;
            (place.is_none() || place == Some(project.id))
                && !reason.assignment.permissions.of_projects().is_empty()
        };
        ProjectRights {
            rights: within(Some(project.id)).of_projects(),
            reasons: person.reasons.iter().filter(counts).cloned().collect(),
            project,
        }
    });
    let rights = within(None);
    Ok(Sight { rights, projects, person })
}

/// The cursor of a list of a project's people and service accounts.
pub(super) struct SeerId;

impl std::str::FromStr for SeerId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let is_person = text.parse::<UserId>().is_ok();
        if is_person { Ok(Self) } else { text.parse::<ServiceAccountId>().map(|_| Self) }
    }
}
