//! The command line: what people, tests and automation drive.

mod access;
mod client;
mod handovers;
mod instance;
mod nouns;
pub mod serve;
mod table;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{self, Config, Overrides};

/// Organizations and projects as the control structure for a company's use of AI.
#[derive(Parser)]
#[command(name = "bailiwick", version, about, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the gateway, the admin API and the console.
    Serve(Where),
    /// Serve with a sample organization, the simulated provider and believable history, for looking around.
    Demo(Where),
    /// Create an organization and its first Admin without a browser; prints JSON.
    Bootstrap {
        #[command(flatten)]
        place: Where,
        #[command(flatten)]
        admin: instance::FirstAdmin,
    },
    /// Take away the networks of an organization's console and admin API, for Admins who are locked out; prints JSON.
    LetIn {
        #[command(flatten)]
        place: Where,
        /// The organization's id, or its name in the console's addresses.
        #[arg(long, value_name = "ID|SLUG")]
        organization: String,
    },
    /// Print a one-time link with which whoever has an address sets their password anew, also while serving.
    ResetPassword {
        #[command(flatten)]
        place: Where,
        #[command(flatten)]
        who: instance::Forgetful,
    },
    /// Recompute ledger and audit chain, also while serving; prints JSON, fails on any difference.
    Verify(Where),
    /// Bring the database's schema up to date and end.
    Migrate(Where),
    /// Check the settings, print every mistake, and end.
    CheckConfig(Where),
    /// Who may do what, and why.
    #[command(subcommand)]
    Access(access::Access),
    /// The organization.
    #[command(subcommand)]
    Org(nouns::Organization),
    /// Projects.
    #[command(subcommand)]
    Project(nouns::Project),
    /// Members and invitations.
    #[command(subcommand)]
    Member(nouns::Member),
    /// What lost its owner, and what becomes of it.
    #[command(subcommand)]
    Handover(handovers::Handover),
    /// Keys of projects.
    #[command(subcommand)]
    Key(nouns::Key),
    /// What was used, and what it cost.
    #[command(subcommand)]
    Usage(nouns::Usage),
    /// Print the table of every route.
    PrintRoutes,
    /// Print the OpenAPI document.
    PrintOpenapi,
}

/// Where the data is and how to reach the server.
#[derive(Args, Clone)]
struct Where {
    /// File of settings; what is not in it keeps its default.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data folder.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// `postgres://…` for many replicas; SQLite in the data folder otherwise.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Provider host on a private or loopback address that organizations may call; may be repeated.
    #[arg(long, value_name = "HOST:PORT")]
    allow_upstream: Vec<String>,
}

impl Where {
    fn load(self) -> Result<Config, Failed> {
        let overrides = Overrides {
            file: self.config,
            data: self.data,
            database: self.database,
            listen: self.listen,
            allow_upstream: self.allow_upstream,
        };
        config::load(&overrides).map_err(|mistakes| Failed(mistakes.join("\n")))
    }
}

/// Why a command ended early: what the operator reads.
#[derive(Debug)]
pub struct Failed(pub String);

impl<E: std::error::Error> From<E> for Failed {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// Runs the command that was given.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Command::Serve(place) => place.load().and_then(|config| block_on(serve::serve(config))),
        Command::Demo(place) => crate::demo::place(place.data.clone()).and_then(|folder| {
            let place = Where { data: Some(folder.path().to_owned()), ..place };
            place.load().and_then(|config| block_on(crate::demo::serve(config)))
        }),
        Command::Bootstrap { place, admin } => {
            place.load().and_then(|config| block_on(instance::bootstrap(config, admin)))
        }
        Command::LetIn { place, organization } => {
            place.load().and_then(|config| block_on(instance::let_in(config, &organization)))
        }
        Command::ResetPassword { place, who } => {
            place.load().and_then(|config| block_on(instance::reset_password(config, who)))
        }
        Command::Verify(place) => place.load().and_then(|config| block_on(instance::verify(config))),
        Command::Migrate(place) => place.load().and_then(|config| block_on(serve::migrate(config))),
        Command::CheckConfig(place) => place.load().and_then(|_| print("settings are sound")),
        Command::Access(asked) => block_on(access::run(asked)),
        Command::Org(asked) => block_on(nouns::organization(asked)),
        Command::Project(asked) => block_on(nouns::project(asked)),
        Command::Member(asked) => block_on(nouns::member(asked)),
        Command::Handover(asked) => block_on(handovers::run(asked)),
        Command::Key(asked) => block_on(nouns::key(asked)),
        Command::Usage(asked) => block_on(nouns::usage(asked)),
        Command::PrintRoutes => print(&crate::routes::printed()),
        Command::PrintOpenapi => print(&crate::routes::openapi()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed(message)) => {
            // Nothing can be told when standard error is gone.
            let _ = writeln!(std::io::stderr(), "bailiwick: {message}");
            ExitCode::FAILURE
        }
    }
}

fn block_on(work: impl Future<Output = Result<(), Failed>>) -> Result<(), Failed> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}

/// Prints one line for people or programs.
pub fn print(line: &str) -> Result<(), Failed> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
