//! What a ruling allows, and what it asks in return.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::{
    Command, Extends, GroupName, HostName, KeyStrength, Login, Networks, Owes, Quorum, QuorumError, RealmName,
    RuleName, Selector, Span,
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
}

impl Obligations {
    /// What the requester of a break-glass owed when it was ruled on: an earlier review, where it takes an approval.
    pub fn owed(&self) -> Owes {
        if self.quorum.is_auto() { Owes::Nothing } else { Owes::Review }
    }

    /// The stricter of both, as each certificate is judged: the ruling that was approved, and today's as `other`. `None`
    /// when they share no host or network or differ in login, command or realm, or one is break-glass and the other is not, so
    /// that nothing is left to grant. A review is owed to the group that was told. A certificate for a realm opens every host of
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
mod tests {
    use super::*;

    fn obligations(hosts: &[&str], ttl: &str, allow: &[Extension]) -> Obligations {
        Obligations {
            rule: "r".parse().unwrap(),
            quorum: Quorum::auto(),
            hosts: hosts.iter().map(|h| h.parse().unwrap()).collect(),
            live: None,
            login: "root".parse().unwrap(),
            max: "1h".parse().unwrap(),
            ttl: ttl.parse().unwrap(),
            allow: allow.iter().copied().collect(),
            command: None,
            realm: None,
            source: None,
            verify_required: false,
            requester_key: None,
            approver_key: None,
            extends: None,
            rests: false,
            break_glass: None,
        }
    }

    #[test]
    fn what_restricts_connecting_and_signing_adds_up() {
        let with = |source: &str, verify_required, requester_key, approver_key| Obligations {
            source: source.parse().ok(),
            verify_required,
            requester_key,
            approver_key,
            ..obligations(&["a"], "5m", &[])
        };
        let (sk, verified) = (Some(KeyStrength::Sk), Some(KeyStrength::SkVerified));
        let free = with("", false, None, None);
        let one = with("10.0.0.0/8, 192.0.2.0/24", true, sk, None);
        let other = with("10.1.0.0/16", false, verified, sk);
        assert_eq!(one.intersect(&free), Some(one.clone()));
        assert_eq!(free.intersect(&other), Some(other.clone()));
        assert_eq!(one.intersect(&other), Some(with("10.1.0.0/16", true, verified, sk)));
        let elsewhere = with("198.51.100.0/24", false, None, None);
        assert_eq!(one.intersect(&elsewhere), None, "no address is in both");
    }

    #[test]
    fn an_extension_is_that_of_one_grant_and_rests_on_it_when_either_ruling_says_so() {
        let extending = |extends: &str, rests| Obligations {
            extends: extends.parse().ok(),
            rests,
            ..obligations(&["a"], "5m", &[])
        };
        let (one, other) = ("7K3F9-QXMWT since 2026-03-01T14:02:00Z", "7K3F9-QXMWT since 2026-03-01T14:03:00Z");
        assert_eq!(extending(one, false).intersect(&extending(one, true)), Some(extending(one, true)));
        assert_eq!(extending(one, true).intersect(&extending(one, false)), Some(extending(one, true)));
        assert_eq!(extending(one, false).intersect(&extending(other, false)), None, "it counts from another time");
        assert_eq!(extending(one, false).intersect(&extending("", false)), None);
    }

    #[test]
    fn the_intersection_is_the_stricter_of_both() {
        let approved = obligations(&["a", "b"], "5m", &[Extension::Pty, Extension::UserRc]);
        let today = obligations(&["b", "c"], "2m", &[Extension::Pty]);
        assert_eq!(approved.intersect(&today), Some(obligations(&["b"], "2m", &[Extension::Pty])));
        assert_eq!(approved.intersect(&obligations(&["c"], "2m", &[])), None);
        let in_realm = |hosts: &[&str]| Obligations { realm: "legacy".parse().ok(), ..obligations(hosts, "5m", &[]) };
        assert_eq!(in_realm(&["a", "b"]).intersect(&in_realm(&["a"])), Some(in_realm(&["a"])));
        assert_eq!(in_realm(&["a"]).intersect(&in_realm(&["a", "b"])), None, "nobody approved b");
        let live =
            |hosts: &[&str], labels: &str| Obligations { live: labels.parse().ok(), ..obligations(hosts, "5m", &[]) };
        let (then, now) = (live(&["a", "b"], "env=prod"), live(&["b", "c"], "env=prod"));
        assert_eq!(then.intersect(&now), Some(now.clone()), "what came later counts where both say so");
        assert_eq!(then.intersect(&live(&["b", "c"], "env=dev")), Some(obligations(&["b"], "5m", &[])));
        for fixed in [then.intersect(&live(&["b", "c"], "")), live(&["a", "b"], "").intersect(&now)] {
            assert_eq!(fixed, Some(obligations(&["b"], "5m", &[])), "and nowhere else");
        }
        let glass = |review: &str| Obligations { break_glass: review.parse().ok(), ..obligations(&["a"], "5m", &[]) };
        assert_eq!(glass("security").intersect(&glass("sre")), Some(glass("security")), "owed to those who were told");
        assert_eq!(glass("security").intersect(&obligations(&["a"], "5m", &[])), None, "nothing else for break-glass");
        let other_login = Obligations { login: "deploy".parse().unwrap(), ..today };
        assert_eq!(approved.intersect(&other_login), None);
    }
}
