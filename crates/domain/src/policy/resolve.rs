//! From what every level set to what holds at a place, and which level decided.

use super::value::Value;
use super::{Level, Mode, Setting};
use crate::error::Error;
use crate::ids::{ExceptionId, UserId};
use crate::time::Timestamp;

/// What one level set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The setting.
    pub setting: Setting,
    /// The level.
    pub level: Level,
    /// The value.
    pub value: Value,
    /// What is done with what it does not allow.
    pub mode: Mode,
    /// Whether levels below count no more.
    pub is_locked: bool,
    /// What levels below cannot narrow away.
    pub floor: Option<Value>,
    /// Who set it; none for the system.
    pub set_by: Option<UserId>,
    /// When.
    pub set_at: Timestamp,
}

/// Another value than the levels above say, at one place and for a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// Its id.
    pub id: ExceptionId,
    /// The setting.
    pub setting: Setting,
    /// The level of the place: an environment, a project or a key.
    pub level: Level,
    /// What holds there instead of what the levels above say.
    pub value: Value,
    /// Why.
    pub reason: String,
    /// When it ends.
    pub ends_at: Timestamp,
    /// Who gave it.
    pub given_by: Option<UserId>,
    /// When.
    pub given_at: Timestamp,
}

/// A value with what decided it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The value; none where no level set one.
    pub value: Option<Value>,
    /// The last level that narrowed it.
    pub level: Option<Level>,
    /// Every level that narrowed it, the widest first.
    pub narrowed_by: Vec<Level>,
    /// Who set it there.
    pub set_by: Option<UserId>,
    /// When.
    pub set_at: Option<Timestamp>,
    /// The end of the exception that it rests on.
    pub exception_ends_at: Option<Timestamp>,
    /// The level that locked it.
    pub locked_by: Option<Level>,
}

/// What holds at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    /// The setting.
    pub setting: Setting,
    /// What is enforced.
    pub enforced: Decided,
    /// What is enforced or warned of: never wider.
    pub warned: Decided,
}

/// What holds at the place whose levels made these entries, the widest level first, at most one a level.
pub fn effective(setting: Setting, entries: &[Entry], exceptions: &[Exception], at: Timestamp) -> Effective {
    let at_least = |mode| decide(setting, mode, entries, exceptions, at);
    Effective { setting, enforced: at_least(Mode::Enforce), warned: at_least(Mode::Warn) }
}

fn decide(
    setting: Setting,
    mode: Mode,
    entries: &[Entry],
    exceptions: &[Exception],
    at: Timestamp,
) -> Decided {
    let mut sum = Decided::nothing();
    let mut floor: Option<Value> = None;
    for level in Level::ALL {
        let stands = |one: &&Exception| one.setting == setting && one.level == level && at < one.ends_at;
        if let Some(exception) = exceptions.iter().find(stands) {
            sum.except(exception);
            floor = None;
        }
        let sets = |one: &&Entry| one.setting == setting && one.level == level && one.mode >= mode;
        let Some(entry) = entries.iter().find(sets).filter(|_| sum.locked_by.is_none()) else { continue };
        sum.narrow(entry, floor.as_ref());
        let kept = entry.floor.as_ref().zip(sum.value.as_ref()).map(|(wanted, value)| wanted.meet(value));
        floor = match (floor, kept) {
            (Some(above), Some(here)) => Some(above.join(&here)),
            (above, here) => above.or(here),
        };
        if entry.is_locked {
            sum.locked_by = Some(level);
        }
    }
    sum
}

impl Decided {
    fn nothing() -> Self {
        Self {
            value: None,
            level: None,
            narrowed_by: Vec::new(),
            set_by: None,
            set_at: None,
            exception_ends_at: None,
            locked_by: None,
        }
    }

    /// Takes one more level in: it narrows, but never below the floor that levels above set.
    fn narrow(&mut self, entry: &Entry, floor: Option<&Value>) {
        let met = self.value.as_ref().map_or_else(|| entry.value.clone(), |above| above.meet(&entry.value));
        let next = floor.map_or_else(|| met.clone(), |floor| met.join(floor));
        if self.value.as_ref() == Some(&next) {
            return;
        }
        self.value = Some(next);
        self.level = Some(entry.level);
        self.narrowed_by.push(entry.level);
        (self.set_by, self.set_at) = (entry.set_by, Some(entry.set_at));
    }

    fn except(&mut self, exception: &Exception) {
        *self = Self {
            value: Some(exception.value.clone()),
            level: Some(exception.level),
            narrowed_by: vec![exception.level],
            set_by: exception.given_by,
            set_at: Some(exception.given_at),
            exception_ends_at: Some(exception.ends_at),
            locked_by: None,
        };
    }

    /// Whether a plain word is allowed; whatever nobody set is.
    pub fn allows_word(&self, word: &str) -> bool {
        self.value.as_ref().is_none_or(|value| value.allows_word(word))
    }

    /// Whether an address is allowed; whatever nobody set is.
    pub fn allows_address(&self, address: std::net::IpAddr) -> bool {
        self.value.as_ref().is_none_or(|value| value.allows_address(address))
    }

    /// Whether something that comes from there is allowed; from an unknown address only where nobody set anything.
    pub fn allows_from(&self, address: Option<std::net::IpAddr>) -> bool {
        address.map_or(self.value.is_none(), |address| self.allows_address(address))
    }

    /// Whether a switch is on; off where nobody set it.
    pub fn is_on(&self) -> bool {
        self.value == Some(Value::Switch(true))
    }

    /// The amount, where one is set.
    pub fn amount(&self) -> Option<i64> {
        match self.value {
            Some(Value::Most(amount)) => Some(amount),
            _ => None,
        }
    }

    /// The word chosen, where one is.
    pub fn word(&self, setting: Setting) -> Option<&'static str> {
        match (setting.kind(), &self.value) {
            (super::Kind::Choice(words), Some(Value::Choice(place))) => words.get(*place).copied(),
            _ => None,
        }
    }
}

impl Effective {
    /// What `member.invitations` says of an invitation by a Project Owner. Where nothing is set they do not invite.
    pub fn judge_owners_invitation(&self) -> Mode {
        let word = |decided: &Decided| decided.word(Setting::Invitations);
        match (word(&self.enforced), word(&self.warned)) {
            (Some("admins"), _) | (None, None) => Mode::Enforce,
            (_, Some("admins")) => Mode::Warn,
            _ => Mode::Off,
        }
    }

    /// What a gate says of something: whether it is refused, and whether that only would be.
    pub fn judge(&self, allows: impl Fn(&Decided) -> bool) -> Mode {
        match () {
            () if !allows(&self.enforced) => Mode::Enforce,
            () if !allows(&self.warned) => Mode::Warn,
            () => Mode::Off,
        }
    }
}

/// Whether a level may set this, given what the levels above it set, the widest first.
///
/// # Errors
/// `level_not_allowed`; `mode_not_allowed` for a setting that refuses nothing; `setting_locked`; `wider_than_above`,
/// `below_floor` naming the level; `floor_above_value`.
pub fn check(entry: &Entry, above: &[Entry]) -> Result<(), Error> {
    let setting = entry.setting;
    if !setting.levels().contains(&entry.level) {
        let sentence = format!("{} cannot be set at this level.", setting.name());
        return Err(Error::invalid_param("level_not_allowed", "level", sentence));
    }
    if entry.mode == Mode::Warn && !setting.is_gate() {
        let sentence = format!("{} refuses nothing, so it cannot only warn.", setting.name());
        return Err(Error::invalid_param("mode_not_allowed", "mode", sentence));
    }
    if entry.floor.as_ref().is_some_and(|floor| !floor.is_within(&entry.value)) {
        let sentence = "The floor has to be within the value.";
        return Err(Error::invalid_param("floor_above_value", "floor", sentence));
    }
    let counts = |one: &&Entry| one.setting == setting && one.level < entry.level && one.mode != Mode::Off;
    for one in above.iter().filter(counts) {
        let level = one.level.name();
        if one.is_locked {
            let sentence = format!("{} is locked at the level {level}.", setting.name());
            return Err(Error::conflict("setting_locked", sentence));
        }
        if one.mode <= entry.mode && !entry.value.is_within(&one.value) {
            let sentence =
                format!("This is wider than the level {level} allows. A lower level can only narrow.");
            return Err(Error::invalid_param("wider_than_above", "value", sentence));
        }
        if one.floor.as_ref().is_some_and(|floor| !floor.is_within(&entry.value)) {
            let sentence = format!("This is narrower than the floor of the level {level}.");
            return Err(Error::invalid_param("below_floor", "value", sentence));
        }
    }
    Ok(())
}

/// Whether an exception can be made.
///
/// # Errors
/// `level_not_allowed`; `reason_required`; `invalid_end` unless it ends within a year from `at`.
pub fn check_exception(exception: &Exception, at: Timestamp) -> Result<(), Error> {
    let levels = exception.setting.levels();
    if exception.level == Level::Organization || !levels.contains(&exception.level) {
        let sentence = format!("{} has no exceptions at this level.", exception.setting.name());
        return Err(Error::invalid_param("level_not_allowed", "level", sentence));
    }
    if exception.reason.trim().is_empty() {
        return Err(Error::invalid_param("reason_required", "reason", "Say why this exception is needed."));
    }
    if exception.ends_at <= at || exception.ends_at > at.plus_seconds(366 * 24 * 3_600) {
        let sentence = "An exception ends, within a year from now.";
        return Err(Error::invalid_param("invalid_end", "ends_at", sentence));
    }
    Ok(())
}
