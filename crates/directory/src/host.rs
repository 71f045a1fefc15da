//! Target machines.

use std::collections::BTreeSet;
use std::num::NonZeroU16;

use domain::{Address, HostName, Label, RealmName};

/// A target machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// The canonical inventory name.
    pub name: HostName,
    /// Other names that people type.
    pub aliases: Vec<HostName>,
    /// Where to connect.
    pub address: Address,
    /// The port of its `sshd`.
    pub port: NonZeroU16,
    /// Its labels; one value a key.
    pub labels: BTreeSet<Label>,
    /// The jump host, by canonical name.
    pub via: Option<HostName>,
    /// The realm, when it is a plain host.
    pub realm: Option<RealmName>,
}
