//! Access reviews: a campaign that lists everybody's rights with their last use, proposes a smaller role where rights
//! went unused, and records who kept or reduced what.
//!
//! A **right** is a role of one person in one place, held by membership, by assignment, or through a group. Rights
//! that end by themselves are not reviewed: they are over before a campaign is. What is proposed never takes what was
//! used in the last 90 days, nor what keys need to work; and nothing is proposed about what is too new to tell.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::access::{Level, OrganizationRole, Permission, Permissions, RoleRef};
use crate::error::Error;
use crate::ids::{GroupId, OrganizationId, ProjectId, ReviewId, ReviewItemId, UserId};
use crate::text;
use crate::time::{DAY, Timestamp};

/// After how long without use a right is proposed to go, in microseconds: 90 days.
pub const UNUSED_AFTER: i64 = 90 * DAY;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word on the wire and in the database.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The value of that word.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.name() == word)
            }
        }
    };
}

words! {
    /// How a right is held.
    Source {
        /// The role that every member has in the organization.
        Membership = "membership",
        /// The role of somebody who was added to a project.
        ProjectMembership = "project_membership",
        /// A further role, given to the person.
        Assignment = "assignment",
        /// A role that a group has.
        Group = "group",
    }
}

words! {
    /// What became of a right in a campaign.
    Decision {
        /// It stays.
        Kept = "kept",
        /// It became smaller, or went.
        Reduced = "reduced",
    }
}

/// A role of one person in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    /// How it is held.
    pub source: Source,
    /// The role.
    pub role: RoleRef,
    /// What the role gives there.
    pub permissions: Permissions,
    /// The only project in which it holds; none for the organization and all its projects.
    pub project_id: Option<ProjectId>,
    /// The group through which it is held.
    pub group_id: Option<GroupId>,
    /// Who gave it.
    pub given_by: Option<UserId>,
    /// When.
    pub given_at: Timestamp,
}

/// The last use of a permission by one person in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// The permission.
    pub permission: Permission,
    /// The project; none for the organization or a list of it.
    pub project_id: Option<ProjectId>,
    /// The start of the day, UTC.
    pub day: Timestamp,
}

/// The last day on which each permission of a right was used; permissions that never were are absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LastUses(BTreeMap<String, Timestamp>);

impl LastUses {
    /// The last day of one permission.
    pub fn of(&self, permission: Permission) -> Option<Timestamp> {
        self.0.get(permission.name()).copied()
    }

    /// The last day of any.
    pub fn latest(&self) -> Option<Timestamp> {
        self.0.values().copied().max()
    }

    /// Those that were used at a moment or later.
    pub fn since(&self, moment: Timestamp) -> Permissions {
        let recent = self.0.iter().filter(|(_, day)| **day >= moment);
        recent.filter_map(|(name, _)| Permission::parse(name)).collect()
    }

    fn note(&mut self, used: &Use) {
        let day = self.0.entry(used.permission.name().to_owned()).or_insert(used.day);
        *day = used.day.max(*day);
    }
}

/// What is proposed about a right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proposal {
    /// To keep it.
    Keep,
    /// To give this smaller role instead.
    Reduce(RoleRef),
    /// To take it away.
    Remove,
    /// Nothing: the person, the right or the noting of uses is younger than 90 days.
    TooNew,
}

impl Proposal {
    /// The word on the wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Reduce(_) => "reduce",
            Self::Remove => "remove",
            Self::TooNew => "too_new",
        }
    }

    /// The proposal of that word, with the role it proposes.
    pub fn parse(word: &str, role: Option<RoleRef>) -> Option<Self> {
        match (word, role) {
            ("keep", _) => Some(Self::Keep),
            ("reduce", Some(role)) => Some(Self::Reduce(role)),
            ("remove", _) => Some(Self::Remove),
            ("too_new", _) => Some(Self::TooNew),
            _ => None,
        }
    }

    /// Whether it is to change something.
    pub const fn is_change(self) -> bool {
        matches!(self, Self::Reduce(_) | Self::Remove)
    }
}

/// What is known of one person when a campaign opens.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// Their rights that last.
    pub rights: &'a [Right],
    /// What they used.
    pub uses: &'a [Use],
    /// The projects in which they own keys that could work.
    pub keys_in: &'a [ProjectId],
    /// Since when uses of theirs are noted: they joined, and the system notes.
    pub known_since: Timestamp,
}

impl Evidence<'_> {
    /// When each permission of a right was last used by it, and what is proposed.
    ///
    /// In a project the project's own role counts first: what it covers does not speak for a role in the whole
    /// organization.
    pub fn judge(&self, right: &Right, at: Timestamp) -> (LastUses, Proposal) {
        let mut uses = LastUses::default();
        let counts = |used: &&Use| right.permissions.holds(used.permission) && self.speaks_for(right, used);
        self.uses.iter().filter(counts).for_each(|used| uses.note(used));
        let since = at.plus_micros(-UNUSED_AFTER);
        if self.known_since.max(right.given_at) > since {
            return (uses, Proposal::TooNew);
        }
        let proposal = self.propose(right, uses.since(since));
        (uses, proposal)
    }

    fn speaks_for(&self, right: &Right, used: &Use) -> bool {
        match (right.project_id, used.project_id) {
            (Some(here), Some(there)) => here == there,
            // A list of the organization is made of what counts in any of its projects.
            (Some(_), None) => true,
            // Whoever belongs to the organization may list the projects that they see.
            (None, None) => used.permission != Permission::ProjectRead,
            (None, Some(there)) => !self.in_project(there).any(|one| one.permissions.holds(used.permission)),
        }
    }

    fn in_project(&self, project: ProjectId) -> impl Iterator<Item = &Right> {
        self.rights.iter().filter(move |one| one.project_id == Some(project))
    }

    fn propose(&self, right: &Right, used: Permissions) -> Proposal {
        // Membership itself stays and gives this much.
        let floor = match (right.source, right.project_id) {
            (Source::Membership, _) | (_, Some(_)) => Permissions::NONE,
            _ => OrganizationRole::Member.permissions(),
        };
        let needed = used.without(floor);
        let for_keys = self.keys_need(right);
        if right.source != Source::Membership && needed.is_empty() && !for_keys {
            return Proposal::Remove;
        }
        let fits = |permissions: Permissions| {
            needed.is_within(permissions) && (!for_keys || carries_keys(permissions))
        };
        let smaller = smaller_roles(right).into_iter().filter(|(_, permissions)| fits(*permissions));
        smaller
            .min_by_key(|(_, permissions)| permissions.iter().count())
            .map_or(Proposal::Keep, |(role, _)| Proposal::Reduce(role))
    }

    /// Whether keys of theirs would stop without a right that carries keys here.
    fn keys_need(&self, right: &Right) -> bool {
        let carried_there =
            |project: ProjectId| self.in_project(project).any(|one| carries_keys(one.permissions));
        match right.project_id {
            Some(project) => self.keys_in.contains(&project),
            None => self.keys_in.iter().any(|project| !carried_there(*project)),
        }
    }
}

/// Whether a role that gives these lets somebody's own keys work.
pub const fn carries_keys(permissions: Permissions) -> bool {
    permissions.holds(Permission::ApiKeyManageOwn)
}

/// The built-in roles of its level that give less than a right does; none through a group, whose role is the group's.
pub fn smaller_roles(right: &Right) -> Vec<(RoleRef, Permissions)> {
    let level = if right.project_id.is_some() { Level::Project } else { Level::Organization };
    let roles = RoleRef::built_in(level).into_iter().filter(|_| right.source != Source::Group);
    let given = roles.filter_map(|role| Some((role, role.built_in_permissions()?)));
    let is_smaller = |permissions: &Permissions| {
        permissions.is_within(right.permissions) && *permissions != right.permissions
    };
    given.filter(|(_, permissions)| is_smaller(permissions)).collect()
}

/// A campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// Its id.
    pub id: ReviewId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The name people read.
    pub name: String,
    /// Who opened it.
    pub opened_by: Option<UserId>,
    /// When: the moment of which it is a picture.
    pub opened_at: Timestamp,
    /// By when it is to be done.
    pub due_at: Option<Timestamp>,
    /// Who closed it.
    pub closed_by: Option<UserId>,
    /// When.
    pub closed_at: Option<Timestamp>,
}

impl Review {
    /// Checks name and due date of a new campaign.
    ///
    /// # Errors
    /// `invalid_name`; `invalid_due_date` for one that has passed.
    pub fn checked(name: &str, due_at: Option<Timestamp>, at: Timestamp) -> Result<String, Error> {
        if due_at.is_some_and(|due_at| due_at <= at) {
            let sentence = "The date by which a review is to be done lies ahead.";
            return Err(Error::invalid_param("invalid_due_date", "due_at", sentence));
        }
        text::name(name, "name")
    }

    /// Refuses once it is closed.
    ///
    /// # Errors
    /// `review_closed`.
    pub fn is_open(&self) -> Result<(), Error> {
        match self.closed_at {
            None => Ok(()),
            Some(_) => Err(Error::conflict("review_closed", "This review is closed. Open a new one.")),
        }
    }
}

/// Whose right it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The person.
    pub user_id: UserId,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// Since when they are a member.
    pub joined_at: Timestamp,
}

/// What was decided about a right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// What.
    pub decision: Decision,
    /// The smaller role that was given; none where the right stayed or went.
    pub role: Option<RoleRef>,
    /// What was said.
    pub note: String,
    /// By whom.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

/// The names of what a right is made of, as they were when the campaign opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The role's.
    pub role: String,
    /// The project's; empty without one.
    pub project: String,
    /// The group's; empty without one.
    pub group: String,
}

/// One right of one person in a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its id.
    pub id: ReviewItemId,
    /// The campaign.
    pub review_id: ReviewId,
    /// Whose.
    pub holder: Holder,
    /// What.
    pub right: Right,
    /// In words.
    pub names: Names,
    /// When it was last used.
    pub uses: LastUses,
    /// What is proposed.
    pub proposal: Proposal,
    /// What was decided.
    pub decided: Option<Decided>,
}

impl Item {
    /// Whether this person may decide about it now.
    ///
    /// # Errors
    /// `own_rights`; conflict `item_decided`.
    pub fn decide(&self, by: UserId) -> Result<(), Error> {
        if by == self.holder.user_id {
            let sentence = "Nobody decides about their own rights. Another reviewer has to.";
            return Err(Error::forbidden("own_rights", sentence));
        }
        match self.decided {
            None => Ok(()),
            Some(_) => Err(Error::conflict("item_decided", "This right was decided about already.")),
        }
    }

    /// What to reduce it to: the wanted role, `none` to take it away, or what is proposed. None takes it away.
    ///
    /// # Errors
    /// `role_required` where nothing is proposed; `role_not_smaller`; `membership_kept`.
    pub fn reduced_to(&self, wanted: Option<&str>) -> Result<Option<RoleRef>, Error> {
        let refuse = |code, sentence: &'static str| Err(Error::invalid_param(code, "role", sentence));
        let role = match (wanted, self.proposal) {
            (Some("none"), _) => None,
            (Some(word), _) => Some(self.role_of(word)),
            (None, Proposal::Reduce(role)) => Some(Some(role)),
            (None, Proposal::Remove) => None,
            (None, Proposal::Keep | Proposal::TooNew) => {
                return refuse("role_required", "No smaller role is proposed here. Name one, or `none`.");
            }
        };
        match role {
            None if self.right.source == Source::Membership => refuse(
                "membership_kept",
                "A member keeps a role in the organization. Remove the member instead.",
            ),
            None => Ok(None),
            Some(Some(role)) if smaller_roles(&self.right).iter().any(|(one, _)| *one == role) => {
                Ok(Some(role))
            }
            Some(_) => refuse("role_not_smaller", "Name a built-in role that gives less than this one."),
        }
    }

    /// The role of an exact word, such as `member`, or of an id.
    fn role_of(&self, word: &str) -> Option<RoleRef> {
        let here = smaller_roles(&self.right).into_iter().map(|(role, _)| role);
        let is_named = |role: &RoleRef| match role {
            RoleRef::Organization(role) => role.name() == word,
            RoleRef::Project(role) => role.name() == word,
            RoleRef::Custom(_) => false,
        };
        here.into_iter().find(is_named).or_else(|| RoleRef::of_wire(word).ok())
    }
}

#[cfg(test)]
mod tests;
