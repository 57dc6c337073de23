//! Allowances: their pages.

pub mod pages;
