//! What receivers are told.

use std::collections::BTreeSet;

use domain::{
    Access, Approval, Command, Event, GroupName, Origin, Quorum, RequestId, RuleName, Span, StopTarget, Text, UnixTime,
    UserName,
};
use request::StateName;
use store::Notice;

/// What a receiver is told: no signature, no key, nothing that opens anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What happened, to which request or by which act.
    pub notice: Notice,
    /// The server's name.
    pub server: Origin,
    /// Whom this concerns.
    pub to: BTreeSet<UserName>,
    /// What it is about.
    pub about: About,
}

/// What a notice is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// A request.
    Request(Box<AboutRequest>),
    /// A stop, or that one is lifted.
    Stop(Box<AboutStop>),
}

/// A request as receivers are told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AboutRequest {
    /// Its id.
    pub id: RequestId,
    /// Where the request stands now.
    pub state: StateName,
    /// Who asks.
    pub requester: UserName,
    /// The login, and the host or labels.
    pub access: Access,
    /// How long the window is.
    pub window: Span,
    /// The asked start; otherwise the window starts with the last approval.
    pub start: Option<UnixTime>,
    /// Why.
    pub reason: Text,
    /// A ticket elsewhere.
    pub ticket: Option<Text>,
    /// The one command that certificates run.
    pub command: Option<Command>,
    /// When it came.
    pub submitted: UnixTime,
    /// When it dies unanswered, while it waits.
    pub pending_until: Option<UnixTime>,
    /// The window, once approved.
    pub granted: Option<store::Window>,
    /// The rule that was taken.
    pub rule: RuleName,
    /// The approvals that it needs.
    pub quorum: Quorum,
    /// Who decided what, in this order.
    pub decisions: Vec<Decided>,
    /// What is missing of the stage of the quorum that is asked, in words; empty when all is complete or the request is
    /// over.
    pub missing: String,
    /// The group that reviews it, when it is break-glass.
    pub break_glass: Option<GroupName>,
    /// The review, once somebody made it.
    pub reviewed: Option<Reviewed>,
    /// Who may decide now.
    pub approvers: BTreeSet<UserName>,
}

/// A review as receivers are told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reviewed {
    /// Who reviewed it.
    pub reviewer: UserName,
    /// When.
    pub time: UnixTime,
    /// What they found.
    pub found: Option<Text>,
}

/// A stop as receivers are told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AboutStop {
    /// What is stopped.
    pub target: StopTarget,
    /// The entry of the act that stopped it.
    pub stop: u64,
    /// Who stops it, or would lift that.
    pub user: UserName,
    /// Why.
    pub reason: Option<Text>,
    /// Whether it is stopped now.
    pub stands: Stands,
}

/// Whether a stop is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    /// It is done, once and for all.
    ForGood,
    /// Until it is lifted.
    UntilLifted,
    /// Until then, unless somebody seconds it.
    Until(UnixTime),
    /// Not any more.
    Over,
}

/// A decision as receivers are told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// Who decided.
    pub approver: UserName,
    /// What they said.
    pub verdict: Approval,
    /// When.
    pub time: UnixTime,
    /// What they added.
    pub comment: Option<Text>,
}

impl Told {
    /// The decision that this is about, when it is about one.
    pub fn decision(&self) -> Option<&Decided> {
        let About::Request(about) = &self.about else { return None };
        let times: Vec<UnixTime> = about.decisions.iter().map(|decided| decided.time).collect();
        let place = place_of_decision(&self.notice, &times)?;
        about.decisions.get(place).filter(|_| self.notice.event == Event::Decision)
    }
}

/// Which of the decisions, taken at these times, a notice is about. Where some were taken back since, the time
/// tells.
pub(super) fn place_of_decision(notice: &Notice, times: &[UnixTime]) -> Option<usize> {
    let by_version = notice.version.checked_sub(2).and_then(|place| usize::try_from(place).ok());
    let then = |place: &usize| times.get(*place) == Some(&notice.happened);
    let by_time = || (0..times.len()).find(then);
    by_version.filter(then).or_else(by_time).or(by_version)
}
