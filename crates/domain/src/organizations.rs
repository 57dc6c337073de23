//! The organization: top container of members, projects, billing, settings and security policies.

use crate::error::Error;
use crate::ids::OrganizationId;
use crate::text;
use crate::time::{DAY, TimeZone, Timestamp};

/// For how long a closed organization can be brought back before it is purged, in days. A month leaves time to notice
/// a closing that nobody meant, and to fetch the export.
pub const PURGED_AFTER_DAYS: i64 = 30;

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

    /// The feature of a word that somebody typed into the field `param`.
    ///
    /// # Errors
    /// `unknown_feature` with the list of those there are.
    pub fn named(word: &str, param: &'static str) -> Result<Self, Error> {
        Self::parse(word).ok_or_else(|| {
            let all: Vec<&str> = Self::ALL.iter().map(|feature| feature.name()).collect();
            let sentence = format!("There is no feature {word}. Use one of: {}.", all.join(" "));
            Error::invalid_param("unknown_feature", param, sentence)
        })
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

    /// With this one, or without it.
    #[must_use]
    pub fn with(&self, feature: Feature, is_in: bool) -> Self {
        let others = self.0.iter().copied().filter(|other| *other != feature);
        others.chain(is_in.then_some(feature)).collect()
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

/// Since when an organization is suspended, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspension {
    /// Since when.
    pub at: Timestamp,
    /// Why, as whoever suspended it said.
    pub reason: String,
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
    /// Since when it is suspended, and why.
    pub suspension: Option<Suspension>,
    /// Since when it is closed.
    pub closed_at: Option<Timestamp>,
    /// What is switched off in it.
    pub features_off: Features,
    /// When it was created.
    pub created_at: Timestamp,
}

impl Organization {
    /// How it stands.
    pub const fn state(&self) -> OrganizationState {
        match (self.closed_at, &self.suspension) {
            (Some(_), _) => OrganizationState::Closed,
            (None, Some(_)) => OrganizationState::Suspended,
            (None, None) => OrganizationState::Active,
        }
    }

    /// When it is purged, where it is closed.
    pub fn purge_at(&self) -> Option<Timestamp> {
        self.closed_at.map(|at| at.plus_micros(PURGED_AFTER_DAYS * DAY))
    }

    /// The organization suspended from a moment on. One that stands still already stays as it is.
    ///
    /// # Errors
    /// `reason_required`; `invalid_label`.
    pub fn suspended(&self, reason: &str, at: Timestamp) -> Result<Self, Error> {
        let reason = text::label(reason, "reason")?.ok_or_else(|| {
            let sentence = "Say why the organization is suspended; its members read it.";
            Error::invalid_param("reason_required", "reason", sentence)
        })?;
        let mut after = self.clone();
        if self.state() == OrganizationState::Active {
            after.suspension = Some(Suspension { at, reason });
        }
        Ok(after)
    }

    /// The organization closed from a moment on. One that is closed stays as it is.
    ///
    /// # Errors
    /// `confirmation_mismatch` when its name was not typed again.
    pub fn closed(&self, confirm: &str, at: Timestamp) -> Result<Self, Error> {
        if confirm.trim() != self.name {
            let sentence = format!("To close it, give its name as confirm: {}.", self.name);
            return Err(Error::invalid_param("confirmation_mismatch", "confirm", sentence));
        }
        Ok(Self { closed_at: self.closed_at.or(Some(at)), ..self.clone() })
    }

    /// The organization in use again, whatever stopped it.
    #[must_use]
    pub fn reactivated(&self) -> Self {
        Self { suspension: None, closed_at: None, ..self.clone() }
    }

    /// Whether it is to be purged at a moment.
    pub fn is_to_be_purged(&self, at: Timestamp) -> bool {
        self.purge_at().is_some_and(|end| at >= end)
    }
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

/// How many digits of its id end the slug of an organization.
const SLUG_DIGITS: usize = 6;

/// The slug of an organization that a person creates: its name and the last digits of its id. A name alone, numbered
/// where it is taken, would tell them which names other organizations have.
pub fn slug_of(name: &str, id: OrganizationId) -> String {
    let id = id.to_string();
    format!("{}-{}", text::slug(name), &id[id.len() - SLUG_DIGITS..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_unix_seconds(second)
    }

    fn organization() -> Organization {
        Organization {
            id: OrganizationId::from_parts(at(1), 1),
            name: "Acme & Co".to_owned(),
            slug: "acme-co".to_owned(),
            time_zone: TimeZone::utc(),
            suspension: None,
            closed_at: None,
            features_off: Features::default(),
            created_at: at(1),
        }
    }

    #[test]
    fn suspending_and_closing_hold_from_their_first_moment_until_reactivated() {
        let active = organization();
        let suspended = active.suspended(" unpaid ", at(10)).unwrap();
        assert_eq!(suspended.suspension, Some(Suspension { at: at(10), reason: "unpaid".to_owned() }));
        assert_eq!(suspended.suspended("other", at(11)).unwrap(), suspended, "the first reason stands");
        let closed = suspended.closed("Acme & Co", at(20)).unwrap();
        assert_eq!(closed.closed("Acme & Co", at(30)).unwrap(), closed, "and so does the first closing");
        let states = [&active, &suspended, &closed].map(Organization::state);
        use OrganizationState::{Active, Closed, Suspended};
        assert_eq!(states, [Active, Suspended, Closed]);
        assert_eq!(closed.reactivated(), active);
    }

    #[test]
    fn nothing_is_suspended_without_a_reason_nor_closed_without_its_name() {
        for (refused, code) in [
            (organization().suspended("  ", at(1)), "reason_required"),
            (organization().closed("", at(1)), "confirmation_mismatch"),
            (organization().closed("acme & co", at(1)), "confirmation_mismatch"),
        ] {
            assert_eq!(refused.unwrap_err().code(), code);
        }
    }

    #[test]
    fn a_closed_organization_is_purged_after_its_days_and_not_before() {
        let closed = organization().closed("Acme & Co", at(0)).unwrap();
        let end = PURGED_AFTER_DAYS * 24 * 3_600;
        assert_eq!([end - 1, end].map(|second| closed.is_to_be_purged(at(second))), [false, true]);
        assert!(!organization().is_to_be_purged(at(end * 100)));
    }

    #[test]
    fn two_organizations_of_one_name_differ_in_their_slugs() {
        let id = |random| OrganizationId::from_parts(at(1), random);
        assert_eq!(slug_of("Acme & Co", id(1)), "acme-co-000001");
        assert_ne!(slug_of("Acme", id(2)), slug_of("Acme", id(3)));
    }
}
