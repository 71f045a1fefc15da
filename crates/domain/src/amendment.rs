//! What an administrator changes at once, beside the bundle: it takes away, or brings a host that a pool allows for.

use std::num::NonZeroU16;

use crate::{Address, AddressError, Fingerprint, HostName, KeyError, NameError, UserName};

/// A change of what is in force, by a single signature.
///
/// As text it is a verb and a target, as acts and the store write it:
///
/// | verb | target |
/// |---|---|
/// | `disable-user` | `USER` |
/// | `remove-key` | `USER FINGERPRINT` |
/// | `remove-host` | `HOST` |
/// | `add-host` | `HOST ADDRESS PORT` |
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Amendment {
    /// A user is disabled, with all of its keys, tokens, requests and grants.
    DisableUser(UserName),
    /// A key is no longer bound to its user.
    RemoveKey {
        /// The user.
        user: UserName,
        /// The key.
        key: Fingerprint,
    },
    /// A host leaves the inventory.
    RemoveHost(HostName),
    /// A host joins a pool of the bundle.
    AddHost {
        /// Its name, which a pool allows for.
        name: HostName,
        /// Where it is reached.
        address: Address,
        /// The port of its `sshd`.
        port: NonZeroU16,
    },
}

/// Why a verb and a target are no amendment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmendmentError {
    /// No such verb.
    #[error("unknown verb; known are disable-user, remove-key, remove-host, add-host")]
    Verb,
    /// The target has other words than the verb takes.
    #[error("the target of `{0}` is {1}")]
    Words(&'static str, &'static str),
    /// A name in it is misspelt.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A fingerprint in it is none.
    #[error("expected a key's fingerprint, such as SHA256:...")]
    Key(#[from] KeyError),
    /// An address in it is none.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// A port in it is none.
    #[error("expected a port from 1 to 65535")]
    Port,
}

impl Amendment {
    /// Every verb.
    pub const VERBS: [&'static str; 4] = ["disable-user", "remove-key", "remove-host", "add-host"];

    /// What is done.
    pub const fn verb(&self) -> &'static str {
        let [disable_user, remove_key, remove_host, add_host] = Self::VERBS;
        match self {
            Self::DisableUser(_) => disable_user,
            Self::RemoveKey { .. } => remove_key,
            Self::RemoveHost(_) => remove_host,
            Self::AddHost { .. } => add_host,
        }
    }

    /// To what it is done.
    pub fn target(&self) -> String {
        match self {
            Self::DisableUser(user) => user.to_string(),
            Self::RemoveKey { user, key } => format!("{user} {key}"),
            Self::RemoveHost(host) => host.to_string(),
            Self::AddHost { name, address, port } => format!("{name} {address} {port}"),
        }
    }

    /// Reads a verb and its target.
    ///
    /// # Errors
    /// [`AmendmentError`]
    pub fn parse(verb: &str, target: &str) -> Result<Self, AmendmentError> {
        let words: Vec<&str> = target.split(' ').collect();
        match (verb, words.as_slice()) {
            ("disable-user", [user]) => Ok(Self::DisableUser(user.parse()?)),
            ("remove-key", [user, key]) => Ok(Self::RemoveKey { user: user.parse()?, key: key.parse()? }),
            ("remove-host", [host]) => Ok(Self::RemoveHost(host.parse()?)),
            ("add-host", [name, address, port]) => Ok(Self::AddHost {
                name: name.parse()?,
                address: address.parse()?,
                port: port.parse().map_err(|_| AmendmentError::Port)?,
            }),
            ("disable-user", _) => Err(AmendmentError::Words("disable-user", "a user")),
            ("remove-key", _) => Err(AmendmentError::Words("remove-key", "a user and a key's fingerprint")),
            ("remove-host", _) => Err(AmendmentError::Words("remove-host", "a host")),
            ("add-host", _) => Err(AmendmentError::Words("add-host", "a host, its address and its port")),
            _ => Err(AmendmentError::Verb),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "SHA256:3DGJ6jDGJ3nWkVXnsqFRqhbSbDfSLsWbN3S8zSjzFD0";

    #[test]
    fn each_amendment_reads_back_from_its_text() {
        let key = format!("alice {KEY}");
        for (verb, target) in [
            ("disable-user", "alice"),
            ("remove-key", key.as_str()),
            ("remove-host", "web-1.example.com"),
            ("add-host", "web-17 192.0.2.17 22"),
            ("add-host", "web-18 2001:db8::1 2222"),
        ] {
            let amendment = Amendment::parse(verb, target).unwrap();
            assert_eq!((amendment.verb(), amendment.target().as_str()), (verb, target));
            assert!(Amendment::VERBS.contains(&verb));
        }
    }

    #[test]
    fn what_is_none_is_refused_with_what_it_takes() {
        for (verb, target, told) in [
            ("enable-user", "alice", "unknown verb"),
            ("disable-user", "alice bob", "is a user"),
            ("remove-key", "alice", "a user and a key's fingerprint"),
            ("remove-key", "alice MD5:00", "fingerprint"),
            ("add-host", "web-17 192.0.2.17", "its address and its port"),
            ("add-host", "web-17 192.0.2.17 0", "a port from 1"),
            ("add-host", "WEB 192.0.2.17 22", ""),
            ("remove-host", "", ""),
        ] {
            let refused = Amendment::parse(verb, target).unwrap_err().to_string();
            assert!(refused.contains(told), "{verb} {target}: {refused}");
        }
    }
}
