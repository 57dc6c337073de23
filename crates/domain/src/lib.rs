//! The values and rules of Bailiwick: no input or output, no clock, no randomness of its own.
//!
//! Every other crate stands on this one. What a word means is decided here; see `ARCHITECTURE.md`.

pub mod access;
pub mod error;
pub mod ids;
pub mod money;
pub mod time;

pub use error::Error;
