//! Acts, and the stop that the server makes by itself.

use domain::{RequestId, UnixTime};
use ledger::Payload;
use rusqlite::params;

use crate::StoreError;
use crate::batch::{Batch, Halt};
use crate::extensions::Ending;
use crate::requests::RequestState;
use crate::statements::Statement;
use crate::writer::Transaction;

/// What an act changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A pending request is cancelled.
    Cancel {
        /// The request.
        id: RequestId,
        /// The version that the act was judged by.
        version: u64,
    },
    /// A grant is given back, and what extends it.
    GiveBack {
        /// The request.
        id: RequestId,
        /// The version that the act was judged by.
        version: u64,
    },
    /// An approval is taken back, unless a certificate came of it or of what extends it. That is stopped.
    Withdraw {
        /// The request.
        id: RequestId,
        /// The version that the act was judged by.
        version: u64,
        /// The entry of the approval.
        decision: u64,
    },
    /// Another connecting key is put in place of that of a request.
    Rebind {
        /// The request.
        id: RequestId,
        /// The version that the act was judged by.
        version: u64,
    },
    /// Issuing goes on.
    Resume {
        /// The epoch is at least this from now on: the gate may have counted a stop that could not be recorded.
        epoch: u64,
    },
}

/// An act.
pub struct ActTx {
    /// Now.
    pub now: UnixTime,
    /// The act statement.
    pub statement: Statement,
    /// What it changes.
    pub change: Change,
}

impl Transaction for ActTx {
    type Output = u64;

    fn run(self, batch: &mut Batch<'_>) -> Result<u64, StoreError> {
        batch.use_up(&self.statement, 1)?;
        let rebound = if let Change::Rebind { id, .. } = self.change { Some(id) } else { None };
        match self.change {
            Change::Rebind { id, version } => batch.next_version(id, version)?,
            Change::Cancel { id, version } => batch.move_request(id, version, RequestState::Cancelled, None)?,
            Change::GiveBack { id, version } => {
                batch.move_request(id, version, RequestState::GivenBack, None)?;
                batch.end_extensions(id, Ending::Given, self.now)?;
            }
            Change::Withdraw { id, version, decision } => {
                batch.withdraw(id, version, decision)?;
                batch.end_extensions(id, Ending::Stopped, self.now)?;
            }
            Change::Resume { epoch } => {
                batch.head.halted = None;
                batch.head.epoch = batch.head.epoch.max(epoch);
            }
        }
        let entry = batch.append(self.now, &Payload::Act { statement: self.statement.into_signed() })?;
        if let Some(id) = rebound {
            let sql = "INSERT INTO rebinds (request, entry) VALUES (?1, ?2)";
            batch.connection.prepare_cached(sql)?.execute(params![id.to_string(), entry])?;
        }
        Ok(entry)
    }
}

impl Batch<'_> {
    /// Takes an approval back: the request waits again. Nothing came of it, so break-glass owes no review until it is granted
    /// once more.
    fn withdraw(&mut self, id: RequestId, version: u64, decision: u64) -> Result<(), StoreError> {
        self.move_request(id, version, RequestState::Pending, None)?;
        if self.uses_of_line(id)? > 0 {
            return Err(StoreError::Used(id));
        }
        let sql = "UPDATE requests SET not_before = NULL, not_after = NULL WHERE id = ?1 AND reviewed_by IS NOT NULL";
        self.connection.prepare_cached(sql)?.execute([id.to_string()])?;
        self.forget_decision(id, decision)
    }

    /// A decision counts no longer. Its entry stays.
    pub(crate) fn forget_decision(&self, id: RequestId, decision: u64) -> Result<(), StoreError> {
        let sql = "DELETE FROM decisions WHERE request = ?1 AND entry = ?2";
        self.connection.prepare_cached(sql)?.execute(params![id.to_string(), decision])?;
        Ok(())
    }
}

/// The server stops issuing by itself. What stands still already keeps its first reason, and nothing is written.
pub struct HaltTx {
    /// Now, as far as the server can tell.
    pub now: UnixTime,
    /// Why, in words.
    pub reason: String,
}

impl Transaction for HaltTx {
    type Output = Halt;

    fn run(self, batch: &mut Batch<'_>) -> Result<Halt, StoreError> {
        if let Some(halt) = &batch.head.halted {
            return Ok(halt.clone());
        }
        batch.append(self.now, &Payload::Halt { reason: self.reason.clone() })?;
        let halt = Halt { reason: self.reason, since: batch.head.time };
        batch.head.epoch += 1;
        batch.head.halted = Some(halt.clone());
        Ok(halt)
    }
}
