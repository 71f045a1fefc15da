//! Requests and decisions: changed by version, so that of two changes at once one wins and the other is told.

use domain::{Approval, RequestId, UnixTime, UserName};
use ledger::Payload;
use rusqlite::{OptionalExtension as _, params};

use crate::StoreError;
use crate::batch::{Batch, RequestChanged};
use crate::extensions::Extended;
use crate::notices::{Notify, Subject};
use crate::reviews::BreakGlass;
use crate::statements::Statement;
use crate::writer::Transaction;

/// From when until when a grant holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first second.
    pub not_before: UnixTime,
    /// The first second after it.
    pub not_after: UnixTime,
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestState {
    /// Approvals are missing.
    Pending,
    /// The quorum is complete.
    Approved(Window),
    /// An approver said no.
    Denied,
    /// The requester withdrew it while it was pending.
    Cancelled,
    /// The requester gave the grant back.
    GivenBack,
    /// It was pending for too long.
    Expired,
    /// It was ended by an administrator, pending or granted.
    Stopped,
}

impl RequestState {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved(_) => "approved",
            Self::Denied => "denied",
            Self::Cancelled => "cancelled",
            Self::GivenBack => "given-back",
            Self::Expired => "expired",
            Self::Stopped => "stopped",
        }
    }

    pub(crate) fn from_columns(name: &str, window: Option<Window>) -> Option<Self> {
        match name {
            "pending" => Some(Self::Pending),
            "approved" => window.map(Self::Approved),
            "denied" => Some(Self::Denied),
            "cancelled" => Some(Self::Cancelled),
            "given-back" => Some(Self::GivenBack),
            "expired" => Some(Self::Expired),
            "stopped" => Some(Self::Stopped),
            _ => None,
        }
    }

    /// From when until when it holds, where it is approved.
    pub const fn window(self) -> Option<Window> {
        match self {
            Self::Approved(window) => Some(window),
            _ => None,
        }
    }
}

/// A new request.
pub struct SubmitTx {
    /// Now.
    pub now: UnixTime,
    /// The request statement.
    pub statement: Statement,
    /// Its id, drawn at random.
    pub id: RequestId,
    /// Who asks.
    pub requester: UserName,
    /// The person behind the requester.
    pub owner: UserName,
    /// The grant that it extends, if any.
    pub extends: Option<Extended>,
    /// The canonical text of the ruling.
    pub ruling: String,
    /// When it expires if it is still pending.
    pub expires: UnixTime,
    /// [`RequestState::Pending`], or approved at once where the rule says `auto`.
    pub state: RequestState,
    /// How many pending requests the requester may have, this one included.
    pub pending_limit: u32,
    /// What was in force when it was judged.
    pub in_force: u64,
    /// Whether it is break-glass.
    pub break_glass: Option<BreakGlass>,
    /// Whom to tell of it.
    pub notify: Notify,
}

impl Transaction for SubmitTx {
    type Output = u64;

    fn run(self, batch: &mut Batch<'_>) -> Result<u64, StoreError> {
        batch.still_in_force(self.in_force)?;
        batch.use_up(&self.statement, 1)?;
        self.check_quota(batch)?;
        self.extends.map(|extended| batch.still_granted(extended)).transpose()?;
        self.break_glass.iter().try_for_each(|judged| batch.still_owes(&self.owner, judged))?;
        let window = self.state.window();
        let sql = "INSERT OR IGNORE INTO requests \
                   (id, entry, requester, owner, expires, state, version, not_before, not_after, uses, remind, escalate, \
                   extends, reviewed_by) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?8, 0, ?9, ?10, ?11, ?12)";
        let new = batch.connection.prepare_cached(sql)?.execute(params![
            self.id.to_string(),
            batch.head.frontier.size(),
            self.requester.as_str(),
            self.owner.as_str(),
            self.expires.seconds(),
            self.state.name(),
            window.map(|w| w.not_before.seconds()),
            window.map(|w| w.not_after.seconds()),
            self.notify.remind.map(UnixTime::seconds),
            self.notify.escalate.map(UnixTime::seconds),
            self.extends.map(|extended| extended.id.to_string()),
            self.break_glass.as_ref().map(|judged| judged.review.as_str()),
        ])?;
        if new == 0 {
            return Err(StoreError::IdTaken(self.id));
        }
        batch.notify(&self.notify.to, Subject::Request(self.id), 1, self.now)?;
        batch.changed.push(RequestChanged { id: self.id, version: 1 });
        let statement = self.statement.into_signed();
        batch.append(self.now, &Payload::Request { request: self.id, statement, ruling: self.ruling })
    }
}

impl SubmitTx {
    fn check_quota(&self, batch: &Batch<'_>) -> Result<(), StoreError> {
        if self.state != RequestState::Pending {
            return Ok(());
        }
        let sql = "SELECT count(*) FROM requests WHERE requester = ?1 AND state = 'pending'";
        let mut select = batch.connection.prepare_cached(sql)?;
        let pending: u32 = select.query_row([self.requester.as_str()], |row| row.get(0))?;
        if pending < self.pending_limit { Ok(()) } else { Err(StoreError::TooManyPending(pending)) }
    }
}

/// A decision, and where it leaves the request.
pub struct DecideTx {
    /// Now.
    pub now: UnixTime,
    /// The decision statement.
    pub statement: Statement,
    /// The request.
    pub id: RequestId,
    /// The version that the decision was judged by.
    pub version: u64,
    /// Who decided.
    pub approver: UserName,
    /// The person behind the approver.
    pub owner: UserName,
    /// What they said.
    pub verdict: Approval,
    /// The entry of an earlier decision of theirs that does not count any more: this one takes its place.
    pub instead_of: Option<u64>,
    /// Where the request stands with this decision.
    pub state: RequestState,
    /// What was in force when it was judged.
    pub in_force: u64,
    /// Whom to tell of it.
    pub notify: Notify,
}

impl Transaction for DecideTx {
    type Output = u64;

    fn run(self, batch: &mut Batch<'_>) -> Result<u64, StoreError> {
        batch.still_in_force(self.in_force)?;
        batch.use_up(&self.statement, 1)?;
        batch.move_request(self.id, self.version, self.state, self.notify.remind)?;
        batch.notify(&self.notify.to, Subject::Request(self.id), self.version + 1, self.now)?;
        let statement = self.statement.into_signed();
        let entry = batch.append(self.now, &Payload::Decision { request: self.id, statement })?;
        if let Some(earlier) = self.instead_of {
            batch.forget_decision(self.id, earlier)?;
        }
        let sql = "INSERT INTO decisions (request, entry, approver, owner, verdict) VALUES (?1, ?2, ?3, ?4, ?5)";
        batch.connection.prepare_cached(sql)?.execute(params![
            self.id.to_string(),
            entry,
            self.approver.as_str(),
            self.owner.as_str(),
            self.verdict.to_string(),
        ])?;
        Ok(entry)
    }
}

/// A pending request runs out of time.
pub struct ExpireTx {
    /// Now.
    pub now: UnixTime,
    /// The request.
    pub id: RequestId,
    /// The version that was seen to be due.
    pub version: u64,
}

impl Transaction for ExpireTx {
    type Output = u64;

    fn run(self, batch: &mut Batch<'_>) -> Result<u64, StoreError> {
        batch.move_request(self.id, self.version, RequestState::Expired, None)?;
        batch.append(self.now, &Payload::Expired { request: self.id })
    }
}

impl Batch<'_> {
    /// Moves a request on from this version, and no other. A window, once given, stays for the record; so does when to
    /// remind of the end of a wait that goes on.
    pub(crate) fn move_request(
        &mut self,
        id: RequestId,
        version: u64,
        to: RequestState,
        remind: Option<UnixTime>,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE requests SET state = ?3, version = version + 1, \
                   not_before = coalesce(?4, not_before), not_after = coalesce(?5, not_after), \
                   remind = CASE ?3 WHEN 'pending' THEN remind ELSE ?6 END \
                   WHERE id = ?1 AND version = ?2";
        let window = to.window();
        let moved = self.connection.prepare_cached(sql)?.execute(params![
            id.to_string(),
            version,
            to.name(),
            window.map(|w| w.not_before.seconds()),
            window.map(|w| w.not_after.seconds()),
            remind.map(UnixTime::seconds),
        ])?;
        self.changed_to(id, version + 1, moved)
    }

    /// The same state as a next version, so that what was judged by this one is judged anew.
    pub(crate) fn next_version(&mut self, id: RequestId, version: u64) -> Result<(), StoreError> {
        let sql = "UPDATE requests SET version = version + 1 WHERE id = ?1 AND version = ?2";
        let moved = self.connection.prepare_cached(sql)?.execute(params![id.to_string(), version])?;
        self.changed_to(id, version + 1, moved)
    }

    /// Says that a request changed, where the statement that changed it found the version it was for.
    fn changed_to(&mut self, id: RequestId, version: u64, rows: usize) -> Result<(), StoreError> {
        if rows == 0 {
            let mut select = self.connection.prepare_cached("SELECT 1 FROM requests WHERE id = ?1")?;
            let known = select.query_row([id.to_string()], |_| Ok(())).optional()?;
            return Err(known.map_or(StoreError::UnknownRequest(id), |()| StoreError::Conflict(id)));
        }
        self.changed.push(RequestChanged { id, version });
        Ok(())
    }
}
