//! Policy: settings with inheritance. The organization sets, and below it environment, project and key can only
//! narrow.
//!
//! A setting's value at a place is the **meet** of what the levels above it and the place itself set: lists
//! intersect, amounts take the least, switches and choices take the stricter. A level can also **lock** a setting,
//! so that nothing below it counts, and set a **floor**, below which nothing can narrow it. An **exception** puts
//! another value in place of what the levels above say, for one place, with a reason and an end. A setting that
//! refuses something can be **off**, **warn** or **enforce**; a warning is counted, not refused.
//!
//! Every effective value knows which level decided it, and who set that.

mod catalogue;
mod entrances;
mod pattern;
mod place;
mod resolve;
mod trial;
mod value;

pub use catalogue::Setting;
pub use entrances::{Entrance, shut_out};
pub use pattern::Pattern;
pub use place::{Place, Policy, Spot};
pub use resolve::{Decided, Effective, Entry, Exception, check, check_exception, effective};
pub use trial::{TRIAL_TIME, Trial};
pub use value::{Kind, Value};

use crate::ids::{KeyId, OrganizationId, ProjectId};

/// Where a setting can be set, from the widest to the narrowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The organization.
    Organization,
    /// One of its environments.
    Environment,
    /// One project.
    Project,
    /// One key.
    Key,
}

impl Level {
    /// Every level, the widest first.
    pub const ALL: [Self; 4] = [Self::Organization, Self::Environment, Self::Project, Self::Key];

    /// The word on the wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Environment => "environment",
            Self::Project => "project",
            Self::Key => "api_key",
        }
    }

    /// The level of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == word)
    }
}

/// What a setting does with what it does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Nothing.
    Off,
    /// Lets it pass, counts it and shows it.
    Warn,
    /// Refuses it.
    Enforce,
}

impl Mode {
    /// Every mode, the loosest first.
    pub const ALL: [Self; 3] = [Self::Off, Self::Warn, Self::Enforce];

    /// The word on the wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Warn => "warn",
            Self::Enforce => "enforce",
        }
    }

    /// The mode of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == word)
    }
}

/// Something that a setting would have refused, had it been enforced.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Warned {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The setting.
    pub setting: Setting,
    /// The project, where it was about one.
    pub project_id: Option<ProjectId>,
    /// The key, where it came with one.
    pub key_id: Option<KeyId>,
    /// What it was: a model, an address, a name.
    pub subject: String,
}

#[cfg(test)]
mod tests;
