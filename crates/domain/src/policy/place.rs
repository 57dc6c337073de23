//! All that an organization set, and what of it holds at a place.

use std::collections::HashMap;

use super::resolve::{Effective, Entry, Exception, effective};
use super::{Level, Setting};
use crate::error::Error;
use crate::ids::{KeyId, ProjectId};
use crate::projects::Environment;
use crate::time::Timestamp;

/// One node of the tree: where a setting was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Spot {
    /// The organization.
    Organization,
    /// One of its environments.
    Environment(Environment),
    /// One project.
    Project(ProjectId),
    /// One key.
    Key(KeyId),
}

impl Spot {
    /// Its level.
    pub const fn level(self) -> Level {
        match self {
            Self::Organization => Level::Organization,
            Self::Environment(_) => Level::Environment,
            Self::Project(_) => Level::Project,
            Self::Key(_) => Level::Key,
        }
    }

    /// Its id at its level, on the wire and in the database; empty for the organization.
    pub fn id(self) -> String {
        match self {
            Self::Organization => String::new(),
            Self::Environment(environment) => environment.name().to_owned(),
            Self::Project(id) => id.to_string(),
            Self::Key(id) => id.to_string(),
        }
    }

    /// The spot of a level and an id.
    ///
    /// # Errors
    /// `invalid_environment`; `invalid_id`; `invalid_level`.
    pub fn parse(level: &str, id: &str) -> Result<Self, Error> {
        let unknown = || {
            let sentence = "Use one of: organization environment project api_key.";
            Error::invalid_param("invalid_level", "level", sentence)
        };
        match Level::parse(level).ok_or_else(unknown)? {
            Level::Organization => Ok(Self::Organization),
            Level::Environment => Environment::parse(id).map(Self::Environment),
            Level::Project => id.parse().map(Self::Project),
            Level::Key => id.parse().map(Self::Key),
        }
    }
}

/// A path from the organization down to where something happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The environment.
    pub environment: Option<Environment>,
    /// The project.
    pub project: Option<ProjectId>,
    /// The key.
    pub key: Option<KeyId>,
}

impl Place {
    /// The organization itself.
    pub const ORGANIZATION: Self = Self { environment: None, project: None, key: None };

    /// The organization and one spot of it, with nothing between.
    pub fn of(spot: Spot) -> Self {
        match spot {
            Spot::Organization => Self::ORGANIZATION,
            Spot::Environment(environment) => Self { environment: Some(environment), ..Self::ORGANIZATION },
            Spot::Project(project) => Self { project: Some(project), ..Self::ORGANIZATION },
            Spot::Key(key) => Self { key: Some(key), ..Self::ORGANIZATION },
        }
    }

    /// Its spots, the widest first.
    pub fn spots(self) -> impl Iterator<Item = Spot> {
        std::iter::once(Spot::Organization)
            .chain(self.environment.map(Spot::Environment))
            .chain(self.project.map(Spot::Project))
            .chain(self.key.map(Spot::Key))
    }
}

impl Place {
    /// Whether the setting has a meaning here. Of admin keys there is only from where they may be used; keys of projects
    /// do not open the admin API.
    pub fn knows(self, setting: Setting) -> bool {
        match (self.key, self.project) {
            (Some(_), None) => setting == Setting::AdminNetworks,
            (Some(_), Some(_)) => setting != Setting::AdminNetworks,
            (None, _) => true,
        }
    }

    /// Refuses a setting that has no meaning here.
    ///
    /// # Errors
    /// `level_not_allowed`.
    pub fn takes(self, setting: Setting) -> Result<(), Error> {
        if self.knows(setting) {
            return Ok(());
        }
        let sentence = format!("{} cannot be set for this key.", setting.name());
        Err(Error::invalid_param("level_not_allowed", "level", sentence))
    }
}

/// All that an organization set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    entries: HashMap<Spot, Vec<Entry>>,
    exceptions: HashMap<Spot, Vec<Exception>>,
}

impl Policy {
    /// Out of what was set where.
    pub fn new(entries: Vec<(Spot, Entry)>, exceptions: Vec<(Spot, Exception)>) -> Self {
        let mut policy = Self::default();
        for (spot, entry) in entries {
            policy.entries.entry(spot).or_default().push(entry);
        }
        for (spot, exception) in exceptions {
            policy.exceptions.entry(spot).or_default().push(exception);
        }
        policy
    }

    /// Whether nothing is set anywhere.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.exceptions.is_empty()
    }

    /// What holds at a place.
    pub fn at(&self, place: Place, setting: Setting, at: Timestamp) -> Effective {
        let entries = gathered(&self.entries, place, |entry| entry.setting == setting);
        let exceptions = gathered(&self.exceptions, place, |exception| exception.setting == setting);
        effective(setting, &entries, &exceptions, at)
    }

    /// The same with something else, or nothing, set at a spot.
    #[must_use]
    pub fn with(mut self, spot: Spot, setting: Setting, entry: Option<Entry>) -> Self {
        let at_spot = self.entries.entry(spot).or_default();
        at_spot.retain(|one| one.setting != setting);
        at_spot.extend(entry);
        self
    }

    /// What was set above and at a place, the widest level first.
    pub fn entries(&self, place: Place) -> Vec<Entry> {
        gathered(&self.entries, place, |_| true)
    }

    /// The exceptions above and at a place.
    pub fn exceptions(&self, place: Place) -> Vec<Exception> {
        gathered(&self.exceptions, place, |_| true)
    }
}

fn gathered<T: Clone>(
    all: &HashMap<Spot, Vec<T>>,
    place: Place,
    is_wanted: impl Fn(&T) -> bool + Copy,
) -> Vec<T> {
    if all.is_empty() {
        return Vec::new();
    }
    let at_spot = |spot: Spot| all.get(&spot).into_iter().flatten();
    place.spots().flat_map(at_spot).filter(|one| is_wanted(one)).cloned().collect()
}
