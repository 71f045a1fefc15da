//! The files of a bundle, read from a directory; all that is wrong with them is told at once.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use directory::{Directory, MOST_BYTES, Mistake, Source, SourceError};
use policy::{AsRead, Files, Policy};

/// What is wrong with the files.
#[derive(Debug, Default, thiserror::Error)]
pub(crate) struct FilesError {
    /// Files that cannot be read.
    pub(crate) problems: Vec<String>,
    /// Mistakes in those that can.
    pub(crate) mistakes: Vec<Mistake>,
}

impl FilesError {
    /// All of it, each as `hallpassd check` shows it.
    pub(crate) fn rendered(&self) -> impl Iterator<Item = String> + '_ {
        self.problems.iter().cloned().chain(self.mistakes.iter().map(Mistake::render))
    }
}

impl fmt::Display for FilesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the files cannot be used; correct this")?;
        self.rendered().try_for_each(|wrong| write!(f, "\n\n{wrong}"))
    }
}

/// Files without mistakes, and what they say.
pub(crate) struct Loaded {
    pub(crate) files: Files,
    pub(crate) directory: Directory,
    pub(crate) policy: Policy,
}

/// Reads `directory.toml`, `hosts.toml`, `access.toml` and, where it is there, `access.cedar`.
pub(crate) fn load(dir: &Path) -> Result<Loaded, FilesError> {
    let mut wrong = FilesError::default();
    let three = ["directory.toml", "hosts.toml", "access.toml"].map(|name| wrong.read(dir, name));
    let cedar = dir.join("access.cedar").exists().then(|| wrong.read(dir, "access.cedar"));
    let read = AsRead::new(three, cedar);
    let understood = read.files().understand().map_err(|mistakes| wrong.mistakes.extend(read.own(mistakes)));
    match understood {
        Ok((directory, policy)) if wrong.problems.is_empty() && wrong.mistakes.is_empty() => {
            Ok(Loaded { files: read.files().clone(), directory, policy })
        }
        _ => Err(wrong),
    }
}

impl Loaded {
    /// What they say, as differences are made of it.
    pub(crate) const fn read(&self) -> policy::Read<'_> {
        policy::Read { directory: &self.directory, policy: &self.policy }
    }
}

impl FilesError {
    /// A file of the directory, under the name that was given for that.
    pub(crate) fn read(&mut self, dir: &Path, name: &str) -> Option<Source> {
        let path = if dir == Path::new(".") { Path::new(name).to_owned() } else { dir.join(name) };
        let name = path.display().to_string();
        match bytes(&path).map(|bytes| Source::from_bytes(name.clone(), bytes)) {
            Ok(Ok(source)) => return Some(source),
            Ok(Err(SourceError::NotText(mistake))) => self.mistakes.push(*mistake),
            Ok(Err(too_large)) => self.problems.push(too_large.to_string()),
            Err(error) => self.problems.push(format!("{name} cannot be read: {error}")),
        }
        None
    }
}

/// A file as a whole, or as much of it as shows that it is too large.
fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_an_end_is_not_read_to_it() {
        let mut wrong = FilesError::default();
        assert_eq!(wrong.read(Path::new("/dev"), "zero"), None);
        assert_eq!(wrong.problems, ["/dev/zero is larger than 16 MiB; is it the right file?"]);
    }
}
