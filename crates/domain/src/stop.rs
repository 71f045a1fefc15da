//! What a stop is about.

use std::fmt;
use std::str::FromStr;

use crate::{HostName, NameError, RequestId, RequestIdError, Serial, UserName};

/// What gets no more certificates. As text a word and a name, as acts and the store write it:
///
/// | word | name | until |
/// |---|---|---|
/// | `request` | `7K3F9-QXMWT` | for good: it ends |
/// | `serial` | `4711` | for good: that certificate is revoked |
/// | `user` | `alice` | it is lifted |
/// | `host` | `web-1` | it is lifted |
/// | `all` | none | it is lifted, or an hour has passed and nobody seconded it |
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopTarget {
    /// One request.
    Request(RequestId),
    /// One certificate.
    Serial(Serial),
    /// A user, with every account of the same person.
    User(UserName),
    /// A host.
    Host(HostName),
    /// Everything.
    All,
}

/// Why a text is no target of a stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StopTargetError {
    /// The first word is none that can be stopped.
    #[error("expected `request ID`, `serial NUMBER`, `user NAME`, `host NAME` or `all`")]
    Word,
    /// A request's id in it is none.
    #[error(transparent)]
    Request(#[from] RequestIdError),
    /// A serial in it is none.
    #[error("expected a certificate's serial, a number from 1 on")]
    Serial,
    /// A name in it is misspelt.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl StopTarget {
    /// Whether it stands until it is lifted, or is done once and for all.
    pub const fn lasts(&self) -> bool {
        matches!(self, Self::User(_) | Self::Host(_) | Self::All)
    }
}

impl FromStr for StopTarget {
    type Err = StopTargetError;

    fn from_str(given: &str) -> Result<Self, StopTargetError> {
        if given == "all" {
            return Ok(Self::All);
        }
        let (word, name) = given.split_once(' ').ok_or(StopTargetError::Word)?;
        match word {
            "request" => Ok(Self::Request(name.parse()?)),
            "serial" => {
                let number = name.parse().ok().filter(|number: &u64| number.to_string() == name);
                number.and_then(Serial::new).map(Self::Serial).ok_or(StopTargetError::Serial)
            }
            "user" => Ok(Self::User(name.parse()?)),
            "host" => Ok(Self::Host(name.parse()?)),
            _ => Err(StopTargetError::Word),
        }
    }
}

impl fmt::Display for StopTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(id) => write!(f, "request {id}"),
            Self::Serial(serial) => write!(f, "serial {serial}"),
            Self::User(user) => write!(f, "user {user}"),
            Self::Host(host) => write!(f, "host {host}"),
            Self::All => f.write_str("all"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_reads_back_from_its_text() {
        for text in ["request 7K3F9-QXMWT", "serial 4711", "user alice", "host web-1.example.com", "all"] {
            assert_eq!(text.parse::<StopTarget>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_cannot_be_stopped_is_refused_with_what_can() {
        for text in ["", "everything", "all of it", "serial 0", "serial +1", "serial 01", "user", "host WEB", "rule x"]
        {
            assert!(text.parse::<StopTarget>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_request_and_a_certificate_are_stopped_for_good() {
        let lasts = |text: &str| text.parse::<StopTarget>().unwrap().lasts();
        assert!(!lasts("request 7K3F9-QXMWT") && !lasts("serial 1"));
        assert!(lasts("user alice") && lasts("host web-1") && lasts("all"));
    }
}
