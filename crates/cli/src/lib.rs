//! `hallpass`: the user's command line.
//!
//! ```text
//! arguments --> command --> link --(pinned channel)--> hallpassd
//!                  |          \_ checked: every text and signature that came back
//!                  |--> signing: ssh-agent, key file, client helper
//!                  \--> ssh_files, fetch: certificates where ssh finds them
//! ```
//!
//! What a command gets from outside is in its [`Context`], so that the demo and tests run the same code.

mod app;
mod arguments;
mod at;
mod checked;
mod command;
mod config;
mod context;
mod failure;
mod fetch;
mod grants;
mod json;
mod jumps;
mod link;
mod past;
mod places;
mod platform;
mod processes;
mod progress;
mod seen;
mod signing;
mod ssh_files;
mod state;
mod table;
mod terminal;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod view;
mod wait;
mod when;
mod words;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use app::App;
use arguments::Arguments;
pub use context::{Context, Environment};
pub use failure::Exit;
pub use processes::{Ending, Processes, Program, Started};
pub use terminal::{Colours, Console, Terminal};

/// Runs `hallpass` on the arguments of this process.
pub fn main() -> ExitCode {
    let context = Context::of_this_process();
    // Private keys are decrypted here, and session tokens pass. Programs that this one becomes or starts may be dumped.
    if let Err(error) = platform::forbid_dumps() {
        context.terminal.note(&failure::in_full("hallpass: this process cannot be kept from being dumped", &error));
        return Exit::Failed.into();
    }
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            let exit = runtime.block_on(run(std::env::args_os(), &context));
            // A name that the resolver hangs on, or a question that nobody answers, keeps its thread for longer than
            // ssh's user is to wait.
            runtime.shutdown_background();
            exit.into()
        }
        Err(error) => {
            context.terminal.note(&failure::in_full("hallpass: the runtime cannot start", &error));
            Exit::Failed.into()
        }
    }
}

/// Runs `hallpass` on these arguments (the first is its own name) in this context.
pub async fn run<A>(arguments: A, context: &Context) -> Exit
where
    A: IntoIterator<Item: Into<OsString> + Clone>,
{
    let parsed = match parse(arguments) {
        Ok(parsed) => parsed,
        Err(usage) => return tell_usage(&usage, context),
    };
    let json = parsed.global.json;
    let outcome = match App::new(context, parsed.global) {
        // Commands are large futures; one allocation keeps them off the stack.
        Ok(app) => Box::pin(command::run(&app, &parsed.command)).await,
        Err(failure) => Err(failure),
    };
    outcome.unwrap_or_else(|failure| tell(&failure, json, context))
}

/// What `hallpass` understands, as clap has it.
pub fn command() -> clap::Command {
    Arguments::command()
}

fn parse<A>(arguments: A) -> Result<Arguments, clap::Error>
where
    A: IntoIterator<Item: Into<OsString> + Clone>,
{
    Arguments::from_arg_matches(&command().try_get_matches_from(arguments)?).map(Arguments::sorted)
}

fn tell_usage(usage: &clap::Error, context: &Context) -> Exit {
    let text = match context.terminal.colours() {
        Colours::On => usage.render().ansi().to_string(),
        Colours::Off => usage.render().to_string(),
    };
    if usage.exit_code() == 0 {
        // Help and version; a reader who went away is no failure of ours.
        drop(context.terminal.out(&text));
        return Exit::Done;
    }
    context.terminal.note(text.trim_end());
    Exit::Usage
}

fn tell(failure: &failure::Failure, json: bool, context: &Context) -> Exit {
    context.terminal.note(&failure::in_full("hallpass", failure));
    if json && let Ok(line) = json::line(&json::Failed::from(failure)) {
        drop(context.terminal.out(&line));
    }
    failure.exit()
}
