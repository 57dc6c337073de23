//! Messages that leave: which events there are outside, how often they are tried, how a webhook is signed, and who
//! is told by mail.

mod event;
mod mail;
mod notice;
mod schedule;
mod signature;
mod webhook;

pub use event::EventType;
pub use mail::{Letter, Mail};
pub use notice::{Audience, Notice};
pub use schedule::{GIVE_UP_AFTER, next_attempt};
pub use signature::{WebhookSecret, headers};
pub use webhook::{Attempt, Delivery, DeliveryState, Webhook, event_types, webhook_url};
