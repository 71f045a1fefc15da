//! Why there is no measurement, in words for the person who ran it.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

/// One variant for each way in which measuring can fail.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A file or directory cannot be used.
    #[error("cannot use {path}")]
    File { path: PathBuf, source: io::Error },
    /// A program did not start.
    #[error("cannot start {program}; is it built, or installed?")]
    Start { program: String, source: io::Error },
    /// A server ended, or did not say that it is ready.
    #[error("{name} {what}; the end of its log, {log}:\n{tail}")]
    Server { name: &'static str, what: String, log: PathBuf, tail: String },
    /// `hallpassd init` refused.
    #[error("`hallpassd init` failed: {0}")]
    Init(String),
    /// No connection to one of the servers.
    #[error("no connection to {0}")]
    Dial(&'static str, #[source] dial::DialError),
    /// A user got no grant.
    #[error("{user} got no grant")]
    Grant {
        user: String,
        #[source]
        why: Box<dyn Error + Send + Sync>,
    },
    /// Something that cannot go wrong did.
    #[error("{0}")]
    Broken(&'static str, #[source] Box<dyn Error + Send + Sync>),
    /// The ledger cannot be read after the run.
    #[error("the ledger cannot be read back")]
    Ledger(#[source] Box<dyn Error + Send + Sync>),
    /// The measurement stands, and does not count.
    #[error("the run does not count:\n  - {}", .0.join("\n  - "))]
    Verdict(Vec<String>),
}

impl Failure {
    /// An operation on a file failed.
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }

    /// A step failed that depends on nothing from outside.
    pub(crate) fn broken<E: Into<Box<dyn Error + Send + Sync>>>(step: &'static str) -> impl FnOnce(E) -> Self {
        move |why| Self::Broken(step, why.into())
    }

    /// The message with its causes, one to a line.
    pub(crate) fn told(&self) -> String {
        let mut told = format!("error: {self}");
        let mut cause = self.source();
        while let Some(error) = cause {
            told += &format!("\n  because: {error}");
            cause = error.source();
        }
        told
    }
}
