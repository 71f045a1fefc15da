//! Pools: names of hosts that may come and go without a new bundle.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use domain::{HostName, Label, RealmName};

/// Hosts that come and go, such as those of an autoscaling group. They get what is said here, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// The names that hosts of it may have.
    pub name: Pattern,
    /// Their labels; one value a key.
    pub labels: BTreeSet<Label>,
    /// Their jump host, by canonical name.
    pub via: Option<HostName>,
    /// Their realm, when they are plain hosts.
    pub realm: Option<RealmName>,
}

/// A host name with one `*`, which stands for one or more of `a-z 0-9 -`: never for a dot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern {
    before: Box<str>,
    after: Box<str>,
}

/// Why a pattern was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a lowercase DNS name with one `*` in it and something beside it, such as web-* or web-*.example.com")]
pub struct PatternError;

impl Pattern {
    /// Whether a host of this name may be in the pool.
    pub fn matches(&self, name: &HostName) -> bool {
        let inner = name.as_str().strip_prefix(&*self.before).and_then(|rest| rest.strip_suffix(&*self.after));
        inner.is_some_and(|inner| !inner.is_empty() && !inner.contains('.'))
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(given: &str) -> Result<Self, PatternError> {
        let (before, after) = given.split_once('*').ok_or(PatternError)?;
        // `*` alone would let whoever may add hosts name any.
        let alone = before.is_empty() && after.is_empty();
        let fits = format!("{before}0{after}").parse::<HostName>().is_ok();
        if alone || !fits { Err(PatternError) } else { Ok(Self { before: before.into(), after: after.into() }) }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}*{}", self.before, self.after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_a_part_of_one_label() {
        let matches = |pattern: &str, name: &str| pattern.parse::<Pattern>().unwrap().matches(&name.parse().unwrap());
        assert!(matches("web-*", "web-17") && matches("web-*", "web-a-b"));
        assert!(!matches("web-*", "web-17.evil.example") && !matches("web-*", "db-1") && !matches("web-*", "web"));
        assert!(matches("*.pool.example.com", "a1.pool.example.com"));
        assert!(!matches("*.pool.example.com", "a.b.pool.example.com"));
    }

    #[test]
    fn what_would_stand_for_any_host_or_for_none_is_refused() {
        for bad in ["*", "web-1", "web-**", "web-*-*", "WEB-*", "-*", ".*", "web_*", ""] {
            assert!(bad.parse::<Pattern>().is_err(), "{bad}");
        }
    }
}
