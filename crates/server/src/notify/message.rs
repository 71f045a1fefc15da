//! What a receiver is told, in words and as JSON (docs/json.md).

mod request;
mod stop;

use ::request::StateName;
use ca::{About, AboutRequest, Notice, Subject, Told};
use domain::{Event, Origin, Random, ReceiverName, RequestId, Span, TimeError, UnixTime, UserName};
use serde_json::{Value, json};

/// The version of the JSON. Fields are only added under one version.
const SCHEMA: u32 = 1;
/// How many people who may decide are named: there are groups of thousands.
const NAMED: usize = 100;

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
        let Notice { subject, version, event, .. } = &told.notice;
        let id = match subject {
            Subject::Request(request) => format!("{request}-{version}-{event}"),
            Subject::Act(entry) => format!("{entry}-{event}"),
        };
        Self { id, kind: Kind::Of(*event), told }
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
        let id = RequestId::from_random(0);
        let subject = Subject::Request(id);
        let notice = Notice { receiver, subject, version: 1, event: Event::Submit, happened: now, attempts: 0 };
        let about = AboutRequest {
            id,
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
            break_glass: None,
            reviewed: None,
            approvers: std::collections::BTreeSet::new(),
        };
        let told = Told { notice, server, to: to.collect(), about: About::Request(Box::new(about)) };
        Ok(Self { id: format!("test-{:016x}", u64::from_le_bytes(bits)), kind: Kind::Test, told })
    }

    /// The same for every attempt, so that receivers know a repeat.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// What it is about: the id of a request, or an act's entry.
    pub(crate) const fn subject(&self) -> Subject {
        self.told.notice.subject
    }

    /// The server's name.
    pub(crate) const fn server(&self) -> &Origin {
        &self.told.server
    }

    /// Whom it concerns, of those who may decide at most a hundred.
    pub(crate) fn to(&self) -> impl Iterator<Item = &UserName> {
        self.told.to.iter().take(NAMED)
    }

    /// The command that shows all of it, or does what is to be done about it.
    pub(crate) fn next(&self) -> String {
        match &self.told.about {
            About::Request(about) if self.kind == Kind::Of(Event::BreakGlass) && about.reviewed.is_none() => {
                format!("hallpass review {}", about.id)
            }
            About::Request(about) => format!("hallpass show {}", about.id),
            About::Stop(_) => "hallpass stop list".to_owned(),
        }
    }

    /// One line of names and times alone: nothing in it that a person wrote freely.
    pub(crate) fn headline(&self) -> String {
        match (self.kind, &self.told.about) {
            (Kind::Test, _) => format!("A test of the receiver {}", self.told.notice.receiver),
            (Kind::Of(event), About::Request(about)) => request::headline(event, about, self.told.decision()),
            (Kind::Of(event), About::Stop(about)) => stop::headline(event, about),
        }
    }

    /// Everything else, a line each. No value holds a line break: texts that people sign cannot.
    pub(crate) fn details(&self) -> Vec<(&'static str, String)> {
        match &self.told.about {
            About::Request(about) => request::details(about),
            About::Stop(about) => stop::details(about),
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
            Kind::Of(Event::BreakGlass) => "request.break-glass",
            Kind::Of(Event::Review) => "request.reviewed",
            Kind::Of(Event::Stop) => "stop.made",
            Kind::Of(Event::Lift) => "stop.lift",
            Kind::Test => "test",
        };
        let (request, stop) = match &told.about {
            About::Request(about) => (Some(request::json(about)), None),
            About::Stop(about) => (None, Some(stop::json(about))),
        };
        json!({
            "schema": SCHEMA,
            "id": self.id,
            "type": kind,
            "timestamp": told.notice.happened.to_string(),
            "server": told.server.to_string(),
            "to": self.to().map(UserName::as_str).collect::<Vec<_>>(),
            "decision": told.decision().map(request::decision),
            "next": self.next(),
            "request": request,
            "stop": stop,
        })
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
