//! Before an Admin exists: loopback only, and a one-time link to set the instance up.

use std::net::SocketAddr;

use control::Control;

use crate::cli::{Failed, print};
use crate::config::Config;

/// Tells how to set the instance up, while nobody has.
///
/// # Errors
/// When it listens on other than loopback addresses although nobody is Admin yet.
pub async fn announce(control: &Control, config: &Config, address: SocketAddr) -> Result<(), Failed> {
    let link = control::accounts::set_up::issue_link(control)
        .await
        .map_err(|failure| Failed(failure.to_string()))?;
    let Some(token) = link else { return Ok(()) };
    if !config.listen.ip().is_loopback() {
        return Err(Failed(format!(
            "{} can be reached from outside, but nobody is Admin yet: run `bailiwick bootstrap` first, or listen on 127.0.0.1",
            config.listen
        )));
    }
    print(&format!("set-up link: http://{address}/setup/{}", token.reveal()))
}
