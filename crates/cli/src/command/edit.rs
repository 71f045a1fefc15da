//! `hallpass admin user` and `hallpass admin host`: edits of the files of a bundle.
//!
//! ```text
//! files --edit--> files --understand--> what they mean now, compared with before
//! ```
//!
//! Between reading and writing nothing touches the disk, so that files from elsewhere can be edited in the same way.

pub(crate) mod host;
#[cfg(test)]
mod tests;
pub(crate) mod user;

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use directory::edit::{EditError, KeyLine, KeyLineError};
use directory::{Mistakes, Source};
use domain::{NetworkError, UnixTime};
use policy::{Difference, Files, Read};
use serde::Serialize;

use crate::app::{App, Look, Report};
use crate::command::policy::{Loaded, Told, load};
use crate::failure::Failure;
use crate::platform;

/// Most bytes of a public key's file.
const MOST_OF_A_KEY: u64 = 16 * 1024;

/// Why the files stay as they were.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EditFailure {
    /// There is no place for what is to be added.
    #[error("nothing was written")]
    NoPlace(#[from] EditError),
    /// There is nothing to list.
    #[error(transparent)]
    NoSuch(EditError),
    /// The result would be wrong.
    #[error("nothing was written, as this would be wrong afterwards:\n\n{0}")]
    Mistakes(Mistakes),
    /// A person is no program.
    #[error("--approves and --source are for programs; add --kind service --owner USER, or leave them out")]
    OnlyPrograms,
    /// The networks cannot be as given.
    #[error("--source cannot be as given")]
    Networks(#[source] NetworkError),
    /// A public key's file cannot be read.
    #[error("the key {} cannot be read", file.display())]
    ReadKey {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A public key is not accepted.
    #[error("the key {} is refused", file.display())]
    RefusedKey {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        cause: KeyLineError,
    },
    /// A file of several keys, or of none.
    #[error("{} has {lines} lines, and a .pub file has one key in one line; give each key by itself", file.display())]
    NotOneKey {
        /// The file.
        file: PathBuf,
        /// How many lines with something in them.
        lines: usize,
    },
}

/// Files after an edit, and what it changes in their meaning.
pub(crate) struct Edited {
    pub(crate) files: Files,
    pub(crate) difference: Difference,
}

/// What an edit makes of files: only what is free of mistakes.
pub(crate) fn edited(
    before: &Loaded,
    now: UnixTime,
    edit: impl FnOnce(&Files) -> Result<Files, EditError>,
) -> Result<Edited, EditFailure> {
    let files = edit(&before.files)?;
    let (directory, policy) = files.understand().map_err(EditFailure::Mistakes)?;
    let after = Read { directory: &directory, policy: &policy };
    let difference = policy::difference(before.read(), after, now);
    Ok(Edited { files, difference })
}

/// Edits the files of a directory in place, and shows what that changes.
fn in_place(app: &App<'_>, dir: &Path, edit: impl FnOnce(&Files) -> Result<Files, EditError>) -> Result<(), Failure> {
    let before = load(dir)?;
    let edited = edited(&before, app.context.now()?, edit)?;
    let sides = [(&before.files.directory, &edited.files.directory), (&before.files.hosts, &edited.files.hosts)];
    let names = ["directory.toml", "hosts.toml"];
    let mut written = Vec::new();
    for ((was, is), name) in sides.into_iter().zip(names).filter(|((was, is), _)| was.text != is.text) {
        write(&dir.join(name), is)?;
        written.push(was.name.clone());
    }
    let dir = dir.display().to_string();
    app.report(&Written { files: written, difference: Told::from(&edited.difference), dir })
}

fn write(path: &Path, source: &Source) -> Result<(), Failure> {
    let written = platform::replace(path, source.text.as_bytes());
    written.map_err(|cause| Failure::Write { what: source.name.clone(), cause })
}

/// The key of a .pub file, its comment with it.
fn key(file: &Path) -> Result<KeyLine, EditFailure> {
    let mut text = String::new();
    let read = File::open(file).and_then(|open| open.take(MOST_OF_A_KEY).read_to_string(&mut text));
    read.map_err(|cause| EditFailure::ReadKey { file: file.to_owned(), cause })?;
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let [line] = lines.as_slice() else {
        return Err(match text.parse::<KeyLine>() {
            Err(KeyLineError::Key(cause @ domain::KeyError::Private)) => {
                EditFailure::RefusedKey { file: file.to_owned(), cause: cause.into() }
            }
            _ => EditFailure::NotOneKey { file: file.to_owned(), lines: lines.len() },
        });
    };
    line.parse().map_err(|cause| EditFailure::RefusedKey { file: file.to_owned(), cause })
}

#[derive(Serialize)]
struct Written {
    files: Vec<String>,
    difference: Told,
    #[serde(skip)]
    dir: String,
}

impl Report for Written {
    fn text(&self, look: &Look<'_>) -> String {
        let dir = if self.dir == "." { String::new() } else { format!(" {}", self.dir) };
        format!(
            "Wrote {}. What that changes:\n\n{}\nNext: hallpass admin policy check{dir}; it is in force once these files are \
             pushed (hallpass admin policy push), or\nhallpassd has loaded them as its own (SIGHUP).\n",
            self.files.join(", "),
            self.difference.text(look.colours)
        )
    }
}
