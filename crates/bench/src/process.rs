//! A server as a child process: started, awaited by `sd_notify`, measured, stopped.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::failure::Failure;

/// How long a server may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much of a log is shown when something fails.
const TAIL_LINES: usize = 12;

/// A running server.
pub(crate) struct Server {
    name: &'static str,
    child: Child,
    log: PathBuf,
    started_in: Duration,
}

impl Server {
    /// Starts it, with its standard error in a file, and waits until it says that it is ready.
    pub(crate) fn start(name: &'static str, command: &mut Command, log: &Path) -> Result<Self, Failure> {
        let home = tempfile::tempdir().map_err(Failure::file(&std::env::temp_dir()))?;
        let socket = home.path().join("notify");
        let notified = UnixDatagram::bind(&socket).map_err(Failure::file(&socket))?;
        notified.set_read_timeout(Some(Duration::from_millis(200))).map_err(Failure::file(&socket))?;
        let errors = File::options().append(true).create(true).open(log).map_err(Failure::file(log))?;
        command.env("NOTIFY_SOCKET", &socket).env_remove("HALLPASSD_LOG");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors);
        let start = Instant::now();
        let child = command.spawn().map_err(|source| {
            let program = command.get_program().to_string_lossy().into_owned();
            Failure::Start { program, source }
        })?;
        let mut server = Self { name, child, log: log.to_owned(), started_in: Duration::ZERO };
        server.await_ready(&notified, start)?;
        server.started_in = start.elapsed();
        Ok(server)
    }

    fn await_ready(&mut self, notified: &UnixDatagram, start: Instant) -> Result<(), Failure> {
        let mut message = [0; 4096];
        loop {
            match notified.recv(&mut message) {
                Ok(length) if message.get(..length).is_some_and(says_ready) => return Ok(()),
                Ok(_) => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) => return Err(self.failed(format!("cannot be awaited: {error}"))),
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(self.failed(format!("ended before it was ready ({status})")));
            }
            if start.elapsed() > PATIENCE {
                return Err(self.failed("did not say that it is ready".to_owned()));
            }
        }
    }

    /// From the start of the process until it said that it is ready.
    pub(crate) const fn started_in(&self) -> Duration {
        self.started_in
    }

    /// What it holds of memory, in MiB.
    pub(crate) fn resident_mib(&self) -> Result<f64, Failure> {
        let path = PathBuf::from(format!("/proc/{}/status", self.child.id()));
        let status = std::fs::read_to_string(&path).map_err(Failure::file(&path))?;
        let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok());
        let kib: u32 = kib.ok_or_else(|| self.failed("does not say how much memory it has".to_owned()))?;
        Ok(f64::from(kib) / 1024.0)
    }

    /// Asks it to end, as systemd does, and waits; anything but success is a failure.
    pub(crate) fn stop(mut self) -> Result<(), Failure> {
        if let Ok(id) = i32::try_from(self.child.id()) {
            kill(Pid::from_raw(id), Signal::SIGTERM)
                .map_err(|error| self.failed(format!("cannot be stopped: {error}")))?;
        }
        let start = Instant::now();
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => return Err(self.failed(format!("did not end well ({status})"))),
                Ok(None) if start.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(5)),
                _ => return Err(self.failed("did not end when asked to".to_owned())),
            }
        }
    }

    fn failed(&self, what: String) -> Failure {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(TAIL_LINES)..).unwrap_or_default().join("\n");
        Failure::Server { name: self.name, what, log: self.log.clone(), tail }
    }
}

/// Nothing is left behind, whatever happened.
impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn says_ready(message: &[u8]) -> bool {
    message.split(|byte| *byte == b'\n').any(|line| line == b"READY=1")
}
