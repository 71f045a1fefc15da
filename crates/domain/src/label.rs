//! Labels of hosts, and selectors over them.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// Why a label or selector was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// Not `key=value`.
    #[error("expected key=value with 1 to 63 of a-z, 0-9, `.`, `_`, `-` on each side")]
    Grammar,
    /// One key, two values: no host could match.
    #[error("the label `{0}` is asked for twice")]
    Twice(String),
}

/// One label of a host, `env=prod`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    key: Box<str>,
    value: Box<str>,
}

impl Label {
    /// A label from its two sides.
    ///
    /// # Errors
    /// When a side is not 1 to 63 of `[a-z0-9._-]`.
    pub fn new(key: &str, value: &str) -> Result<Self, LabelError> {
        let side = |s: &str| {
            (1..=63).contains(&s.len())
                && s.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'))
        };
        if side(key) && side(value) {
            Ok(Self { key: key.into(), value: value.into() })
        } else {
            Err(LabelError::Grammar)
        }
    }

    /// The side before `=`.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The side after `=`.
    pub fn value(&self) -> &str {
        &self.value
    }
}

impl FromStr for Label {
    type Err = LabelError;

    fn from_str(given: &str) -> Result<Self, LabelError> {
        let (key, value) = given.split_once('=').ok_or(LabelError::Grammar)?;
        Self::new(key, value)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Label({self})")
    }
}

/// Labels that a host must all have: `env=prod,role=web`. In canonical text sorted by key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Selector(BTreeSet<Label>);

impl Selector {
    /// The labels, sorted by key; never empty.
    pub fn labels(&self) -> impl Iterator<Item = &Label> {
        self.0.iter()
    }

    /// Whether a host with these labels is meant.
    pub fn matches(&self, labels: &BTreeSet<Label>) -> bool {
        self.0.is_subset(labels)
    }
}

impl FromStr for Selector {
    type Err = LabelError;

    fn from_str(given: &str) -> Result<Self, LabelError> {
        let mut labels: BTreeSet<Label> = BTreeSet::new();
        for part in given.split(',') {
            let label: Label = part.parse()?;
            if labels.iter().any(|other| other.key == label.key) {
                return Err(LabelError::Twice(label.key.into()));
            }
            labels.insert(label);
        }
        Ok(Self(labels))
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, label) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(",")?;
            }
            write!(f, "{label}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Selector({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_wants_all_its_labels() {
        let selector: Selector = "role=web,env=prod".parse().unwrap();
        assert_eq!(selector.to_string(), "env=prod,role=web");
        let host = |labels: &[&str]| labels.iter().map(|l| l.parse().unwrap()).collect::<BTreeSet<Label>>();
        assert!(selector.matches(&host(&["env=prod", "role=web", "az=1"])));
        assert!(!selector.matches(&host(&["env=prod"])));
        assert!(!selector.matches(&host(&[])));
    }

    #[test]
    fn selectors_that_are_empty_or_contradict_are_refused() {
        for bad in ["", "env", "env=", "=prod", "env=prod,", "Env=prod", "env=a=b", "env=p rod"] {
            assert_eq!(bad.parse::<Selector>(), Err(LabelError::Grammar), "{bad}");
        }
        assert_eq!("env=a,env=b".parse::<Selector>(), Err(LabelError::Twice("env".into())));
    }
}
