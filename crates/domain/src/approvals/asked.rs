//! What can be asked for: the kinds, each with a payload of its own.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{CHANGE_TIME, LONGEST_ELEVATION, LONGEST_RAISE, SHORTEST_ELEVATION, duration_words};
use crate::access::{OrganizationRole, Permission, Permissions, Standing};
use crate::allowances::{Allowance, Unit, check};
use crate::audit::Verb;
use crate::error::Error;
use crate::ids::{AllowanceId, ProjectId};
use crate::money::NanoUsd;
use crate::organizations::Feature;
use crate::projects::{Environment, NewProject, Project, Risk};
use crate::time::Timestamp;

/// The kinds of things that need a second person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A role of the organization for a stated time.
    Elevation,
    /// A project, for who may not create one.
    ProjectCreation,
    /// More of an allowance, for good or until a stated moment.
    AllowanceRaise,
    /// A change that a project may not be given by one person alone.
    Change,
}

impl Kind {
    /// Every kind.
    pub const ALL: &'static [Self] =
        &[Self::Elevation, Self::ProjectCreation, Self::AllowanceRaise, Self::Change];

    /// The word on the wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Elevation => "elevation",
            Self::ProjectCreation => "project_creation",
            Self::AllowanceRaise => "allowance_raise",
            Self::Change => "change",
        }
    }

    /// The kind of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == word)
    }

    /// The feature without which it can be neither asked for nor approved.
    pub const fn feature(self) -> Option<Feature> {
        match self {
            Self::Elevation => Some(Feature::Elevation),
            Self::ProjectCreation | Self::AllowanceRaise | Self::Change => None,
        }
    }

    /// What asking for it writes into the trail.
    pub const fn asked(self) -> Verb {
        match self {
            Self::Elevation => Verb::ElevationRequested,
            Self::ProjectCreation => Verb::ProjectCreationRequested,
            Self::AllowanceRaise => Verb::AllowanceRaiseRequested,
            Self::Change => Verb::ChangeRequested,
        }
    }
}

/// A role of the organization for a stated time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elevation {
    /// The role.
    pub role: OrganizationRole,
    /// For how long after the approval, in seconds.
    pub duration_seconds: i64,
}

impl Elevation {
    /// A role and a time that can be asked for by somebody who stands so.
    ///
    /// # Errors
    /// `invalid_duration`; conflicts `already_elevated` and `already_held` when it would give nothing.
    pub fn checked(
        role: OrganizationRole,
        duration_seconds: i64,
        standing: &Standing,
    ) -> Result<Self, Error> {
        if !(SHORTEST_ELEVATION..=LONGEST_ELEVATION).contains(&duration_seconds) {
            let sentence = "Ask for 15 minutes to 12 hours: 900 to 43200 seconds.";
            return Err(Error::invalid_param("invalid_duration", "duration_seconds", sentence));
        }
        if role.permissions().is_within(standing.lasting().rights()) {
            let sentence = format!("You have everything that the role {} gives.", role.title());
            return Err(Error::conflict("already_held", sentence));
        }
        if role.permissions().is_within(standing.rights()) {
            let sentence = "You have this role for a while already. Ask again when it has ended.";
            return Err(Error::conflict("already_elevated", sentence));
        }
        Ok(Self { role, duration_seconds })
    }
}

/// A project that is not there yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectCreation {
    /// The id that it will have.
    pub project_id: ProjectId,
    /// What creating it takes.
    pub project: NewProject,
}

/// More of an allowance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllowanceRaise {
    /// The allowance.
    pub allowance_id: AllowanceId,
    /// The project in which it is; none above projects.
    pub project_id: Option<ProjectId>,
    /// What it binds: the type, and the name that this had when it was asked for.
    pub scope_type: String,
    /// The name.
    pub scope_name: String,
    /// What is counted.
    pub unit: Unit,
    /// In which window: the word.
    pub window: String,
    /// The amount asked for, in the unit.
    pub amount: i64,
    /// Until when it is raised, in Unix seconds; for good when absent.
    pub ends_at: Option<i64>,
}

impl AllowanceRaise {
    /// Whether it can be asked for at a moment.
    ///
    /// # Errors
    /// `invalid_end` unless it ends within a year; those of `fits`.
    pub fn checked(self, present: &Allowance, at: Timestamp) -> Result<Self, Error> {
        let latest = at.plus_seconds(LONGEST_RAISE).unix_seconds();
        if self.ends_at.is_some_and(|end| end <= at.unix_seconds() || end > latest) {
            let sentence = "A raise for a time ends, within a year from now.";
            return Err(Error::invalid_param("invalid_end", "ends_at", sentence));
        }
        self.fits(present, at)?;
        Ok(self)
    }

    /// Whether it raises the allowance as it is at a moment.
    ///
    /// # Errors
    /// `invalid_amount`; conflicts `not_a_raise`, and `raise_over` when its time is over already.
    pub fn fits(&self, present: &Allowance, at: Timestamp) -> Result<(), Error> {
        check(present.unit, present.window, self.amount)?;
        if self.amount <= present.amount {
            let sentence = format!(
                "The amount is {} already. A raise is more than that.",
                amount_words(present.unit, present.amount)
            );
            return Err(Error::conflict("not_a_raise", sentence));
        }
        if self.ends_at.is_some_and(|end| end <= at.unix_seconds()) {
            let sentence = "The time for which it was asked for is over.";
            return Err(Error::conflict("raise_over", sentence));
        }
        Ok(())
    }

    /// What setting such an allowance needs.
    fn needs(&self) -> Permission {
        match self.scope_type.as_str() {
            "api_key" | "service_account" => Permission::AllowanceManageKeys,
            _ => Permission::AllowanceManage,
        }
    }

    fn words(&self) -> String {
        let amount = amount_words(self.unit, self.amount);
        let window = match self.window.as_str() {
            "none" => String::new(),
            "lifetime" => " in all".to_owned(),
            window => format!(" per {window}"),
        };
        let until = match self.ends_at {
            Some(end) => format!(" until {}", Timestamp::from_unix_seconds(end)),
            None => String::new(),
        };
        format!("{}: {amount}{window}{until}", self.scope_name)
    }
}

/// An amount as people read it: `$400.00`, `600 requests`.
fn amount_words(unit: Unit, amount: i64) -> String {
    match unit {
        Unit::NanoUsd => format!("${}", NanoUsd::from_nano(amount)),
        unit => format!("{amount} {}", unit.name().replace('_', " ")),
    }
}

/// A kind of change that can need a second person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// A new key.
    KeyCreation,
    /// A lower risk, or an environment that is less than the present one.
    Loosening,
}

impl ChangeKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::KeyCreation, Self::Loosening];

    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::KeyCreation => "key_creation",
            Self::Loosening => "loosening",
        }
    }

    /// The kind of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == word)
    }

    /// What making it needs, and approving it; of the first its `own` form is enough for who makes it.
    pub const fn needs(self) -> Permission {
        match self {
            Self::KeyCreation => Permission::ApiKeyManage,
            Self::Loosening => Permission::ProjectUpdate,
        }
    }
}

/// A change that needs a second person. Approving it lets who asked make it once, within a day: a secret is shown to
/// them alone then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardedChange {
    /// The project.
    pub project_id: ProjectId,
    /// The name that it had when it was asked for.
    pub project_name: String,
    /// What is to be changed.
    pub change: ChangeKind,
    /// Of a loosening: the least environment that the project may get; the present one when absent.
    pub environment: Option<Environment>,
    /// Of a loosening: the least risk; the present one when absent.
    pub risk: Option<Risk>,
}

impl GuardedChange {
    /// A change that can be asked for of a project as it is.
    ///
    /// # Errors
    /// `nothing_loosened` when a loosening names nothing less than what the project is.
    pub fn checked(
        project: &Project,
        change: ChangeKind,
        (environment, risk): (Option<Environment>, Option<Risk>),
    ) -> Result<Self, Error> {
        let is_loosening = change == ChangeKind::Loosening;
        let environment = environment.filter(|one| is_loosening && *one < project.environment);
        let risk = risk.filter(|one| is_loosening && *one < project.risk);
        if is_loosening && environment.is_none() && risk.is_none() {
            let sentence = "Name the lower risk or environment that the project is to get.";
            return Err(Error::invalid_param("nothing_loosened", "risk", sentence));
        }
        let (project_id, project_name) = (project.id, project.name.clone());
        Ok(Self { project_id, project_name, change, environment, risk })
    }

    /// Whether it lets a project become that.
    pub fn permits(&self, change: ChangeKind, before: &Project, after: &Project) -> bool {
        self.project_id == before.id
            && self.change == change
            && after.environment >= self.environment.unwrap_or(before.environment)
            && after.risk >= self.risk.unwrap_or(before.risk)
    }

    fn words(&self) -> String {
        let parts = [
            self.environment.map(|one| format!("environment {}", one.name())),
            self.risk.map(|one| format!("risk {}", one.name())),
        ];
        match self.change {
            ChangeKind::KeyCreation => format!("A new key in {}", self.project_name),
            ChangeKind::Loosening => {
                let parts: Vec<_> = parts.into_iter().flatten().collect();
                format!("{} becomes {}", self.project_name, parts.join(", "))
            }
        }
    }
}

/// What was asked for. Each kind has a payload of its own, kept as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A role of the organization for a stated time.
    Elevation(Elevation),
    /// A project.
    ProjectCreation(Box<ProjectCreation>),
    /// More of an allowance.
    AllowanceRaise(AllowanceRaise),
    /// A change that needs a second person.
    Change(GuardedChange),
}

impl Asked {
    /// Its kind.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Elevation(_) => Kind::Elevation,
            Self::ProjectCreation(_) => Kind::ProjectCreation,
            Self::AllowanceRaise(_) => Kind::AllowanceRaise,
            Self::Change(_) => Kind::Change,
        }
    }

    /// The payload.
    pub fn payload(&self) -> Value {
        match self {
            Self::Elevation(elevation) => serde_json::to_value(elevation),
            Self::ProjectCreation(creation) => serde_json::to_value(creation),
            Self::AllowanceRaise(raise) => serde_json::to_value(raise),
            Self::Change(change) => serde_json::to_value(change),
        }
        .unwrap_or_default()
    }

    /// Out of its kind and payload.
    ///
    /// # Errors
    /// When the payload is not one of that kind.
    pub fn read(kind: Kind, payload: Value) -> Result<Self, serde_json::Error> {
        match kind {
            Kind::Elevation => serde_json::from_value(payload).map(Self::Elevation),
            Kind::ProjectCreation => serde_json::from_value(payload).map(Self::ProjectCreation),
            Kind::AllowanceRaise => serde_json::from_value(payload).map(Self::AllowanceRaise),
            Kind::Change => serde_json::from_value(payload).map(Self::Change),
        }
    }

    /// The rights that carrying it out gives away; whoever approves has to have them.
    pub fn gives(&self) -> Permissions {
        match self {
            Self::Elevation(elevation) => elevation.role.permissions(),
            // Who may create a project names its owners, so that gives no more than this.
            Self::ProjectCreation(_) => Permissions::of(&[Permission::ProjectCreate]),
            Self::AllowanceRaise(raise) => Permissions::NONE.with(raise.needs()),
            Self::Change(change) => Permissions::NONE.with(change.change.needs()),
        }
    }

    /// When what is carried out at a moment ends by itself; none for what lasts.
    pub fn ends_at(&self, at: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Elevation(elevation) => Some(at.plus_seconds(elevation.duration_seconds)),
            Self::ProjectCreation(_) => None,
            Self::AllowanceRaise(raise) => raise.ends_at.map(Timestamp::from_unix_seconds),
            Self::Change(_) => Some(at.plus_seconds(CHANGE_TIME)),
        }
    }

    /// In a few words for people: `Admin for 4 hours`.
    pub fn words(&self) -> String {
        match self {
            Self::Elevation(elevation) => {
                format!("{} for {}", elevation.role.title(), duration_words(elevation.duration_seconds))
            }
            Self::ProjectCreation(creation) => {
                let NewProject { name, environment, .. } = &creation.project;
                format!("The project {name} in {}", environment.name())
            }
            Self::AllowanceRaise(raise) => raise.words(),
            Self::Change(change) => change.words(),
        }
    }

    /// The project that it is about; none for one that is not there yet.
    pub fn project_id(&self) -> Option<ProjectId> {
        match self {
            Self::Elevation(_) | Self::ProjectCreation(_) => None,
            Self::AllowanceRaise(raise) => raise.project_id,
            Self::Change(change) => Some(change.project_id),
        }
    }
}
