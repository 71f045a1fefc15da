//! What is in force beside the bundle, and what ends with it.

use std::collections::BTreeSet;

use domain::{Amendment, RequestId, UnixTime, UserName};
use ledger::Payload;
use rusqlite::{Connection, params};

use crate::StoreError;
use crate::batch::Batch;
use crate::revoked::Revoked;
use crate::statements::Statement;
use crate::stops::Reach;
use crate::writer::Transaction;

/// An amendment in force, by the entry of its act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amended {
    /// The entry.
    pub entry: u64,
    /// What it says.
    pub amendment: Amendment,
}

/// Whether an amendment stands in the list afterwards, or only ends one that does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// It is in force until a bundle has caught up with it.
    Stands,
    /// It undid others, and nothing is left to say.
    Done,
}

/// An act that amends what is in force.
pub struct AmendTx {
    /// Now.
    pub now: UnixTime,
    /// The act statement.
    pub statement: Statement,
    /// What it says.
    pub amendment: Amendment,
    /// Whether it stays.
    pub lasting: Lasting,
    /// Amendments, by their entries, that it undoes.
    pub undoes: Vec<u64>,
    /// What was in force when this was judged.
    pub in_force: u64,
    /// The users whose sessions and requests end, and whose certificates are revoked.
    pub ends: BTreeSet<UserName>,
}

/// What ended with an amendment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndedWith {
    /// The entry of the act.
    pub entry: u64,
    /// Sessions.
    pub sessions: usize,
    /// Requests that were pending or approved.
    pub requests: Vec<RequestId>,
    /// Certificates that were valid.
    pub revoked: Vec<Revoked>,
}

impl Transaction for AmendTx {
    type Output = EndedWith;

    fn run(self, batch: &mut Batch<'_>) -> Result<EndedWith, StoreError> {
        batch.still_in_force(self.in_force)?;
        batch.use_up(&self.statement, 1)?;
        let mut ended = EndedWith::default();
        for user in &self.ends {
            ended.sessions += batch.end_sessions(user)?;
            ended.requests.extend(batch.stop_requests(user, self.now)?);
        }
        ended.entry = batch.append(self.now, &Payload::Act { statement: self.statement.into_signed() })?;
        batch.drop_amendments(&self.undoes)?;
        if self.lasting == Lasting::Stands {
            batch
                .connection
                .prepare_cached("INSERT INTO amendments (entry, verb, target) VALUES (?1, ?2, ?3)")?
                .execute(params![ended.entry, self.amendment.verb(), self.amendment.target()])?;
        }
        batch.head.in_force = ended.entry;
        if !self.ends.is_empty() {
            ended.revoked = batch.revoke(&Reach::Users(self.ends), self.now)?;
            batch.head.epoch += 1;
        }
        Ok(ended)
    }
}

impl Batch<'_> {
    pub(crate) fn drop_amendments(&mut self, entries: &[u64]) -> Result<(), StoreError> {
        let mut delete = self.connection.prepare_cached("DELETE FROM amendments WHERE entry = ?1")?;
        for entry in entries {
            delete.execute([entry])?;
        }
        Ok(())
    }

    pub(crate) fn end_sessions(&mut self, user: &UserName) -> Result<usize, StoreError> {
        let mut delete = self.connection.prepare_cached("DELETE FROM sessions WHERE user = ?1")?;
        Ok(delete.execute([user.as_str()])?)
    }
}

/// The amendments in force, in the order of their acts.
pub(crate) fn read(connection: &Connection) -> Result<Vec<Amended>, StoreError> {
    let mut select = connection.prepare_cached("SELECT entry, verb, target FROM amendments ORDER BY entry")?;
    let mut rows = select.query([])?;
    let mut amended = Vec::new();
    while let Some(row) = rows.next()? {
        let (verb, target): (String, String) = (row.get(1)?, row.get(2)?);
        let amendment = Amendment::parse(&verb, &target).map_err(StoreError::damaged)?;
        amended.push(Amended { entry: row.get(0)?, amendment });
    }
    Ok(amended)
}
