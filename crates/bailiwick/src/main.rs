//! Bailiwick: control plane, gateway and console in one executable.

mod ambient;
mod config;
mod data_folder;

fn main() {}
