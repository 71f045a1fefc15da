//! How other programs are started.

use std::ffi::OsString;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use crate::context::Environment;

/// A program to run in place of this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Its name, or a path.
    pub program: OsString,
    /// Its arguments, without its own name.
    pub arguments: Vec<OsString>,
}

/// How other programs are started; the demo and tests run them beside themselves.
pub trait Processes: Send + Sync {
    /// This program's own file, for the lines that ssh calls it by.
    ///
    /// # Errors
    /// When the system does not tell.
    fn own_path(&self) -> io::Result<PathBuf>;

    /// Starts the client helper in the background, to serve on this socket.
    ///
    /// # Errors
    /// When it cannot be started.
    fn start_helper(&self, socket: &Path, environment: &Environment) -> io::Result<()>;

    /// Runs a program in place of this one; comes back only where it ran beside this one, with its exit code.
    ///
    /// # Errors
    /// When it cannot be started.
    fn replace_by(&self, program: &Program, environment: &Environment) -> io::Result<u8>;

    /// Starts a program beside this one, with this one's standard streams.
    ///
    /// # Errors
    /// When it cannot be started.
    fn start(&self, program: &Program, environment: &Environment) -> io::Result<Box<dyn Started>>;
}

/// A signal that asks a program to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The terminal is gone (SIGHUP).
    HangUp,
    /// Ctrl-C (SIGINT).
    Interrupt,
    /// Ctrl-\ (SIGQUIT).
    Quit,
    /// Somebody asks it to (SIGTERM).
    Terminate,
}

impl Ending {
    /// What a shell gives as the exit code of a program that a signal ended: 128 and the signal's number, which is the
    /// same on every Unix.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::HangUp => 129,
            Self::Interrupt => 130,
            Self::Quit => 131,
            Self::Terminate => 143,
        }
    }
}

/// A program that runs beside this one.
pub trait Started: Send {
    /// Hands a signal on that this process got, unless the terminal gave it to both.
    fn hand_on(&self, signal: Ending);

    /// Its exit code when it has ended; 128 and the number of the signal that ended it.
    fn ended(&mut self) -> Pin<Box<dyn Future<Output = io::Result<u8>> + Send + '_>>;
}
