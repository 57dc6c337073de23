//! Prices that organizations set for themselves. They are added, never edited: the past stays what it was.

use domain::access::Grant;
use domain::ids::OrganizationId;
use domain::pricing::Price;
use domain::providers::ProviderKind;
use domain::time::Timestamp;

use crate::change::Change;
use crate::dialect::Row;
use crate::error::{Error, Result};
use crate::{Store, args};

fn read(row: &Row) -> Result<Price> {
    Ok(Price {
        id: row.text("id")?,
        organization_id: Some(row.id::<OrganizationId>("organization_id")?),
        model: row.text("model")?,
        kind: row.word("kind", |word| ProviderKind::parse(word).ok())?,
        rates: row.json("rates")?,
        context_tokens: row.opt_int("context_tokens")?,
        max_output_tokens: row.opt_int("max_output_tokens")?,
        effective_from: row.time("effective_from")?,
        source: row.text("source")?,
    })
}

/// All prices that the grant's organization set for itself, past ones too.
///
/// # Errors
/// `Unavailable` when the database is away.
pub async fn prices_of(store: &Store, grant: &Grant) -> Result<Vec<Price>> {
    let rows = store
        .rows(
            "select id, organization_id, model, kind, rates, context_tokens, max_output_tokens, effective_from, source \
             from prices where organization_id = $1 order by kind, model, effective_from desc",
            args![grant.organization_id()],
        )
        .await?;
    rows.iter().map(read).collect()
}

/// Adds a price.
///
/// # Errors
/// `Conflict` with `price_exists` when the model has another price from the same moment on.
pub async fn insert_price(change: &mut Change, price: &Price, at: Timestamp) -> Result<()> {
    let rates = serde_json::to_string(&price.rates).map_err(|error| Error::Corrupt(error.to_string()))?;
    let inserted = change
        .run(
            "insert into prices (id, organization_id, model, kind, rates, context_tokens, max_output_tokens, \
             effective_from, source, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            args![
                &price.id,
                price.organization_id,
                &price.model,
                price.kind.name(),
                rates,
                price.context_tokens,
                price.max_output_tokens,
                price.effective_from,
                &price.source,
                at,
            ],
        )
        .await;
    match inserted {
        Err(error) if error.is_conflict("already_exists") => Err(Error::Conflict {
            code: "price_exists",
            message: format!("{} has another price from the same moment on.", price.model),
        }),
        other => other.map(|_| ()),
    }
}
