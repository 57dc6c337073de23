//! Allowances as they were decided; what they have spent is measured in `metering`.

use std::collections::HashMap;

use domain::access::Grant;
use domain::allowances::{Allowance, Enforcement, Level, Scope, Unit};
use domain::ids::AllowanceId;
use domain::time::{Span, TimeZone, Timestamp, Window};

use crate::change::Change;
use crate::dialect::Row;
use crate::error::{Error, Result};
use crate::metering::{amount_of, counters_of, totals_of_scope};
use crate::{Store, args};

macro_rules! columns {
    ($rest:literal) => {
        concat!(
            "select id, organization_id, level, level_id, model, unit, time_window, amount, enforcement, \
             is_spend_limit, created_at from allowances where ",
            $rest
        )
    };
}

pub(crate) const ONE: &str = columns!("id = $1");
pub(crate) const OF_ORGANIZATION: &str = columns!("organization_id = $1 order by id");

/// Reads an allowance.
pub(crate) fn read_allowance(row: &Row) -> Result<Allowance> {
    let model = row.text("model")?;
    Ok(Allowance {
        id: row.id("id")?,
        organization_id: row.id("organization_id")?,
        scope: Scope {
            level: Level::parse(&row.text("level")?, &row.text("level_id")?)?,
            model: (!model.is_empty()).then_some(model),
        },
        unit: row.word("unit", Unit::parse)?,
        window: row.word("time_window", Window::parse)?,
        amount: row.int("amount")?,
        enforcement: row.word("enforcement", Enforcement::parse)?,
        created_at: row.time("created_at")?,
    })
}

/// All allowances of the grant's organization, oldest first.
///
/// # Errors
/// `Unavailable` when the database is away.
pub async fn allowances_of(store: &Store, grant: &Grant) -> Result<Vec<Allowance>> {
    let rows = store.rows(OF_ORGANIZATION, args![grant.organization_id()]).await?;
    rows.iter().map(read_allowance).collect()
}

/// One allowance of the grant's organization.
///
/// # Errors
/// `NotFound` when there is none.
pub async fn allowance(store: &Store, grant: &Grant, id: AllowanceId) -> Result<Allowance> {
    let row =
        store.row(columns!("organization_id = $1 and id = $2"), args![grant.organization_id(), id]).await?;
    row.as_ref().map_or(Err(Error::not_found("allowance")), read_allowance)
}

/// The allowance that was made as the spend limit of the organization or of a project.
///
/// # Errors
/// `NotFound` when there is none.
pub async fn spend_limit(store: &Store, grant: &Grant, level: &Level) -> Result<Allowance> {
    let (kind, id) = level.words();
    let row = store
        .row(
            columns!("organization_id = $1 and level = $2 and level_id = $3 and is_spend_limit"),
            args![grant.organization_id(), kind, id],
        )
        .await?;
    row.as_ref().map_or(Err(Error::not_found("spend limit")), read_allowance)
}

/// What an allowance has spent in its present window, and what is lent to replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spending {
    /// The window.
    pub span: Span,
    /// What the window's records add up to.
    pub spent: i64,
    /// What replicas hold as slices.
    pub held: i64,
}

/// What each of these allowances has spent now. Minute windows and calls in flight are counted by each replica in
/// its memory; they have no entry.
///
/// # Errors
/// `Unavailable` when the database is away.
pub async fn spending_of(
    store: &Store,
    grant: &Grant,
    allowances: &[Allowance],
    zone: &TimeZone,
    at: Timestamp,
) -> Result<HashMap<AllowanceId, Spending>> {
    let counters = counters_of(store, grant, at).await?;
    let organization = grant.organization_id().map(|id| id.to_string()).unwrap_or_default();
    let mut spending = HashMap::new();
    for allowance in allowances.iter().filter(|allowance| allowance.window.is_durable()) {
        let span = allowance.window.span(at, zone);
        let counter = counters
            .iter()
            .find(|counter| counter.allowance_id == allowance.id && counter.span.start == span.start);
        let (spent, held) = match counter {
            Some(counter) => (counter.settled, counter.leased),
            None => {
                let totals = totals_of_scope(store, &organization, &allowance.scope, span).await?;
                (amount_of(allowance.unit, &totals), 0)
            }
        };
        spending.insert(allowance.id, Spending { span, spent, held });
    }
    Ok(spending)
}

/// Keeps a new allowance.
///
/// # Errors
/// `Conflict` with `spend_limit_exists` when the level has a spend limit already.
pub async fn insert_allowance(
    change: &mut Change,
    allowance: &Allowance,
    is_spend_limit: bool,
) -> Result<()> {
    let (level, level_id) = allowance.scope.level.words();
    let inserted = change
        .run(
            "insert into allowances (id, organization_id, level, level_id, model, unit, time_window, amount, \
             enforcement, is_spend_limit, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            args![
                allowance.id,
                allowance.organization_id,
                level,
                level_id,
                allowance.scope.model.clone().unwrap_or_default(),
                allowance.unit.name(),
                allowance.window.name(),
                allowance.amount,
                allowance.enforcement.name(),
                is_spend_limit,
                allowance.created_at,
            ],
        )
        .await;
    match inserted {
        Err(error) if error.is_conflict("already_exists") => Err(Error::Conflict {
            code: "spend_limit_exists",
            message: "There is a spend limit already; it was set a moment ago.".to_owned(),
        }),
        other => other.map(|_| ()),
    }
}

/// Changes the amount and the enforcement; scope, unit and window stay what they were.
///
/// # Errors
/// `NotFound` when it is gone.
pub async fn update_allowance(change: &mut Change, allowance: &Allowance) -> Result<()> {
    let changed = change
        .run(
            "update allowances set amount = $3, enforcement = $4 where organization_id = $1 and id = $2",
            args![allowance.organization_id, allowance.id, allowance.amount, allowance.enforcement.name()],
        )
        .await?;
    (changed == 1).then_some(()).ok_or(Error::not_found("allowance"))
}

/// Removes an allowance with its counters and slices.
///
/// # Errors
/// `NotFound` when it is gone already.
pub async fn delete_allowance(change: &mut Change, allowance: &Allowance) -> Result<()> {
    let removed = change
        .run(
            "delete from allowances where organization_id = $1 and id = $2",
            args![allowance.organization_id, allowance.id],
        )
        .await?;
    if removed == 0 {
        return Err(Error::not_found("allowance"));
    }
    change.run("delete from allowance_counters where allowance_id = $1", args![allowance.id]).await?;
    change.run("delete from allowance_slices where allowance_id = $1", args![allowance.id]).await?;
    Ok(())
}
