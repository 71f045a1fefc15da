//! What can go wrong, by name: refusals of one command, failures of the store, and why a store does not open.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use domain::{RequestId, UnixTime};
use rusqlite::{ErrorCode, ffi};

/// Why a command was not carried out. Nothing of it was written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// More commands wait than the queue holds.
    #[error("the server is writing as fast as its disk allows; try again in a second")]
    Busy,
    /// The writer has ended.
    #[error("the store is closed; the server is stopping")]
    Closed,
    /// The statement was used before.
    #[error("this statement was used before; sign a new one")]
    Replayed,
    /// The statement is so old that its hash may have been dropped.
    #[error("this statement of {0} is too old to tell whether it was used before; sign a new one")]
    Forgotten(UnixTime),
    /// Somebody else was first.
    #[error("request {0} was changed by somebody else in the meantime; look at it again with `hallpass show {0}`")]
    Conflict(RequestId),
    /// No such request.
    #[error("there is no request {0}; `hallpass status` lists yours")]
    UnknownRequest(RequestId),
    /// The random id is in use: draw another.
    #[error("the request id {0} is in use; submit again")]
    IdTaken(RequestId),
    /// The quota of one requester.
    #[error("{0} of your requests are pending, which is the most; cancel one with `hallpass done ID` or wait")]
    TooManyPending(u32),
    /// Certificates come from approved requests only.
    #[error("request {0} is not approved, so it gives no certificates")]
    NotApproved(RequestId),
    /// More certificates than are left.
    #[error("request {id} has {left} certificates left, and this fetch is for {wanted}; make a new request for more")]
    UsedUp {
        /// The request.
        id: RequestId,
        /// How many certificates are asked for.
        wanted: u32,
        /// How many there may still be.
        left: u32,
    },
    /// A certificate came of it.
    #[error(
        "certificates were taken under request {0} already; end it, and revoke them: hallpass stop request {0} -m REASON"
    )]
    Used(RequestId),
    /// The grant was made under another bundle.
    #[error("policy, users or hosts were changed in the meantime; try again")]
    BundleChanged,
    /// The grant was made before a stop.
    #[error("issuing was stopped in the meantime; fetch again")]
    EpochChanged,
    /// Another break-glass of the same person came first, or a review.
    #[error("whether a review is owed changed in the meantime; try again")]
    OwesChanged,
    /// There is nothing to review.
    #[error("no review of request {0} is owed; see those that are with: hallpass inbox")]
    NothingOwed(RequestId),
    /// Issuing stands still.
    #[error("the server has stopped issuing: {0}. An administrator ends this with `hallpass admin resume`")]
    Halted(String),
    /// A fetch of nothing.
    #[error("the fetch names no login on a host, so there is nothing to issue")]
    NothingToIssue,
    /// A draft is no certificate.
    #[error("the certificate could not be made")]
    Certificate(#[from] cert::CertError),
    /// The disk is full.
    #[error("the disk that holds the store is full; nothing was written. Make room, then try again")]
    Full,
    /// The disk itself fails, which is also what one looks like that was made read-only under a running server.
    #[error(
        "the disk that holds the store fails, or was made read-only; no certificate was made. The system's log says why: \
         mend that, and look at what is stored before you try again"
    )]
    Disk(#[source] Arc<rusqlite::Error>),
    /// The store cannot be written.
    #[error("the store cannot be written: its file or file system is read-only. Make it writable, then try again")]
    ReadOnly,
    /// What is stored makes no sense.
    #[error("the store is damaged: {0}. Stop the server and restore the store from its backup")]
    Damaged(String),
    /// Anything else that SQLite says.
    #[error("the store could not be read or written; no certificate was made. The server's log says why")]
    Database(#[source] Arc<rusqlite::Error>),
}

impl StoreError {
    /// Whether the store itself failed, rather than refused this one command.
    pub const fn is_failure(&self) -> bool {
        matches!(
            self,
            Self::Full | Self::Disk(_) | Self::ReadOnly | Self::Damaged(_) | Self::Database(_) | Self::Closed
        )
    }

    pub(crate) fn damaged(what: impl ToString) -> Self {
        Self::Damaged(what.to_string())
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        // The index of the log is extended by writing to it, which fails for want of room: to SQLite an I/O error.
        let no_room_for_the_index = error.sqlite_extended_error_code() == Some(ffi::SQLITE_IOERR_SHMSIZE);
        match (&error, error.sqlite_error_code()) {
            (_, Some(ErrorCode::DiskFull)) => Self::Full,
            (_, Some(ErrorCode::SystemIoFailure)) if no_room_for_the_index => Self::Full,
            (_, Some(ErrorCode::SystemIoFailure)) => Self::Disk(Arc::new(error)),
            (_, Some(ErrorCode::ReadOnly)) => Self::ReadOnly,
            (_, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)) => Self::damaged(&error),
            (rusqlite::Error::FromSqlConversionFailure(..) | rusqlite::Error::InvalidColumnType(..), _) => {
                Self::damaged(&error)
            }
            _ => Self::Database(Arc::new(error)),
        }
    }
}

impl From<ledger::DecodeError> for StoreError {
    fn from(error: ledger::DecodeError) -> Self {
        Self::damaged(error)
    }
}

/// Why a store was not opened or made.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No store is there.
    #[error("there is no store at {0}; make one with `hallpassd init`")]
    Missing(PathBuf),
    /// A store is there.
    #[error("there is a store at {0} already; choose an empty directory")]
    Exists(PathBuf),
    /// One server per store.
    #[error("another hallpassd has the store: {0} is locked. Stop that one first")]
    InUse(PathBuf),
    /// A file could not be opened, made or synced.
    #[error("{path} could not be used; check that it is a file that the server's user can read and write")]
    File {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Written by a newer hallpassd.
    #[error("the store has schema {found}, this hallpassd knows up to {known}; use the newer hallpassd again")]
    Newer {
        /// The schema of the store.
        found: u64,
        /// The newest schema that is known here.
        known: u64,
    },
    /// No copy, no migration.
    #[error("the store could not be copied to {path} before its migration, so it was left as it is; is the disk full?")]
    Copy {
        /// Where the copy should be.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// A migration failed and was undone.
    #[error("the store could not be brought to schema {to} and was left as it is")]
    Migration {
        /// The schema that was tried.
        to: u64,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// `init` was cut off.
    #[error("the store was never finished; remove its directory and run `hallpassd init` again")]
    Unfinished,
    /// The ledger belongs to another server, or its last checkpoint to another key.
    #[error(
        "the ledger in this store is not signed by this ledger key for `{0}`; check name and key in hallpassd.toml"
    )]
    OtherLedger(domain::Origin),
    /// Reads would have to wait for writes.
    #[error("the file system of {0} cannot hold a write-ahead log; put the store on a local disk")]
    NoWal(PathBuf),
    /// The store cannot be read or written.
    #[error("the store could not be opened")]
    Store(#[from] StoreError),
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}
