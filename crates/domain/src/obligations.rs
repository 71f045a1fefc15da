//! What a ruling allows, and what it asks in return.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::{
    Command, Extends, GroupName, HostName, Jump, Jumps, KeyStrength, Login, Networks, Owes, Pair, Quorum, QuorumError,
    RealmName, RuleName, Selector, Span,
};

/// What an approver said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Approval {
    /// Yes.
    Approve,
    /// No; one deny ends a request.
    Deny,
}

impl FromStr for Approval {
    type Err = QuorumError;

    fn from_str(given: &str) -> Result<Self, QuorumError> {
        match given {
            "approve" => Ok(Self::Approve),
            "deny" => Ok(Self::Deny),
            _ => Err(QuorumError::Grammar),
        }
    }
}

impl fmt::Display for Approval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Approve => "approve",
            Self::Deny => "deny",
        })
    }
}

/// The name of an extension that Hallpass does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown extension; known are pty, port-forwarding, agent-forwarding, x11-forwarding, user-rc")]
pub struct UnknownExtension;

/// A certificate extension of OpenSSH (PROTOCOL.certkeys), by the short name that rules use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Extension {
    /// `permit-agent-forwarding`
    AgentForwarding,
    /// `permit-port-forwarding`
    PortForwarding,
    /// `permit-pty`
    Pty,
    /// `permit-user-rc`
    UserRc,
    /// `permit-X11-forwarding`
    X11Forwarding,
}

impl Extension {
    /// Every extension, in the order of their short names.
    pub const ALL: [Self; 5] =
        [Self::AgentForwarding, Self::PortForwarding, Self::Pty, Self::UserRc, Self::X11Forwarding];

    /// The name inside the certificate.
    pub const fn openssh_name(self) -> &'static str {
        match self {
            Self::AgentForwarding => "permit-agent-forwarding",
            Self::PortForwarding => "permit-port-forwarding",
            Self::Pty => "permit-pty",
            Self::UserRc => "permit-user-rc",
            Self::X11Forwarding => "permit-X11-forwarding",
        }
    }

    /// The short name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AgentForwarding => "agent-forwarding",
            Self::PortForwarding => "port-forwarding",
            Self::Pty => "pty",
            Self::UserRc => "user-rc",
            Self::X11Forwarding => "x11-forwarding",
        }
    }
}

impl FromStr for Extension {
    type Err = UnknownExtension;

    fn from_str(given: &str) -> Result<Self, UnknownExtension> {
        Self::ALL.into_iter().find(|e| e.as_str() == given).ok_or(UnknownExtension)
    }
}

impl fmt::Display for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Permission together with what it is bound to: the body of a permitting ruling, and what a grant carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obligations {
    /// The rule that opened the path.
    pub rule: RuleName,
    /// The approvals it takes.
    pub quorum: Quorum,
    /// The hosts, by canonical name.
    pub hosts: BTreeSet<HostName>,
    /// The labels that were asked for, where hosts that get them later count too; never with a realm.
    pub live: Option<Selector>,
    /// The Unix account; `self` is resolved.
    pub login: Login,
    /// The longest window.
    pub max: Span,
    /// The certificate TTL.
    pub ttl: Span,
    /// The extensions; all others are absent from the certificate.
    pub allow: BTreeSet<Extension>,
    /// The one command that certificates run.
    pub command: Option<Command>,
    /// The realm, when the hosts are plain: then the certificate opens the login on every host of it.
    pub realm: Option<RealmName>,
    /// The networks that certificates may be used from; from anywhere if absent.
    pub source: Option<Networks>,
    /// Whether each login takes a PIN or finger at the FIDO key that connects.
    pub verify_required: bool,
    /// What the signature of the request must show of its key.
    pub requester_key: Option<KeyStrength>,
    /// What the signature of each approval must show of its key.
    pub approver_key: Option<KeyStrength>,
    /// The grant that is extended, and since when it is open: `max` counts from there.
    pub extends: Option<Extends>,
    /// Whether an extension counts only while what it extends has its approvals, as a rule's `extend` said what
    /// approvals an extension takes: the others are those of before.
    pub rests: bool,
    /// The group that is told of it and reviews it, when it is break-glass.
    pub break_glass: Option<GroupName>,
    /// The jump hosts that lead to the hosts: certificates for these forward connections and do nothing else.
    pub jumps: Jumps,
}

/// What a certificate for one pair carries, beside what all certificates of a grant do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// The one command that it runs.
    pub command: Option<Command>,
    /// The networks that it may be used from; from anywhere if absent.
    pub source: Option<Networks>,
    /// The extensions; all others are absent.
    pub allow: BTreeSet<Extension>,
}

impl Obligations {
    /// What the requester of a break-glass owed when it was ruled on: an earlier review, where it takes an approval.
    pub fn owed(&self) -> Owes {
        if self.quorum.is_auto() { Owes::Nothing } else { Owes::Review }
    }

    /// What a certificate for this pair carries: one for a login on a host, or one that only forwards to it. `None` when
    /// the pair is neither.
    #[must_use]
    pub fn carried(&self, pair: &Pair) -> Option<Carried> {
        let covered = self.is_jump(pair) || (pair.login == self.login && self.hosts.contains(&pair.host));
        if covered { self.carried_through(pair, self.jumps.of(&pair.host)) } else { None }
    }

    /// The same of a pair that is known to be covered, which is reached through this. Where certificates are pinned to
    /// networks, a host behind another sees the addresses of that one; `None` when nothing says which they are.
    #[must_use]
    pub fn carried_through(&self, pair: &Pair, jump: Option<&Jump>) -> Option<Carried> {
        let source = match (&self.source, jump) {
            (Some(_), Some(jump)) => Some(jump.egress.clone()?),
            (source, _) => source.clone(),
        };
        Some(if self.is_jump(pair) {
            let command = Some(Command::only_says_that_it_forwards());
            Carried { command, source, allow: BTreeSet::from([Extension::PortForwarding]) }
        } else {
            Carried { command: self.command.clone(), source, allow: self.allow.clone() }
        })
    }

    /// Whether a pair is a login on a jump host, which only forwards.
    #[must_use]
    pub fn is_jump(&self, pair: &Pair) -> bool {
        self.jumps.logins().contains(pair)
    }

    /// The logins among these that are on hosts, and not on jump hosts in front of them.
    pub fn targets<'p>(&self, pairs: impl Iterator<Item = &'p Pair>) -> impl Iterator<Item = &'p Pair> {
        pairs.filter(|pair| !self.is_jump(pair))
    }

    /// Whether each host of these is reached as it is here, later ones among them where those count.
    #[must_use]
    pub fn reaches_alike(&self, other: &Self) -> bool {
        self.reached_alike(other, other.hosts.clone(), other.source.is_some()).0 == other.hosts
    }

    /// The hosts that are left, with the ways there: those that lead there otherwise than was approved are not.
    fn reached_alike(&self, other: &Self, hosts: BTreeSet<HostName>, pinned: bool) -> (BTreeSet<HostName>, Jumps) {
        let mut jumps = Jumps::default();
        if self.jumps.is_empty() && other.jumps.is_empty() {
            return (hosts, jumps);
        }
        let mut alike = |host: &HostName| {
            let mut way = Jumps::default();
            let same = if self.hosts.contains(host) {
                way.add_common(host, &self.jumps, &other.jumps)
            } else {
                way.add_later(host, &self.jumps, &other.jumps)
            };
            let told = !pinned || way.before(host).all(|jump| jump.egress.is_some());
            if same && told {
                jumps.extend(way.iter());
            }
            same && told
        };
        let hosts = hosts.into_iter().filter(|host| alike(host)).collect();
        (hosts, jumps)
    }

    /// The stricter of both, as each certificate is judged: the ruling that was approved, and today's as `other`. `None`
    /// when they share no host or network or differ in login, command or realm, or one is break-glass and the other is not, so
    /// that nothing is left to grant. A host that is reached through another jump host by now is not shared. A review is owed to the group that was told. A certificate for a realm opens every host of
    /// it: one that joined since was approved by nobody, so nothing is left either. Hosts that are in today's alone count where
    /// both are live for the same labels. What extends something is extended by nothing else.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Option<Self> {
        let live = self.live.as_ref().filter(|live| Some(*live) == other.live.as_ref()).cloned();
        // Hosts that got the labels since are in today's ruling alone, which is asked about what is fetched.
        let hosts = match live {
            Some(_) => other.hosts.clone(),
            None => &self.hosts & &other.hosts,
        };
        let grown = self.realm.is_some() && !other.hosts.is_subset(&self.hosts);
        let as_asked = self.command == other.command && self.extends == other.extends;
        let as_loud = self.break_glass.is_some() == other.break_glass.is_some();
        let same = self.login == other.login && as_asked && as_loud && self.realm == other.realm && !grown;
        let source = in_both(self.source.as_ref(), other.source.as_ref())?;
        let (hosts, jumps) = self.reached_alike(other, hosts, source.is_some());
        (same && !hosts.is_empty()).then(|| Self {
            rule: self.rule.clone(),
            quorum: self.quorum.and(&other.quorum),
            hosts,
            live,
            login: self.login.clone(),
            max: self.max.min(other.max),
            ttl: self.ttl.min(other.ttl),
            allow: self.allow.intersection(&other.allow).copied().collect(),
            command: self.command.clone(),
            realm: self.realm.clone(),
            source,
            verify_required: self.verify_required || other.verify_required,
            requester_key: self.requester_key.max(other.requester_key),
            approver_key: self.approver_key.max(other.approver_key),
            extends: self.extends,
            rests: self.rests || other.rests,
            break_glass: self.break_glass.clone(),
            jumps,
        })
    }
}

/// The networks that both allow, where absent is anywhere; `None` when they have no address in common.
#[must_use]
pub fn in_both(one: Option<&Networks>, other: Option<&Networks>) -> Option<Option<Networks>> {
    match (one, other) {
        (Some(one), Some(other)) => one.intersect(other).map(Some),
        (only, None) | (None, only) => Some(only.cloned()),
    }
}

#[cfg(test)]
mod tests;
