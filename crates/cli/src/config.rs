//! The configuration file: servers by name, each with its pin, and what to take when nothing is said.

use std::io;
use std::path::{Path, PathBuf};

use agent::ServerName;
use directory::{Fields, Mistakes, Notes, Source};
use domain::{Digest, Origin, UserName};
use toml::Spanned;

use crate::platform;

/// One server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server {
    /// What the user calls it.
    pub(crate) name: ServerName,
    /// `HOST:PORT`.
    pub(crate) address: String,
    /// What it calls itself.
    pub(crate) origin: Origin,
    /// SHA-256 of its ledger key: the pin.
    pub(crate) ledger_key: Digest,
    /// Who logs in there.
    pub(crate) user: Option<UserName>,
    /// What signs: as `--key` takes it.
    pub(crate) key: Option<String>,
}

/// The file as read; one that is not there is empty.
#[derive(Debug, Default)]
pub(crate) struct Config {
    servers: Vec<Server>,
    default: Option<ServerName>,
}

/// Why the configuration does not say what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file is there and cannot be read.
    #[error("the configuration file {} cannot be read", .0.display())]
    Read(PathBuf, #[source] io::Error),
    /// The file cannot be written.
    #[error("the configuration file {} cannot be written", .0.display())]
    Write(PathBuf, #[source] io::Error),
    /// The file is wrong.
    #[error("the configuration file is wrong:\n{0}")]
    Mistakes(Mistakes),
    /// No server at all.
    #[error("no server is known yet; log in to one: hallpass login HOST#FINGERPRINT")]
    NoServer,
    /// A server that is not there.
    #[error("no server is called `{given}`; known are {known}")]
    Unknown {
        /// What was asked for.
        given: String,
        /// What there is.
        known: String,
    },
    /// Several servers, and nothing that chooses.
    #[error(
        "several servers are known ({0}); choose one with --server NAME, or write `default = \"NAME\"` into the file"
    )]
    Several(String),
}

impl Config {
    /// Reads the file.
    ///
    /// # Errors
    /// When it is there and cannot be read or is wrong.
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(ConfigError::Read(path.to_owned(), error)),
        };
        Self::parse(&Source::new(path.display().to_string(), text)).map_err(ConfigError::Mistakes)
    }

    fn parse(source: &Source) -> Result<Self, Mistakes> {
        let notes = Notes::new(source);
        let toml = notes.toml();
        let top = Fields::top(&notes, toml.get_ref());
        let default: Option<Spanned<ServerName>> = top.optional("default");
        let read: Vec<Spanned<Server>> = top.tables("server").into_iter().filter_map(server).collect();
        top.finish();
        for (place, server) in read.iter().enumerate() {
            if read.iter().take(place).any(|other| other.get_ref().name == server.get_ref().name) {
                notes.note(server.span(), format!("a second server is called `{}`", server.get_ref().name));
            }
        }
        let servers: Vec<Server> = read.into_iter().map(Spanned::into_inner).collect();
        if let Some(default) = &default
            && !servers.iter().any(|server| server.name == *default.get_ref())
        {
            notes.note(default.span(), format!("no server is called `{}`", default.get_ref()));
        }
        Mistakes(notes.into_mistakes()).unless_any(Self { servers, default: default.map(Spanned::into_inner) })
    }

    /// All servers, in the order of the file.
    pub(crate) fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// The server of this name, if there is one.
    pub(crate) fn find(&self, name: &str) -> Option<&Server> {
        self.servers.iter().find(|server| server.name.as_str() == name)
    }

    /// The server that is meant: the one asked for, else the default, else the only one.
    ///
    /// # Errors
    /// When there is no such server, or nothing chooses.
    pub(crate) fn choose(&self, asked: Option<&str>) -> Result<&Server, ConfigError> {
        let known = || self.servers.iter().map(|server| server.name.as_str()).collect::<Vec<_>>().join(", ");
        match (asked.or(self.default.as_ref().map(ServerName::as_str)), self.servers.as_slice()) {
            (_, []) => Err(ConfigError::NoServer),
            (Some(name), _) => {
                self.find(name).ok_or_else(|| ConfigError::Unknown { given: shown(name), known: known() })
            }
            (None, [only]) => Ok(only),
            (None, _) => Err(ConfigError::Several(known())),
        }
    }
}

fn shown(given: &str) -> String {
    given.chars().take(64).flat_map(char::escape_default).collect()
}

fn server(fields: Fields<'_>) -> Option<Spanned<Server>> {
    let span = fields.span();
    let (name, address) = (fields.required("name"), fields.required::<String>("address"));
    let (origin, ledger_key) = (fields.required("origin"), fields.required("ledger_key"));
    let (user, key) = (fields.optional("user"), fields.optional("key"));
    fields.finish();
    let server = Server {
        name: name?.into_inner(),
        address: address?.into_inner(),
        origin: origin?.into_inner(),
        ledger_key: ledger_key?.into_inner(),
        user: user.map(Spanned::into_inner),
        key: key.map(Spanned::into_inner),
    };
    Some(Spanned::new(span, server))
}

/// Adds a server at the end of the file. What is there is left as it is, comments and all: a pin is never replaced.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn add(path: &Path, server: &Server) -> Result<(), ConfigError> {
    let before = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => FIRST_LINE.to_owned(),
        Err(error) => return Err(ConfigError::Read(path.to_owned(), error)),
    };
    let newline = if before.ends_with('\n') { "" } else { "\n" };
    let text = format!("{before}{newline}\n{}", table(server));
    let write = || {
        path.parent().map_or(Ok(()), platform::make_dir)?;
        platform::write_private(path, text.as_bytes())
    };
    write().map_err(|error| ConfigError::Write(path.to_owned(), error))
}

const FIRST_LINE: &str = "# Hallpass's servers. Of several, `default = \"NAME\"` above them chooses one.\n";

fn table(server: &Server) -> String {
    let text = |value: &str| toml::Value::String(value.to_owned()).to_string();
    let mut lines = format!(
        "[[server]]\nname = {}\naddress = {}\norigin = {}\nledger_key = {}\n",
        text(server.name.as_str()),
        text(&server.address),
        text(server.origin.as_str()),
        text(&server.ledger_key.to_string()),
    );
    for (field, value) in [("user", server.user.as_ref().map(UserName::as_str)), ("key", server.key.as_deref())] {
        if let Some(value) = value {
            lines.push_str(&format!("{field} = {}\n", text(value)));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(name: &str) -> Server {
        Server {
            name: name.parse().unwrap(),
            address: "ca.example.com:8443".into(),
            origin: "ca.example.com/prod".parse().unwrap(),
            ledger_key: Digest::of(name.as_bytes()),
            user: Some("alice".parse().unwrap()),
            key: Some("my \"best\" key".into()),
        }
    }

    fn parse(text: &str) -> Result<Config, Mistakes> {
        Config::parse(&Source::new("config.toml", text))
    }

    #[test]
    fn an_added_server_reads_back_and_comments_stay() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/config.toml");
        add(&path, &example("work")).unwrap();
        add(&path, &Server { user: None, key: None, ..example("lab") }).unwrap();
        let config = Config::read(&path).unwrap();
        assert_eq!(config.servers(), [example("work"), Server { user: None, key: None, ..example("lab") }]);
        assert!(std::fs::read_to_string(&path).unwrap().starts_with(FIRST_LINE));
    }

    #[test]
    fn a_file_that_is_not_there_is_empty() {
        let config = Config::read(Path::new("/nonexistent/config.toml")).unwrap();
        assert!(matches!(config.choose(None), Err(ConfigError::NoServer)));
    }

    #[test]
    fn the_server_is_the_one_asked_for_then_the_default_then_the_only_one() {
        let (work, lab) = (table(&example("work")), table(&example("lab")));
        let choose = |text: &str, asked| parse(text).unwrap().choose(asked).map(|server| server.name.to_string());
        assert_eq!(choose(&work, None).unwrap(), "work");
        assert_eq!(choose(&format!("default = \"lab\"\n{work}{lab}"), None).unwrap(), "lab");
        assert_eq!(choose(&format!("default = \"lab\"\n{work}{lab}"), Some("work")).unwrap(), "work");
        assert!(matches!(choose(&format!("{work}{lab}"), None), Err(ConfigError::Several(_))));
        assert!(
            matches!(choose(&work, Some("x\u{1b}")), Err(ConfigError::Unknown { given, .. }) if given == "x\\u{1b}")
        );
    }

    #[test]
    fn every_mistake_is_told_at_its_place() {
        let twice = format!("default = \"lab\"\nfoo = 1\n{0}{0}", table(&example("work")));
        let shown = parse(&twice).unwrap_err().to_string();
        for part in ["no server is called `lab`", "unknown field `foo`", "a second server is called `work`"] {
            assert!(shown.contains(part), "{shown}");
        }
        assert!(parse("[[server]]\nname = \"x\"\n").unwrap_err().to_string().contains("`ledger_key` is missing"));
    }
}
