//! A private sshd on 127.0.0.1 that knows a CA's public key and nothing else; stopped on drop.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use domain::HostName;
use tokio::process::{Child, Command};

use crate::free_port;
use crate::namespace::Namespace;
use crate::run::{Result, eventually, run};

/// sshd re-executes itself: it has to be called by its absolute path.
pub(crate) const SSHD: &str = "/usr/sbin/sshd";

/// How the host reads principals.
#[derive(Debug, Clone)]
pub enum SshdHost {
    /// `login@host` opens a login here, by AuthorizedPrincipalsCommand.
    Scoped(HostName),
    /// The principal is the login: a plain host.
    Plain,
}

/// What kind of sshd a test wants.
#[derive(Debug, Clone)]
pub struct SshdOptions {
    /// The text of TrustedUserCAKeys: lines of public keys.
    pub trusted_ca: String,
    /// How principals are read.
    pub host: SshdHost,
    /// More lines for sshd_config.
    pub extra: Vec<String>,
}

impl SshdOptions {
    /// A scoped host.
    ///
    /// # Errors
    /// When the name is none.
    pub fn scoped(host: &str, trusted_ca: impl Into<String>) -> Result<Self> {
        Ok(Self { trusted_ca: trusted_ca.into(), host: SshdHost::Scoped(host.parse()?), extra: Vec::new() })
    }

    /// A plain host.
    pub fn plain(trusted_ca: impl Into<String>) -> Self {
        Self { trusted_ca: trusted_ca.into(), host: SshdHost::Plain, extra: Vec::new() }
    }

    /// One more line for sshd_config.
    #[must_use]
    pub fn with(mut self, line: &str) -> Self {
        self.extra.push(line.to_owned());
        self
    }
}

/// A running sshd.
#[derive(Debug)]
pub struct Sshd {
    // Ended before its directory is removed.
    _process: Child,
    dir: tempfile::TempDir,
    port: u16,
    login: String,
}

impl Sshd {
    /// Starts one on a free port and waits until it listens. Needs no root: without it, it lets in only oneself.
    ///
    /// # Errors
    /// When sshd is missing, or does not take its configuration; its log is in the error.
    pub async fn start(options: &SshdOptions) -> Result<Self> {
        Self::start_by(options, &Command::new).await
    }

    /// The same inside of a network of its own: nothing outside connects to it.
    ///
    /// # Errors
    /// As [`Sshd::start`].
    pub async fn start_inside(namespace: &Namespace, options: &SshdOptions) -> Result<Self> {
        Self::start_by(options, &|program| namespace.command(program)).await
    }

    async fn start_by(options: &SshdOptions, command: &dyn Fn(&'static str) -> Command) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let login = whoami().await?;
        if login == "root" {
            // Privilege separation needs it (PRIVSEP in sshd(8)); a machine without the service lacks it.
            std::fs::create_dir_all("/run/sshd")?;
        }
        run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(dir.path().join("host_key")))
            .await?
            .ok()?;
        let trusted = format!("{}\n", options.trusted_ca.trim_end());
        std::fs::write(dir.path().join("ca.pub"), trusted)?;
        let mut last = None;
        // Somebody else may take the port in between.
        for _ in 0..5 {
            let port = free_port()?;
            write_config(dir.path(), port, &login, options).await?;
            match spawn(command(SSHD), dir.path(), port).await {
                Ok(process) => return Ok(Self { _process: process, dir, port, login }),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| "sshd was not started".into()))
    }

    /// Its files.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Its port on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The account that runs it, which can log in: root, or oneself.
    pub fn login(&self) -> &str {
        &self.login
    }

    /// Everything that it has logged.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn log(&self) -> Result<String> {
        Ok(std::fs::read_to_string(log_path(self.dir.path()))?)
    }

    /// Waits until its log holds these words: it may write them after the client has gone.
    ///
    /// # Errors
    /// When they do not come; the log is in the error.
    pub async fn logged(&self, words: &str) -> Result<()> {
        let holds = async || self.log().is_ok_and(|log| log.contains(words));
        eventually(words, holds).await.map_err(|error| format!("{error}\n{}", self.log().unwrap_or_default()).into())
    }

    /// Its line for a known_hosts file, by this name and by its address.
    ///
    /// # Errors
    /// When its host key cannot be read.
    pub fn known_hosts_line(&self, name: &str) -> Result<String> {
        let key = std::fs::read_to_string(self.dir.path().join("host_key.pub"))?;
        Ok(format!("{name},[127.0.0.1]:{} {key}", self.port))
    }
}

fn log_path(dir: &Path) -> PathBuf {
    dir.join("log")
}

async fn whoami() -> Result<String> {
    Ok(run(Command::new("id").arg("-un")).await?.ok()?.trim().to_owned())
}

async fn write_config(dir: &Path, port: u16, login: &str, options: &SshdOptions) -> Result<()> {
    let path = dir.join("sshd_config");
    let config = config(dir, port, login, options)?;
    // Since OpenSSH 9.8 a few refused logins shut 127.0.0.1 out; before, the word is unknown.
    std::fs::write(&path, format!("{config}PerSourcePenalties no\n"))?;
    let check = async || run(Command::new(SSHD).arg("-t").arg("-f").arg(&path)).await;
    if !check().await?.succeeded() {
        std::fs::write(&path, config)?;
        check().await?.ok()?;
    }
    Ok(())
}

fn config(dir: &Path, port: u16, login: &str, options: &SshdOptions) -> Result<String> {
    let dir = dir.display();
    // StrictModes would look at /tmp; MaxStartups would drop connections of tests that run side by side.
    let mut config = format!(
        "ListenAddress 127.0.0.1:{port}\nHostKey {dir}/host_key\nPidFile none\nUsePAM no\nStrictModes no\n\
         PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nAuthorizedKeysFile none\n\
         TrustedUserCAKeys {dir}/ca.pub\nLogLevel VERBOSE\nSubsystem sftp internal-sftp\nMaxStartups 100\n"
    );
    if let SshdHost::Scoped(host) = &options.host {
        // Only root can become nobody.
        let user = if login == "root" { "nobody" } else { login };
        writeln!(config, "AuthorizedPrincipalsCommand /bin/echo %u@{host}\nAuthorizedPrincipalsCommandUser {user}")?;
    }
    for line in &options.extra {
        writeln!(config, "{line}")?;
    }
    Ok(config)
}

async fn spawn(mut command: Command, dir: &Path, port: u16) -> Result<Child> {
    let log = std::fs::File::create(log_path(dir))?;
    let mut process = command
        .args(["-D", "-e", "-f"])
        .arg(dir.join("sshd_config"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("{SSHD} did not start: {error}; install the package openssh-server"))?;
    let listening = format!("Server listening on 127.0.0.1 port {port}.");
    let log = || std::fs::read_to_string(log_path(dir)).unwrap_or_default();
    eventually(&listening, async || log().contains(&listening) || log().contains("Cannot bind")).await.ok();
    match process.try_wait()? {
        None if log().contains(&listening) => Ok(process),
        _ => Err(format!("sshd does not listen:\n{}", log()).into()),
    }
}
