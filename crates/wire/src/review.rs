//! Reviews of break-glass, and what came of it.

use domain::{Serial, UnixTime};

use crate::error::{shown, time};
use crate::{SignedText, WireError, v1};

/// Where a review stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Review {
    /// It is owed since then.
    Owed(UnixTime),
    /// Somebody made it.
    Done {
        /// The act.
        statement: SignedText,
        /// When.
        time: UnixTime,
    },
}

/// A certificate that came of a break-glass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedCertificate {
    /// The serial.
    pub serial: Serial,
    /// What it opens.
    pub principal: String,
    /// When it was written to the ledger.
    pub time: UnixTime,
    /// Its end.
    pub until: UnixTime,
}

impl TryFrom<v1::Review> for Review {
    type Error = WireError;

    fn try_from(given: v1::Review) -> Result<Self, WireError> {
        match given.statement {
            None => time("owed_since", given.owed_since).map(Self::Owed),
            statement => Ok(Self::Done { statement: statement.try_into()?, time: time("time", given.time)? }),
        }
    }
}

impl From<Review> for v1::Review {
    fn from(review: Review) -> Self {
        match review {
            Review::Owed(since) => Self { owed_since: since.seconds(), statement: None, time: 0 },
            Review::Done { statement, time } => {
                Self { owed_since: 0, statement: Some(statement.into()), time: time.seconds() }
            }
        }
    }
}

impl TryFrom<v1::UsedCertificate> for UsedCertificate {
    type Error = WireError;

    fn try_from(given: v1::UsedCertificate) -> Result<Self, WireError> {
        Ok(Self {
            serial: Serial::new(given.serial).ok_or(WireError::Missing("serial"))?,
            principal: shown("principal", given.principal, 300)?,
            time: time("time", given.time)?,
            until: time("until", given.until)?,
        })
    }
}

impl From<UsedCertificate> for v1::UsedCertificate {
    fn from(used: UsedCertificate) -> Self {
        let (time, until) = (used.time.seconds(), used.until.seconds());
        Self { serial: used.serial.get(), principal: used.principal, time, until }
    }
}
