//! The organization: top container of members, projects, billing, settings and security policies.

use crate::error::Error;
use crate::ids::OrganizationId;
use crate::text;
use crate::time::{TimeZone, Timestamp};

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
