//! What programs read: one JSON object a line, each with `schema: 1` (docs/json.md).

use std::io;

use domain::{Access, Extends, Networks, PublicKey, Span, UnixTime};
use serde::Serialize;
use statement::{ActStatement, DecisionStatement, Verified};

use crate::checked::{Checked, Review};
use crate::failure::Failure;

/// The version of these objects. Fields are only added under one version.
const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Envelope<'a, T> {
    schema: u32,
    #[serde(flatten)]
    body: &'a T,
}

/// One object on one line.
pub(crate) fn line<T: Serialize>(body: &T) -> Result<String, Failure> {
    let line = serde_json::to_string(&Envelope { schema: SCHEMA, body })
        .map_err(|cause| Failure::Write { what: "the result as JSON".to_owned(), cause: io::Error::other(cause) })?;
    Ok(line + "\n")
}

/// A request.
#[derive(Debug, Serialize)]
pub(crate) struct Request {
    id: String,
    state: &'static str,
    requester: String,
    access: String,
    window: String,
    start: Option<String>,
    reason: String,
    ticket: Option<String>,
    command: Option<String>,
    extends: Option<Extended>,
    uses: Option<u32>,
    used: Option<u32>,
    connecting_key: String,
    rebinds: Vec<Rebound>,
    signed_by: String,
    digest: String,
    submitted: String,
    pending_until: Option<String>,
    not_before: Option<String>,
    not_after: Option<String>,
    ruling: Ruling,
    decisions: Vec<Decision>,
    missing: Option<String>,
    approvers: Vec<String>,
    break_glass: Option<BreakGlass>,
}

/// What is told of break-glass alone.
#[derive(Debug, Serialize)]
struct BreakGlass {
    reviewed_by: String,
    review: &'static str,
    owed_since: Option<String>,
    reviewer: Option<String>,
    reviewed: Option<String>,
    found: Option<String>,
    signed_by: Option<String>,
    certificates: Vec<Used>,
}

/// A certificate that came of it.
#[derive(Debug, Serialize)]
struct Used {
    serial: u64,
    principal: String,
    time: String,
    until: String,
}

#[derive(Debug, Serialize)]
struct Extended {
    id: String,
    since: String,
}

impl From<Extends> for Extended {
    fn from(extends: Extends) -> Self {
        Self { id: extends.id.to_string(), since: extends.since.to_string() }
    }
}

#[derive(Debug, Serialize)]
struct Rebound {
    connecting_key: String,
    time: String,
    signed_by: String,
}

impl From<&(PublicKey, Verified<ActStatement>)> for Rebound {
    fn from((key, act): &(PublicKey, Verified<ActStatement>)) -> Self {
        Self {
            connecting_key: key.to_string(),
            time: act.statement().header.time.to_string(),
            signed_by: act.key().fingerprint().to_string(),
        }
    }
}

#[derive(Debug, Serialize)]
struct Ruling {
    digest: String,
    rule: String,
    quorum: String,
    login: String,
    hosts: Vec<String>,
    live: Option<String>,
    realm: Option<String>,
    realm_hosts: Option<u32>,
    max: String,
    ttl: String,
    extensions: Vec<&'static str>,
    source: Vec<String>,
    verify_required: bool,
    requester_key: Option<String>,
    approver_key: Option<String>,
    rests: bool,
    break_glass: Option<String>,
    jumps: Vec<Behind>,
    allows: String,
}

/// A host and what is in front of it.
#[derive(Debug, Serialize)]
pub(crate) struct Behind {
    pub(crate) host: String,
    pub(crate) through: String,
    egress: Vec<String>,
}

impl From<domain::Behind> for Behind {
    fn from(behind: domain::Behind) -> Self {
        let domain::Behind { host, jump: domain::Jump { through, egress } } = behind;
        let egress = egress.iter().flat_map(Networks::iter).map(ToString::to_string).collect();
        Self { host: host.to_string(), through: through.to_string(), egress }
    }
}

#[derive(Debug, Serialize)]
struct Decision {
    approver: String,
    verdict: String,
    time: String,
    comment: Option<String>,
    signed_by: String,
}

impl From<&Checked> for Request {
    fn from(checked: &Checked) -> Self {
        let (asked, told) = (checked.request.statement(), &checked.told);
        let pending = told.state == wire::State::Pending;
        Self {
            id: told.id.to_string(),
            state: told.state.as_str(),
            requester: asked.requester.to_string(),
            access: Access::to_string(&asked.access),
            window: Span::to_string(&asked.window),
            start: asked.start.as_ref().map(UnixTime::to_string),
            reason: asked.reason.to_string(),
            ticket: asked.ticket.as_ref().map(ToString::to_string),
            command: asked.command.as_ref().map(ToString::to_string),
            extends: asked.extends.map(Extended::from),
            uses: asked.uses.map(Into::into),
            used: asked.uses.map(|_| told.used),
            connecting_key: checked.connecting_key().to_string(),
            rebinds: checked.rebinds.iter().map(Rebound::from).collect(),
            signed_by: checked.request.key().fingerprint().to_string(),
            digest: checked.request.digest().to_string(),
            submitted: told.submitted.to_string(),
            pending_until: pending.then(|| told.pending_until.to_string()),
            not_before: told.window.map(|(start, _)| start.to_string()),
            not_after: told.window.map(|(_, end)| end.to_string()),
            ruling: Ruling::from(checked),
            decisions: checked.decisions.iter().map(Decision::from).collect(),
            missing: told.missing.as_ref().map(ToString::to_string),
            approvers: told.approvers.iter().map(ToString::to_string).collect(),
            break_glass: BreakGlass::of(checked),
        }
    }
}

impl BreakGlass {
    fn of(checked: &Checked) -> Option<Self> {
        let group = checked.ruling.obligations().break_glass.as_ref()?;
        let (review, owed_since, done) = match &checked.review {
            None => ("none", None, None),
            Some(Review::Owed(since)) => ("owed", Some(since), None),
            Some(Review::Done(act)) => ("done", None, Some(act)),
        };
        let said = done.map(|act| act.statement());
        let used = |used: &wire::UsedCertificate| Used {
            serial: used.serial.get(),
            principal: used.principal.clone(),
            time: used.time.to_string(),
            until: used.until.to_string(),
        };
        Some(Self {
            reviewed_by: group.to_string(),
            review,
            owed_since: owed_since.map(UnixTime::to_string),
            reviewer: said.map(|said| said.user.to_string()),
            reviewed: said.map(|said| said.header.time.to_string()),
            found: said.and_then(|said| said.reason.as_ref()).map(ToString::to_string),
            signed_by: done.map(|act| act.key().fingerprint().to_string()),
            certificates: checked.told.certificates.iter().map(used).collect(),
        })
    }
}

impl From<&Checked> for Ruling {
    fn from(checked: &Checked) -> Self {
        let allowed = checked.ruling.obligations();
        Self {
            digest: checked.ruling_digest.to_string(),
            rule: allowed.rule.to_string(),
            quorum: allowed.quorum.to_string(),
            login: allowed.login.to_string(),
            hosts: allowed.hosts.iter().map(ToString::to_string).collect(),
            live: allowed.live.as_ref().map(ToString::to_string),
            realm: allowed.realm.as_ref().map(ToString::to_string),
            realm_hosts: checked.ruling.realm_hosts().map(Into::into),
            max: allowed.max.to_string(),
            ttl: allowed.ttl.to_string(),
            extensions: allowed.allow.iter().map(|extension| extension.as_str()).collect(),
            source: allowed.source.iter().flat_map(Networks::iter).map(ToString::to_string).collect(),
            verify_required: allowed.verify_required,
            requester_key: allowed.requester_key.map(|key| key.to_string()),
            approver_key: allowed.approver_key.map(|key| key.to_string()),
            rests: allowed.rests,
            break_glass: allowed.break_glass.as_ref().map(ToString::to_string),
            jumps: allowed.jumps.iter().map(Behind::from).collect(),
            allows: checked.ruling.in_words().to_string(),
        }
    }
}

impl From<&Verified<DecisionStatement>> for Decision {
    fn from(decision: &Verified<DecisionStatement>) -> Self {
        let said = decision.statement();
        Self {
            approver: said.approver.to_string(),
            verdict: said.verdict.to_string(),
            time: said.header.time.to_string(),
            comment: said.comment.as_ref().map(ToString::to_string),
            signed_by: decision.key().fingerprint().to_string(),
        }
    }
}

/// A failure.
#[derive(Debug, Serialize)]
pub(crate) struct Failed {
    error: Error,
}

#[derive(Debug, Serialize)]
struct Error {
    reason: String,
    message: String,
    exit_code: u8,
}

impl From<&Failure> for Failed {
    fn from(failure: &Failure) -> Self {
        let message = failure.to_string();
        Self { error: Error { reason: failure.reason().to_owned(), message, exit_code: failure.exit().code() } }
    }
}
