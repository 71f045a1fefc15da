//! What a request extends: `7K3F9-QXMWT since 2026-03-01T14:02:00Z`.

use std::fmt;
use std::str::FromStr;

use crate::{RequestId, RequestIdError, TimeError, UnixTime};

/// The request whose grant another one extends, and since when what it extends is open: the first second of the first
/// window. The longest window counts from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Extends {
    /// The request whose grant is extended; it may be an extension itself.
    pub id: RequestId,
    /// The first second of the first window.
    pub since: UnixTime,
}

/// Why it was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExtendsError {
    /// Not `ID since TIME`.
    #[error("expected a request and a time, such as `7K3F9-QXMWT since 2026-03-01T14:02:00Z`")]
    Grammar,
    /// The first word is no request's id.
    #[error(transparent)]
    Request(#[from] RequestIdError),
    /// The last word is no time.
    #[error(transparent)]
    Time(#[from] TimeError),
}

impl FromStr for Extends {
    type Err = ExtendsError;

    fn from_str(given: &str) -> Result<Self, ExtendsError> {
        let (id, since) = given.split_once(" since ").ok_or(ExtendsError::Grammar)?;
        Ok(Self { id: id.parse()?, since: since.parse()? })
    }
}

impl fmt::Display for Extends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} since {}", self.id, self.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_extended_reads_back_and_says_what_is_wrong() {
        let text = "7K3F9-QXMWT since 2026-03-01T14:02:00Z";
        assert_eq!(text.parse::<Extends>().unwrap().to_string(), text);
        assert_eq!("7K3F9-QXMWT".parse::<Extends>(), Err(ExtendsError::Grammar));
        assert_eq!("7K3F9 since 2026-03-01T14:02:00Z".parse::<Extends>(), Err(RequestIdError.into()));
        assert_eq!("7K3F9-QXMWT since noon".parse::<Extends>(), Err(TimeError.into()));
    }
}
