//! The executable, tested at its doors, and the shape of its source.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a test that cannot go on says so by panicking"
)]

mod bad_input;
mod budget;
mod cli;
mod config;
mod doors;
#[path = "../rig/engines.rs"]
mod engines;
mod explained;
mod life;
mod metering;
#[path = "../rig/mock_upstream.rs"]
mod mock_upstream;
mod networks;
mod organizations;
#[allow(dead_code, reason = "each test binary uses its own part of the rig")]
#[path = "../../../store/tests/rig/rows.rs"]
mod rows;
mod scene;
#[allow(dead_code, reason = "each test binary uses its own part of the rig")]
#[path = "../rig/server.rs"]
mod server;
mod several;
mod stopped;
mod tidy;
mod webhooks;
mod world;
