//! Where a page's commands run: a directory with the example beside the policy guide, and what else the page is told on.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

pub(crate) struct Place(TempDir);

/// What a program said, all of it, and its exit code.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) text: String,
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        copy(&root().join("docs/policy-example"), &place.path("policy-example"));
        copy(&root().join("tests/guide/given"), &place.path("."));
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> Result<String, String> {
        fs::read_to_string(self.path(name)).map_err(|error| format!("{name}: {error}"))
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A file that only its owner can read.
    pub(crate) fn write_secret(&self, name: &str, text: &str) {
        self.write(name, text);
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub(crate) fn copy(&self, from: &str, to: &str) {
        if from != to {
            copy(&self.path(from), &self.path(to));
        }
    }

    /// Does what a comment says: `NEW from OLD`, and then lines of `FILE: TEXT => OTHER TEXT`, with `\n` for a new line.
    pub(crate) fn edit(&self, edit: &str) -> Result<(), String> {
        let mut lines = edit.lines();
        let head = lines.next().unwrap_or_default();
        let (new, old) = head.split_once(" from ").ok_or("expected <!-- files: NEW from OLD")?;
        if !self.path(old).is_dir() {
            return Err(format!("there is no directory {old}"));
        }
        self.copy(old, new);
        for line in lines {
            let change = line.split_once(": ").and_then(|(file, change)| Some((file, change.split_once(" => ")?)));
            let (file, (from, to)) = change.ok_or_else(|| format!("expected FILE: TEXT => OTHER TEXT, not {line}"))?;
            let name = format!("{new}/{file}");
            let text = self.text(&name)?;
            if !text.contains(from) {
                return Err(format!("{name} has no {from}"));
            }
            self.write(&name, &text.replacen(from, &to.replace(r"\n", "\n"), 1));
        }
        Ok(())
    }

    pub(crate) fn hallpass(&self, words: &[String]) -> Said {
        self.run(env!("CARGO_BIN_EXE_hallpass"), words, ".")
    }

    pub(crate) fn hallpassd(&self, words: &[String]) -> Said {
        self.run(env!("CARGO_BIN_EXE_hallpassd"), words, ".")
    }

    /// What rules in one of the directories here become.
    pub(crate) fn cedar(&self, dir: &str) -> Said {
        self.run(env!("CARGO_BIN_EXE_hallpass"), &["admin", "policy", "show", "--cedar"].map(str::to_owned), dir)
    }

    /// In a directory here, and with nothing of whoever runs the tests.
    fn run(&self, program: &str, words: &[String], dir: &str) -> Said {
        let mut command = Command::new(program);
        command.args(words).current_dir(self.path(dir)).env_clear().env("HOME", self.0.path());
        let done = command.output().unwrap();
        let text = [done.stdout, done.stderr].concat();
        Said { code: done.status.code(), text: String::from_utf8(text).unwrap() }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
