//! The control plane over its router: what callers see.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod doors;
mod money;
mod organizations;
mod people;
mod policy;
mod world;
