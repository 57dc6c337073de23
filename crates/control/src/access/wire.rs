//! Explanations on the wire.

use domain::access::{Level, Permission, Permissions, Reason, RoleRef, glance, role_title};
use domain::api_keys::KeyKind;
use domain::members::User;
use domain::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Answered, Asked, Missing, Principal, ProjectRights, Seer, Sight, Step};
use crate::ListJson;

/// Something by id and name.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct NamedJson {
    /// `user`, `service_account`, `api_key`, `admin_api_key`, `organization`, `project` or `group`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

impl NamedJson {
    fn of(kind: &str, id: impl ToString, name: impl Into<String>) -> Self {
        Self { kind: kind.to_owned(), id: id.to_string(), name: name.into() }
    }

    fn person(user: &User) -> Self {
        Self::of("user", user.id, &user.name)
    }

    fn principal(principal: &Principal) -> Self {
        match principal {
            Principal::Person(rights) => Self::person(&rights.member.user),
            Principal::Account(account) => Self::of("service_account", account.id, &account.name),
            Principal::Key { owned, .. } => {
                let kind = if owned.key.kind == KeyKind::Admin { "admin_api_key" } else { "api_key" };
                Self::of(kind, owned.key.id, &owned.key.name)
            }
        }
    }
}

/// A role.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RoleNameJson {
    /// Its id.
    pub id: String,
    /// The name people read.
    pub name: String,
    /// Where it is given: `organization` or `project`.
    pub level: String,
}

impl RoleNameJson {
    fn of(role: RoleRef, name: &str, level: Level) -> Self {
        let level = if level == Level::Project { "project" } else { "organization" };
        Self { id: role.to_string(), name: name.to_owned(), level: level.to_owned() }
    }
}

/// One reason: a role, where, given by whom and when, through which group.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ReasonJson {
    /// The role.
    pub role: RoleNameJson,
    /// Where it counts: the organization and so all its projects, or one project.
    pub scope: NamedJson,
    /// Who gave it; null for what the system gave.
    pub given_by: Option<NamedJson>,
    /// When, in Unix seconds.
    pub given_at: i64,
    /// When it ends by itself, in Unix seconds.
    pub ends_at: Option<i64>,
    /// The group through which the person has it.
    pub through: Option<NamedJson>,
}

impl ReasonJson {
    fn of(reason: &Reason, organization: &NamedJson) -> Self {
        let one = &reason.assignment;
        let named = |name: &Option<String>| name.clone().unwrap_or_default();
        let level = if one.project_id.is_some() { Level::Project } else { Level::Organization };
        let project = |id| NamedJson::of("project", id, named(&reason.project_name));
        let giver = |id| NamedJson::of("user", id, named(&reason.given_by_name));
        let group = |id| NamedJson::of("group", id, named(&reason.group_name));
        Self {
            role: RoleNameJson::of(one.role, &reason.role_name, level),
            scope: one.project_id.map_or_else(|| organization.clone(), project),
            given_by: one.given_by.map(giver),
            given_at: one.given_at.unix_seconds(),
            ends_at: one.ends_at.map(Timestamp::unix_seconds),
            through: one.group_id.map(group),
        }
    }

    fn all<'a>(reasons: impl IntoIterator<Item = &'a Reason>, organization: &NamedJson) -> Vec<Self> {
        reasons.into_iter().map(|reason| Self::of(reason, organization)).collect()
    }
}

/// A built-in role that would give what is missing.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct GivingRoleJson {
    /// The role.
    #[serde(flatten)]
    pub role: RoleNameJson,
    /// `all`, or `own` where it gives it only for what one owns.
    pub gives: String,
}

/// What a no lacks.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct MissingJson {
    /// The permission.
    pub permission: String,
    /// What it allows.
    pub sentence: String,
    /// The built-in roles that give it.
    pub roles: Vec<GivingRoleJson>,
    /// Who can give such a role: Admins, and the project's owners where it is theirs to give; at most ten, as far as
    /// the asker may see them.
    pub givers: Vec<NamedJson>,
}

impl MissingJson {
    fn of(permission: Permission, missing: &Missing) -> Self {
        let role = |(role, is_whole): &(RoleRef, bool)| GivingRoleJson {
            role: RoleNameJson::of(*role, role_title(*role), role.level().unwrap_or(Level::Organization)),
            gives: if *is_whole { "all" } else { "own" }.to_owned(),
        };
        Self {
            permission: permission.name().to_owned(),
            sentence: permission.sentence().to_owned(),
            roles: missing.roles.iter().map(role).collect(),
            givers: missing.givers.iter().map(NamedJson::person).collect(),
        }
    }
}

/// One step that a call passes.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct StepJson {
    /// `key`, `owner`, `organization`, `project`, `scopes`, `network`, `age`, `rotation`, `provider`, `key_models`,
    /// `price` or `policy`.
    pub check: String,
    /// Whether the call passes it.
    pub passes: bool,
    /// What it says.
    pub sentence: String,
}

impl From<&Step> for StepJson {
    fn from(step: &Step) -> Self {
        Self { check: step.check.to_owned(), passes: step.passes, sentence: step.sentence.clone() }
    }
}

/// Whether somebody may do something somewhere, and why.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ExplanationJson {
    /// Always `access.explanation`.
    pub object: String,
    /// Yes or no.
    pub allowed: bool,
    /// `allowed`, `allowed_own` (what they own), `forbidden` or `hidden`.
    pub decision: String,
    /// The stable code of a no.
    pub code: Option<String>,
    /// The answer in plain words.
    pub sentence: String,
    /// Whom it is about.
    pub principal: NamedJson,
    /// The permission's name, or `model.request:` and a model.
    pub permission: String,
    /// Where.
    pub resource: NamedJson,
    /// For an admin key: the person as whom it acts.
    pub acts_as: Option<NamedJson>,
    /// The assignments that give it, or its form for what one owns; empty where none does.
    pub because: Vec<ReasonJson>,
    /// What a no lacks, where a role would turn it.
    pub missing: Option<MissingJson>,
    /// For a call to a model: every step that it passes, in their order.
    pub steps: Vec<StepJson>,
}

impl ExplanationJson {
    pub(super) fn of(answered: &Answered, asked: Asked<'_>) -> Self {
        let acts_as = match &answered.principal {
            Principal::Key { owned, owner: Some(owner) } if owned.key.kind == KeyKind::Admin => {
                Some(NamedJson::person(&owner.member.user))
            }
            _ => None,
        };
        let missing = match (asked, &answered.missing) {
            (Asked::Permission(permission), Some(missing)) => Some(MissingJson::of(permission, missing)),
            _ => None,
        };
        let resource = &answered.resource;
        let organization = NamedJson::of("organization", resource.organization.0, &resource.organization.1);
        Self {
            object: "access.explanation".to_owned(),
            allowed: answered.decision.is_allowed(),
            decision: answered.decision.name().to_owned(),
            code: answered.code.map(str::to_owned),
            sentence: answered.sentence.clone(),
            principal: NamedJson::principal(&answered.principal),
            permission: asked.name(),
            resource: NamedJson::of(resource.kind, &resource.id, &resource.name),
            acts_as,
            because: ReasonJson::all(&answered.because, &organization),
            missing,
            steps: answered.steps.iter().map(StepJson::from).collect(),
        }
    }
}

/// Somebody or something that has rights in a project, and how.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SeerJson {
    /// The id of the user or service account.
    pub id: String,
    /// Always `project.access`.
    pub object: String,
    /// `user` or `service_account`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Their name.
    pub name: String,
    /// A user's address.
    pub email: Option<String>,
    /// Whether they see the project itself, and not only something of it such as its cost.
    pub sees_project: bool,
    /// What they can do, in a few words.
    pub can: String,
    /// What they may do in the project.
    pub permissions: Vec<String>,
    /// How many of their own keys work in it.
    pub active_keys: u64,
    /// For a service account: the name of the person who answers for its keys.
    pub key_owner: Option<String>,
    /// The assignments from which a user's rights come.
    pub because: Vec<ReasonJson>,
}

impl SeerJson {
    pub(super) fn of(seer: &Seer, organization: &NamedJson) -> Self {
        let (id, can) = (seer.id(), seer.glance());
        let object = "project.access".to_owned();
        match seer {
            Seer::Person { holder, rights } => Self {
                id,
                object,
                kind: "user".to_owned(),
                name: holder.user.name.clone(),
                email: Some(holder.user.email.clone()),
                sees_project: rights.holds(Permission::ProjectRead),
                can,
                permissions: names(*rights),
                active_keys: holder.key_count,
                key_owner: None,
                because: ReasonJson::all(&holder.reasons, organization),
            },
            Seer::Account { account, key_count, key_owner } => Self {
                id,
                object,
                kind: "service_account".to_owned(),
                name: account.name.clone(),
                email: None,
                sees_project: false,
                can,
                permissions: Vec::new(),
                active_keys: *key_count,
                key_owner: Some(key_owner.clone()),
                because: Vec::new(),
            },
        }
    }
}

fn names(permissions: Permissions) -> Vec<String> {
    permissions.names().into_iter().map(str::to_owned).collect()
}

/// What a person has rights to.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SightJson {
    /// The user's id.
    pub id: String,
    /// Always `access.sight`.
    pub object: String,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// Since when they are suspended, in Unix seconds; they have no rights then.
    pub suspended_at: Option<i64>,
    /// What they can do in the organization, in a few words.
    pub can: String,
    /// What they may do in the organization, and so in all its projects.
    pub permissions: Vec<String>,
    /// The assignments from which that comes.
    pub because: Vec<ReasonJson>,
    /// The projects in which they have any right.
    pub projects: ListJson<ProjectSightJson>,
}

/// What a person may do in one project.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ProjectSightJson {
    /// The project's id.
    pub id: String,
    /// Always `access.sight.project`.
    pub object: String,
    /// Its name.
    pub name: String,
    /// Its environment.
    pub environment: String,
    /// `active` or `archived`.
    pub status: String,
    /// What they can do in it, in a few words.
    pub can: String,
    /// What they may do in it.
    pub permissions: Vec<String>,
    /// The assignments from which that comes.
    pub because: Vec<ReasonJson>,
}

impl SightJson {
    pub(super) fn of(sight: &Sight, organization: &NamedJson) -> Self {
        let member = &sight.person.member;
        let project = |one: ProjectRights| ProjectSightJson {
            id: one.project.id.to_string(),
            object: "access.sight.project".to_owned(),
            name: one.project.name,
            environment: one.project.environment.name().to_owned(),
            status: if one.project.is_archived { "archived" } else { "active" }.to_owned(),
            can: glance(one.rights, Level::Project),
            permissions: names(one.rights),
            because: ReasonJson::all(&one.reasons, organization),
        };
        Self {
            id: member.user.id.to_string(),
            object: "access.sight".to_owned(),
            name: member.user.name.clone(),
            email: member.user.email.clone(),
            suspended_at: member.suspended_at.map(Timestamp::unix_seconds),
            can: glance(sight.rights, Level::Organization),
            permissions: names(sight.rights),
            because: ReasonJson::all(sight.reasons(), organization),
            projects: ListJson::of(sight.projects.clone().map(project), |one| &one.id),
        }
    }
}

pub(super) fn organization_json(organization: &domain::organizations::Organization) -> NamedJson {
    NamedJson::of("organization", organization.id, &organization.name)
}
