//! The organization: top container of members, projects, billing, settings and security policies.

use crate::error::Error;
use crate::ids::OrganizationId;
use crate::text;
use crate::time::{TimeZone, Timestamp};

/// How an organization stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrganizationState {
    /// In use.
    Active,
    /// Its keys are refused and its console only shows.
    Suspended,
    /// As suspended, and purged after a stated time.
    Closed,
}

impl OrganizationState {
    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Closed => "closed",
        }
    }
}

macro_rules! features {
    ($($variant:ident = $word:literal, $sentence:literal;)*) => {
        /// What can be switched off for an organization. All are on.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Feature { $(#[doc = $sentence] $variant,)* }

        impl Feature {
            /// Every feature.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word on the wire and in the database.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// What it is, in one sentence.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)* }
            }
        }
    };
}

features! {
    CustomRoles = "custom_roles", "Roles made of listed permissions.";
    Groups = "groups", "Groups of members with roles of their own.";
    AccessReviews = "access_reviews", "Campaigns that review everybody's rights.";
    Elevation = "elevation", "The Admin role for a stated time, approved by another Admin.";
}

impl Feature {
    /// The feature of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|feature| feature.name() == word)
    }
}

/// A set of features, in the order of their words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features(Vec<Feature>);

impl Features {
    /// Out of words; unknown ones are left out.
    pub fn of_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        words.into_iter().filter_map(Feature::parse).collect()
    }

    /// Whether it holds this one.
    pub fn holds(&self, feature: Feature) -> bool {
        self.0.contains(&feature)
    }

    /// Their words.
    pub fn words(&self) -> Vec<&'static str> {
        self.0.iter().map(|feature| feature.name()).collect()
    }
}

impl FromIterator<Feature> for Features {
    fn from_iter<I: IntoIterator<Item = Feature>>(features: I) -> Self {
        let mut features: Vec<_> = features.into_iter().collect();
        features.sort_unstable();
        features.dedup();
        Self(features)
    }
}

/// An organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// The name people read.
    pub name: String,
    /// The word in console addresses; unique on the instance, kept when the name changes.
    pub slug: String,
    /// The calendar of its allowances and invoices.
    pub time_zone: TimeZone,
    /// How it stands.
    pub state: OrganizationState,
    /// What is switched off in it.
    pub features_off: Features,
    /// Whether Project Owners may invite new people into their projects.
    pub owners_invite: bool,
    /// When it was created.
    pub created_at: Timestamp,
}

/// What creating an organization takes; its creator becomes the first Admin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrganization {
    /// The name people read.
    pub name: String,
    /// The calendar; UTC when absent.
    pub time_zone: TimeZone,
}

impl NewOrganization {
    /// Checks what was typed.
    ///
    /// # Errors
    /// `invalid_name`, `invalid_time_zone`.
    pub fn checked(name: &str, time_zone: Option<&str>) -> Result<Self, Error> {
        let time_zone = TimeZone::named(time_zone.unwrap_or("UTC"))?;
        Ok(Self { name: text::name(name, "name")?, time_zone })
    }
}
