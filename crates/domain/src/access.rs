//! What is asked for: a login on a host, or on hosts by labels.

use std::fmt;
use std::str::FromStr;

use crate::{HostName, LabelError, Login, NameError, Selector};

/// The login as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AskedLogin {
    /// `self`: the login that the directory maps the user to.
    Own,
    /// A Unix account by name.
    Named(Login),
}

impl FromStr for AskedLogin {
    type Err = NameError;

    fn from_str(given: &str) -> Result<Self, NameError> {
        if given == "self" { Ok(Self::Own) } else { given.parse().map(Self::Named) }
    }
}

impl fmt::Display for AskedLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own => f.write_str("self"),
            Self::Named(login) => login.fmt(f),
        }
    }
}

/// The host or hosts as they were asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// One host; an alias is made canonical by the client before anybody signs.
    Host(HostName),
    /// Every host with these labels.
    Labels(Selector),
}

/// Why `[LOGIN@]HOST` or `[LOGIN@]LABELS` was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The login or host is misspelt.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The labels are misspelt.
    #[error(transparent)]
    Labels(#[from] LabelError),
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(given: &str) -> Result<Self, TargetError> {
        if given.contains('=') { Ok(Self::Labels(given.parse()?)) } else { Ok(Self::Host(given.parse()?)) }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host) => host.fmt(f),
            Self::Labels(selector) => selector.fmt(f),
        }
    }
}

/// `[LOGIN@]HOST` or `[LOGIN@]LABELS`; without a login it means `self`. In canonical text the login is always there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Access {
    /// The login.
    pub login: AskedLogin,
    /// The host or labels.
    pub target: Target,
}

impl FromStr for Access {
    type Err = TargetError;

    fn from_str(given: &str) -> Result<Self, TargetError> {
        let (login, target) = match given.split_once('@') {
            Some((login, target)) => (login.parse()?, target),
            None => (AskedLogin::Own, given),
        };
        Ok(Self { login, target: target.parse()? })
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.login, self.target)
    }
}

/// Why `login@host` was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PairError {
    /// There is no `@`.
    #[error("expected LOGIN@HOST")]
    NoAt,
    /// A side is misspelt.
    #[error(transparent)]
    Name(#[from] NameError),
}

/// One login on one host, `root@web-1`: also the principal that a scoped host accepts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    /// The Unix account.
    pub login: Login,
    /// The host.
    pub host: HostName,
}

impl FromStr for Pair {
    type Err = PairError;

    fn from_str(given: &str) -> Result<Self, PairError> {
        let (login, host) = given.split_once('@').ok_or(PairError::NoAt)?;
        Ok(Self { login: login.parse()?, host: host.parse()? })
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.login, self.host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_reads_as_people_type_it() {
        for (given, canonical) in [
            ("root@web-1", "root@web-1"),
            ("web-1", "self@web-1"),
            ("self@web-1", "self@web-1"),
            ("deploy@role=web,env=staging", "deploy@env=staging,role=web"),
            ("env=prod", "self@env=prod"),
        ] {
            let access: Access = given.parse().unwrap();
            assert_eq!(access.to_string(), canonical);
            assert_eq!(canonical.parse(), Ok(access));
        }
        for bad in ["", "@web-1", "root@", "root@web-1@x", "Root@web-1", "root@WEB"] {
            assert!(bad.parse::<Access>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_pair_is_one_login_on_one_host() {
        assert_eq!("root@web-1".parse::<Pair>().unwrap().to_string(), "root@web-1");
        assert_eq!("web-1".parse::<Pair>(), Err(PairError::NoAt));
        assert!("root,admin@web-1".parse::<Pair>().is_err());
    }
}
