//! Everything that is Unix's own: clock, processes, private files, sockets.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::future::Future;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use domain::{Clock, Random, TimeError, UnixTime};
use nix::time::{ClockId, clock_gettime};
use rand::RngCore;
use tokio::signal::unix::{SignalKind, signal};

use crate::context::Environment;
use crate::processes::{Processes, Program};

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
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    let beside = PathBuf::from(beside);
    let written = create_private(&beside).and_then(|mut file| file.write_all(content));
    let placed = written.and_then(|()| fs::rename(&beside, path));
    if placed.is_err() {
        drop(fs::remove_file(&beside));
    }
    placed
}

fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}
