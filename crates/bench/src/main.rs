//! The load bench: certificates a second by a real `hallpassd`, beside a floor and an echo on the same machine.
//!
//! ```text
//!            ┌─ gRPC + TLS ─► hallpassd      every check, one durable entry, one certificate
//! callers ───┼─ gRPC + TLS ─► floor          the same TLS, verification and signing, and nothing else
//!            └─ gRPC + TLS ─► echo           the same messages, and no work at all
//! ```
//!
//! Each server is a process of its own on the same cores; they are measured in turn. Every call carries a new
//! statement, signed before the timed part. Afterwards the ledger is compared with what was received.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench tells its figures to who started it")]

mod durability;
mod failure;
mod figures;
mod floor;
mod history;
mod inventory;
mod load;
mod machine;
mod primitives;
mod process;
mod product;
mod readback;
mod receipt;
mod report;
mod rounds;
mod rulings;
mod run;
mod side;
mod stops;
mod taker;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::net::TcpListener;

use crate::failure::Failure;
use crate::floor::Work;
use crate::rounds::CALLERS;

/// Certificates a second, against a floor on the same machine.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
    #[command(flatten)]
    options: Options,
}

/// What is measured, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How often floor and product are measured in turn, at each number of callers.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(3..=50))]
    pairs: u8,
    /// How long a timed part lasts, about. A statement lives for a minute from its signing.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=15))]
    seconds: u8,
    /// How many callers at once, each number in turn.
    #[arg(long, value_delimiter = ',', default_values_t = CALLERS, value_parser = callers)]
    callers: Vec<usize>,
    /// Where the ledger is written; on a disk. Beside this program unless given.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// The server that is measured. Beside this program unless given.
    #[arg(long)]
    hallpassd: Option<PathBuf>,
    /// Measure only how long it takes to rule on so many past requests again.
    #[arg(long, value_name = "REQUESTS", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    history: Option<u32>,
    /// Measure only how long rulings take among many rules, hosts and users, and how long it takes to load them.
    #[arg(long, conflicts_with = "history")]
    rulings: bool,
    /// Measure only how long a stop takes while others fetch, and whether anything that it covers comes afterwards.
    #[arg(long, conflicts_with_all = ["history", "rulings"])]
    stops: bool,
    /// The client that rules again. Beside the server unless given.
    #[arg(long)]
    hallpass: Option<PathBuf>,
}

/// More callers than connections have streams would wait for each other.
fn callers(given: &str) -> Result<usize, String> {
    match given.parse() {
        Ok(callers @ 1..=1024) => Ok(callers),
        _ => Err("give numbers from 1 to 1024".to_owned()),
    }
}

#[derive(Subcommand)]
enum Role {
    /// What the product is compared with; the bench starts it by itself.
    #[command(hide = true)]
    Bare {
        /// What is done for each call.
        work: Work,
        /// Where it listens.
        listen: SocketAddr,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = runtime(&arguments.role).and_then(|runtime| {
        runtime.block_on(async {
            match arguments.role {
                Some(Role::Bare { work, listen }) => bare(work, listen).await,
                None => run::run(&arguments.options).await,
            }
        })
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{}", failure.told());
            ExitCode::FAILURE
        }
    }
}

async fn bare(work: Work, listen: SocketAddr) -> Result<(), Failure> {
    let listener = TcpListener::bind(listen).await.map_err(Failure::broken("the port is taken"))?;
    floor::serve(work, &product::name()?, listener).await
}

/// The servers take every core, as hallpassd does. The callers share one thread: each answer that woke another would
/// cost more than the call itself, most of all where answers come one by one.
fn runtime(role: &Option<Role>) -> Result<tokio::runtime::Runtime, Failure> {
    let mut runtime = match role {
        Some(Role::Bare { .. }) => tokio::runtime::Builder::new_multi_thread(),
        None => tokio::runtime::Builder::new_current_thread(),
    };
    runtime.enable_all().build().map_err(Failure::broken("no runtime"))
}
