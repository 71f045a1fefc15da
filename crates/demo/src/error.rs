//! Why the story cannot go on.

use std::error::Error;
use std::io;
use std::path::PathBuf;

/// Why the story cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    /// Something could not be started.
    #[error("{what} could not be started")]
    Start {
        /// What.
        what: &'static str,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// A file could not be written.
    #[error("{} could not be written", path.display())]
    File {
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// A name that Hallpass does not take.
    #[error("this account's name cannot be used as a login")]
    Login(#[from] domain::NameError),
    /// This account has no name.
    #[error("this account has no name in the system's user database; run the demo as another")]
    Nameless,
    /// A key could not be made.
    #[error("a key could not be made")]
    Key(#[from] ssh_key::Error),
    /// The server's directory could not be made.
    #[error("the server's directory could not be made")]
    Init(#[from] server::InitError),
    /// The server did not start.
    #[error("the server did not start")]
    Server(#[from] server::StartError),
    /// The server has no address.
    #[error("the server does not say where it listens")]
    NoAddress,
    /// A host did not start.
    #[error("the host {host} did not start; its sshd said:\n{log}")]
    Host {
        /// Which.
        host: &'static str,
        /// What it printed.
        log: String,
    },
    /// A command went otherwise than told.
    #[error("`{command}` ended with {exit}, where this was to happen: {expected}")]
    Unexpected {
        /// The command.
        command: String,
        /// How it ended.
        exit: String,
        /// What was expected.
        expected: &'static str,
    },
    /// No request id in what a command printed.
    #[error("`hallpass request` did not say the id of the new request")]
    NoId,
}

/// An error with everything behind it.
pub(crate) fn in_full(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(&format!(": {cause}"));
        next = cause.source();
    }
    text
}
