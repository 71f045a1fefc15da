//! Every checkpoint that was signed: one with each commit that wrote an entry.

use domain::{Digest, Origin};
use ledger::{Checkpoint, SignedCheckpoint};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::StoreError;
use crate::columns::Column;

pub(crate) fn insert(connection: &Connection, signed: &SignedCheckpoint) -> Result<(), StoreError> {
    let sql = "INSERT INTO checkpoints (size, root, signature) VALUES (?1, ?2, ?3)";
    let Checkpoint { size, root, .. } = &signed.checkpoint;
    connection.prepare_cached(sql)?.execute(params![size, root.as_bytes(), signed.signature])?;
    Ok(())
}

/// The checkpoint of this size, if one was signed.
pub(crate) fn at(connection: &Connection, origin: &Origin, size: u64) -> Result<Option<SignedCheckpoint>, StoreError> {
    let Ok(asked) = i64::try_from(size) else { return Ok(None) };
    let mut select = connection.prepare_cached("SELECT size, root, signature FROM checkpoints WHERE size = ?1")?;
    Ok(select.query_row([asked], |row| read(row, origin)).optional()?)
}

/// The latest checkpoint.
pub(crate) fn latest(connection: &Connection, origin: &Origin) -> Result<Option<SignedCheckpoint>, StoreError> {
    let sql = "SELECT size, root, signature FROM checkpoints ORDER BY size DESC LIMIT 1";
    Ok(connection.query_row(sql, [], |row| read(row, origin)).optional()?)
}

fn read(row: &Row<'_>, origin: &Origin) -> rusqlite::Result<SignedCheckpoint> {
    let Column::<Digest>(root) = row.get(1)?;
    let checkpoint = Checkpoint { origin: origin.clone(), size: row.get(0)?, root };
    Ok(SignedCheckpoint { checkpoint, signature: row.get(2)? })
}
