//! The directory of one run, which nobody else can look into and which is gone afterwards.
//!
//! ```text
//! run-RANDOM/agent.sock          the private agent
//! run-RANDOM/key.pub             the connecting key's public half
//! run-RANDOM/LOGIN@HOST-cert.pub certificates
//! run-RANDOM/ssh_config          what ssh reads
//! run-RANDOM/bin/{ssh,scp,sftp}  what has them read it
//! ```
//!
//! A lock on the directory says that its run lives. One that was killed leaves a directory without; the next run removes
//! it.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use cert::Certificate;
use domain::{Pair, PublicKey};
use nix::sys::statvfs::{FsFlags, statvfs};

use crate::app::App;
use crate::platform;

const PREFIX: &str = "run-";
/// What reads ssh's configuration.
const PROGRAMS: [&str; 3] = ["ssh", "scp", "sftp"];

/// The directory of a run could not be made, written or removed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PrivateError {
    /// Not made.
    #[error("no private directory for the command could be made in {}", .0.display())]
    Make(PathBuf, #[source] io::Error),
    /// Not written.
    #[error("{} cannot be written", .0.display())]
    Write(PathBuf, #[source] io::Error),
    /// Not removed.
    #[error("the private directory {} could not be removed; the next run removes it", .0.display())]
    Remove(PathBuf, #[source] io::Error),
    /// It cannot stand in PATH.
    #[error("{} cannot stand in PATH; set XDG_RUNTIME_DIR to a directory without `:`", .0.display())]
    Path(PathBuf),
}

/// The directory of a run; removed when dropped.
pub(super) struct Private {
    dir: PathBuf,
    // The lock ends with the file, also when the process dies.
    _lock: File,
}

impl Private {
    /// Makes one, and removes those of runs that were killed.
    pub(super) fn make(app: &App<'_>) -> Result<Self, PrivateError> {
        let place = app.places.runtime();
        let mut random = [0; 8];
        app.context.random.fill(&mut random);
        Self::make_in(place, u64::from_le_bytes(random)).map_err(|cause| PrivateError::Make(place.to_owned(), cause))
    }

    fn make_in(place: &Path, random: u64) -> io::Result<Self> {
        platform::private_dir(place)?;
        // While one looks for what was left behind, no other makes what is not locked yet.
        let one_by_one = File::open(place)?;
        one_by_one.lock()?;
        remove_left_behind(place)?;
        let dir = place.join(format!("{PREFIX}{random:016x}"));
        DirBuilder::new().mode(0o700).create(&dir)?;
        let lock = File::open(&dir)?;
        lock.lock()?;
        Ok(Self { dir, _lock: lock })
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.dir.join("agent.sock")
    }

    pub(super) fn key(&self) -> PathBuf {
        self.dir.join("key.pub")
    }

    pub(super) fn certificate(&self, pair: &Pair) -> PathBuf {
        self.dir.join(format!("{pair}-cert.pub"))
    }

    pub(super) fn config(&self) -> PathBuf {
        self.dir.join("ssh_config")
    }

    pub(super) fn programs(&self) -> PathBuf {
        self.dir.join("bin")
    }

    pub(super) fn write_key(&self, key: &PublicKey) -> Result<(), PrivateError> {
        write(self.key(), &format!("{key}\n"))
    }

    pub(super) fn write_certificate(&self, pair: &Pair, certificate: &Certificate) -> Result<(), PrivateError> {
        write(self.certificate(pair), &format!("{}\n", certificate.to_openssh()))
    }

    pub(super) fn write_config(&self, text: &str) -> Result<(), PrivateError> {
        write(self.config(), text)
    }

    /// The programs that stand first in the command's PATH. A `-F` of the caller's own comes later, and wins.
    pub(super) fn write_programs(&self, app: &App<'_>) -> Result<(), PrivateError> {
        let dir = self.programs();
        DirBuilder::new().mode(0o700).create(&dir).map_err(|cause| PrivateError::Write(dir.clone(), cause))?;
        let path = app.context.environment.get("PATH").unwrap_or_default();
        for (name, program) in PROGRAMS.into_iter().filter_map(|name| Some((name, find(path, name)?))) {
            let script = script(&program, &self.config());
            let file = dir.join(name);
            platform::write_program(&file, &script).map_err(|cause| PrivateError::Write(file, cause))?;
        }
        if statvfs(&dir).is_ok_and(|place| place.flags().contains(FsFlags::ST_NOEXEC)) {
            app.context.terminal.note(&format!(
                "warning: no program can be run from {}, so ssh has to be told: ssh -F \"$HALLPASS_SSH_CONFIG\"; or set \
                 XDG_RUNTIME_DIR to a directory that programs can be run from",
                dir.display()
            ));
        }
        Ok(())
    }

    /// Removes it, and says when that does not work.
    pub(super) fn end(&self) -> Result<(), PrivateError> {
        match fs::remove_dir_all(&self.dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(PrivateError::Remove(self.dir.clone(), error)),
            _ => Ok(()),
        }
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        // What stays behind is removed by the next run.
        drop(self.end());
    }
}

fn remove_left_behind(place: &Path) -> io::Result<()> {
    for entry in fs::read_dir(place)?.filter_map(Result::ok) {
        let ours = entry.file_name().as_bytes().starts_with(PREFIX.as_bytes());
        if ours && entry.file_type().is_ok_and(|kind| kind.is_dir()) && File::open(entry.path())?.try_lock().is_ok() {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

fn write(path: PathBuf, text: &str) -> Result<(), PrivateError> {
    platform::write_passing(&path, text.as_bytes()).map_err(|cause| PrivateError::Write(path, cause))
}

/// The program of this name that a PATH means.
fn find(path: &OsStr, name: &str) -> Option<PathBuf> {
    let places = std::env::split_paths(path).filter(|place| place.is_absolute());
    places.map(|place| place.join(name)).find(|file| platform::is_program(file))
}

/// A program that runs another one with this configuration.
fn script(program: &Path, config: &Path) -> Vec<u8> {
    let parts: [&[u8]; 5] = [b"#!/bin/sh\nexec ", &word(program), b" -F ", &word(config), b" \"$@\"\n"];
    parts.concat()
}

/// A path as one word of a shell.
fn word(path: &Path) -> Vec<u8> {
    let mut word = vec![b'\''];
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'\'' => word.extend_from_slice(b"'\\''"),
            other => word.push(*other),
        }
    }
    word.push(b'\'');
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(place: &Path) -> Vec<String> {
        fs::read_dir(place).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn what_a_killed_run_left_behind_is_removed_by_the_next_and_what_lives_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("hallpass");
        let first = Private::make_in(&place, 1).unwrap();
        fs::create_dir(place.join("run-killed")).unwrap();
        fs::write(place.join("run-killed/key.pub"), "").unwrap();
        fs::write(place.join("agent.sock"), "").unwrap();
        let second = Private::make_in(&place, 2).unwrap();
        let mut there = names(&place);
        there.sort();
        assert_eq!(there, ["agent.sock", "run-0000000000000001", "run-0000000000000002"]);
        drop((first, second));
        assert_eq!(names(&place), ["agent.sock"]);
    }

    #[test]
    fn a_program_is_run_with_the_configuration_whatever_their_paths_are() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("it's $HOME");
        fs::create_dir(&place).unwrap();
        let echo = find(OsStr::new("relative:/bin:/usr/bin"), "echo").unwrap();
        assert_eq!(find(OsStr::new("/bin"), "no-such-program"), None);
        let file = place.join("ssh");
        platform::write_program(&file, &script(&echo, &place.join("ssh_config"))).unwrap();
        let said = std::process::Command::new(&file).args(["a b", "$x"]).output().unwrap();
        let said = String::from_utf8(said.stdout).unwrap();
        assert_eq!(said, format!("-F {} a b $x\n", place.join("ssh_config").display()));
    }
}
