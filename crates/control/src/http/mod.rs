//! The frame of the console: its look, its shell, its charts, and how figures are printed.

pub mod charts;
pub mod errors;
pub mod figures;
pub mod shell;

#[cfg(test)]
mod gallery;

/// The stylesheet, served at `/assets/style.css`.
pub const STYLE_CSS: &str = include_str!("style.css");

/// The progressive script, served at `/assets/console.js`.
pub const CONSOLE_JS: &str = include_str!("console.js");

/// The policy under which every page works: nothing inline, nothing from elsewhere.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The mark for the browser's tab, served at `/assets/icon.svg`.
pub const ICON_SVG: &str = include_str!("icon.svg");
