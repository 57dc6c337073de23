//! Bailiwick: control plane, gateway and console in one executable.

mod ambient;
mod cli;
mod config;
mod data_folder;
mod demo;
mod first_run;
mod house;
mod listener;
mod mail;
mod routes;
mod tasks;

fn main() -> std::process::ExitCode {
    cli::run()
}
