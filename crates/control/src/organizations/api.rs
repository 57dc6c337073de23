//! Organizations on the wire.

use domain::access::Permission;
use domain::audit::Verb;
use domain::organizations::{NewOrganization, Organization};
use domain::routes::{Access, Method};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::operations::{OrganizationChanges, create_organization, read_organization, update_organization};
use crate::{Answer, Call, Endpoint, Failure, api};

/// An organization.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OrganizationJson {
    /// Its id.
    pub id: String,
    /// Always `organization`.
    pub object: String,
    /// The name people read.
    pub name: String,
    /// The word in console addresses.
    pub slug: String,
    /// The calendar of its allowances and invoices.
    pub time_zone: String,
    /// When it was created, in Unix seconds.
    pub created_at: i64,
}

impl From<Organization> for OrganizationJson {
    fn from(organization: Organization) -> Self {
        Self {
            id: organization.id.to_string(),
            object: "organization".to_owned(),
            name: organization.name,
            slug: organization.slug,
            time_zone: organization.time_zone.name().to_owned(),
            created_at: organization.created_at.unix_seconds(),
        }
    }
}

/// What creating an organization takes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct NewOrganizationJson {
    /// The name people read, 1 to 120 characters.
    pub name: String,
    /// A name of the IANA time zone database; UTC when absent.
    pub time_zone: Option<String>,
}

/// What of an organization can be changed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct OrganizationChangesJson {
    /// The name people read, 1 to 120 characters.
    pub name: Option<String>,
    /// A name of the IANA time zone database.
    pub time_zone: Option<String>,
}

/// The rows of this noun.
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        api(Method::Get, "/v1/organization", "read_organization", "Read the organization.")
            .needs(Access::Organization(Permission::OrganizationRead))
            .answer::<OrganizationJson>()
            .to(read),
        api(
            Method::Post,
            "/v1/organization",
            "update_organization",
            "Change the organization's name or calendar.",
        )
        .needs(Access::Organization(Permission::OrganizationUpdate))
        .audited(Verb::OrganizationUpdated)
        .body::<OrganizationChangesJson>()
        .answer::<OrganizationJson>()
        .to(update),
        api(
            Method::Post,
            "/v1/organizations",
            "create_organization",
            "Create an organization and become its first Admin.",
        )
        .needs(Access::Account)
        .audited(Verb::OrganizationCreated)
        .body::<NewOrganizationJson>()
        .answer::<OrganizationJson>()
        .to(create),
    ]
}

async fn read(call: Call) -> Result<Answer, Failure> {
    let organization = read_organization(&call.control, &call.grant).await?;
    Ok(Answer::json(OrganizationJson::from(organization)))
}

async fn update(call: Call) -> Result<Answer, Failure> {
    let OrganizationChangesJson { name, time_zone } = call.json()?;
    let changes = OrganizationChanges { name, time_zone };
    let organization = update_organization(&call.control, &call.grant, changes).await?;
    Ok(Answer::json(OrganizationJson::from(organization)))
}

async fn create(call: Call) -> Result<Answer, Failure> {
    let body: NewOrganizationJson = call.json()?;
    let new = NewOrganization::checked(&body.name, body.time_zone.as_deref())?;
    let organization = create_organization(&call.control, &call.grant, new).await?;
    Ok(Answer::json(OrganizationJson::from(organization)))
}
