//! Stops, and what they did.

use domain::{GroupName, RequestId, Serial, StopTarget, Text, UnixTime, UserName};

use crate::error::{each, parsed, shown, time};
use crate::{Head, WireError, v1};

/// A certificate that was valid when something was amended or stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveCertificate {
    /// Its serial.
    pub serial: Serial,
    /// Its request.
    pub request: RequestId,
    /// What it opens.
    pub principal: String,
    /// Its end.
    pub until: UnixTime,
}

impl TryFrom<v1::LiveCertificate> for LiveCertificate {
    type Error = WireError;

    fn try_from(live: v1::LiveCertificate) -> Result<Self, WireError> {
        Ok(Self {
            serial: Serial::new(live.serial).ok_or(WireError::Missing("serial"))?,
            request: parsed("request", &live.request)?,
            principal: shown("principal", live.principal, 300)?,
            until: time("until", live.until)?,
        })
    }
}

/// What a stop did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopDone {
    /// The ledger's head.
    pub head: Head,
    /// The entry of the act.
    pub entry: u64,
    /// The entry of the stop that it seconds.
    pub seconded: Option<u64>,
    /// When it ends by itself.
    pub until: Option<UnixTime>,
    /// How many sessions ended.
    pub sessions: u32,
    /// The requests that ended.
    pub requests: Vec<RequestId>,
    /// The certificates that are revoked.
    pub revoked: Vec<LiveCertificate>,
    /// For what nobody is left: groups of those who sign bundles or lift stops, or the right `admin`.
    pub locked_out: Vec<String>,
}

impl TryFrom<v1::StopResponse> for StopDone {
    type Error = WireError;

    fn try_from(answer: v1::StopResponse) -> Result<Self, WireError> {
        Ok(Self {
            head: answer.checkpoint.try_into()?,
            entry: answer.entry,
            seconded: (answer.seconded > 0).then_some(answer.seconded),
            until: until(answer.until)?,
            sessions: answer.sessions,
            requests: each("requests", &answer.requests)?,
            revoked: answer.revoked.into_iter().map(LiveCertificate::try_from).collect::<Result<_, _>>()?,
            locked_out: answer
                .locked_out
                .into_iter()
                .map(|one| shown("locked_out", one, 100))
                .collect::<Result<_, _>>()?,
        })
    }
}

/// What lifting led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifted {
    /// The ledger's head.
    pub head: Head,
    /// The groups whose say is missing; the stop is over when there are none.
    pub missing: Vec<GroupName>,
}

impl TryFrom<v1::LiftResponse> for Lifted {
    type Error = WireError;

    fn try_from(answer: v1::LiftResponse) -> Result<Self, WireError> {
        Ok(Self { head: answer.checkpoint.try_into()?, missing: each("missing", &answer.missing)? })
    }
}

/// A stop in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The entry of its act.
    pub entry: u64,
    /// What is stopped.
    pub target: StopTarget,
    /// Who stopped it.
    pub user: UserName,
    /// Why.
    pub reason: Text,
    /// Since when.
    pub since: UnixTime,
    /// When it ends by itself.
    pub until: Option<UnixTime>,
}

impl TryFrom<v1::Standing> for Standing {
    type Error = WireError;

    fn try_from(stop: v1::Standing) -> Result<Self, WireError> {
        Ok(Self {
            entry: stop.entry,
            target: parsed("target", &stop.target)?,
            user: parsed("user", &stop.user)?,
            reason: parsed("reason", &stop.reason)?,
            since: time("since", stop.since)?,
            until: until(stop.until)?,
        })
    }
}

fn until(seconds: u64) -> Result<Option<UnixTime>, WireError> {
    if seconds == 0 { Ok(None) } else { time("until", seconds).map(Some) }
}
