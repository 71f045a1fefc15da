//! Moving the write-ahead log into the database beside the writer, whose commits need not wait for it.
//!
//! SQLite would do it inside a commit every 1,000 pages, with two more fsyncs: the tail of everybody's latency.

use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;
use rusqlite::hooks::Wal;

use crate::connection;
use crate::error::OpenError;
use crate::files::file_error;

/// After how many new pages of the log it is moved.
const EVERY: i32 = 1000;
/// At how many pages the writer helps. A log starts over only when all of it was moved between two commits, which under
/// steady load the background alone never reaches; what it left is little by then. 64 MiB.
const LONGEST: i32 = 16 * EVERY;

/// The thread that moves the log. Dropped after the writer, it closes the last connection, which removes the log.
pub(crate) struct Backfill {
    nudge: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Backfill {
    fn drop(&mut self) {
        self.nudge = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that moves the store's log ended in a panic");
        }
    }
}

/// Starts moving the log that this connection writes.
pub(crate) fn start(writer: &mut Connection, database: &Path) -> Result<Backfill, OpenError> {
    let (nudge, nudged) = sync_channel::<()>(1);
    let mover = connection::writer(database)?;
    let run = move || {
        while nudged.recv().is_ok() {
            move_log(&mover);
        }
    };
    let thread = std::thread::Builder::new().name("store-backfill".into()).spawn(run);
    let thread = thread.map_err(|source| file_error(database, source))?;
    let backfill = Backfill { nudge: Some(nudge.clone()), thread: Some(thread) };
    let mut moved_at = 0;
    // What the hook returns would become the answer of a commit that has happened: so nothing here can fail.
    writer.wal_hook(Some(move |log: &mut Wal, pages: i32| {
        if pages < moved_at {
            moved_at = 0;
        }
        if pages - moved_at >= EVERY {
            moved_at = pages;
            // A nudge that is waiting already will do.
            nudge.try_send(()).ok();
        }
        if pages >= LONGEST {
            log.checkpoint().ok();
        }
        Ok(())
    }))?;
    Ok(backfill)
}

/// Moves what can be moved without making anybody wait; the rest comes with the next nudge.
fn move_log(mover: &Connection) {
    if let Err(error) = mover.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
        tracing::warn!(%error, "the store's log could not be moved into its database; it grows until it can be");
    }
}
