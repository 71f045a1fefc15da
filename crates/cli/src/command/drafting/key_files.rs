//! The authorized_keys files below a directory.

use std::fs;
use std::path::{Path, PathBuf};

use import::{KeyFile, Place, place};

use super::{DraftingError, bytes};

/// The most files that are looked at.
const MOST: usize = 100_000;
/// How deep: /home/LOGIN/.ssh/authorized_keys of a host has five.
const DEEPEST: usize = 16;

/// What is below a directory.
#[derive(Default)]
pub(super) struct KeyFiles {
    found: Vec<(Place, String, PathBuf)>,
    /// Files that are no authorized_keys by their path.
    pub(super) others: Vec<String>,
}

impl KeyFiles {
    /// Looks through a directory. Links are not followed: a copy of another machine's files has them lead anywhere.
    pub(super) fn below(dir: &Path) -> Result<Self, DraftingError> {
        let mut files = Self::default();
        files.look(dir, dir, &mut Vec::new())?;
        if files.found.is_empty() { Err(DraftingError::NoKeys(dir.to_owned())) } else { Ok(files) }
    }

    fn look(&mut self, top: &Path, dir: &Path, below: &mut Vec<String>) -> Result<(), DraftingError> {
        let unreadable = |cause| DraftingError::Read { path: dir.to_owned(), cause };
        let entries = fs::read_dir(dir).map_err(unreadable)?;
        let mut entries = entries.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let kind = entry.file_type().map_err(unreadable)?;
            below.push(entry.file_name().to_string_lossy().into_owned());
            if kind.is_dir() && below.len() < DEEPEST {
                self.look(top, &entry.path(), below)?;
            } else if kind.is_file() {
                self.file(top, entry.path(), below)?;
            }
            below.pop();
        }
        Ok(())
    }

    fn file(&mut self, top: &Path, path: PathBuf, below: &[String]) -> Result<(), DraftingError> {
        let name = below.join("/");
        let parts: Vec<&str> = below.iter().map(String::as_str).collect();
        match place(&parts) {
            Some(place) => self.found.push((place, name, path)),
            None => self.others.push(name),
        }
        if self.found.len() + self.others.len() > MOST {
            return Err(DraftingError::TooManyFiles { path: top.to_owned(), most: MOST });
        }
        Ok(())
    }

    /// Each file with what is in it, read as it is asked for.
    pub(super) fn read(&self) -> impl Iterator<Item = Result<KeyFile, DraftingError>> + '_ {
        let read = |(place, name, path): &(Place, String, PathBuf)| {
            Ok(KeyFile { place: place.clone(), name: name.clone(), bytes: bytes(path)? })
        };
        self.found.iter().map(read)
    }
}
