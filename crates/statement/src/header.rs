//! What every statement starts with: for which server, when, and what its maker has seen.

use std::fmt;
use std::str::FromStr;

use base64ct::{Base64, Encoding as _};
use domain::{Digest, Nonce, Origin, Span, UnixTime};

use crate::codec::{Lines, StatementError, Writer};

/// How far a statement's time may be from the clock of the server that it reaches, either way.
const FRESH_SECONDS: u64 = 60;

/// The first lines of every statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The server that it is meant for, from the client's pin and never from the peer.
    pub server: ServerId,
    /// What makes it differ from every other statement.
    pub nonce: Nonce,
    /// When it was made.
    pub time: UnixTime,
    /// The latest checkpoint that its maker knows.
    pub seen: Option<Seen>,
}

impl Header {
    /// Whether the statement was made within a minute of `now`, either way.
    ///
    /// # Errors
    /// [`NotFresh`] says in which direction it is off.
    pub fn fresh(&self, now: UnixTime) -> Result<(), NotFresh> {
        let (late, early) = (now.since(self.time), self.time.since(now));
        if late.seconds() > FRESH_SECONDS {
            return Err(NotFresh::TooOld(late));
        }
        if early.seconds() > FRESH_SECONDS {
            return Err(NotFresh::TooEarly(early));
        }
        Ok(())
    }

    /// Whether the statement is meant for this server.
    ///
    /// # Errors
    /// [`OtherServer`] names the one it is meant for.
    pub fn meant_for(&self, server: &ServerId) -> Result<(), OtherServer> {
        if self.server == *server { Ok(()) } else { Err(OtherServer(self.server.clone())) }
    }

    pub(crate) fn write(&self, out: &mut Writer) {
        out.value("server", &self.server);
        out.value("nonce", &self.nonce);
        out.value("time", &self.time);
        out.optional("seen", self.seen.as_ref());
    }

    pub(crate) fn read(lines: &mut Lines<'_>) -> Result<Self, StatementError> {
        Ok(Self {
            server: lines.value("server")?,
            nonce: lines.value("nonce")?,
            time: lines.value("time")?,
            seen: lines.optional("seen")?,
        })
    }
}

/// Why a statement's time is refused on arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotFresh {
    /// It was made too long ago, or by a clock that is behind.
    #[error("the statement is {0} old; 1m is allowed. Check this machine's clock, then sign anew")]
    TooOld(Span),
    /// It was made by a clock that is ahead.
    #[error(
        "the statement's time is {0} ahead of the server's; 1m is allowed. Check this machine's clock, then sign anew"
    )]
    TooEarly(Span),
}

/// The statement is meant for another server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the statement is meant for another server, `{0}`; log in to this one and sign anew")]
pub struct OtherServer(pub ServerId);

/// A server by its name and the SHA-256 of its ledger key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerId {
    /// Its name.
    pub name: Origin,
    /// SHA-256 of its ledger key: what clients pin.
    pub ledger_key: Digest,
}

/// Not `NAME DIGEST`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a server's name, a space, and the SHA-256 of its ledger key")]
pub struct ServerIdError;

impl FromStr for ServerId {
    type Err = ServerIdError;

    fn from_str(given: &str) -> Result<Self, ServerIdError> {
        let (name, ledger_key) = given.split_once(' ').ok_or(ServerIdError)?;
        Ok(Self {
            name: name.parse().map_err(|_| ServerIdError)?,
            ledger_key: ledger_key.parse().map_err(|_| ServerIdError)?,
        })
    }
}

impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.ledger_key)
    }
}

/// A checkpoint that a client knows, with the server's own signature: who shows one that the server does not have in
/// its history proves that the server forked or lost it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// How many entries the ledger had.
    pub size: u64,
    /// The root hash over them.
    pub root: Digest,
    /// The ledger key's Ed25519 signature over the checkpoint.
    pub signature: [u8; 64],
}

/// Not `SIZE ROOT SIGNATURE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a checkpoint: its size, root hash in hexadecimal and signature in base64, with spaces between")]
pub struct SeenError;

impl FromStr for Seen {
    type Err = SeenError;

    fn from_str(given: &str) -> Result<Self, SeenError> {
        let (size, rest) = given.split_once(' ').ok_or(SeenError)?;
        let (root, encoded) = rest.split_once(' ').ok_or(SeenError)?;
        let mut signature = [0; 64];
        match Base64::decode(encoded, &mut signature) {
            Ok(whole) if whole.len() == 64 => {}
            _ => return Err(SeenError),
        }
        let size = size.parse().map_err(|_| SeenError)?;
        Ok(Self { size, root: root.parse().map_err(|_| SeenError)?, signature })
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // 64 bytes are 88 characters.
        let mut buffer = [0; 88];
        let signature = Base64::encode(&self.signature, &mut buffer).map_err(|_| fmt::Error)?;
        write!(f, "{} {} {signature}", self.size, self.root)
    }
}
