//! A set of permissions. What covers all of a kind covers one's own of it, so a set that holds the wide form of a
//! permission always holds its `own` form too, and *within* is plain inclusion.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::permission::{Level, Permission};

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Permissions(u128);

const _: () = assert!(Permission::ALL.len() <= 128, "one bit for each permission");

impl Permissions {
    /// Nothing.
    pub const NONE: Self = Self(0);

    /// Everything there is.
    pub const fn all() -> Self {
        let (mut set, mut at) = (Self::NONE, 0);
        while at < Permission::ALL.len() {
            set = set.with(Permission::ALL[at]);
            at += 1;
        }
        set
    }

    /// These.
    pub const fn of(permissions: &[Permission]) -> Self {
        let (mut set, mut at) = (Self::NONE, 0);
        while at < permissions.len() {
            set = set.with(permissions[at]);
            at += 1;
        }
        set
    }

    /// With one more, and with its `own` form.
    #[must_use]
    pub const fn with(self, permission: Permission) -> Self {
        let set = Self(self.0 | 1 << permission as u32);
        match permission.own() {
            Some(own) => Self(set.0 | 1 << own as u32),
            None => set,
        }
    }

    /// Those in either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Those that only look.
    #[must_use]
    pub fn reads(self) -> Self {
        self.iter().filter(|permission| permission.is_read()).collect()
    }

    /// Those that a role in one project can give.
    #[must_use]
    pub fn of_projects(self) -> Self {
        self.iter().filter(|permission| permission.level() == Level::Project).collect()
    }

    /// Whether it holds this one.
    pub const fn holds(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u32) != 0
    }

    /// Whether the other holds all of it.
    pub const fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Whether it holds nothing.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each, in the order of the printed matrix.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.holds(*permission))
    }

    /// Their names, in the order of the printed matrix.
    pub fn names(self) -> Vec<&'static str> {
        self.iter().map(Permission::name).collect()
    }

    /// Their names for people to read and to write: an `own` form that a wide form covers goes without saying.
    pub fn plain_names(self) -> Vec<&'static str> {
        let covered: Self = self.iter().filter_map(Permission::own).collect();
        self.without(covered).names()
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        permissions.into_iter().fold(Self::NONE, Self::with)
    }
}

impl Serialize for Permissions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.names())
    }
}

/// Names that are not known any more, as after a step back to an older version, give nothing.
impl<'de> Deserialize<'de> for Permissions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        Ok(names.iter().filter_map(|name| Permission::parse(name)).collect())
    }
}
