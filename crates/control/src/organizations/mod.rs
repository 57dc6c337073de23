//! Organizations: their pages.

pub mod pages;
