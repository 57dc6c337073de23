//! Invites: the page that accepts one.

pub mod pages;
