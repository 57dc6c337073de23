//! The control plane over its router: what callers see.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed, and random ones tell their seed"
)]

mod access;
mod approvals;
mod attenuation;
mod dice;
mod doors;
mod handovers;
mod keys;
mod links;
mod messages;
mod money;
mod organizations;
mod people;
mod policy;
mod project_owners;
mod requests;
mod retention;
mod reviews;
mod roles;
mod world;
