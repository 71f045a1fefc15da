//! A host: the system's own sshd on a free port of 127.0.0.1, which knows nothing but the CA's public key.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use ssh_key::{Algorithm, LineEnding, PrivateKey};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::error::DemoError;
use crate::processes;
use crate::programs::Programs;

/// A running host; its sshd ends with it, and so does every login there.
pub(crate) struct Host {
    pub(crate) name: &'static str,
    pub(crate) port: u16,
    pub(crate) known_hosts: PathBuf,
    log: Arc<Mutex<Vec<String>>>,
    sshd: Child,
}

impl Drop for Host {
    fn drop(&mut self) {
        // sshd itself is killed; what it started for a login would go on without it.
        let (Some(sshd), Ok(all)) = (self.sshd.id(), processes::running()) else { return };
        for login in processes::started_by(sshd, &all) {
            // One that has ended by itself meanwhile needs no signal.
            let _ended = i32::try_from(login).map(|id| kill(Pid::from_raw(id), Signal::SIGTERM));
        }
    }
}

/// Privilege separation's directory (PRIVSEP in sshd(8)), removed again if the demo made it and no other sshd uses it.
pub(crate) struct PrivilegeSeparation(Option<&'static Path>);

impl PrivilegeSeparation {
    /// Makes it, where this is root and the service that makes it is not installed.
    pub(crate) fn ensure() -> Self {
        let path = Path::new("/run/sshd");
        let needed = nix::unistd::geteuid().is_root() && !path.exists();
        // Failing to make it shows as sshd's own words a moment later.
        Self((needed && make_readable(path).is_ok()).then_some(path))
    }
}

/// sshd refuses a directory that others can write to, and its unprivileged half must get in; the umask decides neither.
fn make_readable(path: &Path) -> io::Result<()> {
    fs::create_dir(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

impl Drop for PrivilegeSeparation {
    fn drop(&mut self) {
        if let Some(path) = self.0
            && !another_sshd_runs()
        {
            drop(fs::remove_dir(path));
        }
    }
}

/// Without that directory it would let nobody in any more. Where nobody can tell, one may run.
fn another_sshd_runs() -> bool {
    let Ok(all) = processes::running() else { return true };
    let ours = processes::started_by(std::process::id(), &all);
    all.iter().any(|process| process.name.starts_with("sshd") && !ours.contains(&process.id))
}

impl Host {
    /// The two lines of sshd_config that make a scoped host.
    pub(crate) fn lines(ca: &Path, name: &str) -> [String; 2] {
        [format!("TrustedUserCAKeys {}", ca.display()), format!("AuthorizedPrincipalsCommand /bin/echo %u@{name}")]
    }

    /// Starts it.
    pub(crate) async fn start(
        programs: &Programs,
        dir: &Path,
        ca: &Path,
        name: &'static str,
        port: u16,
        account: &str,
    ) -> Result<Self, DemoError> {
        let files = write_files(dir, ca, name, port, account)?;
        forgive(programs, &files.config).await?;
        let mut sshd = Command::new(&programs.sshd)
            .arg("-D")
            .arg("-e")
            .arg("-f")
            .arg(&files.config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // Ctrl-C is for the demo, which ends the logins before their sshd.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|cause| DemoError::Start { what: "sshd", cause })?;
        let log = Arc::new(Mutex::new(Vec::new()));
        if let Some(stderr) = sshd.stderr.take() {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                let mut lines = BufReader::new(stderr).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    log.lock().unwrap_or_else(PoisonError::into_inner).push(line.trim_end().to_owned());
                }
            });
        }
        let host = Self { name, port, known_hosts: files.known_hosts, log, sshd };
        match host.logged("Server listening on").await {
            Some(_) => Ok(host),
            None => Err(DemoError::Host { host: name, log: host.whole_log() }),
        }
    }

    /// The last line of sshd's log that holds this, waited for as long as a busy machine may take to write it.
    pub(crate) async fn logged(&self, text: &str) -> Option<String> {
        for _ in 0..250 {
            let found = {
                let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
                log.iter().rev().find(|line| line.contains(text)).cloned()
            };
            if found.is_some() {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        None
    }

    fn whole_log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }
}

/// From 9.8 on, sshd shuts out an address after refused logins, which the story has two of; before, it does not know
/// the line that says otherwise.
async fn forgive(programs: &Programs, config: &Path) -> Result<(), DemoError> {
    let plain = fs::read_to_string(config).map_err(|cause| DemoError::File { path: config.to_owned(), cause })?;
    crate::stage::write_private(config, format!("{plain}PerSourcePenalties no\n").as_bytes())?;
    let mut check = Command::new(&programs.sshd);
    check.arg("-t").arg("-f").arg(config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let knows = check.status().await.map_err(|cause| DemoError::Start { what: "sshd", cause })?;
    if knows.success() { Ok(()) } else { crate::stage::write_private(config, plain.as_bytes()) }
}

struct Files {
    config: PathBuf,
    known_hosts: PathBuf,
}

fn write_files(dir: &Path, ca: &Path, name: &str, port: u16, account: &str) -> Result<Files, DemoError> {
    let key = PrivateKey::random(&mut rand::rngs::OsRng, Algorithm::Ed25519)?;
    let key_file = dir.join(format!("{name}.host_key"));
    crate::stage::write_private(&key_file, key.to_openssh(LineEnding::LF)?.as_bytes())?;
    let known_hosts = dir.join(format!("{name}.known_hosts"));
    let public = key.public_key().to_openssh()?;
    // Plain ssh of the story knows the address, `hallpass ssh` the name.
    crate::stage::write_private(&known_hosts, format!("{name},[127.0.0.1]:{port} {public}\n").as_bytes())?;

    // The command runs as somebody without rights; only root can become somebody else.
    let nobody = if nix::unistd::geteuid().is_root() { "nobody" } else { account };
    let [ca_line, principals_line] = Host::lines(ca, name);
    let text = format!(
        "Port {port}\nListenAddress 127.0.0.1\nHostKey {key}\nPidFile none\nUsePAM no\nStrictModes no\n\
         PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nAuthorizedKeysFile none\n\
         LogLevel VERBOSE\n{ca_line}\n{principals_line}\nAuthorizedPrincipalsCommandUser {nobody}\n",
        key = key_file.display(),
    );
    let config = dir.join(format!("{name}.sshd_config"));
    crate::stage::write_private(&config, text.as_bytes())?;
    Ok(Files { config, known_hosts })
}

/// A port that nobody uses at this moment.
pub(crate) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
