//! Drafts from hosts' authorized_keys files.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Login, PublicKey, UserName};

use crate::draft::Draft;
use crate::error::{ImportError, text};
use crate::key_line::{Effect, KeyLine};
use crate::names::like;
use crate::place::Place;
use crate::share::{Access, share};
use crate::todo::{At, Todo, shown, some_of};

/// An authorized_keys file of a host.
#[derive(Debug)]
pub struct KeyFile {
    /// Whose it is.
    pub place: Place,
    /// Its name, as comments show it.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// Drafts users, hosts and rules from the files, one after the other; `others` are files that are none.
///
/// # Errors
/// A file that is too large or no text, and what the files come with.
pub fn from_authorized_keys<E: From<ImportError>>(
    from: &str,
    files: impl IntoIterator<Item = Result<KeyFile, E>>,
    others: &[String],
) -> Result<Draft, E> {
    let mut keys = Keys::new(from);
    for file in files {
        keys.file(file?)?;
    }
    Ok(keys.finish(others))
}

/// Accounts that many people share: `root@web-1` in a comment says where a key was made, not whose it is.
const SHARED: [&str; 8] = ["root", "admin", "ubuntu", "debian", "ec2-user", "centos", "user", "deploy"];

/// The most bytes of all files together.
const MOST_BYTES_IN_ALL: usize = 256 << 20;

struct Keys {
    draft: Draft,
    bytes: usize,
    /// Every line: whose a key is, is guessed once all of its comments are known.
    lines: Vec<(Place, KeyLine, At)>,
    /// By key as it is known, or as it is written.
    people: BTreeMap<String, Person>,
    accesses: BTreeMap<Access, BTreeSet<At>>,
    /// What rules cannot say, by its words, and where.
    unsaid: BTreeMap<(String, Unsaid), BTreeSet<At>>,
}

/// The user that was guessed for a key.
struct Person {
    user: UserName,
    comments: BTreeSet<String>,
    key: Result<PublicKey, String>,
    places: BTreeSet<At>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Unsaid {
    Command(UserName),
    Limit(UserName),
    Authority,
    Unknown,
    Broken,
    Account,
}

impl Keys {
    fn new(from: &str) -> Self {
        Self {
            draft: Draft::new(from),
            bytes: 0,
            lines: Vec::new(),
            people: BTreeMap::new(),
            accesses: BTreeMap::new(),
            unsaid: BTreeMap::new(),
        }
    }

    fn file(&mut self, file: KeyFile) -> Result<(), ImportError> {
        let source = text(&file.name, file.bytes)?;
        self.bytes += source.text.len();
        if self.bytes > MOST_BYTES_IN_ALL {
            let why = format!("more than {} MiB of keys in all; give fewer hosts at a time", MOST_BYTES_IN_ALL >> 20);
            return Err(ImportError::Line { file: source.name, line: 1, why });
        }
        for (number, line) in source.text.lines().enumerate() {
            let at = At { file: source.name.clone(), line: number + 1 };
            match KeyLine::read(line) {
                Some(Ok(line)) => self.lines.push((file.place.clone(), line, at)),
                Some(Err(error)) => self.unsaid(&error.to_string(), Unsaid::Broken, at),
                None => {}
            }
        }
        Ok(())
    }

    fn line(&mut self, place: &Place, line: &KeyLine, at: At, names: &BTreeMap<String, String>) {
        let Some(user) = self.person(line, &at, names) else { return };
        for option in &line.options {
            match option.effect() {
                Effect::Unsaid => self.unsaid(&option.words, Unsaid::Limit(user.clone()), at.clone()),
                Effect::Command => self.unsaid(&option.words, Unsaid::Command(user.clone()), at.clone()),
                _ => {}
            }
        }
        let Ok(login) = place.login.parse::<Login>() else { return self.unsaid(&place.login, Unsaid::Account, at) };
        let Some(host) = self.draft.host(&place.host) else { return };
        // A key for one command must not become a rule for all of them.
        if !line.has(Effect::Command) {
            let access = Access { user, login, host, allow: line.allow() };
            self.accesses.entry(access).or_default().insert(at);
        }
    }

    /// The lines that name a user: not those that sshd ignores, nor those of a CA.
    fn users_lines(&mut self) -> Vec<(Place, KeyLine, At)> {
        let mut kept = Vec::new();
        for (place, line, at) in std::mem::take(&mut self.lines) {
            if let Some(unknown) = line.options.iter().find(|option| option.effect() == Effect::Unknown) {
                self.unsaid(&unknown.words, Unsaid::Unknown, at);
            } else if line.has(Effect::Authority) {
                self.unsaid(&line.words, Unsaid::Authority, at);
            } else {
                kept.push((place, line, at));
            }
        }
        kept
    }

    fn unsaid(&mut self, words: &str, what: Unsaid, at: At) {
        self.unsaid.entry((shown(words), what)).or_default().insert(at);
    }

    fn person(&mut self, line: &KeyLine, at: &At, names: &BTreeMap<String, String>) -> Option<UserName> {
        let id = id(line);
        if !self.people.contains_key(&id) {
            let user = self.draft.user(names.get(&id)?)?.name;
            let key = line.key.clone().map_err(|error| error.to_string());
            let person = Person { user, comments: BTreeSet::new(), key, places: BTreeSet::new() };
            self.people.insert(id.clone(), person);
        }
        let person = self.people.get_mut(&id)?;
        person.comments.extend(Some(shown(&line.comment)).filter(|comment| !comment.is_empty()));
        person.places.insert(at.clone());
        Some(person.user.clone())
    }

    fn finish(mut self, others: &[String]) -> Draft {
        let lines = self.users_lines();
        let names = guesses(&lines);
        for (place, line, at) in lines {
            self.line(&place, &line, at, &names);
        }
        for person in std::mem::take(&mut self.people).into_values() {
            self.told(person);
        }
        for ((words, what), places) in std::mem::take(&mut self.unsaid) {
            self.draft.todos.push(Todo::new(what.told(&words, &some_of(&places))));
        }
        if !others.is_empty() {
            let others: BTreeSet<String> = others.iter().map(|name| shown(name)).collect();
            let words = format!("no authorized_keys by their path, and not read: {}", some_of(&others));
            self.draft.todos.push(Todo::new(words));
        }
        if !self.accesses.is_empty() {
            let words = "sshd lets these keys forward ports, agents and X11 unless a line takes that; the rules give the \
                         PTY alone. Add to `allow` what is needed";
            self.draft.todos.push(Todo::new(words));
        }
        share(&mut self.draft, self.accesses);
        self.draft
    }

    fn told(&mut self, person: Person) {
        let Some(user) = self.draft.users.get_mut(&person.user) else { return };
        let from = if person.comments.is_empty() {
            "no comment says it".to_owned()
        } else {
            format!("its comments: `{}`", some_of(&person.comments))
        };
        let places = some_of(&person.places);
        match person.key {
            Ok(key) => {
                let words = format!(
                    "whose key {} is, a person's or a program's, is guessed; {from} ({places})",
                    key.fingerprint()
                );
                user.todos.push(Todo::new(words));
                user.keys.insert(key);
            }
            Err(why) => user.todos.push(Todo::new(format!("a key is left out, {why}; {from} ({places})"))),
        }
    }
}

/// What tells keys apart: the key, however its line is spelt.
fn id(line: &KeyLine) -> String {
    line.key.as_ref().map_or_else(|_| line.words.clone(), ToString::to_string)
}

/// A foreign name for each key, from the first comment that has one.
fn guesses(lines: &[(Place, KeyLine, At)]) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for (_, line, _) in lines {
        if let Some(name) = by_comment(&line.comment) {
            names.entry(id(line)).or_insert(name);
        }
    }
    for (_, line, _) in lines {
        let by_key =
            || line.key.as_ref().map_or("unknown-key".to_owned(), |key| by_fingerprint(&key.fingerprint().to_string()));
        names.entry(id(line)).or_insert_with(by_key);
    }
    names
}

/// The name before `@`, unless many share it.
fn by_comment(comment: &str) -> Option<String> {
    let local = like(comment.split('@').next().unwrap_or_default())?;
    if SHARED.contains(&local.as_str()) { like(comment) } else { Some(local) }
}

/// A name for a key of which nothing else is known.
pub(crate) fn by_fingerprint(fingerprint: &str) -> String {
    let digits = fingerprint.trim_start_matches("SHA256:").chars().filter(char::is_ascii_alphanumeric).take(12);
    format!("key-{}", digits.collect::<String>().to_ascii_lowercase())
}

impl Unsaid {
    fn told(&self, words: &str, places: &str) -> String {
        match self {
            Self::Command(user) => format!(
                "no rule was drafted for a key of `{user}` that may run one command only: `{words}` ({places}). \
                 access.cedar can say it: when {{ context has command && context.command == \"...\" }}"
            ),
            Self::Limit(user) => {
                format!("a limit on a key of `{user}` that rules cannot say: `{words}` ({places})")
            }
            Self::Authority => format!(
                "these hosts trust a CA, and whom it certified is not known: `{words}` ({places}); remove it there \
                 once Hallpass's own is trusted"
            ),
            Self::Unknown => format!("sshd ignores lines with the option `{words}`, and so does this draft ({places})"),
            Self::Broken => format!("no line that sshd takes: {words} ({places})"),
            Self::Account => format!("`{words}` cannot be a login here, and no rule has it ({places})"),
        }
    }
}
