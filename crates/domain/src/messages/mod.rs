//! Messages that leave: which events there are outside, how often they are tried, how a webhook is signed, and who
//! is told by mail.

mod event;
mod notice;
mod schedule;
mod signature;

pub use event::EventType;
pub use notice::{Audience, Notice};
pub use schedule::{GIVE_UP_AFTER, next_attempt};
pub use signature::{WebhookSecret, headers};
