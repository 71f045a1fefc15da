//! The files of a bundle, read from a directory; all that is wrong with them is told at once.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use directory::{Directory, Mistake, Mistakes, Source};
use policy::{Files, Policy};

/// The largest file that is read: a hundred thousand hosts are a quarter of it.
const LARGEST: u64 = 64 * 1024 * 1024;

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
    let (directory, hosts) = (wrong.read(dir, "directory.toml"), wrong.read(dir, "hosts.toml"));
    let access = wrong.read(dir, "access.toml");
    let cedar = dir.join("access.cedar").exists().then(|| wrong.read(dir, "access.cedar"));
    // What the rules speak of is known only when these two could be read.
    let speaks_of_known = directory.is_some() && hosts.is_some();
    let or_empty = |source: Option<Source>| source.unwrap_or_else(|| Source::new("", ""));
    let files = Files {
        directory: or_empty(directory),
        hosts: or_empty(hosts),
        access: or_empty(access),
        cedar: cedar.map(or_empty),
    };
    let understood = files.understand().map_err(|Mistakes(mut mistakes)| {
        let of_rules = |file: &str| file == files.access.name || files.cedar.as_ref().is_some_and(|c| c.name == file);
        mistakes.retain(|mistake| speaks_of_known || !of_rules(&mistake.file));
        wrong.mistakes.extend(mistakes);
    });
    match understood {
        Ok((directory, policy)) if wrong.problems.is_empty() && wrong.mistakes.is_empty() => {
            Ok(Loaded { files, directory, policy })
        }
        _ => Err(wrong),
    }
}

impl FilesError {
    /// A file of the directory, under the name that was given for that.
    pub(crate) fn read(&mut self, dir: &Path, name: &str) -> Option<Source> {
        let path = if dir == Path::new(".") { Path::new(name).to_owned() } else { dir.join(name) };
        let name = path.display().to_string();
        match bytes(&path) {
            Ok(bytes) => text(name, bytes).map_err(|mistake| self.mistakes.push(*mistake)).ok(),
            Err(error) => {
                self.problems.push(format!("{name} cannot be read: {error}"));
                None
            }
        }
    }
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= LARGEST) {
        return Ok(bytes);
    }
    Err(io::Error::other(format!("it is larger than {} MiB; is it the right file?", LARGEST / 1024 / 1024)))
}

/// The bytes as text, or where they are none.
fn text(name: String, bytes: Vec<u8>) -> Result<Source, Box<Mistake>> {
    String::from_utf8(bytes).map(|text| Source::new(name.clone(), text)).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let shown = Source::new(name, String::from_utf8_lossy(error.as_bytes()));
        Box::new(Mistake::new(&shown, at..at, "this is not UTF-8").with_help("save the file as UTF-8"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_told_with_its_place() {
        let mistake = text("access.toml".to_owned(), b"# gr\xfc\xdfe\nname = 1\n".to_vec()).unwrap_err();
        assert_eq!((mistake.line, mistake.column), (1, 5));
        assert!(mistake.render().ends_with("help: save the file as UTF-8"), "{}", mistake.render());
    }

    #[test]
    fn a_file_without_an_end_is_not_read_to_it() {
        let error = bytes(Path::new("/dev/zero")).unwrap_err();
        assert!(error.to_string().contains("larger than 64 MiB"), "{error}");
    }
}
