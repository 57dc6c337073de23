//! Organizations on the wire.

use std::collections::BTreeMap;

use axum::body::Body;
use domain::Error;
use domain::access::Permission;
use domain::audit::Verb;
use domain::organizations::{Feature, NewOrganization, Organization};
use domain::routes::{Access, Method};
use domain::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::life::{close_organization, export_organization, reactivate_organization, suspend_organization};
use super::operations::{OrganizationChanges, create_organization, read_organization, update_organization};
use crate::http::endpoint::Draft;
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
    /// `active`, `suspended` or `closed`; only an active one can be changed and has keys that work.
    pub state: String,
    /// Since when it is suspended, in Unix seconds.
    pub suspended_at: Option<i64>,
    /// Why it is suspended.
    pub suspension_reason: Option<String>,
    /// Since when it is closed, in Unix seconds.
    pub closed_at: Option<i64>,
    /// When it is purged, where it is closed, in Unix seconds; until then it can be reactivated.
    pub purge_at: Option<i64>,
    /// Each feature, and whether it is on.
    pub features: BTreeMap<String, bool>,
    /// The features that are switched off.
    pub features_off: Vec<String>,
}

impl From<Organization> for OrganizationJson {
    fn from(organization: Organization) -> Self {
        let off = &organization.features_off;
        let is_on = |feature: &Feature| (feature.name().to_owned(), !off.holds(*feature));
        let seconds = |at: Option<Timestamp>| at.map(Timestamp::unix_seconds);
        Self {
            id: organization.id.to_string(),
            object: "organization".to_owned(),
            state: organization.state().name().to_owned(),
            closed_at: seconds(organization.closed_at),
            purge_at: seconds(organization.purge_at()),
            features: Feature::ALL.iter().map(is_on).collect(),
            features_off: off.words().into_iter().map(str::to_owned).collect(),
            suspended_at: seconds(organization.suspension.as_ref().map(|suspension| suspension.at)),
            suspension_reason: organization.suspension.map(|suspension| suspension.reason),
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
    /// All features that are to be switched off; the others are switched on.
    pub features_off: Option<Vec<String>>,
    /// Features to switch on (`true`) or off; those that are not named stay.
    pub features: Option<BTreeMap<String, bool>>,
}

/// Why an organization is suspended.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct SuspensionJson {
    /// Why, for its members to read; at most 120 characters.
    pub reason: String,
}

/// The proof that somebody means to close an organization.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct ClosingJson {
    /// The organization's name, typed again.
    pub confirm: String,
}

impl OrganizationChangesJson {
    fn read(self) -> Result<OrganizationChanges, Error> {
        let named = |word: &String| Feature::named(word, "features_off");
        let features_off = self.features_off.map(|words| words.iter().map(named).collect::<Result<_, _>>());
        let features = self.features.unwrap_or_default();
        let switched = |(word, is_on): (&String, &bool)| Ok((Feature::named(word, "features")?, *is_on));
        Ok(OrganizationChanges {
            name: self.name,
            time_zone: self.time_zone,
            features_off: features_off.transpose()?,
            features: features.iter().map(switched).collect::<Result<_, Error>>()?,
        })
    }
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
            "Change the organization's name, calendar or settings.",
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
        standing(
            "suspend_organization",
            "/v1/organization/suspend",
            "Refuse its keys and let it only be looked at.",
        )
        .audited(Verb::OrganizationSuspended)
        .body::<SuspensionJson>()
        .to(suspend),
        standing("close_organization", "/v1/organization/close", "Suspend it, and purge it after 30 days.")
            .audited(Verb::OrganizationClosed)
            .body::<ClosingJson>()
            .to(close),
        standing(
            "reactivate_organization",
            "/v1/organization/reactivate",
            "Bring a suspended or closed one back.",
        )
        .audited(Verb::OrganizationReactivated)
        .to(reactivate),
        api(
            Method::Get,
            "/v1/organization/export",
            "export_organization",
            "Download everything of the organization without secrets, as JSON lines.",
        )
        .needs(Access::Organization(Permission::OrganizationSuspend))
        .audited(Verb::OrganizationExported)
        .to(export),
    ]
}

/// A row that changes how the organization stands.
fn standing(operation: &'static str, path: &'static str, summary: &'static str) -> Draft {
    api(Method::Post, path, operation, summary)
        .needs(Access::Organization(Permission::OrganizationSuspend))
        .answer::<OrganizationJson>()
}

async fn read(call: Call) -> Result<Answer, Failure> {
    let organization = read_organization(&call.control, &call.grant).await?;
    Ok(Answer::json(OrganizationJson::from(organization)))
}

async fn update(call: Call) -> Result<Answer, Failure> {
    let changes = call.json::<OrganizationChangesJson>()?.read()?;
    let organization = update_organization(&call.control, &call.grant, changes).await?;
    Ok(Answer::json(OrganizationJson::from(organization)))
}

async fn create(call: Call) -> Result<Answer, Failure> {
    let body: NewOrganizationJson = call.json()?;
    let new = NewOrganization::checked(&body.name, body.time_zone.as_deref())?;
    let organization = create_organization(&call.control, &call.grant, new).await?;
    Ok(Answer::json(OrganizationJson::from(organization)))
}

async fn suspend(call: Call) -> Result<Answer, Failure> {
    let body: SuspensionJson = call.json()?;
    let organization = suspend_organization(&call.control, &call.grant, &body.reason).await?;
    Ok(Answer::json(OrganizationJson::from(organization)))
}

async fn close(call: Call) -> Result<Answer, Failure> {
    let body: ClosingJson = call.json()?;
    let organization = close_organization(&call.control, &call.grant, &body.confirm).await?;
    Ok(Answer::json(OrganizationJson::from(organization)))
}

async fn reactivate(call: Call) -> Result<Answer, Failure> {
    let organization = reactivate_organization(&call.control, &call.grant).await?;
    Ok(Answer::json(OrganizationJson::from(organization)))
}

/// The export as a file, for the API and the console.
pub(super) async fn export(call: Call) -> Result<Answer, Failure> {
    let id = call.organization_id()?;
    let lines = export_organization(&call.control, &call.grant).await?;
    Ok(Answer::download("application/jsonl", &format!("{id}.jsonl"), Body::from_stream(lines)))
}
