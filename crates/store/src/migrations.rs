//! The schema: a list of migrations that only grows. A store of an older schema is copied before it is changed.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;

use rusqlite::Connection;

use crate::error::OpenError;
use crate::files::{Files, file_error};

/// Each brings the schema from its place in the list to the next number. Never change one that was released.
pub(crate) const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
    include_str!("migrations/0004.sql"),
    include_str!("migrations/0005.sql"),
    include_str!("migrations/0006.sql"),
    include_str!("migrations/0007.sql"),
    include_str!("migrations/0008.sql"),
];

/// Brings the store to the newest schema of the list.
pub(crate) fn migrate(connection: &mut Connection, files: &Files, migrations: &[&str]) -> Result<(), OpenError> {
    let known = u64::try_from(migrations.len()).unwrap_or(u64::MAX);
    let found: u64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > known {
        return Err(OpenError::Newer { found, known });
    }
    if found > 0 && found < known {
        copy(connection, files, found)?;
    }
    for (to, sql) in (1u64..).zip(migrations).filter(|(to, _)| *to > found) {
        apply(connection, to, sql).map_err(|source| OpenError::Migration { to, source })?;
    }
    if found > 0 && found < known {
        tracing::info!(schema = known, "brought the store to a newer schema");
    }
    Ok(())
}

fn apply(connection: &mut Connection, to: u64, sql: &str) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(sql)?;
    transaction.pragma_update(None, "user_version", to)?;
    transaction.commit()
}

/// Copies the store beside itself. The copy gets its name only once it is whole and on disk.
fn copy(connection: &Connection, files: &Files, schema: u64) -> Result<(), OpenError> {
    let whole = files.copy_of(schema);
    let part = whole.with_added_extension("part");
    let make = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part);
    let file = make.map_err(|source| file_error(&part, source))?;
    connection
        .execute("VACUUM INTO ?1", [part.to_string_lossy()])
        .map_err(|source| OpenError::Copy { path: whole.clone(), source })?;
    file.sync_all().map_err(|source| file_error(&part, source))?;
    fs::rename(&part, &whole).map_err(|source| file_error(&whole, source))?;
    files.sync_directory()
}
