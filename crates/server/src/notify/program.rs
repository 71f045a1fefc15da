//! Programs that are given a notice on standard input. No shell is in between.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// Where such a program finds others. Nothing of the server's own environment reaches it: the passphrase may be there.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Why a program cannot be run as written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WordsError {
    #[error(
        "the first word is the program's whole path, such as \"/usr/local/bin/page\"; the others are its arguments"
    )]
    NotAbsolute,
    #[error("a word holds a NUL, which no argument can")]
    Nul,
}

/// A program and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words {
    program: PathBuf,
    arguments: Vec<String>,
}

/// Why a program did not take a notice.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProgramError {
    #[error("{} could not be run", .0.display())]
    Start(PathBuf, #[source] std::io::Error),
    #[error("{path} ended with {1}", path = .0.display())]
    Failed(PathBuf, ExitStatus),
}

/// Where what a program prints goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// Nowhere: it could hold anything.
    Nowhere,
    /// To the person at the terminal.
    Shown,
}

impl Words {
    pub(crate) fn new(words: Vec<String>) -> Result<Self, WordsError> {
        if words.iter().any(|word| word.contains('\0')) {
            return Err(WordsError::Nul);
        }
        let mut words = words.into_iter();
        let program = words.next().map(PathBuf::from).filter(|program| program.is_absolute());
        Ok(Self { program: program.ok_or(WordsError::NotAbsolute)?, arguments: words.collect() })
    }

    /// The same with more arguments.
    pub(crate) fn with(&self, more: impl IntoIterator<Item = String>) -> Self {
        Self { arguments: self.arguments.iter().cloned().chain(more).collect(), ..self.clone() }
    }

    /// Whether there is a program that can be run.
    pub(crate) fn runs(&self) -> bool {
        std::fs::metadata(&self.program).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    }

    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// Runs it; it took the notice if it exits with 0. It ends when the returned future is dropped.
    pub(crate) async fn run(&self, input: &[u8], output: Output) -> Result<(), ProgramError> {
        let shown = || if output == Output::Shown { Stdio::inherit() } else { Stdio::null() };
        let started = Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            .env("PATH", PATH)
            .stdin(Stdio::piped())
            .stdout(shown())
            .stderr(shown())
            .kill_on_drop(true)
            .spawn();
        let failed = |cause| ProgramError::Start(self.program.clone(), cause);
        let mut child = started.map_err(failed)?;
        if let Some(mut stdin) = child.stdin.take() {
            // Whoever reads nothing may take it all the same: its exit status says so.
            drop(stdin.write_all(input).await);
        }
        let status = child.wait().await.map_err(failed)?;
        if status.success() { Ok(()) } else { Err(ProgramError::Failed(self.program.clone(), status)) }
    }
}
