//! Everything that is Unix's own: clock, processes, private files, sockets.

mod started;

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::future::Future;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use domain::{Clock, Random, TimeError, UnixTime};
use nix::time::{ClockId, clock_gettime};
use rand::RngCore;
use tokio::signal::unix::{SignalKind, signal};

use crate::context::Environment;
use crate::processes::{Processes, Program, Started};
pub(crate) use started::Endings;

/// The system's clocks.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn wall(&self) -> Result<UnixTime, TimeError> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| TimeError)?;
        UnixTime::new(since.as_secs())
    }

    fn since_boot_ms(&self) -> u64 {
        // CLOCK_BOOTTIME exists on every Linux that Rust supports; it never fails there.
        clock_gettime(ClockId::CLOCK_BOOTTIME)
            .ok()
            .and_then(|time| u64::try_from(std::time::Duration::from(time).as_millis()).ok())
            .unwrap_or_default()
    }
}

/// The system's random source.
pub(crate) struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        rand::rngs::OsRng.fill_bytes(bytes);
    }
}

/// Programs as processes.
pub(crate) struct SystemProcesses;

impl Processes for SystemProcesses {
    fn own_path(&self) -> io::Result<PathBuf> {
        std::env::current_exe()
    }

    fn start_helper(&self, _socket: &Path, environment: &Environment) -> io::Result<()> {
        let mut command = Command::new(self.own_path()?);
        command.args(["agent", "--detach"]).env_clear().envs(environment.iter());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir("/");
        // It outlives this process, which therefore never waits for it, and leaves this session by itself.
        command.spawn().map(drop)
    }

    fn replace_by(&self, program: &Program, environment: &Environment) -> io::Result<u8> {
        let mut command = Command::new(&program.program);
        command.args(&program.arguments).env_clear().envs(environment.iter());
        Err(command.exec())
    }

    fn start(&self, program: &Program, environment: &Environment) -> io::Result<Box<dyn Started>> {
        started::start(program, environment)
    }
}

/// Leaves the terminal's session, so that closing the terminal does not end this process.
pub(crate) fn leave_session() -> io::Result<()> {
    nix::unistd::setsid().map(drop).map_err(io::Error::from)
}

/// Keeps what this process holds out of core dumps and away from debuggers of the same user.
pub(crate) fn forbid_dumps() -> io::Result<()> {
    nix::sys::prctl::set_dumpable(false).map_err(io::Error::from)
}

/// Ends when somebody asks this process to end.
pub(crate) fn asked_to_end() -> io::Result<impl Future<Output = ()> + Send> {
    let (mut end, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = end.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Whether this is a file that can be run.
pub(crate) fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.mode() & 0o111 != 0)
}

/// Makes a directory, and those above it, that only their owner can look into. One that is there stays as it is.
pub(crate) fn make_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// The same for what holds secrets: one that is there must be the user's own.
pub(crate) fn private_dir(path: &Path) -> io::Result<()> {
    make_dir(path)?;
    let found = fs::symlink_metadata(path)?;
    if found.is_dir() && found.uid() == nix::unistd::geteuid().as_raw() {
        Ok(())
    } else {
        Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is not a directory of your own"))
    }
}

/// Puts a file that only its owner can read in place of the one before, whole or not at all.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    place(path, content, 0o600, Kept::Lasting)
}

/// The same for a file that everybody can read.
pub(crate) fn write_public(path: &Path, content: &[u8]) -> io::Result<()> {
    place(path, content, 0o644, Kept::Lasting)
}

/// The same for a file of a run, which only its owner can read, and which nobody wants after a crash.
pub(crate) fn write_passing(path: &Path, content: &[u8]) -> io::Result<()> {
    place(path, content, 0o600, Kept::Passing)
}

/// The same for a program of a run.
pub(crate) fn write_program(path: &Path, content: &[u8]) -> io::Result<()> {
    place(path, content, 0o700, Kept::Passing)
}

/// Whether a file is to be there after a crash.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    Lasting,
    Passing,
}

fn place(path: &Path, content: &[u8], mode: u32, kept: Kept) -> io::Result<()> {
    let beside = beside(path);
    let mut file = create_private(&beside)?;
    let readable = file.set_permissions(fs::Permissions::from_mode(mode));
    let written = readable.and_then(|()| file.write_all(content)).and_then(|()| match kept {
        // Its content is on the disk before its name is: after a crash there is the one file or the other.
        Kept::Lasting => file.sync_all(),
        Kept::Passing => Ok(()),
    });
    // A program cannot be started while somebody could write to it.
    drop(file);
    let placed = written.and_then(|()| fs::rename(&beside, path));
    if placed.is_err() {
        drop(fs::remove_file(&beside));
    }
    placed
}

/// Puts a file in place of the one that is there, whole or not at all, with the same mode and owner. A link to a file
/// stays a link.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let was = fs::metadata(&path)?;
    let beside = beside(&path);
    let mut file = create_private(&beside)?;
    let mut written = || {
        let is = file.metadata()?;
        if (is.uid(), is.gid()) != (was.uid(), was.gid()) {
            // Whoever reads it today is to be able to read it then.
            std::os::unix::fs::fchown(&file, Some(was.uid()), Some(was.gid()))?;
        }
        file.set_permissions(was.permissions())?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&beside, &path)
    };
    written().inspect_err(|_| drop(fs::remove_file(&beside)))
}

/// A name in the same directory that nothing else has, and that no pattern such as `hosts.*` means.
fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{:016x}", rand::rngs::OsRng.next_u64()));
    path.with_file_name(name)
}

fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_file_is_replaced_whole_and_leaves_nothing_beside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hosts.work");
        for content in ["a longer content", "short"] {
            write_private(&path, content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_replaced_file_keeps_its_mode_and_a_link_to_it() {
        let dir = tempfile::tempdir().unwrap();
        let (path, link) = (dir.path().join("hosts.toml"), dir.path().join("link"));
        fs::write(&path, "before").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        replace(&link, b"after").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "after");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
        assert_eq!(replace(&dir.path().join("gone"), b"").unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn what_somebody_put_beside_is_never_written_through() {
        let dir = tempfile::tempdir().unwrap();
        let (theirs, link) = (dir.path().join("theirs"), dir.path().join("link"));
        fs::write(&theirs, "theirs").unwrap();
        std::os::unix::fs::symlink(&theirs, &link).unwrap();
        assert_eq!(create_private(&link).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_ne!(beside(&theirs), beside(&theirs));
        assert_eq!(fs::read_to_string(&theirs).unwrap(), "theirs");
    }
}
