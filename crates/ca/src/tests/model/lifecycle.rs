//! The model: what the use cases should answer, and where each request then stands.

use domain::Approval;
use request::StateName;

use super::approvals::Fills;
use super::glass::Glass;
use super::rules::{HOSTS, Rules, STAGED};
use super::stops::{Stop, Stopped};
use crate::tests::harness::*;

/// How long a request waits.
const PATIENCE: u64 = 3600;
/// What alice asks for.
const WINDOW: u64 = 1800;
/// By how much she asks to extend it.
pub(super) const MORE: u64 = 600;
/// What alice asks for as break-glass, and the most that she gets.
const GLASS: u64 = 600;
/// How long a certificate opens connections.
const TTL: u64 = 300;
/// How many requests of one user may wait.
const MOST_PENDING: usize = 5;
/// By how much a statement's time may be off.
pub(super) const FRESH: u64 = 60;
/// By how much the wall clock may part from boot time.
const TOLERANCE: u64 = 5;

/// What is sent to the server.
#[derive(Debug, Clone, Copy)]
pub(super) enum Message {
    /// Alice asks for a host.
    Submit { host: usize },
    /// Alice asks to go on under a grant from `start` on, which she says began at `since`, for a connecting key.
    Extend { request: usize, start: u64, since: u64, key: u8 },
    /// Somebody puts another connecting key in place, signed at that time.
    Rebind { request: usize, by: u8, key: u8, time: u64 },
    /// Alice asks for the first host as break-glass.
    Break,
    /// Somebody reviews a request.
    Review { request: usize, by: u8 },
    /// Somebody decides.
    Decide { request: usize, by: u8, verdict: Approval },
    /// Somebody ends a request.
    End { request: usize, by: u8, ending: Ending },
    /// A key fetches.
    Fetch { request: usize, by: u8 },
    /// Somebody resumes issuing.
    Resume { by: u8 },
    /// Somebody stops something.
    Stop { what: Stopped, by: u8 },
    /// Somebody lifts the stop that came so many after the first.
    Lift { stop: usize, by: u8 },
}

/// How a request, or an approval of it, is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Cancel,
    GiveBack,
    /// An approver takes an approval back.
    Withdraw,
}

/// Taken, or why not.
pub(super) type Answer = Result<(), &'static str>;

#[derive(Debug, Clone)]
pub(super) struct Model {
    pub(super) rules: Rules,
    /// How far the wall clock is from where the time since boot puts it.
    pub(super) drift: i64,
    pub(super) stopped: bool,
    pub(super) requests: Vec<Request>,
    /// Every stop that was made, those that are over among them.
    pub(super) stops: Vec<Stop>,
}

#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) host: usize,
    pub(super) needs: usize,
    /// The longest window when it was asked.
    pub(super) longest: u64,
    pub(super) extends: Option<Extends>,
    /// Its connecting key.
    pub(super) key: u8,
    pub(super) asked: u64,
    /// When its connecting key was put in its place.
    rebound: Option<u64>,
    /// Who, and when they signed.
    pub(super) approved_by: Vec<(u8, u64)>,
    /// Who said no.
    pub(super) denied_by: Option<u8>,
    /// When it dies unanswered.
    expires: u64,
    /// Whether certificates came of it.
    pub(super) used: bool,
    /// How long it was asked for.
    pub(super) window: u64,
    /// Of break-glass, where its review stands.
    pub(super) glass: Option<Glass>,
    pub(super) is: Is,
}

/// How a request is asked.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way {
    New,
    Extension(Extends),
    Glass,
}

/// What a request extends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extends {
    pub(super) request: usize,
    /// When the first window of all began.
    pub(super) since: u64,
    /// The asked start.
    pub(super) start: u64,
    /// Whether it was ruled to rest on it.
    pub(super) rests: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Is {
    Pending { until: u64 },
    Approved { from: u64, until: u64 },
    Ended(StateName),
}

impl Model {
    pub(super) const fn new() -> Self {
        Self { rules: Rules::AsTheyWere, drift: 0, stopped: false, requests: Vec::new(), stops: Vec::new() }
    }

    /// What a message is answered, and what it changes.
    pub(super) fn take(&mut self, message: Message, now: u64) -> Answer {
        self.take_signed(message, now, now)
    }

    fn take_signed(&mut self, message: Message, signed: u64, now: u64) -> Answer {
        match message {
            Message::Submit { host } => self.submit(host, now),
            Message::Extend { request, start, since, key } => self.extend((request, key), start, since, now),
            Message::Rebind { request, by, key, time } => self.rebind(request, by, (key, time), now),
            Message::Break => self.break_glass(now),
            Message::Review { request, by } => self.review(request, by),
            Message::Decide { request, by, verdict } => self.decide(request, (by, signed), verdict, now),
            Message::End { request, by, ending } => self.end(request, by, ending, now),
            Message::Fetch { request, by } => self.fetch(request, by, now),
            Message::Resume { by } => self.resume(by),
            Message::Stop { what, by } => self.stop(what, by, now),
            Message::Lift { stop, by } => self.lift(stop, by, now),
        }
    }

    /// What a message is answered that was taken before, at `then`: it changes nothing.
    pub(super) fn take_again(&mut self, message: Message, then: u64, now: u64) -> Answer {
        let is_fetch = matches!(message, Message::Fetch { .. });
        let answer = if is_fetch { self.take(message, now) } else { self.clone().take_signed(message, then, now) };
        match answer {
            Err("CLOCK_FAULT" | "ISSUING_STOPPED") => answer,
            _ if now.abs_diff(then) > FRESH => Err("STATEMENT_STALE"),
            // What the store refuses a new statement for, it tells after whether it is new.
            Ok(()) | Err("TOO_MANY_PENDING" | "APPROVAL_USED" | "NOTHING_OWED") if !is_fetch => Err("REPLAYED"),
            _ => answer,
        }
    }

    fn submit(&mut self, host: usize, now: u64) -> Answer {
        if self.today().disabled(ALICE) {
            return Err("USER_DISABLED");
        }
        self.not_stopped(host, now)?;
        if WINDOW > self.today().longest() {
            return Err("POLICY_REFUSED");
        }
        self.ask((host, LAPTOP), self.today().needs(host), Way::New, now)
    }

    /// In stages there is always somebody: dave, and carol.
    pub(super) fn lacks_people(&self, host: usize, needs: usize) -> bool {
        host != STAGED && [BOB, CAROL].into_iter().filter(|user| self.today().in_sre(*user)).count() < needs
    }

    pub(super) fn ask(&mut self, (host, key): (usize, u8), needs: usize, way: Way, now: u64) -> Answer {
        if self.lacks_people(host, needs) {
            return Err("POLICY_REFUSED");
        }
        let waiting = self.requests.iter().filter(|request| matches!(request.is, Is::Pending { .. })).count();
        if needs > 0 && waiting >= MOST_PENDING {
            return Err("TOO_MANY_PENDING");
        }
        let (window, extends, glass) = match way {
            Way::New => (WINDOW, None, None),
            Way::Extension(extends) => (MORE, Some(extends), None),
            Way::Glass => (GLASS, None, Some(if needs == 0 { Glass::Owed } else { Glass::Whole })),
        };
        let mut request = Request {
            host,
            needs,
            longest: self.today().longest(),
            extends,
            key,
            asked: now,
            rebound: None,
            approved_by: Vec::new(),
            denied_by: None,
            expires: now + PATIENCE,
            used: false,
            window,
            glass,
            is: Is::Pending { until: now + PATIENCE },
        };
        if needs == 0 {
            request.is = request.approved(now);
        }
        self.requests.push(request);
        Ok(())
    }

    fn decide(&mut self, request: usize, (by, signed): (u8, u64), verdict: Approval, now: u64) -> Answer {
        let (today, request) = (self.today(), &mut self.requests[request]);
        if today.disabled(by) {
            return Err("USER_DISABLED");
        }
        // Nobody is asked where the quorum is `auto`.
        if !today.may_decide(request.host, by) || request.needs == 0 {
            return Err("DECISION_REFUSED");
        }
        if !matches!(request.is, Is::Pending { until } if now < until) {
            return Err("WRONG_STATE");
        }
        let (counted, fills) = (request.counted(today), request.fills(today, (by, signed)));
        let approves = verdict == Approval::Approve;
        let decided = request.approved_by.iter().any(|(user, _)| *user == by);
        // An approval that does not count any more, as one before it was taken back, can be given again.
        if decided && (counted.contains(&by) || !approves || fills != Fills::Counts) {
            return Err("DECIDED_BEFORE");
        }
        if !approves {
            (request.is, request.denied_by) = (Is::Ended(StateName::Denied), Some(by));
            return Ok(());
        }
        if fills == Fills::TooEarly {
            return Err("DECISION_REFUSED");
        }
        request.approved_by.retain(|(user, _)| *user != by);
        request.approved_by.push((by, signed));
        if request.counted(today).len() >= request.needs {
            request.is = request.approved(now);
            request.glass = request.glass.map(Glass::granted);
        }
        Ok(())
    }

    fn end(&mut self, request: usize, by: u8, ending: Ending, now: u64) -> Answer {
        if self.today().disabled(by) {
            return Err("USER_DISABLED");
        }
        if ending == Ending::Withdraw {
            return self.withdraw(request, by, now);
        }
        if by != ALICE {
            return Err("NOT_YOURS");
        }
        let at = request;
        let request = &mut self.requests[at];
        let ended = match (ending, request.is) {
            (Ending::Cancel, Is::Pending { until }) if now < until => StateName::Cancelled,
            (Ending::GiveBack, Is::Approved { until, .. }) if now < until => StateName::GivenBack,
            _ => return Err("WRONG_STATE"),
        };
        request.is = Is::Ended(ended);
        self.end_extensions(at, (StateName::Cancelled, StateName::GivenBack), now);
        Ok(())
    }

    fn withdraw(&mut self, at: usize, by: u8, now: u64) -> Answer {
        let used = self.line(at).iter().any(|later| self.requests[*later].used);
        let request = &mut self.requests[at];
        if !request.approved_by.iter().any(|(user, _)| *user == by) {
            return Err("NO_APPROVAL");
        }
        match request.is {
            Is::Pending { until } | Is::Approved { until, .. } if now < until => {}
            _ => return Err("WRONG_STATE"),
        }
        if used {
            return Err("APPROVAL_USED");
        }
        request.approved_by.retain(|(user, _)| *user != by);
        request.is = Is::Pending { until: request.expires };
        request.glass = request.glass.map(Glass::taken_back);
        self.end_extensions(at, (StateName::Stopped, StateName::Stopped), now);
        Ok(())
    }

    /// A certificate comes from an approved request inside its window, and from nothing else.
    fn fetch(&mut self, request: usize, by: u8, now: u64) -> Answer {
        self.trust_the_clock()?;
        if self.stopped {
            return Err("ISSUING_STOPPED");
        }
        if by != self.requests[request].key {
            return Err("NOT_GRANTED");
        }
        if self.stands_stopped(Stopped::All, now) {
            return Err("ALL_STOPPED");
        }
        if self.today().disabled(ALICE) || self.stands_stopped(Stopped::Host(self.requests[request].host), now) {
            return Err("POLICY_REFUSED");
        }
        let open = self.window(&self.requests[request]).is_some_and(|(from, until)| from <= now && now < until);
        if !self.stands(request) || !open {
            return Err("NOT_GRANTED");
        }
        self.requests[request].used = true;
        Ok(())
    }

    fn rebind(&mut self, request: usize, by: u8, (key, time): (u8, u64), now: u64) -> Answer {
        if self.today().disabled(by) {
            return Err("USER_DISABLED");
        }
        if by != ALICE {
            return Err("NOT_YOURS");
        }
        let request = &mut self.requests[request];
        if !matches!(request.is, Is::Pending { until } | Is::Approved { until, .. } if now < until) {
            return Err("WRONG_STATE");
        }
        let follows = request.rebound.map_or(request.asked <= time, |last| last < time);
        if key == BOB || key == request.key || !follows {
            return Err("NOT_REBOUND");
        }
        (request.key, request.rebound) = (key, Some(time));
        Ok(())
    }

    fn resume(&mut self, by: u8) -> Answer {
        if self.today().disabled(by) {
            return Err("USER_DISABLED");
        }
        if by != CAROL {
            return Err("NO_RIGHT");
        }
        (self.drift, self.stopped) = (0, false);
        Ok(())
    }

    /// The background job ends what waited too long: how many there were.
    pub(super) fn expire(&mut self, now: u64) -> Result<usize, &'static str> {
        self.trust_the_clock()?;
        let due = |request: &&mut Request| matches!(request.is, Is::Pending { until } if until <= now);
        let due: Vec<_> = self.requests.iter_mut().filter(due).collect();
        let count = due.len();
        due.into_iter().for_each(|request| request.is = Is::Ended(StateName::Expired));
        Ok(count)
    }

    /// A clock that jumped stops issuing.
    pub(super) fn trust_the_clock(&mut self) -> Answer {
        if self.drift.unsigned_abs() <= TOLERANCE {
            return Ok(());
        }
        self.stopped = true;
        Err("CLOCK_FAULT")
    }

    /// The window of an approved request, cut to the longest of today.
    fn window(&self, request: &Request) -> Option<(u64, u64)> {
        let Is::Approved { from, until } = request.is else { return None };
        let since = request.extends.map_or(from, |extends| extends.since);
        Some((from, until.min(since + self.today().longest())))
    }

    /// Whether it was approved, one stage after the other.
    pub(super) fn approved_in_stages(&self, request: usize) -> bool {
        let request = &self.requests[request];
        request.host == STAGED && matches!(request.is, Is::Approved { .. })
    }

    /// Whether a request waits for approval.
    pub(super) fn is_pending(&self, request: usize) -> bool {
        matches!(self.requests[request].is, Is::Pending { .. })
    }

    /// What a request is for.
    pub(super) fn access(&self, request: usize) -> &'static str {
        HOSTS[self.requests[request].host].0
    }

    /// When a certificate ends that is issued now.
    pub(super) fn end_of_certificate(&self, request: usize, now: u64) -> Option<u64> {
        self.window(&self.requests[request]).map(|(_, until)| until.min(now + TTL))
    }

    /// How a request is shown.
    pub(super) fn shown(&self, request: usize, now: u64) -> StateName {
        match self.requests[request].is {
            Is::Pending { until } if now < until => StateName::Pending,
            Is::Approved { until, .. } if now < until => StateName::Approved,
            Is::Pending { .. } | Is::Approved { .. } => StateName::Expired,
            Is::Ended(name) => name,
        }
    }
}
