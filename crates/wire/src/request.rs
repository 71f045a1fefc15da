//! Requests with everything that was signed about them.

use std::fmt;
use std::str::FromStr;

use domain::{Approval, HostName, Pair, Quorum, RequestId, Serial, UnixTime, UserName};

use crate::error::{each, optional, parsed, port, time};
use crate::host::address;
use crate::review::{Review, UsedCertificate};
use crate::v1;
use crate::{SignedText, WireError};

/// The name of a state that is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown state; is the server newer than this client?")]
pub struct UnknownState;

/// Where a request is in its life, by name only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Waits for decisions.
    Pending,
    /// The quorum is complete.
    Approved,
    /// Somebody said no.
    Denied,
    /// The requester took it back before the quorum was complete.
    Cancelled,
    /// The requester gave the grant back.
    GivenBack,
    /// Nobody decided in time, or the window is over.
    Expired,
    /// An administrator ended it.
    Stopped,
}

impl State {
    const ALL: [Self; 7] =
        [Self::Pending, Self::Approved, Self::Denied, Self::Cancelled, Self::GivenBack, Self::Expired, Self::Stopped];

    /// The name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Cancelled => "cancelled",
            Self::GivenBack => "given-back",
            Self::Stopped => "stopped",
            Self::Expired => "expired",
        }
    }
}

impl FromStr for State {
    type Err = UnknownState;

    fn from_str(given: &str) -> Result<Self, UnknownState> {
        Self::ALL.into_iter().find(|state| state.as_str() == given).ok_or(UnknownState)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A request with everything that was signed about it. What matters is in the signed texts, which the reader checks
/// itself; the rest is the server's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The id.
    pub id: RequestId,
    /// Where it is in its life.
    pub state: State,
    /// The request statement.
    pub statement: SignedText,
    /// The ruling's canonical text.
    pub ruling: Vec<u8>,
    /// What approvers said.
    pub decisions: Vec<Decision>,
    /// When it came.
    pub submitted: UnixTime,
    /// When it dies unanswered.
    pub pending_until: UnixTime,
    /// The window, once approved.
    pub window: Option<(UnixTime, UnixTime)>,
    /// The users who may approve now.
    pub approvers: Vec<UserName>,
    /// Where the hosts of the ruling are reached.
    pub endpoints: Vec<Endpoint>,
    /// What is still missing of the quorum.
    pub missing: Option<Quorum>,
    /// How many certificates were given, those for jump hosts aside; counted only where the request limits them.
    pub used: u32,
    /// The acts that put another connecting key in place of the asked one; the last one counts.
    pub rebinds: Vec<SignedText>,
    /// Of break-glass that was granted, where its review stands.
    pub review: Option<Review>,
    /// Of break-glass, the certificates that came of it.
    pub certificates: Vec<UsedCertificate>,
    /// Where the jump hosts in front of the hosts of the ruling are reached.
    pub jump_hosts: Vec<Endpoint>,
}

/// One approver's decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The decision statement.
    pub statement: SignedText,
    /// Who said it.
    pub approver: UserName,
    /// When.
    pub time: UnixTime,
    /// What.
    pub verdict: Approval,
}

/// Where a host is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The canonical name.
    pub host: HostName,
    /// The address.
    pub address: String,
    /// The port.
    pub port: u16,
    /// The jump host.
    pub via: Option<HostName>,
    /// Other names.
    pub aliases: Vec<HostName>,
}

/// One certificate of a fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// The login on the host.
    pub pair: Pair,
    /// The serial.
    pub serial: Serial,
    /// OpenSSH's one-line form; unparsed.
    pub certificate: String,
    /// When it ends.
    pub valid_before: UnixTime,
}

impl Request {
    /// Most bytes of a ruling's text: as many as `statement::RulingText` reads, which names up to 4096 hosts.
    pub const MAX_RULING: usize = 2 * 1024 * 1024;
}

impl TryFrom<Option<v1::Request>> for Request {
    type Error = WireError;

    fn try_from(given: Option<v1::Request>) -> Result<Self, WireError> {
        let given = given.ok_or(WireError::Missing("request"))?;
        if given.ruling.len() > Self::MAX_RULING {
            let bytes = given.ruling.len();
            return Err(WireError::TooLong { field: "ruling", bytes, most: Self::MAX_RULING });
        }
        let window = match (given.not_before, given.not_after) {
            (0, 0) => None,
            (from, until) => Some((time("not_before", from)?, time("not_after", until)?)),
        };
        Ok(Self {
            id: parsed("id", &given.id)?,
            state: parsed("state", &given.state)?,
            statement: given.statement.try_into()?,
            ruling: given.ruling,
            decisions: given.decisions.into_iter().map(Decision::try_from).collect::<Result<_, _>>()?,
            submitted: time("submitted", given.submitted)?,
            pending_until: time("pending_until", given.pending_until)?,
            window,
            approvers: each("approvers", &given.approvers)?,
            endpoints: given.endpoints.into_iter().map(Endpoint::try_from).collect::<Result<_, _>>()?,
            missing: optional("missing", &given.missing)?,
            used: given.used,
            rebinds: given.rebinds.into_iter().map(|act| Some(act).try_into()).collect::<Result<_, _>>()?,
            review: given.review.map(Review::try_from).transpose()?,
            certificates: given.certificates.into_iter().map(UsedCertificate::try_from).collect::<Result<_, _>>()?,
            jump_hosts: given.jump_hosts.into_iter().map(Endpoint::try_from).collect::<Result<_, _>>()?,
        })
    }
}

impl From<Request> for v1::Request {
    fn from(request: Request) -> Self {
        let (not_before, not_after) = request.window.map_or((0, 0), |(from, until)| (from.seconds(), until.seconds()));
        Self {
            id: request.id.to_string(),
            state: request.state.to_string(),
            statement: Some(request.statement.into()),
            ruling: request.ruling,
            decisions: request.decisions.into_iter().map(Into::into).collect(),
            submitted: request.submitted.seconds(),
            pending_until: request.pending_until.seconds(),
            not_before,
            not_after,
            approvers: request.approvers.iter().map(ToString::to_string).collect(),
            endpoints: request.endpoints.into_iter().map(Into::into).collect(),
            missing: request.missing.map(|missing| missing.to_string()).unwrap_or_default(),
            used: request.used,
            rebinds: request.rebinds.into_iter().map(Into::into).collect(),
            review: request.review.map(Into::into),
            certificates: request.certificates.into_iter().map(Into::into).collect(),
            jump_hosts: request.jump_hosts.into_iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<v1::Decision> for Decision {
    type Error = WireError;

    fn try_from(given: v1::Decision) -> Result<Self, WireError> {
        Ok(Self {
            statement: given.statement.try_into()?,
            approver: parsed("approver", &given.approver)?,
            time: time("time", given.time)?,
            verdict: parsed("verdict", &given.verdict)?,
        })
    }
}

impl From<Decision> for v1::Decision {
    fn from(decision: Decision) -> Self {
        Self {
            statement: Some(decision.statement.into()),
            approver: decision.approver.to_string(),
            time: decision.time.seconds(),
            verdict: decision.verdict.to_string(),
        }
    }
}

impl TryFrom<v1::Endpoint> for Endpoint {
    type Error = WireError;

    fn try_from(given: v1::Endpoint) -> Result<Self, WireError> {
        Ok(Self {
            host: parsed("host", &given.host)?,
            address: address(given.address)?,
            port: port("port", given.port)?,
            via: optional("via", &given.via)?,
            aliases: each("aliases", &given.aliases)?,
        })
    }
}

impl From<Endpoint> for v1::Endpoint {
    fn from(endpoint: Endpoint) -> Self {
        Self {
            host: endpoint.host.to_string(),
            address: endpoint.address,
            port: endpoint.port.into(),
            via: endpoint.via.map(|via| via.to_string()).unwrap_or_default(),
            aliases: endpoint.aliases.iter().map(ToString::to_string).collect(),
        }
    }
}

impl TryFrom<v1::Issued> for Issued {
    type Error = WireError;

    fn try_from(given: v1::Issued) -> Result<Self, WireError> {
        const MOST: usize = 32 * 1024;
        if given.certificate.len() > MOST {
            return Err(WireError::TooLong { field: "certificate", bytes: given.certificate.len(), most: MOST });
        }
        let serial = Serial::new(given.serial)
            .ok_or(WireError::Field { field: "serial", why: "no certificate has this serial".to_owned() })?;
        Ok(Self {
            pair: parsed("pair", &given.pair)?,
            serial,
            certificate: given.certificate,
            valid_before: time("valid_before", given.valid_before)?,
        })
    }
}

impl From<Issued> for v1::Issued {
    fn from(issued: Issued) -> Self {
        Self {
            pair: issued.pair.to_string(),
            serial: issued.serial.get(),
            certificate: issued.certificate,
            valid_before: issued.valid_before.seconds(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        let signed = || SignedText::new(b"text".to_vec(), vec![1]).unwrap();
        Request {
            id: "7K3F9-QXMWT".parse().unwrap(),
            state: State::GivenBack,
            statement: signed(),
            ruling: b"ruling".to_vec(),
            decisions: vec![Decision {
                statement: signed(),
                approver: "bob".parse().unwrap(),
                time: UnixTime::new(5).unwrap(),
                verdict: Approval::Approve,
            }],
            submitted: UnixTime::new(4).unwrap(),
            pending_until: UnixTime::new(9).unwrap(),
            window: Some((UnixTime::new(5).unwrap(), UnixTime::new(8).unwrap())),
            approvers: vec!["bob".parse().unwrap()],
            endpoints: vec![Endpoint {
                host: "web-1".parse().unwrap(),
                address: "192.0.2.1".to_owned(),
                port: 2222,
                via: None,
                aliases: vec!["w".parse().unwrap()],
            }],
            missing: Some("1 of sre".parse().unwrap()),
            used: 3,
            rebinds: vec![signed()],
            jump_hosts: vec![Endpoint {
                host: "bastion".parse().unwrap(),
                address: "192.0.2.7".to_owned(),
                port: 22,
                via: Some("outer".parse().unwrap()),
                aliases: Vec::new(),
            }],
            review: Some(Review::Owed(UnixTime::new(5).unwrap())),
            certificates: vec![UsedCertificate {
                serial: Serial::new(7).unwrap(),
                principal: "root@web-1".to_owned(),
                time: UnixTime::new(6).unwrap(),
                until: UnixTime::new(8).unwrap(),
            }],
        }
    }

    #[test]
    fn a_request_comes_back_as_it_was_sent() {
        assert_eq!(Request::try_from(Some(v1::Request::from(request()))), Ok(request()));
        let unapproved = Request { window: None, missing: None, review: None, certificates: vec![], ..request() };
        assert_eq!(Request::try_from(Some(v1::Request::from(unapproved.clone()))), Ok(unapproved));
    }

    #[test]
    fn a_review_comes_back_as_it_was_signed() {
        let (statement, time) = (SignedText::new(b"text".to_vec(), vec![1]).unwrap(), UnixTime::new(9).unwrap());
        let reviewed = Request { review: Some(Review::Done { statement, time }), ..request() };
        assert_eq!(Request::try_from(Some(v1::Request::from(reviewed.clone()))), Ok(reviewed));
    }

    #[test]
    fn a_ruling_of_many_hosts_is_longer_than_a_statement() {
        let large = Request { ruling: vec![b'x'; Request::MAX_RULING], ..request() };
        assert_eq!(Request::try_from(Some(v1::Request::from(large.clone()))), Ok(large));
    }

    #[test]
    fn what_does_not_read_is_refused_by_the_name_of_its_field() {
        let refused = |change: fn(&mut v1::Request)| {
            let mut message = v1::Request::from(request());
            change(&mut message);
            match Request::try_from(Some(message)) {
                Err(WireError::Field { field, .. } | WireError::TooLong { field, .. } | WireError::Missing(field)) => {
                    field
                }
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(refused(|r| r.id = "x".to_owned()), "id");
        assert_eq!(refused(|r| r.state = "lost".to_owned()), "state");
        assert_eq!(refused(|r| r.statement = None), "statement");
        assert_eq!(refused(|r| r.ruling = vec![0; Request::MAX_RULING + 1]), "ruling");
        assert_eq!(refused(|r| r.not_after = u64::MAX), "not_after");
        assert_eq!(refused(|r| r.endpoints[0].port = 70_000), "port");
        assert_eq!(refused(|r| r.endpoints[0].address = "-x".to_owned()), "address");
        assert_eq!(refused(|r| r.rebinds[0].text.clear()), "text");
        assert_eq!(refused(|r| r.decisions[0].verdict = "maybe".to_owned()), "verdict");
    }
}
