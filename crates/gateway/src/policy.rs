//! What the organization's policy says of a call: whether it may come from there, ask for that model, go to that
//! provider, and with a key so old. A setting that only warns lets the call pass and counts it.

use std::net::IpAddr;

use domain::policy::{Decided, Effective, Mode, Place, Setting, Warned};
use domain::time::{DAY, Timestamp};
use domain::usage::Endpoint;

use crate::Inner;
use crate::call::Caller;
use crate::dialect::Peek;
use crate::error::Refusal;

impl Caller {
    /// What a setting is for this caller.
    pub(crate) fn policy(&self, setting: Setting, at: Timestamp) -> Effective {
        let place = Place {
            environment: Some(self.project.environment),
            project: Some(self.project.id),
            key: Some(self.key.view.id),
        };
        self.organization.policy.at(place, setting, at)
    }

    fn has_policy(&self) -> bool {
        !self.organization.policy.is_empty()
    }
}

/// Whether the key may call from there, at its age, as wide as it is.
///
/// # Errors
/// `network_not_allowed`; `key_too_old`; `key_not_rotated`; `key_not_narrow`.
pub(crate) fn check_key(
    gateway: &Inner,
    caller: &Caller,
    address: Option<IpAddr>,
    at: Timestamp,
) -> Result<(), Refusal> {
    if !caller.has_policy() {
        return Ok(());
    }
    let from = address.map_or_else(|| "an unknown address".to_owned(), |address| address.to_string());
    let networks = caller.policy(Setting::GatewayNetworks, at);
    judge(
        gateway,
        caller,
        (&networks, &from),
        |decided| decided.allows_from(address),
        || Refusal::forbidden("network_not_allowed", format!("This API key may not be used from {from}.")),
    )?;
    let age = caller.policy(Setting::KeyMaximumAge, at);
    let is_young = |decided: &Decided| is_within(decided, caller.key.view.created_at, at);
    judge(gateway, caller, (&age, ""), is_young, || {
        Refusal::credential("key_too_old", "This API key is older than policy allows. Make a new one.")
            .finally()
    })?;
    let rotation = caller.policy(Setting::KeyRotation, at);
    let is_fresh = |decided: &Decided| is_within(decided, caller.key.view.secret_created_at, at);
    judge(gateway, caller, (&rotation, ""), is_fresh, || {
        let message = "The secret of this API key is older than policy allows. Rotate the key.";
        Refusal::credential("key_not_rotated", message).finally()
    })?;
    let narrow = caller.policy(Setting::KeyNarrow, at);
    let is_narrow = caller.key.view.is_narrow();
    judge(
        gateway,
        caller,
        (&narrow, ""),
        |decided| is_narrow || !decided.is_on(),
        || {
            let message =
                "Policy asks for keys that name the scopes or models they may use. Narrow this API key.";
            Refusal::forbidden("key_not_narrow", message).finally()
        },
    )
}

/// Whether the call may carry the tags that it does.
///
/// # Errors
/// `tags_not_allowed`.
pub(crate) fn check_tags(
    gateway: &Inner,
    caller: &Caller,
    peek: &Peek,
    at: Timestamp,
) -> Result<(), Refusal> {
    if !caller.has_policy() || !peek.is_tagged {
        return Ok(());
    }
    let tags = caller.policy(Setting::RequestTags, at);
    let allows = |decided: &Decided| decided.word(Setting::RequestTags) != Some("refused");
    judge(gateway, caller, (&tags, ""), allows, || {
        let message = "Policy does not let calls carry tags of their own. Leave out `metadata`.";
        Refusal::forbidden("tags_not_allowed", message).about("metadata").finally()
    })
}

/// Whether a call of a model without a price may pass.
pub(crate) fn passes_unpriced(caller: &Caller, at: Timestamp) -> bool {
    caller.policy(Setting::UnpricedModels, at).enforced.word(Setting::UnpricedModels) == Some("pass")
}

/// Whether the model may be asked for.
///
/// # Errors
/// `model_not_allowed`.
pub(crate) fn check_model(
    gateway: &Inner,
    caller: &Caller,
    model: &str,
    at: Timestamp,
) -> Result<(), Refusal> {
    if !caller.has_policy() {
        return Ok(());
    }
    let models = caller.policy(Setting::Models, at);
    judge(
        gateway,
        caller,
        (&models, model),
        |decided| decided.allows_word(model),
        || {
            let level = models.enforced.level.map_or("organization", domain::policy::Level::name);
            let shown: String = model.chars().take(200).collect();
            let message = format!("Policy at the level {level} does not allow the model `{shown}` here.");
            Refusal::forbidden("model_not_allowed", message).about("model").finally()
        },
    )
}

/// Whether the connection that was chosen may be used; warnings only, since `choose` leaves out what is refused.
pub(crate) fn note_provider(gateway: &Inner, caller: &Caller, name: &str, at: Timestamp) {
    let providers = caller.policy(Setting::Providers, at);
    if caller.has_policy() && !providers.warned.allows_word(name) {
        warn(gateway, caller, Setting::Providers, name);
    }
}

/// The most tokens that a call may generate when it does not say so itself, all choices together.
pub(crate) fn default_output(caller: &Caller, endpoint: Endpoint, peek: &Peek, at: Timestamp) -> Option<i64> {
    if !caller.has_policy() || endpoint != Endpoint::ChatCompletions || peek.output_limit.is_some() {
        return None;
    }
    let most = caller.policy(Setting::DefaultOutput, at).enforced.amount()?;
    Some(most.saturating_mul(peek.choices))
}

/// The end user as the record keeps them: as named, or as a keyed hash that tells two apart and nothing else.
pub(crate) fn kept_end_user(
    gateway: &Inner,
    caller: &Caller,
    named: Option<String>,
    at: Timestamp,
) -> Option<String> {
    let how = caller.policy(Setting::EndUsers, at).enforced.word(Setting::EndUsers);
    if how != Some("hashed") {
        return named;
    }
    let hash =
        gateway.ports.hash_key(&format!("end user\n{}\n{}", caller.organization.organization.id, named?));
    let digits: String = hash.bytes().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    Some(format!("hashed:{digits}"))
}

/// Holds something against a gate: passes it, counts it, or refuses it.
fn judge(
    gateway: &Inner,
    caller: &Caller,
    (effective, subject): (&Effective, &str),
    allows: impl Fn(&Decided) -> bool,
    refusal: impl FnOnce() -> Refusal,
) -> Result<(), Refusal> {
    match effective.judge(allows) {
        Mode::Off => Ok(()),
        Mode::Warn => {
            warn(gateway, caller, effective.setting, subject);
            Ok(())
        }
        Mode::Enforce => Err(refusal()),
    }
}

fn warn(gateway: &Inner, caller: &Caller, setting: Setting, subject: &str) {
    gateway.ports.warned(Warned {
        organization_id: caller.organization.organization.id,
        setting,
        project_id: Some(caller.project.id),
        key_id: Some(caller.key.view.id),
        subject: subject.chars().take(200).collect(),
    });
}

fn is_within(decided: &Decided, since: Timestamp, at: Timestamp) -> bool {
    decided.amount().is_none_or(|days| at.micros_since(since) <= days.saturating_mul(DAY))
}
