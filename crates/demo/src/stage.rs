//! The stage: one temporary directory with a server, two people, an ssh-agent and two hosts.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use domain::Login;
use server::{KeysAre, Running, ServeOptions, Server, Setup, SystemClock, SystemRandom};
use ssh_key::{Algorithm, LineEnding, PrivateKey};
use tokio::process::{Child, Command};

use crate::error::DemoError;
use crate::host::{Host, PrivilegeSeparation, free_port};
use crate::person::Person;
use crate::programs::{Missing, Programs};

/// How long the demo's certificates open new connections, in seconds.
pub(crate) const TTL: u64 = 5;

/// Everything that the story needs. Dropped, all of it ends and is removed.
pub(crate) struct Stage {
    pub(crate) login: Login,
    pub(crate) address: SocketAddr,
    pub(crate) fingerprint: String,
    pub(crate) ca: PathBuf,
    pub(crate) config: PathBuf,
    pub(crate) alice: Person,
    pub(crate) bob: Person,
    // Before the hosts: as long as their sshd runs it can be told from others.
    _privilege_separation: Option<PrivilegeSeparation>,
    pub(crate) real: Result<Real, Missing>,
    pub(crate) dir: PathBuf,
    server: Option<Running>,
    // Last, so that it goes after everything that has files in it.
    _all: tempfile::TempDir,
}

/// The system's own programs at work.
pub(crate) struct Real {
    pub(crate) programs: Programs,
    pub(crate) web: Host,
    pub(crate) db: Host,
    pub(crate) agent_socket: PathBuf,
    _agent: Child,
}

impl Stage {
    /// Sets everything up.
    pub(crate) async fn set() -> Result<Self, DemoError> {
        let login = own_login()?;
        let all = tempfile::Builder::new()
            .prefix("hallpass-demo-")
            .tempdir()
            .map_err(|cause| DemoError::Start { what: "a temporary directory", cause })?;
        let dir = all.path().to_owned();
        let port = || free_port().map_err(|cause| DemoError::Start { what: "a free port", cause });
        let (web_port, db_port) = (port()?, port()?);
        let (alice_key, bob_key) = (make_person(&dir, "alice")?, make_person(&dir, "bob")?);

        let server_dir = dir.join("server");
        let fingerprint = make_server(&server_dir, &bob_key)?;
        let files = [
            ("directory.toml", directory(&alice_key, &bob_key, &login)),
            ("hosts.toml", hosts(web_port, db_port)),
            ("access.toml", access()),
        ];
        for (name, text) in files {
            write_private(&server_dir.join(name), text.as_bytes())?;
        }
        let config = server_dir.join("hallpassd.toml");
        let server = start_server(&config).await?;
        let address = server.addresses().first().copied().ok_or(DemoError::NoAddress)?;

        let ca = server_dir.join("ca.pub");
        let programs = Programs::find();
        let privilege_separation = programs.is_ok().then(PrivilegeSeparation::ensure);
        let real = match programs {
            Ok(programs) => Ok(Real::start(programs, &dir, &ca, [web_port, db_port], &login).await?),
            Err(missing) => Err(missing),
        };
        let agent = real.as_ref().ok().map(|real| real.agent_socket.clone());
        let alice = Person::new("alice", dir.join("alice"), agent.as_deref());
        let bob = Person::new("bob", dir.join("bob"), None);
        Ok(Self {
            login,
            address,
            fingerprint,
            ca,
            config,
            alice,
            bob,
            _privilege_separation: privilege_separation,
            real,
            dir,
            server: Some(server),
            _all: all,
        })
    }

    /// Ends everything in order.
    pub(crate) async fn clear(mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
    }
}

impl Real {
    async fn start(
        programs: Programs,
        dir: &Path,
        ca: &Path,
        [web_port, db_port]: [u16; 2],
        login: &Login,
    ) -> Result<Self, DemoError> {
        let web = Host::start(&programs, dir, ca, "web-1", web_port, login.as_str()).await?;
        let db = Host::start(&programs, dir, ca, "db-1", db_port, login.as_str()).await?;
        let agent_socket = dir.join("alice/ssh-agent.sock");
        let agent = Command::new(&programs.ssh_agent)
            .arg("-D")
            .arg("-a")
            .arg(&agent_socket)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|cause| DemoError::Start { what: "ssh-agent", cause })?;
        for _ in 0..250 {
            // The file is there before somebody listens.
            if tokio::net::UnixStream::connect(&agent_socket).await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(Self { programs, web, db, agent_socket, _agent: agent })
    }
}

/// The account that the demo runs as, and logs in to.
fn own_login() -> Result<Login, DemoError> {
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid());
    let user = user.ok().flatten().ok_or(DemoError::Nameless)?;
    Ok(user.name.parse()?)
}

/// A home with a key in it; returns the public key's line.
fn make_person(dir: &Path, name: &str) -> Result<String, DemoError> {
    let ssh = dir.join(name).join(".ssh");
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&ssh);
    made.map_err(|cause| DemoError::File { path: ssh.clone(), cause })?;
    let mut key = PrivateKey::random(&mut rand::rngs::OsRng, Algorithm::Ed25519)?;
    key.set_comment(name);
    write_private(&ssh.join("id_ed25519"), key.to_openssh(LineEnding::LF)?.as_bytes())?;
    let line = key.public_key().to_openssh()?;
    write_private(&ssh.join("id_ed25519.pub"), format!("{line}\n").as_bytes())?;
    Ok(line)
}

fn make_server(dir: &Path, bob_key: &str) -> Result<String, DemoError> {
    let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let setup = Setup {
        directory: dir.to_owned(),
        name: "demo.hallpass".parse()?,
        listen: anywhere,
        metrics: anywhere,
        admins: vec![("bob".parse()?, bob_key.parse().map_err(|_| ssh_key::Error::FormatEncoding)?)],
        signers: None,
        keys_are: KeysAre::Unencrypted,
    };
    Ok(server::init(&setup, |_| None, &SystemClock, Arc::new(SystemRandom))?.to_string())
}

async fn start_server(config: &Path) -> Result<Running, DemoError> {
    let options = ServeOptions {
        config: config.to_owned(),
        keys_are: None,
        environment: |_| None,
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
    };
    Ok(Server::start(options).await?)
}

fn directory(alice_key: &str, bob_key: &str, login: &Login) -> String {
    format!(
        "[[user]]\nname = \"alice\"\nkeys = [\"{alice_key}\"]\nlogin = \"{login}\"\n\n\
         [[user]]\nname = \"bob\"\nkeys = [\"{bob_key}\"]\n\n\
         [[group]]\nname = \"dev\"\nmembers = [\"alice\"]\n\n\
         [[group]]\nname = \"sre\"\nmembers = [\"bob\"]\nrights = [\"admin\", \"audit\"]\n"
    )
}

fn hosts(web_port: u16, db_port: u16) -> String {
    format!(
        "[[host]]\nname = \"web-1\"\naddress = \"127.0.0.1\"\nport = {web_port}\nlabels = {{ env = \"prod\" }}\n\n\
         [[host]]\nname = \"db-1\"\naddress = \"127.0.0.1\"\nport = {db_port}\nlabels = {{ env = \"prod\" }}\n"
    )
}

fn access() -> String {
    format!(
        "[[rule]]\nname = \"dev-prod\"\nwho = \"dev\"\nhosts = \"env=prod\"\nlogins = [\"self\"]\n\
         approve = \"1 of sre\"\nmax = \"1h\"\nttl = \"{TTL}s\"\nallow = [\"pty\"]\n"
    )
}

/// Writes a file that only this account can read.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> Result<(), DemoError> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(content));
    written.map_err(|cause| DemoError::File { path: path.to_owned(), cause })
}
