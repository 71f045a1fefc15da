//! What the client asks of its helper beside signatures: extension messages with names of our own (RFC 9987).
//!
//! A request is `SSH_AGENTC_EXTENSION`, the name, and the fields below; the answer is `SSH_AGENT_EXTENSION_RESPONSE`, the
//! name again, and an outcome: 0 and the fields, or the code of a refusal and a detail.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use cert::Certificate;
use domain::{HostName, PublicKey, UnixTime};

use crate::client::Lifetime;
use crate::message::{EXTENSION_RESPONSE, Message, Reader};
use crate::server_name::ServerName;

pub(crate) const STATUS: &str = "status@hallpass";
pub(crate) const CREATE_KEY: &str = "create-key@hallpass";
pub(crate) const DROP_KEY: &str = "drop-key@hallpass";
pub(crate) const LOAD: &str = "load@hallpass";
pub(crate) const SHUT_DOWN: &str = "shut-down@hallpass";

/// A request to the helper.
pub(crate) enum Ask {
    Status,
    CreateKey(ServerName),
    DropKey(ServerName),
    Load(Box<Load>),
    ShutDown,
}

/// A certificate to be loaded, with its key, into a running ssh-agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// Whose connecting key it certifies.
    pub server: ServerName,
    /// The host that it opens; the certificate before it for this host is removed.
    pub host: HostName,
    /// The socket of the ssh-agent.
    pub agent: PathBuf,
    /// The certificate. The agent is told to forget it when it ends.
    pub certificate: Certificate,
}

/// What the helper answers.
pub(crate) enum Answer {
    Status(Status),
    Key(PublicKey),
    Loaded(Lifetime),
    Done,
    Refused(Refusal),
}

/// What a running helper holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The helper's version: another one than the client's says that it should be restarted.
    pub version: String,
    /// The connecting keys.
    pub keys: Vec<HeldKey>,
    /// What it loaded into ssh-agents and is not over yet.
    pub loaded: Vec<LoadedCertificate>,
}

/// A connecting key that a helper holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldKey {
    /// The server that the login session is with.
    pub server: ServerName,
    /// Its public half.
    pub public_key: PublicKey,
}

/// A certificate that a helper loaded into an ssh-agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedCertificate {
    /// Whose connecting key it certifies.
    pub server: ServerName,
    /// The host that it opens.
    pub host: HostName,
    /// The socket of the ssh-agent.
    pub agent: PathBuf,
    /// When it ends.
    pub until: UnixTime,
}

/// Why the helper did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Never made, dropped, or gone with a helper before this one.
    #[error("the client helper holds no connecting key for this server; log in again (`hallpass login`)")]
    NoKey,
    /// The certificate is for another key, perhaps of the login session before.
    #[error("the certificate is not for the connecting key of this login session; request access again")]
    OtherKey,
    /// The certificate is over.
    #[error("the certificate is no longer valid; fetch a new one")]
    Expired,
    /// As many as it may hold.
    #[error("the client helper holds as much as it may; log out of a server, or wait until certificates have expired")]
    Full,
    /// The key could not be made.
    #[error("the client helper could not make a key: {0}")]
    Key(String),
    /// The running ssh-agent did not take the certificate.
    #[error("{0}")]
    Agent(String),
    /// The machine's clock shows a time that cannot be.
    #[error("the clock of this machine is wrong; correct it")]
    Clock,
}

impl Ask {
    /// Reads a request; `None` when its name is unknown or its fields are wrong.
    pub(crate) fn read(name: &str, fields: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(fields);
        let ask = match name {
            STATUS => Self::Status,
            CREATE_KEY => Self::CreateKey(reader.text()?.parse().ok()?),
            DROP_KEY => Self::DropKey(reader.text()?.parse().ok()?),
            LOAD => Self::Load(Box::new(Load {
                server: reader.text()?.parse().ok()?,
                host: reader.text()?.parse().ok()?,
                agent: read_path(&mut reader)?,
                certificate: Certificate::from_openssh(reader.text()?).ok()?,
            })),
            SHUT_DOWN => Self::ShutDown,
            _ => return None,
        };
        reader.end().map(|()| ask)
    }
}

impl Load {
    /// Appends the fields of a `load` request.
    pub(crate) fn write(&self, message: Message) -> Message {
        message
            .string(self.server.as_str())
            .string(self.host.as_str())
            .string(self.agent.as_os_str().as_bytes())
            .string(self.certificate.to_openssh())
    }
}

impl Answer {
    /// The message that answers a request of this name.
    pub(crate) fn write(&self, name: &str) -> Message {
        let message = Message::new(EXTENSION_RESPONSE, 256).string(name);
        match self {
            Self::Done => message.u8(0),
            Self::Status(status) => status.write(message.u8(0)),
            Self::Key(key) => message.u8(0).string(key.to_wire()),
            Self::Loaded(lifetime) => message.u8(0).u8(u8::from(*lifetime == Lifetime::Kept)),
            Self::Refused(refusal) => message.u8(refusal.code()).string(refusal.detail()),
        }
    }

    /// Reads the answer to a request of this name.
    pub(crate) fn read(name: &str, message: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(message);
        if reader.u8()? != EXTENSION_RESPONSE || reader.text()? != name {
            return None;
        }
        let answer = match (reader.u8()?, name) {
            (0, STATUS) => Self::Status(Status::read(&mut reader)?),
            (0, CREATE_KEY) => Self::Key(PublicKey::from_wire(reader.string()?).ok()?),
            (0, LOAD) => Self::Loaded(if reader.u8()? == 1 { Lifetime::Kept } else { Lifetime::Refused }),
            (0, _) => Self::Done,
            (code, _) => Self::Refused(Refusal::read(code, reader.text()?)?),
        };
        reader.end().map(|()| answer)
    }
}

impl Status {
    fn write(&self, message: Message) -> Message {
        let message = message.string(&self.version).count(self.keys.len());
        let message = self
            .keys
            .iter()
            .fold(message, |message, held| message.string(held.server.as_str()).string(held.public_key.to_wire()));
        self.loaded.iter().fold(message.count(self.loaded.len()), |message, loaded| {
            message
                .string(loaded.server.as_str())
                .string(loaded.host.as_str())
                .string(loaded.agent.as_os_str().as_bytes())
                .u64(loaded.until.seconds())
        })
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut status = Self { version: reader.text()?.to_owned(), keys: Vec::new(), loaded: Vec::new() };
        for _ in 0..reader.u32()? {
            status.keys.push(HeldKey {
                server: reader.text()?.parse().ok()?,
                public_key: PublicKey::from_wire(reader.string()?).ok()?,
            });
        }
        for _ in 0..reader.u32()? {
            status.loaded.push(LoadedCertificate {
                server: reader.text()?.parse().ok()?,
                host: reader.text()?.parse().ok()?,
                agent: read_path(reader)?,
                until: UnixTime::new(reader.u64()?).ok()?,
            });
        }
        Some(status)
    }
}

impl Refusal {
    const fn code(&self) -> u8 {
        match self {
            Self::NoKey => 1,
            Self::OtherKey => 2,
            Self::Expired => 3,
            Self::Full => 4,
            Self::Key(_) => 5,
            Self::Agent(_) => 6,
            Self::Clock => 7,
        }
    }

    fn detail(&self) -> &str {
        match self {
            Self::Key(detail) | Self::Agent(detail) => detail,
            Self::NoKey | Self::OtherKey | Self::Expired | Self::Full | Self::Clock => "",
        }
    }

    fn read(code: u8, detail: &str) -> Option<Self> {
        Some(match code {
            1 => Self::NoKey,
            2 => Self::OtherKey,
            3 => Self::Expired,
            4 => Self::Full,
            5 => Self::Key(detail.to_owned()),
            6 => Self::Agent(detail.to_owned()),
            7 => Self::Clock,
            _ => return None,
        })
    }
}

fn read_path(reader: &mut Reader<'_>) -> Option<PathBuf> {
    let bytes = reader.string()?;
    (!bytes.is_empty() && !bytes.contains(&0)).then(|| PathBuf::from(OsStr::from_bytes(bytes)))
}
