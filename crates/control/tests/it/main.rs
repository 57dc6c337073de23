//! The control plane over its router: what callers see.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod attenuation;
mod dice;
mod doors;
mod money;
mod people;
mod policy;
mod roles;
mod world;
