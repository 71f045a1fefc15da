//! When certificates are made new, and what is said when they cannot be.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::{HostName, UnixTime};

use crate::app::App;
use crate::failure::{Failure, in_full};
use crate::fetch::Fetched;

/// Longest sleep: a machine that was suspended, or a clock that was set, is noticed that soon.
const LONGEST_SLEEP: u64 = 15;
/// How soon a refresh that failed is tried again, at least; and at most.
const AGAIN: (u64, u64) = (1, 15);

/// How fresh the certificates of a run are.
#[derive(Clone)]
pub(super) struct Fresh {
    deadline: UnixTime,
    /// When they are to be made new; from the deadline on there is nothing to make.
    due: UnixTime,
    /// How long they live, in seconds.
    life: u64,
    failing: Failing,
    /// Hosts that have no certificate, of which that was said.
    without: BTreeSet<HostName>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Failing {
    No,
    Told,
}

impl Fresh {
    pub(super) const fn new(deadline: UnixTime) -> Self {
        Self { deadline, due: deadline, life: 0, failing: Failing::No, without: BTreeSet::new() }
    }

    /// When the grant ends.
    pub(super) const fn deadline(&self) -> UnixTime {
        self.deadline
    }

    /// Waits until certificates are to be made new; `false` once the grant has ended.
    pub(super) async fn due(&self, app: &App<'_>) -> bool {
        loop {
            // A clock that cannot be read is one that says nothing of an end.
            let now = app.context.now().unwrap_or(self.due);
            if now >= self.deadline {
                return false;
            }
            if now >= self.due {
                return true;
            }
            let left = self.due.min(self.deadline).since(now).seconds();
            tokio::time::sleep(Duration::from_secs(left.clamp(1, LONGEST_SLEEP))).await;
        }
    }

    /// Certificates came: the next ones are fetched when two thirds of their time are over.
    pub(super) fn fetched(&mut self, app: &App<'_>, fetched: &Fetched) -> Result<(), Failure> {
        let now = app.context.now()?;
        let end = fetched.certificates.iter().map(|(_, certificate)| certificate.valid_before()).min();
        (self.due, self.life) = next(now, end, self.deadline);
        if self.failing == Failing::Told {
            app.context.terminal.note("hallpass: certificates are fetched again");
            self.failing = Failing::No;
        }
        for refused in &fetched.refused {
            let new: Vec<_> = refused.hosts.iter().filter(|host| !self.without.contains(*host)).cloned().collect();
            if !new.is_empty() {
                app.warn(&refused.why);
            }
            self.without.extend(new);
        }
        Ok(())
    }

    /// They did not come: says so once, and tries again soon.
    pub(super) fn failed(&mut self, app: &App<'_>, why: &Failure) {
        if self.failing == Failing::No {
            app.context
                .terminal
                .note(&in_full("hallpass: certificates cannot be made new, and end soon; this goes on trying", why));
            self.failing = Failing::Told;
        }
        let wait = (self.life / 10).clamp(AGAIN.0, AGAIN.1);
        let soon = domain::Span::from_seconds(wait).ok().and_then(|wait| self.due_from(app)?.after(wait));
        self.due = soon.unwrap_or(self.deadline);
    }

    fn due_from(&self, app: &App<'_>) -> Option<UnixTime> {
        app.context.now().ok()
    }
}

/// When certificates that end then are made new, and how long they live. Those that last until the deadline are the last.
fn next(now: UnixTime, end: Option<UnixTime>, deadline: UnixTime) -> (UnixTime, u64) {
    let life = end.map_or(0, |end| end.since(now).seconds());
    if end.is_some_and(|end| end >= deadline) {
        return (deadline, life);
    }
    let wait = domain::Span::from_seconds((life * 2 / 3).max(1)).ok();
    (wait.and_then(|wait| now.after(wait)).unwrap_or(deadline), life)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_made_new_when_two_thirds_of_their_time_are_over() {
        let at = |seconds| UnixTime::new(seconds).unwrap();
        let next = |end: u64| next(at(1_000), Some(at(end)), at(2_800));
        assert_eq!(next(1_300), (at(1_200), 300));
        assert_eq!(next(1_002), (at(1_001), 2));
        assert_eq!(next(1_000), (at(1_001), 0), "one that is over is not fetched all the time");
        assert_eq!(next(2_800), (at(2_800), 1_800), "it lasts until the end");
    }
}
