//! The model's approvals: which of them count, and where the last one leaves a request.

use request::StateName;

use super::lifecycle::{Extends, FRESH, Is, Request};
use super::rules::{STAGED, Today};
use crate::tests::harness::*;

/// How long until those on duty stand in.
const WAIT: u64 = 900;

/// What comes of an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fills {
    Counts,
    Nothing,
    TooEarly,
}

impl Request {
    /// Where it stands once it is approved: an extension ends when the longest window from the beginning does.
    pub(super) fn approved(&self, now: u64) -> Is {
        let Some(Extends { since, start, .. }) = self.extends else {
            return Is::Approved { from: now, until: now + self.window };
        };
        let from = start.max(now);
        let until = (from + self.window).min(since + self.longest);
        if from < until { Is::Approved { from, until } } else { Is::Ended(StateName::Expired) }
    }

    /// Whose approvals count today.
    pub(super) fn counted(&self, today: Today) -> Vec<u8> {
        let mut counted: Vec<(u8, u64)> = Vec::new();
        for approval in &self.approved_by {
            if self.next(today, &counted, *approval) == Fills::Counts {
                counted.push(*approval);
            }
        }
        counted.into_iter().map(|(user, _)| user).collect()
    }

    /// What would come of one more.
    pub(super) fn fills(&self, today: Today, approval: (u8, u64)) -> Fills {
        let mut counted: Vec<(u8, u64)> = self.approved_by.clone();
        let who = self.counted(today);
        counted.retain(|(user, _)| who.contains(user));
        self.next(today, &counted, approval)
    }

    /// What comes of an approval after those that count.
    fn next(&self, today: Today, counted: &[(u8, u64)], (user, signed): (u8, u64)) -> Fills {
        if self.host != STAGED {
            return if today.in_sre(user) { Fills::Counts } else { Fills::Nothing };
        }
        if counted.iter().any(|(other, _)| *other == user) {
            return Fills::Nothing;
        }
        let leads = [BOB, DAVE].contains(&user) || user == CAROL && signed.saturating_sub(self.asked) >= WAIT;
        match counted {
            _ if !today.may_decide(STAGED, user) => Fills::Nothing,
            [] if leads => Fills::Counts,
            [] => Fills::TooEarly,
            [(_, before)] if signed + FRESH < *before => Fills::TooEarly,
            [_] if today.in_sre(user) => Fills::Counts,
            _ => Fills::Nothing,
        }
    }
}
