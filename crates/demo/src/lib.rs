//! The whole story on loopback, told in plain words: `hallpassd demo`.
//!
//! ```text
//! stage: a directory, a server, two people, an ssh-agent, two hosts ──► story: ask, approve, sign, log in, expire
//! ```
//!
//! Client steps run the client's own code in this process; ssh, sshd and ssh-agent are the system's.

mod error;
mod host;
mod person;
mod processes;
mod programs;
mod signals;
mod stage;
mod story;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{ArgAction, ArgMatches};

use crate::signals::{Signal, Signals};

/// `demo`, as it is typed.
pub fn command() -> clap::Command {
    clap::Command::new("demo")
        .about("Tell the whole story on 127.0.0.1: ask, approve, sign, log in, expire")
        .long_about(
            "Tells the whole story on 127.0.0.1, with a server, two people, a real ssh-agent and a real sshd of its own: \
             a user asks for a login, another approves with a signature, the CA signs, ssh logs in, and seconds later \
             the same certificate is refused. Everything is in one temporary directory, which goes with it.",
        )
        .arg(
            clap::Arg::new("keep")
                .long("keep")
                .action(ArgAction::SetTrue)
                .help("Stay in the foreground afterwards, and print commands to try from another terminal"),
        )
}

/// Runs `demo`.
pub fn run(matches: &ArgMatches) -> ExitCode {
    let afterwards = if matches.get_flag("keep") { Afterwards::Stay } else { Afterwards::Leave };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let told = match runtime {
        Ok(runtime) => runtime.block_on(told(afterwards)),
        Err(cause) => Err(error::DemoError::Start { what: "the runtime", cause }),
    };
    match told {
        Ok(Told::Whole) => ExitCode::SUCCESS,
        Ok(Told::Interrupted(signal)) => {
            say("\nInterrupted; everything that was started has been stopped and removed.");
            signal.exit_code()
        }
        Err(failed) => {
            say(&format!("\nThe demo stopped: {}", error::in_full(&failed)));
            ExitCode::FAILURE
        }
    }
}

/// What happens after the story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Afterwards {
    /// Everything goes.
    Leave,
    /// It stays until Ctrl-C.
    Stay,
}

/// How much of the story was told.
enum Told {
    /// All of it.
    Whole,
    /// Until a signal came.
    Interrupted(Signal),
}

/// The story, or its early end by a signal: what it started ends with what it holds.
async fn told(afterwards: Afterwards) -> Result<Told, error::DemoError> {
    let mut signals = Signals::new();
    let stage = tokio::select! {
        told = story::tell() => told?,
        signal = signals.next() => return Ok(Told::Interrupted(signal)),
    };
    if afterwards == Afterwards::Stay {
        story::what_to_try(&stage);
        // Whichever it is, this is how it was to end.
        let _any = signals.next().await;
    }
    tokio::select! {
        () = story::end(stage, afterwards) => Ok(Told::Whole),
        signal = signals.next() => Ok(Told::Interrupted(signal)),
    }
}

/// A line on standard output. A reader who went away is no failure: the story goes on to its clean end.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}
