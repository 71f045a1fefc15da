//! Which hosts a request is about.

use std::collections::BTreeSet;

use directory::{Directory, Host};
use domain::{HostName, RealmName, Target};

use crate::Refusal;

/// The most hosts that labels may mean in one request: as many as the text of a ruling can name. A fetch names up to 256
/// of them, so a large fleet takes several fetches.
const MOST_HOSTS: usize = 4096;

/// The hosts that a certificate would open.
pub(crate) struct Hosts<'d> {
    pub(crate) all: Vec<&'d Host>,
    pub(crate) realm: Option<&'d RealmName>,
}

/// Which of a target's hosts are looked at.
#[derive(Clone, Copy)]
pub(crate) enum Look<'a> {
    /// All that the target means.
    All,
    /// Those of these names that the target still means.
    At(&'a BTreeSet<HostName>),
}

/// The hosts of a target. For a plain host these are all the hosts of its realm: the certificate opens every one, so
/// the rules must allow every one.
pub(crate) fn hosts<'d>(directory: &'d Directory, target: &Target, look: Look<'_>) -> Result<Hosts<'d>, Refusal> {
    let mut named = match target {
        Target::Host(name) => {
            let host = directory.host(name.as_str()).ok_or_else(|| Refusal::UnknownHost(name.clone()))?;
            vec![host]
        }
        Target::Labels(selector) => directory.select(selector).collect(),
    };
    if let (Target::Labels(selector), []) = (target, named.as_slice()) {
        return Err(Refusal::NoHostsMatch(selector.clone()));
    }
    if let Look::At(names) = look {
        named.retain(|host| names.contains(&host.name));
        if named.is_empty() {
            return Err(Refusal::NoHostsLeft);
        }
    }
    if named.len() > MOST_HOSTS {
        return Err(Refusal::TooManyHosts { count: named.len(), most: MOST_HOSTS });
    }
    let realms: BTreeSet<Option<&RealmName>> = named.iter().map(|host| host.realm.as_ref()).collect();
    let mut each = realms.iter().copied();
    match (each.next().flatten(), each.next()) {
        (_, Some(_)) => Err(Refusal::MixedRealms(realms.into_iter().map(Option::<&RealmName>::cloned).collect())),
        (Some(realm), None) => Ok(Hosts { all: directory.realm_hosts(realm).collect(), realm: Some(realm) }),
        (None, None) => Ok(Hosts { all: named, realm: None }),
    }
}
