//! Stops: what ends with one, and what stands until it is lifted.

use std::collections::BTreeSet;

use domain::{
    Event, HostName, PublicKey, RealmName, ReceiverName, RequestId, Serial, StopTarget, Text, UnixTime, UserName,
};
use ledger::{EntryKind, Payload, SignedText};
use rusqlite::{Connection, Params, params};

use crate::batch::Batch;
use crate::columns::{Column, Parsed};
use crate::entries;
use crate::notices::Subject;
use crate::requests::RequestState;
use crate::revoked::Revoked;
use crate::statements::Statement;
use crate::writer::Transaction;
use crate::{Store, StoreError};

/// The certificates, and the requests that end, of which a stop takes hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// One request, and all that extends it.
    Request(RequestId),
    /// One certificate.
    Serial(Serial),
    /// These accounts of one person.
    Users(BTreeSet<UserName>),
    /// A host.
    Host {
        /// Its name.
        name: HostName,
        /// The CA of its realm, each of whose certificates opens it.
        realm: Option<PublicKey>,
        /// The requests that are for no other host.
        requests: Vec<RequestId>,
    },
    /// Everything.
    All,
}

/// Somebody stops something.
pub struct StopTx {
    /// Now.
    pub now: UnixTime,
    /// The act statement.
    pub statement: Statement,
    /// What is stopped.
    pub target: StopTarget,
    /// What ends with it, and is revoked.
    pub reach: Reach,
    /// Of a plain host, its realm.
    pub realm: Option<RealmName>,
    /// Who stops it.
    pub user: UserName,
    /// The person behind.
    pub owner: UserName,
    /// Why.
    pub reason: Text,
    /// When it ends by itself.
    pub until: Option<UnixTime>,
    /// What was in force when this was judged.
    pub in_force: u64,
    /// Whom to tell of it.
    pub notify: Vec<(ReceiverName, Event)>,
}

/// What a stop ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StopDone {
    /// The entry of the act.
    pub entry: u64,
    /// Sessions.
    pub sessions: usize,
    /// Requests that were pending or approved.
    pub requests: Vec<RequestId>,
    /// Certificates that were valid.
    pub revoked: Vec<Revoked>,
}

impl Transaction for StopTx {
    type Output = StopDone;

    fn run(self, batch: &mut Batch<'_>) -> Result<StopDone, StoreError> {
        batch.still_in_force(self.in_force)?;
        batch.use_up(&self.statement, 1)?;
        let (sessions, requests) = batch.end_all(&self.reach, self.now)?;
        let entry = batch.append(self.now, &Payload::Act { statement: self.statement.into_signed() })?;
        if self.target.lasts() {
            // In place of one whose time is over.
            let sql = "INSERT OR REPLACE INTO stops (entry, target, realm, user, owner, reason, since, until) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
            batch.connection.prepare_cached(sql)?.execute(params![
                entry,
                self.target.to_string(),
                self.realm.as_ref().map(RealmName::as_str),
                self.user.as_str(),
                self.owner.as_str(),
                self.reason.as_str(),
                self.now.seconds(),
                self.until.map(UnixTime::seconds),
            ])?;
        }
        batch.notify(&self.notify, Subject::Act(entry), 0, self.now)?;
        let revoked = batch.revoke(&self.reach, self.now)?;
        batch.head.epoch += 1;
        batch.head.in_force = entry;
        Ok(StopDone { entry, sessions, requests, revoked })
    }
}

/// Somebody else stands by a stop: it ends no more by itself.
pub struct SecondTx {
    /// Now.
    pub now: UnixTime,
    /// The act statement.
    pub statement: Statement,
    /// The entry of the stop.
    pub stop: u64,
    /// What was in force when this was judged.
    pub in_force: u64,
    /// Whom to tell of it.
    pub notify: Vec<(ReceiverName, Event)>,
}

impl Transaction for SecondTx {
    type Output = u64;

    fn run(self, batch: &mut Batch<'_>) -> Result<u64, StoreError> {
        batch.still_in_force(self.in_force)?;
        batch.use_up(&self.statement, 1)?;
        let entry = batch.append(self.now, &Payload::Act { statement: self.statement.into_signed() })?;
        batch.notify(&self.notify, Subject::Act(entry), 0, self.now)?;
        batch.connection.prepare_cached("UPDATE stops SET until = NULL WHERE entry = ?1")?.execute([self.stop])?;
        batch.head.in_force = entry;
        Ok(entry)
    }
}

/// Whether a stop ends with this act, or waits for others to say so too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifting {
    /// It ends.
    Ends,
    /// Others must say so too.
    Waits,
}

/// Somebody says that a stop may end.
pub struct LiftTx {
    /// Now.
    pub now: UnixTime,
    /// The act statement.
    pub statement: Statement,
    /// The entry of the stop.
    pub stop: u64,
    /// Whether that is enough.
    pub lifting: Lifting,
    /// What was in force when this was judged.
    pub in_force: u64,
    /// Whom to tell of it.
    pub notify: Vec<(ReceiverName, Event)>,
}

impl Transaction for LiftTx {
    type Output = u64;

    fn run(self, batch: &mut Batch<'_>) -> Result<u64, StoreError> {
        batch.still_in_force(self.in_force)?;
        batch.use_up(&self.statement, 1)?;
        let entry = batch.append(self.now, &Payload::Act { statement: self.statement.into_signed() })?;
        batch.notify(&self.notify, Subject::Act(entry), 0, self.now)?;
        let connection = batch.connection;
        match self.lifting {
            Lifting::Waits => {
                let mut insert = connection.prepare_cached("INSERT INTO lifts (stop, entry) VALUES (?1, ?2)")?;
                insert.execute([self.stop, entry])?;
            }
            Lifting::Ends => {
                connection.prepare_cached("DELETE FROM stops WHERE entry = ?1")?.execute([self.stop])?;
                connection.prepare_cached("DELETE FROM lifts WHERE stop = ?1")?.execute([self.stop])?;
            }
        }
        batch.head.in_force = entry;
        Ok(entry)
    }
}

impl Store {
    /// Stops something: its requests end, its valid certificates are revoked, and the epoch is raised.
    ///
    /// # Errors
    /// When the act was used before, something else is in force by now, or the store fails.
    pub async fn stop(&self, tx: StopTx) -> Result<StopDone, StoreError> {
        self.writer.write(tx).await
    }

    /// Keeps a stop that would have ended by itself.
    ///
    /// # Errors
    /// As [`Self::stop`].
    pub async fn second(&self, tx: SecondTx) -> Result<u64, StoreError> {
        self.writer.write(tx).await
    }

    /// Lifts a stop, or notes that somebody would.
    ///
    /// # Errors
    /// As [`Self::stop`].
    pub async fn lift(&self, tx: LiftTx) -> Result<u64, StoreError> {
        self.writer.write(tx).await
    }

    /// The stops that were not lifted, in the order of their acts. One whose time is over is among them.
    ///
    /// # Errors
    /// When the store fails.
    pub fn stops(&self) -> Result<Vec<Standing>, StoreError> {
        self.readers.read(standing)
    }

    /// What was signed so far to lift the stop of this entry.
    ///
    /// # Errors
    /// When the store fails.
    pub fn lifts(&self, stop: u64) -> Result<Vec<SignedText>, StoreError> {
        self.readers.read(|connection| lifts(connection, stop))
    }
}

/// The requests that can still be decided or used.
pub(crate) const LIVE: &str = "(state = 'pending' AND expires > ?1 OR state = 'approved' AND not_after > ?1)";

impl Batch<'_> {
    pub(crate) const fn still_in_force(&self, judged: u64) -> Result<(), StoreError> {
        if self.head.in_force == judged { Ok(()) } else { Err(StoreError::BundleChanged) }
    }

    /// Ends what a stop takes hold of: how many sessions, and which requests.
    fn end_all(&mut self, reach: &Reach, now: UnixTime) -> Result<(usize, Vec<RequestId>), StoreError> {
        let mut sessions = 0;
        let mut requests = Vec::new();
        match reach {
            Reach::Serial(_) => {}
            Reach::Request(id) => {
                let line = self.line(*id)?;
                requests = self.stop_these(line.iter(), now)?;
            }
            Reach::Host { requests: of, .. } => requests = self.stop_these(of.iter(), now)?,
            Reach::All => {
                let sql = format!("SELECT id, version FROM requests WHERE {LIVE} ORDER BY entry");
                requests = self.stop_selected(&sql, [now.seconds()])?;
            }
            Reach::Users(users) => {
                for user in users {
                    sessions += self.end_sessions(user)?;
                    requests.extend(self.stop_requests(user, now)?);
                }
            }
        }
        Ok((sessions, requests))
    }

    /// Stops what the user has asked for and still could use.
    pub(crate) fn stop_requests(&mut self, user: &UserName, now: UnixTime) -> Result<Vec<RequestId>, StoreError> {
        let sql = format!("SELECT id, version FROM requests WHERE {LIVE} AND requester = ?2 ORDER BY entry");
        self.stop_selected(&sql, params![now.seconds(), user.as_str()])
    }

    fn stop_these<'a>(
        &mut self,
        ids: impl Iterator<Item = &'a RequestId>,
        now: UnixTime,
    ) -> Result<Vec<RequestId>, StoreError> {
        let sql = format!("SELECT id, version FROM requests WHERE {LIVE} AND id = ?2");
        let mut stopped = Vec::new();
        for id in ids {
            stopped.extend(self.stop_selected(&sql, params![now.seconds(), id.to_string()])?);
        }
        Ok(stopped)
    }

    fn stop_selected(&mut self, sql: &str, of: impl Params) -> Result<Vec<RequestId>, StoreError> {
        let mut select = self.connection.prepare_cached(sql)?;
        let live = select.query_map(of, |row| {
            let Parsed(id) = row.get(0)?;
            Ok((id, row.get(1)?))
        })?;
        let live: Vec<(RequestId, u64)> = live.collect::<Result<_, _>>()?;
        for (id, version) in &live {
            self.move_request(*id, *version, RequestState::Stopped, None)?;
        }
        Ok(live.into_iter().map(|(id, _)| id).collect())
    }
}

/// A stop that was not lifted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The entry of its act.
    pub entry: u64,
    /// What is stopped.
    pub target: StopTarget,
    /// Of a plain host, its realm when it was stopped.
    pub realm: Option<RealmName>,
    /// Who stopped it.
    pub user: UserName,
    /// The person behind.
    pub owner: UserName,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: UnixTime,
    /// When it ends by itself; `None` while only lifting ends it.
    pub until: Option<UnixTime>,
}

/// The stops that were not lifted, in the order of their acts.
pub(crate) fn standing(connection: &Connection) -> Result<Vec<Standing>, StoreError> {
    let sql = "SELECT entry, target, user, owner, reason, since, until, realm FROM stops ORDER BY entry";
    let mut select = connection.prepare_cached(sql)?;
    let rows = select.query_map([], |row| {
        let (Parsed(target), Parsed(user), Parsed(owner)) = (row.get(1)?, row.get(2)?, row.get(3)?);
        let Column(since) = row.get(5)?;
        let until = row.get::<_, Option<Column<UnixTime>>>(6)?.map(|column| column.0);
        let realm = row.get::<_, Option<Parsed<RealmName>>>(7)?.map(|column| column.0);
        Ok(Standing { entry: row.get(0)?, target, realm, user, owner, reason: row.get(4)?, since, until })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What was signed so far to lift a stop.
pub(crate) fn lifts(connection: &Connection, stop: u64) -> Result<Vec<SignedText>, StoreError> {
    let sql = "SELECT payload FROM lifts JOIN entries ON idx = lifts.entry WHERE stop = ?1 ORDER BY lifts.entry";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query([stop])?;
    let mut signed = Vec::new();
    while let Some(row) = rows.next()? {
        if let Payload::Act { statement } = entries::payload(EntryKind::Act, row, 0)? {
            signed.push(statement);
        }
    }
    Ok(signed)
}
