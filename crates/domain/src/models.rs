//! Which models may be called: allow and deny lists of keys and projects. A star at the end of a name stands for
//! whatever follows; `provider/model` also names that model of that connection alone.

use crate::error::Error;
use crate::ids::UserId;
use crate::policy::Pattern;
use crate::time::Timestamp;

/// How many names a list may have.
const NAMES_MOST: usize = 1_000;

/// One name of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Name {
    /// All of it, which may be the name of a model, slashes included.
    whole: Pattern,
    /// Its other reading: the connection before the first slash, and the model.
    through: Option<(String, Pattern)>,
}

impl Name {
    fn read(text: &str) -> Result<Self, Error> {
        let whole = Pattern::word(text)?;
        let through = text.trim().split_once('/').filter(|(_, model)| !model.is_empty());
        let read =
            |(provider, model): (&str, &str)| Ok::<_, Error>((provider.to_owned(), Pattern::word(model)?));
        Ok(Self { whole, through: through.map(read).transpose()? })
    }

    /// Whether it names a model, offered by a connection or, with none, by whichever.
    fn names(&self, model: &str, provider: Option<&str>) -> bool {
        let is_of = |(connection, pattern): &(String, Pattern)| {
            provider.is_none_or(|provider| provider == connection) && pattern.allows(model)
        };
        self.whole.allows(model) || self.through.as_ref().is_some_and(is_of)
    }

    /// Whether it names everything that the other names.
    fn covers(&self, other: &Self) -> bool {
        match (&self.through, &other.through) {
            (None, Some((_, model))) => self.whole.covers(model),
            _ => self.whole.covers(&other.whole),
        }
    }

    /// What both name.
    fn shared(&self, other: &Self) -> Option<Self> {
        match (&self.through, &other.through) {
            (Some((provider, model)), None) => Self::of(provider, &both(model, &other.whole)?),
            (None, Some((provider, model))) => Self::of(provider, &both(&self.whole, model)?),
            _ => Self::read(&both(&self.whole, &other.whole)?.to_string()).ok(),
        }
    }

    fn of(provider: &str, model: &Pattern) -> Option<Self> {
        Self::read(&format!("{provider}/{model}")).ok()
    }
}

/// What both stand for.
fn both(one: &Pattern, other: &Pattern) -> Option<Pattern> {
    match () {
        () if one.covers(other) => Some(other.clone()),
        () if other.covers(one) => Some(one.clone()),
        () => None,
    }
}

/// An allow list and a deny list. What may be called is what the first has and the second has not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelLists {
    /// None: every model.
    allowed: Option<Vec<Name>>,
    denied: Vec<Name>,
}

impl ModelLists {
    /// Lists of a key out of what was typed; without an allow list it may use whatever its project may.
    ///
    /// # Errors
    /// `invalid_models` naming the list.
    pub fn of_key(allowed: Option<&[String]>, denied: &[String]) -> Result<Self, Error> {
        if allowed.is_some_and(<[String]>::is_empty) {
            return Err(invalid("models"));
        }
        let allowed = allowed.map(|names| read(names, "models")).transpose()?;
        Ok(Self { allowed, denied: read(denied, "denied_models")? })
    }

    /// The names of the allow list; none where there is no such list.
    pub fn allowed(&self) -> Option<Vec<String>> {
        self.allowed.as_ref().map(|names| words(names))
    }

    /// The names of the deny list.
    pub fn denied(&self) -> Vec<String> {
        words(&self.denied)
    }

    /// Whether a model of a connection may be called.
    pub fn allow(&self, model: &str, provider: &str) -> bool {
        let names = |name: &Name| name.names(model, Some(provider));
        self.allowed.as_ref().is_none_or(|list| list.iter().any(names)) && !self.denied.iter().any(names)
    }

    /// Whether what goes by this name may be called through some connection, whether or not there is such a one: what
    /// this says does not depend on what exists.
    pub fn could_allow(&self, asked: &str) -> bool {
        let is_allowed =
            self.allowed.as_ref().is_none_or(|list| list.iter().any(|name| name.names(asked, None)));
        let is_denied = self.denied.iter().any(|name| name.whole.allows(asked));
        let through = asked.split_once('/').is_some_and(|(provider, model)| self.allow(model, provider));
        (is_allowed && !is_denied) || through
    }

    /// The names, out of the allow list, under which these lists would allow what the outer ones do not.
    pub fn outside(&self, outer: &Self) -> Vec<String> {
        let is_outside = |name: &&Name| {
            let is_listed =
                outer.allowed.as_ref().is_none_or(|list| list.iter().any(|outer| outer.covers(name)));
            let is_kept_out = |denied: &Name| {
                name.shared(denied).is_none_or(|shared| self.denied.iter().any(|own| own.covers(&shared)))
            };
            !is_listed || !outer.denied.iter().all(is_kept_out)
        };
        self.allowed.iter().flatten().filter(is_outside).map(|name| name.whole.to_string()).collect()
    }

    /// Refuses lists that would allow what the project's do not.
    ///
    /// # Errors
    /// `models_outside_project` with their names.
    pub fn within_project(&self, project: &Self) -> Result<(), Error> {
        let outside = self.outside(project);
        if outside.is_empty() {
            return Ok(());
        }
        let sentence = format!(
            "The project may not use these models, or not all that they stand for: {}.",
            outside.join(", ")
        );
        Err(Error::invalid_param("models_outside_project", "models", sentence))
    }
}

fn read(texts: &[String], param: &'static str) -> Result<Vec<Name>, Error> {
    if texts.len() > NAMES_MOST {
        return Err(invalid(param));
    }
    let mut names: Vec<Name> = Vec::with_capacity(texts.len());
    for text in texts {
        let name = Name::read(text).map_err(|_| invalid(param))?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

fn invalid(param: &'static str) -> Error {
    let sentence = "Name at most 1000 models; a star at the end of a name stands for whatever follows, as in gpt-5*. \
                    Leave models out for all that the project may use.";
    Error::invalid_param("invalid_models", param, sentence)
}

fn words(names: &[Name]) -> Vec<String> {
    names.iter().map(|name| name.whole.to_string()).collect()
}

/// Whether a project's list allows or denies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListMode {
    /// What is in it may be called, and nothing else.
    Allow,
    /// What is in it may not be called.
    Deny,
}

impl ListMode {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Allow, Self::Deny];

    /// The word on the wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow_list",
            Self::Deny => "deny_list",
        }
    }

    /// The mode of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == word)
    }
}

/// Which models a project may call: all of its keys are within it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelPermissions {
    /// Whether the list allows or denies.
    pub mode: ListMode,
    /// Names of models.
    pub models: Vec<String>,
    /// Who set them; none for the system.
    pub set_by: Option<UserId>,
    /// When.
    pub set_at: Timestamp,
}

impl ModelPermissions {
    /// The permissions as lists. An empty allow list allows nothing.
    ///
    /// # Errors
    /// `invalid_models`.
    pub fn lists(&self) -> Result<ModelLists, Error> {
        let names = read(&self.models, "model_ids")?;
        Ok(match self.mode {
            ListMode::Allow => ModelLists { allowed: Some(names), denied: Vec::new() },
            ListMode::Deny => ModelLists { allowed: None, denied: names },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// `allowed - denied`; a star alone at the front for no allow list.
    fn lists(text: &str) -> ModelLists {
        let (allowed, denied) = text.split_once('-').map_or((text, ""), |(a, d)| (a, d));
        let allowed = texts(allowed);
        let allowed = (allowed != ["*"]).then_some(allowed.as_slice());
        ModelLists::of_key(allowed, &texts(denied)).unwrap()
    }

    #[test]
    fn what_is_denied_is_taken_from_what_is_allowed() {
        for (list, model, is_allowed) in [
            ("gpt5* - gpt5.pro", "gpt5", true),
            ("gpt5* - gpt5.pro", "gpt5.mini", true),
            ("gpt5* - gpt5.pro", "gpt5.pro", false),
            ("gpt5* - gpt5.pro", "gpt4", false),
            ("claude", "claude2", false),
            ("main/gpt5", "gpt5", true),
            ("other/gpt5", "gpt5", false),
            ("* - main/*", "gpt5", false),
            ("* - main*", "gpt5", true),
            ("*", "anything", true),
            ("meta/llama*", "meta/llama3", true),
        ] {
            assert_eq!(lists(list).allow(model, "main"), is_allowed, "{model} by {list}");
        }
    }

    #[test]
    fn a_name_that_nobody_offers_is_judged_like_one_that_somebody_does() {
        for (list, asked, could) in [
            ("gpt5*", "gpt5.mini", true),
            ("gpt5*", "gpt4", false),
            ("gpt5*", "main/gpt5", true),
            ("main/gpt5", "gpt5", true),
            ("main/gpt5", "other/gpt5", false),
            ("* - gpt5", "gpt5", false),
            ("* - gpt5", "main/gpt5", true),
            ("* - main/gpt5", "gpt5", true),
        ] {
            assert_eq!(lists(list).could_allow(asked), could, "{asked} by {list}");
        }
    }

    #[test]
    fn a_key_is_outside_of_its_project_where_it_could_call_more() {
        for (key, project, outside) in [
            ("*", "gpt5", ""),
            ("gpt5", "*", ""),
            ("gpt5", "gpt5*", ""),
            ("gpt5*", "gpt5", "gpt5*"),
            ("gpt4 gpt5 claude", "gpt5", "gpt4 claude"),
            ("gpt5.pro", "* - gpt5.pro", "gpt5.pro"),
            ("gpt5*", "* - gpt5.pro", "gpt5*"),
            ("gpt5* - gpt5.pro", "* - gpt5.pro", ""),
            ("gpt5* - gpt5.pro*", "* - gpt5.pro", ""),
            ("gpt4", "* - gpt5*", ""),
            ("main/gpt5", "gpt5", ""),
            ("main/gpt5", "* - gpt5", "main/gpt5"),
        ] {
            assert_eq!(lists(key).outside(&lists(project)), texts(outside), "{key} in {project}");
        }
    }

    /// Whatever is allowed by lists that are not outside, the project allows too.
    #[test]
    fn lists_that_are_within_allow_nothing_that_the_project_does_not() {
        let models = ["a", "ab", "abc", "b", "bc", "pa"];
        let words = ["a", "a*", "ab", "ab*", "b*", "p/a", "p/a*", "p/ab", "q/*", "p*"];
        let all: Vec<ModelLists> = words
            .iter()
            .flat_map(|one| words.iter().map(move |two| lists(&format!("{one} - {two}"))))
            .chain(words.iter().map(|two| lists(&format!("* - {two}"))))
            .chain(words.iter().map(|one| lists(one)))
            .collect();
        let mut within = 0;
        for key in all.iter().filter(|key| key.allowed.is_some()) {
            for project in all.iter().filter(|project| key.outside(project).is_empty()) {
                within += 1;
                for (model, provider) in models.iter().flat_map(|model| [(model, "p"), (model, "q")]) {
                    let is_wider = key.allow(model, provider) && !project.allow(model, provider);
                    assert!(!is_wider, "{key:?} in {project:?}: {provider}/{model}");
                    assert!(!key.allow(model, provider) || key.could_allow(model), "{key:?}: {model}");
                }
            }
        }
        assert!(within > 500, "{within} were compared");
    }

    #[test]
    fn names_that_cannot_be_are_refused_with_their_list() {
        for (allowed, denied) in [("a*b", ""), ("", "*x"), ("a", "x*y")] {
            let allowed = texts(allowed);
            assert_eq!(
                ModelLists::of_key(Some(&allowed), &texts(denied)).unwrap_err().code(),
                "invalid_models"
            );
        }
        let spaced = ["with space".to_owned()];
        assert!(ModelLists::of_key(Some(&spaced), &[]).is_err());
        let empty = ModelPermissions {
            mode: ListMode::Allow,
            models: Vec::new(),
            set_by: None,
            set_at: Timestamp::from_unix_seconds(1),
        };
        assert!(!empty.lists().unwrap().allow("any", "main"), "an empty allow list allows nothing");
    }
}
