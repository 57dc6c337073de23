//! From what holds at a place to the rows of a page, and from what was typed to a value.

use std::collections::HashMap;

use domain::Error;
use domain::ids::UserId;
use domain::policy::{Decided, Entry, Kind, Level, Mode, Place, Setting, Value};
use domain::time::TimeZone;
use serde_json::{Value as Json, json};

use super::Held;
use super::pages::{Control, ExceptionForm, OwnRow, SettingForm, SettingRow, TrialRow};
use crate::Query;
use crate::http::figures::{Count, When};
use crate::http::shell::Choice;

/// Settings by the noun in their name, in the order of the page.
const AREAS: [(&str, &[&str]); 6] = [
    ("People", &["member", "handover"]),
    ("Projects", &["project", "change"]),
    ("Keys", &["key"]),
    ("Models and calls", &["model", "provider", "call"]),
    ("Records", &["retention"]),
    ("Networks", &["network"]),
];

/// What rows are made with.
pub(super) struct Viewing<'a> {
    /// The place.
    pub(super) place: Place,
    /// Whether the viewer may set something there.
    pub(super) can_set: bool,
    /// Whether the viewer may give exceptions.
    pub(super) can_except: bool,
    /// Names of people.
    pub(super) names: &'a HashMap<UserId, String>,
    /// How often warnings let something pass.
    pub(super) warnings: &'a HashMap<Setting, u64>,
    /// The address of the page.
    pub(super) here: &'a str,
    /// The calendar.
    pub(super) zone: &'a TimeZone,
}

/// Rows by area; what cannot be set at the place and holds nothing there is left out.
pub(super) fn areas(held: &[Held], viewing: &Viewing<'_>) -> Vec<(&'static str, Vec<SettingRow>)> {
    let of_area = |nouns: &[&str]| -> Vec<SettingRow> {
        let is_in = |held: &&Held| nouns.contains(&noun(held.effective.setting));
        let found = held.iter().filter(is_in).filter(|held| viewing.is_shown(held));
        found.map(|held| viewing.row(held)).collect()
    };
    let areas = AREAS.iter().map(|(title, nouns)| (*title, of_area(nouns)));
    areas.filter(|(_, rows)| !rows.is_empty()).collect()
}

fn noun(setting: Setting) -> &'static str {
    setting.name().split('.').next().unwrap_or_default()
}

impl Viewing<'_> {
    fn level(&self) -> Level {
        super::spot_of(self.place).level()
    }

    fn is_shown(&self, held: &Held) -> bool {
        held.effective.setting.levels().contains(&self.level()) || held.effective.warned.value.is_some()
    }

    fn row(&self, held: &Held) -> SettingRow {
        let (setting, level) = (held.effective.setting, self.level());
        let (enforced, warned) = (&held.effective.enforced, &held.effective.warned);
        // Where nothing is enforced, what is warned of says who decided.
        let decided = if enforced.value.is_some() { enforced } else { warned };
        let is_open = setting.levels().contains(&level) && decided.locked_by.is_none_or(|by| by == level);
        let can_except = self.can_except && level != Level::Organization && setting.levels().contains(&level);
        SettingRow {
            name: setting.name(),
            sentence: setting.sentence(),
            unset: setting.unset(),
            values: enforced.value.as_ref().map(|value| words(setting, value)),
            warned: warned
                .value
                .as_ref()
                .filter(|value| Some(*value) != enforced.value.as_ref())
                .map(|value| words(setting, value)),
            level: decided.level.map(|level| self.level_words(level)).unwrap_or_default(),
            by: self.by(decided),
            at: decided.set_at.map(|at| When::day(at, self.zone)),
            narrowed_by: self.narrowed(decided),
            locked_by: decided.locked_by.map(|level| self.level_words(level)).unwrap_or_default(),
            exception_ends_at: decided.exception_ends_at.map(|at| When::day(at, self.zone)),
            own: held.own.as_ref().filter(|entry| says_more(entry, enforced)).map(own),
            trial: held
                .trial_ends_at
                .map(|at| TrialRow { ends_at: When::minute(at, self.zone), can_decide: self.can_set }),
            warnings: Count(self.warnings.get(&setting).copied().unwrap_or_default()),
            form: (self.can_set && is_open).then(|| form(setting, level, held)),
            exception: can_except.then(|| self.exception_form(setting)),
        }
    }

    fn exception_form(&self, setting: Setting) -> ExceptionForm {
        let spot = super::spot_of(self.place);
        ExceptionForm {
            value: control(setting.kind(), String::new(), false),
            level: spot.level().name().to_owned(),
            level_id: spot.id(),
            ends_on: String::new(),
            reason: String::new(),
            return_to: self.here.to_owned(),
        }
    }

    fn by(&self, decided: &Decided) -> String {
        decided.set_by.and_then(|user| self.names.get(&user)).cloned().unwrap_or_default()
    }

    fn narrowed(&self, decided: &Decided) -> String {
        let levels: Vec<String> = decided.narrowed_by.iter().map(|level| self.level_words(*level)).collect();
        if levels.len() > 1 { levels.join(", ") } else { String::new() }
    }

    fn level_words(&self, level: Level) -> String {
        match (level, self.place.environment) {
            (Level::Environment, Some(environment)) => environment.name().to_owned(),
            (Level::Organization, _) => "the organization".to_owned(),
            (Level::Environment, None) => "the environment".to_owned(),
            (Level::Project, _) => "the project".to_owned(),
            (Level::Key, _) => "the key".to_owned(),
        }
    }
}

/// A value as people read it, entry by entry.
pub(super) fn words(setting: Setting, value: &Value) -> Vec<String> {
    match (setting.kind(), value) {
        (Kind::Most { unit, .. }, Value::Most(amount)) => vec![format!("{amount} {unit}")],
        (_, Value::Switch(is_on)) => vec![if *is_on { "yes" } else { "no" }.to_owned()],
        (Kind::Choice(words), Value::Choice(place)) => {
            vec![words.get(*place).map(|word| word.replace('_', " ")).unwrap_or_default()]
        }
        (_, Value::Allowed(patterns)) => patterns.iter().map(ToString::to_string).collect(),
        (kind, value) => vec![kind.show(value).to_string()],
    }
}

/// Whether what a place set is more than what holds there and is shown anyway.
fn says_more(entry: &Entry, enforced: &Decided) -> bool {
    let is_what_holds = enforced.value.as_ref() == Some(&entry.value) && enforced.level == Some(entry.level);
    !is_what_holds || entry.mode != Mode::Enforce || entry.is_locked || entry.floor.is_some()
}

fn own(entry: &Entry) -> OwnRow {
    let (mode, tone) = match entry.mode {
        Mode::Off => ("off", ""),
        Mode::Warn => ("warn", "warn"),
        Mode::Enforce => ("", ""),
    };
    OwnRow {
        values: words(entry.setting, &entry.value),
        mode,
        tone,
        is_locked: entry.is_locked,
        floor: entry.floor.as_ref().map(|floor| words(entry.setting, floor)).unwrap_or_default(),
    }
}

/// Whether anything below a level sets it too, so that a lock and a floor mean something there.
pub(super) fn has_below(setting: Setting, level: Level) -> bool {
    setting.levels().iter().any(|below| *below > level)
}

/// Whether the console offers to set it on trial: networks, where somebody could be locked out by them and let in again.
pub(super) fn can_try(setting: Setting, level: Level) -> bool {
    setting.kind() == Kind::Networks && matches!(level, Level::Organization | Level::Environment)
}

fn modes(setting: Setting, selected: &str) -> Vec<Choice> {
    let modes: Vec<(&str, &str)> = [
        (Mode::Enforce, "Enforce it"),
        (Mode::Warn, "Warn: let it pass and count it"),
        (Mode::Off, "Off: kept here, without effect"),
    ]
    .into_iter()
    .filter(|(mode, _)| setting.is_gate() || *mode != Mode::Warn)
    .map(|(mode, words)| (mode.name(), words))
    .collect();
    Choice::list(&modes, selected)
}

/// The form, filled with what the place set or, where it set nothing, with what holds.
fn form(setting: Setting, level: Level, held: &Held) -> SettingForm {
    let own = held.own.as_ref();
    let shown = |value: Option<&Value>| value.map(|value| shown(setting.kind(), value)).unwrap_or_default();
    let present = own.map(|entry| &entry.value).or(held.effective.enforced.value.as_ref());
    let floor = own.and_then(|entry| entry.floor.as_ref());
    SettingForm {
        value: control(setting.kind(), shown(present), false),
        modes: modes(setting, own.map_or(Mode::Enforce, |entry| entry.mode).name()),
        floor: has_below(setting, level).then(|| control(setting.kind(), shown(floor), true)),
        is_locked: own.is_some_and(|entry| entry.is_locked),
        is_set: own.is_some(),
        can_try: can_try(setting, level),
        is_on_trial: held.trial_ends_at.is_some(),
    }
}

/// The form as it was typed.
pub(super) fn form_typed(setting: Setting, level: Level, typed: &Query) -> SettingForm {
    let text = |field| typed.text(field).to_owned();
    SettingForm {
        value: control(setting.kind(), text("value"), false),
        modes: modes(setting, typed.text("mode")),
        floor: has_below(setting, level).then(|| control(setting.kind(), text("floor"), true)),
        is_locked: typed.one("locked") == Some("true"),
        is_set: false,
        can_try: can_try(setting, level),
        is_on_trial: typed.one("on_trial") == Some("true"),
    }
}

/// The form of an exception as it was typed.
pub(super) fn exception_typed(setting: Setting, typed: &Query) -> ExceptionForm {
    let text = |field| typed.text(field).to_owned();
    ExceptionForm {
        value: control(setting.kind(), text("value"), false),
        level: text("level"),
        level_id: text("level_id"),
        ends_on: text("ends_on"),
        reason: text("reason"),
        return_to: text("return_to"),
    }
}

/// A value as its control shows it.
fn shown(kind: Kind, value: &Value) -> String {
    match kind.show(value) {
        Json::String(word) => word,
        Json::Bool(is_on) => is_on.to_string(),
        Json::Number(amount) => amount.to_string(),
        Json::Array(entries) => entries.iter().filter_map(Json::as_str).collect::<Vec<_>>().join("\n"),
        _ => String::new(),
    }
}

/// How a value of a kind is typed.
fn control(kind: Kind, selected: String, is_optional: bool) -> Control {
    let none = is_optional.then(|| (String::new(), "none".to_owned()));
    let choices = |pairs: Vec<(String, String)>| {
        let pairs: Vec<_> = none.into_iter().chain(pairs).collect();
        Control::Choices(Choice::list(&pairs, &selected))
    };
    match kind {
        Kind::Switch => choices(vec![("true".into(), "yes".into()), ("false".into(), "no".into())]),
        Kind::Choice(words) => {
            choices(words.iter().map(|word| ((*word).to_owned(), word.replace('_', " "))).collect())
        }
        Kind::Most { unit, least, most } => Control::Number { value: selected, unit, least, most },
        Kind::Words => Control::Lines { value: selected, example: "gpt-5*" },
        Kind::Networks => Control::Lines { value: selected, example: "203.0.113.0/24" },
    }
}

/// A value out of what was typed into its control.
///
/// # Errors
/// `invalid_value` and the like, saying what is expected.
pub(super) fn typed(setting: Setting, text: &str) -> Result<Value, Error> {
    let text = text.trim();
    let json = match setting.kind() {
        Kind::Switch => text.parse::<bool>().map_or(Json::Null, Json::Bool),
        Kind::Most { .. } => text.parse::<i64>().map_or(Json::Null, Json::from),
        Kind::Choice(_) => json!(text),
        Kind::Words | Kind::Networks => {
            json!(
                text.split([',', '\n']).map(str::trim).filter(|entry| !entry.is_empty()).collect::<Vec<_>>()
            )
        }
    };
    setting.kind().read(&json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_control_shows_is_read_back_as_the_same_value() {
        for (setting, text) in [
            (Setting::KeyNarrow, "true"),
            (Setting::KeyMaximumAge, "90"),
            (Setting::RequestTags, "refused"),
            (Setting::Models, "gpt-5*\nsim-small"),
            (Setting::GatewayNetworks, "2001:db8::/32\n203.0.113.0/24"),
        ] {
            let value = typed(setting, text).unwrap();
            let shown = match control(setting.kind(), shown(setting.kind(), &value), false) {
                Control::Choices(choices) => {
                    choices.into_iter().find(|choice| choice.is_selected).unwrap().value
                }
                Control::Number { value, .. } | Control::Lines { value, .. } => value,
            };
            assert_eq!(typed(setting, &shown).unwrap(), value, "{}", setting.name());
        }
    }

    #[test]
    fn nonsense_is_refused_with_what_is_expected() {
        for (setting, text) in
            [(Setting::KeyNarrow, "maybe"), (Setting::KeyMaximumAge, "0"), (Setting::RequestTags, "")]
        {
            assert_eq!(typed(setting, text).unwrap_err().code(), "invalid_value");
        }
        assert_eq!(typed(Setting::SignInNetworks, "here").unwrap_err().code(), "invalid_network");
    }

    #[test]
    fn every_setting_has_its_area() {
        for setting in Setting::ALL {
            let areas = AREAS.iter().filter(|(_, nouns)| nouns.contains(&noun(*setting))).count();
            assert_eq!(areas, 1, "{}", setting.name());
        }
    }
}
