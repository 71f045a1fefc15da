//! Emergency access without approval: what a rule says of it, and what a person owes afterwards.

use std::fmt;
use std::str::FromStr;

use crate::{GroupName, NameError, Quorum, Span, SpanError};

/// What a rule permits as break-glass. As text `15m reviewed by security`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BreakGlassTerms {
    /// The longest window.
    pub max: Span,
    /// The group that is told at once, and somebody of whom reviews it.
    pub review: GroupName,
}

/// Why a text is no terms of break-glass.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BreakGlassError {
    /// Not these words.
    #[error("expected the longest window and who reviews it, such as `15m reviewed by security`")]
    Grammar,
    /// The window is none.
    #[error(transparent)]
    Window(#[from] SpanError),
    /// The group is misspelt.
    #[error(transparent)]
    Group(#[from] NameError),
}

impl FromStr for BreakGlassTerms {
    type Err = BreakGlassError;

    fn from_str(given: &str) -> Result<Self, BreakGlassError> {
        let (max, review) = given.split_once(" reviewed by ").ok_or(BreakGlassError::Grammar)?;
        Ok(Self { max: max.parse()?, review: review.parse()? })
    }
}

impl fmt::Display for BreakGlassTerms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} reviewed by {}", self.max, self.review)
    }
}

/// Whether a person owes a review of their earlier break-glass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owes {
    /// No: each was reviewed, or there was none.
    Nothing,
    /// A review by somebody else is owed.
    Review,
}

impl Owes {
    /// The approvals that break-glass takes: none, and while a review is owed one of those who review it. Never none
    /// then, and never more, as more could be nobody.
    pub fn quorum(self, review: &GroupName) -> Quorum {
        match self {
            Self::Nothing => Quorum::auto(),
            Self::Review => Quorum::one_of(review.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_read_back_from_their_text() {
        for text in ["15m reviewed by security", "1h30m reviewed by sre"] {
            assert_eq!(text.parse::<BreakGlassTerms>().unwrap().to_string(), text);
        }
        for wrong in ["", "15m", "15m reviewed by", "reviewed by security", "15 reviewed by sre", "15m reviewed by A B"]
        {
            assert!(wrong.parse::<BreakGlassTerms>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn while_a_review_is_owed_it_takes_one_approval() {
        let security: GroupName = "security".parse().unwrap();
        assert!(Owes::Nothing.quorum(&security).is_auto());
        assert_eq!(Owes::Review.quorum(&security).to_string(), "1 of security");
    }
}
