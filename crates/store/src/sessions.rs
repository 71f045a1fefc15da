//! Logins and the session tokens they gave: tokens are kept as hashes.

use domain::{Digest, UnixTime, UserName};
use ledger::Payload;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::StoreError;
use crate::batch::Batch;
use crate::columns::{Column, Parsed};
use crate::statements::Statement;
use crate::writer::Transaction;

/// A login, and the session it begins.
pub struct LoginTx {
    /// Now.
    pub now: UnixTime,
    /// The login statement.
    pub statement: Statement,
    /// Who logs in.
    pub user: UserName,
    /// SHA-256 of the session token.
    pub token_hash: Digest,
    /// When the session ends by itself.
    pub expires: UnixTime,
}

impl Transaction for LoginTx {
    type Output = u64;

    fn run(self, batch: &mut Batch<'_>) -> Result<u64, StoreError> {
        batch.use_up(&self.statement, 1)?;
        let entry = batch.append(self.now, &Payload::Login { statement: self.statement.into_signed() })?;
        let connection = batch.connection;
        connection.prepare_cached("DELETE FROM sessions WHERE expires <= ?1")?.execute([self.now.seconds()])?;
        connection
            .prepare_cached("INSERT INTO sessions (hash, user, expires) VALUES (?1, ?2, ?3)")?
            .execute(params![self.token_hash.as_bytes(), self.user.as_str(), self.expires.seconds()])?;
        Ok(entry)
    }
}

/// The end of a session, asked for by its own token: the one change without a statement, and without an entry.
pub struct EndSessionTx {
    /// SHA-256 of the session token.
    pub token_hash: Digest,
}

impl Transaction for EndSessionTx {
    type Output = ();

    fn run(self, batch: &mut Batch<'_>) -> Result<(), StoreError> {
        let mut delete = batch.connection.prepare_cached("DELETE FROM sessions WHERE hash = ?1")?;
        delete.execute([self.token_hash.as_bytes()])?;
        Ok(())
    }
}

/// A session that has not been ended. Whether it is over by time is for the caller's clock to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Whose it is.
    pub user: UserName,
    /// When it ends by itself.
    pub expires: UnixTime,
}

pub(crate) fn read(connection: &Connection, token_hash: Digest) -> Result<Option<Session>, StoreError> {
    let mut select = connection.prepare_cached("SELECT user, expires FROM sessions WHERE hash = ?1")?;
    let session = select.query_row([token_hash.as_bytes()], |row| {
        let (Parsed(user), Column(expires)) = (row.get(0)?, row.get(1)?);
        Ok(Session { user, expires })
    });
    Ok(session.optional()?)
}
