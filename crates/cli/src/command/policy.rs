//! `hallpass admin policy`: rules looked at before they are in force, from the files in a directory.

mod check;
mod diff;
mod files;
mod test;
#[cfg(test)]
mod tests;
mod who;

pub(crate) use diff::Told;
pub(crate) use files::{FilesError, Loaded, load};
pub(crate) use test::NoCases;

use std::path::Path;

use directory::Mistake;
use serde::Serialize;

use crate::app::{App, Look, Report};
use crate::arguments::PolicyCommand;
use crate::command::{bundles, drafting, looking};
use crate::failure::{Exit, Failure};

/// Runs one of them.
pub(crate) async fn run(app: &App<'_>, command: &PolicyCommand) -> Result<Exit, Failure> {
    match command {
        PolicyCommand::Check(asked) => check::run(app, asked),
        PolicyCommand::Show(asked) => show(app, &asked.dir),
        PolicyCommand::Test(asked) => test::run(app, &asked.dir),
        PolicyCommand::WhoCan(asked) => who::who_can(app, asked),
        PolicyCommand::Can(asked) => who::can(app, asked),
        PolicyCommand::Push(asked) => bundles::push(app, asked).await,
        PolicyCommand::Sign(asked) => bundles::sign(app, asked).await,
        PolicyCommand::Pull(asked) => bundles::pull(app, asked).await,
        PolicyCommand::Log => bundles::log(app).await,
        PolicyCommand::Rollback(asked) => bundles::rollback(app, asked).await,
        PolicyCommand::Diff(asked) => diff::run(app, asked),
        PolicyCommand::Import(asked) => drafting::import::run(app, asked),
        PolicyCommand::Replay(asked) => match &asked.sshd_log {
            Some(log) => drafting::replay::run(app, log, &asked.with),
            None => looking::replay::run(app, asked.since, &asked.with).await,
        },
    }
}

fn show(app: &App<'_>, dir: &Path) -> Result<Exit, Failure> {
    let loaded = load(dir)?;
    app.report(&Shown { cedar: loaded.policy.cedar_text() })?;
    Ok(Exit::Done)
}

#[derive(Serialize)]
struct Shown<'a> {
    cedar: &'a str,
}

impl Report for Shown<'_> {
    fn text(&self, _: &Look<'_>) -> String {
        self.cedar.to_owned()
    }
}

/// A mistake or warning as programs read it.
#[derive(Serialize)]
struct Found {
    file: String,
    line: usize,
    column: usize,
    message: String,
    help: Option<String>,
}

impl From<&Mistake> for Found {
    fn from(mistake: &Mistake) -> Self {
        let Mistake { file, line, column, message, help, .. } = mistake.clone();
        Self { file, line, column, message, help }
    }
}
