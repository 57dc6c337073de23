//! Measures the gateway beside a bare pass-through on the same HTTP library and beside nginx. `./bench` runs it; the
//! method stands in `docs/performance.md`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it reports to a person")]
#![allow(clippy::disallowed_methods, reason = "it measures time, and no one else reads its clock")]

mod admin;
mod figures;
mod load;
mod mock;
mod passthrough;
mod process;
mod report;
mod rounds;
mod scene;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What goes wrong ends the run; there is nothing to recover.
type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A provider that answers at once, always the same; prints where it listens.
    Mock,
    /// A proxy that only passes on, built as the gateway is; prints where it listens.
    Passthrough {
        /// `host:port` of the upstream.
        upstream: String,
    },
    /// Measures and reports.
    Run(Run),
}

/// What is measured, where and how often.
#[derive(clap::Args, Clone)]
pub struct Run {
    /// The executable of the gateway.
    #[arg(long)]
    bailiwick: PathBuf,
    /// An empty folder on a real disk.
    #[arg(long)]
    folder: PathBuf,
    /// Rounds; the median counts.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// How long each closed loop runs, in milliseconds.
    #[arg(long, default_value_t = 3000)]
    loop_ms: u64,
    /// Only plain calls, or only streams, as fast as they go: for profiling.
    #[arg(long, value_enum)]
    only: Option<Only>,
    /// A page whose table of figures is replaced.
    #[arg(long)]
    write: Option<PathBuf>,
}

/// A part of the round.
#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum Only {
    Calls,
    Streams,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Mock => mock::run(),
        Command::Passthrough { upstream } => passthrough::run(upstream),
        Command::Run(run) => rounds::run(&run),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
