//! Webhooks: endpoints that an organization has told of events, and each event on its way to one.

use super::event::EventType;
use crate::error::Error;
use crate::ids::{AuditId, DeliveryId, OrganizationId, UserId, WebhookId};
use crate::providers::{base_url, refuse_private};
use crate::time::Timestamp;

/// An endpoint that is told of events, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// Where events are sent.
    pub url: String,
    /// What it is for.
    pub description: String,
    /// The events that it is told of; empty for all.
    pub event_types: Vec<EventType>,
    /// Whether it is told of anything.
    pub is_enabled: bool,
    /// Which of its secrets is the present one.
    pub secret_version: i64,
    /// Until when events are also signed with the secret before.
    pub old_secret_ends_at: Option<Timestamp>,
    /// Who made it.
    pub created_by: Option<UserId>,
    /// When.
    pub created_at: Timestamp,
}

impl Webhook {
    /// Whether it is to be told of an event of this kind.
    pub fn wants(&self, kind: EventType) -> bool {
        self.is_enabled && (self.event_types.is_empty() || self.event_types.contains(&kind))
    }
}

/// How an event on its way stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// Waits, or is being tried.
    Pending,
    /// Was taken.
    Delivered,
    /// Was given up.
    Failed,
}

impl DeliveryState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::Failed];

    /// The word on the wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// The state of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == word)
    }
}

/// One event on its way to one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// The endpoint.
    pub webhook_id: WebhookId,
    /// The event's id, the same at every attempt and every endpoint.
    pub event_id: AuditId,
    /// The event's kind.
    pub event_type: String,
    /// What is sent.
    pub body: String,
    /// How it stands.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was put on its way.
    pub created_at: Timestamp,
    /// When it was first tried.
    pub first_at: Option<Timestamp>,
    /// When it is tried next, while it waits.
    pub next_at: Timestamp,
    /// When it was taken or given up.
    pub ended_at: Option<Timestamp>,
    /// The status of the last answer.
    pub last_status: Option<i64>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
}

/// What came of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Which one, from 1.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub milliseconds: i64,
    /// The status of the answer, where one came.
    pub status: Option<i64>,
    /// Why it failed; none for an attempt that was taken.
    pub error: Option<String>,
    /// The start of the answer's text.
    pub answer: String,
}

/// The kinds out of their names.
///
/// # Errors
/// `unknown_event_type`.
pub fn event_types(names: &[String]) -> Result<Vec<EventType>, Error> {
    let mut kinds = Vec::new();
    for name in names {
        kinds.push(EventType::parse(name).ok_or_else(|| {
            let sentence = format!("There is no event {name}. GET /v1/organization/event_types lists them.");
            Error::invalid_param("unknown_event_type", "event_types", sentence)
        })?);
    }
    kinds.sort_unstable();
    kinds.dedup();
    Ok(kinds)
}

/// An endpoint's address as stored: like a provider's base URL, and with a query where it has one. Plain `http` only
/// to a `host:port` that the operator listed.
///
/// # Errors
/// `invalid_url`; `address_not_allowed`; `https_required`.
pub fn webhook_url(text: &str, listed: &[String]) -> Result<String, Error> {
    let bad =
        || Error::invalid_param("invalid_url", "url", "Use an address such as https://example.com/hooks.");
    let (base, query) = match text.trim().split_once('?') {
        Some((base, query)) => (base, Some(query)),
        None => (text.trim(), None),
    };
    let base = base_url(base).map_err(|_| bad())?;
    let is_plain = |query: &str| query.bytes().all(|b| b.is_ascii_graphic() && !b"#\\\"<>{}|^`".contains(&b));
    if query.is_some_and(|query| !is_plain(query) || query.len() > 1_024) {
        return Err(bad());
    }
    refuse_private(&base, listed)?;
    let authority = base.split("://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
    if base.starts_with("http://") && !listed.iter().any(|one| one.eq_ignore_ascii_case(authority)) {
        return Err(Error::invalid_param("https_required", "url", "Webhooks are sent over https alone."));
    }
    Ok(query.map_or_else(|| base.clone(), |query| format!("{base}?{query}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_public_and_encrypted_unless_the_operator_listed_them() {
        let listed = ["127.0.0.1:9000".to_owned()];
        for (url, is_fine) in [
            ("https://example.com/hooks?token=a-b", true),
            ("http://127.0.0.1:9000/hooks", true),
            ("http://127.0.0.1:9001/hooks", false),
            ("http://example.com/hooks", false),
            ("https://10.0.0.1/hooks", false),
            ("https://user:word@example.com/", false),
            ("https://example.com/#part", false),
            ("ftp://example.com/", false),
            ("", false),
        ] {
            assert_eq!(webhook_url(url, &listed).is_ok(), is_fine, "{url}");
        }
    }

    #[test]
    fn events_are_chosen_by_name() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(event_types(&names(&["key.created", "key.created"])).unwrap().len(), 1);
        assert!(event_types(&names(&["king.crowned"])).is_err());
    }
}
