//! Reading entries of the ledger.

use domain::Digest;
use ledger::{Entry, EntryKind, Envelope, Payload};
use rusqlite::{Connection, Row, params};

use crate::StoreError;
use crate::columns::Column;

/// Up to `limit` entries from this index on.
pub(crate) fn read(connection: &Connection, from: u64, limit: u32) -> Result<Vec<Entry>, StoreError> {
    let sql = "SELECT idx, kind, time, content, salt, payload FROM entries WHERE idx >= ?1 ORDER BY idx LIMIT ?2";
    // Past what SQLite can count, there is no entry.
    let from = i64::try_from(from).unwrap_or(i64::MAX);
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query(params![from, limit])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        entries.push(entry(row)?);
    }
    Ok(entries)
}

fn entry(row: &Row<'_>) -> Result<Entry, StoreError> {
    let kind = EntryKind::from_number(row.get(1)?)?;
    let Column(time) = row.get(2)?;
    let Column(content): Column<Digest> = row.get(3)?;
    let (salt, payload): ([u8; 32], Vec<u8>) = (row.get(4)?, row.get(5)?);
    let index = row.get(0)?;
    if Envelope::content_of(&salt, &payload) != content {
        return Err(StoreError::Damaged(format!("entry {index} is not what was written")));
    }
    Ok(Entry { index, time, salt, payload: Payload::decode(kind, &payload)? })
}

/// Decodes a payload that was read beside other columns.
pub(crate) fn payload(kind: EntryKind, row: &Row<'_>, column: usize) -> Result<Payload, StoreError> {
    let bytes = row.get_ref(column)?.as_blob().map_err(StoreError::damaged)?;
    Ok(Payload::decode(kind, bytes)?)
}
