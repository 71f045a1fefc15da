//! The model's break-glass: when it is free, and what is owed for it.

use super::lifecycle::{Answer, Model, Way};
use crate::tests::harness::*;

/// Where the review of a break-glass stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Glass {
    /// It was never granted.
    Whole,
    Owed,
    Reviewed,
}

impl Glass {
    pub(super) fn granted(self) -> Self {
        if self == Self::Whole { Self::Owed } else { self }
    }

    /// Nobody got in by it.
    pub(super) fn taken_back(self) -> Self {
        if self == Self::Owed { Self::Whole } else { self }
    }
}

impl Model {
    /// Free while nothing is owed, and one approval while a review is: never none then, and never more.
    pub(super) fn break_glass(&mut self, now: u64) -> Answer {
        if self.today().disabled(ALICE) {
            return Err("USER_DISABLED");
        }
        self.not_stopped(0, now)?;
        self.ask((0, LAPTOP), usize::from(self.owed() > 0), Way::Glass, now)
    }

    /// How many reviews alice owes.
    pub(super) fn owed(&self) -> usize {
        self.requests.iter().filter(|request| request.glass == Some(Glass::Owed)).count()
    }

    /// By somebody else of `sre`, stops or not.
    pub(super) fn review(&mut self, request: usize, by: u8) -> Answer {
        let (today, request) = (self.today(), &mut self.requests[request]);
        if today.disabled(by) {
            return Err("USER_DISABLED");
        }
        if request.glass.is_none() || !today.in_sre(by) {
            return Err("REVIEW_REFUSED");
        }
        if request.glass != Some(Glass::Owed) {
            return Err("NOTHING_OWED");
        }
        request.glass = Some(Glass::Reviewed);
        Ok(())
    }
}
