//! The control plane over its router: what callers see.

mod doors;
mod people;
mod world;
