//! `hallpassd.toml`: what an operator sets, and what it is when they do not.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use directory::{Fields, Mistake, Notes, Source};
use domain::{Origin, Span};
use signer::PassphraseSource;
use toml::Spanned;

use crate::notify;

const NO_LISTEN: &str = "the field `listen` does not say where the server listens, such as [\"[::]:4722\"]";

/// Where the list of revoked certificates is written, when the file does not say.
const REVOKED: &str = "revoked.krl";

/// Everything that `hallpassd.toml` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Config {
    /// The server's name.
    pub(crate) name: Origin,
    /// Where it listens.
    pub(crate) listen: Vec<SocketAddr>,
    /// Where metrics are read; `None` when nowhere.
    pub(crate) metrics: Option<SocketAddr>,
    /// Where the list of revoked certificates is written, from the directory of the file on.
    pub(crate) revoked: PathBuf,
    /// Where the passphrase of the key files comes from.
    pub(crate) passphrase: KeysAre,
    /// Bounds.
    pub(crate) limits: Limits,
    /// Who outside is told of what.
    pub(crate) notify: Vec<notify::Entry>,
}

/// Bounds that an operator may set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// How long a request waits for its quorum.
    pub(crate) pending: Span,
    /// How many requests of one user may wait at once.
    pub(crate) pending_per_user: u32,
    /// How long a session lives.
    pub(crate) session: Span,
    /// Connections at once.
    pub(crate) connections: u32,
    /// Connections of one peer at once.
    pub(crate) connections_per_peer: u32,
    /// Calls a second of one peer.
    pub(crate) calls_per_second: u32,
}

/// How the key files are protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeysAre {
    /// Encrypted; the passphrase comes from there.
    Encrypted(PassphraseSource),
    /// Not encrypted.
    Unencrypted,
}

/// Not a place where a passphrase can come from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected \"file:PATH\", \"env:VARIABLE\", \"credential:NAME\" or, for keys that are not encrypted, \"none\"")]
pub struct KeysAreError;

impl FromStr for KeysAre {
    type Err = KeysAreError;

    fn from_str(given: &str) -> Result<Self, KeysAreError> {
        let source = match given.split_once(':') {
            None if given == "none" => return Ok(Self::Unencrypted),
            Some((_, "")) | None => return Err(KeysAreError),
            Some(("file", path)) => PassphraseSource::File(PathBuf::from(path)),
            Some(("env", name)) => PassphraseSource::Variable(name.to_owned()),
            Some(("credential", name)) => PassphraseSource::Credential(name.to_owned()),
            Some(_) => return Err(KeysAreError),
        };
        Ok(Self::Encrypted(source))
    }
}

impl fmt::Display for KeysAre {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unencrypted => f.write_str("none"),
            Self::Encrypted(PassphraseSource::File(path)) => write!(f, "file:{}", path.display()),
            Self::Encrypted(PassphraseSource::Variable(name)) => write!(f, "env:{name}"),
            Self::Encrypted(PassphraseSource::Credential(name)) => write!(f, "credential:{name}"),
        }
    }
}

/// An IP address with its port.
struct Socket(SocketAddr);

/// Not an IP address with a port.
#[derive(Debug, thiserror::Error)]
#[error("expected an IP address and a port, such as 192.0.2.1:4722 or [::]:4722")]
struct SocketError;

impl FromStr for Socket {
    type Err = SocketError;

    fn from_str(given: &str) -> Result<Self, SocketError> {
        given.parse().map(Self).map_err(|_| SocketError)
    }
}

impl Config {
    /// Reads the file.
    ///
    /// # Errors
    /// Every mistake in it.
    pub(crate) fn parse(source: &Source) -> Result<Self, Vec<Mistake>> {
        let notes = Notes::new(source);
        let table = notes.toml();
        let top = Fields::top(&notes, table.get_ref());
        let name = top.required("name");
        let listen = top.list("listen");
        if listen.is_none() {
            notes.note(0..0, NO_LISTEN);
        }
        let metrics = metrics(&notes, &top);
        let passphrase = top.required("passphrase");
        let revoked = top.optional::<String>("revoked").map_or_else(|| REVOKED.to_owned(), Spanned::into_inner);
        let limits = Limits::read(&notes, &top);
        let notify = notify::entries(&notes, &top);
        top.finish();
        let listen =
            listen.into_iter().flatten().map(|socket: Spanned<Socket>| socket.into_inner().0).collect::<Vec<_>>();
        let mut mistakes = notes.into_mistakes();
        if mistakes.is_empty() && listen.is_empty() {
            mistakes.push(Mistake::new(source, 0..0, NO_LISTEN));
        }
        match (name, passphrase) {
            (Some(name), Some(passphrase)) if mistakes.is_empty() => {
                let (name, passphrase) = (name.into_inner(), passphrase.into_inner());
                Ok(Self { name, listen, metrics, revoked: revoked.into(), passphrase, limits, notify })
            }
            _ => Err(mistakes),
        }
    }
}

/// Whoever reads metrics sees what the server does, so the port is on loopback.
fn metrics(notes: &Notes<'_>, top: &Fields<'_>) -> Option<SocketAddr> {
    let given = top.optional::<Socket>("metrics")?;
    let span = given.span();
    let Socket(address) = given.into_inner();
    if !address.ip().is_loopback() {
        notes.note(span, "metrics are served on loopback only, such as 127.0.0.1:9472");
    }
    Some(address)
}

impl Limits {
    fn read(notes: &Notes<'_>, top: &Fields<'_>) -> Self {
        let default = Self::default();
        let Some(fields) = top.table("limits") else { return default };
        let span = |key, default: Span| {
            let Some(given) = fields.optional::<Span>(key) else { return default };
            if *given.get_ref() == Span::ZERO {
                notes.note(given.span(), "expected a duration longer than nothing");
            }
            given.into_inner()
        };
        let count = |key, default: u32| {
            let given = fields.number::<std::num::NonZeroU32>(key, "a whole number of at least 1");
            given.map_or(default, std::num::NonZeroU32::get)
        };
        let limits = Self {
            pending: span("pending", default.pending),
            pending_per_user: count("pending-per-user", default.pending_per_user),
            session: span("session", default.session),
            connections: count("connections", default.connections),
            connections_per_peer: count("connections-per-peer", default.connections_per_peer),
            calls_per_second: count("calls-per-second", default.calls_per_second),
        };
        fields.finish();
        limits
    }
}

impl Default for Limits {
    fn default() -> Self {
        let hours = |hours: u64| Span::from_seconds(hours * 3600).unwrap_or(Span::ZERO);
        Self {
            pending: hours(1),
            pending_per_user: 20,
            session: hours(8),
            connections: 4096,
            connections_per_peer: 256,
            calls_per_second: 100,
        }
    }
}

/// A `hallpassd.toml` to start from.
pub(crate) fn sample(name: &Origin, listen: SocketAddr, metrics: SocketAddr, passphrase: &KeysAre) -> String {
    let quoted = |text: String| toml::Value::String(text).to_string();
    include_str!("sample/hallpassd.toml")
        .replace("@NAME@", &quoted(name.to_string()))
        .replace("@LISTEN@", &quoted(listen.to_string()))
        .replace("@METRICS@", &quoted(metrics.to_string()))
        .replace("@PASSPHRASE@", &quoted(passphrase.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, Vec<Mistake>> {
        Config::parse(&Source::new("hallpassd.toml", text))
    }

    #[test]
    fn the_sample_says_what_holds_without_it() {
        let passphrase = KeysAre::Encrypted(PassphraseSource::File("/run/a \"quoted\" path".into()));
        let (listen, metrics) = ("[::]:4722".parse().unwrap(), "127.0.0.1:9472".parse().unwrap());
        let name: Origin = "ca.example.com/prod".parse().unwrap();
        let text = sample(&name, listen, metrics, &passphrase);
        let limits = Limits::default();
        let config = Config {
            revoked: REVOKED.into(),
            name,
            listen: vec![listen],
            metrics: Some(metrics),
            passphrase,
            limits,
            notify: Vec::new(),
        };
        assert_eq!(parse(&text), Ok(config.clone()));
        // Its commented lines show the defaults.
        let spoken = text.replace("# [limits]", "[limits]");
        let spoken: String = spoken.lines().map(|l| format!("{}\n", l.strip_prefix("#= ").unwrap_or(l))).collect();
        assert_ne!(spoken, text);
        assert_eq!(parse(&spoken), Ok(config));
    }

    #[test]
    fn every_mistake_is_told_at_once_and_at_its_place() {
        let text = "name = \"CA\"\nlisten = [\"localhost\"]\nmetrics = \"0.0.0.0:1\"\npassphrase = \"secret\"\n\
                    tls = 1\n[limits]\nsession = \"0s\"\nconnections = 0\nfoo = 1\n";
        let lines: Vec<usize> = parse(text).unwrap_err().iter().map(|mistake| mistake.line).collect();
        assert_eq!(lines, [1, 2, 3, 4, 5, 7, 8, 9]);
    }

    #[test]
    fn what_is_missing_is_named() {
        let shown: Vec<String> = parse("").unwrap_err().iter().map(|mistake| mistake.message.clone()).collect();
        assert!(shown.iter().any(|m| m.contains("`name`")), "{shown:?}");
        assert!(shown.iter().any(|m| m.contains("`listen`")), "{shown:?}");
        assert!(shown.iter().any(|m| m.contains("`passphrase`")), "{shown:?}");
    }

    #[test]
    fn a_passphrase_is_never_in_the_file_itself() {
        for bad in ["", "secret", "file:", "pass:word", "none:"] {
            assert_eq!(bad.parse::<KeysAre>(), Err(KeysAreError), "{bad}");
        }
        for good in ["none", "file:/a:b", "env:X", "credential:passphrase"] {
            assert_eq!(good.parse::<KeysAre>().unwrap().to_string(), good);
        }
    }
}
