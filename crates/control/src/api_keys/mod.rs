//! API keys: their pages.

pub mod pages;
