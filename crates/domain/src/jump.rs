//! Jump hosts: how hosts are reached that a client cannot connect to itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::iter::successors;
use std::str::FromStr;

use crate::{HostName, Networks, Pair, PairError};

/// Most jump hosts in a row.
pub const MOST_JUMPS: usize = 8;

/// How a host is reached: through another one, as a login that only forwards.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Jump {
    /// The login on the jump host.
    pub through: Pair,
    /// Where connections from there come from, as the host behind sees them; said where certificates are pinned to
    /// networks, and nowhere else.
    pub egress: Option<Networks>,
}

/// One host and how it is reached: `db-7 jump@bastion-eu`, or `db-7 jump@bastion-eu 192.0.2.7/32` where it matters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Behind {
    /// The host behind.
    pub host: HostName,
    /// What is in front of it.
    pub jump: Jump,
}

/// Why how a host is reached was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected HOST LOGIN@JUMP-HOST, and perhaps the networks that connections come from")]
pub struct BehindError;

impl From<PairError> for BehindError {
    fn from(_: PairError) -> Self {
        Self
    }
}

impl FromStr for Behind {
    type Err = BehindError;

    fn from_str(given: &str) -> Result<Self, BehindError> {
        let mut words = given.splitn(3, ' ');
        let host = words.next().and_then(|word| word.parse().ok()).ok_or(BehindError)?;
        let through = words.next().ok_or(BehindError)?.parse()?;
        let egress = words.next().map(str::parse).transpose().map_err(|_| BehindError)?;
        Ok(Self { host, jump: Jump { through, egress } })
    }
}

impl fmt::Display for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, jump: Jump { through, egress } } = self;
        write!(f, "{host} {through}")?;
        egress.iter().try_for_each(|egress| write!(f, " {egress}"))
    }
}

/// The jump hosts of a ruling, by the host behind each; a jump host that is itself behind another is among these hosts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Jumps(Box<Inner>);

/// Apart, so that rulings without jump hosts stay small.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Inner {
    by_host: BTreeMap<HostName, Jump>,
    logins: BTreeSet<Pair>,
}

impl Jumps {
    /// How a host is reached; `None` when clients connect to it themselves.
    pub fn of(&self, host: &HostName) -> Option<&Jump> {
        self.0.by_host.get(host)
    }

    /// What is in front of a host, the nearest first; bounded also where a text goes round in circles.
    pub fn before<'a>(&'a self, host: &HostName) -> impl Iterator<Item = &'a Jump> {
        successors(self.of(host), |jump| self.of(&jump.through.host)).take(MOST_JUMPS)
    }

    /// The logins that only forward.
    pub fn logins(&self) -> &BTreeSet<Pair> {
        &self.0.logins
    }

    /// Whether nothing is reached through another host.
    pub fn is_empty(&self) -> bool {
        self.0.by_host.is_empty()
    }

    /// Each jump, by the host behind it.
    pub fn all(&self) -> impl Iterator<Item = &Jump> {
        self.0.by_host.values()
    }

    /// Each host that is behind another, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Behind> {
        self.0.by_host.iter().map(|(host, jump)| Behind { host: host.clone(), jump: jump.clone() })
    }

    /// Adds what is in front of a host in both, cut to the addresses that both say; `false`, and nothing is added, where
    /// the ways differ.
    pub(crate) fn add_common(&mut self, host: &HostName, one: &Self, other: &Self) -> bool {
        let (mut first, mut second) = (one.before(host), other.before(host));
        let (mut behind, mut common) = (host.clone(), Vec::new());
        loop {
            match (first.next(), second.next()) {
                (None, None) => break,
                (Some(a), Some(b)) if a.through == b.through => {
                    let Some(egress) = crate::in_both(a.egress.as_ref(), b.egress.as_ref()) else { return false };
                    let next = a.through.host.clone();
                    common.push(Behind { host: behind, jump: Jump { through: a.through.clone(), egress } });
                    behind = next;
                }
                _ => return false,
            }
        }
        self.extend(common);
        true
    }

    /// The same for a host that came later: only logins lead there that were approved for others.
    pub(crate) fn add_later(&mut self, host: &HostName, approved: &Self, today: &Self) -> bool {
        let (mut behind, mut way) = (host.clone(), Vec::new());
        for jump in today.before(host) {
            let Some(known) = approved.all().find(|known| known.through == jump.through) else { return false };
            let Some(egress) = crate::in_both(known.egress.as_ref(), jump.egress.as_ref()) else { return false };
            let through = jump.through.clone();
            let next = through.host.clone();
            way.push(Behind { host: behind, jump: Jump { through, egress } });
            behind = next;
        }
        self.extend(way);
        true
    }
}

impl Extend<Behind> for Jumps {
    fn extend<I: IntoIterator<Item = Behind>>(&mut self, each: I) {
        for Behind { host, jump } in each {
            let through = jump.through.clone();
            let instead_of = self.0.by_host.insert(host, jump).map(|before| before.through);
            if instead_of.is_some_and(|before| before != through) {
                self.0.logins = self.0.by_host.values().map(|jump| jump.through.clone()).collect();
            } else {
                self.0.logins.insert(through);
            }
        }
    }
}

impl FromIterator<Behind> for Jumps {
    fn from_iter<I: IntoIterator<Item = Behind>>(each: I) -> Self {
        let mut jumps = Self::default();
        jumps.extend(each);
        jumps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jumps(lines: &[&str]) -> Jumps {
        lines.iter().map(|line| line.parse::<Behind>().unwrap()).collect()
    }

    #[test]
    fn how_a_host_is_reached_reads_in_one_spelling() {
        for text in ["db-7 jump@bastion-eu", "db-7 jump@bastion-eu 192.0.2.7/32, 2001:db8::/64"] {
            assert_eq!(text.parse::<Behind>().unwrap().to_string(), text);
        }
        for bad in ["", "db-7", "db-7 bastion-eu", "db-7 jump@bastion-eu ", "DB jump@b", "db-7  jump@b", "a j@b x"] {
            assert_eq!(bad.parse::<Behind>(), Err(BehindError), "{bad:?}");
        }
    }

    #[test]
    fn what_is_in_front_of_a_host_comes_nearest_first_and_ends_also_in_a_circle() {
        let chain = jumps(&["db-7 jump@inner", "inner hop@outer", "db-8 jump@inner"]);
        let before = |jumps: &Jumps, host: &str| -> Vec<String> {
            jumps.before(&host.parse().unwrap()).map(|jump| jump.through.to_string()).collect()
        };
        assert_eq!(before(&chain, "db-7"), ["jump@inner", "hop@outer"]);
        assert_eq!(before(&chain, "inner"), ["hop@outer"]);
        assert!(before(&chain, "outer").is_empty() && before(&chain, "web-1").is_empty());
        assert_eq!(chain.logins().iter().map(ToString::to_string).collect::<Vec<_>>(), ["hop@outer", "jump@inner"]);
        assert_eq!(before(&jumps(&["a j@b", "b j@a"]), "a").len(), MOST_JUMPS);
        assert_eq!(
            jumps(&["a j@b", "c j@d", "a j@d"]),
            jumps(&["c j@d", "a j@d"]),
            "nothing leads through j@b any more"
        );
    }
}
