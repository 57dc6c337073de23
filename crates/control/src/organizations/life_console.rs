//! The console's rows by which an organization is switched, suspended, closed, brought back and exported.

use domain::Error;
use domain::access::Permission;
use domain::audit::Verb;
use domain::organizations::{Feature, Features};
use domain::routes::{Access, Method};

use super::console::back;
use super::{
    OrganizationChanges, api, close_organization, reactivate_organization, suspend_organization,
    update_organization,
};
use crate::http::endpoint::Draft;
use crate::{Answer, Call, Endpoint, Failure, page};

/// The rows.
pub fn endpoints() -> Vec<Endpoint> {
    const FEATURES: &str = "/o/{slug}/settings/features";
    const SUSPEND: &str = "/o/{slug}/settings/suspend";
    const CLOSE: &str = "/o/{slug}/settings/close";
    const REACTIVATE: &str = "/o/{slug}/settings/reactivate";
    const EXPORT: &str = "/o/{slug}/settings/export";
    let stops = |draft: Draft| draft.needs(Access::Organization(Permission::OrganizationSuspend));
    vec![
        page(Method::Post, FEATURES, "update_features_form", "Switch features of the organization.")
            .needs(Access::Organization(Permission::OrganizationUpdate))
            .audited(Verb::OrganizationUpdated)
            .to(features),
        stops(page(Method::Post, SUSPEND, "suspend_organization_form", "Suspend the organization."))
            .audited(Verb::OrganizationSuspended)
            .to(suspend),
        stops(page(Method::Post, CLOSE, "close_organization_form", "Close the organization."))
            .audited(Verb::OrganizationClosed)
            .to(close),
        stops(page(Method::Post, REACTIVATE, "reactivate_organization_form", "Bring the organization back."))
            .audited(Verb::OrganizationReactivated)
            .to(reactivate),
        stops(page(Method::Get, EXPORT, "export_organization_file", "Download the organization's export."))
            .audited(Verb::OrganizationExported)
            .to(api::export),
    ]
}

async fn features(call: Call) -> Result<Answer, Failure> {
    let updated = match switched(&call) {
        Ok(changes) => update_organization(&call.control, &call.grant, changes).await,
        Err(error) => Err(error.into()),
    };
    back(&call, updated.map(|_| "The features are saved."))
}

/// What the form switches: what is not ticked is off.
fn switched(call: &Call) -> Result<OrganizationChanges, Error> {
    let form = call.form();
    let named = |word: &String| Feature::named(word, "features");
    let on: Features = form.many("features").iter().map(named).collect::<Result<_, _>>()?;
    Ok(OrganizationChanges {
        features_off: Some(Feature::ALL.iter().copied().filter(|feature| !on.holds(*feature)).collect()),
        ..OrganizationChanges::default()
    })
}

async fn suspend(call: Call) -> Result<Answer, Failure> {
    let suspended = suspend_organization(&call.control, &call.grant, call.form().text("reason")).await;
    back(&call, suspended.map(|_| "Suspended. Its keys are refused from now on."))
}

async fn close(call: Call) -> Result<Answer, Failure> {
    let closed = close_organization(&call.control, &call.grant, call.form().text("confirm")).await;
    back(&call, closed.map(|_| "Closed. Until it is purged it can be brought back here."))
}

async fn reactivate(call: Call) -> Result<Answer, Failure> {
    let reactivated = reactivate_organization(&call.control, &call.grant).await;
    back(&call, reactivated.map(|_| "In use again."))
}
