//! The replay state: which statements were used, and which entries each of them wrote.

use domain::{Digest, UnixTime};
use ledger::SignedText;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::StoreError;
use crate::batch::Batch;
use crate::columns::Column;

/// How long a used statement is remembered: an hour by its own `time:`. Statements are fresh for 60 seconds.
const REMEMBERED_SECONDS: u64 = 3600;
/// How many are dropped in one transaction, about: a busy hour is forgotten as it was learnt, in small steps.
const DROPPED_AT_ONCE: u32 = 512;

/// A statement whose signature was checked, on its way into the ledger.
#[derive(Clone)]
pub struct Statement {
    signed: SignedText,
    digest: Digest,
    time: UnixTime,
}

impl Statement {
    /// A statement from its text, its raw SSHSIG, and the `time:` that the text names: no other time, for a used
    /// statement is found by it.
    pub fn new(text: String, signature: Vec<u8>, time: UnixTime) -> Self {
        let signed = SignedText { text, signature };
        Self { digest: signed.digest(), signed, time }
    }

    /// SHA-256 of the text.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    pub(crate) fn into_signed(self) -> SignedText {
        self.signed
    }
}

impl Batch<'_> {
    /// Remembers a statement and that it writes the next `entries` entries, or refuses it as used.
    pub(crate) fn use_up(&mut self, statement: &Statement, entries: usize) -> Result<(), StoreError> {
        if statement.time <= self.head.forgotten {
            return Err(StoreError::Forgotten(statement.time));
        }
        let mut insert = self
            .connection
            .prepare_cached("INSERT OR IGNORE INTO statements (hash, time, entry, entries) VALUES (?1, ?2, ?3, ?4)")?;
        let new = insert.execute(params![
            statement.digest.as_bytes(),
            statement.time.seconds(),
            self.head.frontier.size(),
            entries
        ])?;
        if new == 1 { Ok(()) } else { Err(StoreError::Replayed) }
    }

    /// Drops the oldest statements once they are an hour old. What was dropped is refused from then on by its time, so
    /// that a clock that jumps ahead and back brings no statement back to life. The clock is asked, not the ledger,
    /// whose time stays ahead after such a jump: it would drop statements that are fresh.
    pub(crate) fn forget(&mut self) -> Result<(), StoreError> {
        let horizon = self.now.and_then(|now| now.seconds().checked_sub(REMEMBERED_SECONDS));
        let Some(horizon) = horizon else { return Ok(()) };
        let oldest = "SELECT max(time) FROM (SELECT time FROM statements WHERE time < ?1 ORDER BY time LIMIT ?2)";
        let until: Option<Column<UnixTime>> =
            self.connection.prepare_cached(oldest)?.query_row(params![horizon, DROPPED_AT_ONCE], |row| row.get(0))?;
        if let Some(Column(until)) = until {
            self.connection.prepare_cached("DELETE FROM statements WHERE time <= ?1")?.execute([until.seconds()])?;
            self.head.forgotten = self.head.forgotten.max(until);
        }
        Ok(())
    }
}

/// The entries that a statement wrote: the first, and how many.
pub(crate) fn entries_of(connection: &Connection, used: &Statement) -> Result<Option<(u64, u64)>, StoreError> {
    let mut select =
        connection.prepare_cached("SELECT entry, entries FROM statements WHERE time = ?1 AND hash = ?2")?;
    let key = params![used.time.seconds(), used.digest.as_bytes()];
    Ok(select.query_row(key, |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}
