//! Policy on the wire: the catalogue, what holds at a place with its reasons, exceptions and warnings.

use domain::Error;
use domain::policy::{Decided, Entry, Exception, Kind, Mode, Setting, Spot};
use domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use store::policy::Warning;

use super::{Held, NewEntry};

/// A setting of the catalogue.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SettingJson {
    /// Its name.
    pub id: String,
    /// Always `policy.setting`.
    pub object: String,
    /// What it does.
    pub description: String,
    /// `switch`, `amount`, `choice`, `words` or `networks`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The unit of an amount.
    pub unit: Option<String>,
    /// The least and the most that an amount can be.
    pub range: Option<(i64, i64)>,
    /// The words of a choice, from the loosest to the strictest.
    pub choices: Option<Vec<String>>,
    /// The levels at which it can be set, the widest first.
    pub levels: Vec<String>,
    /// Whether it refuses something, so that it can also be off or only warn.
    pub can_warn: bool,
    /// What holds where no level sets it, in words.
    pub unset: String,
}

impl From<Setting> for SettingJson {
    fn from(setting: Setting) -> Self {
        let (kind, unit, range, choices) = match setting.kind() {
            Kind::Switch => ("switch", None, None, None),
            Kind::Most { unit, least, most } => ("amount", Some(unit.to_owned()), Some((least, most)), None),
            Kind::Choice(words) => {
                ("choice", None, None, Some(words.iter().map(|word| (*word).to_owned()).collect()))
            }
            Kind::Words => ("words", None, None, None),
            Kind::Networks => ("networks", None, None, None),
        };
        Self {
            id: setting.name().to_owned(),
            object: "policy.setting".to_owned(),
            description: setting.sentence().to_owned(),
            kind: kind.to_owned(),
            unit,
            range,
            choices,
            levels: setting.levels().iter().map(|level| level.name().to_owned()).collect(),
            can_warn: setting.is_gate(),
            unset: setting.unset().to_owned(),
        }
    }
}

/// A value with what decided it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DecidedJson {
    /// The value; null where no level set one.
    pub value: Json,
    /// The last level that narrowed it.
    pub level: Option<String>,
    /// Every level that narrowed it, the widest first.
    pub narrowed_by: Vec<String>,
    /// The id of who set it there.
    pub set_by: Option<String>,
    /// When, in Unix seconds.
    pub set_at: Option<i64>,
    /// The end of the exception that it rests on, in Unix seconds.
    pub exception_ends_at: Option<i64>,
    /// The level that locked it.
    pub locked_by: Option<String>,
}

impl DecidedJson {
    fn of(setting: Setting, decided: &Decided) -> Self {
        Self {
            value: decided.value.as_ref().map_or(Json::Null, |value| setting.kind().show(value)),
            level: decided.level.map(|level| level.name().to_owned()),
            narrowed_by: decided.narrowed_by.iter().map(|level| level.name().to_owned()).collect(),
            set_by: decided.set_by.map(|user| user.to_string()),
            set_at: decided.set_at.map(Timestamp::unix_seconds),
            exception_ends_at: decided.exception_ends_at.map(Timestamp::unix_seconds),
            locked_by: decided.locked_by.map(|level| level.name().to_owned()),
        }
    }
}

/// What the place itself sets.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct EntryJson {
    /// The value.
    pub value: Json,
    /// `off`, `warn` or `enforce`.
    pub mode: String,
    /// Whether levels below count no more.
    pub locked: bool,
    /// What levels below cannot narrow away.
    pub floor: Json,
    /// The id of who set it.
    pub set_by: Option<String>,
    /// When, in Unix seconds.
    pub set_at: i64,
}

impl From<Entry> for EntryJson {
    fn from(entry: Entry) -> Self {
        let kind = entry.setting.kind();
        Self {
            value: kind.show(&entry.value),
            mode: entry.mode.name().to_owned(),
            locked: entry.is_locked,
            floor: entry.floor.as_ref().map_or(Json::Null, |floor| kind.show(floor)),
            set_by: entry.set_by.map(|user| user.to_string()),
            set_at: entry.set_at.unix_seconds(),
        }
    }
}

/// One setting at a place.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct HeldJson {
    /// The setting's name.
    pub id: String,
    /// Always `policy.value`.
    pub object: String,
    /// What is enforced.
    pub enforced: DecidedJson,
    /// What is enforced or warned of.
    pub warned: DecidedJson,
    /// What the place itself sets; null when nothing.
    pub own: Option<EntryJson>,
    /// When that is undone unless it is kept, in Unix seconds; null when it is not on trial.
    pub trial_ends_at: Option<i64>,
}

impl From<Held> for HeldJson {
    fn from(held: Held) -> Self {
        let setting = held.effective.setting;
        Self {
            id: setting.name().to_owned(),
            object: "policy.value".to_owned(),
            enforced: DecidedJson::of(setting, &held.effective.enforced),
            warned: DecidedJson::of(setting, &held.effective.warned),
            own: held.own.map(EntryJson::from),
            trial_ends_at: held.trial_ends_at.map(Timestamp::unix_seconds),
        }
    }
}

/// What a place is to set.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct NewEntryJson {
    /// The value, in the form of the setting's type.
    pub value: Json,
    /// `enforce` (the default), `warn` or `off`.
    pub mode: Option<String>,
    /// Whether levels below count no more.
    pub locked: Option<bool>,
    /// What levels below cannot narrow away.
    pub floor: Option<Json>,
    /// At the organization: the environment that sets it, instead of the organization.
    pub environment: Option<String>,
    /// At the organization: whether it is undone after 10 minutes unless it is kept. What would shut out the address that
    /// the call comes from is only set so.
    pub on_trial: Option<bool>,
}

impl NewEntryJson {
    /// Reads it for a setting.
    ///
    /// # Errors
    /// `invalid_value` and the like; `invalid_mode`.
    pub fn read(&self, setting: Setting) -> Result<NewEntry, Error> {
        let mode =
            self.mode.as_deref().map_or(Some(Mode::Enforce), Mode::parse).ok_or_else(|| {
                Error::invalid_param("invalid_mode", "mode", "Use one of: off warn enforce.")
            })?;
        let floor = self.floor.as_ref().filter(|floor| !floor.is_null());
        Ok(NewEntry {
            setting,
            value: setting.kind().read(&self.value)?,
            mode,
            is_locked: self.locked.unwrap_or(false),
            floor: floor.map(|floor| setting.kind().read(floor)).transpose()?,
            is_on_trial: self.on_trial.unwrap_or(false),
        })
    }
}

/// An exception.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ExceptionJson {
    /// Its id.
    pub id: String,
    /// Always `policy.exception`.
    pub object: String,
    /// The setting.
    pub setting: String,
    /// `environment`, `project` or `api_key`.
    pub level: String,
    /// The environment's word, or the id.
    pub level_id: String,
    /// What holds there instead of what the levels above say.
    pub value: Json,
    /// Why.
    pub reason: String,
    /// When it ends or ended, in Unix seconds.
    pub ends_at: i64,
    /// The id of who gave it.
    pub given_by: Option<String>,
    /// When, in Unix seconds.
    pub given_at: i64,
}

impl From<(Spot, Exception)> for ExceptionJson {
    fn from((spot, exception): (Spot, Exception)) -> Self {
        Self {
            id: exception.id.to_string(),
            object: "policy.exception".to_owned(),
            setting: exception.setting.name().to_owned(),
            level: spot.level().name().to_owned(),
            level_id: spot.id(),
            value: exception.setting.kind().show(&exception.value),
            reason: exception.reason,
            ends_at: exception.ends_at.unix_seconds(),
            given_by: exception.given_by.map(|user| user.to_string()),
            given_at: exception.given_at.unix_seconds(),
        }
    }
}

/// An exception to give.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct NewExceptionJson {
    /// The setting.
    pub setting: String,
    /// `environment`, `project` or `api_key`.
    pub level: String,
    /// The environment's word, or the id.
    pub level_id: String,
    /// What holds there instead of what the levels above say.
    pub value: Json,
    /// Why.
    pub reason: String,
    /// When it ends, in Unix seconds; within a year.
    pub ends_at: i64,
}

/// What a warning let pass in a day.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct WarningJson {
    /// Always `policy.warning`.
    pub object: String,
    /// The setting that would have refused.
    pub setting: String,
    /// The project.
    pub project_id: Option<String>,
    /// The key.
    pub api_key_id: Option<String>,
    /// What: a model, an address, a name.
    pub subject: String,
    /// The start of the day in UTC, in Unix seconds.
    pub day: i64,
    /// How often.
    pub count: i64,
    /// When last, in Unix seconds.
    pub last_at: i64,
}

impl From<Warning> for WarningJson {
    fn from(warning: Warning) -> Self {
        let some = |id: String| Some(id).filter(|id| !id.is_empty());
        Self {
            object: "policy.warning".to_owned(),
            setting: warning.setting.name().to_owned(),
            project_id: some(warning.project_id),
            api_key_id: some(warning.key_id),
            subject: warning.subject,
            day: warning.day.unix_seconds(),
            count: warning.count,
            last_at: warning.last_at.unix_seconds(),
        }
    }
}
