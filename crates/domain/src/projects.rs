//! Projects: isolation inside one organization, with the labels by which cost is attributed.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::ids::{OrganizationId, ProjectId, UserId};
use crate::text::{self, Tags};
use crate::time::Timestamp;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* } else $code:literal, $param:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every value, in the order shown to people.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word on the wire and in the database.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The value of that word.
            ///
            /// # Errors
            #[doc = concat!("`", $code, "` when there is none.")]
            pub fn parse(word: &str) -> Result<Self, Error> {
                Self::ALL.iter().copied().find(|value| value.name() == word).ok_or_else(|| {
                    Error::invalid_param($code, $param, concat!("Use one of:", $(" ", $word,)* "."))
                })
            }
        }
    };
}

words! {
    /// Where in its life the work of a project is.
    Environment {
        /// Experiments.
        Development = "development",
        /// Rehearsal.
        Staging = "staging",
        /// What customers meet.
        Production = "production",
    } else "invalid_environment", "environment"
}

words! {
    /// What kind of calls a project makes.
    Workload {
        /// Conversations.
        Chat = "chat",
        /// Reading structure out of text.
        Extraction = "extraction",
        /// Images, audio and video.
        MediaGeneration = "media_generation",
        /// Large jobs without a person waiting.
        Batch = "batch",
        /// Anything else.
        Other = "other",
    } else "invalid_workload", "workload"
}

words! {
    /// How careful a project has to be.
    Risk {
        /// The usual care.
        Standard = "standard",
        /// Narrower keys and a second pair of eyes.
        High = "high",
    } else "invalid_risk", "risk"
}

/// The labels of a project by which its cost is attributed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Labels {
    /// The team.
    pub team: Option<String>,
    /// The product line.
    pub product_line: Option<String>,
    /// The cost center.
    pub cost_center: Option<String>,
    /// The client, for agencies.
    pub client: Option<String>,
}

impl Labels {
    /// Trims and bounds each label; an empty one is none.
    ///
    /// # Errors
    /// `invalid_label` naming the field.
    pub fn checked(self) -> Result<Self, Error> {
        let clean = |value: Option<String>, param| match value {
            Some(value) => text::label(&value, param),
            None => Ok(None),
        };
        Ok(Self {
            team: clean(self.team, "team")?,
            product_line: clean(self.product_line, "product_line")?,
            cost_center: clean(self.cost_center, "cost_center")?,
            client: clean(self.client, "client")?,
        })
    }
}

/// A project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// The organization that owns it.
    pub organization_id: OrganizationId,
    /// The name people read; unique among the organization's active projects.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Where in its life its work is.
    pub environment: Environment,
    /// What kind of calls it makes.
    pub workload: Workload,
    /// How careful it has to be.
    pub risk: Risk,
    /// The labels by which its cost is attributed.
    pub labels: Labels,
    /// Free pairs.
    pub tags: Tags,
    /// The one of its owners to whom its cost is attributed.
    pub accountable_owner_id: Option<UserId>,
    /// When it was created.
    pub created_at: Timestamp,
    /// Since when it is archived; its keys stop.
    pub archived_at: Option<Timestamp>,
}

impl Project {
    /// Whether changes of it can need a second person: it is marked with a high risk, or in production.
    pub fn is_guarded(&self) -> bool {
        self.risk == Risk::High || self.environment == Environment::Production
    }

    /// Whether it would be less careful after becoming that.
    pub fn is_loosened_by(&self, after: &Self) -> bool {
        after.risk < self.risk || after.environment < self.environment
    }
}

/// What creating a project takes. With a name alone: development, owned by the caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewProject {
    /// The name people read.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Where in its life its work is.
    pub environment: Environment,
    /// What kind of calls it makes.
    pub workload: Workload,
    /// How careful it has to be.
    pub risk: Risk,
    /// The labels by which its cost is attributed.
    pub labels: Labels,
    /// Free pairs.
    pub tags: Tags,
    /// Its owners; at least one.
    pub owner_ids: Vec<UserId>,
    /// The one of its owners to whom its cost is attributed; the first when absent.
    pub accountable_owner_id: Option<UserId>,
}

impl NewProject {
    /// A project with a name alone, owned by the caller.
    pub fn named(name: &str, owner: UserId) -> Self {
        Self {
            name: name.to_owned(),
            description: String::new(),
            environment: Environment::Development,
            workload: Workload::Other,
            risk: Risk::Standard,
            labels: Labels::default(),
            tags: Tags::new(),
            owner_ids: vec![owner],
            accountable_owner_id: None,
        }
    }

    /// Trims, bounds and completes what was typed.
    ///
    /// # Errors
    /// `invalid_name`, `text_too_long`, `invalid_label`, `invalid_tags`, `owner_required` when there is no owner,
    /// `accountable_owner_not_owner` when the accountable owner is not among the owners.
    pub fn checked(mut self) -> Result<Self, Error> {
        self.name = text::name(&self.name, "name")?;
        self.description = text::free(&self.description, "description")?;
        self.labels = self.labels.checked()?;
        self.tags = text::tags(self.tags)?;
        let first = self.owner_ids.first().copied();
        let accountable = self.accountable_owner_id.or(first).ok_or_else(|| {
            Error::invalid_param("owner_required", "owner_ids", "Name at least one owner of the project.")
        })?;
        accountable_among(accountable, &self.owner_ids)?;
        self.accountable_owner_id = Some(accountable);
        Ok(self)
    }
}

/// The accountable owner is one of the owners.
///
/// # Errors
/// `accountable_owner_not_owner`.
pub fn accountable_among(accountable: UserId, owners: &[UserId]) -> Result<(), Error> {
    owners.contains(&accountable).then_some(()).ok_or_else(|| {
        Error::invalid_param(
            "accountable_owner_not_owner",
            "accountable_owner_id",
            "The accountable owner has to be one of the project's owners.",
        )
    })
}
