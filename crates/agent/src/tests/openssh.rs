//! OpenSSH's programs, run in a directory of their own.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use cert::Certificate;
use domain::PublicKey;
use tokio::process::{Child, Command};

/// Debian's package openssh-tests has it.
pub(super) const SK_DUMMY: &str = "/usr/lib/openssh/regress/misc/sk-dummy/sk-dummy.so";

/// A directory with keys, and perhaps a running ssh-agent.
pub(super) struct OpenSsh {
    dir: tempfile::TempDir,
    agent: Option<Child>,
}

impl OpenSsh {
    pub(super) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), agent: None }
    }

    pub(super) async fn with_agent() -> Self {
        let mut openssh = Self::new();
        let agent = Command::new("ssh-agent")
            .args(["-D", "-a"])
            .arg(openssh.socket())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        openssh.agent = Some(agent);
        // The file is there before somebody listens.
        eventually(async || tokio::net::UnixStream::connect(openssh.socket()).await.is_ok()).await;
        openssh
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.path("agent.sock")
    }

    /// Runs a program; whether it succeeded, and what it said on both outputs.
    pub(super) async fn run(&self, socket: &Path, words: &str) -> (bool, String) {
        let mut words = words.split(' ');
        let output = Command::new(words.next().unwrap())
            .args(words)
            .current_dir(self.dir.path())
            .env("SSH_AUTH_SOCK", socket)
            .env("SSH_SK_PROVIDER", SK_DUMMY)
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    /// Runs a program that has to succeed.
    pub(super) async fn ok(&self, words: &str) -> String {
        let (success, said) = self.run(&self.socket(), words).await;
        assert!(success, "{words}: {said}");
        said
    }

    /// Makes a key pair NAME and NAME.pub without passphrase.
    pub(super) async fn keygen(&self, kind: &str, name: &str) -> PublicKey {
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-t", kind, "-N", "", "-C", name, "-f"]).arg(self.path(name));
        assert!(keygen.env("SSH_SK_PROVIDER", SK_DUMMY).status().await.unwrap().success());
        self.public_key(name)
    }

    pub(super) fn public_key(&self, name: &str) -> PublicKey {
        std::fs::read_to_string(self.path(&format!("{name}.pub"))).unwrap().parse().unwrap()
    }

    /// Has ssh-keygen certify a key; makes the CA's key first.
    pub(super) async fn certify(&self, key: &PublicKey, serial: u32, lifetime: &str) -> Certificate {
        if !self.path("ca").exists() {
            self.keygen("ed25519", "ca").await;
        }
        std::fs::write(self.path("certified.pub"), format!("{key}\n")).unwrap();
        self.ok(&format!("ssh-keygen -q -s ca -I test -n root@web-1 -V -60s:{lifetime} -z {serial} certified.pub"))
            .await;
        Certificate::from_openssh(&std::fs::read_to_string(self.path("certified-cert.pub")).unwrap()).unwrap()
    }

    /// What the running ssh-agent holds, a line each.
    pub(super) async fn listed(&self) -> Vec<String> {
        let (any, listed) = self.run(&self.socket(), "ssh-add -l").await;
        if any { listed.lines().map(str::to_owned).collect() } else { Vec::new() }
    }
}

/// Waits for what another process does.
pub(super) async fn eventually(holds: impl AsyncFn() -> bool) {
    for _ in 0..500 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it did not come true within ten seconds");
}
