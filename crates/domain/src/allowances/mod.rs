//! Allowances: one mechanism for every limit.
//!
//! An allowance says how much of one **unit** a **scope** may use in one **window**. A call is admitted by
//! *holding* its worst case against every allowance that applies, all or nothing; when it has ended the hold is
//! *settled* by the truth. For windows of an hour and longer each replica spends only from a *slice* that it
//! leased from the store beforehand (`purse.rs` is the replica's side, `counter.rs` the store's):
//!
//! - **lease**: the store adds a slice to `leased` if `settled + leased` stays within the amount;
//! - **hold, settle**: in the replica's memory, from its slice: `free = slice - held - charged`;
//! - **drain**: the durable usage record reaches the store, once however often it is sent: its cost is added to
//!   `settled`, and what it took of the slice leaves the slice and `leased`;
//! - **return**: what a slice has free goes back to the store;
//! - **crash**: a restarted replica drains what its journal holds, then returns all its old slices. A call that was
//!   open is charged its full hold.
//!
//! Why no amount is passed: every nano-dollar a replica may still spend is in its slice, every slice is in `leased`,
//! and the leasing statement alone adds to `settled + leased`. A drain moves from one to the other; a return and
//! a crash only take away. So it holds whatever the number of replicas, losses, repetitions and clocks, and a
//! replica that is cut off may go on within its slice. The one thing that can pass is a provider that passes its own
//! bound: that *excess* is charged, shown, owed by the replica (`free` is less by it) until it has drained, and
//! counted in `settled` from then on.
//!
//! Why nothing is refused in vain: with one replica a call fits exactly when what is settled, charged and held
//! leaves room for it. With more, what lies idle in another's slice is back within seconds. A refusal says which:
//! *exhausted* when what is settled leaves too little whatever comes back, *held* when waiting may help.
//!
//! An allowance's scope, unit and window never change, for its counters would mean something else: only its amount
//! and enforcement do. Lowering it leaves slices that are out as the only excess; they come back at the next
//! return. Soft allowances are counted by the records that drain and need no slice. Minute windows and calls in
//! flight are counted in memory, each replica within its share. `trials.rs` tries to break all of this.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::ids::{AllowanceId, KeyId, OrganizationId, ProjectId, ServiceAccountId, UserId};
use crate::projects::Environment;
use crate::time::{Timestamp, Window};

mod counter;
mod purse;

pub use counter::Counter;
pub use purse::{Denial, Hold, Lease, Purse, Reason, Return, Share, SliceKey, SliceWish};

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod trials;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Money, in nano-dollars.
    NanoUsd,
    /// Calls.
    Requests,
    /// Tokens read.
    InputTokens,
    /// Tokens generated.
    OutputTokens,
    /// Tokens read and generated.
    Tokens,
    /// Images.
    Images,
    /// Seconds of sound or film.
    Seconds,
    /// Characters spoken.
    Characters,
    /// Long-running tasks.
    Tasks,
    /// Calls that are open now.
    InFlight,
}

impl Unit {
    /// Every unit, in the order of `Amounts`.
    pub const ALL: [Self; 10] = [
        Self::NanoUsd,
        Self::Requests,
        Self::InputTokens,
        Self::OutputTokens,
        Self::Tokens,
        Self::Images,
        Self::Seconds,
        Self::Characters,
        Self::Tasks,
        Self::InFlight,
    ];

    /// The word on the wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NanoUsd => "nano_usd",
            Self::Requests => "requests",
            Self::InputTokens => "input_tokens",
            Self::OutputTokens => "output_tokens",
            Self::Tokens => "tokens",
            Self::Images => "images",
            Self::Seconds => "seconds",
            Self::Characters => "characters",
            Self::Tasks => "tasks",
            Self::InFlight => "in_flight",
        }
    }

    /// The unit of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.name() == word)
    }
}

/// How much of each unit a call may use, or did use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts([i64; Unit::ALL.len()]);

impl Amounts {
    /// What one call of text costs and uses: it is one request, and one in flight.
    pub fn of_call(cost_nano_usd: i64, input_tokens: i64, output_tokens: i64) -> Self {
        Self::default()
            .with(Unit::NanoUsd, cost_nano_usd)
            .with(Unit::Requests, 1)
            .with(Unit::InFlight, 1)
            .with(Unit::InputTokens, input_tokens)
            .with(Unit::OutputTokens, output_tokens)
            .with(Unit::Tokens, input_tokens.saturating_add(output_tokens))
    }

    /// The same with another amount of one unit.
    #[must_use]
    pub fn with(mut self, unit: Unit, amount: i64) -> Self {
        self.0[unit as usize] = amount;
        self
    }

    /// The amount of one unit.
    pub fn of(&self, unit: Unit) -> i64 {
        self.0[unit as usize]
    }
}

/// Whether an allowance refuses or only tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Enforcement {
    /// Never passed.
    Hard,
    /// Counted and told.
    Soft,
}

impl Enforcement {
    /// The word on the wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hard => "hard",
            Self::Soft => "soft",
        }
    }

    /// The enforcement of that word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Hard, Self::Soft].into_iter().find(|value| value.name() == word)
    }
}

/// Whose calls an allowance counts, model aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// All of the organization.
    Organization,
    /// All projects of one environment.
    Environment(Environment),
    /// One project.
    Project(ProjectId),
    /// One key.
    ApiKey(KeyId),
    /// All keys that one member owns.
    User(UserId),
    /// All keys of one service account.
    ServiceAccount(ServiceAccountId),
}

impl Level {
    /// The words on the wire and in the database: the type and the id (empty for the organization).
    pub fn words(&self) -> (&'static str, String) {
        match self {
            Self::Organization => ("organization", String::new()),
            Self::Environment(environment) => ("environment", environment.name().to_owned()),
            Self::Project(id) => ("project", id.to_string()),
            Self::ApiKey(id) => ("api_key", id.to_string()),
            Self::User(id) => ("user", id.to_string()),
            Self::ServiceAccount(id) => ("service_account", id.to_string()),
        }
    }

    /// The level of those words. `model` as a type is the organization with a model.
    ///
    /// # Errors
    /// `invalid_scope`.
    pub fn parse(kind: &str, id: &str) -> Result<Self, Error> {
        match kind {
            "organization" | "model" => Ok(Self::Organization),
            "environment" => Environment::parse(id).map(Self::Environment),
            "project" => id.parse().map(Self::Project),
            "api_key" => id.parse().map(Self::ApiKey),
            "user" => id.parse().map(Self::User),
            "service_account" => id.parse().map(Self::ServiceAccount),
            _ => Err(Error::invalid_param(
                "invalid_scope",
                "scope",
                "Use a scope type of: organization environment project api_key user service_account model.",
            )),
        }
    }
}

/// Whose calls an allowance counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    /// Whose.
    pub level: Level,
    /// Only calls of this model.
    pub model: Option<String>,
}

/// A call, as far as scopes tell calls apart.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The project's environment.
    pub environment: Environment,
    /// The project.
    pub project_id: ProjectId,
    /// The key.
    pub key_id: KeyId,
    /// The key's owner, where a person.
    pub user_id: Option<UserId>,
    /// The key's owner, where a service account.
    pub service_account_id: Option<ServiceAccountId>,
    /// The model.
    pub model: &'a str,
}

impl Scope {
    /// Whether it counts this call of its organization.
    pub fn matches(&self, subject: &Subject<'_>) -> bool {
        let whose = match self.level {
            Level::Organization => true,
            Level::Environment(environment) => environment == subject.environment,
            Level::Project(id) => id == subject.project_id,
            Level::ApiKey(id) => id == subject.key_id,
            Level::User(id) => subject.user_id == Some(id),
            Level::ServiceAccount(id) => subject.service_account_id == Some(id),
        };
        whose && self.model.as_deref().is_none_or(|model| model == subject.model)
    }
}

/// One limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Its id.
    pub id: AllowanceId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// Whose calls it counts.
    pub scope: Scope,
    /// What it counts.
    pub unit: Unit,
    /// In which window.
    pub window: Window,
    /// How much, in the unit.
    pub amount: i64,
    /// Whether it refuses.
    pub enforcement: Enforcement,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Checks that unit, window and amount fit together.
///
/// # Errors
/// `invalid_window` when calls in flight are given a window or another unit none; `invalid_amount` when the
/// amount is negative or above 10^18.
pub fn check(unit: Unit, window: Window, amount: i64) -> Result<(), Error> {
    if (unit == Unit::InFlight) != (window == Window::None) {
        return Err(Error::invalid_param(
            "invalid_window",
            "window",
            "Calls in flight take the window none; every other unit takes minute, hour, day, week, month or lifetime.",
        ));
    }
    if !(0..=1_000_000_000_000_000_000).contains(&amount) {
        return Err(Error::invalid_param("invalid_amount", "amount", "Use an amount of 0 to 10^18."));
    }
    Ok(())
}

/// What a call takes off this replica's slice of one allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// The allowance.
    pub allowance_id: AllowanceId,
    /// The start of the window in which the call was admitted.
    pub window_start: Timestamp,
    /// How much, in the allowance's unit; never more than the slice has.
    pub amount: i64,
    /// What the call used beyond what the slice had, because the provider passed its own bound. It is in the
    /// record's cost, which the store settles; no slice pays for it.
    #[serde(default)]
    pub excess: i64,
}
