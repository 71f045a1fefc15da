//! What a receiver is told, in words and as JSON (docs/json.md).

use ca::{Decided, Notice, Told};
use domain::{Approval, Event, Origin, Random, ReceiverName, RequestId, Span, TimeError, UnixTime, UserName};
use request::StateName;
use serde_json::{Value, json};

/// The version of the JSON. Fields are only added under one version.
const SCHEMA: u32 = 1;
/// How many people who may decide are named: there are groups of thousands.
const NAMED: usize = 100;
/// How many of them are named in words.
const NAMED_IN_WORDS: usize = 8;

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Of(Event),
    /// An operator asks whether the receiver is reached.
    Test,
}

/// One notice as it is told.
#[derive(Debug)]
pub(crate) struct Message {
    id: String,
    kind: Kind,
    told: Told,
}

impl Message {
    pub(crate) fn of(told: Told) -> Self {
        let Notice { request, version, event, .. } = &told.notice;
        Self { id: format!("{request}-{version}-{event}"), kind: Kind::Of(*event), told }
    }

    /// A message about no request, to see whether the receiver gets it.
    pub(crate) fn test(
        receiver: ReceiverName,
        server: Origin,
        to: impl Iterator<Item = UserName>,
        now: UnixTime,
        random: &dyn Random,
    ) -> Result<Self, TestError> {
        let mut bits = [0; 8];
        random.fill(&mut bits);
        let request = RequestId::from_random(0);
        let notice = Notice { receiver, request, version: 1, event: Event::Submit, happened: now, attempts: 0 };
        let told = Told {
            notice,
            server,
            state: StateName::Pending,
            requester: "nobody".parse()?,
            access: "root@test.invalid".parse()?,
            window: Span::from_seconds(600)?,
            start: None,
            reason: "a test of this receiver; there is nothing to decide".parse()?,
            ticket: None,
            command: None,
            submitted: now,
            pending_until: None,
            granted: None,
            rule: "test".parse()?,
            quorum: domain::Quorum::auto(),
            decisions: Vec::new(),
            missing: String::new(),
            approvers: std::collections::BTreeSet::new(),
            to: to.collect(),
        };
        Ok(Self { id: format!("test-{:016x}", u64::from_le_bytes(bits)), kind: Kind::Test, told })
    }

    /// The same for every attempt, so that receivers know a repeat.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The id of the request.
    pub(crate) const fn request(&self) -> RequestId {
        self.told.notice.request
    }

    /// The server's name.
    pub(crate) const fn server(&self) -> &Origin {
        &self.told.server
    }

    /// Whom it concerns, of those who may decide at most a hundred.
    pub(crate) fn to(&self) -> impl Iterator<Item = &UserName> {
        self.told.to.iter().take(NAMED)
    }

    /// The command that shows all of it.
    pub(crate) fn next(&self) -> String {
        format!("hallpass show {}", self.told.notice.request)
    }

    /// One line of names and times alone: nothing in it that a person wrote freely.
    pub(crate) fn headline(&self) -> String {
        let Told { requester, access, window, .. } = &self.told;
        match self.kind {
            Kind::Test => format!("A test of the receiver {}", self.told.notice.receiver),
            Kind::Of(Event::Submit) if self.told.quorum.is_auto() => {
                format!("{requester} took {access} for {window}: the rule {} asks nobody", self.told.rule)
            }
            Kind::Of(Event::Submit) => format!("{requester} asks for {access} for {window}"),
            Kind::Of(Event::Decision) => match self.told.decision() {
                Some(decided) => format!("{} {} {access} for {requester}", decided.approver, verb(decided.verdict)),
                None => format!("{access} for {requester} was decided"),
            },
            Kind::Of(Event::Escalation) => match self.told.pending_until {
                Some(until) => format!("{requester} still waits for {access}, until {until}: others stand in"),
                None => format!("{access} for {requester} is {}", self.told.state),
            },
            Kind::Of(Event::Expiry) => match (self.told.pending_until, self.told.granted) {
                (Some(until), _) => format!("{requester} still waits for {access}, until {until}"),
                (None, Some(window)) => format!("{access} for {requester} ends at {}", window.not_after),
                (None, None) => format!("{access} for {requester} is {}", self.told.state),
            },
        }
    }

    /// Everything else, a line each. No value holds a line break: texts that people sign cannot.
    pub(crate) fn details(&self) -> Vec<(&'static str, String)> {
        let told = &self.told;
        let mut lines = vec![("Request", format!("{} ({})", told.notice.request, told.state))];
        let mut add = |name, value: Option<String>| lines.extend(value.map(|value| (name, value)));
        add("Reason", Some(told.reason.to_string()));
        add("Ticket", told.ticket.as_ref().map(ToString::to_string));
        add("Command", told.command.as_ref().map(ToString::to_string));
        add("Starts", told.start.map(|start| start.to_string()));
        add("Open", told.granted.map(|window| format!("{} to {}", window.not_before, window.not_after)));
        for decided in &told.decisions {
            let comment = decided.comment.as_ref().map_or_else(String::new, |comment| format!(": {comment}"));
            add(decision_label(decided.verdict), Some(format!("{}, {}{comment}", decided.approver, decided.time)));
        }
        add("Missing", Some(told.missing.clone()).filter(|missing| !missing.is_empty()));
        add("May decide", told.pending_until.map(|until| format!("{}; until {until}", self.people())));
        add("Rule", Some(format!("{}: {}", told.rule, told.quorum)));
        lines
    }

    fn people(&self) -> String {
        let approvers = &self.told.approvers;
        let named = approvers.iter().take(NAMED_IN_WORDS).map(UserName::as_str).collect::<Vec<_>>().join(", ");
        match approvers.len().saturating_sub(NAMED_IN_WORDS) {
            0 if approvers.is_empty() => "nobody".to_owned(),
            0 => named,
            more => format!("{named} and {more} more"),
        }
    }

    /// The JSON that is documented in docs/json.md.
    pub(crate) fn json(&self) -> Value {
        let told = &self.told;
        let kind = match self.kind {
            Kind::Of(Event::Submit) => "request.submitted",
            Kind::Of(Event::Decision) => "request.decided",
            Kind::Of(Event::Escalation) => "request.escalated",
            Kind::Of(Event::Expiry) => "request.expiring",
            Kind::Test => "test",
        };
        json!({
            "schema": SCHEMA,
            "id": self.id,
            "type": kind,
            "timestamp": told.notice.happened.to_string(),
            "server": told.server.to_string(),
            "to": self.to().map(UserName::as_str).collect::<Vec<_>>(),
            "decision": told.decision().map(decision),
            "next": self.next(),
            "request": {
                "id": told.notice.request.to_string(),
                "state": told.state.as_str(),
                "requester": told.requester.as_str(),
                "access": told.access.to_string(),
                "window": told.window.to_string(),
                "start": told.start.map(|start| start.to_string()),
                "reason": told.reason.as_str(),
                "ticket": told.ticket.as_ref().map(domain::Text::as_str),
                "command": told.command.as_ref().map(ToString::to_string),
                "submitted": told.submitted.to_string(),
                "pending_until": told.pending_until.map(|until| until.to_string()),
                "not_before": told.granted.map(|window| window.not_before.to_string()),
                "not_after": told.granted.map(|window| window.not_after.to_string()),
                "rule": told.rule.as_str(),
                "quorum": told.quorum.to_string(),
                "decisions": told.decisions.iter().map(decision).collect::<Vec<_>>(),
                "missing": Some(&told.missing).filter(|missing| !missing.is_empty()),
                "approvers": told.approvers.iter().take(NAMED).map(UserName::as_str).collect::<Vec<_>>(),
                "more_approvers": told.approvers.len().saturating_sub(NAMED),
            },
        })
    }
}

fn decision(decided: &Decided) -> Value {
    json!({
        "approver": decided.approver.as_str(),
        "verdict": decided.verdict.to_string(),
        "time": decided.time.to_string(),
        "comment": decided.comment.as_ref().map(domain::Text::as_str),
    })
}

const fn verb(verdict: Approval) -> &'static str {
    match verdict {
        Approval::Approve => "approved",
        Approval::Deny => "denied",
    }
}

const fn decision_label(verdict: Approval) -> &'static str {
    match verdict {
        Approval::Approve => "Approved",
        Approval::Deny => "Denied",
    }
}

/// Never seen: what a test message says is written here.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TestError {
    #[error(transparent)]
    Name(#[from] domain::NameError),
    #[error(transparent)]
    Target(#[from] domain::TargetError),
    #[error(transparent)]
    Span(#[from] domain::SpanError),
    #[error(transparent)]
    Text(#[from] domain::TextError),
    #[error(transparent)]
    Time(#[from] TimeError),
}
