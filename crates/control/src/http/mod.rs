//! How a request becomes a call of one row's handler and its result an answer; and the frame of the console.

pub mod answer;
pub mod call;
pub mod charts;
pub mod dispatch;
pub mod endpoint;
pub mod errors;
pub mod failure;
pub mod figures;
mod idempotency;
pub(crate) mod list_query;
pub(crate) mod openapi;
pub(crate) mod partial;
pub mod query;
mod reference;
pub(crate) mod refusals;
pub mod shell;

#[cfg(test)]
mod gallery;

pub use openapi::document;

/// The stylesheet, served at `/assets/style.css`.
pub const STYLE_CSS: &str = include_str!("style.css");

/// The progressive script, served at `/assets/console.js`.
pub const CONSOLE_JS: &str = include_str!("console.js");

/// The policy under which every page works: nothing inline, nothing from elsewhere.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The mark for the browser's tab, served at `/assets/icon.svg`.
pub const ICON_SVG: &str = include_str!("icon.svg");
