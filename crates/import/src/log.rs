//! sshd's log, counted; and what is drafted from it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, Read as _};

use domain::Extension;

use crate::authorized_keys::by_fingerprint;
use crate::draft::Draft;
use crate::error::ImportError;
use crate::log_line::{Accepted, Line, Proof, read};
use crate::share::{Access, share};
use crate::todo::{At, Todo, shown};

/// The most bytes of a line; sshd cuts its own at 1 KiB.
const LONGEST: u64 = 64 << 10;
/// The most different logins that are counted.
const MOST: usize = 100_000;

/// The accepted logins of a log: equal ones are counted, so that its length does not matter.
#[derive(Debug)]
pub struct Log {
    name: String,
    logins: BTreeMap<Login, Seen>,
    /// How many lines say `Accepted` and no more that can be read, and the first of them.
    unread: Option<Seen>,
}

/// Who logged in where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Login {
    /// The host, as the log names it.
    pub host: String,
    /// The account.
    pub login: String,
    /// How.
    pub proof: Proof,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    times: u64,
    first: usize,
}

impl Seen {
    fn times(self) -> String {
        if self.times == 1 { "once".to_owned() } else { format!("{} times", self.times) }
    }

    fn again(seen: Option<Self>, line: usize, times: u64) -> Self {
        seen.map_or(Self { times, first: line }, |seen| Self { times: seen.times.saturating_add(times), ..seen })
    }
}

impl Log {
    /// Reads a log line by line.
    ///
    /// # Errors
    /// Lines that are too long or no text, more than 100,000 different logins, and what reading comes with.
    pub fn read(name: &str, mut reader: impl BufRead) -> Result<Self, ImportError> {
        let mut log = Self { name: name.to_owned(), logins: BTreeMap::new(), unread: None };
        let (mut bytes, mut line) = (Vec::new(), 0);
        loop {
            bytes.clear();
            line += 1;
            let got = reader.by_ref().take(LONGEST + 1).read_until(b'\n', &mut bytes);
            if got.map_err(|cause| ImportError::Read { file: name.to_owned(), cause })? == 0 {
                return Ok(log);
            }
            if u64::try_from(bytes.len()).is_ok_and(|length| length > LONGEST) {
                return Err(ImportError::LongLine { file: log.name, line });
            }
            let Ok(text) = str::from_utf8(&bytes) else { return Err(ImportError::NotUtf8 { file: log.name, line }) };
            log.line(line, text.trim_end_matches(['\n', '\r']))?;
        }
    }

    fn line(&mut self, number: usize, line: &str) -> Result<(), ImportError> {
        match read(line) {
            Line::Accepted(Accepted { host, login, proof, times }) => {
                let login = Login { host, login, proof };
                let seen = Seen::again(self.logins.get(&login).copied(), number, times);
                self.logins.insert(login, seen);
            }
            Line::Unread => self.unread = Some(Seen::again(self.unread, number, 1)),
            Line::Other => {}
        }
        if self.logins.len() > MOST {
            return Err(ImportError::TooManyLogins { file: self.name.clone(), most: MOST });
        }
        Ok(())
    }

    /// Each login, and how often there was one.
    pub fn logins(&self) -> impl Iterator<Item = (&Login, u64)> {
        self.logins.iter().map(|(login, seen)| (login, seen.times))
    }

    /// How many lines are about a login and cannot be read.
    pub fn unread(&self) -> u64 {
        self.unread.map_or(0, |seen| seen.times)
    }

    fn at(&self, seen: &Seen) -> At {
        At { file: self.name.clone(), line: seen.first }
    }
}

/// Drafts users, hosts and rules from past logins.
pub fn from_log(log: &Log) -> Draft {
    let mut draft = Draft::new(log.name.as_str());
    let mut accesses: BTreeMap<Access, BTreeSet<At>> = BTreeMap::new();
    for (login, seen) in &log.logins {
        let at = log.at(seen);
        match access(&mut draft, login, seen, &at) {
            Ok(access) => drop(accesses.entry(access).or_default().insert(at)),
            Err(why) => draft.todos.push(Todo::new(format!(
                "logins as `{}` on `{}` ({}) are in no rule: {why} ({at})",
                shown(&login.login),
                shown(&login.host),
                seen.times()
            ))),
        }
    }
    if let Some(seen) = &log.unread {
        draft.todos.push(Todo::new(format!(
            "a login in a form that cannot be read, {} (first {})",
            seen.times(),
            log.at(seen)
        )));
    }
    if !accesses.is_empty() {
        draft.todos.push(Todo::new("a log does not say what sessions needed; the rules give the PTY alone"));
    }
    share(&mut draft, accesses);
    draft
}

fn access(draft: &mut Draft, login: &Login, seen: &Seen, at: &At) -> Result<Access, String> {
    let (foreign, told) = match &login.proof {
        Proof::Key(key) => {
            (by_fingerprint(&key.to_string()), format!("whose key {key} is; the log has the fingerprint alone"))
        }
        Proof::Certificate { id, key } => {
            let user = login.proof.user().map_or_else(|| id.clone(), |user| user.to_string());
            (user, format!("guessed from the certificate's id `{}`, for the key {key}", shown(id)))
        }
        Proof::Other(method) => return Err(format!("whose `{}` it was is not known", shown(method))),
    };
    let account = login.login.parse().map_err(|_| "no rule can have this login".to_owned())?;
    let no_name = || "no name can be made of it".to_owned();
    let user = draft.user(&foreign).ok_or_else(no_name)?.name;
    let host = draft.host(&login.host).ok_or_else(no_name)?;
    if let Some(entry) = draft.users.get_mut(&user) {
        let times = seen.times();
        entry.todos.push(Todo::new(format!("{told} ({times} as {account} on {host}, first {at}); add its `keys`")));
    }
    Ok(Access { user, login: account, host, allow: BTreeSet::from([Extension::Pty]) })
}
