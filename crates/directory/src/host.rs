//! Target machines.

use std::collections::BTreeSet;
use std::num::NonZeroU16;

use domain::{Address, HostName, Label, Login, Network, Networks, RealmName};

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
    /// The login here that only forwards to other hosts, when it is a jump host.
    pub jump_login: Option<Login>,
    /// The networks that connections which it forwards come from, where that is not its address.
    pub egress: Option<Networks>,
}

impl Host {
    /// Where connections that it forwards come from, as the hosts behind it see them: what the inventory says, and else
    /// its address. `None` where that is a name.
    pub fn comes_from(&self) -> Option<Networks> {
        self.egress.clone().or_else(|| Networks::new([self.address.as_str().parse::<Network>().ok()?]))
    }
}
