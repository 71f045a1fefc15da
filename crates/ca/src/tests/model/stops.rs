//! The model's stops: what ends with one, what is refused while it stands, and who lifts it.

use request::StateName;

use super::lifecycle::{Answer, Is, Model};
use super::rules::Today;
use crate::tests::harness::*;

/// How long one person alone stops everything.
const ALONE: u64 = 3600;

/// What can be stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopped {
    Request(usize),
    User(u8),
    Host(usize),
    All,
}

/// A stop that was made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stop {
    what: Stopped,
    by: u8,
    stands: Stands,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    /// Until it is lifted.
    On,
    Until(u64),
    Lifted,
}

impl Stands {
    fn at(self, now: u64) -> bool {
        match self {
            Self::On => true,
            Self::Until(until) => now < until,
            Self::Lifted => false,
        }
    }
}

impl Model {
    /// What is in force, without who is stopped.
    pub(super) fn today(&self) -> Today {
        let stopped =
            |user| self.stops.iter().any(|stop| stop.what == Stopped::User(user) && stop.stands == Stands::On);
        Today { rules: self.rules, stopped: [ALICE, BOB].map(|user| stopped(user).then_some(user)) }
    }

    pub(super) fn stands_stopped(&self, what: Stopped, now: u64) -> bool {
        self.stops.iter().any(|stop| stop.what == what && stop.stands.at(now))
    }

    /// What is asked for while it is stopped is refused.
    pub(super) fn not_stopped(&self, host: usize, now: u64) -> Answer {
        match host {
            _ if self.stands_stopped(Stopped::All, now) => Err("ALL_STOPPED"),
            _ if self.stands_stopped(Stopped::Host(host), now) => Err("HOST_STOPPED"),
            _ => Ok(()),
        }
    }

    /// Carol has the right `admin`, dave the right `stop`; alice stops what is hers, and everybody what they decided on.
    pub(super) fn stop(&mut self, what: Stopped, by: u8, now: u64) -> Answer {
        if self.today().disabled(by) {
            return Err("USER_DISABLED");
        }
        let own = match what {
            Stopped::Request(request) => {
                let request = &self.requests[request];
                by == ALICE || request.denied_by == Some(by) || request.approved_by.iter().any(|(who, _)| *who == by)
            }
            Stopped::User(user) => by == user,
            Stopped::Host(_) | Stopped::All => false,
        };
        if !own && ![CAROL, DAVE].contains(&by) {
            return Err("NO_RIGHT");
        }
        let taken: Vec<usize> = match what {
            Stopped::Request(request) => self.line(request),
            Stopped::User(user) => self.every(|_| user == ALICE),
            Stopped::Host(host) => self.every(|of| of == host),
            Stopped::All => self.every(|_| true),
        };
        let live = |at: &usize| matches!(self.requests[*at].is, Is::Pending { until } | Is::Approved { until, .. } if now < until);
        let taken: Vec<usize> = taken.into_iter().filter(live).collect();
        if matches!(what, Stopped::Request(_)) && taken.is_empty() {
            return Err("OVER");
        }
        if let Some(stop) = self.stops.iter_mut().find(|stop| stop.what == what && stop.stands.at(now)) {
            if stop.stands == Stands::On || stop.by == by {
                return Err("STOPPED_ALREADY");
            }
            stop.stands = Stands::On;
            return Ok(());
        }
        taken.into_iter().for_each(|at| self.requests[at].is = Is::Ended(StateName::Stopped));
        let stands = match what {
            Stopped::Request(_) => Stands::Lifted,
            Stopped::User(_) | Stopped::Host(_) => Stands::On,
            Stopped::All => Stands::Until(now + ALONE),
        };
        // In place of one whose time is over, which a clock that is set back does not bring again.
        self.stops.iter_mut().filter(|stop| stop.what == what).for_each(|stop| stop.stands = Stands::Lifted);
        self.stops.push(Stop { what, by, stands });
        Ok(())
    }

    /// Where nobody is named for it, it takes the right `admin`.
    pub(super) fn lift(&mut self, stop: usize, by: u8, now: u64) -> Answer {
        if self.today().disabled(by) {
            return Err("USER_DISABLED");
        }
        if by != CAROL {
            return Err("NO_RIGHT");
        }
        let stop = self.stops.get_mut(stop).filter(|stop| stop.stands.at(now)).ok_or("NO_SUCH_STOP")?;
        stop.stands = Stands::Lifted;
        Ok(())
    }

    fn every(&self, of: impl Fn(usize) -> bool) -> Vec<usize> {
        (0..self.requests.len()).filter(|at| of(self.requests[*at].host)).collect()
    }
}
