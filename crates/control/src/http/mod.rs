//! How a request becomes a call of one row's handler and its result an answer; and the frame of the console.

pub mod answer;
pub mod call;
pub mod charts;
pub(crate) mod console;
pub(crate) mod csv;
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
pub(crate) mod uses;

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

/// What the addresses of the assets carry, so that a browser may keep them for good: it changes whenever they do.
pub const ASSETS_VERSION: u64 = fingerprint(&[STYLE_CSS, CONSOLE_JS, ICON_SVG]);

/// 64-bit FNV-1a; nothing depends on it being hard to forge.
const fn fingerprint(texts: &[&str]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut text = 0;
    while text < texts.len() {
        let bytes = texts[text].as_bytes();
        let mut place = 0;
        while place < bytes.len() {
            hash = (hash ^ bytes[place] as u64).wrapping_mul(0x0100_0000_01b3);
            place += 1;
        }
        text += 1;
    }
    hash
}
