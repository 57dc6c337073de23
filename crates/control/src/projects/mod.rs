//! Projects: their pages.

pub mod detail_pages;
pub mod pages;
