//! A program that runs while the test goes on, with everything that it says in a file.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use testkit::{Result, within};
use tokio::process::{Child, Command};

/// How long one may take to say something, or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that runs; killed when the test leaves it.
pub(crate) struct Program {
    child: Child,
    screen: PathBuf,
}

impl Program {
    /// Starts it without input; standard output and standard error go to the file `screen`, as to one terminal.
    pub(crate) fn start(mut command: Command, screen: &Path) -> Result<Self> {
        let file = std::fs::File::create(screen)?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).kill_on_drop(true);
        Ok(Self { child: command.spawn()?, screen: screen.to_owned() })
    }

    /// Its process id, until it has ended.
    pub(crate) fn pid(&self) -> Result<u32> {
        self.child.id().ok_or_else(|| format!("it has ended:\n{}", self.screen()).into())
    }

    /// What it has said.
    pub(crate) fn screen(&self) -> String {
        std::fs::read_to_string(&self.screen).unwrap_or_default()
    }

    /// Waits until it says this; a story takes its time.
    pub(crate) async fn says(&self, words: &str) -> Result<()> {
        let said = within(PATIENCE, words, async || self.screen().contains(words)).await;
        said.map_err(|error| format!("{error}:\n{}", self.screen()).into())
    }

    /// Waits until it ends; its exit code, and all that it said.
    pub(crate) async fn ended(mut self) -> Result<(Option<i32>, String)> {
        match tokio::time::timeout(PATIENCE, self.child.wait()).await {
            Ok(ended) => Ok((ended?.code(), self.screen())),
            Err(_) => Err(format!("it does not end:\n{}", self.screen()).into()),
        }
    }
}
