//! The metered door: every call to an upstream provider is identified, admitted, forwarded, settled and recorded here.

pub mod ports;
pub mod snapshot;

mod dialect;
mod error;
mod keys;
mod provider;
mod tokens;
