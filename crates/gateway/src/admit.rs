//! Fourth phase: the worst case of the call is held against every allowance that applies, and the journal has its
//! open record. Only here an `Admission` is made, and nothing leaves without one.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::allowances::{
    Allowance, Amounts, Denial, Enforcement, Hold, Level, Purse, Reason, SliceWish, Subject, Unit,
};
use domain::api_keys::KeyOwner;
use domain::ids::RecordId;
use domain::pricing::Quantities;
use domain::time::Timestamp;
use http::StatusCode;

use crate::Inner;
use crate::call::{Call, Caller, Choice};
use crate::choose::not_priced;
use crate::error::Refusal;
use crate::ports::{JournalSlot, PortError};
use crate::record::{Bound, open_call};
use crate::settle::{Admission, Admitted};

/// So often a hold is tried while other calls take what was leased for it.
const ATTEMPTS: usize = 32;
/// For so long a call waits for its turn to ask the store: as long as the store itself may take to answer.
const TURN_WAIT: Duration = Duration::from_secs(5);
/// How many allowances can be asked for at once.
const TURNS: usize = 64;

/// Admits the call, or says which limit refuses it.
pub(crate) async fn admit(
    gateway: &Arc<Inner>,
    call: &Call,
    caller: &Caller,
    choice: &Choice,
) -> Result<Admission, Refusal> {
    let applicable = applicable(caller, choice);
    let binds = |one: &Arc<Allowance>| one.enforcement == Enforcement::Hard && one.unit == Unit::NanoUsd;
    if choice.price.is_unpriced() && applicable.iter().any(binds) {
        // What it costs is not known, so no limit of money could hold.
        return Err(not_priced(&choice.model));
    }
    let bound = bound(call, choice, &applicable)?;
    let input = bound.quantities.input_tokens();
    let worst = Amounts::of_call(bound.cost.nano(), input, bound.quantities.output);
    let mut held = Held::of(gateway, caller, &applicable, &worst, call.at).await?;
    let id = RecordId::mint(gateway.ports.ambient());
    let opened = open_call(id, (call, caller, choice), bound, held.hold.charges());
    let slot: Box<dyn JournalSlot> =
        gateway.ports.open(&opened).map_err(|error| Refusal::unavailable("journal_unavailable", &error))?;
    let admitted = Admitted {
        held: bound.cost,
        slot,
        hold: std::mem::take(&mut held.hold),
        purse: Arc::clone(&held.purse),
    };
    Ok(Admission::new(Arc::clone(&gateway.ports), admitted, choice.price.rates, call.body.clone()))
}

/// Whose turn it is to ask the store to lend: one call at a time for an allowance. A crowd that finds its slice empty
/// would ask for the same again and again; in turn, what one of them is told answers the rest.
#[derive(Debug)]
pub(crate) struct Turns([tokio::sync::Mutex<()>; TURNS]);

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| tokio::sync::Mutex::default()))
    }
}

impl Turns {
    async fn take(&self, wishes: &[SliceWish]) -> Result<tokio::sync::MutexGuard<'_, ()>, Refusal> {
        let mut hasher = DefaultHasher::new();
        wishes.first().map(|wish| wish.key.allowance_id).hash(&mut hasher);
        // The remainder is below the number of turns.
        let place = (hasher.finish() % TURNS as u64) as usize;
        tokio::time::timeout(TURN_WAIT, self.0[place].lock()).await.map_err(|_| {
            Refusal::unavailable("allowances_unavailable", &PortError::new("no turn came to ask for a slice"))
        })
    }
}

/// A hold that goes back whole unless the call is admitted.
struct Held {
    purse: Arc<Mutex<Purse>>,
    hold: Hold,
}

impl Drop for Held {
    fn drop(&mut self) {
        let hold = std::mem::take(&mut self.hold);
        // Nothing was used, so there is nothing to charge.
        let _no_charges = lock(&self.purse).settle(hold, &Amounts::default());
    }
}

pub(crate) fn lock(purse: &Mutex<Purse>) -> MutexGuard<'_, Purse> {
    purse.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Held {
    async fn of(
        gateway: &Arc<Inner>,
        caller: &Caller,
        applicable: &[Arc<Allowance>],
        worst: &Amounts,
        at: Timestamp,
    ) -> Result<Self, Refusal> {
        let purse = &caller.organization.purse;
        let zone = &caller.organization.organization.time_zone;
        let mut turn = None;
        for _ in 0..ATTEMPTS {
            let share = gateway.ports.share();
            let answer = lock(purse).hold(applicable, worst, at, zone, share);
            match answer {
                Ok(hold) => return Ok(Self { purse: Arc::clone(purse), hold }),
                Err(Denial::NeedSlice(wishes)) if turn.is_none() => {
                    turn = Some(gateway.turns.take(&wishes).await?);
                }
                Err(Denial::NeedSlice(wishes)) => lease(gateway, caller, applicable, wishes).await?,
                Err(Denial::Refused { allowance_id, reason, resets_at }) => {
                    let allowance = applicable.iter().find(|allowance| allowance.id == allowance_id);
                    return Err(refusal(allowance.map(|a| &**a), reason, resets_at, at));
                }
            }
        }
        let error = PortError::new("leases were taken by other calls again and again");
        Err(Refusal::unavailable("allowances_contended", &error))
    }
}

/// Leases what the wishes say and tells the purse: to the end, also when the client hangs up meanwhile.
async fn lease(
    gateway: &Arc<Inner>,
    caller: &Caller,
    applicable: &[Arc<Allowance>],
    wishes: Vec<SliceWish>,
) -> Result<(), Refusal> {
    let amount_of = |wish: &SliceWish| {
        let allowance = applicable.iter().find(|allowance| allowance.id == wish.key.allowance_id);
        allowance.map_or(0, |allowance| allowance.amount)
    };
    let amounts: Vec<i64> = wishes.iter().map(amount_of).collect();
    let asked = gateway.ports.lease(caller.organization.organization.id, wishes.clone());
    let (purse, ports) = (Arc::clone(&caller.organization.purse), Arc::clone(&gateway.ports));
    let told = tokio::spawn(async move {
        // Where the answer is lost nothing is told: the store may have lent, but that is not certain.
        let (leases, at) = (asked.await?, ports.ambient().now());
        let mut purse = lock(&purse);
        for ((wish, amount), lease) in wishes.iter().zip(amounts).zip(leases) {
            purse.answered(wish, amount, lease, at);
        }
        Ok(())
    });
    let ended = told.await.unwrap_or_else(|error| Err(PortError::new(error.to_string())));
    ended.map_err(|error| Refusal::unavailable("allowances_unavailable", &error))
}

fn applicable(caller: &Caller, choice: &Choice) -> Vec<Arc<Allowance>> {
    let view = &caller.key.view;
    let subject = Subject {
        environment: caller.project.environment,
        project_id: caller.project.id,
        key_id: view.id,
        user_id: match view.owner {
            KeyOwner::User(id) => Some(id),
            KeyOwner::ServiceAccount(_) => None,
        },
        service_account_id: match view.owner {
            KeyOwner::ServiceAccount(id) => Some(id),
            KeyOwner::User(_) => None,
        },
        model: &choice.model,
    };
    let allowances = caller.organization.allowances.iter();
    allowances.filter(|allowance| allowance.scope.matches(&subject)).cloned().collect()
}

/// The most that the call can use: input by its bytes (other than text: by the context window), output by the
/// request's limit or the model's.
fn bound(call: &Call, choice: &Choice, applicable: &[Arc<Allowance>]) -> Result<Bound, Refusal> {
    let bytes = i64::try_from(call.body.len()).unwrap_or(i64::MAX);
    let input = if call.peek.is_text { Some(bytes) } else { choice.price.context_tokens };
    let of_model = choice.price.max_output_tokens.map(|most| most.saturating_mul(call.peek.choices));
    let output = match (call.peek.output_limit.or(call.default_output), of_model) {
        (Some(limit), Some(most)) => Some(limit.min(most)),
        (limit, most) => limit.or(most),
    };
    let is_bounded = input.is_some() && output.is_some();
    let needs_bound = |allowance: &Arc<Allowance>| {
        let measured = [Unit::NanoUsd, Unit::InputTokens, Unit::OutputTokens, Unit::Tokens];
        allowance.enforcement == Enforcement::Hard && measured.contains(&allowance.unit)
    };
    if !is_bounded && applicable.iter().any(needs_bound) {
        return Err(unbounded());
    }
    let (input, output) = (input.unwrap_or(bytes), output.unwrap_or(0));
    let cost = choice.price.rates.worst_case(input, output).map_err(|_| unbounded())?;
    let quantities = Quantities { input, output, requests: 1, ..Quantities::default() };
    Ok(Bound { quantities, cost })
}

fn unbounded() -> Refusal {
    let message = "Nothing bounds what this call may cost, and a hard limit applies to it. Set `max_completion_tokens`.";
    Refusal::invalid("unbounded_cost", message).about("max_completion_tokens").finally()
}

fn refusal(
    allowance: Option<&Allowance>,
    reason: Reason,
    resets_at: Option<Timestamp>,
    at: Timestamp,
) -> Refusal {
    let (limit, who) =
        allowance.map_or(("A limit".to_owned(), "An Admin"), |a| (described(a), who_raises(a)));
    let reset = match resets_at {
        Some(moment) => format!("It starts anew at {moment}."),
        None => "It does not start anew by itself.".to_owned(),
    };
    let status = StatusCode::TOO_MANY_REQUESTS;
    match reason {
        Reason::Throttled => {
            let message = format!("{limit} is reached. Slow down and try again. {who} can raise it.");
            let wait = resets_at.map_or(1, |moment| (moment.micros_since(at) + 999_999) / 1_000_000);
            let refusal = Refusal::new(status, "rate_limit_error", "rate_limit_exceeded", message);
            Refusal { retry_after_seconds: Some(wait.max(1)), ..refusal }
        }
        Reason::Held => {
            let message = format!(
                "{limit} has enough left, but other calls hold it until they end. Try again shortly. {who} can raise it."
            );
            let refusal = Refusal::new(status, "rate_limit_error", "allowance_held", message);
            Refusal { retry_after_seconds: Some(1), ..refusal }
        }
        Reason::Exhausted => {
            let message = format!("{limit} has not enough left for this call. {reset} {who} can raise it.");
            Refusal::new(status, "insufficient_quota", "allowance_exhausted", message).finally()
        }
    }
}

fn described(allowance: &Allowance) -> String {
    let (level, id) = allowance.scope.level.words();
    let whose = match (level, allowance.scope.model.as_deref()) {
        ("organization", None) => "of the organization".to_owned(),
        ("organization", Some(model)) => format!("of the organization for model {model}"),
        (_, None) => format!("of {level} {id}"),
        (_, Some(model)) => format!("of {level} {id} for model {model}"),
    };
    let (amount, unit, window) = (allowance.amount, allowance.unit.name(), allowance.window.name());
    format!("The limit {} {whose} ({amount} {unit}, window {window})", allowance.id)
}

const fn who_raises(allowance: &Allowance) -> &'static str {
    match allowance.scope.level {
        Level::Organization | Level::Environment(_) => "An Admin of the organization",
        _ => "A Project Owner or an Admin",
    }
}
