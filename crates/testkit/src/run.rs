//! Running programs, and waiting for what they do.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// What went wrong, in words for whoever reads the failed test.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// How a program ended and what it said.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its exit status; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl Output {
    /// Its standard output, when it succeeded.
    ///
    /// # Errors
    /// All that it said, when it did not.
    pub fn ok(self) -> Result<String> {
        if self.code == Some(0) { Ok(self.out) } else { Err(format!("{self:?}").into()) }
    }

    /// Whether it succeeded.
    pub fn succeeded(&self) -> bool {
        self.code == Some(0)
    }
}

/// Runs a command to its end, without input. One that hangs is killed after a minute.
///
/// # Errors
/// When it cannot be started or hangs.
pub(crate) async fn run(command: &mut Command) -> Result<Output> {
    let ended = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = match tokio::time::timeout(Duration::from_secs(60), ended).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) => return Err(format!("{command:?} did not start: {error}").into()),
        Err(_) => return Err(format!("{command:?} did not end within a minute").into()),
    };
    Ok(Output {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Waits until something that another process does has come true.
///
/// # Errors
/// When it has not within ten seconds.
pub async fn eventually(what: &str, holds: impl AsyncFn() -> bool) -> Result<()> {
    within(Duration::from_secs(10), what, holds).await
}

/// The same, for what takes its time.
///
/// # Errors
/// When it has not come true within this time.
pub async fn within(patience: Duration, what: &str, holds: impl AsyncFn() -> bool) -> Result<()> {
    const PAUSE: Duration = Duration::from_millis(20);
    for _ in 0..patience.as_millis() / PAUSE.as_millis() {
        if holds().await {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(format!("not within {patience:?}: {what}").into())
}
