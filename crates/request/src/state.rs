//! The states of a request, each a type; a transition consumes one and makes the next.

use std::fmt;
use std::str::FromStr;

use domain::{Approval, Fate, Obligations, Quorum, Span, Tally, UnixTime};
use statement::RequestStatement;

use crate::evidence::{Ballot, BallotRefused};

/// When a grant opens and ends. `not_before` counts, `not_after` does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    not_before: UnixTime,
    not_after: UnixTime,
}

impl Window {
    /// A window from its ends, as the store kept them; `None` when it would be empty.
    pub fn new(not_before: UnixTime, not_after: UnixTime) -> Option<Self> {
        (not_before < not_after).then_some(Self { not_before, not_after })
    }

    /// The window of a request that was approved now: from now, or from the asked start if that is later, and no longer
    /// than it may be. `None` when it would be empty or end after the year 9999.
    pub fn approved_at(now: UnixTime, wanted: &Wanted) -> Option<Self> {
        let not_before = wanted.start.map_or(now, |start| start.max(now));
        let end = not_before.after(wanted.length)?;
        Self::new(not_before, wanted.latest.map_or(end, |latest| latest.min(end)))
    }

    /// The first second inside.
    pub const fn not_before(&self) -> UnixTime {
        self.not_before
    }

    /// The first second after.
    pub const fn not_after(&self) -> UnixTime {
        self.not_after
    }

    /// Whether this second is inside.
    pub fn contains(&self, now: UnixTime) -> bool {
        self.not_before <= now && now < self.not_after
    }

    /// The same window, cut to the longest that today's policy gives from `since` on.
    #[must_use]
    pub fn at_most(self, max: Span, since: UnixTime) -> Option<Self> {
        let end = since.after(max)?.min(self.not_after);
        Self::new(self.not_before, end)
    }
}

/// The window that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// The asked start; otherwise it starts when approval completes.
    pub start: Option<UnixTime>,
    /// How long it is.
    pub length: Span,
    /// What it ends at the latest, if something says so.
    pub latest: Option<UnixTime>,
}

impl Wanted {
    /// What was asked under a ruling. An extension that is approved late starts late, and still ends when its rule's
    /// longest window does, which counts from the first second of all.
    pub fn of(asked: &RequestStatement, ruled: &Obligations) -> Self {
        let latest = asked.extends.and_then(|extends| extends.since.after(ruled.max));
        Self { start: asked.start, length: asked.window, latest }
    }
}

/// A request that waits for its quorum, until it dies unanswered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a state that is dropped is a request that is lost"]
pub struct Pending {
    until: UnixTime,
}

/// A request whose quorum is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a state that is dropped is a request that is lost"]
pub struct Approved {
    window: Window,
}

/// How a request ended. Nothing leads out of here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a state that is dropped is a request that is lost"]
pub enum Ended {
    /// Somebody said no.
    Denied,
    /// The requester took it back before it was decided.
    Cancelled,
    /// The requester gave the grant back.
    GivenBack,
    /// Its hour without an answer passed, or its window.
    Expired,
    /// It was stopped, its user was disabled, or an approval of what it extends was withdrawn.
    Stopped,
}

/// Any state.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a state that is dropped is a request that is lost"]
pub enum State {
    /// It waits for its quorum.
    Pending(Pending),
    /// Its quorum is complete.
    Approved(Approved),
    /// It is over.
    Ended(Ended),
}

/// What a decision led to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "the next state must be stored"]
pub enum Outcome {
    /// More approvals are needed.
    Waits(Pending),
    /// The quorum is complete: the window is open.
    Approved(Approved),
    /// One deny ends it.
    Denied(Ended),
    /// The quorum is complete, but its window would be empty: it ends as expired.
    TooLate(Ended),
}

/// Opens a request: pending for at most `patience`, or approved at once when nobody needs to be asked. `None` when
/// the window or the wait would be empty or end after the year 9999.
pub fn open(quorum: &Quorum, now: UnixTime, patience: Span, wanted: &Wanted) -> Option<State> {
    if quorum.is_auto() {
        let window = Window::approved_at(now, wanted)?;
        return Some(State::Approved(Approved { window }));
    }
    let until = now.after(patience).filter(|until| *until > now)?;
    Some(State::Pending(Pending { until }))
}

impl Pending {
    /// A pending request as the store kept it.
    pub const fn restored(until: UnixTime) -> Self {
        Self { until }
    }

    /// When it dies unanswered.
    pub const fn until(&self) -> UnixTime {
        self.until
    }

    /// Counts one more ballot beside those cast before. Whoever is asked in any stage may deny at any time.
    ///
    /// # Errors
    /// When it is an approval for a stage that is not asked yet, or dated before those that it comes after. The request
    /// waits as it did.
    pub fn decide(self, ballot: &Ballot, mut before: Tally<'_>, wanted: &Wanted) -> Result<Outcome, BallotRefused> {
        if ballot.verdict() == Approval::Deny {
            return Ok(Outcome::Denied(Ended::Denied));
        }
        match before.count(ballot.vote()) {
            Fate::Fills | Fate::Idle => {}
            Fate::Early => {
                let (approver, first) = (ballot.approver().clone(), before.missing());
                return Err(BallotRefused::Early { approver, first });
            }
            Fate::Before(time) => {
                return Err(BallotRefused::SignedBefore { signed: ballot.vote().signed, before: time });
            }
        }
        if !before.is_complete() {
            return Ok(Outcome::Waits(self));
        }
        Ok(match Window::approved_at(ballot.time(), wanted) {
            Some(window) => Outcome::Approved(Approved { window }),
            None => Outcome::TooLate(Ended::Expired),
        })
    }

    /// The requester takes it back.
    pub fn cancel(self) -> Ended {
        Ended::Cancelled
    }

    /// Dies unanswered when its time has come.
    ///
    /// # Errors
    /// Hands the state back when it is not yet time.
    pub fn lapse(self, now: UnixTime) -> Result<Ended, Self> {
        if now >= self.until { Ok(Ended::Expired) } else { Err(self) }
    }
}

impl Approved {
    /// An approved request as the store kept it.
    pub const fn restored(window: Window) -> Self {
        Self { window }
    }

    /// Its window.
    pub const fn window(&self) -> Window {
        self.window
    }

    /// The requester gives it back before its end.
    pub fn give_back(self) -> Ended {
        Ended::GivenBack
    }

    /// An approver takes an approval back that nothing has come of: it waits again, for as long as it would have.
    pub const fn withdraw(self, until: UnixTime) -> Pending {
        Pending { until }
    }
}

/// The name of a state, as the store and the API spell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StateName {
    /// `pending`
    Pending,
    /// `approved`
    Approved,
    /// `denied`
    Denied,
    /// `cancelled`
    Cancelled,
    /// `given-back`
    GivenBack,
    /// `expired`
    Expired,
    /// `stopped`
    Stopped,
}

impl StateName {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Pending, "pending"),
        (Self::Approved, "approved"),
        (Self::Denied, "denied"),
        (Self::Cancelled, "cancelled"),
        (Self::GivenBack, "given-back"),
        (Self::Expired, "expired"),
        (Self::Stopped, "stopped"),
    ];

    /// Every state.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().map(|(state, _)| state)
    }

    /// The spelling.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(state, _)| *state == self).map_or("", |(_, name)| name)
    }
}

impl State {
    /// The state's name.
    pub const fn name(&self) -> StateName {
        match self {
            Self::Pending(_) => StateName::Pending,
            Self::Approved(_) => StateName::Approved,
            Self::Ended(Ended::Denied) => StateName::Denied,
            Self::Ended(Ended::Cancelled) => StateName::Cancelled,
            Self::Ended(Ended::GivenBack) => StateName::GivenBack,
            Self::Ended(Ended::Expired) => StateName::Expired,
            Self::Ended(Ended::Stopped) => StateName::Stopped,
        }
    }

    /// The state's name at this time: what waits past its hour and a window that is over are expired, whether or not
    /// anybody wrote it down.
    pub fn name_at(&self, now: UnixTime) -> StateName {
        let over = match self {
            Self::Pending(pending) => pending.until <= now,
            Self::Approved(approved) => approved.window.not_after <= now,
            Self::Ended(_) => false,
        };
        if over { StateName::Expired } else { self.name() }
    }
}

/// A state that this version does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a state of a request")]
pub struct UnknownState(String);

impl FromStr for StateName {
    type Err = UnknownState;

    fn from_str(given: &str) -> Result<Self, UnknownState> {
        Self::ALL
            .iter()
            .find(|(_, name)| *name == given)
            .map(|(state, _)| *state)
            .ok_or_else(|| UnknownState(given.chars().take(32).collect()))
    }
}

impl fmt::Display for StateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> UnixTime {
        UnixTime::new(seconds).unwrap()
    }

    fn wanted(start: Option<u64>, length: &str) -> Wanted {
        Wanted { start: start.map(at), length: length.parse().unwrap(), latest: None }
    }

    #[test]
    fn the_window_starts_with_approval_or_later() {
        let now = Window::approved_at(at(1000), &wanted(None, "10m")).unwrap();
        assert_eq!((now.not_before(), now.not_after()), (at(1000), at(1600)));
        let early = Window::approved_at(at(1000), &wanted(Some(10), "10m")).unwrap();
        assert_eq!(early, now);
        let later = Window::approved_at(at(1000), &wanted(Some(5000), "10m")).unwrap();
        assert_eq!((later.not_before(), later.not_after()), (at(5000), at(5600)));
        assert!(later.contains(at(5599)) && !later.contains(at(5600)) && !later.contains(at(4999)));
        assert_eq!(Window::approved_at(at(1000), &wanted(None, "0s")), None);
    }

    #[test]
    fn what_is_approved_late_ends_no_later_than_it_may() {
        let until = |latest| Wanted { latest: Some(at(latest)), ..wanted(Some(1000), "10m") };
        assert_eq!(Window::approved_at(at(900), &until(1600)), Window::new(at(1000), at(1600)));
        assert_eq!(Window::approved_at(at(1200), &until(1700)), Window::new(at(1200), at(1700)));
        assert_eq!(Window::approved_at(at(1700), &until(1700)), None, "nothing is left");
    }

    #[test]
    fn a_shorter_rule_of_today_cuts_the_window() {
        let window = Window::new(at(1000), at(2000)).unwrap();
        assert_eq!(window.at_most("5m".parse().unwrap(), at(1000)), Window::new(at(1000), at(1300)));
        assert_eq!(window.at_most("1h".parse().unwrap(), at(1000)), Some(window));
        assert_eq!(window.at_most(Span::ZERO, at(1000)), None);
        assert_eq!(window.at_most("15m".parse().unwrap(), at(200)), Window::new(at(1000), at(1100)), "since before it");
    }

    #[test]
    fn a_pending_request_dies_at_its_hour_and_not_before() {
        let until = at(3600);
        let pending = Pending::restored(until).lapse(at(3599)).unwrap_err();
        assert_eq!(pending.lapse(until), Ok(Ended::Expired));
    }

    #[test]
    fn a_state_whose_time_is_over_is_expired_by_name() {
        let pending = State::Pending(Pending::restored(at(3600)));
        let approved = State::Approved(Approved::restored(Window::new(at(1000), at(1600)).unwrap()));
        for (state, before, until) in [(pending, StateName::Pending, 3600), (approved, StateName::Approved, 1600)] {
            assert_eq!((state.name_at(at(until - 1)), state.name_at(at(until))), (before, StateName::Expired));
        }
        assert_eq!(State::Ended(Ended::Denied).name_at(at(9999)), StateName::Denied);
    }

    #[test]
    fn nobody_to_ask_opens_the_window_at_once() {
        let (hour, wanted) = ("1h".parse().unwrap(), wanted(None, "10m"));
        let auto = open(&Quorum::auto(), at(5), hour, &wanted).unwrap();
        assert_eq!(auto.name(), StateName::Approved);
        let asked = open(&"1 of sre".parse().unwrap(), at(5), hour, &wanted).unwrap();
        assert_eq!(asked, State::Pending(Pending { until: at(3605) }));
        assert_eq!(open(&"1 of sre".parse().unwrap(), at(5), Span::ZERO, &wanted), None);
    }

    #[test]
    fn every_state_has_one_spelling() {
        for (state, name) in StateName::ALL {
            assert_eq!(name.parse(), Ok(state));
        }
        assert!("Pending".parse::<StateName>().is_err());
    }
}
