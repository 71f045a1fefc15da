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
mod programs;
mod stage;
mod story;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{ArgAction, ArgMatches};
use tokio::signal::unix::{SignalKind, signal};

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

/// What happens after the story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Afterwards {
    /// Everything goes.
    Leave,
    /// It stays until Ctrl-C.
    Stay,
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
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            say(&format!("\nThe demo stopped: {}", error::in_full(&failed)));
            ExitCode::FAILURE
        }
    }
}

/// The story, or its early end by a signal: what it started ends with what it holds.
async fn told(afterwards: Afterwards) -> Result<(), error::DemoError> {
    tokio::select! {
        told = story::tell(afterwards) => told,
        () = asked_to_end() => {
            say("\nInterrupted; everything that was started has been stopped and removed.");
            Ok(())
        }
    }
}

/// Ends when Ctrl-C is pressed, the terminal is closed, or somebody asks this process to end.
async fn asked_to_end() {
    let signals = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
    let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] = signals else {
        // Without handlers signals end the process by themselves.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
}

/// A line on standard output. A reader who went away is no failure: the story goes on to its clean end.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}
