//! What is in force beside the bundle, and what ends with it.

use std::collections::BTreeSet;

use cert::ToBeSigned;
use domain::{Amendment, RequestId, Serial, UnixTime, UserName};
use ledger::{EntryKind, Payload};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::StoreError;
use crate::batch::Batch;
use crate::columns::{Column, Parsed};
use crate::entries;
use crate::requests::RequestState;
use crate::statements::Statement;
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
    /// The users whose sessions end, and whose requests do.
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
}

impl Transaction for AmendTx {
    type Output = EndedWith;

    fn run(self, batch: &mut Batch<'_>) -> Result<EndedWith, StoreError> {
        if batch.head.in_force != self.in_force {
            return Err(StoreError::BundleChanged);
        }
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

    fn end_sessions(&mut self, user: &UserName) -> Result<usize, StoreError> {
        let mut delete = self.connection.prepare_cached("DELETE FROM sessions WHERE user = ?1")?;
        Ok(delete.execute([user.as_str()])?)
    }

    /// Stops what the user has asked for and still could use.
    fn stop_requests(&mut self, user: &UserName, now: UnixTime) -> Result<Vec<RequestId>, StoreError> {
        let sql = "SELECT id, version FROM requests WHERE requester = ?1 \
                   AND (state = 'pending' AND expires > ?2 OR state = 'approved' AND not_after > ?2) ORDER BY entry";
        let mut select = self.connection.prepare_cached(sql)?;
        let live = select.query_map(params![user.as_str(), now.seconds()], |row| {
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

/// A certificate that still opens connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveCertificate {
    /// Its serial.
    pub serial: Serial,
    /// The request that it came from.
    pub request: RequestId,
    /// What it opens.
    pub principal: String,
    /// Its end.
    pub until: UnixTime,
}

/// The certificates of these requests that are valid at `now`, among those that were made since `since`.
pub(crate) fn live(
    connection: &Connection,
    of: &BTreeSet<RequestId>,
    since: UnixTime,
    now: UnixTime,
) -> Result<Vec<LiveCertificate>, StoreError> {
    let mut live = Vec::new();
    if of.is_empty() {
        return Ok(live);
    }
    let first = first_since(connection, since)?;
    let mut select =
        connection.prepare_cached("SELECT idx, payload FROM entries WHERE idx >= ?1 AND kind = ?2 ORDER BY idx")?;
    let mut rows = select.query(params![first, EntryKind::Certificate.number()])?;
    while let Some(row) = rows.next()? {
        let Payload::Certificate { request, to_be_signed, .. } = entries::payload(EntryKind::Certificate, row, 1)?
        else {
            continue;
        };
        if !of.contains(&request) {
            continue;
        }
        let to_be_signed = ToBeSigned::from_bytes(to_be_signed)?;
        let (serial, draft) = (to_be_signed.serial(), to_be_signed.draft());
        if draft.valid_before > now {
            let (principal, until) = (draft.principal.to_string(), draft.valid_before);
            live.push(LiveCertificate { serial, request, principal, until });
        }
    }
    Ok(live)
}

/// The index of the first entry of this time or later: times in the ledger never go back.
fn first_since(connection: &Connection, since: UnixTime) -> Result<u64, StoreError> {
    let mut at = connection.prepare_cached("SELECT time FROM entries WHERE idx = ?1")?;
    let end: u64 = connection.query_row("SELECT coalesce(max(idx) + 1, 0) FROM entries", [], |row| row.get(0))?;
    let (mut low, mut high) = (0, end);
    while low < high {
        let middle = low + (high - low) / 2;
        let time: Option<Column<UnixTime>> = at.query_row([middle], |row| row.get(0)).optional()?;
        if time.is_some_and(|Column(time)| time < since) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}
