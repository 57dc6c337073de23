//! Allowances: the limits that were decided, with what each has spent, holds and has left.

pub mod api;
pub(crate) mod console;
pub mod pages;
pub mod spend_limit;

use domain::Error;
use domain::access::{Grant, Permission, Reach};
use domain::allowances::{Allowance, Enforcement, Level, Scope, Unit, check};
use domain::audit::{AuditEntry, Verb};
use domain::ids::{AllowanceId, ProjectId};
use domain::page::{Page, PageRequest};
use domain::pricing::model_name;
use domain::time::{Timestamp, Window};
use serde_json::{Value, json};
use store::allowance_raises::supersede_raise;
use store::allowances as stored;
use store::allowances::Spending;

use crate::projects::organization_of;
use crate::{Control, Failure};

/// What a new allowance takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAllowance {
    /// Whose calls it counts.
    pub scope: Scope,
    /// What it counts.
    pub unit: Unit,
    /// In which window.
    pub window: Window,
    /// How much.
    pub amount: i64,
    /// Whether it refuses.
    pub enforcement: Enforcement,
}

/// An allowance with what it has spent in its present window; nothing where replicas count in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpentAllowance {
    /// The allowance.
    pub allowance: Allowance,
    /// Its present window.
    pub spending: Option<Spending>,
}

impl SpentAllowance {
    /// What is neither spent nor held.
    pub fn left(&self) -> Option<i64> {
        let spending = self.spending?;
        Some(self.allowance.amount.saturating_sub(spending.spent).saturating_sub(spending.held).max(0))
    }

    /// When its window ends; never for a lifetime.
    pub fn resets_at(&self) -> Option<Timestamp> {
        let ends = !matches!(self.allowance.window, Window::Lifetime | Window::None);
        self.spending.map(|spending| spending.span.end).filter(|_| ends)
    }
}

/// Makes an allowance.
///
/// # Errors
/// `invalid_window`, `invalid_amount`, `invalid_model`; `Hidden` when what the scope names is not within reach;
/// `missing_permission` for scopes above what the grant reaches.
pub async fn create_allowance(
    control: &Control,
    grant: &Grant,
    new: NewAllowance,
) -> Result<SpentAllowance, Failure> {
    make(control, grant, new, Purpose::Allowance).await
}

/// What an allowance is made to be.
pub(crate) enum Purpose {
    /// One of any number.
    Allowance,
    /// The spend limit of its level, in the place of the one that was.
    SpendLimit { was: Option<Allowance> },
}

pub(crate) async fn make(
    control: &Control,
    grant: &Grant,
    new: NewAllowance,
    purpose: Purpose,
) -> Result<SpentAllowance, Failure> {
    check(new.unit, new.window, new.amount)?;
    let project = may_set(control, grant, &new.scope.level).await?;
    let model = new.scope.model.as_deref().map(model_name).transpose()?;
    let mut change = control.change(grant).await?;
    let allowance = Allowance {
        id: AllowanceId::mint(control.ambient.as_ref()),
        organization_id: organization_of(grant)?,
        scope: Scope { level: new.scope.level, model },
        unit: new.unit,
        window: new.window,
        amount: new.amount,
        enforcement: new.enforcement,
        created_at: change.at(),
    };
    let mut entry = match &purpose {
        Purpose::Allowance => AuditEntry::new(Verb::AllowanceCreated, allowance.id),
        Purpose::SpendLimit { .. } => AuditEntry::new(Verb::AllowanceUpdated, allowance.id),
    };
    if let Purpose::SpendLimit { was: Some(was) } = &purpose {
        stored::delete_allowance(&mut change, was).await?;
        entry = entry.before(facts(was));
    }
    let is_spend_limit = matches!(purpose, Purpose::SpendLimit { .. });
    stored::insert_allowance(&mut change, &allowance, is_spend_limit).await?;
    entry = entry.after(facts(&allowance));
    entry.project_id = project;
    control.commit(change, entry).await?;
    spent(control, grant, allowance).await
}

/// A page of the allowances within reach, oldest first.
///
/// # Errors
/// When the store is away.
pub async fn list_allowances(
    control: &Control,
    grant: &Grant,
    page: &PageRequest,
) -> Result<Page<SpentAllowance>, Failure> {
    let page = stored::list_allowances(&control.store, grant, page).await?;
    let items = with_spending(control, grant, page.items).await?;
    Ok(Page { items, has_more: page.has_more })
}

/// One allowance within reach.
///
/// # Errors
/// `Hidden` when there is none.
pub async fn retrieve_allowance(
    control: &Control,
    grant: &Grant,
    id: AllowanceId,
) -> Result<SpentAllowance, Failure> {
    let allowance = stored::allowance(&control.store, grant, id).await?;
    spent(control, grant, allowance).await
}

/// Changes amount and enforcement; with an amount a raise for a time ends. Slices that are out already are the only excess of a lowered amount; they are
/// shown as held.
///
/// # Errors
/// `invalid_amount`; `Hidden` when there is none within reach; `missing_permission`.
pub async fn update_allowance(
    control: &Control,
    grant: &Grant,
    id: AllowanceId,
    (amount, enforcement): (Option<i64>, Option<Enforcement>),
) -> Result<SpentAllowance, Failure> {
    let before = stored::allowance(&control.store, grant, id).await?;
    let project = may_set(control, grant, &before.scope.level).await?;
    let after = Allowance {
        amount: amount.unwrap_or(before.amount),
        enforcement: enforcement.unwrap_or(before.enforcement),
        ..before.clone()
    };
    check(after.unit, after.window, after.amount)?;
    let mut change = control.change(grant).await?;
    if amount.is_some() {
        supersede_raise(&mut change, id).await?;
    }
    stored::update_allowance(&mut change, &after).await?;
    let mut entry = AuditEntry::new(Verb::AllowanceUpdated, id).before(facts(&before)).after(facts(&after));
    entry.project_id = project;
    control.commit(change, entry).await?;
    spent(control, grant, after).await
}

/// Removes an allowance.
///
/// # Errors
/// `Hidden` when there is none within reach; `missing_permission`.
pub async fn delete_allowance(control: &Control, grant: &Grant, id: AllowanceId) -> Result<(), Failure> {
    let before = stored::allowance(&control.store, grant, id).await?;
    // What an allowance was made for may be gone meanwhile; whoever reaches the whole organization removes it still.
    let project = match grant.reach() {
        Reach::All => None,
        Reach::Some { .. } => may_set(control, grant, &before.scope.level).await?,
    };
    let mut change = control.change(grant).await?;
    stored::delete_allowance(&mut change, &before).await?;
    let mut entry = AuditEntry::new(Verb::AllowanceDeleted, id).before(facts(&before));
    entry.project_id = project;
    control.commit(change, entry).await
}

/// Whether the grant may set an allowance of this level, and in which project it is. Who does not reach the whole
/// organization sets allowances of keys and service accounts in the projects that they reach, and of a project
/// only with a grant for just that project (the spend limit, which needs its own permission).
async fn may_set(control: &Control, grant: &Grant, level: &Level) -> Result<Option<ProjectId>, Failure> {
    let is_theirs = match (grant.reach(), level) {
        (Reach::All, _) | (_, Level::ApiKey(_) | Level::ServiceAccount(_)) => true,
        (_, Level::Project(_)) => grant.permission() == Some(Permission::AllowanceManage),
        _ => false,
    };
    if !is_theirs {
        let sentence =
            "Missing scopes: allowance.manage. A Project Owner limits keys and service accounts only.";
        return Err(Error::forbidden("missing_permission", sentence).into());
    }
    Ok(stored::project_of_level(&control.store, grant, level).await?)
}

async fn spent(control: &Control, grant: &Grant, allowance: Allowance) -> Result<SpentAllowance, Failure> {
    let mut list = with_spending(control, grant, vec![allowance]).await?;
    list.pop().ok_or_else(|| Error::Hidden { what: "allowance" }.into())
}

/// Adds to allowances what each has spent.
///
/// # Errors
/// When the store is away.
pub async fn with_spending(
    control: &Control,
    grant: &Grant,
    allowances: Vec<Allowance>,
) -> Result<Vec<SpentAllowance>, Failure> {
    let zone = control.store.organization(grant).await?.time_zone;
    let now = control.now();
    let spending = stored::spending_of(&control.store, grant, &allowances, &zone, now).await?;
    let joined = allowances.into_iter().map(|allowance| {
        let spending = spending.get(&allowance.id).copied();
        SpentAllowance { allowance, spending }
    });
    Ok(joined.collect())
}

/// What the audit trail keeps of an allowance.
fn facts(allowance: &Allowance) -> Value {
    let (kind, id) = allowance.scope.level.words();
    json!({
        "scope": { "type": kind, "id": id, "model": allowance.scope.model },
        "unit": allowance.unit, "window": allowance.window, "amount": allowance.amount,
        "enforcement": allowance.enforcement,
    })
}
