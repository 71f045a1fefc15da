//! Why a task failed, in words for the person who ran it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use serde::de::DeserializeOwned;

use crate::root::root;

/// One variant for each way a task can fail.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command line makes no sense.
    #[error("{0}; `cargo xtask` lists the tasks")]
    Usage(String),
    /// A program did not start.
    #[error("cannot start `{program}`")]
    Start { program: String, source: std::io::Error },
    /// A program ran and said no.
    #[error("`{command}` failed ({status})")]
    Command { command: String, status: ExitStatus },
    /// A program hung, and was ended.
    #[error("`{command}` said nothing for {seconds} s and was ended; its last line was: {last}")]
    Silent { command: String, seconds: u64, last: String },
    /// A file or a pipe cannot be read or written.
    #[error("cannot use {path}")]
    File { path: PathBuf, source: std::io::Error },
    /// cargo's answer was not understood.
    #[error("`cargo metadata` answered something else than expected")]
    Metadata(#[source] serde_json::Error),
    /// A TOML file does not say what it should.
    #[error("{path} is not as expected")]
    Toml { path: PathBuf, source: toml::de::Error },
    /// A check found something to mend: each finding says what and where.
    #[error("{}", list(.0))]
    Findings(Vec<String>),
    /// Some steps of the gate failed; the table above this line says which.
    #[error("the gate is closed")]
    Gate,
}

impl Failure {
    /// The message with its causes, one to a line.
    pub(crate) fn told(&self) -> String {
        let mut told = format!("error: {self}");
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            let _ = write!(told, "\n  because: {error}");
            cause = error.source();
        }
        told
    }

    /// Success if there are no findings.
    pub(crate) fn unless_empty(findings: Vec<String>) -> Result<(), Self> {
        if findings.is_empty() { Ok(()) } else { Err(Self::Findings(findings)) }
    }
}

/// Reads a TOML file below the project's root (or at an absolute path).
pub(crate) fn toml_file<T: DeserializeOwned>(path: impl AsRef<Path>) -> Result<T, Failure> {
    let path = root().join(path);
    let text = std::fs::read_to_string(&path).map_err(|source| Failure::File { path: path.clone(), source })?;
    toml::from_str(&text).map_err(|source| Failure::Toml { path, source })
}

fn list(findings: &[String]) -> String {
    let head = if findings.len() == 1 { "one finding".to_owned() } else { format!("{} findings", findings.len()) };
    findings.iter().fold(head, |told, finding| format!("{told}\n  - {finding}"))
}
