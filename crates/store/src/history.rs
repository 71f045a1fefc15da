//! Looking back: requests since a time, the oldest first, a page at a time.

use domain::UnixTime;
use rusqlite::{Connection, params};

use crate::StoreError;
use crate::reading::{self, StoredRequest};

/// The requests since a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// The first entry that can be one.
    pub from: u64,
    /// How many there are.
    pub requests: u64,
}

/// Once a page holds this many bytes of text it ends: a ruling can name thousands of hosts.
const FULL: usize = 512 * 1024;

/// The requests since a time. Times of entries never go back, so the first is found without looking at all.
pub(crate) fn since(connection: &Connection, time: UnixTime) -> Result<Stretch, StoreError> {
    let size: u64 = connection.query_row("SELECT coalesce(max(idx) + 1, 0) FROM entries", [], |row| row.get(0))?;
    let mut time_of = connection.prepare_cached("SELECT time FROM entries WHERE idx = ?1")?;
    let (mut from, mut end) = (0, size);
    while from < end {
        let middle = from + (end - from) / 2;
        let seconds: u64 = time_of.query_row([middle], |row| row.get(0))?;
        if seconds < time.seconds() { from = middle + 1 } else { end = middle }
    }
    let mut count = connection.prepare_cached("SELECT count(*) FROM requests WHERE entry >= ?1")?;
    Ok(Stretch { from, requests: count.query_row([from], |row| row.get(0))? })
}

/// Up to `limit` requests from this entry on, the oldest first; fewer when they are long, and none only at the end.
pub(crate) fn page(connection: &Connection, from: u64, limit: u32) -> Result<Vec<StoredRequest>, StoreError> {
    let mut select =
        connection.prepare_cached(&format!("{} WHERE entry >= ?1 ORDER BY entry LIMIT ?2", reading::SELECT))?;
    let mut rows = select.query(params![from, limit])?;
    let (mut page, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let request = reading::with_decisions(connection, row)?;
        bytes += length(&request);
        page.push(request);
        if bytes >= FULL {
            break;
        }
    }
    Ok(page)
}

fn length(request: &StoredRequest) -> usize {
    let decisions = request.decisions.iter().map(|decision| decision.statement.text.len());
    let rebinds = request.rebinds.iter().map(|act| act.text.len());
    request.statement.text.len() + request.ruling.len() + decisions.chain(rebinds).sum::<usize>()
}
