//! The model: what the use cases should answer, and where each request then stands.

use domain::Approval;
use request::StateName;

use crate::tests::harness::*;

/// How long a request waits.
const PATIENCE: u64 = 3600;
/// What alice asks for.
const WINDOW: u64 = 1800;
/// How long a certificate opens connections.
const TTL: u64 = 300;
/// How many requests of one user may wait.
const MOST_PENDING: usize = 5;
/// By how much a statement's time may be off.
const FRESH: u64 = 60;
/// By how much the wall clock may part from boot time.
const TOLERANCE: u64 = 5;

/// What alice asks for, and how many people it takes: of `sre`, but for the one in stages.
pub(super) const HOSTS: [(&str, usize); 4] =
    [("root@web-1", 1), ("root@two-1", 2), ("root@staged-1", 2), ("root@dev-1", 0)];
/// The one that takes one who leads, or is on duty after a while, and then one of `sre`.
pub(super) const STAGED: usize = 2;
/// The one for which nobody needs to be asked.
pub(super) const AUTO: usize = 3;
/// How long until those on duty stand in.
const WAIT: u64 = 900;

/// What is sent to the server.
#[derive(Debug, Clone, Copy)]
pub(super) enum Message {
    /// Alice asks for a host.
    Submit { host: usize },
    /// Somebody decides.
    Decide { request: usize, by: u8, verdict: Approval },
    /// Somebody ends a request.
    End { request: usize, by: u8, ending: Ending },
    /// A key fetches.
    Fetch { request: usize, by: u8 },
    /// Somebody resumes issuing.
    Resume { by: u8 },
}

/// How a request, or an approval of it, is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Cancel,
    GiveBack,
    /// An approver takes an approval back.
    Withdraw,
}

/// What is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rules {
    /// What every world begins with.
    AsTheyWere,
    /// Bob is in no group any more.
    BobLeft,
    BobDisabled,
    AliceDisabled,
    /// Each rule asks one more of `sre`, and gives ten minutes at most.
    Tightened,
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
}

#[derive(Debug, Clone)]
pub(super) struct Request {
    host: usize,
    needs: usize,
    asked: u64,
    /// Who, and when they signed.
    approved_by: Vec<(u8, u64)>,
    /// When it dies unanswered.
    expires: u64,
    /// Whether certificates came of it.
    used: bool,
    is: Is,
}

#[derive(Debug, Clone, Copy)]
enum Is {
    Pending { until: u64 },
    Approved { from: u64, until: u64 },
    Ended(StateName),
}

impl Model {
    pub(super) const fn new() -> Self {
        Self { rules: Rules::AsTheyWere, drift: 0, stopped: false, requests: Vec::new() }
    }

    /// What a message is answered, and what it changes.
    pub(super) fn take(&mut self, message: Message, now: u64) -> Answer {
        self.take_signed(message, now, now)
    }

    fn take_signed(&mut self, message: Message, signed: u64, now: u64) -> Answer {
        match message {
            Message::Submit { host } => self.submit(host, now),
            Message::Decide { request, by, verdict } => self.decide(request, (by, signed), verdict, now),
            Message::End { request, by, ending } => self.end(request, by, ending, now),
            Message::Fetch { request, by } => self.fetch(request, by, now),
            Message::Resume { by } => self.resume(by),
        }
    }

    /// What a message is answered that was taken before, at `then`: it changes nothing.
    pub(super) fn take_again(&mut self, message: Message, then: u64, now: u64) -> Answer {
        let is_fetch = matches!(message, Message::Fetch { .. });
        let answer = if is_fetch { self.take(message, now) } else { self.clone().take_signed(message, then, now) };
        match answer {
            Err("CLOCK_FAULT" | "ISSUING_STOPPED") => answer,
            _ if now.abs_diff(then) > FRESH => Err("STATEMENT_STALE"),
            Ok(()) | Err("TOO_MANY_PENDING") if !is_fetch => Err("REPLAYED"),
            _ => answer,
        }
    }

    fn submit(&mut self, host: usize, now: u64) -> Answer {
        if self.rules.disabled(ALICE) {
            return Err("USER_DISABLED");
        }
        let needs = self.rules.needs(host);
        let there = [BOB, CAROL].into_iter().filter(|user| self.rules.in_sre(*user)).count();
        // In stages there is always somebody: dave, and carol.
        if WINDOW > self.rules.longest() || host != STAGED && there < needs {
            return Err("POLICY_REFUSED");
        }
        let waiting = self.requests.iter().filter(|request| matches!(request.is, Is::Pending { .. })).count();
        if needs > 0 && waiting >= MOST_PENDING {
            return Err("TOO_MANY_PENDING");
        }
        let auto = Is::Approved { from: now, until: now + WINDOW };
        let is = if needs == 0 { auto } else { Is::Pending { until: now + PATIENCE } };
        self.requests.push(Request {
            host,
            needs,
            asked: now,
            approved_by: Vec::new(),
            expires: now + PATIENCE,
            used: false,
            is,
        });
        Ok(())
    }

    fn decide(&mut self, request: usize, (by, signed): (u8, u64), verdict: Approval, now: u64) -> Answer {
        let (rules, request) = (self.rules, &mut self.requests[request]);
        if rules.disabled(by) {
            return Err("USER_DISABLED");
        }
        // Nobody is asked where the quorum is `auto`.
        if !rules.may_decide(request.host, by) || request.needs == 0 {
            return Err("DECISION_REFUSED");
        }
        if !matches!(request.is, Is::Pending { until } if now < until) {
            return Err("WRONG_STATE");
        }
        let (counted, fills) = (request.counted(rules), request.fills(rules, (by, signed)));
        let approves = verdict == Approval::Approve;
        let decided = request.approved_by.iter().any(|(user, _)| *user == by);
        // An approval that does not count any more, as one before it was taken back, can be given again.
        if decided && (counted.contains(&by) || !approves || fills != Fills::Counts) {
            return Err("DECIDED_BEFORE");
        }
        if !approves {
            request.is = Is::Ended(StateName::Denied);
            return Ok(());
        }
        if fills == Fills::TooEarly {
            return Err("DECISION_REFUSED");
        }
        request.approved_by.retain(|(user, _)| *user != by);
        request.approved_by.push((by, signed));
        if request.counted(rules).len() >= request.needs {
            request.is = Is::Approved { from: now, until: now + WINDOW };
        }
        Ok(())
    }

    fn end(&mut self, request: usize, by: u8, ending: Ending, now: u64) -> Answer {
        if self.rules.disabled(by) {
            return Err("USER_DISABLED");
        }
        if ending == Ending::Withdraw {
            return self.withdraw(request, by, now);
        }
        if by != ALICE {
            return Err("NOT_YOURS");
        }
        let request = &mut self.requests[request];
        let ended = match (ending, request.is) {
            (Ending::Cancel, Is::Pending { until }) if now < until => StateName::Cancelled,
            (Ending::GiveBack, Is::Approved { until, .. }) if now < until => StateName::GivenBack,
            _ => return Err("WRONG_STATE"),
        };
        request.is = Is::Ended(ended);
        Ok(())
    }

    fn withdraw(&mut self, request: usize, by: u8, now: u64) -> Answer {
        let request = &mut self.requests[request];
        if !request.approved_by.iter().any(|(user, _)| *user == by) {
            return Err("NO_APPROVAL");
        }
        match request.is {
            Is::Pending { until } | Is::Approved { until, .. } if now < until => {}
            _ => return Err("WRONG_STATE"),
        }
        if request.used {
            return Err("APPROVAL_USED");
        }
        request.approved_by.retain(|(user, _)| *user != by);
        request.is = Is::Pending { until: request.expires };
        Ok(())
    }

    /// A certificate comes from an approved request inside its window, and from nothing else.
    fn fetch(&mut self, request: usize, by: u8, now: u64) -> Answer {
        self.trust_the_clock()?;
        if self.stopped {
            return Err("ISSUING_STOPPED");
        }
        if by != LAPTOP {
            return Err("NOT_GRANTED");
        }
        if self.rules.disabled(ALICE) {
            return Err("POLICY_REFUSED");
        }
        let asked = &self.requests[request];
        let enough = asked.counted(self.rules).len() >= asked.needs.max(self.rules.needs(asked.host));
        let open = self.window(asked).is_some_and(|(from, until)| from <= now && now < until);
        if !enough || !open {
            return Err("NOT_GRANTED");
        }
        self.requests[request].used = true;
        Ok(())
    }

    fn resume(&mut self, by: u8) -> Answer {
        if self.rules.disabled(by) {
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
        Some((from, until.min(from + self.rules.longest())))
    }

    /// Whether it was approved, one stage after the other.
    pub(super) fn approved_in_stages(&self, request: usize) -> bool {
        let request = &self.requests[request];
        request.host == STAGED && matches!(request.is, Is::Approved { .. })
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

/// What comes of an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fills {
    Counts,
    Nothing,
    TooEarly,
}

impl Request {
    /// Whose approvals count today.
    fn counted(&self, rules: Rules) -> Vec<u8> {
        let mut counted: Vec<(u8, u64)> = Vec::new();
        for approval in &self.approved_by {
            if self.next(rules, &counted, *approval) == Fills::Counts {
                counted.push(*approval);
            }
        }
        counted.into_iter().map(|(user, _)| user).collect()
    }

    /// What would come of one more.
    fn fills(&self, rules: Rules, approval: (u8, u64)) -> Fills {
        let mut counted: Vec<(u8, u64)> = self.approved_by.clone();
        let who = self.counted(rules);
        counted.retain(|(user, _)| who.contains(user));
        self.next(rules, &counted, approval)
    }

    /// What comes of an approval after those that count.
    fn next(&self, rules: Rules, counted: &[(u8, u64)], (user, signed): (u8, u64)) -> Fills {
        if self.host != STAGED {
            return if rules.in_sre(user) { Fills::Counts } else { Fills::Nothing };
        }
        if counted.iter().any(|(other, _)| *other == user) {
            return Fills::Nothing;
        }
        let leads = [BOB, DAVE].contains(&user) || user == CAROL && signed.saturating_sub(self.asked) >= WAIT;
        match counted {
            _ if !rules.may_decide(STAGED, user) => Fills::Nothing,
            [] if leads => Fills::Counts,
            [] => Fills::TooEarly,
            [(_, before)] if signed + FRESH < *before => Fills::TooEarly,
            [_] if rules.in_sre(user) => Fills::Counts,
            _ => Fills::Nothing,
        }
    }
}

impl Rules {
    pub(super) const ALL: [Self; 5] =
        [Self::AsTheyWere, Self::BobLeft, Self::BobDisabled, Self::AliceDisabled, Self::Tightened];

    /// A person's disabling disables every account of theirs.
    fn disabled(self, user: u8) -> bool {
        match self {
            Self::BobDisabled => [BOB, BACKUP].contains(&user),
            Self::AliceDisabled => [ALICE, ALICE_ADMIN].contains(&user),
            _ => false,
        }
    }

    /// Neither alice, by whatever account, nor a service, nor who is not asked.
    fn in_sre(self, user: u8) -> bool {
        user == CAROL || user == BOB && !matches!(self, Self::BobLeft | Self::BobDisabled)
    }

    /// Whether they are asked in some stage, or stand in at some time.
    fn may_decide(self, host: usize, user: u8) -> bool {
        let leads = user == DAVE || user == BOB && self != Self::BobDisabled;
        self.in_sre(user) || host == STAGED && leads
    }

    fn needs(self, host: usize) -> usize {
        HOSTS[host].1 + usize::from(self == Self::Tightened && host != STAGED)
    }

    const fn longest(self) -> u64 {
        if matches!(self, Self::Tightened) { 600 } else { 3600 }
    }

    /// The files that say so.
    pub(super) fn setup(self) -> Setup {
        let Setup { mut directory, mut access, .. } = Setup::default();
        let edits: &[(&str, &str)] = match self {
            Self::AsTheyWere => &[],
            Self::BobLeft => &[("members = [\"bob\", ", "members = [")],
            Self::BobDisabled => &[("name = \"bob\"\n", "name = \"bob\"\ndisabled = true\n")],
            Self::AliceDisabled => &[("name = \"alice\"\n", "name = \"alice\"\ndisabled = true\n")],
            Self::Tightened => &[
                ("\"2 of sre\"", "\"3 of sre\""),
                ("\"1 of sre\"", "\"2 of sre\""),
                ("\"auto\"", "\"1 of sre\""),
                ("\"1h\"", "\"10m\""),
            ],
        };
        for (from, to) in edits {
            assert!(directory.contains(from) || access.contains(from), "{from}");
            (directory, access) = (directory.replace(from, to), access.replace(from, to));
        }
        Setup { directory, access, ..Setup::default() }
    }
}
