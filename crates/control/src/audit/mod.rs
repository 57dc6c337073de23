//! The audit trail: its page.

pub mod pages;
