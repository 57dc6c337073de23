//! Usage: its pages.

pub mod pages;
