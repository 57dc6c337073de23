//! Who may do what, and why: the decision about one person, service account or key with its chain of reasons, and
//! printable lists of who can see a project and of what a person can see.
//!
//! Everybody may ask about themselves and about keys that they see. Whoever manages a project's people may ask about
//! those who have rights in it. `access.read` asks about anyone. What the asker may not know of is told like what is
//! not there.

pub mod api;
mod calls;
pub(crate) mod console;
mod lists;
pub mod pages;
mod principals;
mod resources;
mod wire;

use domain::Error;
use domain::access::{
    Actor, Credential, Decision, Explanation, Grant, OrganizationRole, Origin, Permission, ProjectRole,
    Reason, RoleRef, Target, Task, authorize, explain, refused_credential, roles_that_give, suspended,
};
use domain::api_keys::{KeyKind, KeyStatus};
use domain::ids::OrganizationId;
use domain::members::User;
use domain::page::{Order, PageRequest};
use store::{OwnedKey, PersonRights};

use crate::projects::organization_of;
use crate::{Control, Failure};

pub use calls::Step;
pub use lists::{ProjectRights, Seer, Sight, what_person_sees, who_sees_project};
pub use principals::Principal;
pub use resources::Resource;

/// How many of those who could give what is missing are named.
const GIVERS_MOST: i64 = 10;

/// What is asked: whom it is about, what they would do, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question<'a> {
    /// The id or address of a member, or the id of a service account or key.
    pub principal: &'a str,
    /// What they would do.
    pub act: Asked<'a>,
    /// The id of a thing of the organization; the organization itself when empty.
    pub resource: &'a str,
}

/// What somebody would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked<'a> {
    /// Something of the control plane.
    Permission(Permission),
    /// Call a model with a key.
    Model(&'a str),
}

impl<'a> Asked<'a> {
    /// How a question about a model begins.
    const MODEL: &'static str = "model.request:";

    /// The act of a permission's name, or of `model.request:` and a model.
    ///
    /// # Errors
    /// `unknown_permission`.
    pub fn parse(text: &'a str) -> Result<Self, Error> {
        let model = text.strip_prefix(Self::MODEL).map(str::trim).filter(|model| !model.is_empty());
        model.map(Self::Model).or_else(|| Permission::parse(text).map(Self::Permission)).ok_or_else(|| {
            let sentence = "Name a permission such as project.read, or model.request: and a model for a key. \
                            GET /v1/organization/permissions lists them.";
            Error::invalid_param("unknown_permission", "permission", sentence)
        })
    }

    /// Its name.
    pub fn name(self) -> String {
        match self {
            Self::Permission(permission) => permission.name().to_owned(),
            Self::Model(model) => format!("{}{model}", Self::MODEL),
        }
    }
}

/// What would give a permission that is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The built-in roles that give it, and whether all of it or only for what one owns.
    pub roles: Vec<(RoleRef, bool)>,
    /// Who can give such a role, as far as the asker may see them.
    pub givers: Vec<User>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Whom it is about.
    pub principal: Principal,
    /// Where.
    pub resource: Resource,
    /// What was decided.
    pub decision: Decision,
    /// The stable code of a no.
    pub code: Option<&'static str>,
    /// The answer in words.
    pub sentence: String,
    /// The assignments that make it.
    pub because: Vec<Reason>,
    /// What a no lacks, where a role would give it.
    pub missing: Option<Missing>,
    /// For a call to a model: every step that it passes.
    pub steps: Vec<Step>,
}

/// Whether somebody may do something somewhere, and why.
///
/// # Errors
/// `Hidden` for what is not there or not the asker's to know of; `missing_permission` for a question about somebody
/// else that is not the asker's to ask; `key_required` for a call to a model by what is no key of a project.
pub async fn explain_access(
    control: &Control,
    grant: &Grant,
    question: Question<'_>,
) -> Result<Answered, Failure> {
    let asker = Asker::of(grant)?;
    let resource = resources::find(control, &asker, question.resource).await?;
    let principal = principals::find(control, &asker, question.principal, &resource).await?;
    let permission = match question.act {
        Asked::Model(model) => return calls::explain(control, principal, model).await,
        Asked::Permission(permission) => permission,
    };
    let mut answered = decided(control, principal, permission, resource);
    if answered.missing.is_some() {
        answered.missing = Some(missing(control, &asker, permission, &answered.resource).await?);
    }
    Ok(answered)
}

/// Who asks, and what they may ask.
struct Asker<'a> {
    /// What let them ask at all: that they belong to the organization.
    grant: &'a Grant,
    actor: &'a Actor,
    organization: OrganizationId,
    /// The grant to ask about anyone.
    anyone: Result<Grant, Error>,
}

impl<'a> Asker<'a> {
    fn of(grant: &'a Grant) -> Result<Self, Error> {
        let actor = grant.actor().ok_or(Error::Hidden { what: "user" })?;
        let organization = organization_of(grant)?;
        let anyone = authorize(actor, Permission::AccessRead, Target::Organization(organization));
        Ok(Self { grant, actor, organization, anyone })
    }

    /// The grant to read what this permission shows: as far as they see it, or all where they may ask about anyone.
    fn seeing(&self, permission: Permission) -> Option<Grant> {
        self.seeing_in(permission, Target::Organization(self.organization))
    }

    fn seeing_in(&self, permission: Permission, target: Target) -> Option<Grant> {
        let own = || authorize(self.actor, permission, target).ok();
        self.anyone.as_ref().ok().cloned().or_else(own)
    }
}

/// The decision; `missing` is there, still empty, where a role would turn it.
fn decided(control: &Control, principal: Principal, permission: Permission, resource: Resource) -> Answered {
    let (explanation, reasons, told) = match &principal {
        Principal::Person(rights) => of_person(rights, permission, &resource),
        Principal::Key { owned, owner } if owned.key.kind == KeyKind::Admin => {
            let status = owned.key.status(control.now());
            of_admin_key(owned, owner.as_deref(), status, (permission, &resource))
        }
        Principal::Key { owned, .. } => {
            refused("admin_key_required", "key", &owned.key.name, "calls models and opens nothing else")
        }
        Principal::Account(account) => refused(
            "not_a_person",
            "service account",
            &account.name,
            "acts only through its keys, and these call models",
        ),
    };
    let is_missing = match explanation.code {
        Some("missing_permission") => true,
        Some("not_found") => reasons.is_empty(),
        _ => false,
    };
    let missing = is_missing.then(|| Missing { roles: Vec::new(), givers: Vec::new() });
    Answered {
        principal,
        resource,
        decision: explanation.decision,
        code: explanation.code,
        sentence: told,
        because: reasons,
        missing,
        steps: Vec::new(),
    }
}

type Told = (Explanation, Vec<Reason>, String);

fn of_person(rights: &PersonRights, permission: Permission, resource: &Resource) -> Told {
    let user = &rights.member.user;
    if rights.member.suspended_at.is_some() {
        return (refusal("member_suspended"), Vec::new(), suspended(&user.name));
    }
    let actor = Actor {
        user_id: user.id,
        email: user.email.clone(),
        // What proved it does not matter to a decision.
        credential: Credential::Task(Task::Snapshot),
        standing: Some(rights.standing.clone()),
        origin: Origin::default(),
    };
    let explanation = explain(&actor, permission, resource.target);
    let explanation = match resource.owner {
        Some(owner) => explanation.about_a_thing_of(owner, user.id),
        None => explanation,
    };
    let is_reason = |reason: &&Reason| explanation.because.contains(&reason.assignment);
    let reasons: Vec<Reason> = rights.reasons.iter().filter(is_reason).cloned().collect();
    let told = explanation.sentence(&user.name, permission, &resource.place(), &reasons);
    (explanation, reasons, told)
}

fn of_admin_key(
    owned: &OwnedKey,
    owner: Option<&PersonRights>,
    status: KeyStatus,
    (permission, resource): (Permission, &Resource),
) -> Told {
    let name = &owned.key.name;
    if status != KeyStatus::Active {
        return refused("invalid_api_key", "admin key", name, &format!("is {}", status.name()));
    }
    let stands = |owner: &&PersonRights| owner.member.suspended_at.is_none();
    let Some(rights) = owner.filter(stands) else {
        let why =
            "acts as its owner within what its maker may do, and one of them is suspended or not a member";
        return refused("invalid_api_key", "admin key", name, why);
    };
    let (explanation, reasons, told) = of_person(rights, permission, resource);
    let told = format!("The admin key {name} acts as its owner {}. {told}", rights.member.user.name);
    (explanation, reasons, told)
}

fn refused(code: &'static str, what: &str, name: &str, why: &str) -> Told {
    (refusal(code), Vec::new(), refused_credential(what, name, why))
}

fn refusal(code: &'static str) -> Explanation {
    let decision = if code == "member_suspended" { Decision::Hidden } else { Decision::Forbidden };
    Explanation { decision, code: Some(code), reach: None, is_list: false, because: Vec::new() }
}

/// Which roles would give it, and who can give those.
async fn missing(
    control: &Control,
    asker: &Asker<'_>,
    permission: Permission,
    resource: &Resource,
) -> Result<Missing, Failure> {
    let roles = roles_that_give(permission);
    let (project, grant) = match resource.target {
        Target::Project(_, project) => {
            (Some(project), asker.seeing_in(Permission::ProjectMemberRead, resource.target))
        }
        Target::Organization(_) | Target::Account => (None, asker.seeing(Permission::MemberRead)),
    };
    let mut giving = vec![RoleRef::Organization(OrganizationRole::Admin)];
    if project.is_some() && ProjectRole::Owner.gives(permission) {
        giving.push(RoleRef::Project(ProjectRole::Owner));
    }
    let Some(grant) = grant else { return Ok(Missing { roles, givers: Vec::new() }) };
    let page = PageRequest::first(GIVERS_MOST, Order::Ascending);
    let giving = giving.iter().map(ToString::to_string).collect();
    let holders = control.store.holders(&grant, project, giving, (&page, control.now())).await?;
    Ok(Missing { roles, givers: holders.items.into_iter().map(|holder| holder.user).collect() })
}
