//! What is remembered of one server between commands.
//!
//! ```text
//! session   the token (0600), whose it is, and when it ends
//! seen      the latest checkpoint, which goes into every statement
//! hosts     names and aliases of hosts, a line each, and jump@HOST of jump hosts: what `ensure` knows without the network
//! keys      connecting keys of the user's own, and where their files are
//! ```

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use domain::{HostName, Login, Pair, PublicKey, UnixTime, UserName};
use serde::{Deserialize, Serialize};
use statement::Seen;
use wire::Token;

use crate::platform;

/// Something remembered could not be read or kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StateError {
    /// The file is there and cannot be read.
    #[error("{} cannot be read", .0.display())]
    Read(PathBuf, #[source] io::Error),
    /// The file cannot be written.
    #[error("{} cannot be written", .0.display())]
    Write(PathBuf, #[source] io::Error),
    /// The file is not what it was written as.
    #[error("{} is damaged; log out and in again, or remove it", .0.display())]
    Damaged(PathBuf),
}

/// A login session.
pub(crate) struct Session {
    /// What reads.
    pub(crate) token: Token,
    /// Whose it is.
    pub(crate) user: UserName,
    /// What `self` maps to.
    pub(crate) login: Option<Login>,
    /// When it ends.
    pub(crate) expires: UnixTime,
    /// What signed the login, as `--key` takes it.
    pub(crate) key: String,
}

#[derive(Serialize, Deserialize)]
struct SessionFile {
    token: String,
    user: String,
    login: Option<String>,
    expires: u64,
    key: String,
}

/// A connecting key of the user's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct OwnKey {
    key: String,
    file: PathBuf,
}

/// The directory of one server.
#[derive(Debug, Clone)]
pub(crate) struct ServerState {
    dir: PathBuf,
}

impl ServerState {
    pub(crate) const fn at(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Forgets everything: a server that is new here starts from nothing.
    pub(crate) fn forget(&self) -> Result<(), StateError> {
        match std::fs::remove_dir_all(&self.dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StateError::Write(self.dir.clone(), error)),
            _ => Ok(()),
        }
    }

    /// The session, if there is one; it may be over.
    ///
    /// # Errors
    /// When its file is damaged.
    pub(crate) fn session(&self) -> Result<Option<Session>, StateError> {
        let Some(text) = self.read("session")? else { return Ok(None) };
        let read = || {
            let file: SessionFile = serde_json::from_str(&text).ok()?;
            Some(Session {
                token: file.token.parse().ok()?,
                user: file.user.parse().ok()?,
                login: file.login.map(|login| login.parse()).transpose().ok()?,
                expires: UnixTime::new(file.expires).ok()?,
                key: file.key,
            })
        };
        read().map(Some).ok_or_else(|| StateError::Damaged(self.path("session")))
    }

    /// Keeps a session in place of the one before.
    pub(crate) fn keep_session(&self, session: &Session) -> Result<(), StateError> {
        let file = SessionFile {
            token: session.token.expose().to_owned(),
            user: session.user.to_string(),
            login: session.login.as_ref().map(ToString::to_string),
            expires: session.expires.seconds(),
            key: session.key.clone(),
        };
        self.write_json("session", &file)
    }

    /// Forgets the session.
    pub(crate) fn drop_session(&self) -> Result<(), StateError> {
        match std::fs::remove_file(self.path("session")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(StateError::Write(self.path("session"), error))
            }
            _ => Ok(()),
        }
    }

    /// The latest checkpoint. A damaged file is an error: forgetting what was seen would let a server take it back.
    pub(crate) fn seen(&self) -> Result<Option<Seen>, StateError> {
        let Some(text) = self.read("seen")? else { return Ok(None) };
        text.trim_end().parse().map(Some).map_err(|_| StateError::Damaged(self.path("seen")))
    }

    /// Keeps a checkpoint, unless a later one was kept meanwhile.
    pub(crate) fn keep_seen(&self, seen: &Seen) -> Result<(), StateError> {
        match self.seen()? {
            Some(kept) if kept.size >= seen.size => Ok(()),
            _ => self.write("seen", &format!("{seen}\n")),
        }
    }

    /// Keeps the names of hosts: of each its canonical name and then its aliases, and of a jump host the login that only
    /// forwards.
    pub(crate) fn keep_hosts<'a>(
        &self,
        hosts: impl Iterator<Item = (&'a HostName, &'a [HostName], Option<&'a Login>)>,
    ) -> Result<(), StateError> {
        let mut text = String::new();
        for (name, aliases, jump_login) in hosts {
            text.push_str(name.as_str());
            for alias in aliases {
                text.push(' ');
                text.push_str(alias.as_str());
            }
            if let Some(login) = jump_login {
                // No name of a host has an `@`.
                let _never_fails = write!(text, " {login}@{name}");
            }
            text.push('\n');
        }
        self.write("hosts", &text)
    }

    /// The canonical name of a host that this server is known to have. Reads one flat file: `ensure` has 10 ms.
    pub(crate) fn host(&self, given: &HostName) -> Result<Option<HostName>, StateError> {
        let Some(text) = self.read("hosts")? else { return Ok(None) };
        let line = text.lines().find(|line| line.split(' ').any(|name| name == given.as_str()));
        Ok(line.and_then(|line| line.split(' ').next()).and_then(|name| name.parse().ok()))
    }

    /// Whether this is a login that only forwards.
    pub(crate) fn is_jump(&self, pair: &Pair) -> Result<bool, StateError> {
        let (text, wanted) = (self.read("hosts")?.unwrap_or_default(), pair.to_string());
        Ok(text.lines().any(|line| line.rsplit(' ').next() == Some(wanted.as_str())))
    }

    /// The file of a connecting key of the user's own.
    pub(crate) fn own_key(&self, key: &PublicKey) -> Result<Option<PathBuf>, StateError> {
        let wanted = key.to_string();
        Ok(self.own_keys()?.into_iter().find(|own| own.key == wanted).map(|own| own.file))
    }

    /// Keeps where a connecting key of the user's own is.
    pub(crate) fn keep_own_key(&self, key: &PublicKey, file: &Path) -> Result<(), StateError> {
        let mut keys = self.own_keys()?;
        let own = OwnKey { key: key.to_string(), file: file.to_owned() };
        keys.retain(|other| other.key != own.key);
        keys.push(own);
        self.write_json("keys", &keys)
    }

    fn own_keys(&self) -> Result<Vec<OwnKey>, StateError> {
        let Some(text) = self.read("keys")? else { return Ok(Vec::new()) };
        serde_json::from_str(&text).map_err(|_| StateError::Damaged(self.path("keys")))
    }

    fn read(&self, file: &str) -> Result<Option<String>, StateError> {
        match std::fs::read_to_string(self.path(file)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StateError::Read(self.path(file), error)),
        }
    }

    fn write_json(&self, file: &str, content: &impl Serialize) -> Result<(), StateError> {
        let text = serde_json::to_string(content).map_err(|_| StateError::Damaged(self.path(file)))?;
        self.write(file, &text)
    }

    fn write(&self, file: &str, text: &str) -> Result<(), StateError> {
        let path = self.path(file);
        platform::private_dir(&self.dir)
            .and_then(|()| platform::write_private(&path, text.as_bytes()))
            .map_err(|error| StateError::Write(path, error))
    }

    fn path(&self, file: &str) -> PathBuf {
        self.dir.join(file)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use domain::Digest;

    use super::*;

    fn state() -> (tempfile::TempDir, ServerState) {
        let dir = tempfile::tempdir().unwrap();
        let state = ServerState::at(dir.path().join("servers/work"));
        (dir, state)
    }

    #[test]
    fn a_session_reads_back_and_only_its_owner_can_read_it() {
        let (_dir, state) = state();
        assert!(state.session().unwrap().is_none());
        let session = Session {
            token: "0123456789abcdef".parse().unwrap(),
            user: "alice".parse().unwrap(),
            login: Some("al".parse().unwrap()),
            expires: UnixTime::new(5).unwrap(),
            key: "SHA256:x".into(),
        };
        state.keep_session(&session).unwrap();
        let read = state.session().unwrap().unwrap();
        assert_eq!((read.token.expose(), read.user, read.login), ("0123456789abcdef", session.user, session.login));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&state.path("session")), mode(&state.dir)), (0o600, 0o700));
        state.drop_session().unwrap();
        state.drop_session().unwrap();
        assert!(state.session().unwrap().is_none());
    }

    #[test]
    fn a_checkpoint_is_only_replaced_by_a_later_one_and_never_forgotten() {
        let (_dir, state) = state();
        let seen = |size| Seen { size, root: Digest::of(b"root"), signature: [7; 64] };
        for (kept, latest) in [(5, 5), (9, 9), (7, 9)] {
            state.keep_seen(&seen(kept)).unwrap();
            assert_eq!(state.seen().unwrap(), Some(seen(latest)));
        }
        std::fs::write(state.path("seen"), "rubbish").unwrap();
        assert!(matches!(state.seen(), Err(StateError::Damaged(_))));
        assert!(state.keep_seen(&seen(10)).is_err());
    }

    #[test]
    fn a_host_is_found_by_name_and_alias() {
        let (_dir, state) = state();
        let name = |text: &str| text.parse::<HostName>().unwrap();
        assert_eq!(state.host(&name("web-1")).unwrap(), None);
        let (web, aliases, db) = (name("web-1.example.com"), [name("web-1"), name("w1")], name("db"));
        let jump: Login = "jump".parse().unwrap();
        state.keep_hosts([(&web, &aliases[..], None), (&db, &[], Some(&jump))].into_iter()).unwrap();
        let is_jump = |pair: &str| state.is_jump(&pair.parse().unwrap()).unwrap();
        assert!(is_jump("jump@db") && !is_jump("root@db") && !is_jump("jump@w1"));
        for (given, found) in [("w1", Some(&web)), ("web-1.example.com", Some(&web)), ("db", Some(&db)), ("web", None)]
        {
            assert_eq!(state.host(&name(given)).unwrap().as_ref(), found, "{given}");
        }
    }

    #[test]
    fn own_keys_are_found_by_what_they_are() {
        let (_dir, state) = state();
        let key = crate::testing::public_key(1);
        assert_eq!(state.own_key(&key).unwrap(), None);
        state.keep_own_key(&key, Path::new("/a.pub")).unwrap();
        state.keep_own_key(&crate::testing::public_key(2), Path::new("/b.pub")).unwrap();
        state.keep_own_key(&key, Path::new("/c.pub")).unwrap();
        assert_eq!(state.own_key(&key).unwrap(), Some(PathBuf::from("/c.pub")));
    }
}
