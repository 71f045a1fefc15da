//! A user's machine: a directory with keys, an ssh configuration, perhaps a running ssh-agent, and OpenSSH's programs.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use domain::PublicKey;
use tokio::process::{Child, Command};

use crate::run::{Output, Result, eventually, run};
use crate::sshd::Sshd;

/// A software FIDO token, of Debian's package openssh-tests.
pub const SK_DUMMY: &str = "/usr/lib/openssh/regress/misc/sk-dummy/sk-dummy.so";

/// What ssh-keygen is to put into a certificate, when a test needs one that Hallpass did not make.
#[derive(Debug, Clone, Copy)]
pub struct Certify<'a> {
    /// The file of the CA's private key, made by [`Machine::keygen`].
    pub ca: &'a str,
    /// The file of the public key, without `.pub`.
    pub key: &'a str,
    /// Principals, joined by commas.
    pub principals: &'a str,
    /// From when until when, as `-V` takes it: `-30s:+5s`.
    pub validity: &'a str,
    /// Extensions and critical options, as `-O` takes them; none by default.
    pub options: &'a [&'a str],
}

/// A user's machine. Its files, its environment and its agent end with it.
#[derive(Debug)]
pub struct Machine {
    agent: Option<Child>,
    dir: tempfile::TempDir,
    environment: Vec<(String, String)>,
}

impl Machine {
    /// A machine without an ssh-agent.
    ///
    /// # Errors
    /// When no directory can be made.
    pub fn new() -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("hallpass-").tempdir()?;
        Ok(Self { agent: None, dir, environment: Vec::new() })
    }

    /// A machine with a running ssh-agent, which can use FIDO keys of [`SK_DUMMY`].
    ///
    /// # Errors
    /// When ssh-agent does not start.
    pub async fn with_agent() -> Result<Self> {
        let mut machine = Self::new()?;
        let socket = machine.agent_socket();
        let mut agent = Command::new("ssh-agent");
        agent.arg("-D").arg("-a").arg(&socket).stdin(Stdio::null()).stdout(Stdio::null());
        machine.agent = Some(agent.kill_on_drop(true).spawn()?);
        // The file is there before somebody listens.
        eventually("ssh-agent listens", async || tokio::net::UnixStream::connect(&socket).await.is_ok()).await?;
        machine.set("SSH_AUTH_SOCK", socket.to_string_lossy());
        Ok(machine)
    }

    /// A file on this machine.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Where its ssh-agent listens, if it has one.
    pub fn agent_socket(&self) -> PathBuf {
        self.path("agent.sock")
    }

    /// Sets a variable for every program that is run from now on.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.environment.push((name.to_owned(), value.into()));
    }

    /// Writes a file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> Result<PathBuf> {
        let path = self.path(name);
        std::fs::write(&path, text)?;
        Ok(path)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it is not there.
    pub fn read(&self, name: &str) -> Result<String> {
        std::fs::read_to_string(self.path(name)).map_err(|error| format!("{name}: {error}").into())
    }

    /// Runs any program in the machine's directory and environment.
    ///
    /// # Errors
    /// When it cannot be started or hangs; that it failed is in the output.
    pub async fn run<W: AsRef<OsStr>>(&self, program: impl AsRef<OsStr>, words: &[W]) -> Result<Output> {
        run(&mut self.command(program, words)).await
    }

    /// Any program in the machine's directory and environment, for whoever looks at it while it runs.
    pub fn command<W: AsRef<OsStr>>(&self, program: impl AsRef<OsStr>, words: &[W]) -> Command {
        let mut command = Command::new(program);
        command.args(words).current_dir(self.dir.path()).kill_on_drop(true);
        command.env_remove("SSH_AUTH_SOCK").env("HOME", self.dir.path()).env("SSH_SK_PROVIDER", SK_DUMMY);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Writes the ssh configuration: the given lines, which win, then a block for each host.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn configure(&self, first: &str, hosts: &[(&str, &Sshd)]) -> Result<()> {
        let mut config = format!("{}\n", first.trim_end());
        let mut known = String::new();
        for (name, sshd) in hosts {
            writeln!(
                config,
                "Host {name}\n    HostName 127.0.0.1\n    Port {}\n    User {}",
                sshd.port(),
                sshd.login()
            )?;
            known.push_str(&sshd.known_hosts_line(name)?);
        }
        let known_hosts = self.write("known_hosts", known)?;
        write!(
            config,
            "Host *\n    BatchMode yes\n    StrictHostKeyChecking yes\n    UpdateHostKeys no\n    \
             UserKnownHostsFile {}\n    GlobalKnownHostsFile /dev/null\n",
            known_hosts.display()
        )?;
        self.write("ssh_config", config).map(drop)
    }

    /// Runs ssh with that configuration.
    ///
    /// # Errors
    /// As [`Machine::run`].
    pub async fn ssh(&self, words: &[&str]) -> Result<Output> {
        self.with_config("ssh", words).await
    }

    /// Runs ssh, scp or sftp with that configuration.
    ///
    /// # Errors
    /// As [`Machine::run`].
    pub async fn with_config(&self, program: &str, words: &[&str]) -> Result<Output> {
        let config = self.path("ssh_config");
        let mut all = vec!["-F".as_ref(), config.as_os_str()];
        all.extend(words.iter().map(OsStr::new));
        self.run(program, &all).await
    }

    /// Makes a key pair NAME and NAME.pub without passphrase; `ed25519-sk` and `ecdsa-sk` too.
    ///
    /// # Errors
    /// When ssh-keygen does not.
    pub async fn keygen(&self, kind: &str, name: &str) -> Result<PublicKey> {
        self.run("ssh-keygen", &["-q", "-t", kind, "-N", "", "-C", name, "-f", name]).await?.ok()?;
        self.public_key(name)
    }

    /// The public key in NAME.pub.
    ///
    /// # Errors
    /// When there is none.
    pub fn public_key(&self, name: &str) -> Result<PublicKey> {
        Ok(self.read(&format!("{name}.pub"))?.parse()?)
    }

    /// Has ssh-keygen write NAME-cert.pub beside NAME.pub.
    ///
    /// # Errors
    /// When it does not.
    pub async fn certify(&self, certify: Certify<'_>) -> Result<PathBuf> {
        let Certify { ca, key, principals, validity, options } = certify;
        let public = format!("{key}.pub");
        let mut words = vec!["-q", "-s", ca, "-I", "test", "-n", principals, "-V", validity, "-z", "1", "-O", "clear"];
        words.extend(options.iter().flat_map(|option| ["-O", option]));
        words.push(&public);
        self.run("ssh-keygen", &words).await?.ok()?;
        Ok(self.path(&format!("{key}-cert.pub")))
    }

    /// What the running ssh-agent holds, a line each, as `ssh-add -l` shows it.
    ///
    /// # Errors
    /// When there is no ssh-agent.
    pub async fn identities(&self) -> Result<Vec<String>> {
        let listed = self.run("ssh-add", &["-l"]).await?;
        match listed.code {
            Some(0) => Ok(listed.out.lines().map(str::to_owned).collect()),
            // The agent has no identities.
            Some(1) => Ok(Vec::new()),
            _ => Err(listed.err.into()),
        }
    }

    /// The machine's directory.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }
}
