//! Additions to `directory.toml` and `hosts.toml` as text: whatever is there stays, comments and layout included.
//!
//! ```text
//! text --read as TOML, with places--> insertions --> text
//! ```
//!
//! An edit says where something goes, and looks at nothing else: whether the result is free of mistakes is for
//! [`crate::Directory::parse`] to say.

mod insert;
mod quote;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

use domain::{
    Address, EmailAddress, GroupName, HostName, KeyError, Label, Login, Networks, PublicKey, RealmName, UserName,
    is_visible,
};
use toml::Spanned;
use toml::de::DeTable;

use crate::{Approves, Kind, Mistakes, Notes, Source};
use insert::{Insertion, apply, entries, named, to_list, with_entry};
use quote::{list, table, text};

/// A public key as a line of a .pub file, its comment with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyLine {
    key: PublicKey,
    comment: String,
}

/// Why a line was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyLineError {
    /// The key is none that is accepted.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The comment would hide something from whoever reads the file.
    #[error("the comment of the key has characters that cannot be seen; remove them")]
    Comment,
}

impl KeyLine {
    /// The key.
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// What follows it; empty when nothing does.
    pub fn comment(&self) -> &str {
        &self.comment
    }
}

impl FromStr for KeyLine {
    type Err = KeyLineError;

    fn from_str(given: &str) -> Result<Self, KeyLineError> {
        let given = given.trim();
        let key: PublicKey = given.parse()?;
        let comment = given.splitn(3, char::is_whitespace).nth(2).unwrap_or_default().trim().to_owned();
        if comment.chars().all(is_visible) { Ok(Self { key, comment }) } else { Err(KeyLineError::Comment) }
    }
}

impl fmt::Display for KeyLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let space = if self.comment.is_empty() { "" } else { " " };
        write!(f, "{}{space}{}", self.key, self.comment)
    }
}

/// A user to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// The name.
    pub name: UserName,
    /// Person or service.
    pub kind: Kind,
    /// The person behind, when that is not the user itself.
    pub owner: Option<UserName>,
    /// The keys bound to it.
    pub keys: Vec<KeyLine>,
    /// What `self` maps to.
    pub login: Option<Login>,
    /// Where mail to them goes.
    pub email: Option<EmailAddress>,
    /// The networks that certificates of a program may be used from.
    pub source: Option<Networks>,
}

/// A host to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewHost {
    /// The canonical inventory name.
    pub name: HostName,
    /// Other names that people type.
    pub aliases: Vec<HostName>,
    /// Where to connect, when that is not the name.
    pub address: Option<Address>,
    /// The port of its `sshd`, when that is not 22.
    pub port: Option<NonZeroU16>,
    /// Its labels.
    pub labels: BTreeSet<Label>,
    /// The jump host.
    pub via: Option<HostName>,
    /// The realm, when it is a plain host.
    pub realm: Option<RealmName>,
    /// The login that only forwards, when it is a jump host.
    pub jump_login: Option<Login>,
    /// Where connections that it forwards come from, when that is not its address.
    pub egress: Option<Networks>,
}

/// Why an edit has no place to go.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The file is no TOML as it is.
    #[error("{0}")]
    Mistakes(Mistakes),
    /// No such user.
    #[error("there is no user `{name}` in {file}; add one with: hallpass admin user add {name} --key FILE")]
    NoUser {
        /// The name.
        name: UserName,
        /// Where it was looked for.
        file: String,
    },
    /// No such group.
    #[error("there is no group `{name}` in {file}; {}", there_are(.known))]
    NoGroup {
        /// The name.
        name: GroupName,
        /// Where it was looked for.
        file: String,
        /// Those that there are.
        known: Vec<String>,
    },
}

fn there_are(groups: &[String]) -> String {
    match groups {
        [] => "it has none yet: write a [[group]] into it".to_owned(),
        groups => format!("there are {}", groups.join(", ")),
    }
}

/// `directory.toml` with one more user, who is a member of these groups.
///
/// # Errors
/// When a group is not there. That the name is taken, or a key bound to somebody else, shows when the result is read.
pub fn add_user(directory: &Source, user: &NewUser, groups: &BTreeSet<GroupName>) -> Result<Source, EditError> {
    edit(directory, |top| {
        let NewUser { name, kind, owner, keys, login, email, source } = user;
        let marked = (*kind == Kind::Service(Approves::ForItsOwner)).then(|| "true".to_owned());
        let kind = (*kind != Kind::Person).then(|| text(kind.as_str()));
        let keys = (!keys.is_empty()).then(|| list(keys));
        let fields = [
            ("name", Some(text(name))),
            ("kind", kind),
            ("owner", owner.as_ref().map(text)),
            ("approves", marked),
            ("source", source.as_ref().map(|networks| list(&networks.iter().collect::<Vec<_>>()))),
            ("keys", keys),
            ("login", login.as_ref().map(text)),
            ("email", email.as_ref().map(text)),
        ];
        let mut insertions = with_entry(directory, top, "user", &fields);
        for group in groups {
            let found = named(top, "group", group.as_str()).ok_or_else(|| EditError::NoGroup {
                name: group.clone(),
                file: directory.name.clone(),
                known: entries(top, "group").filter_map(insert::name_of).map(str::to_owned).collect(),
            })?;
            insertions.extend(to_list(&directory.text, found, "members", &text(name)));
        }
        Ok(insertions)
    })
}

/// `directory.toml` with one more key of a user.
///
/// # Errors
/// When the user is not there. That the key is bound already shows when the result is read.
pub fn add_key(directory: &Source, user: &UserName, key: &KeyLine) -> Result<Source, EditError> {
    edit(directory, |top| {
        let found = named(top, "user", user.as_str())
            .ok_or_else(|| EditError::NoUser { name: user.clone(), file: directory.name.clone() })?;
        Ok(to_list(&directory.text, found, "keys", &text(key)))
    })
}

/// The keys of a user as they are written, comments with them; what is no key is left out.
///
/// # Errors
/// When the user is not there.
pub fn keys_of(directory: &Source, user: &UserName) -> Result<Vec<KeyLine>, EditError> {
    let notes = Notes::new(directory);
    let keys = notes.read(|top, keys: &mut Option<Vec<KeyLine>>| {
        for table in top.tables("user") {
            let name = table.optional::<UserName>("name").map(Spanned::into_inner);
            if name.as_ref() == Some(user) {
                let lines = table.list("keys").unwrap_or_default();
                *keys = Some(lines.into_iter().map(Spanned::into_inner).collect());
            }
        }
    });
    keys.ok_or_else(|| EditError::NoUser { name: user.clone(), file: directory.name.clone() })
}

/// `hosts.toml` with one more host.
///
/// # Errors
/// When the file is no TOML. That a name is taken shows when the result is read.
pub fn add_host(hosts: &Source, host: &NewHost) -> Result<Source, EditError> {
    edit(hosts, |top| {
        let NewHost { name, aliases, address, port, labels, via, realm, jump_login, egress } = host;
        let fields = [
            ("name", Some(text(name))),
            ("aliases", (!aliases.is_empty()).then(|| list(aliases))),
            ("address", address.as_ref().map(text)),
            ("port", port.map(|port| port.to_string())),
            ("labels", (!labels.is_empty()).then(|| table(labels))),
            ("via", via.as_ref().map(text)),
            ("realm", realm.as_ref().map(text)),
            ("jump_login", jump_login.as_ref().map(text)),
            ("egress", egress.as_ref().map(|networks| list(&networks.iter().collect::<Vec<_>>()))),
        ];
        Ok(with_entry(hosts, top, "host", &fields))
    })
}

fn edit(
    source: &Source,
    insertions: impl FnOnce(&DeTable<'_>) -> Result<Vec<Insertion>, EditError>,
) -> Result<Source, EditError> {
    let notes = Notes::new(source);
    let top = notes.toml();
    if notes.any() {
        return Err(EditError::Mistakes(Mistakes(notes.into_mistakes())));
    }
    let insertions = insertions(top.get_ref())?;
    Ok(Source::new(source.name.clone(), apply(&source.text, insertions)))
}
