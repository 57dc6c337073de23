//! Prices: the built-in list and what an organization sets for itself. The past never changes.

pub mod api;
pub(crate) mod console;
pub mod pages;

use domain::Error;
use domain::access::Grant;
use domain::audit::{AuditEntry, Verb};
use domain::ids::PriceId;
use domain::pricing::{NewPrice, Price, built_in, import_litellm};
use domain::time::Timestamp;
use serde_json::json;
use store::prices as stored;

use crate::projects::organization_of;
use crate::{Control, Failure};

/// How many prices one file may set.
const MOST_IMPORTED: usize = 5_000;

/// Every price that an organization has or is given, by kind and model, newest first.
///
/// # Errors
/// When the store is away.
pub async fn list_prices(control: &Control, grant: &Grant) -> Result<Vec<Price>, Failure> {
    let mut prices = stored::prices_of(&control.store, grant).await?;
    prices.extend(built_in().values().flatten().map(|price| Price::clone(price)));
    prices.sort_by(|a, b| {
        let place = |price: &Price| (price.kind, price.model.clone(), price.organization_id.is_none());
        place(a).cmp(&place(b)).then(b.effective_from.cmp(&a.effective_from)).then(a.id.cmp(&b.id))
    });
    Ok(prices)
}

/// Sets a price of a model for this organization, from now or a later moment on.
///
/// # Errors
/// `invalid_model`, `invalid_rate`, `price_in_the_past`; conflict `price_exists`.
pub async fn set_price(
    control: &Control,
    grant: &Grant,
    mut new: NewPrice,
    effective_from: Option<Timestamp>,
) -> Result<Price, Failure> {
    let mut change = control.change(grant).await?;
    let now = change.at();
    new.effective_from = not_before(effective_from, now);
    let id = PriceId::mint(control.ambient.as_ref());
    let price = new.checked(now)?.into_price(id, organization_of(grant)?);
    stored::insert_price(&mut change, &price, now).await?;
    let entry = AuditEntry::new(Verb::PriceSet, id).after(json!({
        "model": price.model, "kind": price.kind, "rates": price.rates,
        "effective_from": price.effective_from.unix_seconds(), "source": price.source,
    }));
    control.commit(change, entry).await?;
    Ok(price)
}

/// What came of a price file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedPrices {
    /// Prices that were set.
    pub prices: Vec<Price>,
    /// Models that were left out, each with the reason.
    pub skipped: Vec<(String, String)>,
}

/// Sets every price of a file in LiteLLM's format that can be read exactly, all in one change.
///
/// # Errors
/// `invalid_price_file`, `price_in_the_past`; conflict `price_exists`.
pub async fn import_prices(
    control: &Control,
    grant: &Grant,
    file: &str,
    effective_from: Option<Timestamp>,
) -> Result<ImportedPrices, Failure> {
    let organization_id = organization_of(grant)?;
    let mut change = control.change(grant).await?;
    let now = change.at();
    let imported = import_litellm(file, not_before(effective_from, now))?;
    if imported.prices.is_empty() || imported.prices.len() > MOST_IMPORTED {
        let sentence = format!("The file has to hold 1 to {MOST_IMPORTED} prices that can be read exactly.");
        return Err(Error::invalid("invalid_price_file", sentence).into());
    }
    let (mut prices, mut skipped) = (Vec::new(), imported.skipped);
    for new in imported.prices {
        let model = new.model.clone();
        match new.checked(now) {
            Ok(new) => prices.push(new.into_price(PriceId::mint(control.ambient.as_ref()), organization_id)),
            Err(error) => skipped.push((model, error.to_string())),
        }
    }
    for price in &prices {
        stored::insert_price(&mut change, price, now).await?;
    }
    let models: Vec<&str> = prices.iter().map(|price| price.model.as_str()).collect();
    let entry = AuditEntry::new(Verb::PricesImported, organization_id)
        .after(json!({ "models": models, "skipped": skipped.len() }));
    control.commit(change, entry).await?;
    Ok(ImportedPrices { prices, skipped })
}

/// The moment that was asked for; absent or within the last minute means now, as a clock may differ a little.
fn not_before(wanted: Option<Timestamp>, now: Timestamp) -> Timestamp {
    wanted.filter(|wanted| !(0..domain::time::MINUTE).contains(&now.micros_since(*wanted))).unwrap_or(now)
}
