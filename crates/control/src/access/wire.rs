//! Explanations on the wire.

use std::collections::HashMap;

use domain::access::{Assignment, Level, Permissions, RoleRef, role_title};
use domain::ids::ProjectId;
use domain::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Answered, CallExplanation, Principal, Seen, Step, roles_that_give};

/// Something by id and name.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct NamedJson {
    /// `user`, `api_key`, `admin_key`, `organization`, `project`, `group` or `role`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// One reason: a role, where, given by whom and when, through which group.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct BecauseJson {
    /// The role.
    pub role: NamedJson,
    /// `organization` or `project`: where the role is made for.
    pub level: String,
    /// Where it was given: the organization and so all its projects, or one project.
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

impl BecauseJson {
    pub(super) fn of(one: &Assignment, organization: &str, names: &HashMap<String, String>) -> Self {
        let named = |kind: &str, id: String| {
            let name = names.get(&id).cloned().unwrap_or_default();
            NamedJson { kind: kind.to_owned(), id, name }
        };
        let scope = one.project_id.map_or_else(
            || NamedJson {
                kind: "organization".to_owned(),
                id: organization.to_owned(),
                name: "the organization and all its projects".to_owned(),
            },
            |id| named("project", id.to_string()),
        );
        let is_of_project = one.project_id.is_some();
        let level =
            one.role.level().unwrap_or(if is_of_project { Level::Project } else { Level::Organization });
        let mut role = named("role", one.role.to_string());
        if !matches!(one.role, RoleRef::Custom(_)) {
            role.name = role_title(one.role).to_owned();
        }
        Self {
            role,
            level: if level == Level::Project { "project" } else { "organization" }.to_owned(),
            scope,
            given_by: one.given_by.map(|id| named("user", id.to_string())),
            given_at: one.given_at.unix_seconds(),
            ends_at: one.ends_at.map(Timestamp::unix_seconds),
            through: one.group_id.map(|id| named("group", id.to_string())),
        }
    }
}

/// What would give what is missing.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct MissingJson {
    /// What the permission allows.
    pub sentence: String,
    /// The built-in roles that give it.
    pub roles: Vec<String>,
    /// Who can give them: the Admins, at most ten.
    pub givers: Vec<String>,
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
    /// The answer in one sentence.
    pub sentence: String,
    /// Whom it is about.
    pub principal: NamedJson,
    /// The permission's name.
    pub permission: String,
    /// Where.
    pub resource: NamedJson,
    /// For an admin key: the person as whom it acts.
    pub acts_as: Option<String>,
    /// The reasons for a yes.
    pub because: Vec<BecauseJson>,
    /// What a no lacks.
    pub missing: Option<MissingJson>,
    /// For a call to a model: every step that it passes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<StepJson>>,
}

/// One step that a call passes.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct StepJson {
    /// `key`, `organization`, `project`, `key_scopes`, `model_lists`, `policy`, `provider` or `price`.
    pub check: String,
    /// Whether the call passes it.
    pub passes: bool,
    /// What it says.
    pub sentence: String,
}

impl From<Step> for StepJson {
    fn from(step: Step) -> Self {
        Self { check: step.check.to_owned(), passes: step.passes, sentence: step.sentence }
    }
}

fn principal(principal: &Principal) -> NamedJson {
    let (kind, id, name) = match principal {
        Principal::Person { user_id, name, .. } => ("user", user_id.to_string(), name.clone()),
        Principal::Key(owned) if owned.key.project_id.is_none() => {
            ("admin_key", owned.key.id.to_string(), owned.key.name.clone())
        }
        Principal::Key(owned) => ("api_key", owned.key.id.to_string(), owned.key.name.clone()),
    };
    NamedJson { kind: kind.to_owned(), id, name }
}

impl From<Answered> for ExplanationJson {
    fn from(answered: Answered) -> Self {
        let who = principal(&answered.principal);
        let decision = answered.explanation.decision;
        let organization = answered.resource.id.clone();
        let because: Vec<BecauseJson> = answered
            .explanation
            .because
            .iter()
            .map(|one| BecauseJson::of(one, &organization, &answered.names))
            .collect();
        let missing = (!decision.is_allowed()).then(|| MissingJson {
            sentence: answered.permission.sentence().to_owned(),
            roles: roles_that_give(answered.permission).into_iter().map(str::to_owned).collect(),
            givers: answered.givers.clone(),
        });
        Self {
            object: "access.explanation".to_owned(),
            allowed: decision.is_allowed(),
            decision: decision.name().to_owned(),
            code: answered.explanation.code.map(str::to_owned),
            sentence: sentence(&answered, &who, because.first()),
            principal: who,
            permission: answered.permission.name().to_owned(),
            resource: NamedJson {
                kind: answered.resource.kind.to_owned(),
                id: answered.resource.id.clone(),
                name: answered.resource.name.clone(),
            },
            acts_as: answered.acts_as,
            because: if decision.is_allowed() { because } else { Vec::new() },
            missing,
            steps: None,
        }
    }
}

fn sentence(answered: &Answered, who: &NamedJson, because: Option<&BecauseJson>) -> String {
    let (permission, place) = (answered.permission.name(), &answered.resource.name);
    let own = if answered.explanation.decision.name() == "allowed_own" { " for what they own" } else { "" };
    if answered.explanation.decision.is_allowed() {
        let role = because.map_or_else(String::new, |one| {
            let through = one.through.as_ref().map(|group| format!(" through the group {}", group.name));
            format!(" The role {} gives it{}.", one.role.name, through.unwrap_or_default())
        });
        return format!("Yes: {} may {permission} in {place}{own}.{role}", who.name);
    }
    let why = match answered.explanation.code {
        Some("organization_suspended") => "The organization is suspended or closed.",
        Some("key_not_for_this") => "A key of a project opens models, not the admin API.",
        Some("not_found") => "To them it is not there.",
        _ => "No role of theirs gives it.",
    };
    format!("No: {} may not {permission} in {place}. {why}", who.name)
}

impl From<CallExplanation> for ExplanationJson {
    fn from(call: CallExplanation) -> Self {
        let allowed = call.is_allowed();
        let key = &call.owned.key;
        let refusal = call.steps.iter().find(|step| !step.passes).map(|step| step.sentence.clone());
        let sentence = match &refusal {
            None => format!("Yes: the key {} may call {}.", key.name, call.model),
            Some(why) => format!("No: the key {} may not call {}. {why}", key.name, call.model),
        };
        Self {
            object: "access.explanation".to_owned(),
            allowed,
            decision: if allowed { "allowed" } else { "forbidden" }.to_owned(),
            code: call.steps.iter().find(|step| !step.passes).map(|step| step.check.to_owned()),
            sentence,
            principal: NamedJson {
                kind: "api_key".to_owned(),
                id: key.id.to_string(),
                name: key.name.clone(),
            },
            permission: format!("model.request:{}", call.model),
            resource: NamedJson {
                kind: "project".to_owned(),
                id: call.project.id.to_string(),
                name: call.project.name.clone(),
            },
            acts_as: None,
            because: Vec::new(),
            missing: None,
            steps: Some(call.steps.into_iter().map(StepJson::from).collect()),
        }
    }
}

/// Somebody who can see a project, and how.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ViewerJson {
    /// The user's id.
    pub id: String,
    /// Always `project.viewer`.
    pub object: String,
    /// Their name.
    pub name: String,
    /// What they may do in the project.
    pub permissions: Vec<String>,
    /// The roles from which that comes.
    pub because: Vec<BecauseJson>,
}

impl ViewerJson {
    pub(super) fn of(seen: &Seen, project: ProjectId) -> Self {
        let organization = seen.standing.organization_id.to_string();
        let counts = seen.standing.assignments_at(Some(project));
        let permissions: Permissions = seen.standing.rights_in(project);
        Self {
            id: seen.user_id.to_string(),
            object: "project.viewer".to_owned(),
            name: seen.names.get(&seen.user_id.to_string()).cloned().unwrap_or_default(),
            permissions: permissions.names().into_iter().map(str::to_owned).collect(),
            because: counts.map(|one| BecauseJson::of(one, &organization, &seen.names)).collect(),
        }
    }
}

/// What a person can see and do.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SightJson {
    /// The user's id.
    pub id: String,
    /// Always `access.sight`.
    pub object: String,
    /// Their name.
    pub name: String,
    /// What they may do in the organization, and so in all its projects.
    pub permissions: Vec<String>,
    /// The roles from which that comes.
    pub because: Vec<BecauseJson>,
    /// The projects in which they have a role of their own.
    pub projects: Vec<ProjectSightJson>,
}

/// What a person can do in one project.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ProjectSightJson {
    /// The project's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What they may do in it.
    pub permissions: Vec<String>,
    /// The roles in it from which that comes.
    pub because: Vec<BecauseJson>,
}

impl From<Seen> for SightJson {
    fn from(seen: Seen) -> Self {
        let organization = seen.standing.organization_id.to_string();
        let told = |permissions: Permissions| permissions.names().into_iter().map(str::to_owned).collect();
        let because = |one: &Assignment| BecauseJson::of(one, &organization, &seen.names);
        let of_project = |id: ProjectId| ProjectSightJson {
            id: id.to_string(),
            name: seen.names.get(&id.to_string()).cloned().unwrap_or_default(),
            permissions: told(seen.standing.rights_in(id)),
            because: seen
                .standing
                .assignments
                .iter()
                .filter(|one| one.project_id == Some(id))
                .map(because)
                .collect(),
        };
        Self {
            id: seen.user_id.to_string(),
            object: "access.sight".to_owned(),
            name: seen.names.get(&seen.user_id.to_string()).cloned().unwrap_or_default(),
            permissions: told(seen.standing.rights()),
            because: seen.standing.assignments_at(None).map(because).collect(),
            projects: seen.standing.projects().into_iter().map(of_project).collect(),
        }
    }
}
