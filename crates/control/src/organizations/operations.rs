//! What can be done with an organization.

use domain::Error;
use domain::access::Grant;
use domain::audit::{AuditEntry, Verb};
use domain::ids::OrganizationId;
use domain::organizations::{Feature, Features, NewOrganization, Organization, slug_of};
use domain::text;
use domain::time::TimeZone;
use serde_json::{Value, json};

use crate::{Control, Failure};

/// What of an organization can be changed; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrganizationChanges {
    /// The name people read.
    pub name: Option<String>,
    /// The calendar, by its name in the IANA database.
    pub time_zone: Option<String>,
    /// All that is to be switched off.
    pub features_off: Option<Features>,
    /// What is to be switched on or off besides.
    pub features: Vec<(Feature, bool)>,
}

/// The organization of the grant.
///
/// # Errors
/// `not_found`.
pub async fn read_organization(control: &Control, grant: &Grant) -> Result<Organization, Failure> {
    Ok(control.store.organization(grant).await?)
}

/// Creates an organization; the acting person becomes its first Admin.
///
/// # Errors
/// `organizations_closed` where the configuration leaves creating them to `bootstrap`.
pub async fn create_organization(
    control: &Control,
    grant: &Grant,
    new: NewOrganization,
) -> Result<Organization, Failure> {
    let actor = grant.actor().ok_or(Error::Hidden { what: "user" })?;
    if !control.settings.organizations_are_open {
        let message = "Creating organizations is closed here. Ask whoever runs this server.";
        return Err(Error::forbidden("organizations_closed", message).into());
    }
    let mut change = control.change(grant).await?;
    let id = OrganizationId::mint(control.ambient.as_ref());
    let slug = slug_of(&new.name, id);
    let organization = change.insert_organization(id, &new, actor.user_id, slug).await?;
    let after = shown(&organization);
    control.commit(change, AuditEntry::new(Verb::OrganizationCreated, id).after(after)).await?;
    Ok(organization)
}

/// Changes name, calendar and settings; the word in its addresses stays.
///
/// # Errors
/// `invalid_name`, `invalid_time_zone`.
pub async fn update_organization(
    control: &Control,
    grant: &Grant,
    changes: OrganizationChanges,
) -> Result<Organization, Failure> {
    let mut change = control.change(grant).await?;
    let before = change.lock_organization(grant).await?;
    let mut after = before.clone();
    if let Some(name) = changes.name {
        after.name = text::name(&name, "name")?;
    }
    if let Some(zone) = changes.time_zone {
        after.time_zone = TimeZone::named(&zone)?;
    }
    let off = changes.features_off.unwrap_or(after.features_off);
    after.features_off =
        changes.features.iter().fold(off, |off, (feature, is_on)| off.with(*feature, !is_on));
    change.update_organization(&after).await?;
    let entry = AuditEntry::new(Verb::OrganizationUpdated, after.id);
    control.commit(change, entry.before(shown(&before)).after(shown(&after))).await?;
    Ok(after)
}

/// What the trail keeps of an organization.
pub(super) fn shown(organization: &Organization) -> Value {
    json!({
        "name": organization.name, "slug": organization.slug, "time_zone": organization.time_zone.name(),
        "features_off": organization.features_off.words(),
    })
}
