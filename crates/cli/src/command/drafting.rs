//! `hallpass admin policy import` and `replay`: rules drafted from what is there today, and tried on past logins.

pub(crate) mod import;
mod key_files;
pub(crate) mod replay;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use ::import::{ImportError, Log, MOST_BYTES};

/// Why rules were neither drafted nor tried.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DraftingError {
    /// What is to be read is no draft's source.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A file cannot be read.
    #[error("{} cannot be read", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A file would be overwritten.
    #[error("{} is already there, so nothing was written; move it away, or write elsewhere with --out DIR", .0.display())]
    Exists(PathBuf),
    /// Nothing to draft from.
    #[error(
        "no authorized_keys is below {}; expected HOST/LOGIN, HOST/root/.ssh/authorized_keys or \
         HOST/home/LOGIN/.ssh/authorized_keys", .0.display()
    )]
    NoKeys(PathBuf),
    /// A file in which nothing of its kind is.
    #[error("{} has nothing to draft from, and nothing was written; is it the right file?", .0.display())]
    Nothing(PathBuf),
    /// More than anybody's hosts have.
    #[error("more than {most} files are below {}; give fewer hosts at a time", path.display())]
    TooManyFiles {
        /// Where.
        path: PathBuf,
        /// How many there may be.
        most: usize,
    },
}

/// A file as a whole, or as much of it as shows that it is too large.
fn bytes(path: &Path) -> Result<Vec<u8>, DraftingError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes));
    read.map_err(|cause| DraftingError::Read { path: path.to_owned(), cause })?;
    Ok(bytes)
}

fn log(path: &Path) -> Result<Log, DraftingError> {
    let file = File::open(path).map_err(|cause| DraftingError::Read { path: path.to_owned(), cause })?;
    Ok(Log::read(&path.display().to_string(), BufReader::new(file))?)
}
