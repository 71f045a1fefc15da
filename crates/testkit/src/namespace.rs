//! A network that nobody outside can connect into, and the one door to it. Takes root.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::task::{JoinHandle, JoinSet};

use crate::Sshd;
use crate::run::Result;
use crate::sshd::SSHD;

/// A network of its own, with a 127.0.0.1 of its own; gone with whoever holds it.
#[derive(Debug)]
pub struct Namespace {
    // The network lives as long as a process in it does.
    _holder: Child,
    pid: u32,
}

impl Namespace {
    /// Makes one.
    ///
    /// # Errors
    /// Without root, or without the programs of util-linux and iproute2.
    pub async fn make() -> Result<Self> {
        let mut holder = Command::new("unshare");
        holder.args(["-n", "--", "sh", "-c", "ip link set lo up && echo up && exec sleep infinity"]);
        let mut holder = holder.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let out = holder.stdout.take().ok_or("no output")?;
        let said = BufReader::new(out).lines().next_line().await?;
        match (said.as_deref(), holder.id()) {
            (Some("up"), Some(pid)) => Ok(Self { _holder: holder, pid }),
            _ => Err("no network could be made; is this root, and are unshare and ip there?".into()),
        }
    }

    /// A program that runs in it.
    pub(crate) fn command(&self, program: &str) -> Command {
        inside(self.pid, program)
    }
}

fn inside(pid: u32, program: &str) -> Command {
    let mut command = Command::new("nsenter");
    command.args(["-t", &pid.to_string(), "-n", "--", program]);
    command
}

/// A port outside behind which an sshd inside answers: what it forwards, it connects to inside.
#[derive(Debug)]
pub struct Door {
    port: u16,
    log: PathBuf,
    task: JoinHandle<()>,
}

impl Door {
    /// Opens a port on 127.0.0.1 where each connection is handed to a process of this sshd, which runs inside.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn open(namespace: &Namespace, sshd: &Sshd) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (port, log) = (listener.local_addr()?.port(), sshd.dir().join("door.log"));
        let (pid, config, to) = (namespace.pid, sshd.dir().join("sshd_config"), log.clone());
        std::fs::write(&log, "")?;
        let task = tokio::spawn(async move {
            let mut children = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let spawned =
                    stream.into_std().map_err(Into::into).and_then(|stream| handed(pid, stream, &config, &to));
                if let Ok(mut child) = spawned {
                    children.spawn(async move { child.wait().await });
                }
            }
        });
        Ok(Self { port, log, task })
    }

    /// Its port on 127.0.0.1 outside.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// What the processes behind it have logged.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn log(&self) -> Result<String> {
        Ok(std::fs::read_to_string(&self.log)?)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A process of sshd for one connection, as inetd would start it.
fn handed(pid: u32, stream: std::net::TcpStream, config: &Path, log: &Path) -> Result<Child> {
    stream.set_nonblocking(false)?;
    let (input, output) = (std::os::fd::OwnedFd::from(stream.try_clone()?), std::os::fd::OwnedFd::from(stream));
    let log = std::fs::File::options().append(true).open(log)?;
    let mut command = inside(pid, SSHD);
    command.args(["-i", "-e", "-f"]).arg(config).stdin(input).stdout(output).stderr(log).kill_on_drop(true);
    Ok(command.spawn()?)
}
