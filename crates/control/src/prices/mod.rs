//! Prices: their pages.

pub mod pages;
