//! Members: their pages.

pub mod pages;
