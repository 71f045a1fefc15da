//! A server and people, each with a home of their own; everything goes with the test.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use testkit::{Machine, Output, Result, Sshd, SshdOptions, eventually};
use tokio::process::{Child, Command};

pub(crate) const HALLPASS: &str = env!("CARGO_BIN_EXE_hallpass");
pub(crate) const HALLPASSD: &str = env!("CARGO_BIN_EXE_hallpassd");

/// The path from the rules of every test: developers ask, sre approves.
pub(crate) const RULES: &str = r#"
[[rule]]
name = "dev-prod"
who = "dev"
hosts = "env=prod"
logins = ["self", "daemon"]
approve = "1 of sre"
max = "1h"
ttl = "5m"
allow = ["pty", "port-forwarding"]

[[rule]]
name = "dev-bare"
who = "dev"
hosts = "env=bare"
logins = ["self"]
approve = "auto"
max = "1h"
ttl = "5m"

[[rule]]
name = "dev-short"
who = "dev"
hosts = "env=short"
logins = ["self"]
approve = "auto"
max = "1h"
ttl = "2s"
"#;

/// A running server, with alice who asks and bob who approves.
pub(crate) struct World {
    pub(crate) alice: Machine,
    pub(crate) bob: Machine,
    pub(crate) dir: tempfile::TempDir,
    pub(crate) address: String,
    pub(crate) fingerprint: String,
    server: Option<Child>,
}

/// A host of the inventory.
pub(crate) struct Entry<'a> {
    pub(crate) name: &'a str,
    pub(crate) port: u16,
    pub(crate) env: &'a str,
    pub(crate) more: &'a str,
}

pub(crate) fn entry<'a>(name: &'a str, sshd: &Sshd, env: &'a str) -> Entry<'a> {
    Entry { name, port: sshd.port(), env, more: "" }
}

impl World {
    /// Makes a server's directory, and people with ed25519 keys; nothing runs yet.
    pub(crate) async fn make() -> Result<Self> {
        Self::made(None).await
    }

    /// The same, with both as administrators, and bundles that take these signers.
    pub(crate) async fn make_with_signers(signers: &str) -> Result<Self> {
        Self::made(Some(signers)).await
    }

    async fn made(signers: Option<&str>) -> Result<Self> {
        let mut alice = Machine::with_agent().await?;
        let mut bob = Machine::with_agent().await?;
        for (person, name) in [(&mut alice, "alice"), (&mut bob, "bob")] {
            person.keygen("ed25519", name).await?;
            let run = person.path("run");
            person.set("XDG_RUNTIME_DIR", run.to_string_lossy());
        }
        let dir = tempfile::tempdir()?;
        let port = testkit::free_port()?;
        let address = format!("127.0.0.1:{port}");
        let server = dir.path().join("server");
        let admin = |person: &Machine, name| format!("{name}={}", person.path(&format!("{name}.pub")).display());
        let mut init = Command::new(HALLPASSD);
        init.args(["init", "--name", "e2e.hallpass", "--no-passphrase", "--listen", &address])
            .arg("--admin")
            .arg(admin(&bob, "bob"));
        if let Some(signers) = signers {
            init.args(["--signers", signers]).arg("--admin").arg(admin(&alice, "alice"));
        }
        let made = init.arg("--dir").arg(&server).stdin(Stdio::null()).output().await?;
        if !made.status.success() {
            return Err(String::from_utf8_lossy(&made.stderr).into());
        }
        let config = std::fs::read_to_string(server.join("hallpassd.toml"))?;
        let without_metrics: String =
            config.lines().filter(|line| !line.starts_with("metrics")).map(|line| format!("{line}\n")).collect();
        std::fs::write(server.join("hallpassd.toml"), without_metrics)?;
        let printed = String::from_utf8_lossy(&made.stdout).into_owned();
        let hex = |word: &&str| word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit());
        let words = printed.split(|c: char| !c.is_ascii_alphanumeric());
        let fingerprint = words.rev().find(hex).ok_or("init prints no fingerprint")?.to_owned();
        Ok(Self { alice, bob, dir, address, fingerprint, server: None })
    }

    /// The same, with these hosts, running, and both people logged in.
    pub(crate) async fn start(hosts: &[Entry<'_>]) -> Result<Self> {
        let mut world = Self::make().await?;
        world.directory("")?;
        world.hosts(hosts)?;
        world.file("access.toml", RULES)?;
        world.serve().await?;
        world.login(&world.alice, "alice").await?;
        world.login(&world.bob, "bob").await?;
        Ok(world)
    }

    pub(crate) fn directory(&self, more: &str) -> Result<()> {
        let line = |person: &Machine, name| person.read(&format!("{name}.pub"));
        let login = login()?;
        let text = format!(
            "[[user]]\nname = \"alice\"\nkeys = [\"{}\"]\nlogin = \"{login}\"\n\
             [[user]]\nname = \"bob\"\nkeys = [\"{}\"]\n\
             [[group]]\nname = \"dev\"\nmembers = [\"alice\"]\n\
             [[group]]\nname = \"sre\"\nmembers = [\"bob\"]\nrights = [\"admin\", \"audit\"]\n{more}",
            line(&self.alice, "alice")?.trim(),
            line(&self.bob, "bob")?.trim(),
        );
        self.file("directory.toml", &text)
    }

    pub(crate) fn hosts(&self, hosts: &[Entry<'_>]) -> Result<()> {
        let text: String = hosts
            .iter()
            .map(|Entry { name, port, env, more }| {
                format!(
                    "[[host]]\nname = \"{name}\"\naddress = \"127.0.0.1\"\nport = {port}\n\
                     labels = {{ env = \"{env}\" }}\n{more}\n"
                )
            })
            .collect();
        self.file("hosts.toml", &text)
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> Result<()> {
        Ok(std::fs::write(self.server_dir().join(name), text)?)
    }

    pub(crate) fn server_dir(&self) -> PathBuf {
        self.dir.path().join("server")
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.server_dir().join("hallpassd.toml")
    }

    /// The user CA's public key, as hosts trust it.
    pub(crate) fn ca(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.server_dir().join("ca.pub"))?)
    }

    /// Runs the server, and waits until it takes connections.
    pub(crate) async fn serve(&mut self) -> Result<()> {
        let mut command = Command::new(HALLPASSD);
        command.arg("serve").arg("--config").arg(self.config());
        self.serve_by(command).await
    }

    pub(crate) async fn serve_by(&mut self, command: Command) -> Result<()> {
        self.spawn(command)?;
        let address = self.address.clone();
        let listens = async || tokio::net::TcpStream::connect(&address).await.is_ok();
        eventually("the server listens", listens).await.map_err(|error| format!("{error}\n{}", self.log()).into())
    }

    /// Has the server load its files anew, and waits until it did.
    pub(crate) async fn reload(&self) -> Result<()> {
        let loads = || self.log().matches("policy, directory and hosts were loaded").count();
        let before = loads();
        let pid = self.pid().ok_or("no server runs")?.to_string();
        self.alice.run("kill", &["-HUP", &pid]).await?.ok()?;
        let loaded = async || loads() > before;
        eventually("the server loads its files", loaded)
            .await
            .map_err(|error| format!("{error}\n{}", self.log()).into())
    }

    /// Runs the server, and waits for nothing.
    pub(crate) fn spawn(&mut self, mut command: Command) -> Result<()> {
        let log = std::fs::File::create(self.dir.path().join("server.log"))?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
        self.server = Some(command.spawn()?);
        Ok(())
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("server.log")).unwrap_or_default()
    }

    /// The server's process id.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.server.as_ref().and_then(Child::id)
    }

    /// Sends the server a signal: `TERM`, `HUP`, ...
    pub(crate) fn signal(&self, name: &str) -> Result<()> {
        signal(self.pid().ok_or("no server runs")?, name)
    }

    /// How the server ends, by itself: its exit code.
    pub(crate) async fn ended(&mut self) -> Result<Option<i32>> {
        let mut server = self.server.take().ok_or("no server runs")?;
        let ended = tokio::time::timeout(Duration::from_secs(60), server.wait()).await;
        Ok(ended.map_err(|_| format!("the server does not end:\n{}", self.log()))??.code())
    }

    /// Kills the server as a power cut would.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        if let Some(mut server) = self.server.take() {
            server.kill().await?;
        }
        Ok(())
    }

    pub(crate) async fn login(&self, person: &Machine, name: &str) -> Result<()> {
        let place = format!("{}#{}", self.address, self.fingerprint);
        let key = person.path(name);
        let key = key.to_string_lossy();
        self.types(person, &["login", &place, "--as", "e2e", "--user", name, "--key", &key]).await?.ok().map(drop)
    }

    /// Types `hallpass` and these words.
    pub(crate) async fn types(&self, person: &Machine, words: &[&str]) -> Result<Output> {
        person.run(HALLPASS, words).await
    }

    /// Alice asks for this, and bob approves when anybody must.
    pub(crate) async fn granted(&self, access: &str) -> Result<String> {
        self.granted_with(&[access, "--for", "30m", "-m", "INC-42 disk full"]).await
    }

    pub(crate) async fn granted_with(&self, words: &[&str]) -> Result<String> {
        let all = [&["request", "--no-wait"], words].concat();
        let asked = self.types(&self.alice, &all).await?.ok()?;
        let id = find_id(&asked).ok_or_else(|| format!("no request id in {asked}"))?;
        if asked.contains("pending") {
            self.types(&self.bob, &["approve", "--yes", &id]).await?.ok()?;
        }
        Ok(id)
    }

    /// Alice's certificate for this, beside its public key in a directory of its own; she has the key in her helper.
    pub(crate) async fn certificate(&self, access: &str) -> Result<PathBuf> {
        let out = self.alice.path("certificates");
        self.types(&self.alice, &["cert", access, "--out", &out.to_string_lossy()]).await?.ok()?;
        let newest = std::fs::read_dir(&out)?
            .filter_map(std::result::Result::ok)
            .map(|file| file.path())
            .filter(|path| path.to_string_lossy().ends_with("-cert.pub"))
            .max_by_key(|path| path.metadata().and_then(|m| m.modified()).ok());
        newest.ok_or_else(|| "no certificate was written".into())
    }

    /// ssh with a certificate's own file and the key in the client helper.
    pub(crate) async fn ssh_with(&self, certificate: &Path, sshd: &Sshd, words: &[&str]) -> Result<Output> {
        let key = certificate.to_string_lossy().replace("-cert.pub", ".pub");
        let helper = self.alice.path("run/hallpass/agent.sock");
        self.alice.configure(
            &format!(
                "Host *\n    IdentityAgent {}\n    IdentitiesOnly yes\n    IdentityFile {key}\n    CertificateFile {}\n",
                helper.display(),
                certificate.display(),
            ),
            &[("target", sshd)],
        )?;
        self.alice.ssh(words).await
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // The helpers run in sessions of their own; each ends when it is told to.
        [&self.alice, &self.bob].into_iter().for_each(stop_helper);
    }
}

/// Ends a person's client helper.
pub(crate) fn stop_helper(person: &Machine) {
    let mut end = std::process::Command::new(HALLPASS);
    end.args(["agent", "--stop"]).env_clear().env("HOME", person.dir());
    end.env("XDG_RUNTIME_DIR", person.path("run")).stdin(Stdio::null());
    drop(end.stdout(Stdio::null()).stderr(Stdio::null()).status());
}

/// Sends a signal to a process, or with a minus to a group of them.
pub(crate) fn signal(to: impl std::fmt::Display, name: &str) -> Result<()> {
    let sent = std::process::Command::new("kill").args(["-s", name, "--", &to.to_string()]).status()?;
    if sent.success() { Ok(()) } else { Err(format!("kill -s {name} {to}: {sent}").into()) }
}

/// The account that runs the tests, which `self` maps to.
pub(crate) fn login() -> Result<String> {
    let output = std::process::Command::new("id").arg("-un").output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// What makes a host a jump host: without root, an sshd lets in only oneself.
pub(crate) fn jump_login() -> Result<String> {
    Ok(format!("jump_login = \"{}\"\n", login()?))
}

pub(crate) fn is_root() -> bool {
    login().is_ok_and(|login| login == "root")
}

/// Before a check that proves something to root alone, and is left out for anybody else: `cargo xtask test` counts
/// where this is asked, and fails when it was left out.
pub(crate) fn only_root_can() -> bool {
    is_root()
}

/// As where the package openssh-server is at work: what a demo makes it removes, and other tests need it meanwhile.
pub(crate) fn keep_run_sshd() -> Result<()> {
    if is_root() {
        std::fs::create_dir_all("/run/sshd")?;
    }
    Ok(())
}

/// `7K3F9-QXMWT` among other words.
pub(crate) fn find_id(text: &str) -> Option<String> {
    let shaped = |word: &&str| {
        let upper = |part: &str| part.len() == 5 && part.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        word.split_once('-').is_some_and(|(left, right)| upper(left) && upper(right))
    };
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').find(shaped).map(str::to_owned)
}

/// A scoped host that trusts a world's CA comes after the world, whose inventory wants its port: so the port is made by
/// a host that trusts nobody yet, and the CA is written when it is known.
pub(crate) async fn scoped(name: &str, ca: &str) -> Result<Sshd> {
    Sshd::start(&SshdOptions::scoped(name, ca)?).await
}
