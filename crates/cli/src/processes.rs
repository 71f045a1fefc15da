//! How other programs are started.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

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
}
