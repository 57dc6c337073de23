//! Allowances as they were decided; what they have spent is measured in `metering`.

use std::collections::HashMap;

use domain::access::Grant;
use domain::allowances::{Allowance, Enforcement, Level, Scope, Unit};
use domain::ids::{AllowanceId, ProjectId};
use domain::page::{Page, PageRequest};
use domain::time::{Span, TimeZone, Timestamp, Window};

use crate::allowance_raises::supersede_raise;
use crate::change::Change;
use crate::dialect::Row;
use crate::error::{Error, Result};
use crate::metering::{amount_of, counters_of, totals_of_scope};
use crate::reached::Reached;
use crate::{Store, args};

macro_rules! columns_within {
    ($($rest:expr),+ $(,)?) => {
        concat!(
            "select id, organization_id, level, level_id, model, unit, time_window, amount, enforcement, \
             is_spend_limit, created_at from allowances where ",
            $($rest),+
        )
    };
}

pub(crate) const ONE: &str = columns_within!("id = $1");
/// One of an organization, locked.
pub(crate) const ONE_LOCKED: &str = columns_within!("organization_id = $1 and id = $2 for update");
pub(crate) const OF_ORGANIZATION: &str = columns_within!("organization_id = $1 order by id");

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

/// What a grant reaches of allowances: with the whole organization all of them; with projects those of the projects,
/// of their keys and of their service accounts.
macro_rules! within_reach {
    ($rest:literal) => {
        columns_within!(
            "organization_id = $1 and ($2 or (level = 'project' and level_id in list($3)) \
             or (level = 'api_key' and exists (select 1 from api_keys k where k.id = level_id and k.project_id in list($3))) \
             or (level = 'service_account' and exists \
             (select 1 from service_accounts s where s.id = level_id and s.project_id in list($3)))) ",
            $rest
        )
    };
}

/// The allowances within the grant's reach, oldest first: all of the organization for a grant of all of it.
///
/// # Errors
/// `Unavailable` when the database is away.
pub async fn allowances_of(store: &Store, grant: &Grant) -> Result<Vec<Allowance>> {
    let to = Reached::of(grant);
    let rows = store.rows(within_reach!("order by id"), args![to.organization, to.all, to.whole]).await?;
    rows.iter().map(read_allowance).collect()
}

/// A page of the allowances within the grant's reach, oldest first.
///
/// # Errors
/// `Unavailable` when the database is away.
pub async fn list_allowances(store: &Store, grant: &Grant, page: &PageRequest) -> Result<Page<Allowance>> {
    let to = Reached::of(grant);
    let after = page.after.clone().unwrap_or_default();
    let rows = store
        .rows(
            within_reach!("and id > $4 order by id limit $5"),
            args![to.organization, to.all, to.whole, after, page.limit.saturating_add(1)],
        )
        .await?;
    Ok(Page::from_read(rows.iter().map(read_allowance).collect::<Result<_>>()?, page.limit))
}

/// One allowance within the grant's reach.
///
/// # Errors
/// `NotFound` when there is none.
pub async fn allowance(store: &Store, grant: &Grant, id: AllowanceId) -> Result<Allowance> {
    let to = Reached::of(grant);
    let row = store.row(within_reach!("and id = $4"), args![to.organization, to.all, to.whole, id]).await?;
    row.as_ref().map_or(Err(Error::not_found("allowance")), read_allowance)
}

/// The allowance that was made as the spend limit of the organization or of a project, within the grant's reach.
///
/// # Errors
/// `NotFound` when there is none.
pub async fn spend_limit(store: &Store, grant: &Grant, level: &Level) -> Result<Allowance> {
    let to = Reached::of(grant);
    let (kind, id) = level.words();
    let row = store
        .row(
            within_reach!("and level = $4 and level_id = $5 and is_spend_limit"),
            args![to.organization, to.all, to.whole, kind, id],
        )
        .await?;
    row.as_ref().map_or(Err(Error::not_found("spend limit")), read_allowance)
}

/// In which project what a scope names is; none for scopes above projects.
///
/// # Errors
/// `NotFound` when there is no such thing within the grant's reach.
pub async fn project_of_level(store: &Store, grant: &Grant, level: &Level) -> Result<Option<ProjectId>> {
    let (sql, what) = match level {
        Level::Organization | Level::Environment(_) => return Ok(None),
        Level::Project(_) => (
            "select id as project_id from projects where organization_id = $1 and id = $2 \
             and ($3 or id in list($4))",
            "project",
        ),
        Level::ApiKey(_) => (
            "select project_id from api_keys where organization_id = $1 and id = $2 \
             and project_id is not null and revoked_at is null and ($3 or project_id in list($4))",
            "api_key",
        ),
        Level::ServiceAccount(_) => (
            "select project_id from service_accounts where organization_id = $1 and id = $2 \
             and deleted_at is null and ($3 or project_id in list($4))",
            "service_account",
        ),
        Level::User(_) => {
            let sql = "select user_id as project_id from members where organization_id = $1 and user_id = $2";
            let row = store.row(sql, args![grant.organization_id(), level.words().1]).await?;
            return row.map_or(Err(Error::not_found("user")), |_| Ok(None));
        }
    };
    let to = Reached::of(grant);
    let row = store.row(sql, args![to.organization, level.words().1, to.all, to.whole]).await?;
    row.map_or(Err(Error::not_found(what)), |row| row.id("project_id").map(Some))
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

/// Removes an allowance with its counters and slices; a raise for a time ends with it.
///
/// # Errors
/// `NotFound` when it is gone already.
pub async fn delete_allowance(change: &mut Change, allowance: &Allowance) -> Result<()> {
    supersede_raise(change, allowance.id).await?;
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
