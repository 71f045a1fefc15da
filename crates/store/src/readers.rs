//! A small pool of read-only connections: reads see the last commit and wait for nobody.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use crate::{StoreError, connection};

/// How many idle connections are kept.
const KEPT: usize = 8;

pub(crate) struct Readers {
    database: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(crate) const fn of(database: PathBuf) -> Self {
        Self { database, idle: Mutex::new(Vec::new()) }
    }

    /// Reads in one transaction: everything that `read` sees is of the same instant.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let taken = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match taken {
            Some(connection) => connection,
            None => connection::reader(&self.database)?,
        };
        connection.prepare_cached("BEGIN")?.execute([])?;
        let found = read(&connection);
        connection.prepare_cached("COMMIT")?.execute([])?;
        // A connection that failed above is dropped rather than used again.
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.push(connection);
        }
        found
    }
}
