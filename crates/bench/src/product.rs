//! The product: a real `hallpassd` in a directory of its own, and grants for those who take certificates.

use std::ffi::OsStr;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use dial::Bearer;
use domain::{Access, AskedLogin, Origin, Target};
use statement::{RequestStatement, Seen};
use wire::v1::SubmitRequest;
use wire::{Head, State};

use crate::failure::Failure;
use crate::inventory;
use crate::process::Server;
use crate::receipt::seen;
use crate::side::Side;
use crate::taker::{Taker, header, now};

/// The name of every server here.
pub(crate) const NAME: &str = "ca.bench.example";

/// The directory of a `hallpassd`, and what runs it.
pub(crate) struct Product {
    program: PathBuf,
    root: PathBuf,
    pub(crate) address: String,
}

impl Product {
    /// Makes a new server by its own `init`, and gives it the inventory.
    pub(crate) fn prepare(program: &Path, place: &Path, takers: &[Taker]) -> Result<Self, Failure> {
        let root = place.join("hallpassd");
        if root.exists() {
            fs::remove_dir_all(&root).map_err(Failure::file(&root))?;
        }
        let product = Self { program: program.to_owned(), root, address: free_address()? };
        product.init(place, takers)?;
        let limits = "[limits]\nconnections-per-peer = 1000\ncalls-per-second = 1000000\npending-per-user = 1000\n";
        let settings =
            format!("name = \"{NAME}\"\nlisten = [\"{}\"]\npassphrase = \"none\"\n{limits}", product.address);
        for (file, text) in [
            ("hallpassd.toml", settings),
            ("directory.toml", inventory::directory(takers)?),
            ("hosts.toml", inventory::hosts()),
            ("access.toml", inventory::ACCESS.to_owned()),
        ] {
            let path = product.root.join(file);
            fs::write(&path, text).map_err(Failure::file(&path))?;
        }
        Ok(product)
    }

    fn init(&self, place: &Path, takers: &[Taker]) -> Result<(), Failure> {
        let key = place.join("admin.pub");
        let admin = takers.first().ok_or(Failure::Broken("no administrator", "there are no users".into()))?;
        fs::write(&key, format!("{}\n", admin.user_key.public())).map_err(Failure::file(&key))?;
        let mut command = Command::new(&self.program);
        command.arg("init").arg("--dir").arg(&self.root).args(["--name", NAME, "--listen", &self.address]);
        command.arg("--admin").arg(format!("{}={}", admin.user, key.display())).arg("--no-passphrase");
        let program = || self.program.display().to_string();
        let done = command.output().map_err(|source| Failure::Start { program: program(), source })?;
        if done.status.success() {
            Ok(())
        } else {
            Err(Failure::Init(String::from_utf8_lossy(&done.stderr).trim().to_owned()))
        }
    }

    /// The server's directory.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Starts the server.
    pub(crate) fn start(&self) -> Result<Server, Failure> {
        self.start_as(Command::new(&self.program))
    }

    /// Starts the server with every fsync and fdatasync of it written to a file. It stays our own child: strace
    /// becomes the grandchild (`-D`).
    pub(crate) fn start_traced(&self, trace: &Path) -> Result<Server, Failure> {
        let mut command = Command::new("strace");
        command.args(["-D", "-f", "-qq", "-e", "trace=fsync,fdatasync", "-e", "signal=none", "-o"]);
        command.arg(trace).arg(&self.program);
        self.start_as(command)
    }

    fn start_as(&self, mut command: Command) -> Result<Server, Failure> {
        command.args([OsStr::new("serve"), OsStr::new("--config")]).arg(self.root.join("hallpassd.toml"));
        Server::start("hallpassd", &mut command, &self.root.with_extension("log"))
    }
}

/// An address on loopback that nobody has now.
pub(crate) fn free_address() -> Result<String, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(Failure::broken("no free port"))?;
    let address = listener.local_addr().map_err(Failure::broken("no free port"))?;
    Ok(address.to_string())
}

/// The name of every server here, parsed.
pub(crate) fn name() -> Result<Origin, Failure> {
    NAME.parse().map_err(Failure::broken("no name"))
}

/// Each user asks for their host, and has a grant at once: the rule is `auto`.
pub(crate) async fn ask_for_grants(product: &mut Side) -> Result<(), Failure> {
    let connection = product.connections().first().cloned();
    let connection = connection.ok_or(Failure::Broken("no connection", "it was lost".into()))?;
    let server = product.server().clone();
    for taker in &mut product.takers {
        let statement = RequestStatement {
            header: header(&server, now()?, None),
            requester: taker.user.clone(),
            access: Access {
                login: AskedLogin::Named(taker.pair.login.clone()),
                target: Target::Host(taker.pair.host.clone()),
            },
            start: None,
            window: "4h".parse().map_err(Failure::broken("no window"))?,
            uses: None,
            command: None,
            reason: "measuring how fast certificates are issued".parse().map_err(Failure::broken("no reason"))?,
            ticket: None,
            connecting_key: taker.connecting_key.public().clone(),
            rule: None,
            break_glass: None,
            extends: None,
        };
        let request = SubmitRequest { statement: Some(taker.user_key.sign(&statement)?) };
        let user = taker.user.to_string();
        let refused = |why: Box<dyn std::error::Error + Send + Sync>| Failure::Grant { user, why };
        match granted(connection.requests(&Bearer::none()).submit(request).await) {
            Ok((request, seen)) => (taker.request, taker.seen) = (request, Some(seen)),
            Err(why) => return Err(refused(why)),
        }
    }
    Ok(())
}

type Submitted = Result<tonic::Response<wire::v1::SubmitResponse>, tonic::Status>;

fn granted(answer: Submitted) -> Result<(domain::RequestId, Seen), Box<dyn std::error::Error + Send + Sync>> {
    let answer = answer?.into_inner();
    let head = Head::try_from(answer.checkpoint)?;
    let request = wire::Request::try_from(answer.request)?;
    if request.state == State::Approved {
        Ok((request.id, seen(&head)))
    } else {
        Err(format!("request {} is {}", request.id, request.state).into())
    }
}
