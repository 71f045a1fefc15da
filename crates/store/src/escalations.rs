//! Escalation: others come to stand in for those who are asked, and are told of it once.
//!
//! ```text
//! submit: from when on ──► EscalateTx: a notice for each receiver, and when the next others come ──► ... ──► nobody more
//! ```

use domain::{Event, ReceiverName, RequestId, UnixTime};
use rusqlite::{Connection, params};

use crate::batch::{Batch, RequestChanged};
use crate::columns::{Column, Parsed};
use crate::writer::Transaction;
use crate::{Store, StoreError, Subject};

/// A request for which others come to stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Escalating {
    /// The request.
    pub id: RequestId,
    /// Its version.
    pub version: u64,
    /// From when on they do.
    pub since: UnixTime,
}

/// Others stand in by now.
pub struct EscalateTx {
    /// Now.
    pub now: UnixTime,
    /// The request, as it was seen.
    pub seen: Escalating,
    /// When the next others do.
    pub next: Option<UnixTime>,
    /// The receivers that want to know; nobody where that changes nothing.
    pub to: Vec<(ReceiverName, Event)>,
}

impl Transaction for EscalateTx {
    type Output = ();

    fn run(self, batch: &mut Batch<'_>) -> Result<(), StoreError> {
        let Escalating { id, version, since } = self.seen;
        let sql = "UPDATE requests SET escalate = ?4 WHERE id = ?1 AND version = ?2 AND escalate = ?3";
        let next = self.next.map(UnixTime::seconds);
        let mut update = batch.connection.prepare_cached(sql)?;
        if update.execute(params![id.to_string(), version, since.seconds(), next])? == 0 {
            return Err(StoreError::Conflict(id));
        }
        batch.notify(&self.to, Subject::Request(id), version, self.now)?;
        // Nothing about the request changed; whoever watches it wants to know all the same.
        batch.changed.push(RequestChanged { id, version });
        Ok(())
    }
}

impl Store {
    /// Writes down that others stand in, once.
    ///
    /// # Errors
    /// When the request has another version, or this was written before, or the store fails.
    pub async fn escalate(&self, tx: EscalateTx) -> Result<(), StoreError> {
        self.writer.write(tx).await
    }

    /// Up to `limit` requests for which others stand in by now and were not told yet, the longest due first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn escalating(&self, now: UnixTime, limit: u32) -> Result<Vec<Escalating>, StoreError> {
        self.readers.read(|connection| escalating(connection, now, limit))
    }
}

fn escalating(connection: &Connection, now: UnixTime, limit: u32) -> Result<Vec<Escalating>, StoreError> {
    let sql = "SELECT id, version, escalate FROM requests WHERE escalate <= ?1 ORDER BY escalate LIMIT ?2";
    let mut select = connection.prepare_cached(sql)?;
    let rows = select.query_map(params![now.seconds(), limit], |row| {
        let (Parsed(id), Column(since)) = (row.get(0)?, row.get(2)?);
        Ok(Escalating { id, version: row.get(1)?, since })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
