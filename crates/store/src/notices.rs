//! Notices: what receivers outside have still to be told of, written with the change that they are about.
//!
//! ```text
//! submit, decide, remind, review, stop, lift ──► a row for each receiver ──► SettleTx: delivered and gone, or due again later
//! ```
//!
//! A row says which event of which request or act; what is told of it is read from that when it is sent.

use std::fmt;
use std::str::FromStr;

use domain::{Event, ReceiverName, RequestId, UnixTime};
use rusqlite::{Connection, params};

use crate::batch::{Batch, RequestChanged};
use crate::columns::{Column, Parsed};
use crate::reading::Due;
use crate::writer::Transaction;
use crate::{Store, StoreError};

/// What a notice is about. As text a request's id, or `entry 4711`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A request.
    Request(RequestId),
    /// An act, by its entry.
    Act(u64),
}

/// The text is no subject.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a request's id, or `entry` and its number")]
pub struct SubjectError;

impl FromStr for Subject {
    type Err = SubjectError;

    fn from_str(given: &str) -> Result<Self, SubjectError> {
        match given.strip_prefix("entry ") {
            Some(entry) => entry.parse().map(Self::Act).map_err(|_| SubjectError),
            None => given.parse().map(Self::Request).map_err(|_| SubjectError),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(id) => id.fmt(f),
            Self::Act(entry) => write!(f, "entry {entry}"),
        }
    }
}

/// What follows from a change of a request: whom to tell, and when to remind of its end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notify {
    /// The receivers that want it, each by the name of the event that it wants.
    pub to: Vec<(ReceiverName, Event)>,
    /// From when on its end is near. While a request stays pending, what was said when it came stands.
    pub remind: Option<UnixTime>,
    /// Of a new request, from when on others stand in for those who are asked.
    pub escalate: Option<UnixTime>,
}

/// One event that one receiver has still to be told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Whom to tell.
    pub receiver: ReceiverName,
    /// What it is about.
    pub subject: Subject,
    /// The request's version that the event led to; for its coming end, its review, and others who stand in, the one it had;
    /// 0 for an act.
    pub version: u64,
    /// What happened.
    pub event: Event,
    /// When.
    pub happened: UnixTime,
    /// How often it was tried already.
    pub attempts: u32,
}

/// The end of a request's wait or window is near.
pub struct RemindTx {
    /// Now.
    pub now: UnixTime,
    /// The request.
    pub id: RequestId,
    /// The version that was seen to end soon.
    pub version: u64,
    /// The receivers that want to know; nobody when its end has come already.
    pub to: Vec<(ReceiverName, Event)>,
}

impl Transaction for RemindTx {
    type Output = ();

    fn run(self, batch: &mut Batch<'_>) -> Result<(), StoreError> {
        let sql = "UPDATE requests SET remind = NULL WHERE id = ?1 AND version = ?2 AND remind IS NOT NULL";
        let told = batch.connection.prepare_cached(sql)?.execute(params![self.id.to_string(), self.version])?;
        if told == 0 {
            return Err(StoreError::Conflict(self.id));
        }
        batch.notify(&self.to, Subject::Request(self.id), self.version, self.now)?;
        // Nothing about the request changed; whoever watches it wants to know all the same.
        batch.changed.push(RequestChanged { id: self.id, version: self.version });
        Ok(())
    }
}

/// What came of telling a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It is over: the receiver was told, or never will be.
    Over,
    /// It did not work; it is tried again from this time on.
    Again(UnixTime),
}

/// A notice was tried.
pub struct SettleTx {
    /// Which one.
    pub notice: Notice,
    /// What came of it.
    pub settled: Settled,
}

impl Transaction for SettleTx {
    type Output = ();

    fn run(self, batch: &mut Batch<'_>) -> Result<(), StoreError> {
        const THIS: &str = "WHERE receiver = ?1 AND subject = ?2 AND version = ?3 AND event = ?4";
        let Notice { receiver, subject, version, event, .. } = &self.notice;
        let (receiver, subject, event) = (receiver.as_str(), subject.to_string(), event.as_str());
        match self.settled {
            Settled::Over => {
                let mut delete = batch.connection.prepare_cached(&format!("DELETE FROM notices {THIS}"))?;
                delete.execute(params![receiver, subject, version, event])?;
            }
            Settled::Again(due) => {
                let sql = format!("UPDATE notices SET attempts = attempts + 1, due = ?5 {THIS}");
                let mut update = batch.connection.prepare_cached(&sql)?;
                update.execute(params![receiver, subject, version, event, due.seconds()])?;
            }
        }
        Ok(())
    }
}

/// What a receiver will not be told any more, so that one that is gone does not fill the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// Whose.
    pub receiver: ReceiverName,
    /// What happened before this is dropped.
    pub oldest: UnixTime,
    /// What would be tried after this is dropped: a clock that was far ahead wrote it.
    pub latest: UnixTime,
    /// How many may wait; beyond it the oldest are dropped.
    pub most: u32,
}

/// Drops what is out of bounds; how many there were.
pub struct PruneTx(pub Bounds);

impl Transaction for PruneTx {
    type Output = u64;

    fn run(self, batch: &mut Batch<'_>) -> Result<u64, StoreError> {
        let Bounds { receiver, oldest, latest, most } = self.0;
        let sql = "DELETE FROM notices WHERE receiver = ?1 AND (happened < ?2 OR due > ?3)";
        let mut delete = batch.connection.prepare_cached(sql)?;
        let out = delete.execute(params![receiver.as_str(), oldest.seconds(), latest.seconds()])?;
        let sql = "DELETE FROM notices WHERE receiver = ?1 AND (subject, version, event) IN \
                   (SELECT subject, version, event FROM notices WHERE receiver = ?1 \
                    ORDER BY happened DESC LIMIT -1 OFFSET ?2)";
        let over = batch.connection.prepare_cached(sql)?.execute(params![receiver.as_str(), most])?;
        Ok(u64::try_from(out + over).unwrap_or(u64::MAX))
    }
}

/// Drops what waits for receivers that are not among these; how many notices there were.
pub struct KeepReceiversTx(pub Vec<ReceiverName>);

impl Transaction for KeepReceiversTx {
    type Output = u64;

    fn run(self, batch: &mut Batch<'_>) -> Result<u64, StoreError> {
        let mut dropped = 0;
        for gone in receivers(batch.connection)?.iter().filter(|receiver| !self.0.contains(receiver)) {
            let mut delete = batch.connection.prepare_cached("DELETE FROM notices WHERE receiver = ?1")?;
            dropped += delete.execute([gone.as_str()])?;
        }
        Ok(u64::try_from(dropped).unwrap_or(u64::MAX))
    }
}

fn receivers(connection: &Connection) -> Result<Vec<ReceiverName>, StoreError> {
    let mut select = connection.prepare_cached("SELECT DISTINCT receiver FROM notices")?;
    let names = select.query_map([], |row| row.get(0).map(|Parsed(name)| name))?;
    Ok(names.collect::<Result<_, _>>()?)
}

/// The queue of notices.
impl Store {
    /// Writes down that the end of a request is near, once.
    ///
    /// # Errors
    /// When the request has another version, or this was written before, or the store fails.
    pub async fn remind(&self, tx: RemindTx) -> Result<(), StoreError> {
        self.writer.write(tx).await
    }

    /// Writes down what came of telling a receiver.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn settle(&self, tx: SettleTx) -> Result<(), StoreError> {
        self.writer.write(tx).await
    }

    /// Drops what a receiver will not be told any more; how many notices there were.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn prune(&self, tx: PruneTx) -> Result<u64, StoreError> {
        self.writer.write(tx).await
    }

    /// Drops what waits for receivers that are gone; how many notices there were.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn keep_receivers(&self, tx: KeepReceiversTx) -> Result<u64, StoreError> {
        self.writer.write(tx).await
    }

    /// Up to `limit` requests whose end is near and was not told yet, the nearest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn ending(&self, now: UnixTime, limit: u32) -> Result<Vec<Due>, StoreError> {
        self.readers.read(|connection| ending(connection, now, limit))
    }

    /// Up to `limit` notices that a receiver is to be told by now, the longest due first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn notices(&self, receiver: &ReceiverName, now: UnixTime, limit: u32) -> Result<Vec<Notice>, StoreError> {
        self.readers.read(|connection| due(connection, receiver, now, limit))
    }

    /// How much waits for a receiver.
    ///
    /// # Errors
    /// When the store fails.
    pub fn waiting(&self, bounds: &Bounds) -> Result<Waiting, StoreError> {
        self.readers.read(|connection| waiting(connection, bounds))
    }
}

impl Batch<'_> {
    /// Writes down that these receivers are to be told.
    pub(crate) fn notify(
        &self,
        to: &[(ReceiverName, Event)],
        subject: Subject,
        version: u64,
        now: UnixTime,
    ) -> Result<(), StoreError> {
        let sql = "INSERT OR IGNORE INTO notices (receiver, subject, version, event, happened, attempts, due) \
                   VALUES (?1, ?2, ?3, ?4, ?5, 0, ?5)";
        let mut insert = self.connection.prepare_cached(sql)?;
        for (receiver, event) in to {
            insert.execute(params![receiver.as_str(), subject.to_string(), version, event.as_str(), now.seconds()])?;
        }
        Ok(())
    }
}

/// What a receiver is to be told by now, the longest due first.
fn due(connection: &Connection, receiver: &ReceiverName, now: UnixTime, limit: u32) -> Result<Vec<Notice>, StoreError> {
    let sql = "SELECT subject, version, event, happened, attempts FROM notices WHERE receiver = ?1 AND due <= ?2 \
               ORDER BY due LIMIT ?3";
    let mut select = connection.prepare_cached(sql)?;
    let rows = select.query_map(params![receiver.as_str(), now.seconds(), limit], |row| {
        let (Parsed(subject), Parsed(event), Column(happened)) = (row.get(0)?, row.get(2)?, row.get(3)?);
        let receiver = receiver.clone();
        Ok(Notice { receiver, subject, version: row.get(1)?, event, happened, attempts: row.get(4)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// How much waits for a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// How many notices.
    pub all: u32,
    /// How many of them are out of bounds by their times.
    pub stale: u32,
}

/// What waits for a receiver.
fn waiting(connection: &Connection, bounds: &Bounds) -> Result<Waiting, StoreError> {
    let sql = "SELECT count(*), count(*) FILTER (WHERE happened < ?2 OR due > ?3) FROM notices WHERE receiver = ?1";
    let mut select = connection.prepare_cached(sql)?;
    let key = params![bounds.receiver.as_str(), bounds.oldest.seconds(), bounds.latest.seconds()];
    Ok(select.query_row(key, |row| Ok(Waiting { all: row.get(0)?, stale: row.get(1)? }))?)
}

/// Requests whose end is near and was not told; the nearest first.
fn ending(connection: &Connection, now: UnixTime, limit: u32) -> Result<Vec<Due>, StoreError> {
    let sql = "SELECT id, version, requester FROM requests WHERE remind <= ?1 ORDER BY remind LIMIT ?2";
    let mut select = connection.prepare_cached(sql)?;
    let rows = select.query_map(params![now.seconds(), limit], |row| {
        let (Parsed(id), Parsed(requester)) = (row.get(0)?, row.get(2)?);
        Ok(Due { id, version: row.get(1)?, requester })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
