//! Provider connections: their pages.

pub mod pages;
