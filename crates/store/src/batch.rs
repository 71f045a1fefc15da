//! One transaction of the writer: what it may do to the ledger's head, and how the head is kept.

use domain::{Digest, Random, RequestId, UnixTime};
use ledger::{Envelope, Frontier, Payload};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::StoreError;
use crate::columns::Column;

/// Why and since when issuing stands still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halt {
    /// Why, in words.
    pub reason: String,
    /// Since when.
    pub since: UnixTime,
}

/// A request changed: said after the commit, so that nobody has to poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestChanged {
    /// Which request.
    pub id: RequestId,
    /// Its version now.
    pub version: u64,
}

/// Where the ledger ends, and what is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) frontier: Frontier,
    /// The highest time of an entry.
    pub(crate) time: UnixTime,
    /// Statements of this time and earlier are refused.
    pub(crate) forgotten: UnixTime,
    /// How often issuing was stopped.
    pub(crate) epoch: u64,
    pub(crate) halted: Option<Halt>,
    pub(crate) bundle: Option<Digest>,
    /// The entry that put the bundle in force; 0 without one.
    pub(crate) bundle_entry: u64,
    /// The entry of the last change to what is in force: the bundle, or an amendment of it.
    pub(crate) in_force: u64,
    /// How often the list of revoked certificates changed.
    pub(crate) revocations: u64,
    /// The longest that a certificate was ever valid for, from its entry on, in seconds.
    pub(crate) longest: u64,
}

impl Head {
    /// The head of a ledger without entries.
    pub(crate) fn empty() -> Self {
        Self {
            frontier: Frontier::new(),
            time: UnixTime::EPOCH,
            forgotten: UnixTime::EPOCH,
            epoch: 0,
            halted: None,
            bundle: None,
            bundle_entry: 0,
            in_force: 0,
            revocations: 0,
            longest: 0,
        }
    }

    /// The head as it was committed; `None` in a store without one.
    pub(crate) fn load(connection: &Connection) -> Result<Option<Self>, StoreError> {
        let sql = "SELECT frontier, time, forgotten, epoch, halted, halted_at, bundle, bundle_entry, in_force, \
                   revocations, longest FROM head";
        let row = connection.query_row(sql, [], |row| {
            let frontier: Vec<u8> = row.get(0)?;
            let halted = match (row.get(4)?, row.get(5)?) {
                (Some(reason), Some(Column(since))) => Some(Halt { reason, since }),
                _ => None,
            };
            let Column(time) = row.get(1)?;
            let Column(forgotten) = row.get(2)?;
            let bundle = row.get::<_, Option<Column<Digest>>>(6)?.map(|column| column.0);
            let head = Self {
                frontier: Frontier::new(),
                time,
                forgotten,
                epoch: row.get(3)?,
                halted,
                bundle,
                bundle_entry: row.get(7)?,
                in_force: row.get(8)?,
                revocations: row.get(9)?,
                longest: row.get(10)?,
            };
            Ok((frontier, head))
        });
        match row.optional()? {
            Some((frontier, head)) => Ok(Some(Self { frontier: Frontier::decode(&frontier)?, ..head })),
            None => Ok(None),
        }
    }

    /// Writes the head, with the transaction that moved it.
    pub(crate) fn save(&self, connection: &Connection) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO head \
                   (one, frontier, time, forgotten, epoch, halted, halted_at, bundle, bundle_entry, in_force, \
                   revocations, longest) VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        connection.prepare_cached(sql)?.execute(params![
            self.frontier.encode(),
            self.time.seconds(),
            self.forgotten.seconds(),
            self.epoch,
            self.halted.as_ref().map(|halt| &halt.reason),
            self.halted.as_ref().map(|halt| halt.since.seconds()),
            self.bundle.as_ref().map(Digest::as_bytes),
            self.bundle_entry,
            self.in_force,
            self.revocations,
            self.longest,
        ])?;
        Ok(())
    }
}

/// An open transaction. Commands change the database through `connection` and the head here; the writer commits both, or
/// neither.
pub(crate) struct Batch<'w> {
    pub(crate) connection: &'w Connection,
    pub(crate) random: &'w dyn Random,
    pub(crate) head: Head,
    /// The latest clock reading that came with a command.
    pub(crate) now: Option<UnixTime>,
    pub(crate) changed: Vec<RequestChanged>,
}

impl<'w> Batch<'w> {
    /// A transaction on top of this head.
    pub(crate) const fn new(connection: &'w Connection, random: &'w dyn Random, head: Head) -> Self {
        Self { connection, random, head, now: None, changed: Vec::new() }
    }

    /// Writes the next entry and returns its index. Times in the ledger never go back.
    pub(crate) fn append(&mut self, now: UnixTime, payload: &Payload) -> Result<u64, StoreError> {
        let (index, time) = (self.head.frontier.size(), self.head.time.max(now));
        let mut salt = [0; 32];
        self.random.fill(&mut salt);
        let bytes = payload.encode();
        let content = Envelope::content_of(&salt, &bytes);
        let envelope = Envelope { kind: payload.kind(), index, time, content };
        let sql = "INSERT INTO entries (idx, kind, time, content, salt, payload) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        self.connection.prepare_cached(sql)?.execute(params![
            index,
            envelope.kind.number(),
            time.seconds(),
            content.as_bytes(),
            salt,
            bytes
        ])?;
        self.head.frontier.append(envelope.leaf());
        self.head.time = time;
        self.now = Some(now);
        Ok(index)
    }
}
