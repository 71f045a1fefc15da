//! The directory with what administrators changed beside the bundle.

use std::collections::BTreeSet;

use domain::{Amendment, Fingerprint, HostName, UserName};

use crate::{Directory, Host, Pool};

/// Why an amendment would change nothing, or is for a bundle to say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAmendable {
    /// No such user.
    #[error("the user `{0}` is not in the directory")]
    NoUser(UserName),
    /// It is disabled.
    #[error("the user `{0}` is disabled already")]
    Disabled(UserName),
    /// The key is not bound to the user.
    #[error("the key {key} is not bound to `{user}`")]
    NoKey {
        /// The user.
        user: UserName,
        /// The key.
        key: Fingerprint,
    },
    /// No such host.
    #[error("the host `{0}` is not in the inventory; give its canonical name")]
    NoHost(HostName),
    /// The name is in use.
    #[error("`{0}` is a host or an alias already")]
    NameTaken(HostName),
    /// No pool allows for the host.
    #[error("no [[pool]] of hosts.toml allows for a host `{0}`; add it there, or as a [[host]], with a new bundle")]
    NoPool(HostName),
}

impl Directory {
    /// The directory with these amendments, in their order. One that changes nothing by now is passed over.
    #[must_use]
    pub fn amended<'a>(&self, amendments: impl IntoIterator<Item = &'a Amendment>) -> Self {
        let mut parts = self.clone().into_parts();
        for amendment in amendments {
            match amendment {
                Amendment::DisableUser(name) => {
                    if let Some(user) = parts.users.get_mut(name) {
                        user.disabled = true;
                    }
                }
                Amendment::RemoveKey { user, key } => {
                    let is_it = |bound: &domain::PublicKey| bound.fingerprint() == *key;
                    parts.bindings.retain(|bound, owner| owner != user || !is_it(bound));
                    if let Some(user) = parts.users.get_mut(user) {
                        user.keys.retain(|bound| !is_it(bound));
                    }
                }
                Amendment::RemoveHost(name) => parts.hosts.retain(|host| host.name != *name),
                Amendment::AddHost { name, address, port } => {
                    let taken = parts.hosts.iter().any(|host| host.name == *name || host.aliases.contains(name));
                    if let (false, Some(pool)) = (taken, pool_of(&parts.pools, name)) {
                        let Pool { name: _, labels, via, realm } = pool.clone();
                        let (name, address, port) = (name.clone(), address.clone(), *port);
                        let at = parts.hosts.partition_point(|host| host.name < name);
                        let (aliases, jump_login, egress) = (Vec::new(), None, None);
                        let host = Host { name, aliases, address, port, labels, via, realm, jump_login, egress };
                        parts.hosts.insert(at, host);
                    }
                }
            }
        }
        Self::index(parts)
    }

    /// Whether an amendment changes something here.
    ///
    /// # Errors
    /// [`NotAmendable`]
    pub fn amendable(&self, amendment: &Amendment) -> Result<(), NotAmendable> {
        match amendment {
            Amendment::DisableUser(name) => match self.user(name) {
                None => Err(NotAmendable::NoUser(name.clone())),
                Some(user) if user.disabled => Err(NotAmendable::Disabled(name.clone())),
                Some(_) => Ok(()),
            },
            Amendment::RemoveKey { user: name, key } => {
                let user = self.user(name).ok_or_else(|| NotAmendable::NoUser(name.clone()))?;
                let bound = user.keys.iter().any(|bound| bound.fingerprint() == *key);
                let no_key = || NotAmendable::NoKey { user: name.clone(), key: *key };
                if bound { Ok(()) } else { Err(no_key()) }
            }
            Amendment::RemoveHost(name) => {
                let there = self.host(name.as_str()).is_some_and(|host| host.name == *name);
                if there { Ok(()) } else { Err(NotAmendable::NoHost(name.clone())) }
            }
            Amendment::AddHost { name, .. } => {
                if self.host(name.as_str()).is_some() {
                    return Err(NotAmendable::NameTaken(name.clone()));
                }
                pool_of(self.pools(), name).map(drop).ok_or_else(|| NotAmendable::NoPool(name.clone()))
            }
        }
    }

    /// The accounts of the person or program that a user is: itself, and all that it owns.
    pub fn accounts_of(&self, name: &UserName) -> BTreeSet<&UserName> {
        let its = |user: &&crate::User| user.name == *name || user.owner.as_ref() == Some(name);
        self.users().filter(its).map(|user| &user.name).collect()
    }
}

fn pool_of<'p>(pools: &'p [Pool], name: &HostName) -> Option<&'p Pool> {
    pools.iter().find(|pool| pool.name.matches(name))
}
